# test/python/test_cli_avro_hostile.py - files that are wrong, through verify, cat and inspect
"""What other readers crash on, loop on, or read wrongly and call it well: FILES says of each
what is to be said of it. The message names the file and a byte; the exit code is 2."""

import json
import resource
import zlib

import pytest
from avro_build import SYNC, block, data, deflate, header, long, longs, record_of, snappy
from conftest import limit_memory

LONG = record_of("long")
STRING = record_of("string")
ENUM = record_of({"type": "enum", "name": "E", "symbols": ["X", "Y"]})
NULLS = record_of({"type": "array", "items": "null"})
LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
MEBI = 2**20


def zeros(count):
    """A deflate stream of count zero bytes, made without holding them."""
    packer = zlib.compressobj(wbits=-15)
    parts = [packer.compress(bytes(MEBI)) for _ in range(count // MEBI)]
    return b"".join(parts) + packer.flush()


def raw_block(count, packed, size=None):
    return long(count) + long(len(packed) if size is None else size) + packed + SYNC


# Name, the file, a part of the message.
FILES = [
    ("size 0, count n", header(LONG) + longs(0, 6) + block(3, b""), "block"),
    ("more bytes than rows", header(LONG) + block(2, long(1) + long(2) + long(3)), "behind its"),
    ("fewer bytes than rows", header(LONG) + block(5, long(1) + long(2)), "hold fewer"),
    ("cut inside the count", header(LONG) + longs(0, 6) + long(1000)[:1], "end"),
    ("cut behind the count", header(LONG) + longs(0, 6) + long(1), "end"),
    ("cut inside the size", header(LONG) + longs(0, 6) + long(1) + long(1000)[:1], "end"),
    ("cut inside the data", header(STRING) + block(1, data("abc"))[:-18], ""),
    ("cut inside the marker", header(STRING) + block(1, data("abc"))[:-1], ""),
    ("enum too large", header(ENUM) + block(2, long(1) + long(2)), "enum"),
    ("enum negative", header(ENUM) + block(1, long(-1)), "enum"),
    ("boolean of 2", header(record_of("boolean")) + block(1, b"\2"), "boolean"),
    ("union too large", header(record_of(["null", "int"])) + block(1, long(2) + b"\0"), "union"),
    ("union negative", header(record_of(["null", "int"])) + block(1, long(-1)), "union"),
    ("int out of range", header(record_of("int")) + block(1, long(2**31)), "int"),
    ("long of 11 bytes", header(LONG) + block(1, b"\xff" * 10 + b"\1"), "long"),
    ("long over 64 bits", header(LONG) + block(1, b"\xff" * 9 + b"\x7f"), "long"),
    ("array of 2^61 nulls", header(NULLS) + block(1, long(2**61) + long(0)), ""),
    ("array of -2^63 nulls", header(NULLS) + block(1, long(-2**63) + long(0) + long(0)), ""),
    ("2^61 empty records", header(record_of("null")) + block(2**61, b""), "limit"),
    ("array without end", header(record_of({"type": "array", "items": "int"})) +
     block(1, long(5) + long(1) * 3), "array"),
    ("array with a wrong size", header(record_of({"type": "array", "items": "int"})) +
     block(1, long(-2) + long(7) + long(1) + long(2) + long(0)), "array"),
    ("deflate bomb", header(LONG, "deflate") + raw_block(1, zeros(256 * MEBI)), "limit"),
    ("deflate garbage", header(LONG, "deflate") + raw_block(1, b"\xff\xff\xff"), "deflate"),
    ("deflate cut", header(LONG, "deflate") + raw_block(1, deflate(long(2**60))[:-3]), "deflate"),
    ("deflate with a tail", header(LONG, "deflate") + raw_block(1, deflate(long(1)) + b"x"),
     "deflate"),
    ("snappy of a huge size", header(LONG, "snappy") +
     raw_block(1, b"\xff\xff\xff\xff\x0f" + bytes(8)), ""),
    ("snappy of 3 bytes", header(LONG, "snappy") + raw_block(1, b"abc"), "snappy"),
    ("snappy of no bytes", header(LONG, "snappy") + raw_block(1, b""), ""),
    ("snappy, wrong checksum", header(LONG, "snappy") + raw_block(1, snappy(long(1))[:-1] + b"?"),
     "checksum"),
    ("zstandard garbage", header(LONG, "zstandard") + raw_block(1, b"garbage"), "zstandard"),
    ("bzip2 garbage", header(LONG, "bzip2") + raw_block(1, b"garbage"), "bzip2"),
    ("xz garbage", header(LONG, "xz") + raw_block(1, b"garbage"), "xz"),
    ("codec of no name", header(LONG, "lzma") + longs(0, 1), "lzma"),
    ("fixed of negative size", header(record_of({"type": "fixed", "name": "F", "size": -1})), ""),
    ("string longer than its block", header(STRING) + block(1, long(10**12) + b"x"), "string"),
    ("string of negative length", header(STRING) + block(1, long(-5) + b"x"), "string"),
    ("block longer than its file", header(STRING) + long(1) + long(10**12) + b"x" + SYNC, ""),
    ("block of negative length", header(STRING) + long(1) + long(-9) + b"x" + SYNC, "negative"),
    ("block of negative count", header(STRING) + block(-1, data("x")), "negative"),
    ("text that is not UTF-8", header(STRING) + block(1, data(b"\xc3\x28")), "UTF-8"),
    ("text with a NUL", header(STRING) + block(1, data(b"a\0b")), "NUL"),
    ("map key that is not UTF-8", header(record_of({"type": "map", "values": "int"})) +
     block(1, long(1) + data(b"\xff") + long(1) + long(0)), "UTF-8"),
    ("wrong marker", header(LONG) + block(1, long(1), sync=bytes(16)), "marker"),
    ("a list 400,000 deep", header(LIST) + block(1, long(1) * 400000 + long(0)), ""),
    ("a record in itself", header({"type": "record", "name": "R", "fields": [
        {"name": "a", "type": "R"}]}) + block(1, b"x"), ""),
    ("a schema 100,000 deep", header('{"type":"array","items":' * 100000 + '"int"' + "}" * 100000),
     ""),
    ("a schema that is no JSON", header("{") + longs(0, 1), "schema"),
    ("an unknown type", header(record_of("lnog")) + longs(0, 1), "lnog"),
    ("a field twice", header({"type": "record", "name": "R", "fields": [
        {"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}) + longs(0, 1), '"a"'),
    ("a type twice", header(record_of(*[{"type": "enum", "name": "E", "symbols": ["X"]}] * 2)) +
     block(1, long(0) * 2), "E"),
    ("a union in a union", header(record_of([["null", "int"], "string"])) + longs(0, 1), "union"),
    ("a union of equals", header(record_of(["int", "int"])) + longs(0, 1), ""),
    ("a wrong default", header({"type": "record", "name": "R", "fields": [
        {"name": "a", "type": "int", "default": "x"}]}) + longs(0, 1), "default"),
    ("no schema", b"Obj\1" + long(0) + SYNC, "schema"),
    ("metadata of negative length", b"Obj\1" + long(1) + long(-4), ""),
    ("metadata of 2^60 bytes", b"Obj\1" + long(1) + long(2**60), ""),
    ("an empty file", b"", "empty"),
    ("another format", b"PAR1" + bytes(100), "not an Avro"),
    ("a bare magic", b"Obj\1", ""),
]


@pytest.mark.parametrize("content, message", [row[1:] for row in FILES],
                         ids=[row[0] for row in FILES])
@pytest.mark.parametrize("command", ["verify", "cat", "inspect"])
def test_hostile(here, command, content, message):
    """Said, with file and byte, and never by a signal; from a pipe, too."""
    here.write("f.avro", content)
    limited = {"preexec_fn": little_memory}
    result = here.run(command, "f.avro", **limited)
    if command == "inspect" and result.code == 0:
        return  # what is wrong stands inside of a block
    assert result.code == 2, result
    first = result.err.splitlines()[0]
    assert first.startswith("clickstream: error: f.avro: ") and message in first
    assert "(byte " in first
    if command == "cat":
        result = here.run("cat", "-", data=content, **limited)
        assert result.code == 2, result
        assert result.err.startswith("clickstream: error: -: ") and message in result.err
        assert here.run("cat", "--salvage", "f.avro", **limited).code == 2


def little_memory():
    """What is refused shall not be allocated first."""
    limit_memory(resource.RLIMIT_AS, 400 * MEBI)


# What is unusual, and right.
SOUND = [
    ("an empty block in the middle", header(LONG) + longs(0, 3) + block(0, b"") + longs(3, 3), 6),
    ("an empty block at first", header(LONG) + block(0, b"") + longs(0, 2), 2),
    ("empty blocks at the end", header(LONG) + longs(0, 2) + block(0, b"") * 3, 2),
    ("no blocks", header(LONG), 0),
    ("records of no bytes", header(record_of("null")) + block(1000, b""), 1000),
    ("metadata in two parts", b"Obj\1" + long(1) + data("a") + data("b") + long(-1) +
     long(len(data("avro.schema") + data('"long"'))) + data("avro.schema") + data('"long"') +
     long(0) + SYNC + longs(0, 2), 2),
    ("a type in a type", header(record_of({"type": {"type": "string"}})) + block(1, data("x")), 1),
    ("a type used twice", header({"type": "record", "name": "n.R", "fields": [
        {"name": "a", "type": {"type": "enum", "name": "E", "symbols": ["X"]}},
        {"name": "b", "type": "E"}, {"name": "c", "type": "n.E"}]}) + block(1, long(0) * 3), 1),
    ("an array in parts", header(record_of({"type": "array", "items": "int"})) +
     block(1, long(1) + long(7) + long(-2) + long(2) + long(8) + long(9) + long(0)), 1),
    ("bytes with zeros", header(record_of("bytes", {"type": "map", "values": "bytes"})) +
     block(1, data(b"a\0b") + long(1) + data("k") + data(b"\0") + long(0)), 1),
    ("a snappy block of nothing", header(record_of("null"), "snappy") +
     block(2, b"", "snappy"), 2),
    ("an overlong number", header(LONG) + block(1, b"\x82\x80\x00"), 1),
]


@pytest.mark.parametrize("content, count", [row[1:] for row in SOUND],
                         ids=[row[0] for row in SOUND])
def test_sound(here, content, count):
    here.write("f.avro", content)
    assert f"f.avro: OK, {count} record" in here.run_ok("verify", "f.avro").out
    assert len(here.run_ok("cat", "f.avro").out.splitlines()) == count
    facts = json.loads(here.run_ok("inspect", "--format", "json", "f.avro").out)
    assert facts["records"] == count and facts["complete"]


def test_zeros_are_shown_whole(here):
    """Bytes are not cut at 0; unions are bare; doubles keep their digits."""
    schema = record_of("bytes", {"type": "map", "values": "bytes"}, ["null", "double"])
    import struct
    here.write("f.avro", header(schema) + block(
        1, data(b"a\0b") + long(1) + data("k") + data(b"\0\1") + long(0) +
        long(1) + struct.pack("<d", 1e-300)))
    assert here.run_ok("cat", "f.avro").out == \
        '{"a":"\\\\x610062","b":{"k":"\\\\x0001"},"c":1e-300}\n'


def test_every_byte_of_a_file(here):
    """Each byte changed in turn: an answer, never a signal. Damage to the framing is seen."""
    whole = header(record_of("string", ["null", "long"]), "null") + \
        block(2, data("one") + long(0) + data("two") + long(1) + long(5)) + \
        block(1, data("three") + long(0))
    for i in range(len(whole)):
        here.write(f"{i}.avro", whole[:i] + bytes([whole[i] ^ 0x81]) + whole[i + 1:])
    names = [f"{i}.avro" for i in range(len(whole))]
    for command in (["verify"], ["cat", "--salvage"], ["inspect"]):
        result = here.run(*command, *names)
        assert result.code == 2, result
    checked = here.run("verify", *names)
    seen = {line.split(": ")[2] for line in checked.err.splitlines() if ": error: " in line}
    sound = {line.split(": ")[0] for line in checked.out.splitlines() if ": OK, " in line}
    assert seen | sound == set(names) and not seen & sound
