# test/python/test_cli_avro_inspect.py - inspect: what a file holds, without decoding it
"""Facts as a table and as JSON, of whole and of damaged files."""

import base64
import io
import json
import os
import pathlib

import fastavro
import pytest
from avro_build import SYNC, block, data, header, long, longs, record_of
from conftest import ROOT

DATA = pathlib.Path(os.environ.get("CLICKSTREAM_DATA", ROOT / ".." / "shared" / "data")) / "avro"
SCHEMA = {"type": "record", "name": "shop.Order", "doc": "kept", "fields": [
    {"name": "id", "type": "long"},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
    {"name": "lines", "type": {"type": "array", "items": "string"}},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10,
                               "scale": 2}}]}


def facts(here, *names):
    result = here.run_ok("inspect", "--format", "json", *names)
    assert result.err == ""
    return [json.loads(line) for line in result.out.splitlines()]


def test_json(here):
    content = header(SCHEMA, "null", {"note": "a\tb", "raw": b"\xff\x00"})
    rows = long(1) + long(0) + long(0) + data(b"\1")
    here.write("f.avro", content + block(2, rows * 2) + block(0, b"") + block(1, rows))
    assert facts(here, "f.avro") == [{
        "file": "f.avro", "size": len(content) + 3 * len(rows) + 3 * (2 + 16), "complete": True,
        "codec": "null", "records": 3, "blocks": 2, "empty_blocks": 1,
        "block_bytes": 3 * len(rows), "header_bytes": len(content), "sync": SYNC.hex(),
        "min_timestamp": None, "max_timestamp": None,
        "metadata": {"note": "a\tb", "raw": {"base64": base64.b64encode(b"\xff\0").decode()}},
        "columns": [
            {"name": "id", "type": "long", "nullable": False},
            {"name": "at", "type": "union<null, timestamp-millis>", "nullable": True},
            {"name": "lines", "type": "array<string>", "nullable": False},
            {"name": "price", "type": "decimal(10,2)", "nullable": False}],
        "schema": SCHEMA}]


def test_table(here):
    here.write("f.avro", header(SCHEMA, "deflate", {"note": "a\x1b[31m", "raw": b"\xff\x00"}))
    out = here.run_ok("inspect", "f.avro").out
    for line in ("f.avro", "  codec         deflate", "  records       0",
                 "  blocks        0, 0 bytes", f"  sync marker   {SYNC.hex()}",
                 "  type          record Order", "    id           long",
                 "    at           union<null, timestamp-millis>, nullable",
                 "    note = a\\x1B[31m", "    raw = 2 bytes that are not text"):
        assert line in out.splitlines(), (line, out)


def test_time_range_of_the_encoder(here):
    here.write("log.txt", "2024-03-10T08:00:00+08:00 GET / u\n2024-03-09T08:00:00.5Z GET / u\n")
    here.run_ok("encode", "log.txt")
    fact, = facts(here, "log.avro")
    assert fact["min_timestamp"] == "2024-03-09T08:00:00.500000Z"
    assert fact["max_timestamp"] == "2024-03-10T00:00:00Z"
    assert fact["records"] == 2 and fact["codec"] == "deflate"
    assert len(fact["metadata"]["clickstream.source_sha256"]) == 64
    out = here.run_ok("inspect", "log.avro").out
    assert "  min timestamp 2024-03-09T08:00:00.500000Z\n" in out


@pytest.mark.parametrize("unit, number, shown", [
    ("timestamp-millis", "-1", "1969-12-31T23:59:59.999000Z"),
    ("timestamp-micros", "-1", "1969-12-31T23:59:59.999999Z"),
    ("timestamp-nanos", "-1", "1969-12-31T23:59:59.999999Z"),
    ("timestamp-millis", "9223372036854775807", None),
    ("timestamp-millis", "1e3", None),
    ("timestamp-millis", "", None),
    ("local-timestamp-millis", "1", None),
])
def test_time_units(here, unit, number, shown):
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "timestamp", "type": ["null", {"type": "long", "logicalType": unit}]}]}
    here.write("f.avro", header(schema, None, {"clickstream.min_timestamp": number}))
    assert facts(here, "f.avro")[0]["min_timestamp"] == shown


def test_schema_as_it_stands(here):
    text = '{"type" :"record", "name":"R","fields":[ ] , "x": 1.50}'
    here.write("f.avro", header(text))
    here.write("g.avro", header('"int"\n'))
    assert here.run_ok("inspect", "--schema", "f.avro", "g.avro").out == text + '\n"int"\n'


def test_type_without_columns(here):
    here.write("f.avro", header('"long"') + block(1, long(1)))
    assert facts(here, "f.avro")[0]["columns"] == [
        {"name": "value", "type": "long", "nullable": False}]


def test_damaged_file(here):
    """What can be read, the error with its byte, exit 2; the files behind it, too."""
    good = header(record_of("long")) + longs(0, 3)
    cut = good + block(1, long(1))[:-3]
    here.write("f.avro", cut)
    here.write("g.avro", good)
    result = here.run("inspect", "--format", "json", "f.avro", "g.avro")
    assert result.code == 2
    assert result.err.startswith("clickstream: error: f.avro: ")
    assert f"(byte {len(cut)}, block 1)" in result.err
    first, second = map(json.loads, result.out.splitlines())
    assert (first["complete"], first["records"], first["error_offset"]) == (False, 3, len(cut))
    assert first["error"] in result.err
    assert second["complete"] and "error" not in second
    assert "  records       3 before the damage\n" in here.run("inspect", "f.avro").out
    result = here.run("inspect", "missing.avro", "g.avro")
    assert result.code == 2 and result.out.startswith("g.avro\n")


def test_contents_are_not_looked_at(here):
    """Counts come from the heads of blocks; verify is for the rest."""
    here.write("f.avro", header(record_of("boolean"), "zstandard") +
               long(5) + long(3) + b"bad" + SYNC)
    assert facts(here, "f.avro")[0]["records"] == 5
    assert here.run("verify", "f.avro").code == 2


def test_pipe(here):
    content = header(record_of("long"), "deflate") + block(0, b"", "null") + \
        block(2, long(1) + long(2), "deflate")
    result = here.run("inspect", "--format", "json", "-", data=content)
    fact = json.loads(result.out)
    assert (fact["size"], fact["block_bytes"]) == (None, None)
    assert (fact["records"], fact["blocks"], fact["empty_blocks"]) == (2, 1, 1)


@pytest.mark.skipif(not DATA.exists(), reason="the sample files are not there")
def test_interop(here):
    names = [path for path in sorted(DATA.glob("*.avro"))
             if path.name != "syncInMeta.avro"]  # fastavro wants text in the metadata
    for fact in facts(here, *names):
        content = pathlib.Path(fact["file"]).read_bytes()
        reader = fastavro.block_reader(io.BytesIO(content))
        blocks = [part.num_records for part in reader]
        assert fact["codec"] == reader.codec
        assert fact["records"] == sum(blocks)
        assert fact["blocks"] + fact["empty_blocks"] == len(blocks)
        schema = reader.metadata["avro.schema"]
        assert fact["schema"] == json.loads(schema)
        assert here.run_ok("inspect", "--schema", fact["file"]).out.rstrip("\n") == \
            schema.rstrip("\n")
