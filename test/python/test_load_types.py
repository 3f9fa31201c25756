# test/python/test_load_types.py - any schema into any table: values of all kinds, which column
# takes which field
"""What is loaded is the same in the binary form of COPY and as text."""

import copy
import hashlib
import io
import json

import fastavro
import pytest

from avro_build import block, header
from load_cases import GOOD, REFUSED, TEXT_ONLY, TREE, tree

TYPES = ("CREATE TYPE colour AS ENUM ('red', 'green'); CREATE TYPE pair AS (a int, b text);"
         " CREATE DOMAIN positive AS int CHECK (value > 0)")


# Logical types whose values are given as their numbers or bytes.
BEYOND_PYTHON = ("timestamp-millis", "timestamp-micros", "local-timestamp-micros", "date", "time-micros", "duration")


@pytest.fixture(scope="module", autouse=True)
def types(database):
    """Make the types that the cases name."""
    database.sql(TYPES)


def renamed(schema, suffix):
    """A copy of a schema whose named types end with a suffix."""
    if isinstance(schema, list):
        return [renamed(part, suffix) for part in schema]
    if not isinstance(schema, dict):
        return schema + suffix if schema == "Tree" else schema
    made = copy.copy(schema)
    for key in ("items", "values"):
        if key in made:
            made[key] = renamed(made[key], suffix)
    if "fields" in made:
        made["fields"] = [{**field, "type": renamed(field["type"], suffix)} for field in made["fields"]]
    if "name" in made:
        made["name"] += suffix
    return made


def nullable(schema):
    return ["null", *schema] if isinstance(schema, list) else ["null", schema]


def plain(schema):
    """A schema without the logical types that fastavro cannot write beyond Python's range."""
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: plain(value) if key in ("items", "values", "type") and not isinstance(value, str)
            else value for key, value in schema.items()}
    if "fields" in made:
        made["fields"] = [{**field, "type": plain(field["type"])} for field in made["fields"]]
    if made.get("logicalType") in BEYOND_PYTHON:
        del made["logicalType"]
    return made


def write_avro(path, fields, records):
    """Write a file whose schema has all logical types."""
    schema = {"type": "record", "name": "R", "fields": fields}
    body = io.BytesIO()
    for record in records:
        fastavro.schemaless_writer(body, plain(schema), record)
    path.write_bytes(header(schema) + block(len(records), body.getvalue()))


def fields_of(cases):
    return [{"name": f"c{i}", "type": nullable(renamed(case[0], str(i)))}
            for i, case in enumerate(cases)]


def make_table(database, name, cases):
    columns = ", ".join(f"c{i} {case[2]}" for i, case in enumerate(cases))
    database.sql(f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({columns}, force inet)")


def check_rows(database, table, cases):
    """Compare the columns with the texts that the cases have, by the server, by their hashes."""
    hashes = database.sql("SELECT " + ", ".join(f"md5(c{i}::text)" for i in range(len(cases))) + f" FROM {table}")
    assert len(hashes) == 1
    for i, (case, got) in enumerate(zip(cases, hashes[0], strict=True)):
        if case[3] is None:
            assert got, case
        elif got != hashlib.md5(case[3].encode()).hexdigest():
            shown = database.sql(f"SELECT quote_literal(left(c{i}::text, 200)) FROM {table}")
            pytest.fail(f"{case[:3]}: {case[3][:200]!r} was expected, not {shown}")


@pytest.mark.parametrize("form", ["binary", "text"])
def test_values(here, database, form):
    """Every kind of value into every type of column that takes it, in both forms of COPY."""
    cases = GOOD + TEXT_ONLY if form == "text" else GOOD
    make_table(database, f"good_{form}", cases)
    write_avro(here.path / "good.avro", fields_of(cases),
               [{f"c{i}": case[1] for i, case in enumerate(cases)}])
    here.run_ok("load", "-t", f"good_{form}", "good.avro", env=database.environment)
    check_rows(database, f"good_{form}", cases)


@pytest.mark.parametrize("options", [
    "-c datestyle=SQL,DMY -c intervalstyle=sql_standard -c timezone=Asia/Singapore",
    "-c datestyle=German -c intervalstyle=postgres_verbose -c timezone=America/St_Johns -c bytea_output=escape",
])
def test_settings_of_the_session(here, database, options):
    """What a user or a database sets for sessions does not change what texts mean."""
    cases = GOOD + TEXT_ONLY
    make_table(database, "good_settings", cases)
    write_avro(here.path / "good.avro", fields_of(cases), [{f"c{i}": case[1] for i, case in enumerate(cases)}])
    database.sql("DELETE FROM load_batch WHERE table_name = 'public.good_settings'")
    here.run_ok("load", "-t", "good_settings", "good.avro", env={**database.environment, "PGOPTIONS": options})
    check_rows(database, "good_settings", cases)


def test_nulls(here, database):
    """NULL goes into every type, in both forms."""
    for name, cases in (("null_binary", GOOD), ("null_text", GOOD + TEXT_ONLY)):
        make_table(database, name, cases)
        write_avro(here.path / f"{name}.avro", fields_of(cases), [{}])
        here.run_ok("load", "-t", name, f"{name}.avro", env=database.environment)
        assert database.sql(f"SELECT num_nulls(VARIADIC ARRAY[{', '.join(f'c{i}::text' for i in range(len(cases)))}])"
                            f" FROM {name}") == [[str(len(cases))]]


@pytest.mark.parametrize("form", ["binary", "text"])
def test_refused_values(here, database, form):
    """Each value that does not fit is refused with the server's SQLSTATE, and the others go on."""
    make_table(database, f"bad_{form}", REFUSED)
    fields = fields_of(REFUSED) + [{"name": "force", "type": ["null", "string"]}] * (form == "text")
    write_avro(here.path / "bad.avro", fields,
               [{f"c{i}": case[1]} for i, case in enumerate(REFUSED)] + [{}])
    result = here.run_ok("load", "-t", f"bad_{form}", "--max-rejects", 1000, "--rejects", "bad.jsonl",
                         "bad.avro", env=database.environment)
    assert f"= 1 loaded + {len(REFUSED)} rejected" in result.err
    rejects = [json.loads(line) for line in here.read("bad.jsonl").splitlines()]
    got = {reject["column"]: reject["sqlstate"] for reject in rejects}
    assert got == {f"c{i}": case[3] for i, case in enumerate(REFUSED)}
    assert [reject["record"] for reject in rejects] == list(range(1, len(REFUSED) + 1))


@pytest.mark.parametrize("kind, column", [
    ("boolean", "bigint"), ("bytes", "bigint"), ({"type": "array", "items": "int"}, "bigint"),
    ({"type": "map", "values": "int"}, "timestamptz"), ({"type": "long", "logicalType": "timestamp-micros"}, "date"),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, "timestamptz"), ("long", "int[]"),
])
def test_kinds_that_do_not_fit(here, database, kind, column):
    """Refused before a row is read."""
    database.sql(f"DROP TABLE IF EXISTS misfit; CREATE TABLE misfit (a {column})")
    write_avro(here.path / "m.avro", [{"name": "a", "type": kind}], [])
    result = here.run("load", "-t", "misfit", "m.avro", env=database.environment)
    assert result.code == 2
    assert 'cannot be loaded into column "a" of type ' in result.err


def test_damage_inside_a_nested_value(here, database):
    """It refuses the record, and the next one is read."""
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "a", "type": {"type": "array", "items": "string"}}, {"name": "n", "type": "int"}]}
    with open(here.path / "d.avro", "wb") as file:
        fastavro.writer(file, schema, [{"a": ["good"], "n": 1}, {"a": ["evil"], "n": 2}, {"a": ["nul!"], "n": 3},
                                       {"a": [], "n": 4}])
    content = here.read("d.avro").replace(b"evil", b"ev\xff\xfe").replace(b"nul!", b"nu\0!")
    here.write("d.avro", content)
    for column, nul in (("jsonb", "22P05"), ("text[]", "22021"), ("text", "22P05")):
        database.sql(f"DROP TABLE IF EXISTS damage; CREATE TABLE damage (a {column}, n int)")
        result = here.run_ok("load", "--again", "-t", "damage", "--max-rejects", 2, "--rejects", "r.jsonl", "d.avro",
                             env=database.environment)
        assert "read 4 records = 2 loaded + 2 rejected" in result.err
        assert database.sql("SELECT n FROM damage ORDER BY 1") == [["1"], ["4"]]
        rejects = [json.loads(line) for line in here.read("r.jsonl").splitlines()]
        assert [(r["record"], r["column"], r["sqlstate"]) for r in rejects] == [(2, "a", "22021"), (3, "a", nul)]
        assert rejects[1]["text"] == '{"a":["nu\\u0000!"],"n":3}' and "bytes_base64" not in rejects[1]
        assert "bytes_base64" in rejects[0]
        database.sql("DELETE FROM load_batch WHERE table_name = 'public.damage'")


def test_deep_values(here, database):
    """A list of records, one within the other; one that is nested too deeply is refused."""
    file = [{"name": "tree", "type": TREE}, {"name": "n", "type": "int"}]
    database.sql("CREATE TABLE deep (tree jsonb, n int)")
    write_avro(here.path / "deep.avro", file, [{"tree": tree(45), "n": 1}])
    here.run_ok("load", "-t", "deep", "deep.avro", env=database.environment)
    path = "{" + ",".join(["next"] * 44 + ["n"]) + "}"
    assert database.sql(f"SELECT tree #>> '{path}' FROM deep") == [["45"]]
    write_avro(here.path / "deeper.avro", file, [{"tree": tree(400), "n": 2}])
    database.sql("CREATE TABLE deeper (tree jsonb, n int)")
    result = here.run("load", "-t", "deeper", "deeper.avro", env=database.environment)
    assert result.code == 2
    assert "nested" in result.err


@pytest.mark.parametrize("action, row, skipped", [("nothing", "1|red|a", 2), ("update", "1|green|again", 1)])
def test_text_form_with_what_the_server_refuses(here, database, action, row, skipped):
    """Rows are cut out, and conflicts settled, as with the binary form."""
    here.write("c.csv", 'id,c,note\n0,green,old\n1,red,a\n2,blue,"x\ny"\n3,green,\\N\n4,grey,\\.\n1,green,again\n')
    database.sql("DROP TABLE IF EXISTS clash; CREATE TABLE clash (id int PRIMARY KEY, c colour, note text);"
                 " INSERT INTO clash VALUES (0, 'red', 'there'); DELETE FROM load_batch"
                 " WHERE table_name = 'public.clash'")
    result = here.run_ok("load", "-t", "clash", "--max-rejects", 2, "--rejects", "r.jsonl", "--on-conflict", action,
                         "c.csv", env=database.environment)
    assert " + 2 rejected" in result.err
    rejects = [json.loads(line) for line in here.read("r.jsonl").splitlines()]
    assert [(r["record"], r["line"], r["sqlstate"]) for r in rejects] == [(3, 4, "22P02"), (5, 7, "22P02")]
    zero = "0|red|there" if action == "nothing" else "0|green|old"
    assert database.sql("SELECT concat_ws('|', id, c, note) FROM clash ORDER BY id") == [[zero], [row], ["3|green|\\N"]]
    assert f" + {skipped} skipped" in result.err
