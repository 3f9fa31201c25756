# test/python/test_cli_encode.py - encode: which lines are taken, and what is in the Avro file

import datetime
import hashlib
import json
import random
import shutil
import subprocess

import fastavro
import pytest
from conftest import GOOD_LINE, ROOT

CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MAX_LINE = 65536

MICROS_SCHEMA = {
    "type": "record", "name": "HttpLog", "fields": [
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "http_method", "type": "string"},
        {"name": "http_path", "type": "string"},
        {"name": "user_id", "type": "string"}]}


def read_avro(path):
    """The records of a file as fastavro sees them, and its metadata."""
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        return list(reader), reader.metadata


def encode_line(here, line, *options):
    here.write("log.txt", line)
    return here.run("encode", "--force", *options, "log.txt")


def micros(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


# Lines that are taken: the timestamp, and what it means.
GOOD_TIMES = [
    ("2024-03-10T08:00:00Z", "2024-03-10T08:00:00+00:00"),
    ("2024-03-10T08:00:00+00:00", "2024-03-10T08:00:00+00:00"),
    ("2024-03-10T08:00:00+08:00", "2024-03-10T00:00:00+00:00"),
    ("2024-03-10T08:00:00+0530", "2024-03-10T02:30:00+00:00"),
    ("2024-03-10T08:00:00-05", "2024-03-10T13:00:00+00:00"),
    ("2024-03-10T08:00:00.5Z", "2024-03-10T08:00:00.500000+00:00"),
    ("2024-03-10T08:00:00.123Z", "2024-03-10T08:00:00.123000+00:00"),
    ("2024-03-10T08:00:00.123000Z", "2024-03-10T08:00:00.123000+00:00"),
    ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59+00:00"),
    ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00+00:00"),
    ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999000+00:00"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
    ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
]

# Lines that are refused, and a word of the reason.
BAD_LINES = {
    "empty": (b"", "empty"),
    "only a carriage return": (b"\r", "empty"),
    "three fields": (b"2024-03-10T08:00:00Z GET /x", "3 fields"),
    "five fields": (b"2024-03-10T08:00:00Z GET /x u1 more", "5 fields"),
    "two spaces": (b"2024-03-10T08:00:00Z  GET /x u1", "empty field"),
    "leading space": (b" 2024-03-10T08:00:00Z GET /x u1", "empty field"),
    "trailing space": (b"2024-03-10T08:00:00Z GET /x u1 ", "empty field"),
    "tab": (b"2024-03-10T08:00:00Z\tGET /x u1", "control"),
    "NUL": (b"2024-03-10T08:00:00Z GET /x u\0", "control"),
    "escape": (b"2024-03-10T08:00:00Z GET /\x1b[0m u1", "control"),
    "delete": (b"2024-03-10T08:00:00Z GET /\x7f u1", "control"),
    "carriage return inside": (b"2024-03-10T08:00:00Z GET /x\ry u1", "control"),
    "two carriage returns": (b"2024-03-10T08:00:00Z GET /x u1\r\r", "control"),
    "stray UTF-8 byte": (b"2024-03-10T08:00:00Z GET /x\xff u1", "UTF-8"),
    "cut UTF-8": (b"2024-03-10T08:00:00Z GET /x u\xc3", "UTF-8"),
    "overlong UTF-8": (b"2024-03-10T08:00:00Z GET /\xc0\xaf u1", "UTF-8"),
    "surrogate": (b"2024-03-10T08:00:00Z GET /\xed\xa0\x80 u1", "UTF-8"),
    "second byte order mark": (b"\xef\xbb\xbf2024-03-10T08:00:00Z GET /x u1", "timestamp"),
    "no offset": (b"2024-03-10T08:00:00 GET /x u1", "offset"),
    "space for T": (b"2024-03-10 08:00:00Z GET /x", "timestamp"),
    "small t": (b"2024-03-10t08:00:00Z GET /x u1", "timestamp"),
    "small z": (b"2024-03-10T08:00:00z GET /x u1", "offset"),
    "second 60": (b"2024-03-10T08:00:60Z GET /x u1", "time of day"),
    "minute 60": (b"2024-03-10T08:60:00Z GET /x u1", "time of day"),
    "hour 24": (b"2024-03-10T24:00:00Z GET /x u1", "time of day"),
    "month 13": (b"2024-13-10T08:00:00Z GET /x u1", "day"),
    "month 0": (b"2024-00-10T08:00:00Z GET /x u1", "day"),
    "day 0": (b"2024-03-00T08:00:00Z GET /x u1", "day"),
    "February 30": (b"2024-02-30T08:00:00Z GET /x u1", "day"),
    "no leap year": (b"2023-02-29T08:00:00Z GET /x u1", "day"),
    "1900 no leap year": (b"1900-02-29T08:00:00Z GET /x u1", "day"),
    "seven digits": (b"2024-03-10T08:00:00.1234567Z GET /x u1", "finer"),
    "no digits": (b"2024-03-10T08:00:00.Z GET /x u1", "digits"),
    "comma": (b"2024-03-10T08:00:00,5Z GET /x u1", "offset"),
    "offset hour 24": (b"2024-03-10T08:00:00+24:00 GET /x u1", "offset"),
    "offset minute 60": (b"2024-03-10T08:00:00+08:60 GET /x u1", "offset"),
    "half an offset": (b"2024-03-10T08:00:00+8 GET /x u1", "offset"),
    "offset with seconds": (b"2024-03-10T08:00:00+08:00:00 GET /x u1", "offset"),
    "epoch number": (b"1710057600 GET /x u1", "timestamp"),
    "word": (b"yesterday GET /x u1", "timestamp"),
    "microseconds": (b"2024-03-10T08:00:00.000001Z GET /x u1", "milliseconds"),
    "too long": (b"2024-03-10T08:00:00Z GET /" + b"x" * MAX_LINE + b" u1", "longer than"),
}


@pytest.mark.parametrize("text, meaning", GOOD_TIMES)
def test_timestamps(here, text, meaning):
    assert encode_line(here, f"{text} GET /x u1\n").code == 0
    records, _ = read_avro(here.path / "log.avro")
    assert records[0]["timestamp"] == datetime.datetime.fromisoformat(meaning)


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_line_stops(here, name):
    """One bad line between good ones: exit 2, file, line and reason, no file left."""
    line, reason = BAD_LINES[name]
    result = encode_line(here, GOOD_LINE + line + b"\n" + GOOD_LINE)
    assert result.code == 2, result
    assert result.err.startswith("clickstream: error: log.txt: line 2: "), result
    assert reason in result.err.splitlines()[0]
    assert "--max-rejects" in result.err and "--rejects" in result.err
    assert here.names() == ["log.txt"]


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_line_is_kept(here, name):
    line, reason = BAD_LINES[name]
    result = encode_line(here, GOOD_LINE + line + b"\n" + GOOD_LINE, "--max-rejects", 1)
    assert result.code == 0, result
    assert "log.txt: read 3 lines = 2 written + 1 rejected -> log.avro\n" in result.err
    assert "log.avro.rejects.jsonl" in result.err
    assert len(read_avro(here.path / "log.avro")[0]) == 2
    kept = json.loads(here.read("log.avro.rejects.jsonl"))
    assert kept["file"] == "log.txt" and kept["line"] == 2 and reason in kept["reason"]
    if name == "too long":
        assert kept["cut"] is True and kept["text"] == line[:MAX_LINE].decode()
    else:
        assert "cut" not in kept
        assert kept["text"] == line.removesuffix(b"\r").decode(errors="replace")


def test_real_log(here):
    """The records are those of the log, in its order; avro-c and fastavro agree."""
    here.write("log.txt", (ROOT / "data" / "http_log.txt").read_bytes())
    result = here.run_ok("encode", "log.txt")
    lines = here.read("log.txt").decode().splitlines()
    assert f"read {len(lines)} lines = {len(lines)} written + 0 rejected" in result.err
    assert result.out == ""
    records, _ = read_avro(here.path / "log.avro")
    assert len(records) == len(lines)
    for record, line in zip(records, lines):
        time, method, path, user = line.split(" ")
        assert record == {
            "timestamp": datetime.datetime.fromisoformat(time.replace("Z", "+00:00")),
            "http_method": method, "http_path": path, "user_id": user}


@pytest.mark.parametrize("codec", CODECS)
def test_fastavro_reads_every_codec(here, codec):
    """Several blocks, with a record that is larger than a block between small ones."""
    lines = [
        f"2024-03-10T08:{i // 60 % 60:02}:{i % 60:02}Z GET /campaigns/{i * i} user{i % 77}"
        for i in range(8000)]
    lines.insert(4000, "2024-03-10T08:00:00Z GET /" + "x" * (MAX_LINE - 30) + " u1")
    here.write("log.txt", "\n".join(lines))
    here.run_ok("encode", "--codec", codec, "log.txt")
    records, metadata = read_avro(here.path / "log.avro")
    assert metadata["avro.codec"] == codec
    assert len(records) == len(lines)
    for record, line in zip(records, lines):
        _, method, path, user = line.split(" ")
        assert (record["http_method"], record["http_path"], record["user_id"]) == (
            method, path, user)
    with open(here.path / "log.avro", "rb") as file:
        blocks = list(fastavro.block_reader(file))
    assert len(blocks) > 2


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_avro_c_reads_the_same(here, codec):
    if shutil.which("avrocat") is None:
        pytest.skip("avrocat is not installed")
    here.write("log.txt", (ROOT / "data" / "http_log.txt").read_bytes())
    here.run_ok("encode", "--codec", codec, "log.txt")
    records, metadata = read_avro(here.path / "log.avro")
    assert metadata["avro.codec"] == codec
    printed = subprocess.run(["avrocat", here.path / "log.avro"], check=True, capture_output=True)
    theirs = [json.loads(line) for line in printed.stdout.splitlines()]
    ours = [{**record, "timestamp": micros(record["timestamp"]) // 1000} for record in records]
    assert theirs == ours


def test_schema_is_the_projects_own(here):
    encode_line(here, GOOD_LINE)
    _, metadata = read_avro(here.path / "log.avro")
    assert metadata["avro.schema"] == (ROOT / "schemas" / "http_log.avsc").read_text()


def test_metadata(here):
    first = b"2024-03-10T08:00:02.5+08:00 GET /a u1\n"
    second = GOOD_LINE + b"2024-03-09T23:59:00Z GET /b u1\n"
    here.write("a.txt", first)
    here.write("b.txt", second)
    here.run_ok("encode", "-o", "all.avro", "a.txt", "b.txt")
    _, metadata = read_avro(here.path / "all.avro")
    assert metadata["clickstream.source_sha256"] == hashlib.sha256(first + second).hexdigest()
    assert metadata["clickstream.min_timestamp"] == "1710028740000"
    assert metadata["clickstream.max_timestamp"] == "1710057600000"


def test_metadata_of_times_before_1970(here):
    encode_line(here, "1969-12-31T23:59:59.999Z GET /a u1\n1960-01-01T00:00:00Z GET /a u1\n")
    _, metadata = read_avro(here.path / "log.avro")
    assert metadata["clickstream.min_timestamp"] == "-315619200000"
    assert metadata["clickstream.max_timestamp"] == "-1"


def test_empty_log(here):
    result = encode_line(here, b"")
    assert result.code == 0
    assert "log.txt: read 0 lines = 0 written + 0 rejected" in result.err
    records, metadata = read_avro(here.path / "log.avro")
    assert records == []
    assert metadata["clickstream.source_sha256"] == hashlib.sha256(b"").hexdigest()
    assert "clickstream.min_timestamp" not in metadata
    assert "clickstream.max_timestamp" not in metadata


def test_one_line(here):
    assert "read 1 line = 1 written" in encode_line(here, GOOD_LINE).err


@pytest.mark.parametrize("log", [
    GOOD_LINE.rstrip(b"\n"),
    GOOD_LINE.replace(b"\n", b"\r\n"),
    GOOD_LINE.replace(b"\n", b"\r"),
    b"\xef\xbb\xbf" + GOOD_LINE,
], ids=["no last line feed", "CR LF", "CR at the end of the file", "byte order mark"])
def test_line_ends(here, log):
    assert encode_line(here, log).code == 0
    records, metadata = read_avro(here.path / "log.avro")
    assert len(records) == 1 and records[0]["user_id"] == "u1"
    assert metadata["clickstream.source_sha256"] == hashlib.sha256(log).hexdigest()


def test_byte_order_mark_alone(here):
    assert "read 0 lines" in encode_line(here, b"\xef\xbb\xbf").err


def test_last_line_feed_begins_no_line(here):
    assert "read 2 lines" in encode_line(here, GOOD_LINE * 2).err
    assert "line 3" in encode_line(here, GOOD_LINE * 2 + b"\n").err


def test_standard_output_is_no_file(here):
    here.write("log.txt", GOOD_LINE)
    result = here.run("encode", "-o", "-", "log.txt")
    assert result.code == 1 and "standard output" in result.err, result
    assert not (here.path / "-").exists()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_longest_line(here, end):
    """A line of exactly the limit is taken, its end not counted; one byte more is not."""
    line = b"2024-03-10T08:00:00Z GET /"
    line += b"x" * (MAX_LINE - len(line) - 3) + b" u1"
    assert len(line) == MAX_LINE
    assert encode_line(here, GOOD_LINE + line + end).code == 0
    assert read_avro(here.path / "log.avro")[0][1]["http_path"] == line.decode().split(" ")[2]
    result = encode_line(here, GOOD_LINE + line + b"x" + end)
    assert result.code == 2 and "longer than 65536 bytes" in result.err


def test_overlong_lines_between_good_ones(here):
    """Long lines of many lengths, around the sizes of buffers, do not disturb their neighbours."""
    sizes = [65536 * factor + extra for factor in (1, 2, 4, 8, 40) for extra in (-1, 0, 1, 2)]
    log = b"".join(GOOD_LINE + b"y" * size + b"\n" for size in sizes) + GOOD_LINE
    result = encode_line(here, log, "--max-rejects", 100)
    assert f"{len(sizes) + 1} written + {len(sizes)} rejected" in result.err
    kept = [json.loads(line) for line in here.read("log.avro.rejects.jsonl").splitlines()]
    assert [item["line"] for item in kept] == [2 * i + 2 for i in range(len(sizes))]
    assert [item.get("cut", False) for item in kept] == [size > 65536 for size in sizes]


def test_overlong_line_without_end(here):
    result = encode_line(here, GOOD_LINE + b"z" * 1000000, "--max-rejects", 1)
    assert "read 2 lines = 1 written + 1 rejected" in result.err


def test_overlong_line_is_cut_between_characters(here):
    line = "x" * (MAX_LINE - 1) + "é" * 10
    encode_line(here, line.encode() + b"\n", "--max-rejects", 1)
    kept = json.loads(here.read("log.avro.rejects.jsonl"))
    assert kept["text"] == "x" * (MAX_LINE - 1)
    assert "bytes_base64" not in kept


def test_any_text_in_fields(here):
    """Method, path and user are any text without blanks; nothing is interpreted."""
    rng = random.Random(7)
    letters = [c for c in map(chr, range(0x21, 0x2000)) if c.isprintable() and not c.isspace()]
    rows = [["".join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(3)]
            for _ in range(500)]
    here.write("log.txt", "".join(f"2024-03-10T08:00:00Z {' '.join(row)}\n" for row in rows))
    here.run_ok("encode", "log.txt")
    records, _ = read_avro(here.path / "log.avro")
    assert [[r["http_method"], r["http_path"], r["user_id"]] for r in records] == rows


def test_many_blocks(here):
    lines = 30000
    here.write("log.txt", b"".join(b"2024-03-10T08:00:00.%03dZ GET /campaigns/%d u%d\n"
                                   % (i % 1000, i, i) for i in range(lines)))
    here.run_ok("encode", "log.txt")
    with open(here.path / "log.avro", "rb") as file:
        blocks = [block.num_records for block in fastavro.block_reader(file)]
    assert len(blocks) > 3 and sum(blocks) == lines
    records, _ = read_avro(here.path / "log.avro")
    assert [record["user_id"] for record in records] == [f"u{i}" for i in range(lines)]


def test_micros_schema(here):
    here.write("micros.avsc", json.dumps(MICROS_SCHEMA))
    result = encode_line(here, "2024-03-10T08:00:00.000001Z GET /x u1\n", "--schema", "micros.avsc")
    assert result.code == 0
    records, metadata = read_avro(here.path / "log.avro")
    assert records[0]["timestamp"].microsecond == 1
    assert metadata["clickstream.min_timestamp"] == "1710057600000001"
    assert json.loads(metadata["avro.schema"]) == MICROS_SCHEMA


def test_schema_in_other_order_and_nullable(here):
    schema = {"type": "record", "name": "r", "fields": [
        {"name": "user_id", "type": ["null", "string"]},
        {"name": "http_path", "type": ["string", "null"]},
        {"name": "timestamp",
         "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "http_method", "type": "string"}]}
    here.write("s.avsc", json.dumps(schema))
    assert encode_line(here, GOOD_LINE, "--schema", "s.avsc").code == 0
    records, _ = read_avro(here.path / "log.avro")
    assert records[0]["user_id"] == "u1" and records[0]["http_path"] == "/campaigns/1"


def changed(index, **changes):
    fields = [dict(field) for field in MICROS_SCHEMA["fields"]]
    fields[index].update(changes)
    return {**MICROS_SCHEMA, "fields": fields}


@pytest.mark.parametrize("schema, message", [
    ("not json", ""),
    ('"string"', ""),
    (changed(0, type="long"), 'field "timestamp" is not a timestamp-millis or timestamp-micros'),
    (changed(0, type={"type": "long", "logicalType": "unknown"}), 'field "timestamp" is not'),
    (changed(0, name="ts"), 'schema has no field "timestamp"'),
    (changed(1, type="bytes"), 'field "http_method" is not a string'),
    (changed(2, name="path"), 'schema has no field "http_path"'),
    (changed(3, type=["null", "long"]), 'field "user_id" is not a string'),
    ({**MICROS_SCHEMA, "fields": MICROS_SCHEMA["fields"] + [{"name": "x", "type": "int"}]},
     "more fields"),
    ({**MICROS_SCHEMA, "fields": MICROS_SCHEMA["fields"][:1]},
     'schema has no fields "http_method", "http_path", "user_id"'),
], ids=str)
def test_bad_schema(here, schema, message):
    here.write("s.avsc", schema if isinstance(schema, str) else json.dumps(schema))
    result = encode_line(here, GOOD_LINE, "--schema", "s.avsc")
    assert result.code == 2
    assert result.err.startswith("clickstream: error: s.avsc: ")
    assert message in result.err
    if message:
        assert '"timestamp" (long, timestamp-millis or timestamp-micros)' in result.err
    assert here.names() == ["log.txt", "s.avsc"]


def test_missing_schema(here):
    result = encode_line(here, GOOD_LINE, "--schema", "none.avsc")
    assert result.code == 2
    assert 'could not open "none.avsc": No such file or directory' in result.err
