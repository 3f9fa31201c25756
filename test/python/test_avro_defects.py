# test/python/test_avro_defects.py - what other Avro libraries get wrong, each as a test of ours
"""The defects D1 to D24 were found in avro-c 1.11.1; the others are of other languages.

D1  empty block in the middle       test_d01_*; core: avro_container_test
D2  empty first block               test_d02_*; core: avro_container_test
D3  block of no bytes               test_d03_*; core: avro_container_test
D4  too many or too few records     test_d04_*; core: avro_container_test
D5  cut inside a number             test_d05_*; core: avro_mutation_test, at every byte
D6  enum out of range               test_d06_*; core: avro_mutation_test, every tag
D7  full disk                       test_d07_*; core: avro_write_test
D8  endless or deep recursion       test_d08_*; core: avro_schema_test, avro_mutation_test
D9  2^61 items of no bytes          test_d09_*; core: avro_mutation_test, every count
D10 decompression bomb              test_d10_*; core: avro_container_test
D11 snappy block below 4 bytes      test_d11_*
D12 fixed of negative size          test_d12_*; core: avro_schema_mutation_test
D13 length taken before it is checked   test_d13_*; core: avro_mutation_test, every length
D14 reader's defaults and aliases   test_d14_*; test_avro_random: test_evolved_schema
D15 schema's text lost              test_d15_*; test_avro_random: test_we_write_fastavro_reads
D16 large values and schemas        test_d16_*
D17 sync markers from the clock     test_d17_*
D18 existing file truncated         test_d18_*; test_cli_files
D19 leaks                           core: alloc_failure_test, avro_mutation_test (nothing is live)
D20 threads share an error buffer   not ours: core has no mutable global; sessions of the server
                                    are processes
D21 codecs, metadata                test_d21_*; test_avro_interop, every codec both ways
D22 NUL and bad UTF-8 in text       test_d22_*; test_cli_avro_cat
D23 exit code, doubles, unions      test_d23_*
D24 bytes cut at NUL, maps, names   test_d24_*
"""

import json
import random
import resource
import subprocess

import fastavro
import pytest

import avro_model as model
import avro_peers as peers
from avro_build import PACK, SYNC, block, data, header, long, longs, record_of
from conftest import GOOD_LINE, PROGRAM, SEED, SOAK, limit_memory

LONG = record_of("long")
NULLS = record_of({"type": "array", "items": "null"})
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
MEMORY = 1 << 29    # of address space; what a hostile file may not pass


def few_resources():
    """Too little memory for what a hostile file asks for, and a small stack."""
    limit_memory(resource.RLIMIT_AS, MEMORY)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))


def rows(here, content, *options):
    """What a good file holds."""
    here.write("f.avro", content)
    verified = here.run("verify", "f.avro")
    assert verified.code == 0, verified
    return peers.read_ours(here, "f.avro", *options)


def refused(here, content, *words, place=True, command="cat"):
    """A bad file: refused by name and place, for the reason given."""
    here.write("f.avro", content)
    result = here.run(command, "f.avro", preexec_fn=few_resources)
    assert result.code == 2, result
    assert "f.avro" in result.err, result
    assert not place or "byte " in result.err, result
    for word in words:
        assert word in result.err, result
    return result


def numbers(first, count):
    return [{"a": number} for number in range(first, first + count)]


# ---- D1 to D5: blocks


def test_d01_empty_block_in_the_middle(here):
    content = header(LONG) + longs(0, 3) + block(0, b"") + longs(3, 3)
    assert rows(here, content) == numbers(0, 6)


def test_d01_empty_blocks_of_each_codec(here):
    for codec in PACK:
        # avro-c writes no bytes; others write what compressing nothing gives.
        content = header(LONG, codec) + block(1, long(0), codec) + long(0) + long(0) + SYNC + \
            block(0, b"", codec) + block(1, long(1), codec)
        assert rows(here, content) == numbers(0, 2), codec


def test_d02_first_block_empty(here):
    assert rows(here, header(LONG) + block(0, b"") + longs(0, 4)) == numbers(0, 4)
    assert rows(here, header(LONG) + block(0, b"")) == []
    assert rows(here, header(LONG)) == []


def test_d03_block_of_no_bytes(here):
    refused(here, header(LONG) + longs(0, 3) + block(3, b"") + longs(3, 3))
    refused(here, header(LONG) + block(0, long(1)))
    assert rows(here, header(record_of("null")) + block(3, b"")) == [{"a": None}] * 3
    assert rows(here, header(record_of()) + block(3, b"")) == [{}] * 3


def test_d04_more_or_fewer_records_than_declared(here):
    refused(here, header(LONG) + block(2, long(1) + long(2) + long(3)))
    refused(here, header(LONG) + block(4, long(1) + long(2) + long(3)))
    refused(here, header(LONG) + block(2, long(1) + long(2) + long(3)), command="verify")
    refused(here, header(LONG) + block(-1, long(1)))


def test_d05_cut_inside_a_number(here):
    refused(here, header(LONG) + longs(0, 2) + b"\x80")
    refused(here, header(LONG) + longs(0, 2) + long(1000)[:1])
    refused(here, header(LONG) + longs(0, 2) + long(1))
    refused(here, header(LONG) + longs(0, 2)[:-1])


# ---- D6 to D9: values


@pytest.mark.parametrize("tag", [2, -1, 2 ** 31, 2 ** 61, 2 ** 63 - 1, -2 ** 63])
def test_d06_tag_out_of_range(here, tag):
    refused(here, header(record_of(ENUM)) + block(1, long(tag)))
    refused(here, header(record_of(["null", "long"])) + block(1, long(tag)))


def test_d06_skipped_tag_out_of_range(here):
    """What is not asked for is passed over, not decoded; verify looks at everything."""
    content = header(record_of(ENUM, "int")) + block(1, long(2) + long(7))
    refused(here, content, command="verify")
    assert peers.read_ours(here, "f.avro", "--columns", "b") == [{"b": 7}]


@pytest.mark.parametrize("byte", [b"\x02", b"\x80", b"\xff"])
def test_d06_boolean_out_of_range(here, byte):
    refused(here, header(record_of("boolean")) + block(1, byte))


def test_d06_int_out_of_range(here):
    refused(here, header(record_of("int")) + block(1, long(2 ** 31)))
    refused(here, header(record_of("int")) + block(1, long(-2 ** 31 - 1)))
    refused(here, header(LONG) + block(1, b"\xff" * 9 + b"\x7f"))


def test_d07_full_disk(here):
    here.write("a.log", GOOD_LINE * 20000)
    result = here.run("encode", "-o", "/dev/full", "a.log")
    assert result.code != 0 and result.err, result
    here.write("f.avro", header(LONG) + longs(0, 1000))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "cat", here.path / "f.avro"], stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode != 0 and b"No space" in done.stderr, done


def test_d08_record_that_contains_itself(here):
    for schema in (record_of("R"), record_of({"type": "record", "name": "S", "fields": [
            {"name": "r", "type": "R"}]})):
        refused(here, header(schema), place=False)


def test_d08_deep_list(here):
    schema = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
    deep = long(1) * 400000 + long(0)
    refused(here, header(schema) + block(1, deep), "nested")
    shallow = long(1) * 20 + long(0)
    assert len(rows(here, header(schema) + block(1, shallow))) == 1


def test_d08_deep_schema(here):
    """AVRO-4327 and others: the schema's text itself is deep."""
    for head, tail in (('{"type":"array","items":', "}"), ("[", "]"), ('{"type":', "}")):
        for depth in (3000, 100000):
            refused(here, header(head * depth + '"int"' + tail * depth), place=False)


def test_d09_endless_items_of_no_bytes(here):
    for count in (2 ** 61, 2 ** 63 - 1, 10 ** 9):
        refused(here, header(NULLS) + block(1, long(count) + long(0)))
        refused(here, header(NULLS) + block(1, long(-count) + long(0) + long(0)))
    refused(here, header(record_of("null")) + block(2 ** 61, b""))
    nothing = {"type": "record", "name": "N", "fields": []}
    refused(here, header(record_of({"type": "array", "items": nothing})) +
            block(1, long(2 ** 61) + long(0)))


def test_d09_smallest_count(here):
    """arrow-rs#10237: the smallest number has no opposite."""
    longs_array = record_of({"type": "array", "items": "long"})
    refused(here, header(longs_array) + block(1, long(-2 ** 63) + long(8) + long(0)))
    refused(here, header(longs_array) + block(1, long(-1) + long(-2 ** 63) + long(0)))
    refused(here, header(LONG) + block(-2 ** 63, long(0)))


def test_negative_counts_are_legal(here):
    """ClickHouse#60438: a block of items with its size in bytes."""
    array = long(-2) + long(2) + long(5) + long(6) + long(1) + long(7) + long(0)
    assert rows(here, header(record_of({"type": "array", "items": "long"})) + block(1, array)) == [
        {"a": [5, 6, 7]}]
    entries = data("k") + long(1)
    table = long(-1) + long(len(entries)) + entries + long(0)
    assert rows(here, header(record_of({"type": "map", "values": "long"})) + block(1, table)) == [
        {"a": {"k": 1}}]
    wrong = long(-2) + long(3) + long(5) + long(6) + long(0)
    refused(here, header(record_of({"type": "array", "items": "long"})) + block(1, wrong))


# ---- D10 to D13: sizes


@pytest.mark.parametrize("codec", [codec for codec in PACK if codec != "null"])
def test_d10_decompression_bomb(here, codec):
    """80 MB of zeros in some kilobytes; within the limit of 64 MB they are read."""
    content = header(LONG, codec) + block(80_000_000, bytes(80_000_000), codec)
    assert len(content) < 5_000_000
    refused(here, content)
    refused(here, content, command="verify")


def test_d10_declared_size_of_snappy(here):
    """The size that the data declare, 4 GB, is not believed."""
    lie = b"\xff\xff\xff\xff\x0f" + b"\x00" * 20
    refused(here, header(LONG, "snappy") + long(1) + data(lie) + SYNC)


@pytest.mark.parametrize("size", [0, 1, 3, 4])
def test_d11_short_snappy_block(here, size):
    refused(here, header(LONG, "snappy") + long(1) + data(bytes(size)) + SYNC)


def test_d11_wrong_checksum_of_snappy(here):
    packed = bytearray(PACK["snappy"](long(7)))
    packed[-1] ^= 1
    refused(here, header(LONG, "snappy") + long(1) + data(bytes(packed)) + SYNC)


@pytest.mark.parametrize("size", [-1, -2 ** 31, -2 ** 63, 2 ** 64, 1.5, "16", None])
def test_d12_size_of_fixed(here, size):
    for kind in ({"type": "fixed", "name": "F", "size": size}, {"type": "fixed", "name": "F"}):
        refused(here, header(json.dumps(kind)), place=False)
        refused(here, header(json.dumps(record_of(kind))) + block(1, b""), place=False)


def test_d12_huge_fixed(here):
    """A legal type; no file can hold a value of it."""
    kind = {"type": "fixed", "name": "F", "size": 2 ** 62}
    assert rows(here, header(record_of(kind))) == []
    refused(here, header(record_of(kind)) + block(1, bytes(100)))
    refused(here, header(record_of(kind, kind["name"], kind["name"])) + block(1, bytes(100)))


@pytest.mark.parametrize("length", [5, 2 ** 31, 2 ** 40, 2 ** 61, 2 ** 63 - 1, -1, -2 ** 63])
def test_d13_length_beyond_the_block(here, length):
    for kind in ("string", "bytes"):
        refused(here, header(record_of(kind)) + block(1, long(length) + b"abcd"))
    refused(here, header(record_of({"type": "map", "values": "null"})) +
            block(1, long(1) + long(length) + b"abcd"))


@pytest.mark.parametrize("size", [2 ** 31, 2 ** 40, 2 ** 63 - 1, -1, -2 ** 63])
def test_d13_size_beyond_the_file(here, size):
    """CVE-2023-39410 and arrow-rs#10234: of a block, and of the header's parts."""
    refused(here, header(LONG) + block(1, long(0), size=size))
    refused(here, b"Obj\x01" + long(1) + data("avro.schema") + long(size) + b'"int"')
    refused(here, b"Obj\x01" + long(1) + long(size) + b"avro.schema")
    refused(here, b"Obj\x01" + long(size) + data("avro.schema") + data('"int"') + long(0) + SYNC)


# ---- D14 to D18: schemas, and writing


def test_d14_defaults_and_aliases(here):
    here.write("f.avro", header(record_of("int", "string")) + block(1, long(7) + data("x")))
    reader = {"type": "record", "name": "R", "fields": [
        {"name": "z", "type": {"type": "array", "items": "bytes"}, "default": ["\u00ff"]},
        {"name": "renamed", "type": "double", "aliases": ["old", "a"]},
        {"name": "e", "type": ENUM, "default": "B"},
        {"name": "r", "type": ["null", "string"], "default": None}]}
    here.write("r.avsc", json.dumps(reader))
    assert peers.read_ours(here, "f.avro", "--schema", "r.avsc") == [
        {"z": ["\\xff"], "renamed": 7.0, "e": "B", "r": None}]


def test_d14_what_does_not_resolve(here):
    here.write("f.avro", header(record_of("int", "string")) + block(1, long(7) + data("x")))
    for kind in ("boolean", {"type": "array", "items": "int"}, ["null", "string"]):
        here.write("r.avsc", json.dumps(record_of(kind)))
        result = here.run("cat", "--schema", "r.avsc", "f.avro")
        assert result.code == 2 and '"a"' in result.err, result
    here.write("r.avsc", json.dumps({**LONG, "fields": [{"name": "new", "type": "int"}]}))
    result = here.run("cat", "--schema", "r.avsc", "f.avro")
    assert result.code == 2 and '"new"' in result.err, result


def test_d15_schema_is_kept_as_it_is(here):
    """doc, order, aliases, properties, the spelling of it all."""
    text = ('{ "type":"record" , "name":"R", "doc":"d\\u00e9", "fields" : [ {"name":"a",\n'
            '"type":{"type":"long","logicalType":"timestamp-millis","adjust":[1,{"x":null}]},'
            '"default":0,"order":"ignore","aliases":["b"]}] }')
    here.write("s.avsc", text)
    peers.run([peers.need(peers.RECODE), here.path / "s.avsc", "null", here.path / "f.avro"],
              b'{"a": "2024-03-10T08:00:00Z"}\n')
    with open(here.path / "f.avro", "rb") as file:
        assert fastavro.reader(file).metadata["avro.schema"] == text


@pytest.mark.parametrize("codec", peers.OUR_CODECS)
def test_d16_large_values(here, codec):
    """Far larger than a block is meant to be."""
    values = [{"a": "x" * size} for size in (0, 16384, 70000, 5_000_000, 1)]
    path = peers.write_ours(here.path / "f.avro", record_of("string"), values, codec)
    assert peers.read_fastavro(path) == values
    assert peers.read_ours(here, path) == values


def test_d16_large_schema(here):
    schema = record_of("int")
    schema["fields"] += [{"name": f"column_{i}", "type": ["null", "string"], "doc": "d" * 100}
                         for i in range(1500)]
    values = [{name: None for name in (field["name"] for field in schema["fields"])}]
    values[0]["a"] = 1
    path = here.path / "f.avro"
    (here.path / "s.avsc").write_text(json.dumps(schema))
    peers.run([peers.need(peers.RECODE), here.path / "s.avsc", "deflate", path],
              json.dumps(values[0]).encode())
    assert peers.read_fastavro(path) == values
    assert peers.read_ours(here, path) == values
    assert peers.compare_by_avro_c(path, path) == 1


def test_d17_sync_markers_differ(here):
    here.write("a.log", GOOD_LINE)
    markers = set()
    for i in range(20):
        here.run_ok("encode", "-o", f"{i}.avro", "a.log")
        markers.add(here.read(f"{i}.avro")[-16:])
    assert len(markers) == 20


def test_d18_existing_file_stays(here):
    here.write("a.log", GOOD_LINE)
    here.write("f.avro", b"precious")
    assert here.run("encode", "-o", "f.avro", "a.log").code != 0
    assert here.read("f.avro") == b"precious"


# ---- D21 to D24: codecs, text


def test_d21_unknown_codec(here):
    """"lzma" is avro-c's own."""
    for codec in ("lzma", "lz4", "Deflate", ""):
        refused(here, header(LONG, codec) + longs(0, 1), f'"{codec}"', place=False)


def test_d21_metadata(here):
    """Entries of users are read past and shown; bytes in them are bytes."""
    content = header(LONG, meta={"user": b"\x00\xff", "other": "text"}) + longs(0, 1)
    assert rows(here, content) == numbers(0, 1)
    assert "other" in here.run_ok("inspect", "f.avro").out


@pytest.mark.parametrize("text", [
    b"a\x00b", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_d22_text_that_is_none(here, text):
    refused(here, header(record_of("long", "string")) + block(1, long(1) + data(text)), '"b"')
    refused(here, header(record_of("long", {"type": "array", "items": "string"})) +
            block(1, long(1) + long(1) + data(text) + long(0)), '"b"')
    refused(here, header(record_of("long", {"type": "map", "values": "null"})) +
            block(1, long(1) + long(1) + data(text) + long(0)), '"b"')


def test_d23_corrupt_data_is_no_success(here):
    for command in ("cat", "verify", "inspect"):
        result = here.run(command, here.write("f.avro", (header(LONG) + longs(0, 9))[:-20]))
        assert result.code == 2 and result.err, result
    for content in (b"", b"Obj\x01", b"Obj\x02", b"PAR1" * 10):
        assert here.run("cat", here.write("f.avro", content)).code == 2


def test_d23_numbers_and_unions(here):
    """Every digit of a double; the bare value of a union."""
    values = [0.1, 1e-300, 2 / 3, 123456789.123456789, 5e-324]
    path = peers.write_fastavro(here.path / "f.avro", record_of(["null", "double", "string"]), [
        {"a": model.Branch(1, value)} for value in values])
    assert peers.read_ours(here, path) == [{"a": value} for value in values]


def test_d24_bytes_with_zeros(here):
    schema = record_of("bytes", {"type": "fixed", "name": "F", "size": 4})
    content = header(schema) + block(1, data(b"a\x00b") + b"\x00\x01\x00\x02")
    assert rows(here, content) == [{"a": "\\x610062", "b": "\\x00010002"}]


def test_d24_maps_and_names_used_again(here):
    """Maps of maps; an enum that is used three times, once under its full name."""
    schema = {"type": "record", "name": "n.R", "fields": [
        {"name": "a", "type": ENUM}, {"name": "b", "type": "E"},
        {"name": "c", "type": {"type": "map", "values": {"type": "map", "values": "n.E"}}}]}
    inner = long(1) + data("l") + long(1) + long(0)
    content = long(1) + long(0) + long(1) + data("k") + inner + long(0)
    assert rows(here, header(schema) + block(1, content)) == [
        {"a": "B", "b": "A", "c": {"k": {"l": "B"}}}]
    refused(here, header(record_of(ENUM, ENUM)), '"E"', place=False)


# ---- Other languages


def test_schema_properties_are_never_evaluated(here):
    """CVE-2024-47561 and CVE-2025-33042: code named by a schema."""
    kind = {"type": "string", "java-class": "java.io.File", "logicalType": "exec",
            "java-key-class": "x", "avro.java.string": "String"}
    assert rows(here, header(record_of(kind)) + block(1, data("/etc/passwd"))) == [
        {"a": "/etc/passwd"}]


def test_planted_markers(here):
    """A marker, and a whole block, inside a string."""
    inner = longs(0, 3) + SYNC + long(1) + data("x") + SYNC
    text = bytes(byte if 0 < byte < 0x80 else 0x41 for byte in inner).decode()
    schema = record_of("bytes", "string")
    content = header(schema) + block(2, (data(inner) + data(text)) * 2) + \
        block(1, data(SYNC) + data(""))
    assert rows(here, content) == [{"a": "\\x" + inner.hex(), "b": text}] * 2 + [
        {"a": "\\x" + SYNC.hex(), "b": ""}]


def test_directory_and_special_files(here):
    for name in (".", "/dev/null", "missing.avro"):
        result = here.run("cat", name)
        assert result.code == 2 and result.err, result


def test_nested_type_spelling(here):
    """{"type": {"type": "string"}}, which avro-c refuses."""
    assert rows(here, header(record_of({"type": {"type": "string"}})) + block(1, data("x"))) == [
        {"a": "x"}]


def test_decimal_that_does_not_fit_is_bytes(here):
    """The specification ignores a logical type that is invalid; fastavro refuses the schema."""
    kind = {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": 5}
    with pytest.raises(fastavro.schema.SchemaParseException):
        fastavro.parse_schema(record_of(kind))
    assert rows(here, header(record_of(kind)) + block(1, b"\x00\x01")) == [{"a": "\\x0001"}]



@pytest.mark.parametrize("command", ["cat", "cat --salvage", "verify", "inspect"])
def test_damaged_files(here, command):
    """Random damage, through each command: told by exit code and message, never by a signal."""
    rng = random.Random(SEED)
    schema = record_of("string", ["null", "long"], {"type": "array", "items": "int"})
    good = bytearray(header(schema, "deflate"))
    for number in range(4):
        content = data(f"text {number}") + long(1) + long(number) + long(1) + long(7) + long(0)
        good += block(2, content * 2, "deflate")
    refusals = 0
    for _ in range(500 if SOAK else 25):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(bad))
            bad[at:at + rng.choice([0, 1, 1, 5])] = rng.randbytes(rng.choice([0, 1, 1, 10]))
        here.write("f.avro", bytes(bad))
        result = here.run(*command.split(), "f.avro", preexec_fn=few_resources)
        assert result.code in (0, 2), (result, bad.hex())
        assert result.code == 0 or "f.avro" in result.err, (result, bad.hex())
        refusals += result.code == 2
    assert refusals > 5
