# test/python/test_cli_progress.py - progress on a terminal and as JSON, messages as JSON, -v

import fcntl
import gzip
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest
from conftest import GOOD_LINE, PROGRAM

LINE = re.compile(r"verifying: (\d+) rows, (\S+ [kM]?B)( of (\S+ [kM]?B) \((\d+) %\))?, (\S+( [kM])?) rows/s, "
                  r"\d+:\d\d( left)?")
FIELDS = ["progress", "rows", "bytes", "total_bytes", "percent", "rows_per_second", "seconds",
          "seconds_left", "done"]
CLEAR = "\r\x1b[K"
HANG = 60  # seconds after which a test that waits gives up


class Terminal:
    """The program with a pseudo terminal as its standard error, and a pipe as its input."""

    def __init__(self, here, *arguments, columns=80, env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen([PROGRAM, *arguments], cwd=here.path, stderr=slave, env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.close(slave)
        self.text = ""

    def read_until(self, done):
        """Read what appears until done(text) is true, or the program is gone."""
        end = time.monotonic() + HANG
        while not done(self.text) and time.monotonic() < end:
            if not select.select([self.master], [], [], 1)[0]:
                continue
            try:
                self.text += os.read(self.master, 4096).decode()
            except OSError:  # the other end is closed
                return
        assert time.monotonic() < end, self.text

    def finish(self):
        """Close its input and read the rest."""
        self.process.stdin.close()
        self.read_until(lambda text: False)
        os.close(self.master)
        self.process.stdout.read()
        return self.process.wait(HANG)


@pytest.fixture(name="avro")
def avro_file(here):
    """The bytes of an Avro file with many blocks."""
    here.write("log", GOOD_LINE * 200_000)
    here.run_ok("encode", "log", "-o", "log.avro", "--codec", "null")
    return here.read("log.avro")


def lines_drawn(text):
    """What stood in the line, one after the other."""
    return [line.split("\r\n")[-1] for line in text.split(CLEAR)[1:]]


def test_line_on_a_terminal(here, avro):
    """A pipe: no total, and so no percentage."""
    terminal = Terminal(here, "verify", "-")
    terminal.process.stdin.write(avro[:len(avro) // 2])
    terminal.process.stdin.flush()
    terminal.read_until(lambda text: text.count(CLEAR) >= 4)
    first = lines_drawn(terminal.text)[:4]
    assert all(LINE.fullmatch(line) for line in first), first
    assert "of" not in first[-1] and "left" not in first[-1]
    assert int(LINE.fullmatch(first[-1])[1]) > 50_000
    terminal.process.stdin.write(avro[len(avro) // 2:])
    assert terminal.finish() == 0


def test_line_is_taken_away(here, avro):
    terminal = Terminal(here, "verify", "-")
    terminal.process.stdin.write(avro[:100_000])
    terminal.process.stdin.flush()
    terminal.read_until(lambda text: CLEAR in text)
    terminal.process.stdin.write(avro[100_000:])
    terminal.process.stdin.close()
    terminal.read_until(lambda text: text.endswith(CLEAR))
    assert terminal.process.wait(HANG) == 0
    assert terminal.process.stdout.read().startswith(b"-: OK, 200000 records")


@pytest.mark.parametrize("columns, limit", [(200, 79), (80, 79), (40, 39), (12, 11)])
def test_width(here, avro, columns, limit):
    terminal = Terminal(here, "verify", "-", columns=columns)
    terminal.process.stdin.write(avro[:300_000])
    terminal.process.stdin.flush()
    terminal.read_until(lambda text: text.count(CLEAR) >= 2)
    drawn = lines_drawn(terminal.text)
    assert 0 < max(map(len, drawn)) <= limit
    if columns < 20:
        assert {len(line) for line in drawn if line} == {limit}
    terminal.process.stdin.write(avro[300_000:])
    assert terminal.finish() == 0


def test_message_above_the_line(here, avro):
    """A message takes the line's place, and the line stands below it again."""
    broken = avro[:-1] + b"x"
    terminal = Terminal(here, "verify", "-")
    terminal.process.stdin.write(broken[:300_000])
    terminal.process.stdin.flush()
    terminal.read_until(lambda text: text.count(CLEAR) >= 2)
    terminal.process.stdin.write(broken[300_000:])
    assert terminal.finish() == 2
    assert re.search(re.escape(CLEAR) + r"clickstream: error: -: .*\r\n", terminal.text)
    for line in terminal.text.split("\r\n")[:-1]:
        assert line.split(CLEAR)[-1].startswith("clickstream: error: ")


def test_interrupt(here, avro):
    """The thread takes no signal away from the one that reads."""
    terminal = Terminal(here, "verify", "-")
    terminal.process.stdin.write(avro[:300_000])
    terminal.process.stdin.flush()
    terminal.read_until(lambda text: CLEAR in text)
    terminal.process.send_signal(signal.SIGINT)
    terminal.read_until(lambda text: "interrupted" in text)
    assert terminal.process.wait(HANG) == 4
    assert terminal.text.endswith(CLEAR + "clickstream: error: interrupted\r\n")


@pytest.mark.parametrize("option", [[], ["--progress=auto"], ["--progress=none"]])
def test_nothing_without_a_terminal(here, option, avro):  # pylint: disable=unused-argument
    assert here.run_ok("verify", *option, "log.avro").err == ""


def test_none_on_a_terminal(here, avro):
    terminal = Terminal(here, "verify", "--progress=none", "-")
    threading.Timer(1, terminal.process.stdin.write, [avro]).run()
    assert terminal.finish() == 0
    assert terminal.text == ""


def test_json(here, avro):
    """A pipe that makes it wait: a line each second, and the last one."""
    process = here.start("verify", "--progress=json", "-", stdin=subprocess.PIPE)
    process.stdin.write(avro[:300_000])
    process.stdin.flush()
    lines = [process.stderr.readline() for _ in range(2)]
    out, err = process.communicate(avro[300_000:], timeout=HANG)
    assert process.returncode == 0, err
    found = [json.loads(line) for line in lines + err.splitlines()]
    assert out.startswith(b"-: OK, 200000 records")
    assert all(list(line) == FIELDS for line in found)
    assert [line["done"] for line in found] == [False] * (len(found) - 1) + [True]
    assert all(line["total_bytes"] is None and line["percent"] is None for line in found)
    assert found[0]["seconds"] >= 1 and found[1]["seconds"] >= 2
    assert found[-1]["rows"] == 200_000
    assert found[-1]["bytes"] == len(avro)
    assert 0 < found[1]["bytes"] <= 300_000


def test_json_of_a_file(here, avro):
    result = here.run_ok("verify", "--progress=json", "log.avro")
    line = json.loads(result.err.splitlines()[-1])
    assert line["total_bytes"] == line["bytes"] == len(avro)
    assert (line["percent"], line["seconds_left"], line["done"]) == (100, 0, True)
    assert line["rows"] == 200_000


@pytest.fixture(name="loads")
def files_to_load(here, database):
    """Files of all kinds, and the table for them: (name, rows) each."""
    here.write("small", GOOD_LINE * 100)
    here.write("large", GOOD_LINE * 30_000)
    here.run_ok("encode", "small", "-o", "small.avro")
    here.run_ok("encode", "large", "-o", "large.avro", "--codec", "null")
    csv = b"timestamp,http_method,http_path,user_id\n" + b"2024-03-10T08:00:00Z,GET,/,u\n" * 20
    here.write("f.csv", csv)
    here.write("f.csv.gz", gzip.compress(csv + b"2024-03-10T08:00:00Z,GET,/,v\n"))
    database.sql("TRUNCATE http_log; DELETE FROM load_batch")
    return [("small.avro", 100), ("large.avro", 30_000), ("f.csv", 20), ("f.csv.gz", 21)]


def last_progress(here, database, *arguments):
    """What the last line of progress says of a load that succeeds."""
    result = here.run_ok("load", "--progress=json", *arguments, env=database.environment)
    found = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")]
    assert [line["done"] for line in found] == [False] * (len(found) - 1) + [True]
    return found[-1]


def expect_all(line, rows, size):
    assert (line["rows"], line["bytes"], line["total_bytes"], line["percent"]) == (rows, size, size, 100), line


def size_of(here, *names):
    return sum(os.path.getsize(here.path / name) for name in names)


def test_loads_end_with_all_bytes(here, database, loads):
    for name, rows in loads:
        expect_all(last_progress(here, database, name), rows, size_of(here, name))
        expect_all(last_progress(here, database, name), 0, 0)


@pytest.mark.parametrize("options", [[], ["--jobs=2", "--batch=5000"], ["--batch=5000"], ["--dry-run"], ["--truncate"]])
def test_load_of_all_ends_with_all_bytes(here, database, loads, options):
    names = [name for name, _ in loads]
    expect_all(last_progress(here, database, *options, *names), sum(rows for _, rows in loads),
               size_of(here, *names))


def test_load_of_the_rest_ends_with_its_bytes(here, database, loads):
    """Files that were loaded before are passed over, and not part of the total."""
    here.run_ok("load", "small.avro", "f.csv", env=database.environment)
    expect_all(last_progress(here, database, "--jobs=2", *(name for name, _ in loads)), 30_021,
               size_of(here, "large.avro", "f.csv.gz"))


def test_load_tried_again_counts_once(here, database, loads):  # pylint: disable=unused-argument
    """What an attempt did that failed is done again, and counted again."""
    database.sql("""CREATE SEQUENCE tries;
        CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') = 1 THEN RAISE 'once' USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$;
        CREATE TRIGGER once AFTER INSERT ON http_log EXECUTE FUNCTION fail_once()""")
    try:
        expect_all(last_progress(here, database, "large.avro"), 30_000, size_of(here, "large.avro"))
        assert database.sql("SELECT last_value FROM tries") == [["2"]]
    finally:
        database.sql("DROP FUNCTION fail_once CASCADE; DROP SEQUENCE tries")


def test_no_line_below_the_last_message(here, database, loads):  # pylint: disable=unused-argument
    """What a load says last stands where the line stood."""
    database.sql("""CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
        CREATE TRIGGER slow AFTER INSERT ON http_log EXECUTE FUNCTION slow()""")
    try:
        terminal = Terminal(here, "load", "f.csv", env=database.environment)
        assert terminal.finish() == 0
    finally:
        database.sql("DROP FUNCTION slow CASCADE")
    assert CLEAR + "loading: 20 rows" in terminal.text
    assert re.search(re.escape(CLEAR) + r"f\.csv: read 20 records = 20 loaded [^\r\n]*\r\n$", terminal.text)


# Messages as JSON

def objects(result):
    """The messages of a run, each of which must be an object on a line of its own."""
    assert result.err.endswith("\n")
    found = [json.loads(line) for line in result.err.splitlines()]
    for message in found:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", message["time"])
    return found


def test_log_format_json(here):
    """Message, detail and hint are one object."""
    here.write("log", b"\x80bad\n")
    here.write("good", GOOD_LINE)
    result = here.run("encode", "--log-format=json", "log", "-o", "x.avro")
    assert result.code == 2
    message, = objects(result)
    assert list(message) == ["time", "level", "command", "message", "hint"]
    assert (message["level"], message["command"]) == ("error", "encode")
    assert message["message"].startswith("log: line 1: ")
    assert '"--max-rejects N"' in message["hint"]
    summary, = objects(here.run_ok("encode", "--log-format=json", "good", "-o", "x.avro"))
    assert summary["level"] == "info"
    assert summary["message"].startswith("good: read 1 line = 1 written")


def test_log_format_json_of_usage_errors(here):
    message, = objects(here.run("load", "--log-format=json", "--tabel=x"))
    assert message["message"] == 'unrecognized option "--tabel"'
    assert message["hint"] == 'Perhaps you meant "--table".'


def test_log_format_json_of_any_bytes(here):
    """Any byte may stand in an argument."""
    message, = objects(here.run("init", "--log-format=json", b'no "\xff\x01\n'.decode(
        "utf-8", "surrogateescape")))
    assert message["message"] == 'unexpected argument "no "�\x01\n"'


def test_log_format_json_of_an_interrupt(here, avro):
    process = here.start("verify", "--log-format=json", "--progress=json", "-",
                         stdin=subprocess.PIPE)
    process.stdin.write(avro[:300_000])
    process.stdin.flush()
    assert json.loads(process.stderr.readline())["done"] is False
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == 4
    assert json.loads(err.splitlines()[-1])["message"] == "interrupted"


def test_no_line_beside_json(here, avro):
    """Messages as JSON on a terminal: nothing else stands between them."""
    terminal = Terminal(here, "verify", "--log-format=json", "-")
    time.sleep(1)
    terminal.process.stdin.write(avro)
    assert terminal.finish() == 0
    assert terminal.text == ""


@pytest.mark.parametrize("command", ["init", "encode", "load", "report", "inspect", "cat", "verify",
                                     "recommend", "serve", "status", "unload"])
def test_general_options_in_help(here, command):
    text = here.run_ok(command, "--help").out
    for option in ["-v, --verbose", "--log-format FORMAT", "--progress MODE"]:
        assert option in text
