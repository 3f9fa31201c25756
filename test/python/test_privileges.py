# test/python/test_privileges.py - who may do what: the tables in docs/security.md, tried out
"""Rows are read from the page, so that it cannot say anything else than what is so.

For what needs rights on tables, a role that has exactly those succeeds, and fails for lack of
privilege without any one of them. Every function, table and the like of the extension and of
init has to be in a table.
"""

import itertools
import re
import subprocess

import pytest

from conftest import PROGRAM, ROOT

PAGE = (ROOT / "docs/security.md").read_text()
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
DENIED = ("42501", "permission denied", "must be owner")

# How a function is called that needs more than its arguments, or cannot take NULL.
SQL = {
    "session_report": "SELECT count(*) FROM session_report()",
    "session_report_states": "SELECT count(*) FROM session_report_states('5 min')",
    "session_report_check": "SELECT session_report_check('-infinity', 'infinity', '5 min', 'start')",
    "session_states_fresh": "SELECT session_states_fresh()",
    "campaign_conversions": "SELECT count(*) FROM campaign_conversions()",
    "campaign_engagement": "SELECT count(*) FROM campaign_engagement(1, NULL, NULL)",
    "weekly_rewards": "SELECT count(*) FROM weekly_rewards()",
    "reward_interaction": "SELECT count(*) FROM reward_interaction",
    "refresh_sessions": "SELECT refresh_sessions()",
    "session_refresh_begin": "SELECT session_refresh_begin()",
    "session_refresh_users": "SELECT session_refresh_users()",
    "session_refresh_all": "SELECT session_refresh_all()",
    "session_states_of_log": "SELECT count(*) FROM session_states_of_log()",
    "session_states_of_users": "SELECT count(*) FROM session_states_of_users('{u1}')",
    "session_states_of_batches": "SELECT count(*) FROM session_states_of_batches('{1}', 1, '{NULL}')",
    "forget_before": "SELECT forget_before('2024-01-01')",
    "forget_user": "SELECT forget_user('nobody')",
    "unload_batches": "SELECT count(*) FROM unload_batches('{1}')",
    "unload_rows": "SELECT unload_rows('public.http_log', 'http_log', true, '{1}', 'public', false)",
    "http_log_missing_months": "SELECT count(*) FROM http_log_missing_months('2024-01-01', '2024-02-01')",
    "recommend": "SELECT count(*) FROM recommend('m', 'u1')",
    "recommend_for": "SELECT count(*) FROM recommend_for('m', '{1}')",
    "similar_items": "SELECT count(*) FROM similar_items('m', 1)",
    "recommender_evaluate": "SELECT count(*) FROM recommender_evaluate('m', 'interaction', 'user_id', 'item_id')",
    "recommender_fit": "SELECT recommender_fit('mine', 'interaction', 'user_id', 'item_id')",
    "recommender_tune": "SELECT recommender_tune('interaction', 'user_id', 'item_id', '{\"seconds\": 0.01}')",
    "avro_schema": "SELECT avro_schema('/nowhere')",
    "avro_metadata": "SELECT avro_metadata('/nowhere')",
    "avro_columns": "SELECT avro_columns('/nowhere')",
    "avro_files": "SELECT avro_files('/nowhere')",
    "session_mark_equip": "SELECT session_mark_equip('http_log', true)",
    "session_mark_install": "SELECT session_mark_install()",
    "http_log_create_months": "SELECT http_log_create_months('2024-01-01', '2024-02-01')",
}

COMMANDS = {
    "load": ["load", "{log}"],
    "load --max-rejects": ["load", "-t", "campaign", "--max-rejects", "9", "{bad}"],
    "status": ["status"],
    "status --rejects": ["status", "--rejects"],
    "unload": ["unload", "1"],
    "report": ["report", "--format", "csv"],
    "report --format html": ["report", "--format", "html"],
    "recommend": ["recommend", "-m", "m", "u1"],
    "recommend --titles": ["recommend", "-m", "m", "--titles", "u1"],
}


def rows_of(heading):
    """The rows of the table below a heading, as lists of cells."""
    part = PAGE.split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(cell):
    return re.findall(r"`([^`]+)`", cell)


def rights_in(cell):
    """The pairs (right, table) of "SELECT on `a`, `b`; INSERT on `c`"."""
    pairs = set()
    for part in cell.split(";"):
        match = re.match(r"\s*((?:SELECT|INSERT|UPDATE|DELETE)(?:, \w+)*) on (`.*)", part)
        if match:
            pairs |= set(itertools.product(match.group(1).split(", "), names_in(match.group(2))))
    return pairs


OBJECTS = [(name, row[1], row[2]) for row in rows_of("Objects") for name in names_in(row[0])]
COMMAND_ROWS = [(name, row[1]) for row in rows_of("Commands") for name in names_in(row[0])]
WITH_TABLES = [(name, rights_in(needs)) for name, needs, _ in OBJECTS if rights_in(needs)]


@pytest.fixture(scope="module")
def shop(database, tmp_path_factory):
    """A database with one load, a model, and a role that may do nothing."""
    folder = tmp_path_factory.mktemp("files")
    log = folder / "log.txt"
    log.write_text("2024-03-10T08:00:00Z GET /campaigns/1 u1\n2024-03-10T08:01:00Z POST /rewards/2 u1\n")
    bad = folder / "bad.csv"
    bad.write_text("id,name\n1,a\nx,b\n")
    database.files = {"log": folder / "other.avro", "bad": bad}
    database.run("encode", "-o", folder / "first.avro", log)
    log.write_text("2024-03-10T09:00:00Z GET /campaigns/1 u2\n")
    database.run("encode", "-o", folder / "other.avro", log)
    database.run("load", folder / "first.avro")
    database.sql("INSERT INTO interaction SELECT u::text, i FROM generate_series(1, 9) AS u, generate_series(1, 9) AS i"
                 " WHERE (u * i) % 4 > 0; UPDATE interaction SET user_id = 'u' || user_id")
    database.sql("SELECT recommender_fit('m', 'interaction', 'user_id', 'item_id')")
    database.sql("CREATE ROLE nobody_at_all LOGIN; CREATE ROLE reader_of_files LOGIN IN ROLE pg_read_server_files")
    return database


@pytest.fixture(scope="module")
def tables(shop):
    return [row[0] for row in shop.sql(
        "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')")]


def attempt(shop, sql, role="nobody_at_all"):
    """What psql says to a statement, as a role, undone; empty where it succeeds."""
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-U", role,
                           "-c", f"BEGIN; {sql}; ROLLBACK"],
                          env=shop.environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr or "?"


def command(shop, arguments):
    """What the program says as that role; empty where it succeeds. What it has done is undone."""
    done = subprocess.run([PROGRAM, *[text.format(**shop.files) for text in arguments]],
                          env={**shop.environment, "PGUSER": "nobody_at_all"},
                          capture_output=True, text=True, check=False)
    if done.returncode == 0 and arguments[0] in ("load", "unload"):
        shop.sql("DELETE FROM load_batch WHERE load_id > 1; DELETE FROM campaign;"
                 " DELETE FROM http_log WHERE load_id > 1")
        if arguments[0] == "unload":
            shop.sql("DELETE FROM http_log; DELETE FROM load_batch; ALTER SEQUENCE load_batch_load_id_seq RESTART")
            subprocess.run([PROGRAM, "load", str(shop.files["log"]).replace("other", "first")], env=shop.environment,
                           check=True, capture_output=True)
    return "" if done.returncode == 0 else done.stderr


def grant(shop, tables, pairs):
    """Give the role these rights on tables, and no others."""
    shop.sql(f"REVOKE ALL ON {', '.join(tables)} FROM nobody_at_all")
    for right, table in sorted(pairs):
        shop.sql(f"GRANT {right} ON {table} TO nobody_at_all")


def check_rights(shop, tables, pairs, run):
    """Exactly these are needed."""
    grant(shop, tables, pairs)
    assert run() == "", "with all rights of the table"
    for pair in sorted(pairs):
        grant(shop, tables, pairs - {pair})
        said = run()
        assert any(word in said for word in DENIED), f"without {pair}: {said or 'succeeded'}"


def least_rights(shop, tables, run):
    """What check_rights would agree to: for whoever changes the table."""
    pairs = set(itertools.product(RIGHTS, tables))
    grant(shop, tables, pairs)
    if run() != "":
        return run()
    for pair in sorted(pairs):
        grant(shop, tables, pairs - {pair})
        if run() == "":
            pairs.remove(pair)
    return sorted(pairs)


@pytest.mark.parametrize("name, pairs", WITH_TABLES, ids=[name for name, _ in WITH_TABLES])
def test_rights_on_tables(shop, tables, name, pairs):
    check_rights(shop, tables, pairs, lambda: attempt(shop, SQL[name]))


@pytest.mark.parametrize("name, needs", COMMAND_ROWS, ids=[name for name, _ in COMMAND_ROWS])
def test_rights_of_commands(shop, tables, name, needs):
    check_rights(shop, tables, rights_in(needs), lambda: command(shop, COMMANDS[name]))


def test_commands_are_all_there():
    assert [name for name, _ in COMMAND_ROWS] == list(COMMANDS)


def test_objects_are_all_there(shop):
    """Of the extension and of init: functions, tables, views, types, the foreign-data wrapper."""
    found = {row[0] for row in shop.sql("""
        SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'S')
        UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'b' AND typelem = 0
        UNION SELECT fdwname FROM pg_foreign_data_wrapper""")}
    assert {name.split("(")[0] for name, _, _ in OBJECTS} == found


def test_defaults(shop):
    """What everyone may do and what nobody may, by the catalog."""
    problems = []
    for name, _, default in OBJECTS:
        plain = name.split("(")[0]
        found = shop.sql(f"""
            SELECT has_function_privilege('reader_of_files', oid, 'EXECUTE') FROM pg_proc
            WHERE proname = '{plain}' AND pronamespace = 'public'::regnamespace
            UNION ALL SELECT has_any_column_privilege('reader_of_files', oid, 'SELECT, INSERT, UPDATE, REFERENCES')
                OR has_table_privilege('reader_of_files', oid, 'DELETE, TRUNCATE, TRIGGER') FROM pg_class
            WHERE relname = '{plain}' AND relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
            UNION ALL SELECT has_sequence_privilege('reader_of_files', oid, 'USAGE, SELECT, UPDATE') FROM pg_class
            WHERE relname = '{plain}' AND relnamespace = 'public'::regnamespace AND relkind = 'S'
            UNION ALL SELECT has_type_privilege('reader_of_files', oid, 'USAGE') FROM pg_type
            WHERE typname = '{plain}' AND typtype = 'b'
            UNION ALL SELECT has_foreign_data_wrapper_privilege('nobody_at_all', oid, 'USAGE')
            FROM pg_foreign_data_wrapper WHERE fdwname = '{plain}'""")
        expected = {"everyone": {"t"}, "nobody": {"f"}, "members of pg_read_server_files": {"f"}}[default]
        if {row[0] for row in found} != expected:
            problems.append(f"{name}: {found}, the table says {default}")
    assert not problems, "\n".join(problems)
    assert shop.sql("SELECT has_foreign_data_wrapper_privilege('reader_of_files', 'avro_fdw', 'USAGE')") == [["t"]]


def test_tables_give_nothing(shop, tables):
    """As the role itself: no table can be read, written, emptied or given a trigger."""
    grant(shop, tables, set())
    for name, needs, default in OBJECTS:
        if needs == "a right on it" and default == "nobody" and not name.endswith("_seq"):
            said = [attempt(shop, sql.format(name)) for sql in (
                "SELECT FROM {}", "DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES",
                "ALTER TABLE {} ADD x int",
                "CREATE TRIGGER t AFTER DELETE ON {} FOR EACH STATEMENT"
                " EXECUTE FUNCTION suppress_redundant_updates_trigger()")]
            said = [text for text in said if not any(word in text for word in DENIED) and "is not a table" not in text
                    and "cannot " not in text]
            assert not said, (name, said)


def test_what_needs_nothing(shop):
    """Every function that is for everyone and needs nothing: never an error for lack of privilege."""
    names = [name for name, needs, default in OBJECTS if needs == "nothing" and default == "everyone"]
    calls = shop.sql("""
        SELECT p.proname, format('SELECT %s(%s)', p.oid::regproc,
                                 (SELECT string_agg('NULL::' || format_type(t, NULL), ', ')
                                  FROM unnest(p.proargtypes) AS t))
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
          AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'cstring'::regtype::oid]""")
    tried = 0
    for name, sql in calls:
        if name in names:
            said = attempt(shop, SQL.get(name, sql))
            assert not any(word in said for word in DENIED), (sql, said)
            tried += 1
    assert tried > 20


@pytest.mark.parametrize("name", [name for name, needs, _ in OBJECTS if needs == "membership of pg_read_server_files"
                                  and name != "avro_fdw"])
def test_files(shop, name):
    assert "42501" in attempt(shop, SQL[name])
    assert "58P01" in attempt(shop, SQL[name], "reader_of_files")


@pytest.mark.parametrize("name", [name for name, needs, _ in OBJECTS if needs == "ownership of the tables"])
def test_owners_only(shop, tables, name):
    grant(shop, tables, set(itertools.product(RIGHTS, tables)))
    shop.sql("DROP TRIGGER session_mark_insert ON http_log")
    said = attempt(shop, SQL[name])
    shop.sql("SELECT session_mark_install()")
    grant(shop, tables, set())
    assert any(word in said for word in DENIED) or "is not partitioned" in said, said


@pytest.mark.parametrize("name", [name for name, needs, _ in OBJECTS if needs == "being fired by a trigger"])
def test_trigger_functions(shop, name):
    said = attempt(shop, "CREATE TEMP TABLE t (); CREATE TRIGGER t AFTER DELETE ON t FOR EACH ROW"
                         f" EXECUTE FUNCTION {name}()")
    assert any(word in said for word in DENIED)
