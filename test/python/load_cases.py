# test/python/load_cases.py - Avro values, the columns they are loaded into, and what comes of it
"""GOOD: type of the field, value, type of the column, text of the row's column.
REFUSED: type of the field, value, type of the column, SQLSTATE."""

import decimal
import math
import uuid

INT, LONG, FLOAT, DOUBLE, STRING, BYTES = "int", "long", "float", "double", "string", "bytes"
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
TIME = {"type": "long", "logicalType": "time-micros"}
UUID = {"type": "string", "logicalType": "uuid"}
CENTS = {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}
TINY = {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 40}
DURATION = {"type": "fixed", "name": "Duration", "size": 12, "logicalType": "duration"}
COLOUR = {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}
POINT = {"type": "record", "name": "Point", "fields": [
    {"name": "x", "type": "int"}, {"name": "text", "type": ["null", "string"]},
    {"name": "price", "type": CENTS}, {"name": "ratio", "type": "float"}, {"name": "at", "type": MICROS}]}
TREE = {"type": "record", "name": "Tree", "fields": [
    {"name": "n", "type": "int"}, {"name": "next", "type": ["null", "Tree"]}]}
MIXED = ["string", "long", "boolean", {"type": "array", "items": "int"}]


def array(items):
    return {"type": "array", "items": items}


def tree(depth):
    """A list of records, one within the other."""
    node = None
    for n in range(depth, 0, -1):
        node = {"n": n, "next": node}
    return node


SOME_UUID = uuid.UUID("12345678-9abc-def0-1234-56789abcdef0")
A_POINT = {"x": 1, "text": "a\"b\\c\nd", "price": decimal.Decimal("12.30"), "ratio": 0.1, "at": 0}
POINT_JSON = ('{"x": 1, "at": "1970-01-01T00:00:00Z", "text": "a\\"b\\\\c\\nd", "price": 12.30,'
              ' "ratio": 0.1}')
UNIX_2000 = 946684800 * 10**6
FIRST_MICROS = -210866803200 * 10**6  # 4714-11-24 BC, from 1970
LAST_MILLIS = 9224318016000 * 10**3 - 1

GOOD = [
    # numbers
    (INT, -32768, "smallint", "-32768"),
    (LONG, 2**63 - 1, "bigint", "9223372036854775807"),
    (LONG, -2**63, "numeric", "-9223372036854775808"),
    (LONG, 4294967295, "oid", "4294967295"),
    (LONG, 5, "text", "5"),
    (LONG, 10000, "numeric(7,2)", "10000.00"),
    (LONG, 3, "double precision", "3"),
    (DOUBLE, 3.0, "integer", "3"),
    (DOUBLE, -1e15, "bigint", "-1000000000000000"),
    (DOUBLE, 0.1, "numeric", "0.1"),
    (DOUBLE, 1e300, "numeric", "1" + "0" * 300),
    (DOUBLE, -5e-324, "numeric", "-0." + "0" * 323 + "5"),
    (DOUBLE, 0.125, "numeric(5,2)", "0.13"),
    (DOUBLE, math.nan, "numeric", "NaN"),
    (DOUBLE, -math.inf, "numeric", "-Infinity"),
    (DOUBLE, math.nan, "double precision", "NaN"),
    (DOUBLE, 5e-324, "double precision", "5e-324"),
    (DOUBLE, -0.0, "double precision", "-0"),
    (FLOAT, 0.1, "numeric", "0.1"),
    (FLOAT, 16777216.0, "real", "1.6777216e+07"),
    (FLOAT, math.inf, "real", "Infinity"),
    (CENTS, decimal.Decimal("-0.05"), "numeric", "-0.05"),
    (CENTS, decimal.Decimal("9999999999999999999999999999.99"), "numeric", "9999999999999999999999999999.99"),
    (CENTS, decimal.Decimal("1000000.00"), "bigint", "1000000"),
    (CENTS, decimal.Decimal("0.25"), "double precision", "0.25"),
    (CENTS, decimal.Decimal("12.30"), "text", "12.30"),
    (TINY, decimal.Decimal(1).scaleb(-40), "numeric", "0." + "0" * 39 + "1"),
    (TINY, decimal.Decimal("10000.0001"), "numeric", "10000.0001" + "0" * 36),
    (TINY, decimal.Decimal(0), "numeric", "0." + "0" * 40),
    ("boolean", True, "boolean", "true"),
    ("boolean", False, "text", "false"),
    # strings that are numbers
    (STRING, "00012.340e-1", "numeric", "1.2340"),
    (STRING, "1e4", "numeric", "10000"),
    (STRING, ".5", "numeric", "0.5"),
    (STRING, "+7.", "numeric", "7"),
    (STRING, "0e-7", "numeric", "0.0000000"),
    (STRING, "nan", "numeric", "NaN"),
    (STRING, "123456789012345678901234567890.00001", "numeric", "123456789012345678901234567890.00001"),
    (STRING, "1" + "0" * 131071, "numeric", "1" + "0" * 131071),
    (STRING, "0." + "0" * 16382 + "7", "numeric", "0." + "0" * 16382 + "7"),
    (STRING, "4294967295", "oid", "4294967295"),
    # texts
    (STRING, "a\tb\nc\rd\\e\x01", "text", "a\tb\nc\rd\\e\x01"),
    (STRING, "\\N", "text", "\\N"),
    (STRING, "", "text", ""),
    (STRING, "\\.", "varchar(5)", "\\."),
    (STRING, "日本", "char(3)", "日本"),
    (STRING, "n" * 63, "name", "n" * 63),
    (STRING, "c", '"char"', "c"),
    (STRING, "", '"char"', ""),
    (COLOUR, "green", "text", "green"),
    (BYTES, b"\x00\xff\\", "bytea", "\\x00ff5c"),
    (BYTES, b"", "bytea", "\\x"),
    (BYTES, b"\x00\xff", "text", "\\x00ff"),
    (UUID, SOME_UUID, "uuid", str(SOME_UUID)),
    (STRING, str(SOME_UUID).upper(), "uuid", str(SOME_UUID)),
    (UUID, SOME_UUID, "text", str(SOME_UUID)),
    # times
    (MICROS, UNIX_2000 + 1, "timestamptz", "2000-01-01 00:00:00.000001+00"),
    (MICROS, FIRST_MICROS, "timestamptz", "4714-11-24 00:00:00+00 BC"),
    (MILLIS, LAST_MILLIS, "timestamptz", "294276-12-31 23:59:59.999+00"),
    (MICROS, -62135596800 * 10**6 - 1, "timestamp", "0001-12-31 23:59:59.999999 BC"),
    (MICROS, 0, "text", "1970-01-01T00:00:00Z"),
    (LOCAL, -1, "timestamp", "1969-12-31 23:59:59.999999"),
    (DATE, -2440588, "date", "4714-11-24 BC"),
    (DATE, -719528, "date", "0001-01-01 BC"),
    (DATE, 2932897, "date", "10000-01-01"),
    (TIME, 86399999999, "time", "23:59:59.999999"),
    (TIME, 0, "time", "00:00:00"),
    (STRING, "08:30:00.5", "time", "08:30:00.5"),
    (STRING, "2024-03-10 08:00:00 UTC", "timestamptz", "2024-03-10 08:00:00+00"),
    (STRING, "2024-02-29", "date", "2024-02-29"),
    (STRING, "24:00:00", "time", "24:00:00"),
    (STRING, "24:00:00.0", "time", "24:00:00"),
    (STRING, "08:30", "time", "08:30:00"),
    (STRING, "infinity", "date", "infinity"),
    (STRING, "-Infinity", "date", "-infinity"),
    (STRING, "INFINITY", "timestamp", "infinity"),
    (STRING, "-infinity", "timestamp", "-infinity"),
    (STRING, "infinity", "timestamptz", "infinity"),
    (STRING, "-infinity", "timestamptz", "-infinity"),
    (STRING, "2024-03-10 08:00:00+08", "timestamp", "2024-03-10 00:00:00"),
    (STRING, "inf", "float8", "Infinity"),
    (STRING, "-INF", "real", "-Infinity"),
    (STRING, "+inf", "numeric", "Infinity"),
    (STRING, "-inf", "numeric", "-Infinity"),
    (STRING, "{A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11}", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (DURATION, b"\x01\0\0\0\x02\0\0\0\xdc\x05\0\0", "interval", "1 mon 2 days 00:00:01.5"),
    (DURATION, b"\xff\xff\xff\x7f\0\0\0\0\xff\xff\xff\xff", "interval", "178956970 years 7 mons 1193:02:47.295"),
    # JSON
    (POINT, A_POINT, "jsonb", POINT_JSON),
    (POINT, A_POINT, "json", '{"x":1,"text":"a\\"b\\\\c\\nd","price":12.30,"ratio":0.1,"at":"1970-01-01T00:00:00Z"}'),
    (POINT, A_POINT, "text", '{"x":1,"text":"a\\"b\\\\c\\nd","price":12.30,"ratio":0.1,"at":"1970-01-01T00:00:00Z"}'),
    (array(MICROS), [0], "jsonb", '["1970-01-01T00:00:00Z"]'),
    (array(DOUBLE), [math.nan, math.inf, 1e20, 3.0], "jsonb", '["NaN", "Infinity", 100000000000000000000, 3]'),
    ({"type": "map", "values": "bytes"}, {"k": b"\x01"}, "jsonb", '{"k": "\\\\x01"}'),
    ({"type": "map", "values": "int"}, {}, "json", "{}"),
    (TREE, tree(40), "jsonb", None),
    (MIXED, "it", "jsonb", '"it"'),
    (MIXED, [1, 2], "jsonb", "[1, 2]"),
    (LONG, 5, "jsonb", "5"),
    (CENTS, decimal.Decimal("1.10"), "jsonb", "1.10"),
    (DOUBLE, math.nan, "json", '"NaN"'),
    (MICROS, 0, "jsonb", '"1970-01-01T00:00:00Z"'),
    (STRING, ' {"a" : [1, null]}', "jsonb", '{"a": [1, null]}'),
    (STRING, ' {"a" : [1, null]}', "json", ' {"a" : [1, null]}'),
    (STRING, '"\\u0000"', "json", '"\\u0000"'),
    # unions of several types
    (MIXED, "it", "text", "it"),
    (MIXED, 7, "bigint", "7"),
    (MIXED, "8", "bigint", "8"),
    (MIXED, True, "boolean", "true"),
    (MIXED, [1, 2], "text", "[1,2]"),
]

# Into columns whose binary form is not known: these make a load go as text.
TEXT_ONLY = [
    (array(INT), [1, -2, 3], "int[]", "{1,-2,3}"),
    (array(INT), [], "int[]", "{}"),
    (array(["null", "string"]), ["a,b", None, "", "NULL", "q\"\\", "{x}", " s "], "text[]",
     '{"a,b",NULL,"","NULL","q\\"\\\\","{x}"," s "}'),
    (array(array(LONG)), [[1, 2], [3, 4]], "bigint[]", "{{1,2},{3,4}}"),
    (array(BYTES), [b"\x00\\", b""], "bytea[]", '{"\\\\x005c","\\\\x"}'),
    (array(MILLIS), [UNIX_2000 // 1000, LAST_MILLIS, FIRST_MICROS // 1000], "timestamptz[]",
     '{"2000-01-01 00:00:00+00","294276-12-31 23:59:59.999+00","4714-11-24 00:00:00+00 BC"}'),
    (array(DATE), [-719528, 2932897], "date[]", '{"0001-01-01 BC",10000-01-01}'),
    (array(CENTS), [decimal.Decimal("1.10")], "numeric[]", "{1.10}"),
    (array(DOUBLE), [0.1, math.nan], "float8[]", "{0.1,NaN}"),
    (array(POINT), [A_POINT], "jsonb[]", None),
    (array({"type": "map", "values": "int"}), [{"a": 1}, {}], "json[]", '{"{\\"a\\":1}","{}"}'),
    (array(STRING), ["(1,1),(0,0)", "(3,3),(2,2)"], "box[]", "{(1,1),(0,0);(3,3),(2,2)}"),
    (MIXED, [4, 5], "int[]", "{4,5}"),
    (STRING, "{1,2}", "int[]", "{1,2}"),
    (STRING, "green", "colour", "green"),
    (COLOUR, "red", "colour", "red"),
    (STRING, "10.0.0.1/8", "inet", "10.0.0.1/8"),
    (STRING, "[1,5)", "int4range", "[1,5)"),
    (STRING, "1.5", "money", "$1.50"),
    (DOUBLE, 2.5, "money", "$2.50"),
    (STRING, "(1,two)", "pair", "(1,two)"),
    (STRING, "1 day 02:00", "interval", "1 day 02:00:00"),
    (STRING, "<a>\t</a>", "xml", "<a>\t</a>"),
    (STRING, "08:00+01", "timetz", "08:00:00+01"),
    (LONG, 5, "positive", "5"),
]

REFUSED = [
    (INT, 32768, "smallint", "22003"),
    (LONG, -1, "oid", "22003"),
    (LONG, 2**32, "oid", "22003"),
    (DOUBLE, 3.5, "integer", "22003"),
    (DOUBLE, math.nan, "bigint", "22003"),
    (DOUBLE, 2.0**63, "bigint", "22003"),
    (CENTS, decimal.Decimal("1.50"), "bigint", "22003"),
    (CENTS, decimal.Decimal("9999999999999999999999999999.00"), "bigint", "22003"),
    (DOUBLE, 1e39, "real", "22003"),
    (STRING, "1" + "0" * 131072, "numeric", "22003"),
    (STRING, "1e131072", "numeric", "22003"),
    (STRING, "1e999999999999999999999", "numeric", "22003"),
    (STRING, "1e-16384", "numeric", "22003"),
    (STRING, "1e-99999999999999999999", "numeric", "22003"),
    (STRING, "", "numeric", "22P02"),
    (STRING, ".", "numeric", "22P02"),
    (STRING, "1.2.3", "numeric", "22P02"),
    (STRING, "1e", "numeric", "22P02"),
    (STRING, "1e5x", "numeric", "22P02"),
    (STRING, " 1", "numeric", "22P02"),
    (STRING, "0x1", "numeric", "22P02"),
    (STRING, "n" * 64, "name", "22001"),
    (STRING, "ab", '"char"', "22001"),
    (STRING, "{", "json", "22P02"),
    (STRING, "", "jsonb", "22P02"),
    (STRING, "{} {}", "jsonb", "22P02"),
    (STRING, "{'a': 1}", "json", "22P02"),
    (STRING, "[1,]", "jsonb", "22P02"),
    (STRING, '"\\u0000"', "jsonb", "22P05"),
    (STRING, '{"\\u0000": 1}', "jsonb", "22P05"),
    (STRING, "123", "uuid", "22P02"),
    (STRING, "{123}", "uuid", "22P02"),
    (STRING, "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "uuid", "22P02"),
    (STRING, "24:00:01", "time", "22008"),
    (STRING, "24:00:00.000001", "time", "22008"),
    (STRING, "25:00", "time", "22008"),
    (STRING, "23:60:00", "time", "22008"),
    (STRING, "24:00:", "time", "22007"),
    (STRING, "08:00:00Z", "time", "22007"),
    (STRING, "0000-01-01", "date", "22008"),
    (STRING, "2023-02-29", "date", "22008"),
    (STRING, "2023-02-2x", "date", "22007"),
    (STRING, "inf", "date", "22007"),
    (STRING, "+infinity", "timestamptz", "22007"),
    (STRING, "2024-03-10 24:00:01", "timestamp", "22008"),
    (STRING, "2024-03-10 08:00:00+24:00", "timestamptz", "22009"),
    (STRING, "\\x0", "bytea", "22023"),
    (STRING, "\\x0g", "bytea", "22023"),
    (STRING, "abc\\", "bytea", "22P02"),
    (STRING, "infinit", "float8", "22P02"),
    (MILLIS, LAST_MILLIS + 1, "timestamptz", "22008"),
    (MICROS, FIRST_MICROS - 1, "timestamptz", "22008"),
    (DATE, 2**31 - 1, "date", "22008"),
    (DURATION, b"\0\0\0\x80\0\0\0\0\0\0\0\0", "interval", "22003"),
    (MIXED, "x", "bigint", "22P02"),
    (MIXED, True, "bigint", "42804"),
    (MIXED, [1], "bigint", "42804"),
]
