# test/python/test_avro_interop.py - the files of fastavro, avro-c and avro-tools, and ours
"""Every type, logical type and codec that each of them has, in both directions.

One schema holds every type; its records are made from a fixed seed, so that each reader can
be held against what the writer put in. What avro-c drops when it writes (logical types) is
read as the base type.
"""

import json
import os
import pathlib
import random
import struct

import fastavro
import pytest

import avro_model as model
import avro_peers as peers
import avro_random
from conftest import ROOT, SEED, SOAK

DATA = pathlib.Path(os.environ.get("CLICKSTREAM_DATA", ROOT / ".." / "shared" / "data")) / "avro"
LOG = b"""2024-03-10T08:00:00Z GET /campaigns/1 u1
2024-03-10T08:00:00.999Z POST /rewards/2 na\xc3\xafve
1969-12-31T23:59:59.001+08:00 DELETE /x?a=%20 \xe6\x97\xa5
"""


def logical(base, name, **more):
    return {"type": base, "logicalType": name, **more}


def fixed(name, size, **more):
    return {"type": "fixed", "name": name, "size": size, **more}


def record(name, *fields, **more):
    return {"type": "record", "name": name, **more,
            "fields": [{"name": key, "type": kind} for key, kind in fields]}


ENUM = {"type": "enum", "name": "suit", "symbols": ["SPADES", "HEARTS", "none"]}
FLAT = [(f"p_{name}", name) for name in model.PRIMITIVES] + [
    ("p_fixed", fixed("five", 5)), ("p_enum", ENUM)]
COMPLEX = [
    ("c_array", {"type": "array", "items": "long"}),
    ("c_map", {"type": "map", "values": "bytes"}),
    ("c_record", record("inner", ("a", "string"), ("b", {"type": "array", "items": "suit"}))),
    ("c_optional", ["null", "string"]),
    ("c_optional_last", ["double", "null"]),
    # The string last: it would take the text that a fixed is for our writer.
    ("c_union", ["null", "boolean", "long", "inner", "five",
                 {"type": "map", "values": "inner"}, "string"]),
    ("c_nested", {"type": "array", "items": {"type": "map", "values": {
        "type": "array", "items": ["null", "inner"]}}}),
    ("c_tree", record("node", ("value", "int"), ("next", ["null", "node"]),
                      ("children", {"type": "array", "items": "node"})))]
LOGICAL = [
    ("l_date", logical("int", "date")),
    ("l_time_millis", logical("int", "time-millis")),
    ("l_time_micros", logical("long", "time-micros")),
    ("l_timestamp_millis", logical("long", "timestamp-millis")),
    ("l_timestamp_micros", logical("long", "timestamp-micros")),
    ("l_timestamp_nanos", logical("long", "timestamp-nanos")),
    ("l_local_millis", logical("long", "local-timestamp-millis")),
    ("l_local_micros", logical("long", "local-timestamp-micros")),
    ("l_local_nanos", logical("long", "local-timestamp-nanos")),
    ("l_decimal", logical("bytes", "decimal", precision=20, scale=3)),
    ("l_decimal_whole", logical("bytes", "decimal", precision=38)),
    ("l_decimal_fixed", fixed("money", 8, logicalType="decimal", precision=18, scale=2)),
    ("l_uuid", logical("string", "uuid")),
    ("l_uuid_fixed", fixed("uuid_bytes", 16, logicalType="uuid")),
    ("l_duration", fixed("span", 12, logicalType="duration")),
    ("l_optional", ["null", logical("long", "timestamp-millis")]),
    ("l_array", {"type": "array", "items": logical("int", "date")}),
    ("l_unknown", logical("string", "no-such-type")),
    ("l_misfit", logical("string", "date"))]
FIELDS = FLAT + COMPLEX + LOGICAL
SCHEMA = record("everything", *FIELDS, namespace="org.example")
NODE = model.parse(SCHEMA)
RECORDS = 200


def make_values():
    """The same for everybody; what is first is of every type's plainest kind."""
    return avro_random.random_records(random.Random(20240310), NODE, RECORDS, clear=True)


VALUES = make_values()
PLAIN = [model.plain(NODE, value) for value in VALUES]


def without_nans(values):
    """Values that avro-tools can say in JSON: it writes NaN and infinities as text."""
    def finite(value):
        if isinstance(value, dict):
            return {key: finite(one) for key, one in value.items()}
        if isinstance(value, list):
            return [finite(one) for one in value]
        if isinstance(value, model.Branch):
            return model.Branch(value.index, finite(value.value))
        return 0.5 if isinstance(value, float) and value - value != 0 else value
    return [finite(value) for value in values]


def strip_logical(schema):
    """The schema without logical types, as avro-c writes it."""
    if isinstance(schema, dict):
        return {key: strip_logical(value) for key, value in schema.items() if key != "logicalType"}
    if isinstance(schema, list):
        return [strip_logical(value) for value in schema]
    return schema


BASE = model.parse(strip_logical(SCHEMA))
BASE_PLAIN = [model.plain(BASE, value) for value in VALUES]


def test_the_values_are_worth_a_test():
    """Each branch of each union, both ends of numbers, no empty run of records."""
    union = next(field.node for field in NODE.fields if field.name == "c_union")
    assert {value["c_union"].index for value in VALUES} == set(range(len(union.branches)))
    assert max(value["p_long"] for value in VALUES) > 2 ** 60
    assert min(value["p_int"] for value in VALUES) < -2 ** 30


# ---- fastavro


@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_fastavro_writes_we_read(here, codec):
    path = peers.write_fastavro(here.path / "f.avro", SCHEMA, VALUES, codec, sync_interval=3000)
    assert peers.read_ours(here, path) == PLAIN
    here.run_ok("verify", path)


@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_we_write_fastavro_reads(here, codec):
    path = peers.write_ours(here.path / "f.avro", SCHEMA, VALUES, codec)
    assert peers.read_fastavro(path) == PLAIN
    assert peers.read_ours(here, path) == PLAIN


@pytest.mark.parametrize("name", [name for name, _ in FIELDS])
def test_each_type_alone(here, name):
    """As the only column, nullable, and by itself at the top of the schema."""
    field = next(field for field in NODE.fields if field.name == name)
    schema = model.render(field.node)
    values = [value[name] for value in VALUES]
    for top, wrapped in ((schema, values),
                         (record("one", ("x", schema)), [{"x": value} for value in values])):
        node = model.parse(top)
        expected = [model.plain(node, value) for value in wrapped]
        path = peers.write_fastavro(here.path / "f.avro", top, wrapped)
        assert peers.read_ours(here, path) == expected
        path = peers.write_ours(here.path / "o.avro", top, wrapped)
        assert peers.read_fastavro(path) == expected


def test_columns_and_limit(here):
    path = peers.write_fastavro(here.path / "f.avro", SCHEMA, VALUES, "snappy")
    names = ["l_uuid", "c_tree", "p_int"]
    assert peers.read_ours(here, path, "--columns", ",".join(names), "--limit", "7") == [
        {name: one[name] for name in names} for one in PLAIN[:7]]


@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_encode_to_fastavro(here, codec):
    """What "clickstream encode" writes of a log."""
    here.write("a.log", LOG)
    here.run_ok("encode", "--codec", codec, "-o", "log.avro", "a.log")
    expected = [
        {"timestamp": "2024-03-10T08:00:00Z", "http_method": "GET", "http_path": "/campaigns/1",
         "user_id": "u1"},
        {"timestamp": "2024-03-10T08:00:00.999000Z", "http_method": "POST",
         "http_path": "/rewards/2", "user_id": "naïve"},
        {"timestamp": "1969-12-31T15:59:59.001000Z", "http_method": "DELETE",
         "http_path": "/x?a=%20", "user_id": "日"}]
    assert peers.read_fastavro(here.path / "log.avro") == expected
    assert peers.read_ours(here, "log.avro") == expected


# ---- avro-c


@pytest.mark.parametrize("codec", peers.AVRO_C_CODECS)
def test_avro_c_reads_ours(here, codec):
    """Record by record, against the same records as fastavro writes them."""
    ours = peers.write_ours(here.path / "o.avro", SCHEMA, VALUES, codec)
    theirs = peers.write_fastavro(here.path / "f.avro", SCHEMA, VALUES)
    assert peers.compare_by_avro_c(ours, theirs) == RECORDS


@pytest.mark.parametrize("codec", peers.AVRO_C_CODECS)
def test_avro_c_writes_we_read(here, codec):
    source = peers.write_ours(here.path / "o.avro", SCHEMA, VALUES)
    path = peers.copy_by_avro_c(source, here.path / "c.avro", codec)
    assert peers.read_ours(here, path) == BASE_PLAIN
    assert peers.read_ours(here, path, "--schema", here.write(
        "s.avsc", json.dumps(SCHEMA))) == PLAIN, "the logical types come back by a reader's schema"


@pytest.mark.parametrize("codec", peers.AVRO_C_CODECS)
def test_avro_c_reads_an_encoded_log(here, codec):
    here.write("a.log", LOG)
    here.run_ok("encode", "--codec", codec, "-o", "log.avro", "a.log")
    copy = peers.copy_by_avro_c(here.path / "log.avro", here.path / "copy.avro")
    assert peers.compare_by_avro_c(here.path / "log.avro", copy) == 3
    assert [one["user_id"] for one in peers.read_ours(here, copy)] == ["u1", "naïve", "日"]


def test_verify_with_avro_c_as_reference(here):
    path = peers.write_ours(here.path / "o.avro", SCHEMA, VALUES, "deflate")
    here.run_ok("verify", "--reference", path)


# ---- avro-tools


@pytest.fixture
def java():
    peers.need_java()


@pytest.mark.usefixtures("java")
@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_avro_tools_writes_we_read(here, codec):
    values = without_nans(VALUES)
    path = peers.write_avro_tools(here.path / "j.avro", SCHEMA, values, codec)
    assert peers.read_ours(here, path) == [model.plain(NODE, value) for value in values]


@pytest.mark.usefixtures("java")
@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_we_write_avro_tools_reads(here, codec):
    values = without_nans(VALUES)
    path = peers.write_ours(here.path / "o.avro", SCHEMA, values, codec)
    assert peers.read_avro_tools(path, SCHEMA) == [model.plain(NODE, value) for value in values]


@pytest.mark.usefixtures("java")
@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_avro_tools_reads_an_encoded_log(here, codec):
    here.write("a.log", LOG)
    here.run_ok("encode", "--codec", codec, "-o", "log.avro", "a.log")
    lines = peers.avro_tools("tojson", here.path / "log.avro").decode().splitlines()
    assert [json.loads(line)["timestamp"] for line in lines] == [
        1710057600000, 1710057600999, -28800999]


@pytest.mark.usefixtures("java")
def test_avro_tools_random_schemas(here):
    """Some random schemas, through a writer and a reader that is not Python."""
    for seed in range(SEED, SEED + (40 if SOAK else 4)):
        rng = random.Random(seed)
        schema = avro_random.random_schema(rng)
        node = model.parse(schema)
        values = without_nans(avro_random.random_records(rng, node, 20, clear=True))
        expected = [model.plain(node, value) for value in values]
        what = f"CLICKSTREAM_SEED={seed}: {json.dumps(schema)}"
        path = peers.write_avro_tools(here.path / "j.avro", schema, values, "deflate")
        assert peers.read_ours(here, path) == expected, what
        path = peers.write_ours(here.path / "o.avro", schema, values, "snappy")
        assert peers.read_avro_tools(path, schema) == expected, what


# ---- The sample files


def sample_files():
    return sorted(path.name for path in DATA.glob("*.avro"))


@pytest.mark.parametrize("name", sample_files() or ["none"])
def test_sample_file(here, name):
    if not (DATA / name).exists():
        pytest.skip(f"{DATA} has no Avro files")
    ours = peers.read_ours(here, DATA / name)
    # fastavro takes all metadata for text, which those of syncInMeta are not; avro-c drops them.
    assert ours == peers.read_fastavro(peers.copy_by_avro_c(DATA / name, here.path / "copy.avro")
                                       if name in ("syncInMeta.avro",) else DATA / name)
    here.run_ok("verify", DATA / name)
    if name.startswith("weather"):
        expected = [json.loads(line) for line in (DATA / "weather.json").read_text().splitlines()]
        if name == "weather-sorted.avro":
            ours.sort(key=lambda one: (one["station"], one["time"]))
            expected.sort(key=lambda one: (one["station"], one["time"]))
        assert ours == expected


# ---- Rules of the specification on which peers differ


def test_a_float_keeps_its_bits(here):
    """Each float of 32 bits that is printed reads back as itself."""
    rng = random.Random(7)
    values = [struct.unpack("<f", struct.pack("<I", rng.getrandbits(32)))[0] for _ in range(2000)]
    values = [value for value in values if value - value == 0]
    path = peers.write_fastavro(here.path / "f.avro", "float", values)
    read = peers.read_ours(here, path)
    assert [struct.pack("<f", one) for one in read] == [struct.pack("<f", one) for one in values]


def test_a_double_keeps_its_bits(here):
    rng = random.Random(8)
    values = [struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0] for _ in range(2000)]
    values = [value for value in values if value - value == 0]
    path = peers.write_fastavro(here.path / "f.avro", "double", values)
    read = peers.read_ours(here, path)
    assert [struct.pack("<d", one) for one in read] == [struct.pack("<d", one) for one in values]


def test_metadata_is_kept(here):
    """Our files' metadata beside the schema is what was given, as fastavro sees it."""
    here.write("a.log", LOG)
    here.run_ok("encode", "-o", "log.avro", "a.log")
    with open(here.path / "log.avro", "rb") as file:
        metadata = fastavro.reader(file).metadata
    assert metadata["clickstream.min_timestamp"] == "-28800999"
    assert metadata["clickstream.max_timestamp"] == "1710057600999"
