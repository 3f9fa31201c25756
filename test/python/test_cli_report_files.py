# test/python/test_cli_report_files.py - report from files: the truth table, options, rejects,
# damage, interrupts, full disks

import csv
import datetime
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import time

import fastavro
import pytest
import zstandard
from conftest import GOOD_LINE, PROGRAM, ROOT, measures_memory

TRUTH = ROOT / "test" / "truth"
SOAK = bool(os.environ.get("CLICKSTREAM_SOAK"))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
HEADER = ("user_id,session_start,session_end,campaigns,rewards_issued,"
          "reward_driven_by_campaign_view\n")
MAPPING = "campaign_id,reward_id\n1,10\n"
LOG = ("2024-03-10T08:00:00Z GET /campaigns/1 u1\n"
       "2024-03-10T08:01:00+00:00 POST /rewards/10 u1\n"
       "2024-03-10T08:00:00.000250Z GET / u2\n")
ROWS = ('u1,2024-03-10T08:00:00+00:00,2024-03-10T08:01:00+00:00,{1},{10},t\n'
        'u2,2024-03-10T08:00:00.000250+00:00,2024-03-10T08:00:00.000250+00:00,{},{},f\n')


def schema(time="timestamp-micros", **fields):
    nullable = {name: ["null", "string"] for name in ("http_method", "http_path", "user_id")}
    types = {"timestamp": ["null", {"type": "long", "logicalType": time}], **nullable, **fields}
    return {"type": "record", "name": "HttpLog",
            "fields": [{"name": name, "type": kind} for name, kind in types.items() if kind]}


def write_avro(path, records, by=None, **options):
    with open(path, "wb") as file:
        fastavro.writer(file, by or schema(), records, **options)
    return path.name


def instant(text):
    return datetime.datetime.fromisoformat(text) if text else None


def record(time, method, path, user):
    return {"timestamp": instant(time), "http_method": method, "http_path": path, "user_id": user}


GOOD_RECORDS = [record("2024-03-10T08:00:00+00:00", "GET", "/campaigns/1", "u1"),
                record("2024-03-10T08:01:00+00:00", "POST", "/rewards/10", "u1"),
                record("2024-03-10T08:00:00.000250+00:00", "GET", "/", "u2")]


def report(here, *arguments, **options):
    return here.run("report", "--format", "csv", *arguments, **options)


def report_ok(here, *arguments, **options):
    result = report(here, *arguments, **options)
    assert result.code == 0, result
    return result


@pytest.fixture
def log(here):
    """A directory with a log and a mapping."""
    here.write("log.txt", LOG)
    here.write("map.csv", MAPPING)
    return here


def truth_rows(name):
    """The rows of a file of the truth table; an empty field without quotes is None."""
    with open(TRUTH / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def truth_avro(here):
    rows = truth_rows("events.csv")
    # fastavro wants aware times and knows only the years of datetime
    return write_avro(here.path / "truth.avro",
                      [{key: instant(value) if key == "timestamp" else value or None
                        for key, value in row.items()} for row in rows])


def test_truth_table(here):
    """The hand-checked cases, microseconds and NULLs included."""
    avro = truth_avro(here)
    result = report_ok(here, "--mapping", TRUTH / "mapping.csv", avro)
    assert result.out == (TRUTH / "expected.csv").read_text(encoding="utf-8")
    counts = [int(word) for word in result.err.split() if word.isdigit()]
    assert counts[0] == sum(counts[1:]) == len(truth_rows("events.csv"))
    assert min(counts[1:4]) > 0, "used, without a user, without a time"


def test_truth_queries(here):
    avro = truth_avro(here)
    lines = (TRUTH / "queries_expected.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    for query in truth_rows("queries.csv"):
        frame = [option for name, edge in (("--from", query["since"]), ("--to", query["until"]))
                 if edge for option in (name, edge)]
        result = report_ok(here, "--mapping", TRUTH / "mapping.csv", "--frame", query["frame"],
                           "--gap", query["gap_microseconds"] + " us", *frame, avro)
        name = query["query"] + ","
        expected = [line[len(name):] for line in lines if line.startswith(name)]
        assert result.out == HEADER + "".join(expected), name


def test_log_and_avro(log):
    """Both kinds, told by content, whatever their names; `-` is standard input."""
    write_avro(log.path / "named.txt", GOOD_RECORDS)
    for arguments, options in [
            (["log.txt"], {}), (["named.txt"], {}), (["-"], {"data": LOG.encode()}),
            (["-"], {"data": log.read("named.txt")}),
            (["-"], {"data": b"\xef\xbb\xbf" + LOG.replace("\n", "\r\n").encode()})]:
        for jobs in (1, 3):
            result = report_ok(log, "--mapping", "map.csv", "--jobs", jobs, *arguments, **options)
            assert result.out == HEADER + ROWS
            assert f"{arguments[0]}: read 3 requests = 3 used" in result.err
    with open(log.path / "named.txt", "rb") as file:  # standard input that is a file
        assert report_ok(log, "--mapping", "map.csv", "-", stdin=file).out == HEADER + ROWS


def test_formats(log):
    rows = [json.loads(line) for line in
            log.run_ok("report", "--mapping", "map.csv", "--format", "json", "log.txt").out.splitlines()]
    assert rows[0] == {"user_id": "u1", "session_start": "2024-03-10T08:00:00+00:00",
                       "session_end": "2024-03-10T08:01:00+00:00", "campaigns": [1],
                       "rewards_issued": [10], "reward_driven_by_campaign_view": True}
    table = log.run_ok("report", "--mapping", "map.csv", "log.txt").out
    assert table.endswith("(2 rows)\n") and " u1      | 2024-03-10T08:00:00+00:00        | " in table
    log.write("odd.txt", '2024-03-10T08:00:00Z GET / "q,\u00e9\n')
    assert '"""q,\u00e9",2024' in report_ok(log, "odd.txt").out
    assert '{"user_id":"\\"q,\u00e9","' in log.run_ok("report", "--format", "json", "odd.txt").out


@pytest.mark.parametrize("zone, shown", [
    ("+08", "2024-03-10T16:00:00+08:00"), ("-3.5", "2024-03-10T04:30:00-03:30"),
    ("+08:00", "2024-03-10T16:00:00+08:00"), ("-03:30", "2024-03-10T04:30:00-03:30"),
    ("167", "2024-03-17T07:00:00+167:00"), ("-150.5", "2024-03-04T01:30:00-150:30")])
def test_zone_by_offset(here, zone, shown):
    here.write("log.txt", "2024-03-10T08:00:00Z GET / u\n")
    assert f"u,{shown},{shown},{{}}" in report_ok(here, f"--timezone={zone}", "log.txt").out


def test_no_mapping(log):
    result = report_ok(log, "log.txt")
    assert result.out == HEADER + ROWS.replace(",t\n", ",f\n")
    assert "warning: no mapping was given: no reward counts as driven" in result.err


@pytest.mark.parametrize("content, driven", [
    ("campaign_id,reward_id\n1,10\n1,10\n", "t"),
    ("reward_id,name,campaign_id\r\n10,x,1\r\n", "t"),
    ("campaign_id,reward_id\n,10\n1,\n", "f"),
    ("campaign_id,reward_id\n", "f"),
    ("campaign_id,reward_id\n10,1\n", "f")])
def test_mapping(log, content, driven):
    log.write("map.csv", content)
    assert report_ok(log, "--mapping", "map.csv", "log.txt").out.splitlines()[1].endswith(driven)


@pytest.mark.parametrize("content, reason", [
    ("campaign_id,reward_id\n1,10\nx,11\n", "line 3: "),
    ("campaign_id,reward_id\n1\n", "line 2: record has 1 field"),
    ("campaign,reward_id\n1,10\n", 'file has no column "campaign_id"'),
    ("", "file is empty")])
def test_bad_mapping(log, content, reason):
    log.write("map.csv", content)
    result = report(log, "--mapping", "map.csv", "log.txt")
    assert result.code == 2 and result.out == ""
    assert result.err.startswith("clickstream: error: map.csv: ") and reason in result.err


def test_empty_files(log):
    log.write("empty.txt", "")
    write_avro(log.path / "empty.avro", [])
    assert report_ok(log, "empty.txt", "empty.avro").out == HEADER
    assert report_ok(log, "-").out == HEADER
    assert "(0 rows)" in log.run_ok("report", "empty.txt").out


@pytest.mark.parametrize("arguments, reason", [
    (["--gap", "1 month", "log.txt"], "interval longer than zero"),
    (["--gap", "0", "log.txt"], "interval longer than zero"),
    (["--gap", "-5 min", "log.txt"], "interval longer than zero"),
    (["--gap", "5 parsec", "log.txt"], "interval longer than zero"),
    (["--gap", "99999999999999 days", "log.txt"], "interval longer than zero"),
    (["--from", "soon", "log.txt"], 'invalid argument "soon" of option "--from": not a time'),
    (["--to", "2024-02-30", "log.txt"], "not a time"),
    (["--to", "2024-03-10T25:00", "log.txt"], "not a time"),
    (["--to", "2024-03-10T08:00+99", "log.txt"], "not a time"),
    (["--timezone", "Mars/Olympus", "log.txt"], 'time zone "Mars/Olympus" not recognized'),
    (["--timezone", "../../etc/passwd", "log.txt"], "not recognized"),
    (["--timezone", "Asia", "log.txt"], "not recognized"),
    (["--timezone", "UTC+3", "log.txt"], "not recognized"),
    (["--timezone", "+08:00:00", "log.txt"], "not recognized"),
    (["--timezone", "right/UTC", "log.txt"], "not recognized"),
    (["--memory", "1MB", "--jobs", "1", "log.txt"], "less than 16MB"),
    (["--memory", "many", "log.txt"], "not a size"),
    (["--jobs", "65", "log.txt"], 'invalid argument "65" of option "--jobs": not from 1 to 64'),
    (["--path-prefix", "/v4/", "log.txt"], 'hint: Write "/v4".'),
    (["--path-prefix", "v4", "log.txt"], 'invalid argument "v4" of option "--path-prefix": not a path that begins'),
    (["--path-prefix", "//v4/x//", "log.txt"], 'hint: Write "/v4/x".'),
    (["--path-prefix", "/", "log.txt"], "hint: Where paths have no prefix the option is left out."),
    (["--path-prefix", "", "log.txt"], 'option "--path-prefix" needs an argument'),
    (["--frame", "none", "log.txt"], "not one of start, overlap"),
    (["--schema", "s", "log.txt"], 'option "--schema" is for the report from the database'),
    (["-d", "shop", "log.txt"], 'option "--dbname" is for the report from the database'),
    (["--mapping", "map.csv"], 'option "--mapping" is for the report from files'),
    (["-j", "2"], 'option "--jobs" is for the report from files'),
    (["-", "-"], "standard input can be read only once"),
    (["--rejects", "log.txt", "log.txt"], "to be read and written")])
def test_usage(log, arguments, reason):
    result = report(log, *arguments)
    assert result.code == 1 and result.out == "", result
    assert reason in result.err
    assert "hint: " in result.err or "read" in reason
    assert log.read("log.txt").decode() == LOG


def test_no_jobs(log):
    result = report(log, "--jobs", "0", "log.txt")
    assert result.code == 1 and 'invalid argument "0" of option "--jobs": not from 1 to 64' in result.err
    assert report_ok(log, "-j", "64", "--memory", "1GB", "log.txt").out == report_ok(log, "log.txt").out


@pytest.mark.parametrize("jobs", [1, 4])
def test_bad_line_stops(log, jobs):
    """The first bad line of all, before anything is printed, whatever the threads."""
    lines = [GOOD_LINE] * 30000
    lines[20000] = b"here is no time\n"
    lines[25000] = b"nor here\n"
    log.write("bad.txt", b"".join(lines))
    result = report(log, "--jobs", jobs, "log.txt", "bad.txt")
    assert result.code == 2 and result.out == ""
    assert "error: bad.txt: line 20001: timestamp is not of the form" in result.err
    assert "--max-rejects" in result.err
    assert result.err.count("error:") == 1


@pytest.mark.parametrize("jobs", [1, 4])
def test_rejects(log, jobs):
    bad = ["no time at all u1", "2024-03-10T08:00:00Z GET /x", "2024-03-10T08:00:00Z GET /" + "x" * 70000 + " u"]
    long = b"y" * 600_000
    text = LOG.encode() + "\n".join(bad).encode() + b"\n" + GOOD_LINE * 20000 + long + b"\n" + GOOD_LINE
    log.write("bad.txt", text)
    result = report_ok(log, "--jobs", jobs, "--max-rejects", 4, "--rejects", "bad.jsonl", "bad.txt")
    assert "bad.txt: read 20008 requests = 20004 used + 0 without a user + 0 without a time + 4 rejected" in result.err
    kept = [json.loads(line) for line in log.read("bad.jsonl").splitlines()]
    assert [item["line"] for item in kept] == [4, 5, 6, 20007]
    assert [item.get("cut", False) for item in kept] == [False, False, True, True]
    assert kept[0]["text"] == bad[0] and kept[3]["text"] == "y" * 65536
    result = report(log, "--jobs", jobs, "--max-rejects", 3, "--rejects", "bad.jsonl", "bad.txt")
    assert result.code == 2 and "bad.txt: line 20007: line is longer than" in result.err
    assert "one reject more than the 3 allowed" in result.err
    assert len(log.read("bad.jsonl").splitlines()) == 4


@pytest.mark.parametrize("through_pipe", [False, True])
def test_refused_record(log, through_pipe):
    """Text that is not UTF-8: the record is named, and kept on request."""
    write_avro(log.path / "bad.avro", [
        {**GOOD_RECORDS[0]}, {**GOOD_RECORDS[0], "user_id": "u\x00x"}, {**GOOD_RECORDS[1]}])
    name = "-" if through_pipe else "bad.avro"
    options = {"data": log.read("bad.avro")} if through_pipe else {}
    result = report(log, name, **options)
    assert result.code == 2 and result.out == ""
    assert f'{name}: block 0, record 2, column "user_id": ' in result.err
    result = report_ok(log, "--max-rejects", 1, "--rejects", "bad.jsonl", name, **options)
    assert "read 3 requests = 2 used + 0 without a user + 0 without a time + 1 rejected" in result.err
    kept = json.loads(log.read("bad.jsonl"))
    assert kept["record"] == 2 and kept["column"] == "user_id"
    assert json.loads(kept["text"])["http_path"] == "/campaigns/1"


def test_left_out(log):
    records = [record("2024-03-10T08:00:00+00:00", None, None, None), record(None, "GET", "/", "u1"),
               record(None, "GET", "/", None), record("2024-03-10T08:00:00+00:00", None, None, "u3")]
    write_avro(log.path / "some.avro", records)
    result = report_ok(log, "some.avro")
    assert result.out == HEADER + "u3" + 2 * ",2024-03-10T08:00:00+00:00" + ",{},{},f\n"
    assert "read 4 requests = 1 used + 1 without a user + 2 without a time + 0 rejected" in result.err


@pytest.mark.parametrize("fields, reason", [
    ({"user_id": None}, 'file has no field "user_id"'),
    ({"http_path": None}, 'file has no field "http_path"'),
    ({"user_id": "bytes"}, 'field "user_id" is of type bytes'),
    ({"timestamp": "long"}, 'field "timestamp" is of type integer: it holds no timestamp')])
def test_other_schemas(log, fields, reason):
    write_avro(log.path / "other.avro", [], by=schema(**fields))
    result = report(log, "other.avro")
    assert result.code == 2 and reason in result.err


@pytest.mark.parametrize("time, value", [
    ("timestamp-millis", instant("2024-03-10T08:00:00.500+00:00")),
    ("timestamp-nanos", 1710057600500000999)])
def test_units(log, time, value):
    kind = {"type": "long", "logicalType": time}
    by = schema(timestamp=kind, user_id="long", extra={"type": "map", "values": "string"})
    write_avro(log.path / "other.avro", [{"timestamp": value, "http_method": "GET", "http_path": "/",
                                          "user_id": 42, "extra": {"a": "b"}}], by=by)
    expected = "2024-03-10T08:00:00.500000+00:00"
    assert report_ok(log, "other.avro").out == HEADER + f"42,{expected},{expected},{{}},{{}},f\n"


def many_records(count):
    return [record("2024-03-10T08:00:00+00:00", "GET", f"/campaigns/{i % 7}", f"u{i % 100}")
            for i in range(count)]


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_damage(log, jobs, codec):
    """A file that is cut or damaged: exit 2, with the byte, and nothing printed."""
    write_avro(log.path / "whole.avro", many_records(20000), codec=codec, sync_interval=4000)
    whole = log.read("whole.avro")
    for damaged in (whole[:-5], whole[:len(whole) // 2],
                    whole[:len(whole) // 2] + bytes(300) + whole[len(whole) // 2 + 300:]):
        log.write("damaged.avro", damaged)
        result = report(log, "--jobs", jobs, "log.txt", "damaged.avro", "log.txt")
        assert result.code == 2 and result.out == "", result
        assert result.err.count("error:") == 1
        assert "error: damaged.avro: " in result.err and "(byte " in result.err


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_many_files(log, jobs):
    """All of every file is read, whichever threads meet at its end; a pipe among them."""
    names = []
    for i in range(40):
        name = f"part{i}"
        names.append(name)
        records = [{**item, "user_id": f"{item['user_id']}-{i}"} for item in many_records(300 + i)]
        if i % 3 == 0:
            log.write(name, "".join(f"2024-03-10T08:00:00Z GET {item['http_path']} {item['user_id']}\n"
                                    for item in records))
        else:
            write_avro(log.path / name, records, sync_interval=500)
    pipe = write_avro(log.path / "pipe", many_records(20000), sync_interval=4000)
    names.insert(20, "-")
    for _ in range(5):
        result = report_ok(log, "--jobs", jobs, *names, data=log.read(pipe))
        assert result.out.count("\n") == 1 + 41 * 100
        for i in range(40):
            assert f"part{i}: read {300 + i} requests = {300 + i} used" in result.err
        assert "-: read 20000 requests = 20000 used" in result.err


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_compressed_log(log, compress):
    """A compressed log is read as what it holds, from a file and from a pipe."""
    expected = report_ok(log, "log.txt").out
    content = compress(LOG.encode()[:50]) + compress(LOG.encode()[50:])
    log.write("log.gz", content)
    assert report_ok(log, "log.gz").out == expected
    assert report_ok(log, "-", data=content).out == expected


def test_unreadable(log):
    (log.path / "folder").mkdir()
    write_avro(log.path / "log.avro", GOOD_RECORDS)
    log.write("avro.gz", gzip.compress(log.read("log.avro")))
    log.write("cut.gz", gzip.compress(LOG.encode())[:-9])
    log.write("log.bz2", b"BZh91AY&SY")
    for name, reason in [("missing", "could not open"), ("folder", "it is a directory"),
                         ("avro.gz", "an Avro file is compressed as a whole"),
                         ("cut.gz", "file ends inside its compressed data"),
                         ("log.bz2", "compressed with bzip2")]:
        result = report(log, "log.txt", name)
        assert result.code == 2 and reason in result.err and result.out == ""


def random_log(seed, events, users, prefix=""):
    """A log of visits, as bytes."""
    pick = random.Random(seed)
    lines = []
    while len(lines) < events:
        user = f"{prefix}{pick.randrange(users)}"
        start = pick.randrange(30 * 86400)
        for _ in range(pick.randrange(1, 24)):
            start += pick.choice((0, 1, 30, 299, 300))
            day, second = divmod(start, 86400)
            path = pick.choice(("GET /campaigns/%d", "GET /campaigns/%d", "POST /rewards/%d", "PUT /%d"))
            lines.append(f"2024-03-{day % 31 + 1:02}T{second // 3600:02}:{second // 60 % 60:02}:"
                         f"{second % 60:02}Z {path % pick.randrange(40)} {user}\n")
    return "".join(lines[:events]).encode()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A log that does not fit in the least memory."""
    path = tmp_path_factory.mktemp("large") / "large.txt"
    path.write_bytes(random_log(1, 400_000, 30_000))
    return path


def test_little_memory(here, large):
    """What does not fit in memory goes to files that have no name, even while they are used."""
    temporary = here.path / "temporary"
    temporary.mkdir()
    plenty = report_ok(here, "--memory", "1GB", large)
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = here.start("report", "--format", "csv", "--jobs", 1, "--memory", "16MB", large, env=environment)
    used, seen = 0, set()
    while process.poll() is None and not used:
        for link in (f"/proc/{process.pid}/fd",):
            for name in os.listdir(link) if os.path.exists(link) else ():
                try:
                    target = os.readlink(f"{link}/{name}")
                except OSError:
                    continue
                used += target.startswith(str(temporary))
        seen |= set(os.listdir(temporary))
    out, _ = process.communicate()
    assert process.returncode == 0 and out.decode() == plenty.out
    assert used and not seen and not os.listdir(temporary)
    for jobs in (2, 5):
        assert report_ok(here, "--jobs", jobs, "--memory", f"{16 * jobs}MB", large).out == plenty.out


def test_disk_full(here, large):
    """A temporary file that cannot be written: exit 3, the reason and what to do."""
    environment = {**os.environ, "TMPDIR": str(here.path)}

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    result = report(here, "--jobs", 2, "--memory", "32MB", large, large, large, preexec_fn=limit,
                    env=environment)
    assert result.code == 3 and result.out == "", result
    assert f'could not write a temporary file in "{here.path}": File too large' in result.err
    assert "TMPDIR" in result.err and "--memory" in result.err
    assert here.names() == []
    result = report(here, "--jobs", 1, "--memory", "16MB", large, env={**environment, "TMPDIR": "/nowhere"})
    assert result.code == 3 and 'could not create a temporary file in "/nowhere"' in result.err


def test_one_user(here):
    """A user with more events than memory has room for."""
    here.write("log.txt", b"".join(b"2024-03-%02dT%02d:%02d:%02dZ GET /campaigns/%d bot\n" % (
        1 + i // 86400, i // 3600 % 24, i // 60 % 60, i % 60, i % 3) for i in range(0, 600_000, 2)))
    result = report_ok(here, "--jobs", 1, "--memory", "16MB", "log.txt")
    assert result.out == HEADER + 'bot,2024-03-01T00:00:00+00:00,2024-03-07T22:39:58+00:00,"{0,2,1}",{},f\n'


def test_interrupt(here):
    """A signal while it waits for input: exit 4, nothing printed."""
    process = here.start("report", "--format", "csv", "-", stdin=subprocess.PIPE)
    process.stdin.write(GOOD_LINE * 10)
    process.stdin.flush()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 4 and out == b""
    assert err.decode().endswith("clickstream: error: interrupted\n")


def test_broken_pipe(here, large):
    process = here.start("report", "--format", "csv", large)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 3
    assert b"error" not in process.stderr.read()
    process.stderr.close()


def test_full_output(here):
    here.write("log.txt", LOG)
    with open("/dev/full", "wb") as full:
        process = subprocess.run([PROGRAM, "report", "log.txt"], cwd=here.path, stdout=full,
                                 stderr=subprocess.PIPE, check=False)
    assert process.returncode == 3 and b"could not write to standard output" in process.stderr


def peak_kilobytes(pid):
    """The most memory that a process had so far. (wait4 would count its parent's as well.)"""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return max((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), default=0)


@measures_memory
@pytest.mark.skipif(not SOAK, reason="30 million events: only with CLICKSTREAM_SOAK=1")
def test_memory(here):
    """30 million events of 780,000 users with --memory 256MB stay within it."""
    base = random_log(7, 3_000_000, 78_000, prefix="user")
    names = []
    for part in range(10):
        here.write("part.txt", base.replace(b" user", b" user%d-" % part))
        names.append(f"part{part}.avro")
        here.run_ok("encode", "--codec", "snappy", "-o", names[-1], "part.txt")
    with open(here.path / "out.csv", "wb") as out:
        process = subprocess.Popen([PROGRAM, "report", "--format", "csv", "--jobs", "2", "--memory", "256MB",
                                    *names], cwd=here.path, stdout=out, stderr=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_kilobytes(process.pid))
            time.sleep(0.005)
    print(f"peak {peak // 1024} MB")
    assert process.returncode == 0
    assert 100 * 1024 < peak <= 256 * 1024
    first = report_ok(here, names[0]).out
    rows = sum(1 for _ in open(here.path / "out.csv", "rb"))
    assert rows == 10 * (first.count("\n") - 1) + 1
