# test/python/test_cli_encode_parts.py - encode: parts of a limited size, partitions, and what is left after a failure

import os
import pathlib
import random
import resource
import signal
import tempfile
import time

import pytest
from conftest import GOOD_LINE, SEED, SOAK
from encode_logs import check_metadata, line, random_log, read, sha256, without_marker

DAY = 24 * 3600 * 1000


def avro_files(here):
    """All Avro files below the directory, by their path from there."""
    return sorted(str(path.relative_to(here.path)) for path in here.path.rglob("*.avro"))


def everything(here):
    """All there is, hidden files and directories included."""
    return sorted(str(path.relative_to(here.path)) for path in here.path.rglob("*"))


def users(records):
    return [record["user_id"] for record in records]


def limit_files(size):
    """What a full disk stands for: files cannot grow beyond this size."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


# Parts


@pytest.mark.parametrize("codec", ["null", "snappy"])
def test_parts_together_are_the_whole(here, codec):
    log = random_log(random.Random(SEED), 60000, bad=0, long=0)
    here.write("a.txt", log)
    here.run_ok("encode", "--codec", codec, "-o", "whole.avro", "a.txt")
    result = here.run_ok("encode", "--codec", codec, "-o", "a.avro", "--max-file-size", "512kB",
                         "a.txt")
    parts = [name for name in avro_files(here) if name != "whole.avro"]
    assert parts == [f"a-{i + 1:05}.avro" for i in range(len(parts))] and len(parts) > 2
    assert f"-> {len(parts)} files, a-00001.avro to {parts[-1]}\n" in result.err
    lines = log.splitlines(keepends=True)
    together = []
    for name in parts:
        records, metadata = read(here.path / name)
        size = (here.path / name).stat().st_size
        assert size <= 512 * 1024
        assert size > 300 * 1024 or name == parts[-1]
        check_metadata(records, metadata)
        own = lines[len(together):len(together) + len(records)]
        assert metadata["clickstream.source_sha256"] == sha256(b"".join(own))
        together += records
    assert together == read(here.path / "whole.avro")[0]


def test_one_part_is_the_whole_log(here):
    """Also one without a line, and one of refused lines: their sum is that of all bytes."""
    for log in (b"", b"bad\n" * 3, GOOD_LINE + b"bad"):
        here.write("a.txt", log)
        here.run_ok("encode", "--force", "--max-rejects", 5, "--max-file-size", "1MB", "a.txt")
        assert avro_files(here) == ["a-00001.avro"]
        assert read(here.path / "a-00001.avro")[1]["clickstream.source_sha256"] == sha256(log)


def test_part_of_an_earlier_run(here):
    """A part that would be read with ours, and is not of this run, is told."""
    log = random_log(random.Random(SEED), 30000, bad=0)
    here.write("a.txt", log)
    here.run_ok("encode", "--codec", "null", "--max-file-size", "512kB", "--max-rejects", 99,
                "a.txt")
    here.write("a.txt", GOOD_LINE)
    result = here.run_ok("encode", "--force", "--max-file-size", "512kB", "a.txt")
    assert 'warning: "a-00002.avro" is not of this run' in result.err
    here.write("date=2024-03-10/a-00002.avro", b"old")
    result = here.run_ok("encode", "--partition", "day", "-o", ".", "--max-file-size", "512kB",
                         "a.txt")
    assert 'warning: "./date=2024-03-10/a-00002.avro" is not of this run' in result.err


def test_part_that_is_there(here):
    here.write("a.txt", random_log(random.Random(SEED), 30000, bad=0, long=0))
    here.write("a-00003.avro", b"precious")
    result = here.run("encode", "--codec", "null", "--max-file-size", "512kB", "a.txt")
    assert result.code == 1
    assert 'could not create "a-00003.avro": file exists' in result.err
    assert everything(here) == ["a-00003.avro", "a.txt"]


@pytest.mark.parametrize("size, message", [
    ("10kB", "less than 512 kB"), ("x", "not a size"), ("-1", "not a size"),
])
def test_size_refused(here, size, message):
    here.write("a.txt", GOOD_LINE)
    result = here.run("encode", f"--max-file-size={size}", "a.txt")
    assert result.code == 1 and message in result.err
    assert everything(here) == ["a.txt"]


# Partitions


def expected_partitions(log, hours):
    """For each directory the good lines that belong into it, by their text."""
    found = {}
    for text in log.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True):
        fields = text.rstrip(b"\r\n").split(b" ")
        try:
            text.decode()
        except UnicodeDecodeError:
            continue
        if len(fields) != 4 or len(fields[0]) != 24 or fields[0][11:13] > b"23" or b"\x01" in text:
            continue
        day, hour = fields[0][:10].decode(), fields[0][11:13].decode()
        name = f"date={day}/hour={hour}" if hours else f"date={day}"
        found.setdefault(name, []).append(text)
    return found


@pytest.mark.parametrize("span", ["day", "hour"])
@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("seed", range(20 if SOAK else 3))
def test_partitions(here, span, jobs, seed):
    """Each line is in its hour's file, in the log's order; late ones in the same."""
    log = random_log(random.Random(f"{SEED} {seed}"), 20000)
    here.write("logs/a.txt", log)
    (here.path / "out").mkdir()
    result = here.run_ok("encode", "-j", jobs, "--partition", span, "-o", "out", "--max-rejects",
                         100000, "logs/a.txt")
    expected = expected_partitions(log, span == "hour")
    assert avro_files(here) == sorted(f"out/{name}/a.avro" for name in expected)
    assert f"-> {len(expected)} files in out/\n" in result.err
    for name, lines in expected.items():
        records, metadata = read(here.path / "out" / name / "a.avro")
        assert users(records) == [text.split()[3].decode() for text in lines]
        assert metadata["clickstream.source_sha256"] == sha256(b"".join(lines))
        check_metadata(records, metadata)


def test_partitions_by_utc(here):
    here.write("a.txt", b"2024-03-10T00:30:00+01:00 GET / u1\n2024-03-09T23:59:59.999Z GET / u2\n"
                        b"1969-12-31T23:59:59.999Z GET / u3\n")
    here.run_ok("encode", "--partition", "hour", "-o", ".", "a.txt")
    assert avro_files(here) == ["date=1969-12-31/hour=23/a.avro", "date=2024-03-09/hour=23/a.avro"]
    assert users(read(here.path / "date=2024-03-09/hour=23/a.avro")[0]) == ["u1", "u2"]


def test_many_partitions(here):
    """More days than files are open at a time, in any order, and more than is held back."""
    numbers = random.Random(SEED)
    lines = [line(numbers.randrange(120 * DAY), f"/{'p' * 250}", f"u{i}") for i in range(50000)]
    here.write("a.txt", b"".join(lines))
    here.run_ok("encode", "--codec", "snappy", "--partition", "day", "-o", ".", "a.txt")
    expected = expected_partitions(b"".join(lines), False)
    assert avro_files(here) == sorted(f"{name}/a.avro" for name in expected)
    assert len(expected) == 120
    for name, own in expected.items():
        records, metadata = read(here.path / name / "a.avro")
        assert users(records) == [text.split()[3].decode() for text in own]
        assert metadata["clickstream.source_sha256"] == sha256(b"".join(own))


def test_too_many_partitions(here):
    """In memory where that can be: thousands of directories take their time on a disk."""
    memory = pathlib.Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else here.path
    here.write("a.txt", b"".join(line(i * DAY, "/", "u") for i in range(5001)))
    with tempfile.TemporaryDirectory(dir=place) as directory:
        result = here.run("encode", "--partition", "day", "-o", directory, "a.txt")
        assert result.code == 2
        assert "lines of more than 5000 days" in result.err
        assert os.listdir(directory) == []


def test_parts_of_partitions(here):
    log = random_log(random.Random(SEED), 60000, bad=0, long=0, hours=40)
    here.write("a.txt", log)
    here.run_ok("encode", "--codec", "null", "--partition", "day", "--max-file-size", "512kB",
                "-o", ".", "a.txt")
    for name, own in expected_partitions(log, False).items():
        parts = sorted((here.path / name).iterdir())
        assert [path.name for path in parts] == [f"a-{i + 1:05}.avro" for i in range(len(parts))]
        assert len(parts) > 1
        start = 0
        for path in parts:
            records, metadata = read(path)
            assert path.stat().st_size <= 512 * 1024
            lines = own[start:start + len(records)]
            assert users(records) == [text.split()[3].decode() for text in lines]
            assert metadata["clickstream.source_sha256"] == sha256(b"".join(lines))
            start += len(records)
        assert start == len(own)


def test_several_logs_in_partitions(here):
    here.write("a.txt", GOOD_LINE)
    here.write("b.txt", GOOD_LINE * 2)
    here.run_ok("encode", "--partition", "day", "-o", ".", "a.txt", "b.txt")
    assert avro_files(here) == ["date=2024-03-10/a.avro", "date=2024-03-10/b.avro"]


@pytest.mark.parametrize("options, message", [
    ([], '"-o DIR"'), (["-o", "x.avro"], '"x.avro" is none'),
])
def test_partition_needs_a_directory(here, options, message):
    here.write("a.txt", GOOD_LINE)
    result = here.run("encode", "--partition", "day", *options, "a.txt")
    assert result.code == 1 and message in result.err
    assert everything(here) == ["a.txt"]


def test_file_where_a_directory_is_needed(here):
    here.write("a.txt", GOOD_LINE)
    here.write("date=2024-03-10", b"precious")
    result = here.run("encode", "--partition", "hour", "-o", ".", "a.txt")
    assert result.code == 1
    assert 'could not create the directory "./date=2024-03-10": File exists' in result.err
    assert here.read("date=2024-03-10") == b"precious"


# Failures


LAYOUTS = {
    "one": ["-o", "out/a.avro"],
    "parts": ["-o", "out/a.avro", "--max-file-size", "512kB"],
    "hours": ["-o", "out", "--partition", "hour"],
    "parts of days": ["-o", "out", "--partition", "day", "--max-file-size", "512kB"],
}


def ready(here, seed=0, lines=60000):
    """A log to be encoded into a directory."""
    here.write("a.txt", random_log(random.Random(f"{SEED} {seed}"), lines, bad=0, long=0))
    (here.path / "out").mkdir()


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_full_disk(here, layout, jobs):
    ready(here)
    before = everything(here)
    result = here.run("encode", "-j", jobs, "--codec", "null", *LAYOUTS[layout], "a.txt",
                      preexec_fn=limit_files(50000))
    assert result.code == 3
    assert "could not write: File too large" in result.err
    assert everything(here) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_late_bad_line(here, layout):
    """Whatever was written before it is gone, directories too; those that were there stay."""
    ready(here)
    with open(here.path / "a.txt", "ab") as log:
        log.write(b"\nbad\n")
    (here.path / "out/date=2024-03-01").mkdir()
    before = everything(here)
    result = here.run("encode", "--codec", "null", *LAYOUTS[layout], "a.txt")
    assert result.code == 2
    assert everything(here) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_interrupt(here, layout):
    """While more is awaited of a pipe, a signal ends the work and leaves nothing."""
    ready(here)
    os.mkfifo(here.path / "pipe.txt")
    before = everything(here)
    process = here.start("encode", "-j", 2, *LAYOUTS[layout], "pipe.txt")
    with open(here.path / "pipe.txt", "wb") as pipe:
        pipe.write(here.read("a.txt"))
        for _ in range(1200):
            if any(".tmp" in name for name in everything(here)):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert err == b"clickstream: error: interrupted\n"
    assert everything(here) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed(here, layout):
    """Killed at any moment, nothing stands under its name that is not whole; the next run works."""
    numbers = random.Random(f"{SEED} {layout}")
    ready(here)
    command = ["encode", "-j", 2, "--codec", "snappy", "--force", *LAYOUTS[layout], "a.txt"]
    start = time.monotonic()
    here.run_ok(*command)
    duration = time.monotonic() - start
    expected = {name: without_marker(here.path / name) for name in avro_files(here)}
    killed = 0
    for _ in range(50 if SOAK else 6):
        for name in avro_files(here):
            (here.path / name).unlink()
        process = here.start(*command)
        time.sleep(numbers.uniform(0, 1.2 * duration))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        for name in avro_files(here):
            assert without_marker(here.path / name) == expected[name]
    here.run_ok(*command)
    assert {name: without_marker(here.path / name) for name in avro_files(here)} == expected
    assert killed > 0
