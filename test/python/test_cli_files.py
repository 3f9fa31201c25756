# test/python/test_cli_files.py - encode: which files are read and written, and what is left behind

import base64
import json
import os
import resource
import signal
import subprocess
import time

import fastavro
import pytest
from conftest import GOOD_LINE, measures_memory

BAD_LINE = b"not a log line\n"


def count_records(path):
    with open(path, "rb") as file:
        return sum(1 for _ in fastavro.reader(file))


def user_ids(path):
    with open(path, "rb") as file:
        return [record["user_id"] for record in fastavro.reader(file)]


# Names


@pytest.mark.parametrize("log, avro", [
    ("http_log.txt", "http_log.avro"),
    ("http_log", "http_log.avro"),
    ("a.b.c", "a.b.avro"),
    (".hidden", ".hidden.avro"),
    ("dir.d/log", "dir.d/log.avro"),
    ("dir.d/log.txt", "dir.d/log.avro"),
])
def test_name_beside_the_log(here, log, avro):
    here.write(log, GOOD_LINE)
    result = here.run_ok("encode", log)
    assert result.err == f"{log}: read 1 line = 1 written + 0 rejected -> {avro}\n"
    assert count_records(here.path / avro) == 1


def test_several_logs_beside(here):
    for name in "ab":
        here.write(f"{name}.txt", GOOD_LINE)
    here.run_ok("encode", "a.txt", "b.txt")
    assert here.names() == ["a.avro", "a.txt", "b.avro", "b.txt"]


def test_several_logs_into_one(here):
    """In the order given; a last line without line feed does not run into the next file."""
    here.write("b.txt", b"\xef\xbb\xbf2024-03-10T08:00:00Z GET / b")
    here.write("a.txt", b"\xef\xbb\xbf2024-03-10T08:00:00Z GET / a\n")
    result = here.run_ok("encode", "-o", "all.avro", "b.txt", "a.txt")
    assert user_ids(here.path / "all.avro") == ["b", "a"]
    assert result.err == ("b.txt: read 1 line = 1 written + 0 rejected -> all.avro\n"
                          "a.txt: read 1 line = 1 written + 0 rejected -> all.avro\n")


@pytest.mark.parametrize("output", ["out", "out/"])
def test_directory(here, output):
    here.write("logs/a.txt", GOOD_LINE)
    here.write("b.txt", GOOD_LINE)
    (here.path / "out").mkdir()
    here.run_ok("encode", "-o", output, "logs/a.txt", "b.txt")
    assert sorted(os.listdir(here.path / "out")) == ["a.avro", "b.avro"]


def test_missing_directory(here):
    here.write("a.txt", GOOD_LINE)
    result = here.run("encode", "-o", "out/", "a.txt")
    assert result.code == 1
    assert 'could not create "out/a.avro": No such file or directory' in result.err


def test_same_name_twice(here):
    here.write("x/a.txt", GOOD_LINE)
    here.write("y/a.txt", GOOD_LINE)
    (here.path / "out").mkdir()
    result = here.run("encode", "--force", "-o", "out", "x/a.txt", "y/a.txt")
    assert result.code == 1
    assert '"out/a.avro" is to be written twice' in result.err
    assert os.listdir(here.path / "out") == []


# Existing files


def test_existing_file_stays(here):
    here.write("a.txt", GOOD_LINE)
    here.write("a.avro", b"precious")
    result = here.run("encode", "a.txt")
    assert result.code == 1
    assert 'could not create "a.avro": file exists' in result.err and "--force" in result.err
    assert here.read("a.avro") == b"precious"
    here.run_ok("encode", "--force", "a.txt")
    assert count_records(here.path / "a.avro") == 1


def test_failure_keeps_the_file_that_force_would_replace(here):
    here.write("a.txt", BAD_LINE)
    here.write("a.avro", b"precious")
    assert here.run("encode", "--force", "a.txt").code == 2
    assert here.read("a.avro") == b"precious"
    assert here.names() == ["a.avro", "a.txt"]


def test_file_that_appears_meanwhile_stays(here):
    process = here.start("encode", "-o", "a.avro", "-", stdin=subprocess.PIPE)
    process.stdin.write(GOOD_LINE)
    process.stdin.flush()
    wait_until(lambda: any(name.endswith(".tmp") for name in here.names()))
    here.write("a.avro", b"precious")
    _, err = process.communicate()
    assert process.returncode == 1
    assert b'could not create "a.avro": file exists' in err
    assert here.names() == ["a.avro"] and here.read("a.avro") == b"precious"


@pytest.mark.parametrize("output", ["a.txt", "./a.txt", "link"])
def test_output_is_an_input(here, output):
    here.write("a.txt", GOOD_LINE)
    os.link(here.path / "a.txt", here.path / "link")
    result = here.run("encode", "--force", "-o", output, "a.txt")
    assert result.code == 1
    assert "is to be read and written" in result.err
    assert here.read("a.txt") == GOOD_LINE


def test_log_named_avro(here):
    here.write("a.avro", GOOD_LINE)
    assert here.run("encode", "--force", "a.avro").code == 1
    assert here.read("a.avro") == GOOD_LINE


@pytest.mark.parametrize("options", [["--rejects", "a.txt"], ["--rejects", "a.avro"]])
def test_rejects_file_is_another_file(here, options):
    here.write("a.txt", GOOD_LINE)
    assert here.run("encode", *options, "a.txt").code == 1
    assert here.names() == ["a.txt"]


@pytest.mark.parametrize("special", ["/dev/null", "/dev/full"])
def test_special_files_are_not_replaced(here, special):
    here.write("a.txt", GOOD_LINE)
    result = here.run("encode", "--force", "-o", special, "a.txt")
    assert result.code == 1
    assert "is not a regular file" in result.err


# Inputs


@pytest.mark.parametrize("name, message", [
    ("none.txt", 'could not open "none.txt": No such file or directory'),
    ("folder", 'could not read "folder": it is a directory'),
])
def test_unreadable_input(here, name, message):
    (here.path / "folder").mkdir()
    result = here.run("encode", name)
    assert result.code == 2
    assert message in result.err
    assert here.names() == ["folder"]


def test_forbidden_input(here):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    here.write("a.txt", GOOD_LINE).chmod(0)
    result = here.run("encode", "a.txt")
    assert result.code == 2
    assert 'could not open "a.txt": Permission denied' in result.err


def test_second_log_is_missing(here):
    here.write("a.txt", GOOD_LINE)
    result = here.run("encode", "a.txt", "b.txt")
    assert result.code == 2
    assert "None of the 2 Avro files was written" in result.err
    assert here.names() == ["a.txt"]


def test_standard_input(here):
    result = here.run_ok("encode", "-o", "a.avro", "-", data=GOOD_LINE * 3)
    assert result.err == "-: read 3 lines = 3 written + 0 rejected -> a.avro\n"
    assert count_records(here.path / "a.avro") == 3


@pytest.mark.parametrize("options", [[], ["-o", "."]])
def test_standard_input_needs_a_name(here, options):
    result = here.run("encode", *options, "-", data=GOOD_LINE)
    assert result.code == 1
    assert '"-o FILE" is needed' in result.err
    assert here.names() == []


def test_standard_input_once(here):
    assert here.run("encode", "-o", "a.avro", "-", "-", data=GOOD_LINE).code == 1


def test_dashes_end_options(here):
    here.write("--force", GOOD_LINE)
    here.run_ok("encode", "-o", "a.avro", "--", "--force")


# Rejects


def read_rejects(here, name):
    return [json.loads(line) for line in here.read(name).splitlines()]


def test_rejects_file(here):
    here.write("a.txt", GOOD_LINE + b"caf\xe9 \xc3\xa9\n" + GOOD_LINE)
    here.write("b.txt", b'say "hi\\"\n')
    result = here.run_ok("encode", "--rejects", "r.jsonl", "--max-rejects", 2, "a.txt", "b.txt")
    assert "rejected lines are in r.jsonl" in result.err
    first, second = read_rejects(here, "r.jsonl")
    assert (first["file"], first["line"]) == ("a.txt", 2)
    assert first["reason"] == "line is not valid UTF-8"
    assert first["text"] == "caf\ufffd é"
    assert base64.b64decode(first["bytes_base64"]) == b"caf\xe9 \xc3\xa9"
    assert (second["file"], second["line"], second["text"]) == ("b.txt", 1, 'say "hi\\"')
    assert "bytes_base64" not in second


def test_rejects_file_without_rejects(here):
    """It is there and empty: an older one is not taken for this run's."""
    here.write("a.txt", GOOD_LINE)
    here.write("r.jsonl", b"old\n")
    here.run_ok("encode", "--rejects", "r.jsonl", "a.txt")
    assert here.read("r.jsonl") == b""


def test_limit_passed(here):
    here.write("a.txt", BAD_LINE * 5)
    result = here.run("encode", "--rejects", "r.jsonl", "--max-rejects", 2, "a.txt")
    assert result.code == 2
    assert "a.txt: line 3: " in result.err
    assert "allowed by --max-rejects" in result.err
    assert [item["line"] for item in read_rejects(here, "r.jsonl")] == [1, 2, 3]
    assert here.names() == ["a.txt", "r.jsonl"]


def test_limit_is_for_all_logs(here):
    here.write("a.txt", BAD_LINE + GOOD_LINE)
    here.write("b.txt", BAD_LINE)
    result = here.run("encode", "--max-rejects", 1, "a.txt", "b.txt")
    assert result.code == 2
    assert "None of the 2 Avro files was written" in result.err
    assert here.names() == ["a.txt", "b.txt"]


def test_no_own_rejects_file_without_avro_file(here):
    here.write("a.txt", BAD_LINE * 2)
    assert here.run("encode", "--max-rejects", 1, "a.txt").code == 2
    assert here.names() == ["a.txt"]


def test_own_rejects_file_is_not_replaced(here):
    here.write("a.txt", BAD_LINE + GOOD_LINE)
    here.write("a.avro.rejects.jsonl", b"precious")
    result = here.run("encode", "--max-rejects", 1, "a.txt")
    assert result.code == 1 and "--force" in result.err
    assert here.read("a.avro.rejects.jsonl") == b"precious"
    here.run_ok("encode", "--force", "--max-rejects", 1, "a.txt")
    assert len(read_rejects(here, "a.avro.rejects.jsonl")) == 1


def test_all_lines_rejected(here):
    here.write("a.txt", BAD_LINE * 3)
    result = here.run_ok("encode", "--max-rejects", 3, "a.txt")
    assert "read 3 lines = 0 written + 3 rejected" in result.err
    assert count_records(here.path / "a.avro") == 0


# Failure while writing


def wait_until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")


def big_log():
    return b"".join(b"2024-03-10T08:00:00Z GET /%d%s u%d\n" % (i * i, os.urandom(8).hex().encode(), i)
                    for i in range(20000))


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_full_disk(here, codec):
    """A limit on the file's size stands for the full disk: an error, and nothing left."""
    here.write("a.txt", big_log())
    limit = 100000

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = here.run("encode", "--codec", codec, "a.txt", preexec_fn=limited)
    assert result.code == 3
    assert "could not write: File too large" in result.err
    assert here.names() == ["a.txt"]


def test_full_disk_for_rejects(here):
    here.write("a.txt", BAD_LINE * 20000)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

    result = here.run("encode", "--max-rejects", 20000, "a.txt", preexec_fn=limited)
    assert result.code == 3
    assert 'could not write "a.avro.rejects.jsonl": File too large' in result.err
    assert here.names() == ["a.txt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt(here, number):
    process = here.start("encode", "-o", "a.avro", "-", stdin=subprocess.PIPE)
    process.stdin.write(GOOD_LINE)
    process.stdin.flush()
    wait_until(lambda: any(name.endswith(".tmp") for name in here.names()))
    process.send_signal(number)
    process.wait(10)
    assert process.returncode == 4
    assert process.stderr.read() == b"clickstream: error: interrupted\n"
    assert here.names() == []


@measures_memory
def test_constant_memory(here):
    """A line of 200 MB and a log of many lines are read in little memory."""
    with open(here.path / "a.txt", "wb") as file:
        for _ in range(200):
            file.write(b"x" * 1000000)
        file.write(b"\n" + GOOD_LINE * 100000)

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (100 << 20, 100 << 20))

    here.run_ok("encode", "--max-rejects", 1, "a.txt", preexec_fn=limited)
    assert count_records(here.path / "a.avro") == 100000
