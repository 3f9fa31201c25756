# test/cloud/test_redshift_refusals.py - what Redshift lacks is refused by the double, too
"""So that no such thing can get into sql/redshift or into the loader unseen. sqlfluff and the same
list are run over the files in test_dialects.py."""

import psycopg2
import pytest

from redshift_server import Redshift

REFUSED = [
    "SELECT ARRAY_AGG(i) FROM t", "SELECT STRING_AGG(v, ',') FROM t", "SELECT ARRAY[1, 2]",
    "SELECT * FROM GENERATE_SERIES(1, 2)", "SELECT COUNT(*) FILTER (WHERE i > 1) FROM t",
    "SELECT SUM(i) OVER (ORDER BY i) FROM t", "SELECT LAST_VALUE(i) OVER (PARTITION BY v ORDER BY i) FROM t",
    "SELECT SUM(i) OVER (ORDER BY i RANGE UNBOUNDED PRECEDING) FROM t", "SELECT LAG(i, 1, 0) OVER (ORDER BY i) FROM t",
    "SELECT * FROM (VALUES (1), (2)) AS x (n)", "SELECT DISTINCT ON (v) i FROM t",
    "SELECT * FROM t CROSS JOIN LATERAL (SELECT 1) AS x", "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
    "DELETE FROM t RETURNING i", "SELECT i IS DISTINCT FROM 1 FROM t", "CREATE INDEX ON t (i)",
    "CREATE VIEW IF NOT EXISTS w AS SELECT 1", "CREATE SEQUENCE s", "CREATE TYPE y AS (i INT)",
    "CREATE TABLE x (i SERIAL)", "CREATE TABLE x (i JSONB)", "CREATE TABLE x (i INT[])", "CREATE TABLE x (i UUID)",
    "CREATE TABLE x (v VARCHAR(65536))", "CREATE TABLE x (i INT ENCODE gzip)", "CREATE TABLE x () INHERITS (t)",
    "SAVEPOINT a", "COPY t FROM STDIN", "SELECT timestamp FROM t", "SELECT UNNEST(i) FROM t",
    "CREATE PROCEDURE p() AS $$ BEGIN PERFORM ARRAY_AGG(i) FROM t; END; $$ LANGUAGE plpgsql",
    "SELECT (1"]
TAKEN = [
    ("SELECT LISTAGG(v, ',') WITHIN GROUP (ORDER BY i DESC) FROM t", "b,a"),
    ("SELECT LISTAGG(DISTINCT v) FROM t", "ab"), ("SELECT LISTAGG(v, '-') FROM t WHERE i > 5", None),
    ("SELECT NVL(MAX(i), 0) FROM t WHERE i > 5", 0), ("SELECT 'ARRAY_AGG(x) -- FILTER ('", "ARRAY_AGG(x) -- FILTER ("),
    ("SELECT 1 /* GENERATE_SERIES(1, 2) */", 1), ("SELECT MAX(\"timestamp\") FROM t", None),
    ("SELECT SUM(i) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING) FROM t LIMIT 1", 1),
    ("SELECT DATEDIFF(minute, TIMESTAMP '2024-03-10 00:00:59.9', TIMESTAMP '2024-03-10 00:01:00')", 1),
    ("SELECT DATEDIFF(microsecond, TIMESTAMP '0001-01-01', TIMESTAMP '9999-12-31 23:59:59.999999')",
     315537897599999999),
    ("SELECT DATEADD(day, 7, DATE '2024-02-25')::varchar", "2024-03-03 00:00:00"),
    ("SELECT LEN('a\\\\n')", 3),
    ("SELECT CONVERT_TIMEZONE('UTC', 'Asia/Singapore', TIMESTAMP '2024-03-09 16:00:00')::varchar",
     "2024-03-10 00:00:00")]


@pytest.fixture(scope="module")
def warehouse(postgres, tmp_path_factory):
    with Redshift(postgres, None, tmp_path_factory.mktemp("front")) as started:
        started.sql("CREATE TABLE t (i INT ENCODE az64, v VARCHAR(MAX) ENCODE zstd, \"timestamp\" TIMESTAMP) "
                    "DISTSTYLE KEY DISTKEY (i) COMPOUND SORTKEY (i, v); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        yield started


@pytest.mark.parametrize("statement", REFUSED)
def test_refused(statement, warehouse):
    with pytest.raises((psycopg2.errors.FeatureNotSupported, psycopg2.errors.SyntaxError,
                        psycopg2.errors.InvalidParameterValue)) as caught:
        warehouse.sql(statement)
    assert "inline_code_block" not in str(caught.value)


@pytest.mark.parametrize("statement, value", TAKEN)
def test_taken(statement, value, warehouse):
    assert warehouse.sql(statement)[0][0] == value


def test_version(warehouse):
    assert warehouse.connect().server_version == 80002
    assert "Redshift" in warehouse.sql("SELECT version()")[0][0]


def test_truncate_commits(warehouse):
    warehouse.sql("CREATE TABLE emptied (i INT); INSERT INTO emptied VALUES (1)")
    warehouse.sql("BEGIN")
    warehouse.sql("TRUNCATE emptied")
    warehouse.sql("ROLLBACK")
    assert warehouse.sql("SELECT COUNT(*) FROM emptied") == [(0,)]


def test_cancel(warehouse):
    """A cancel request reaches the query."""
    import threading  # pylint: disable=import-outside-toplevel
    connection = warehouse.connect()
    threading.Timer(0.3, connection.cancel).start()
    with pytest.raises(psycopg2.errors.QueryCanceled), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    connection.close()
