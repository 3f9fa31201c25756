# test/python/test_load_random.py - random schemas: what is loaded is what a foreign table shows
"""Two ways from Avro to the server that share only the decoder: the loader's COPY, and the
extension's conversion to the server's values. A seed makes a schema and its records."""

import json
import random

import pytest

import avro_model as model
import avro_peers as peers
import avro_random
from conftest import SEED, SOAK

COUNT = 500 if SOAK else 40
RECORDS = 8
GROUPS = 8      # tests that the seeds are spread over

# Make a table of a foreign table's columns, with its types or all of one: {kind} is one, or empty.
MAKE = """
DO $do$
DECLARE
    kind text := '{kind}';
BEGIN
    EXECUTE (SELECT format('CREATE FOREIGN TABLE shown (%s) SERVER files OPTIONS (filename %L, on_error ''ignore'')',
                           string_agg(format('%I %s', attname, coalesce(nullif(kind, ''),
                                      format_type(atttypid, atttypmod))), ', ' ORDER BY attnum), '{file}')
             FROM pg_attribute WHERE attrelid = 'imported'::regclass AND attnum > 0);
END
$do$;
CREATE TABLE loaded AS TABLE shown WITH NO DATA;
DELETE FROM load_batch WHERE table_name = 'public.loaded';
"""
RESET = "SET client_min_messages = error; DROP FOREIGN TABLE IF EXISTS shown; DROP TABLE IF EXISTS loaded;"
IMPORT = ("DROP FOREIGN TABLE IF EXISTS imported; IMPORT FOREIGN SCHEMA \"any\" FROM SERVER files INTO public"
          " OPTIONS (filename '{file}', table_name 'imported');")
# Rows by their text, whose order does not matter; those that both have, and those that one lacks.
COMPARE = """
WITH one AS (SELECT row_to_json(s)::text AS row, s::text AS text FROM shown s),
     two AS (SELECT row_to_json(l)::text AS row, l::text AS text FROM loaded l)
SELECT 'x' || (SELECT encode(convert_to(coalesce(json_agg(row)::text, ''), 'UTF8'), 'hex')
               FROM (TABLE one EXCEPT ALL TABLE two) AS d),
       'x' || (SELECT encode(convert_to(coalesce(json_agg(row)::text, ''), 'UTF8'), 'hex')
               FROM (TABLE two EXCEPT ALL TABLE one) AS d)
"""


@pytest.fixture(scope="module", autouse=True)
def files(database):
    """Make the foreign server."""
    database.sql("CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw")


def check(here, database, path, kind, why):
    """Load the file into columns of a kind, and compare the rows."""
    database.sql(RESET + MAKE.format(file=path, kind=kind))
    result = here.run("load", "-t", "loaded", "--max-rejects", RECORDS, path, env=database.environment)
    assert result.code == 0, (result, why)
    missing, more = (bytes.fromhex(rows[1:]).decode() for rows in database.sql(COMPARE)[0])
    assert (missing, more) == ("", ""), why
    return int(database.sql("SELECT count(*) FROM loaded")[0][0])


@pytest.mark.parametrize("group", range(GROUPS))
def test_loaded_rows_are_those_of_a_foreign_table(here, database, group):
    rows = 0
    for seed in range(SEED + group, SEED + COUNT, GROUPS):
        rng = random.Random(seed)
        schema = avro_random.random_schema(rng)
        node = model.parse(schema)
        path = peers.write_fastavro(here.path / f"{seed}.avro", schema,
                                    avro_random.random_records(rng, node, RECORDS), sync_interval=200)
        why = f"CLICKSTREAM_SEED={seed}: {json.dumps(schema)}"
        database.sql(RESET + IMPORT.format(file=path))
        if database.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'imported'::regclass"
                        " AND attnum > 0") == [["0"]]:
            continue
        rows += check(here, database, path, "", why)
        rows += check(here, database, path, "jsonb", why)
    assert rows > COUNT / GROUPS * RECORDS, "a value out of range refuses a row, but not most of them"


@pytest.mark.parametrize("kind", ["double precision", "real", "numeric", "jsonb"])
def test_numbers_of_a_union(here, database, kind):
    """Each has the type of its branch in the file, and that of the widest in the column."""
    fields = [{"name": "v", "type": ["double", "float", "int", "null"]}]
    path = here.path / "numbers.avro"
    records = [{"v": model.Branch(branch, number)} for branch, number in enumerate([2.5, 1.5, -7, None])]
    schema = {"type": "record", "name": "R", "fields": fields}
    peers.write_fastavro(path, schema, records)
    database.sql(RESET + IMPORT.format(file=path) + MAKE.format(file=path, kind=kind))
    here.run_ok("load", "-t", "loaded", path, env=database.environment)
    for table in ("shown", "loaded"):
        assert database.sql(f"SELECT v FROM {table}") == [["2.5"], ["1.5"], ["-7"], [""]]
