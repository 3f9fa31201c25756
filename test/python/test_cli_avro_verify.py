# test/python/test_cli_avro_verify.py - verify: verdicts, --max-errors, --reference, --target
"""What is wrong with a file is in test_cli_avro_hostile.py; here, how verify goes about it."""

import io
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import fastavro
import pytest
from avro_build import block, data, header, long, longs, record_of
from conftest import PROGRAM, ROOT

DATA = pathlib.Path(os.environ.get("CLICKSTREAM_DATA", ROOT / ".." / "shared" / "data")) / "avro"
LONG = record_of("long")


def errors(result):
    return [line for line in result.err.splitlines() if line.startswith("clickstream: error: ")]


def warnings(result):
    return [line for line in result.err.splitlines() if line.startswith("clickstream: warning: ")]


def written(schema, records, codec="null", **options):
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=codec, **options)
    return out.getvalue()


def test_sound_files(here):
    here.write("f.avro", header(LONG) + longs(0, 3) + longs(3, 4))
    here.write("g.avro", header(LONG) + longs(0, 1))
    result = here.run_ok("verify", "f.avro", "g.avro")
    assert result.out == "f.avro: OK, 7 records in 2 blocks\ng.avro: OK, 1 record in 1 block\n"
    assert result.err == ""
    result = here.run("verify", "-", data=here.read("f.avro"))
    assert (result.code, result.out) == (0, "-: OK, 7 records in 2 blocks\n")


def test_all_problems(here):
    """Values, records and blocks; the file behind is looked at, too."""
    schema = record_of("boolean", "string")
    head = header(schema)
    rows = [b"\1" + data("a"), b"\0" + data(b"\xff"), b"\1" + data("c")]
    first = block(3, b"".join(rows))
    second = block(3, rows[0] + b"\5" + data("x") + rows[0])
    third = block(1, rows[0])
    last = block(2, rows[0] * 2)[:-1]
    here.write("f.avro", head + first + second + third + last)
    here.write("g.avro", head + third)
    result = here.run("verify", "f.avro", "g.avro")
    assert result.code == 2
    found = errors(result)
    assert len(found) == 3
    assert "UTF-8" in found[0] and f"(byte {len(head)}, block 0, record 2)" in found[0]
    assert "boolean" in found[1] and "block 1, record 5)" in found[1]
    assert f"(byte {len(head + first + second + third + last)}, block 3" in found[2]
    assert result.out.splitlines() == [
        f"f.avro: 3 problems; 4 records sound, 1 refused, 4 lost with {len(second + last)} bytes",
        "g.avro: OK, 1 record in 1 block"]


def test_each_column_of_a_record(here):
    schema = record_of("string", "string", {"type": "array", "items": "string"})
    row = data(b"\xff") + data(b"a\0") + long(1) + data(b"\xfe") + long(0)
    here.write("f.avro", header(schema) + block(1, row))
    result = here.run("verify", "f.avro")
    assert len(errors(result)) == 3
    assert result.out == "f.avro: 3 problems; 0 records sound, 1 refused, 0 lost with 0 bytes\n"


@pytest.mark.parametrize("options, count", [([], 20), (["--max-errors", 1], 1),
                                            (["--max-errors", 25], 25), (["--max-errors", 0], 30)])
def test_max_errors(here, options, count):
    here.write("f.avro", header(record_of("string")) + block(1, data(b"\xff")) * 30)
    result = here.run("verify", *options, "f.avro")
    assert result.code == 2 and len(errors(result)) == count
    assert result.out.startswith("f.avro: " + ("" if count == 30 else "stopped at "))
    assert f"{count} problem" in result.out and f"{count} refused" in result.out
    assert ("the rest was not read" in result.out) == (count < 30)


def test_max_block_bytes(here):
    """Stored and decompressed; one that is larger is passed over."""
    head = header(record_of("bytes"), "deflate")
    large = block(1, data(bytes(3000)), "deflate")
    here.write("f.avro", head + large + block(1, data(b"x"), "deflate"))
    assert here.run("verify", "--max-block-bytes", 3002, "--reference", "f.avro").code == 0
    result = here.run("verify", "--max-block-bytes", 3001, "f.avro")
    assert result.code == 2 and "limit of 3001 bytes" in result.err
    assert result.out == (f"f.avro: 1 problem; 1 record sound, 0 refused, 1 lost with {len(large)} "
                          "bytes\n")
    assert here.run("cat", "--max-block-bytes", 3001, "f.avro").code == 2
    assert here.run("inspect", "--max-block-bytes", len(large) - 20, "f.avro").code == 2


def test_damage_in_a_pipe(here):
    content = header(LONG) + longs(0, 3) + block(2, bytes(2), sync=bytes(16)) + longs(5, 2)
    result = here.run("verify", "-", data=content)
    assert result.code == 2 and len(errors(result)) == 1
    assert "3 records sound" in result.out


def test_full_disk(here):
    here.write("f.avro", header(LONG))
    with open("/dev/full", "wb") as full:
        process = subprocess.run([PROGRAM, "verify", "f.avro"], cwd=here.path, stdout=full,
                                 stderr=subprocess.PIPE)
    assert process.returncode == 3 and b"No space left on device" in process.stderr


def test_interrupt(here):
    process = here.start("verify", "-", stdin=subprocess.PIPE)
    process.stdin.write(header(LONG) + longs(0, 3))
    process.stdin.flush()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 4
    assert process.stderr.read() == b"clickstream: error: interrupted\n"


@pytest.mark.skipif(not DATA.exists(), reason="the sample files are not there")
def test_interop(here):
    names = sorted(map(str, DATA.glob("*.avro")))
    result = here.run_ok("verify", "--reference", *names)
    assert [line.split(": ")[1][:2] for line in result.out.splitlines() if "OK" in line] == \
        ["OK"] * len(names)


# --reference: what avro-c reads of the same file


EVERYTHING = {"type": "record", "name": "All", "fields": [
    {"name": "nothing", "type": "null"},
    {"name": "flag", "type": "boolean"},
    {"name": "small", "type": "int"},
    {"name": "large", "type": "long"},
    {"name": "single", "type": "float"},
    {"name": "real", "type": "double"},
    {"name": "raw", "type": "bytes"},
    {"name": "text", "type": "string"},
    {"name": "fixed", "type": {"type": "fixed", "name": "F", "size": 3}},
    {"name": "enum", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
    {"name": "list", "type": {"type": "array", "items": ["null", "long", "string"]}},
    {"name": "map", "type": {"type": "map", "values": {"type": "array", "items": "int"}}},
    {"name": "inner", "type": record_of("int", ["null", "E"], name="Inner")},
    {"name": "tree", "type": {"type": "record", "name": "Tree", "fields": [
        {"name": "v", "type": "int"},
        {"name": "kids", "type": {"type": "array", "items": "Tree"}}]}},
    {"name": "number", "type": ["null", "int", "double"]},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9,
                               "scale": 2}},
]}


def tree(depth):
    return {"v": depth, "kids": [tree(depth - 1) for _ in range(random.randrange(depth + 1))]}


def everything():
    return {
        "nothing": None, "flag": random.random() < 0.5, "small": random.randrange(-2**31, 2**31),
        "large": random.randrange(-2**63, 2**63), "single": float(random.randrange(1000)) / 8,
        "real": random.random(), "raw": random.randbytes(random.randrange(9)),
        "text": "é" * random.randrange(5), "fixed": random.randbytes(3),
        "enum": random.choice("AB"),
        "list": [random.choice([None, 5, "x"]) for _ in range(random.randrange(4))],
        "map": {str(i): [i] * i for i in range(random.randrange(4))},
        "inner": {"a": 1, "b": random.choice([None, "A"])}, "tree": tree(3),
        "number": random.choice([None, 7, 2.5]), "at": random.randrange(10**15),
        "day": random.choice([None, 100]), "price": random.randrange(1000),
    }


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_reference(here, codec):
    import decimal
    random.seed(7)
    records = [everything() for _ in range(300)]
    for record in records:
        record["price"] = decimal.Decimal(record["price"]) / 100
    here.write("f.avro", written(EVERYTHING, records, codec, sync_interval=2000))
    result = here.run_ok("verify", "--reference", "f.avro")
    assert result.out.splitlines()[1] == "f.avro: avro-c reads the same 300 records"
    assert result.err == ""


def test_reference_of_other_types(here):
    here.write("f.avro", written("string", ["a", "b"]))
    here.write("g.avro", written({"type": "array", "items": "int"}, [[1], []]))
    here.write("h.avro", header(LONG))
    out = here.run_ok("verify", "--reference", "f.avro", "g.avro", "h.avro").out
    assert [line.split(" same ")[1] for line in out.splitlines() if "avro-c" in line] == [
        "2 records", "2 records", "0 records"]


UNREADABLE = [
    (written(LONG, [{"a": 1}], "zstandard"), "avro-c does not have its codec"),
    (header(LONG) + block(0, b"") + longs(0, 3), "avro-c misreads files with empty blocks"),
    (header(record_of({"type": {"type": "string"}})) + block(1, data("x")),
     "avro-c does not open it: "),
]


@pytest.mark.parametrize("content, reason", UNREADABLE, ids=[row[1] for row in UNREADABLE])
def test_reference_that_avro_c_cannot_give(here, content, reason):
    here.write("f.avro", content)
    result = here.run_ok("verify", "--reference", "f.avro")
    assert f"clickstream: warning: f.avro: not compared: {reason}" in result.err
    assert "OK" in result.out and "the same" not in result.out


def test_reference_is_for_sound_files(here):
    here.write("f.avro", header(record_of("string")) + block(1, data(b"\xff")))
    result = here.run("verify", "--reference", "f.avro")
    assert result.code == 2 and "avro-c" not in result.out + result.err


def test_reference_that_differs(here):
    """A map that repeats a key: avro-c keeps one entry."""
    schema = record_of({"type": "map", "values": "int"})
    row = long(2) + data("k") + long(1) + data("k") + long(2) + long(0)
    here.write("f.avro", header(schema) + block(1, long(0)) + block(1, row))
    result = here.run("verify", "--reference", "f.avro")
    assert result.code == 2
    assert 'clickstream: error: f.avro: column "a": ' in result.err and "(record 2)" in result.err


def child_of(process):
    """The process that runs avro-c."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        children = pathlib.Path(path).read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.001)
    pytest.fail(f"no child process was seen: {process.communicate()}")


def start_long_comparison(here):
    """One that takes a while: avro-c reads many small records."""
    path = here.write("f.avro", header(LONG) + longs(0, 10000) * 400)
    process = here.start("verify", "--reference", path.name)
    return process, child_of(process)


def test_reference_that_crashes(here):
    process, child = start_long_comparison(here)
    os.kill(child, signal.SIGABRT)    # a sanitizer would report SIGSEGV as its own finding
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"f.avro: OK, 4000000 records" in out and b"the same" not in out
    assert b"clickstream: error: f.avro: avro-c crashed at record " in err
    assert b"signal 6" in err


@pytest.mark.skipif(not os.environ.get("CLICKSTREAM_SOAK"), reason="takes a minute: make soak")
def test_reference_that_hangs(here):
    process, child = start_long_comparison(here)
    os.kill(child, signal.SIGSTOP)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2 and b"the same" not in out
    assert b"clickstream: error: f.avro: avro-c did not go on for a minute at record " in err
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_reference_and_interrupt(here):
    """The child goes, too."""
    process, child = start_long_comparison(here)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 4
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


# --target redshift


def lint(here, content, *arguments):
    here.write("f.avro", content)
    return here.run("verify", "--target", "redshift", *arguments, "f.avro")


def test_redshift_takes_it(here):
    schema = record_of("int", "long", "float", "double", "string", "boolean", ["null", "string"],
                       ["long", "null"], {"type": "enum", "name": "E", "symbols": ["A"]},
                       {"type": "string", "logicalType": "uuid"})
    row = {"a": 1, "b": 2, "c": 1.0, "d": 2.0, "e": "x", "f": True, "g": None, "h": 3, "i": "A",
           "j": "00000000-0000-0000-0000-000000000000"}
    for codec in ("null", "deflate", "snappy"):
        result = lint(here, written(schema, [row], codec))
        assert (result.code, result.err) == (0, ""), result


REFUSED = [
    (written(LONG, [{"a": 1}], "zstandard"), "its codec is zstandard"),
    (written(LONG, [{"a": 1}], "bzip2"), "its codec is bzip2"),
    (header(LONG), "it has no records"),
    (header(LONG, None, {"note": "x" * 2**20}) + longs(0, 1), "its header has "),
    (written("string", ["x"]), "its type is string, not record"),
    (header(record_of("bytes")) + block(1, data(bytes(4 * 2**20 + 1))), "rows larger than"),
    (header(record_of("bytes")) + block(5, data(bytes(2**20)) * 5), "blocks larger than"),
    (header(record_of("bytes"), "deflate") + block(5, data(bytes(2**20)) * 5, "deflate"),
     "blocks larger than 4194304 bytes: 1, the first at byte "),
    (header(record_of("int", "string")) + block(2, (long(1) + data("x" * 65536)) * 2),
     'strings longer than the 65535 bytes of a VARCHAR: 2, the first in record 1, column "b"'),
]


@pytest.mark.parametrize("content, message", REFUSED, ids=[row[1] for row in REFUSED])
def test_redshift_refuses_it(here, content, message):
    result = lint(here, content)
    assert result.code == 2
    assert "OK, " in result.out and result.out.endswith(", but not for Redshift\n")
    assert f"clickstream: error: f.avro: Redshift would refuse this file: {message}" in result.err
    assert "clickstream: hint: " in result.err
    assert here.run("verify", "f.avro").code == 0


def logical(base, name):
    return {"type": base, "logicalType": name}


@pytest.mark.parametrize("type_, message", [
    (logical("int", "date"), "number of days"),
    (logical("int", "time-millis"), "no TIME column"),
    (logical("long", "time-micros"), "no TIME column"),
    (logical("long", "timestamp-millis"), "only with TIMEFORMAT 'epochmillisecs'"),
    (["null", logical("long", "local-timestamp-millis")], "only with TIMEFORMAT"),
    (logical("long", "timestamp-micros"), "would take for milliseconds"),
    (logical("long", "timestamp-nanos"), "would take for milliseconds"),
    ({**logical("bytes", "decimal"), "precision": 5}, "not as a number"),
    ("bytes", "VARBYTE"),
    ({"type": "fixed", "name": "F", "size": 0}, "VARBYTE"),
    ({"type": "array", "items": "int"}, "JSON text"),
    ({"type": "map", "values": "int"}, "JSON text"),
    (record_of(name="Inner"), "JSON text"),
    (["int", "string"], "union of several types"),
])
def test_redshift_loads_something_else(here, type_, message):
    """A warning that names the column, with what to do; the exit code stays 0."""
    empty = {"date": b"\0"}
    content = header(record_of(type_)) + block(1, empty.get(json.dumps(type_), bytes_of(type_)))
    result = lint(here, content)
    assert result.code == 0 and len(warnings(result)) == 1
    assert f'clickstream: warning: f.avro: column "a" ' in result.err and message in result.err
    assert result.err.count("clickstream: hint: ") == 1


def bytes_of(type_):
    """The encoding of some value of a type."""
    if isinstance(type_, list) and type_ == ["int", "string"]:
        return long(0) + long(0)
    if isinstance(type_, dict) and type_["type"] in ("fixed", "record"):
        return b""
    if isinstance(type_, dict) and type_.get("logicalType") == "decimal":
        return data(b"\0")
    return long(0)


def test_redshift_names(here):
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "UserId", "type": "int"}, {"name": "ok_2", "type": "int"}]}
    result = lint(here, header(schema) + block(1, long(0) * 2))
    assert result.code == 0 and len(warnings(result)) == 1
    assert 'column "UserId" loads as NULL' in result.err and "'auto ignorecase'" in result.err


def test_redshift_and_our_own_log(here):
    """What encode writes loads, given TIMEFORMAT."""
    here.write("log.txt", "2024-03-10T08:00:00Z GET /campaigns/1 u1\n")
    here.run_ok("encode", "log.txt")
    result = here.run_ok("verify", "--reference", "--target", "redshift", "log.avro")
    assert len(warnings(result)) == 1 and "epochmillisecs" in result.err
