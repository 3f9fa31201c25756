# bench/session_report.py - the full session report: clickstream beside window functions
# in the same server, DuckDB, ClickHouse (chdb) and polars, on the same rows and threads.
#
# Every result is reduced to the same numbers inside the engine, so that all of its
# columns are computed, none is sent, and a wrong answer shows before its time counts.
import os
import tempfile
from pathlib import Path

THREADS = 2
os.environ["POLARS_MAX_THREADS"] = str(THREADS)

import chdb.session  # noqa: E402
import duckdb  # noqa: E402
import polars  # noqa: E402

import polars_report  # noqa: E402
from common import (  # noqa: E402
    EVENTS,
    OURS,
    RUNS,
    database,
    median_seconds,
    print_table,
    settings,
    signature,
    sql,
)

DUCKDB_SIGNATURE = """SELECT count(*), count(*) FILTER (WHERE reward_driven_by_campaign_view),
    sum(epoch(session_start))::bigint, sum(epoch(session_end))::bigint,
    sum(coalesce(len(campaigns), 0)), sum(coalesce(len(rewards_issued), 0)),
    sum(coalesce(campaigns[1], 0)), sum(coalesce(rewards_issued[1], 0)) FROM ({}) AS r"""
CLICKHOUSE_SIGNATURE = """SELECT count(), countIf(reward_driven_by_campaign_view),
    sum(session_start), sum(session_end), sum(length(campaigns)), sum(length(rewards_issued)),
    sum(campaigns[1]), sum(rewards_issued[1]) FROM ({}) AS r"""


def export(server, directory):
    """Write both tables as CSV for the peers."""
    for table, columns in {
        "http_log": "to_char(\"timestamp\" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS "
        '"timestamp", http_method, http_path, user_id',
        "campaign_reward_mapping": "campaign_id, reward_id",
    }.items():
        with (
            open(Path(directory, table + ".csv"), "wb") as out,
            server.cursor().copy(
                f"COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT csv, HEADER)"
            ) as copy,
        ):
            for chunk in copy:
                out.write(chunk)


def in_postgres(server, query, workers, **others):
    settings(server, workers, **others)
    return median_seconds(lambda: signature(server, query))


def by_windows(server):
    """Window functions with the indexes that help them, in the server of the log."""
    server.execute(
        'CREATE INDEX bench_log ON http_log (user_id COLLATE "C", "timestamp")'
        " INCLUDE (http_method, http_path)"
    )
    server.execute("CREATE INDEX bench_map ON campaign_reward_mapping (campaign_id, reward_id)")
    server.execute("VACUUM ANALYZE http_log, campaign_reward_mapping")
    result = in_postgres(server, sql("window.sql"), THREADS)
    server.execute("DROP INDEX bench_log, bench_map")
    return result


def in_duckdb(directory):
    peer = duckdb.connect(config={"threads": THREADS})
    for table in ("http_log", "campaign_reward_mapping"):
        peer.execute(f"CREATE TABLE {table} AS FROM read_csv('{directory}/{table}.csv')")
    peer.execute("ALTER TABLE http_log ALTER user_id TYPE varchar")
    text = DUCKDB_SIGNATURE.format(sql("duckdb.sql"))
    return median_seconds(lambda: tuple(int(v) for v in peer.execute(text).fetchone()))


def in_clickhouse(directory, order):
    """The array idiom on a table in the given order."""
    with tempfile.TemporaryDirectory() as place:
        peer = chdb.session.Session(place)
        peer.query("CREATE DATABASE bench")
        peer.query("USE bench")
        peer.query(
            "CREATE TABLE http_log (timestamp DateTime('UTC'), http_method LowCardinality(String),"
            f" http_path String, user_id String) ENGINE = MergeTree ORDER BY {order}"
        )
        peer.query(
            "CREATE TABLE campaign_reward_mapping (campaign_id Int64, reward_id Int64)"
            " ENGINE = MergeTree ORDER BY campaign_id"
        )
        for table in ("http_log", "campaign_reward_mapping"):
            peer.query(
                f"INSERT INTO {table} FROM INFILE '{directory}/{table}.csv' FORMAT CSVWithNames"
            )
        peer.query("OPTIMIZE TABLE http_log FINAL")
        peer.query(f"SET max_threads = {THREADS}")
        text = CLICKHOUSE_SIGNATURE.format(sql("clickhouse.sql"))
        result = median_seconds(
            lambda: tuple(int(float(v)) for v in str(peer.query(text, "TabSeparated")).split())
        )
        peer.close()
    return result


def main():
    rows = []
    with database(EVENTS) as server, tempfile.TemporaryDirectory() as directory:
        export(server, directory)
        for workers in (2, 1, 0):
            name = f"clickstream, {workers} worker{'s'[: workers != 1]}"
            rows.append((name, *in_postgres(server, OURS, workers)))
        server.execute("SELECT refresh_sessions()")
        server.execute("VACUUM ANALYZE session_state")
        rows.append(("clickstream, stored states", *in_postgres(server, OURS, 2)))
        rows.append(("window functions, same server", *by_windows(server)))
        users = server.execute("SELECT count(DISTINCT user_id) FROM http_log").fetchone()[0]
        rows.append((f"DuckDB {duckdb.__version__}", *in_duckdb(directory)))
        clickhouse = f"ClickHouse (chdb {chdb.__version__})"
        rows.append((f"{clickhouse}, in order of arrival", *in_clickhouse(directory, "tuple()")))
        rows.append(
            (f"{clickhouse}, sorted by user", *in_clickhouse(directory, "(user_id, timestamp)"))
        )
        frames = polars_report.load(directory)
        rows.append(
            (f"polars {polars.__version__}", *median_seconds(lambda: polars_report.run(*frames)))
        )

    fastest, expected = rows[0][1], rows[0][2]
    print_table(
        f"Full session report: {EVENTS:,} events, {users:,} users, {expected[0]:,} sessions,"
        f" {THREADS} threads, median of {RUNS}",
        ("engine", "seconds", "ratio", "result"),
        (
            (
                name,
                f"{seconds:.2f}",
                f"{seconds / fastest:.2f}",
                "equal" if result == expected else f"DIFFERENT {result} from {expected}",
            )
            for name, seconds, result in rows
        ),
    )
    if any(result != expected for _, _, result in rows):
        raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
