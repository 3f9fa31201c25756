# test/python/test_cli_follow.py - encode --follow: each line of a growing, rotated log goes once
# into a segment, whatever happens to the log and to us

import collections
import gzip
import json
import os
import random
import shutil
import signal
import time

import pytest
from conftest import SEED, SOAK

HANG_SECONDS = 60
TIME = "2024-03-10T08:00:00Z"


def line(number):
    return f"{TIME} GET /campaigns/{number} u{number}\n"


def append(here, name, text):
    with open(here.path / name, "a", encoding="utf-8") as file:
        file.write(text)


STARTED = []


@pytest.fixture(autouse=True)
def none_is_left():
    """Whatever becomes of a test, what it started ends."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=HANG_SECONDS)


def start(here, *options, log="access.log"):
    options = ("--segment-time", "0", *options)  # of two, the last one counts
    STARTED.append(here.start("encode", "--follow", "-o", "segments", *options, log))
    return STARTED[-1]


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    _, err = process.communicate(timeout=HANG_SECONDS)
    return process.returncode, err.decode()


def segments(here):
    return sorted(name for name in os.listdir(here.path / "segments") if name.endswith(".avro"))


def found(here):
    """How often each campaign is in the segments."""
    counts = collections.Counter()
    if not (here.path / "segments").exists():
        return counts
    names = [f"segments/{name}" for name in segments(here)]
    for at in range(0, len(names), 100):
        for record in here.run_ok("cat", *names[at:at + 100]).out.splitlines():
            counts[int(json.loads(record)["http_path"].split("/")[-1])] += 1
    return counts


def wait_until(condition):
    end = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def wait_for(here, numbers):
    expected = collections.Counter(numbers)
    wait_until(lambda: found(here) == expected or not (found(here) - expected == collections.Counter()))
    assert found(here) == expected


def follow_to(here, numbers, *options):
    """Run until these are there, then end it."""
    process = start(here, *options)
    try:
        wait_for(here, numbers)
    finally:
        code, err = stop(process)
    assert code == 0, err
    assert found(here) == collections.Counter(numbers)
    return err


def test_grows_and_goes_on(here):
    append(here, "access.log", line(1) + line(2))
    follow_to(here, [1, 2])
    append(here, "access.log", line(3) + line(3))
    err = follow_to(here, [1, 2, 3, 3])
    assert "read 2 lines = 2 written + 0 rejected -> segments/access.log-0000000" in err
    assert "the same command goes on from here" in err


def test_log_comes_later(here):
    process = start(here)
    time.sleep(0.3)
    append(here, "access.log", line(1))
    wait_for(here, [1])
    code, err = stop(process, signal.SIGINT)
    assert code == 0 and "is not there: waiting for it" in err


def test_half_a_line_waits(here):
    append(here, "access.log", line(1) + line(2)[:20])
    follow_to(here, [1])
    append(here, "access.log", line(2)[20:])
    follow_to(here, [1, 2])


def test_end_of_rotated_file(here):
    """Its last line needs no line feed, once the log has begun anew."""
    append(here, "access.log", line(1) + line(2)[:-1])
    follow_to(here, [1])
    os.rename(here.path / "access.log", here.path / "access.log.1")
    follow_to(here, [1])
    append(here, "access.log", line(3))
    follow_to(here, [1, 2, 3])


def test_segments_wait(here):
    """Without --segment-time 0 nothing is written at once, but at the end."""
    append(here, "access.log", line(1))
    process = start(here, "--segment-time", "3600")
    wait_until(lambda: (here.path / "segments/access.log.follow").exists())
    time.sleep(0.5)
    assert segments(here) == []
    append(here, "access.log", line(2))
    code, err = stop(process)
    assert code == 0, err
    assert found(here) == {1: 1, 2: 1} and len(segments(here)) == 1


def test_segment_size(here):
    append(here, "access.log", "".join(line(i) for i in range(30_000)))
    process = start(here, "--segment-time", "3600", "--segment-size", "256kB")
    wait_until(lambda: (here.path / "segments").exists() and len(segments(here)) >= 5)
    assert stop(process)[0] == 0
    assert found(here) == {i: 1 for i in range(30_000)}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dates", [False, True])
def test_rotated_while_not_running(here, compress, dates):
    """Several rotations, one in the middle of what was read."""
    append(here, "access.log", line(0) + line(1))
    follow_to(here, [0, 1])
    for number in range(2, 7):
        append(here, "access.log", line(number) * 2)
        rotated = f"access.log-2024030{number}" if dates else f"access.log.{9 - number}"
        os.rename(here.path / "access.log", here.path / rotated)
        if compress:
            compress_file(here, rotated)
    append(here, "access.log", line(7))
    follow_to(here, [0, 1, *range(2, 7), *range(2, 7), 7])
    follow_to(here, [0, 1, *range(2, 7), *range(2, 7), 7])


def compress_file(here, name):
    """As gzip does it: the same time, then the original goes."""
    path = here.path / name
    info = path.stat()
    with open(path, "rb") as file, gzip.open(f"{path}.gz", "wb") as out:
        shutil.copyfileobj(file, out)
    os.utime(f"{path}.gz", ns=(info.st_atime_ns, info.st_mtime_ns))
    path.unlink()


@pytest.mark.parametrize("first", ["", line(0), line(0)[:9]])
def test_compressed_while_it_waits(here, first):
    """A file that is open, and not read yet, becomes a compressed one."""
    append(here, "access.log", first)
    process = start(here, "--segment-time", "2")
    wait_until(lambda: (here.path / "segments/access.log.follow").exists())
    time.sleep(1.5)
    append(here, "access.log", line(0)[len(first):] + line(1))
    time.sleep(1.2)  # it is seen, and not due
    os.rename(here.path / "access.log", here.path / "access.log.1")
    compress_file(here, "access.log.1")
    append(here, "access.log", line(2))
    wait_for(here, [0, 1, 2])
    assert stop(process)[0] == 0
    follow_to(here, [0, 1, 2])


def test_old_files_are_left_alone(here):
    """What was rotated before we began is not ours."""
    append(here, "access.log.2", line(98))
    append(here, "access.log.1", line(99))
    append(here, "access.log.bak", line(97))
    append(here, "access.log", line(1))
    follow_to(here, [1])
    compress_file(here, "access.log.2")
    shutil.copy(here.path / "access.log", here.path / "access.log.old")
    os.rename(here.path / "access.log.1", here.path / "access.log.3")
    os.rename(here.path / "access.log", here.path / "access.log.1")
    append(here, "access.log", line(2))
    follow_to(here, [1, 2])


@pytest.mark.parametrize("running", [False, True])
def test_late_lines_of_an_old_file(here, running):
    """Of a file that was renamed before we began, what is still written to it is ours."""
    append(here, "access.log.1", line(98) + line(99)[:-1])
    append(here, "access.log", line(1))
    process = start(here) if running else None
    if running:
        wait_for(here, [1])
    else:
        follow_to(here, [1])
    append(here, "access.log.1", "\n" + line(2))
    if running:
        wait_for(here, [1, 99, 2])
        assert stop(process)[0] == 0
    compress_file(here, "access.log.1")
    follow_to(here, [1, 99, 2])


def test_unlinked_while_open(here):
    append(here, "access.log", line(1))
    process = start(here)
    wait_for(here, [1])
    with open(here.path / "access.log", "a", encoding="utf-8") as late:
        os.unlink(here.path / "access.log")
        late.write(line(2))
        late.flush()
        wait_for(here, [1, 2])
        append(here, "access.log", line(3))
        late.write(line(4)[:-1])
    wait_for(here, [1, 2, 3, 4])
    code, err = stop(process)
    assert code == 0 and "is gone" not in err


def test_file_that_is_gone(here):
    append(here, "access.log", line(1))
    follow_to(here, [1])
    os.unlink(here.path / "access.log")
    append(here, "access.log", line(2))
    err = follow_to(here, [1, 2])
    assert "a file of this log is gone of which" in err


@pytest.mark.parametrize("running", [False, True])
def test_copytruncate(here, running):
    """A log that is copied and cut off: the copy is known, and holds what was not read yet."""
    append(here, "access.log", "".join(line(i) for i in range(5)))
    process = start(here) if running else None
    if running:
        wait_for(here, range(5))
    else:
        follow_to(here, range(5))
        append(here, "access.log", line(5))
    shutil.copy2(here.path / "access.log", here.path / "access.log.1")
    if running:
        time.sleep(0.5)
    with open(here.path / "access.log", "r+", encoding="utf-8") as log:
        log.truncate(0)
    append(here, "access.log", "".join(line(i) for i in range(10, 40)))
    expected = [*range(6 if not running else 5), *range(10, 40)]
    if running:
        wait_for(here, expected)
        code, err = stop(process)
        assert code == 0, err
    else:
        follow_to(here, expected)


def test_cut_off_without_a_copy(here):
    append(here, "access.log", line(1) + line(2))
    process = start(here)
    wait_for(here, [1, 2])
    here.write("access.log", "")
    append(here, "access.log", line(3) + line(4) + line(5))  # longer than before
    wait_for(here, [1, 2, 3, 4, 5])
    code, err = stop(process)
    assert code == 0 and "a file of this log is gone of which" in err


def test_other_formats(here):
    append(here, "access.log", f'{{"timestamp": "{TIME}", "http_method": "GET",'
                               ' "http_path": "/campaigns/7", "user": null}\n')
    follow_to(here, [7], "--format", "json", "--field", "user_id=user")


def test_rejects(here):
    """Each segment has its own, under its name; the limit is that of a segment."""
    append(here, "access.log", line(1) + "bad 1\n" + line(2))
    follow_to(here, [1, 2], "--max-rejects", "1")
    append(here, "access.log", "bad 2\n" + line(3))
    follow_to(here, [1, 2, 3], "--max-rejects", "1")
    rejects = [json.loads(text) for name in sorted(here.path.glob("segments/*.rejects.jsonl"))
               for text in name.read_text().splitlines()]
    assert [(item["line"], item["text"]) for item in rejects] == [(2, "bad 1"), (4, "bad 2")]
    append(here, "access.log", "bad 3\n" + line(4))
    process = start(here)
    _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 2 and "line 6: line has 2 fields" in err.decode()
    follow_to(here, [1, 2, 3, 4], "--max-rejects", "1")


def test_what_a_kill_leaves(here):
    """Hidden files, and rejects whose segment never got its name: they are removed."""
    append(here, "access.log", line(1))
    follow_to(here, [1])
    for name in ("access.log-00000002.avro.rejects.jsonl", ".access.log-00000002.avro.0123456789abcdef.tmp",
                 ".access.log-00000002.avro.rejects.jsonl.0123456789abcdef.tmp"):
        here.write(f"segments/{name}", "left over\n")
    here.write("segments/access.log-00000001.avro.rejects.jsonl", "of a segment\n")
    append(here, "access.log", line(2))
    follow_to(here, [1, 2])
    assert sorted(os.listdir(here.path / "segments")) == [
        "access.log-00000001.avro", "access.log-00000001.avro.rejects.jsonl", "access.log-00000002.avro",
        "access.log.follow"]


def test_same_lines_in_two_segments(here):
    """They are not one source: their files name none."""
    for number in range(2):
        append(here, "access.log", line(1))
        follow_to(here, [1] * (number + 1))
    one, two = (json.loads(here.run_ok("inspect", "--format", "json", f"segments/{name}").out)
                for name in segments(here))
    assert "clickstream.source_sha256" not in {**one["metadata"], **two["metadata"]}
    assert one["metadata"]["clickstream.follow"] != two["metadata"]["clickstream.follow"]


def test_one_at_a_time(here):
    append(here, "access.log", line(1))
    append(here, "other.log", line(1))
    process = start(here)
    wait_for(here, [1])
    second = start(here)
    _, err = second.communicate(timeout=HANG_SECONDS)
    assert second.returncode == 1 and 'another "--follow" writes to it' in err.decode()
    assert stop(process)[0] == 0
    here.write("elsewhere/access.log", line(1))
    third = start(here, log="elsewhere/access.log")
    _, err = third.communicate(timeout=HANG_SECONDS)
    assert third.returncode == 1 and "holds segments of another log" in err.decode()
    fourth = start(here, log="other.log")
    _, err = fourth.communicate(timeout=HANG_SECONDS)
    assert fourth.returncode == 1 and 'holds segments of another log: "access.log"' in err.decode()
    assert segments(here) == ["access.log-00000001.avro"]


@pytest.mark.parametrize("kind, part", [("directory", "it is a directory"), ("fifo", "it is not a regular file")])
def test_what_is_no_file_is_refused(here, kind, part):
    if kind == "directory":
        here.path.joinpath("access.log").mkdir()
    else:
        os.mkfifo(here.path / "access.log")
    result = here.run("encode", "--follow", "-o", "segments", "access.log")
    assert result.code == 1 and part in result.err, result
    assert not here.path.joinpath("segments").exists()


@pytest.mark.parametrize("options, part", [
    (["access.log"], 'needs a directory to write segments to: "-o DIR"'),
    (["-o", "d", "-"], "takes one log, which has a name"),
    (["-o", "d", "a", "b"], "takes one log, which has a name"),
    (["-o", "d", "--partition", "day", "a"], "goes with none of"),
    (["-o", "d", "--force", "a"], "goes with none of"),
    (["-o", "d", "--segment-size", "x", "a"], "not a size"),
])
def test_usage(here, options, part):
    here.path.joinpath("d").mkdir()
    result = here.run("encode", "--follow", *options)
    assert result.code == 1 and part in result.err, result


@pytest.mark.parametrize("options", [["--segment-time", "5"], ["--segment-size", "5MB"]])
def test_options_of_follow_alone(here, options):
    here.write("a", line(1))
    result = here.run("encode", *options, "a")
    assert result.code == 1 and f'option "{options[0]}" goes with "--follow" only' in result.err
    assert not (here.path / "a.avro").exists()


class Writer:
    """Writes a log as a server does, in pieces, and has it rotated; by chance."""

    def __init__(self, here, chance):
        self.here, self.chance = here, chance
        self.written, self.rotations = 0, 0
        self.log = None
        self.open()

    def open(self):
        self.log = open(self.here.path / "access.log", "a", encoding="utf-8")  # pylint: disable=consider-using-with

    def write(self):
        for _ in range(self.chance.randrange(1, 20)):
            text = line(self.written)
            self.written += 1
            if self.chance.random() < 0.2:
                cut = self.chance.randrange(len(text))
                self.log.write(text[:cut])
                self.log.flush()
                text = text[cut:]
            self.log.write(text)
        if self.chance.random() < 0.8:
            self.log.flush()

    def rotate(self):
        for number in range(self.rotations, 0, -1):
            for ending in ("", ".gz"):
                path = self.here.path / f"access.log.{number}{ending}"
                if path.exists():
                    os.rename(path, self.here.path / f"access.log.{number + 1}{ending}")
        os.rename(self.here.path / "access.log", self.here.path / "access.log.1")
        self.rotations += 1
        if self.chance.random() < 0.5:
            self.write()  # to the old file still
        if self.chance.random() < 0.3:
            self.log.flush()
            time.sleep(self.chance.random() / 2)
        self.log.close()
        self.open()
        if self.chance.random() < 0.6 and (self.here.path / "access.log.2").exists():
            compress_file(self.here, "access.log.2")


@pytest.mark.parametrize("number", range(50 if SOAK else 2))
def test_killed_and_rotated(here, number):
    """Ten rotations, and SIGKILL at any moment: each line once."""
    chance = random.Random(SEED + number)
    writer = Writer(here, chance)
    process, kills = start(here), 0
    wait_until(lambda: (here.path / "segments/access.log.follow").exists())  # begun
    while writer.rotations < 10 or kills < 10:
        if process is None and chance.random() < 0.3:
            process = start(here)
        elif process is not None and chance.random() < 0.2:
            process.kill()
            process.communicate(timeout=HANG_SECONDS)
            process = None
            kills += 1
        writer.write()
        if chance.random() < 0.15:
            writer.rotate()
        time.sleep(chance.random() / 10)
    writer.log.close()
    if process is not None:
        process.kill()
        process.communicate(timeout=HANG_SECONDS)
    follow_to(here, range(writer.written))
    assert not [name for name in here.path.joinpath("segments").iterdir() if name.suffix == ".tmp"]
