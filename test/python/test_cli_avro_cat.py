# test/python/test_cli_avro_cat.py - cat: records as JSON lines
"""What fastavro writes is printed as it was put in; options; salvage, with its account."""

import datetime
import decimal
import io
import json
import math
import os
import pathlib
import random
import subprocess
import uuid

import fastavro
import pytest
from avro_build import SYNC, block, data, header, long, longs, record_of
from conftest import PROGRAM, ROOT

DATA = pathlib.Path(os.environ.get("CLICKSTREAM_DATA", ROOT / ".." / "shared" / "data")) / "avro"
CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]
UTC = datetime.timezone.utc


def written(schema, records, codec="null", **options):
    """A file as fastavro writes it."""
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=codec, **options)
    return out.getvalue()


def lines(result):
    return [json.loads(line) for line in result.out.split("\n")[:-1]]


def printed(here, schema, records, *arguments):
    here.write("f.avro", written(schema, records))
    return lines(here.run_ok("cat", *arguments, "f.avro"))


# Types: the schema of a column, what goes into it, and what is printed.

NODE = {"type": "record", "name": "Node", "fields": [
    {"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]}
PLAIN = [
    ("null", None, None),
    ("boolean", True, True),
    ("boolean", False, False),
    ("int", -2**31, -2**31),
    ("int", 2**31 - 1, 2**31 - 1),
    ("long", -2**63, -2**63),
    ("long", 2**63 - 1, 2**63 - 1),
    ("float", 0.10000000149011612, 0.1),
    ("float", -3.4028234663852886e38, -3.4028235e38),
    ("float", 16777216.0, 16777216.0),
    ("double", 0.1, 0.1),
    ("double", 1e300, 1e300),
    ("double", 5e-324, 5e-324),
    ("double", -0.0, -0.0),
    ("double", 2.0, 2.0),
    ("double", math.nan, "NaN"),
    ("double", math.inf, "Infinity"),
    ("float", -math.inf, "-Infinity"),
    ("bytes", b"\x00\x01\xff", "\\x0001ff"),
    ("bytes", b"", "\\x"),
    ("string", "", ""),
    ("string", 'a"b\\c\n\t\r\b\f\x01\x1f\x7f é 😀 /', 'a"b\\c\n\t\r\b\f\x01\x1f\x7f é 😀 /'),
    ({"type": "fixed", "name": "F", "size": 2}, b"\xca\xfe", "\\xcafe"),
    ({"type": "enum", "name": "E", "symbols": ["UP", "DOWN"]}, "DOWN", "DOWN"),
    ({"type": "array", "items": "int"}, [1, 2, 3], [1, 2, 3]),
    ({"type": "array", "items": "int"}, [], []),
    ({"type": "array", "items": {"type": "array", "items": "string"}}, [["a"], [], ["b", "c"]],
     [["a"], [], ["b", "c"]]),
    ({"type": "map", "values": "double"}, {"x": 0.1, 'q"': 2.5}, {"x": 0.1, 'q"': 2.5}),
    ({"type": "map", "values": ["null", "int"]}, {}, {}),
    (record_of("int", "string", name="Inner"), {"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
    (NODE, {"v": 1, "next": {"v": 2, "next": None}}, {"v": 1, "next": {"v": 2, "next": None}}),
    (["null", "string"], None, None),
    (["null", "string"], "s", "s"),
    (["string", "null"], "s", "s"),
    (["int", "string"], 3, 3),
    (["int", "string"], "3", "3"),
    (["null", "int", {"type": "array", "items": "int"}], [1], [1]),
]


def logical(base, name, **more):
    return {"type": base, "logicalType": name, **more}


INSTANT = datetime.datetime(2024, 3, 10, 8, 0, 0, 120000, UTC)
LOGICAL = [
    (logical("int", "date"), datetime.date(2024, 2, 29), "2024-02-29"),
    (logical("int", "date"), datetime.date(1969, 12, 31), "1969-12-31"),
    (logical("int", "time-millis"), datetime.time(8, 0, 1, 250000), "08:00:01.250000"),
    (logical("long", "time-micros"), datetime.time(23, 59, 59, 999999), "23:59:59.999999"),
    (logical("long", "time-micros"), datetime.time(8, 0), "08:00:00"),
    (logical("long", "timestamp-millis"), INSTANT, "2024-03-10T08:00:00.120000Z"),
    (logical("long", "timestamp-millis"), INSTANT.replace(microsecond=0), "2024-03-10T08:00:00Z"),
    (logical("long", "timestamp-micros"), INSTANT.replace(microsecond=1),
     "2024-03-10T08:00:00.000001Z"),
    (logical("long", "local-timestamp-millis"), datetime.datetime(2024, 3, 10, 8),
     "2024-03-10T08:00:00"),
    (logical("long", "local-timestamp-micros"), datetime.datetime(1900, 1, 1, 0, 0, 0, 5),
     "1900-01-01T00:00:00.000005"),
    (logical("bytes", "decimal", precision=10, scale=2), decimal.Decimal("-12.30"), "-12.30"),
    (logical("bytes", "decimal", precision=10, scale=0), decimal.Decimal("0"), "0"),
    (logical("string", "uuid"), uuid.UUID(int=7), str(uuid.UUID(int=7))),
    ({"type": "array", "items": logical("long", "timestamp-millis")}, [INSTANT],
     ["2024-03-10T08:00:00.120000Z"]),
    (["null", logical("int", "date")], datetime.date(2000, 1, 1), "2000-01-01"),
    (logical("int", "frobnicated"), 5, 5),
    (logical("long", "date"), 5, 5),
]


@pytest.mark.parametrize("type_, given, shown", PLAIN + LOGICAL)
def test_type(here, type_, given, shown):
    assert printed(here, record_of(type_), [{"a": given}]) == [{"a": shown}]
    assert lines(here.run_ok("cat", here.write("g.avro", written(type_, [given])))) == [shown]


def test_shortest_numbers(here):
    """As people write them, at the top and inside."""
    schema = record_of("float", "double", {"type": "array", "items": "double"}, "double")
    here.write("f.avro", written(schema, [{"a": 0.1, "b": 0.1, "c": [0.1, 3], "d": 1e16}]))
    assert here.run_ok("cat", "f.avro").out == '{"a":0.1,"b":0.1,"c":[0.1,3.0],"d":1e+16}\n'


def test_duration_and_nanoseconds(here):
    """What fastavro does not know."""
    duration = logical({"type": "fixed", "name": "D", "size": 12}, "duration")
    duration = {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}
    schema = record_of(duration, logical("long", "timestamp-nanos"),
                       logical("long", "local-timestamp-nanos"))
    content = b"".join(part.to_bytes(4, "little") for part in (1, 2, 3004)) + long(1) + long(1000)
    here.write("f.avro", header(schema) + block(1, content))
    assert lines(here.run_ok("cat", "f.avro")) == [{
        "a": "P1M2DT3.004S", "b": "1970-01-01T00:00:00.000000001Z",
        "c": "1970-01-01T00:00:00.000001"}]


def fixed_decimal(number, size):
    return number.to_bytes(size, "big", signed=True)


def test_decimal_in_fixed(here):
    type_ = {"type": "fixed", "name": "N", "size": 6, "logicalType": "decimal", "precision": 12,
             "scale": 3}
    here.write("f.avro", header(record_of(type_)) + block(2, fixed_decimal(-5, 6) +
                                                          fixed_decimal(123456789, 6)))
    assert lines(here.run_ok("cat", "f.avro")) == [{"a": "-0.005"}, {"a": "123456.789"}]


@pytest.mark.parametrize("codec", CODECS)
def test_codec(here, codec):
    """All plain types in one record, many blocks."""
    schema = record_of(*(type_ for type_, _, _ in PLAIN[1:30:2]))
    for i, field in enumerate(schema["fields"]):
        field["name"] = f"f{i}"
    record = {f"f{i}": given for i, (_, given, _) in enumerate(PLAIN[1:30:2])}
    shown = {f"f{i}": shown for i, (_, _, shown) in enumerate(PLAIN[1:30:2])}
    here.write("f.avro", written(schema, [record] * 500, codec, sync_interval=1000))
    assert lines(here.run_ok("cat", "f.avro")) == [shown] * 500


def test_random_records(here):
    random.seed(4)
    schema = record_of("long", ["null", "string"], {"type": "map", "values": "long"}, "double")
    records = [{
        "a": random.getrandbits(64) - 2**63,
        "b": random.choice([None, "".join(chr(random.randrange(1, 0xD800)) for _ in range(9))]),
        "c": {str(random.random()): random.getrandbits(20) for _ in range(random.randrange(4))},
        "d": random.random() * 10 ** random.randrange(-300, 300),
    } for _ in range(2000)]
    assert printed(here, schema, records) == records


# Options


THREE = record_of("int", "string", "boolean")
ROWS = [{"a": i, "b": f"s{i}", "c": i % 2 == 0} for i in range(10)]


def test_columns_in_the_order_given(here):
    here.write("f.avro", written(THREE, ROWS[:2]))
    result = here.run_ok("cat", "--columns", "c,a", "f.avro")
    assert result.out == '{"c":true,"a":0}\n{"c":false,"a":1}\n'


def test_unknown_column(here):
    here.write("f.avro", written({**THREE, "fields": [
        {"name": "user_id", "type": "string"}]}, [{"user_id": "u"}]))
    result = here.run("cat", "--columns", "usr_id", "f.avro")
    assert result.code == 1 and result.out == ""
    assert result.err == ('clickstream: error: f.avro: column "usr_id" does not exist\n'
                          'clickstream: hint: Perhaps you meant "user_id".\n')
    assert "inspect" in here.run("cat", "--columns", "something_else", "f.avro").err


def test_column_beside_a_long_name(here):
    """Looking for the nearest name passes over those that are too long to be compared."""
    names = ["long" * 100, "user_id", "n" * 64]
    here.write("f.avro", written({**THREE, "fields": [{"name": name, "type": "int"} for name in names]}, []))
    result = here.run("cat", "--columns", "usr_id", "f.avro")
    assert result.code == 1
    assert 'hint: Perhaps you meant "user_id".' in result.err


@pytest.mark.parametrize("columns, message", [
    ("a,a", 'column "a" is listed twice'), ("a,", 'column "" does not exist'),
    ("A", 'column "A" does not exist')])
def test_bad_column_lists(here, columns, message):
    here.write("f.avro", written(THREE, ROWS))
    result = here.run("cat", "--columns", columns, "f.avro")
    assert result.code == 1 and message in result.err


@pytest.mark.parametrize("limit, count", [(0, 0), (1, 1), (10, 10), (13, 13), (99, 20)])
def test_limit_over_all_files(here, limit, count):
    here.write("f.avro", written(THREE, ROWS))
    assert len(lines(here.run_ok("cat", "--limit", limit, "f.avro", "f.avro"))) == count


def test_limit_does_not_read_the_rest(here):
    """Neither what is damaged behind the limit, nor a pipe that gives no more."""
    here.write("f.avro", header(record_of("long")) + longs(0, 5) + b"damage")
    assert len(lines(here.run_ok("cat", "--limit", 5, "f.avro"))) == 5
    process = here.start("cat", "--limit", 3, "-", stdin=subprocess.PIPE)
    process.stdin.write(header(record_of("long")) + longs(0, 5))
    process.stdin.flush()
    assert process.wait(60) == 0
    assert len(process.stdout.read().splitlines()) == 3
    process.stdin.close()


def test_several_files_of_different_schemas(here):
    here.write("f.avro", written(THREE, ROWS[:1]))
    here.write("g.avro", written("string", ["bare"]))
    here.write("h.avro", written({"type": "record", "name": "None", "fields": []}, [{}, {}]))
    assert here.run_ok("cat", "f.avro", "g.avro", "h.avro").out == \
        '{"a":0,"b":"s0","c":true}\n"bare"\n{}\n{}\n'


@pytest.mark.parametrize("way", ["pipe", "file"])
def test_standard_input(here, way):
    path = here.write("f.avro", written(THREE, ROWS, "deflate"))
    if way == "pipe":
        result = here.run("cat", "-", data=path.read_bytes())
    else:
        with open(path, "rb") as file:
            result = here.run("cat", "-", stdin=file)
    assert result.code == 0 and lines(result) == ROWS


def test_standard_input_read_in_part_before(here):
    """What stands before the file was taken by somebody else."""
    path = here.write("f", b"a line\n" + written(THREE, ROWS))
    with open(path, "rb", buffering=0) as file:
        file.seek(len(b"a line\n"))
        assert lines(here.run("cat", "-", stdin=file)) == ROWS


def test_reader_schema(here):
    """Name, alias, promotion, default; fields of the file that are not wanted."""
    here.write("f.avro", written(THREE, ROWS[:2]))
    here.write("new.avsc", json.dumps({"type": "record", "name": "R", "fields": [
        {"name": "extra", "type": "string", "default": "none"},
        {"name": "text", "aliases": ["b"], "type": ["null", "string"]},
        {"name": "a", "type": "double"}]}))
    result = here.run_ok("cat", "--schema", "new.avsc", "f.avro")
    assert result.out == ('{"extra":"none","text":"s0","a":0.0}\n'
                          '{"extra":"none","text":"s1","a":1.0}\n')
    result = here.run_ok("cat", "--schema", "new.avsc", "--columns", "a", "f.avro")
    assert lines(result) == [{"a": 0}, {"a": 1}]
    result = here.run("cat", "--schema", "new.avsc", "--columns", "b", "f.avro")
    assert result.code == 1 and 'new.avsc: column "b" does not exist' in result.err


def test_reader_schema_that_does_not_fit(here):
    here.write("f.avro", written(THREE, ROWS))
    here.write("new.avsc", json.dumps(record_of("string")))
    result = here.run("cat", "--schema", "new.avsc", "f.avro")
    assert result.code == 2 and result.out == "" and "f.avro: " in result.err
    assert '"a"' in result.err
    here.write("bad.avsc", "{")
    result = here.run("cat", "--schema", "bad.avsc", "f.avro")
    assert result.code == 2 and "bad.avsc: " in result.err
    assert here.run("cat", "--schema", "missing.avsc", "f.avro").code == 2


# Values and blocks that are refused


BAD_TEXTS = [(b"\xff", "UTF-8"), (b"a\x00b", "NUL"), (b"\xed\xa0\x80", "UTF-8")]


@pytest.mark.parametrize("text, reason", BAD_TEXTS)
@pytest.mark.parametrize("inside", [False, True])
def test_refused_text(here, text, reason, inside):
    """The records before it are printed; the message names the place."""
    type_ = {"type": "array", "items": "string"} if inside else "string"

    def value(content):
        return long(1) + data(content) + long(0) if inside else data(content)

    good = header(record_of("int", type_)) + block(1, long(1) + value(b"one"))
    here.write("f.avro", good + block(2, long(2) + value(b"two") + long(3) + value(text)))
    result = here.run("cat", "f.avro")
    assert result.code == 2 and [row["a"] for row in lines(result)] == [1, 2]
    assert result.err.startswith("clickstream: error: f.avro: ")
    assert reason in result.err and f"(byte {len(good)}, block 1, record 3)" in result.err
    assert 'clickstream: hint: "--salvage" goes on behind it' in result.err
    assert inside or '"b"' in result.err
    assert lines(here.run_ok("cat", "--columns", "a", "f.avro")) == [{"a": i} for i in (1, 2, 3)]


def test_time_out_of_range(here):
    here.write("f.avro", header(record_of(logical("long", "timestamp-millis"))) +
               block(1, long(2**63 - 1)))
    result = here.run("cat", "f.avro")
    assert result.code == 2 and "out of range" in result.err and "record 1" in result.err


def account(result):
    return result.err.splitlines()[-1]


def test_salvage_of_refused_records(here):
    rows = b"".join(long(i) + data(b"\xff" if i % 3 == 0 else b"ok") for i in range(10))
    here.write("f.avro", header(record_of("int", "string")) + block(10, rows))
    result = here.run("cat", "--salvage", "f.avro")
    assert result.code == 2
    assert [row["a"] for row in lines(result)] == [1, 2, 4, 5, 7, 8]
    assert result.err.count("clickstream: error: ") == 4
    assert account(result) == ("f.avro: 6 records printed, 4 refused, 0 declared records lost in "
                               "damaged blocks, 0 bytes passed over")


def test_salvage_of_nothing(here):
    here.write("f.avro", written(THREE, ROWS))
    result = here.run_ok("cat", "--salvage", "f.avro")
    assert lines(result) == ROWS
    assert account(result) == ("f.avro: 10 records printed, 0 refused, 0 declared records lost in "
                               "damaged blocks, 0 bytes passed over")


def test_salvage_of_a_record(here):
    """A boolean of 7: the records before it are kept, those behind it in the block lost."""
    good = header(record_of("boolean")) + block(3, b"\0\1\0")
    bad = block(6, b"\1\1\7\0\0\0")
    here.write("f.avro", good + bad + block(2, b"\0\0"))
    result = here.run("cat", "--salvage", "f.avro")
    assert result.code == 2 and [row["a"] for row in lines(result)] == [0, 1, 0, 1, 1, 0, 0]
    assert f"(byte {len(good)}, block 1, record 6)" in result.err or "record 6" in result.err
    assert account(result) == (f"f.avro: 7 records printed, 0 refused, 4 declared records lost in "
                               f"damaged blocks, {len(bad)} bytes passed over")


def test_salvage_of_a_block(here):
    """A marker that is wrong: the block's own records cannot be trusted either."""
    good = header(record_of("long")) + longs(0, 4)
    bad = block(5, bytes(5), sync=b"?" * 16)
    here.write("f.avro", good + bad + longs(10, 3) + longs(20, 1))
    result = here.run("cat", "--salvage", "f.avro")
    assert result.code == 2
    assert [row["a"] for row in lines(result)][-4:] == [10, 11, 12, 20]
    lost = int(account(result).split(" bytes passed over")[0].split()[-1])
    kept = len(lines(result))
    assert kept in (8, 9) and lost >= len(bad)  # what follows a wrong marker must show itself


def test_salvage_of_a_cut_file(here):
    whole = header(record_of("long")) + longs(0, 4)
    last = longs(100, 7)
    here.write("f.avro", whole + last[:-20])
    result = here.run("cat", "--salvage", "f.avro")
    assert result.code == 2 and len(lines(result)) == 4
    assert account(result) == (f"f.avro: 4 records printed, 0 refused, 7 declared records lost in "
                               f"damaged blocks, {len(last) - 20} bytes passed over")


def test_salvage_goes_on_to_the_next_file(here):
    here.write("bad.avro", b"not Avro")
    here.write("f.avro", written(THREE, ROWS))
    assert here.run("cat", "bad.avro", "f.avro").out == ""
    result = here.run("cat", "--salvage", "missing.avro", "bad.avro", "f.avro")
    assert result.code == 2 and lines(result) == ROWS


def test_every_cut_is_seen(here):
    """A file may end only behind a block: no shorter one passes for whole."""
    whole = header(record_of("string")) + block(2, data("ab") + data("cd"))
    full = whole + block(1, data("ef"))
    for cut in range(len(full)):
        if cut in (len(whole), len(header(record_of("string")))):
            continue
        here.write("f.avro", full[:cut])
        result = here.run("cat", "f.avro")
        assert result.code == 2, cut
        assert result.err.startswith("clickstream: error: f.avro: "), cut


# The outside


def test_full_disk(here):
    here.write("f.avro", written(THREE, ROWS))
    with open("/dev/full", "wb") as full:
        process = subprocess.run([PROGRAM, "cat", "f.avro"], cwd=here.path, stdout=full,
                                 stderr=subprocess.PIPE)
    assert process.returncode == 3
    assert b"could not write to standard output: No space left on device" in process.stderr


def test_closed_pipe_is_quiet(here):
    """`| head -1` ends the reading."""
    here.write("f.avro", written(THREE, ROWS * 20000))
    process = here.start("cat", "f.avro", "f.avro", "f.avro")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 3
    assert process.stderr.read() == b""


def test_missing_file_and_directory(here):
    result = here.run("cat", "missing.avro")
    assert result.code == 2 and 'could not open "missing.avro"' in result.err
    assert here.run("cat", ".").code == 2


@pytest.mark.skipif(not DATA.exists(), reason="the sample files are not there")
def test_interop(here):
    expected = (DATA / "weather.json").read_text().splitlines()
    expected = [json.loads(line) for line in expected]
    for name in ("weather.avro", "weather-deflate.avro", "weather-snappy.avro",
                 "weather-zstd.avro"):
        assert lines(here.run_ok("cat", DATA / name)) == expected, name
    key = lambda row: (row["station"], row["time"])  # noqa: E731
    assert sorted(lines(here.run_ok("cat", DATA / "weather-sorted.avro")), key=key) == \
        sorted(expected, key=key)
    assert len(lines(here.run_ok("cat", DATA / "syncInMeta.avro"))) == 6001  # as avro-c says


def test_marker_inside_data(here):
    """A sync marker planted in a value is data."""
    rows = b"".join(data(SYNC.hex()) for _ in range(2))
    planted = record_of("bytes")
    here.write("f.avro", header(planted) + block(2, data(SYNC) + data(SYNC + rows + SYNC)) +
               block(1, data(b"x")))
    assert [len(row["a"]) for row in lines(here.run_ok("cat", "f.avro"))] == [
        2 + 2 * 16, 2 + 2 * (32 + len(rows)), 4]
