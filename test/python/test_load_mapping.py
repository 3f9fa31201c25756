# test/python/test_load_mapping.py - which field goes to which column: --map, --columns, and columns
# that the server fills in
"""What is left out, what is refused, and what the messages say."""

import pytest

from avro_build import block, data, header, long

BASE = "a,b,c\n1,2,3\n"


def load(here, database, table, columns, *options, content=BASE, name="f.csv"):
    """Make the table anew and load a file; return how that ended."""
    database.sql(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns});"
                 f" DELETE FROM load_batch WHERE table_name = 'public.{table}'")
    here.write(name, content)
    return here.run("load", "-t", table, *options, name, env=database.environment)


def rows(database, table):
    return database.sql(f"SELECT * FROM {table}")


@pytest.mark.parametrize("columns, options, expected", [
    ("x int, b int, c int", ["--map", "a=x"], ["1", "2", "3"]),
    ("x int, y int, z int", ["--map", "a=z", "--map", "b=y", "--map", "c=x"], ["3", "2", "1"]),
    ("a int, b int, c int", ["--map", "a=b", "--map", "b=a"], ["2", "1", "3"]),
    ("a int, x int, b int, c int", ["--map", "a=a", "--map", "a=x"], ["1", "1", "2", "3"]),
    ('"X y" int, b int, c int', ["--map", "a=X y"], ["1", "2", "3"]),
    ("X int, b int, c int", ["--map", "a=X"], ["1", "2", "3"]),
    ("a int, c int", ["--columns", "a,c"], ["1", "3"]),
    ("c int DEFAULT 9, b int DEFAULT 8, a int", ["--columns", "a"], ["9", "8", "1"]),
    ("x int, c int", ["--columns", "x", "--map", "b=x"], ["2", ""]),
    ("A int, load_id bigint", ["--columns", "a,load_id"], None),
])
def test_what_goes_where(here, database, columns, options, expected):
    result = load(here, database, "mapped", columns, *options)
    assert result.code == 0, result
    if expected is None:
        assert database.sql("SELECT a, load_id > 0 FROM mapped") == [["1", "t"]]
    else:
        assert rows(database, "mapped") == [expected]


@pytest.mark.parametrize("columns, options, code, message", [
    ("a int, b int", [], 2, 'field "c" matches no column of table public.mapped'),
    ("a int, b int, c int", ["--columns", "a,d"], 1, 'column "d" of option "--columns" does not exist'),
    ("alpha int, b int, c int", ["--columns", "alhpa"], 1, 'Perhaps you meant "alpha"'),
    ("a int, b int, c int", ["--columns", "a,a"], 1, 'column "a" is listed twice'),
    ("a int, z int", ["--columns", "a,z"], 2, 'no field goes to column "z"'),
    ("a int, z int", ["--columns", "a", "--map", "b=z"], 1, 'column "z" of option "--map" is not among'),
    ("alpha int, b int", ["--map", "a=alhpa"], 1, 'Perhaps you meant "alpha"'),
    ("alpha int, b int", ["--map", "d=alpha"], 1, 'field "d" of option "--map" does not exist'),
    ("alpha int, b int", ["--map", "alpha"], 1, 'not of the form FIELD=COLUMN'),
    ("alpha int, b int", ["--map", "=alpha"], 1, 'not of the form FIELD=COLUMN'),
    ("alpha int, b int", ["--map", "a="], 1, 'not of the form FIELD=COLUMN'),
    ("a int, b int, c int", ["--map", "a=b"], 2, 'fields "a" and "b" match the same column'),
    ("a int, b int, c int GENERATED ALWAYS AS (1) STORED", ["--map", "c=c"], 2, "mapped to a generated column"),
    ("a int, b int, c int GENERATED ALWAYS AS (1) STORED", ["--columns", "c"], 2, "matches a generated column"),
    ("x int", ["--columns", "x"], 2, 'no field goes to column "x"'),
])
def test_what_is_refused(here, database, columns, options, code, message):
    result = load(here, database, "mapped", columns, *options)
    assert result.code == code, result
    assert message in result.err
    assert rows(database, "mapped") == []


def test_generated_columns_are_left_out(here, database):
    result = load(here, database, "mapped", "a int, b int, c int GENERATED ALWAYS AS (7) STORED")
    assert result.code == 0, result
    assert 'f.csv: field "c" is left out: the column is generated' in result.err
    assert rows(database, "mapped") == [["1", "2", "7"]]


@pytest.mark.parametrize("kind", ["ALWAYS", "BY DEFAULT"])
def test_identity_columns_are_loaded(here, database, kind):
    """As COPY does, which takes what it is given for either kind."""
    result = load(here, database, "mapped", f"a int, b int, c int GENERATED {kind} AS IDENTITY")
    assert result.code == 0, result
    assert rows(database, "mapped") == [["1", "2", "3"]]


def test_values_of_fields_that_are_left_out_are_not_looked_at(here, database):
    """Their form must be right, for what follows to be found; their content may be what it likes."""
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "text", "type": "string"}, {"name": "n", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}
    records = [data(b"\xff\0") + long(1) + long(2**62), data("fine") + long(2) + long(0)]
    content = header(schema) + block(2, b"".join(records))
    result = load(here, database, "mapped", "n int, text text, at timestamptz", "--columns", "n", content=content,
                  name="f.avro")
    assert result.code == 0, result
    assert rows(database, "mapped") == [["1", "", ""], ["2", "", ""]]
    result = load(here, database, "mapped", "n int, text text, at timestamptz", "--columns", "n,at",
                  "--max-rejects", "1", content=content, name="f.avro")
    assert "1 loaded + 1 rejected" in result.err
    assert database.sql("SELECT column_name FROM load_reject ORDER BY load_id DESC LIMIT 1") == [["at"]]


def test_text_form_is_told(here, database):
    """With -v, and the column that it is for."""
    result = load(here, database, "mapped", "a int, b inet, c int", "-v", content="a,b,c\n1,::1,3\n")
    assert result.code == 0, result
    assert 'rows are sent as text, for column "b" of type inet' in result.err
