# test/support/avro_scan_files.py - Avro files for the tests of the scan, also damaged ones
"""Usage: build/venv/bin/python test/support/avro_scan_files.py DIRECTORY

Makes DIRECTORY anew: files of many small blocks, files with records and blocks that
are refused, files whose metadata gives a range of times.
"""

import datetime
import io
import json
import pathlib
import shutil
import sys
import zlib

import fastavro
from avro_files import SYNC, UTC, logical, record

ITEM = record("Item", ("id", "long"), ("text", "string"), ("n", ["null", "long"]))


def varint(number):
    """A long in Avro's encoding."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def encoded(schema, row):
    """One record's bytes."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), row)
    return out.getvalue()


def text(value):
    return varint(len(value)) + value


def header(schema, codec="null", **meta):
    """A file's header."""
    entries = {"avro.schema": json.dumps(schema), "avro.codec": codec,
               **{f"clickstream.{key}": value for key, value in meta.items()}}
    out = b"Obj\x01" + varint(len(entries))
    for key, value in entries.items():
        out += text(key.encode()) + text(value.encode())
    return out + varint(0) + SYNC


def block(records, count=None, data=None):
    """A block; count and data may lie."""
    data = b"".join(records) if data is None else data
    return varint(len(records) if count is None else count) + text(data) + SYNC


def save(path, *parts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))


def items(first, last):
    return [encoded(ITEM, {"id": n, "text": f"item {n}", "n": None if n % 3 == 0 else n * n})
            for n in range(first, last + 1)]


def many_blocks(path):
    """1,000 records in 100 blocks; some hold the sync marker, behind what looks like the end of a
    block, and then the start of another."""
    schema = {**ITEM, "fields": [*ITEM["fields"], {"name": "body", "type": "bytes"}]}
    rows = []
    for n in range(1, 1001):
        body = SYNC + varint(1) + text(b"\x00") + SYNC if n % 7 == 0 else b""
        rows.append(encoded(schema, {"id": n, "text": f"item {n}", "n": n if n % 3 else None,
                                     "body": body}))
    save(path, header(schema), *[block(rows[at:at + 10]) for at in range(0, 1000, 10)])


def refused(top):
    """Records that are well formed but refused, and blocks that are damaged."""
    bad = [varint(3) + text(b"caf\xe9") + varint(0), varint(4) + text(b"nul\x00") + varint(0)]
    save(top / "values.avro", header(ITEM), block(items(1, 2) + bad + items(5, 6)),
         block(items(7, 9)))
    save(top / "record.avro", header(ITEM),
         block(items(1, 2) + [varint(3) + varint(1 << 40)] + items(4, 5)), block(items(6, 8)))
    whole = zlib.compress(b"".join(items(4, 6)))[2:-4]
    save(top / "packed.avro", header(ITEM, "deflate"),
         block(items(1, 3), 3, zlib.compress(b"".join(items(1, 3)))[2:-4]),
         block(items(4, 6), 3, b"\xff" + whole[1:]),
         block(items(7, 7), 1, zlib.compress(b"".join(items(7, 7)))[2:-4]))
    second = bytearray(block(items(4, 6)))
    second[1] = 0x7E
    save(top / "head.avro", header(ITEM), block(items(1, 3)), bytes(second), block(items(7, 9)))
    save(top / "count.avro", header(ITEM), block(items(1, 3), 2), block(items(4, 6)))
    save(top / "tail.avro", header(ITEM), block(items(1, 3)), block(items(4, 6))[:-20])


def limits(top):
    """Small files that would cost much."""
    nulls = record("Nulls", ("list", {"type": "array", "items": "null"}))
    save(top / "nulls.avro", header(nulls), block([varint(1 << 61) + varint(0)]))
    save(top / "records.avro", header(record("Nothing", ("x", "null"))), block([], 1 << 40, b""))
    tree = record("Tree", ("left", ["null", "Tree"]))
    save(top / "deep.avro", header(record("Deep", ("tree", tree))),
         block([varint(1) * 450 + varint(0)]))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(varint(1) + text(bytes(3_000_000))) + packer.flush()
    save(top / "bomb.avro", header(record("Bomb", ("id", "long"), ("b", "bytes")), "deflate"),
         block([], 1, bomb))


def timed(path, unit, low, high, *hours, field="timestamp"):
    """Rows at some hours of a day; what the metadata says of them may be wrong."""
    schema = record("Timed", (field, logical("long", f"timestamp-{unit}")), ("hour", "int"))
    factor = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}[unit]
    day = int(datetime.datetime(2024, 3, 10, tzinfo=UTC).timestamp())
    rows = [varint((day + hour * 3600) * factor) + varint(hour) for hour in hours]
    meta = {f"{name}_timestamp": value if isinstance(value, str) else
            str((day + value * 3600) * factor)
            for name, value in [("min", low), ("max", high)] if value is not None}
    save(path, header(schema, **meta), block(rows))


def times(top):
    timed(top / "a-millis.avro", "millis", 0, 5, 0, 3, 5)
    timed(top / "b-micros.avro", "micros", 6, 11, 6, 11)
    timed(top / "c-nanos.avro", "nanos", 12, 17, 12, 17)
    timed(top / "d-none.avro", "millis", None, None, 4, 18)
    timed(top / "e-half.avro", "millis", 19, None, 4, 19)
    timed(top / "f-text.avro", "millis", "noon", "night", 4, 20)
    timed(top / "g-wrong.avro", "millis", 23, 21, 4, 21)
    timed(top / "h-huge.avro", "millis", "9" * 18, "9" * 30, 4, 22)


def mixed(top):
    """A file in a "name=value" directory, others beside it that have the field, or do not."""
    plain = record("Mixed", ("id", "long"))
    field = record("Mixed", ("id", "long"), ("day", "string", "none"))
    save(top / "day=2024-03-10" / "a.avro", header(field),
         block([encoded(field, {"id": 1, "day": "hidden"})]))
    save(top / "b.avro", header(field), block([encoded(field, {"id": 2, "day": "2024-03-11"})]))
    save(top / "c.avro", header(plain), block([encoded(plain, {"id": 3})]))
    save(top / "sub" / "code=7" / "d.avro", header(plain), block([encoded(plain, {"id": 4})]))


def files(top):
    many_blocks(top / "blocks.avro")
    refused(top / "refused")
    limits(top / "limits")
    times(top / "times")
    mixed(top / "mixed")
    values = record("Values", ("id", "int"), ("l", "long"), ("d", "double"), ("s", "string"))
    rows = [(1, 12, 1.5, "12"), (2, 40000, -1e10, "word"), (3, 2**40, 1e300, '{"a": [1, 2]}'),
            (4, -(2**62), float("nan"), "2024-03-10")]
    save(top / "values.avro", header(values),
         block([encoded(values, dict(zip(["id", "l", "d", "s"], row))) for row in rows]))


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[1])
    shutil.rmtree(directory, ignore_errors=True)
    files(directory)
