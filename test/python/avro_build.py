# test/python/avro_build.py - Avro files built by hand, byte by byte, so that they can be wrong
"""The pieces of an object container file, and files made of them."""

import bz2
import json
import lzma
import zlib

import cramjam
import zstandard

SYNC = bytes(range(0xA0, 0xB0))


def long(number):
    """A number as a zigzag varint."""
    raw = (number << 1) ^ (number >> 63)
    raw &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


def data(content):
    """Bytes, or text, behind their length."""
    content = content.encode() if isinstance(content, str) else content
    return long(len(content)) + content


def record_of(*types, name="R"):
    """A schema of columns a, b, c and so on."""
    fields = [{"name": chr(ord("a") + i), "type": type_} for i, type_ in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def header(schema, codec=None, meta=None):
    entries = {"avro.schema": schema if isinstance(schema, str) else json.dumps(schema)}
    if codec is not None:
        entries["avro.codec"] = codec
    entries.update(meta or {})
    pairs = b"".join(data(key) + data(value) for key, value in entries.items())
    return b"Obj\x01" + long(len(entries)) + pairs + long(0) + SYNC


def snappy(content):
    return bytes(cramjam.snappy.compress_raw(content)) + zlib.crc32(content).to_bytes(4, "big")


def deflate(content):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


PACK = {
    "null": bytes,
    "deflate": deflate,
    "snappy": snappy,
    "zstandard": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def block(count, content, codec="null", size=None, sync=SYNC):
    packed = PACK[codec](content)
    return long(count) + long(len(packed) if size is None else size) + packed + sync


def longs(first, count):
    """A block of records of one long."""
    return block(count, b"".join(long(first + i) for i in range(count)))
