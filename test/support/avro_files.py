# test/support/avro_files.py - write Avro files for the server tests, with fastavro
"""Usage: build/venv/bin/python test/support/avro_files.py DIRECTORY

Makes DIRECTORY anew: a tiny file for each type and corner, directories of several
generations of a schema, "name=value" directories, and files that are damaged.
"""

import datetime
import decimal
import pathlib
import shutil
import sys
import uuid

import fastavro

UTC = datetime.timezone.utc
SYNC = bytes(range(16))


def record(name, *fields, **more):
    """A record's schema; a field is a pair of name and type, perhaps with a default."""
    return {"type": "record", "name": name, **more, "fields": [
        {"name": field[0], "type": field[1], **({"default": field[2]} if len(field) > 2 else {})}
        for field in fields]}


def write(path, schema, rows, codec="null", metadata=None):
    """Write one file with a fixed sync marker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema), rows, codec=codec,
                        metadata=metadata, sync_marker=SYNC)


def logical(base, kind, **more):
    return {"type": base, "logicalType": kind, **more}


TYPES = record(
    "org.example.Types",
    ("a_boolean", "boolean"),
    ("an_int", "int"),
    ("a_long", "long"),
    ("a_float", "float"),
    ("a_double", "double"),
    ("some_bytes", "bytes"),
    ("a_string", "string"),
    ("a_fixed", {"type": "fixed", "name": "Four", "size": 4}),
    ("an_enum", {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}),
    ("a_null", "null"),
    ("maybe", ["null", "long"]),
    ("number", ["null", "int", "double"]),
    ("any", ["null", "string", "long", "boolean"]),
    ("longs", {"type": "array", "items": "long"}),
    ("maybe_strings", ["null", {"type": "array", "items": ["null", "string"]}]),
    ("lists", {"type": "array", "items": {"type": "array", "items": "int"}}),
    ("ages", {"type": "map", "values": "int"}),
    ("inner", record("Inner", ("x", "int"), ("y", ["null", "string"]))),
    ("tree", record("Tree", ("value", "int"), ("children", {"type": "array", "items": "Tree"}))),
    ("a_date", logical("int", "date")),
    ("time_ms", logical("int", "time-millis")),
    ("time_us", logical("long", "time-micros")),
    ("ts_ms", logical("long", "timestamp-millis")),
    ("ts_us", logical("long", "timestamp-micros")),
    ("local_us", logical("long", "local-timestamp-micros")),
    ("price", logical("bytes", "decimal", precision=10, scale=2)),
    ("a_uuid", logical("string", "uuid")),
    ("span", logical("fixed", "duration", name="Span", size=12)),
    ("odd", logical("string", "no-such-type")),
)

NOON = datetime.datetime(2024, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
TYPES_ROW = {
    "a_boolean": True, "an_int": -7, "a_long": 2**62, "a_float": 0.5, "a_double": 0.1,
    "some_bytes": b"\x00\xff", "a_string": "r\u00e9sum\u00e9 \U0001f600", "a_fixed": b"abcd",
    "an_enum": "HEARTS", "a_null": None, "maybe": 5, "number": 1.5, "any": "text",
    "longs": [1, 2, 3], "maybe_strings": ["a", None], "lists": [[1], [], [2, 3]],
    "ages": {"ann": 31, "bob": 29}, "inner": {"x": 1, "y": "why"},
    "tree": {"value": 1, "children": [{"value": 2, "children": []}]},
    "a_date": NOON.date(), "time_ms": datetime.time(12, 34, 56, 789000),
    "time_us": datetime.time(12, 34, 56, 789012),
    "ts_ms": NOON.replace(microsecond=123000), "ts_us": NOON,
    "local_us": NOON.replace(tzinfo=None), "price": decimal.Decimal("-12.30"),
    "a_uuid": uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
    "span": (1).to_bytes(4, "little") + (2).to_bytes(4, "little") + (3004).to_bytes(4, "little"),
    "odd": "as a string",
}
# The same with everything empty, absent, extreme or not a number.
EDGE_ROW = {
    **TYPES_ROW, "a_boolean": False, "an_int": -2**31, "a_long": -2**63, "a_float": float("inf"),
    "a_double": float("nan"), "some_bytes": b"", "a_string": "", "maybe": None, "number": None,
    "any": None, "longs": [], "maybe_strings": None, "lists": [], "ages": {},
    "inner": {"x": 0, "y": None}, "tree": {"value": 0, "children": []},
    "price": decimal.Decimal("99999999.99"),
}


def generations(top):
    """Three generations of one record: a field added, one renamed by alias, an int widened."""
    write(top / "1.avro", record("Order", ("id", "int"), ("customer", "string")),
          [{"id": 1, "customer": "ann"}, {"id": 2, "customer": "bob"}])
    write(top / "2.avro",
          record("Order", ("id", "int"), ("customer", "string"), ("status", "string", "new")),
          [{"id": 3, "customer": "cid", "status": "paid"}])
    third = record("Order", ("id", "long"), ("buyer", "string"), ("status", "string", "new"),
                   ("note", ["null", "string"], None))
    third["fields"][1]["aliases"] = ["customer"]
    write(top / "3.avro", third,
          [{"id": 2**40, "buyer": "dan", "status": "sent", "note": "gift"}])


def hive(top):
    """Rows in "name=value" directories."""
    schema = record("Event", ("id", "long"), ("day", "string"))
    for day, code, rows in [("2024-03-09", "7", [1, 2]), ("2024-03-10", "8", [3])]:
        write(top / f"day={day}" / f"code={code}" / "region=S%C3%BCd" / "a.avro", schema,
              [{"id": n, "day": "hidden"} for n in rows])
    write(top / "day=2024-03-11" / "code=__HIVE_DEFAULT_PARTITION__" / "region=a%2Fb" / "a.avro",
          schema, [{"id": 4, "day": "hidden"}])
    write(top / "_temporary" / "b.avro", schema, [{"id": 99, "day": "never"}])
    write(top / ".hidden.avro", schema, [{"id": 98, "day": "never"}])


def names(top):
    """Fields whose names cannot be those of columns."""
    write(top / "names.avro",
          record("Names", ("Select", "int"), ("ctid", "int"), ("x" * 63, "int"),
                 ("x" * 70, "int"), ("x" * 71, "int")),
          [{"Select": 1, "ctid": 2, "x" * 63: 3, "x" * 70: 4, "x" * 71: 5}])
    write(top / "reserved.avro", record("Reserved", ("_row", "long")), [{"_row": 1}])


def broken(top):
    """Files that are damaged, or none."""
    top.mkdir(parents=True)
    good = top / "good.avro"
    write(good, record("Good", ("id", "long"), ("text", "string")),
          [{"id": n, "text": "x" * 20} for n in range(100)])
    data = good.read_bytes()
    (top / "cut.avro").write_bytes(data[:-30])
    (top / "empty.avro").write_bytes(b"")
    (top / "text.avro").write_bytes(b"not an Avro file at all\n")
    (top / "marker.avro").write_bytes(data[:-1] + b"\xff")
    (top / "schema.avro").write_bytes(data.replace(b'"string"', b'"strong"'))


def files(top):
    write(top / "types.avro", TYPES, [TYPES_ROW, EDGE_ROW], metadata={"made.by": "fastavro"})
    write(top / "long.avro", "long", [1, 2, 3])
    write(top / "none.avro", record("None", ("id", "long")), [])
    for codec in ["null", "deflate"]:
        write(top / "codecs" / f"{codec}.avro", record("Codec", ("id", "long")),
              [{"id": n} for n in range(1000)], codec=codec)
    generations(top / "generations")
    hive(top / "hive")
    names(top / "names")
    broken(top / "broken")
    write(top / "misfit" / "1.avro", record("Misfit", ("id", "long"), ("x", "string")), [])
    write(top / "misfit" / "2.avro", record("Misfit", ("id", "long"), ("x", "double")), [])
    write(top / "twice" / "k=1" / "k=2" / "a.avro", record("Twice", ("id", "long")), [])
    (top / "nothing").mkdir()


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[1])
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    files(directory)
