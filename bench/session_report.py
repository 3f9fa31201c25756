# bench/session_report.py - the full session report: clickstream beside window functions
# in the same server, DuckDB and ClickHouse (chdb), on the same rows and threads.
#
# Every result is reduced to the same numbers inside the engine, so that all of its
# columns are computed, none is sent, and a wrong answer shows before its time counts.
import os
import statistics
import tempfile
import time
from pathlib import Path

import chdb.session
import duckdb
import psycopg

EVENTS = int(os.environ["EVENTS"])
RUNS = int(os.environ["RUNS"])
THREADS = 2
REQUESTS_PER_VISIT = 12
EVENTS_PER_USER = 38

# Sessions, driven ones, and sums over starts, ends and the lists with their order.
SIGNATURE = {
    "postgres": """SELECT count(*), count(*) FILTER (WHERE reward_driven_by_campaign_view),
        sum(extract(epoch FROM session_start))::bigint, sum(extract(epoch FROM session_end))::bigint,
        sum(coalesce(cardinality(campaigns), 0)), sum(coalesce(cardinality(rewards_issued), 0)),
        sum(coalesce(campaigns[1], 0)), sum(coalesce(rewards_issued[1], 0)) FROM ({}) AS r""",
    "duckdb": """SELECT count(*), count(*) FILTER (WHERE reward_driven_by_campaign_view),
        sum(epoch(session_start))::bigint, sum(epoch(session_end))::bigint,
        sum(coalesce(len(campaigns), 0)), sum(coalesce(len(rewards_issued), 0)),
        sum(coalesce(campaigns[1], 0)), sum(coalesce(rewards_issued[1], 0)) FROM ({}) AS r""",
    "clickhouse": """SELECT count(), countIf(reward_driven_by_campaign_view),
        sum(session_start), sum(session_end), sum(length(campaigns)), sum(length(rewards_issued)),
        sum(campaigns[1]), sum(rewards_issued[1]) FROM ({}) AS r""",
}


def sql(name):
    return Path("sql", name).read_text(encoding="utf-8")


def generate(server):
    """Fill http_log with EVENTS rows, and export both tables as CSV."""
    visits = EVENTS // REQUESTS_PER_VISIT
    text = sql("generate.sql")
    for key, value in {
        "%(events)s": EVENTS,
        "%(users)s": EVENTS // EVENTS_PER_USER,
        "%(visits)s": visits,
    }.items():
        text = text.replace(key, str(value))
    for statement in text.split(";\n"):
        if statement.strip():
            server.execute(statement)


def export(server, directory):
    for table, columns in {
        "http_log": 'to_char("timestamp" AT TIME ZONE \'UTC\', \'YYYY-MM-DD HH24:MI:SS\') AS '
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


def median_seconds(run):
    """Run once to warm up and once more for each of RUNS; return median and result."""
    result = run()
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        again = run()
        seconds.append(time.perf_counter() - start)
        assert again == result, (again, result)
    return statistics.median(seconds), result


def postgres(server, query, workers, settings="RESET ALL"):
    """Time a query in the server that the log is in."""
    server.execute(settings)
    server.execute("SET work_mem = '2GB'")
    server.execute(f"SET max_parallel_workers_per_gather = {workers}")
    text = SIGNATURE["postgres"].format(query)
    return median_seconds(lambda: tuple(int(v) for v in server.execute(text).fetchone()))


def in_duckdb(directory):
    peer = duckdb.connect(config={"threads": THREADS})
    for table in ("http_log", "campaign_reward_mapping"):
        peer.execute(f"CREATE TABLE {table} AS FROM read_csv('{directory}/{table}.csv')")
    peer.execute("ALTER TABLE http_log ALTER user_id TYPE varchar")
    text = SIGNATURE["duckdb"].format(sql("window.sql"))
    return median_seconds(lambda: tuple(int(v) for v in peer.execute(text).fetchone()))


def in_clickhouse(directory):
    peer = chdb.session.Session(f"{directory}/clickhouse")
    peer.query("CREATE DATABASE bench")
    peer.query(
        "CREATE TABLE bench.http_log (timestamp DateTime('UTC'), http_method LowCardinality(String),"
        " http_path String, user_id String) ENGINE = MergeTree ORDER BY (user_id, timestamp)"
    )
    peer.query(
        "CREATE TABLE bench.campaign_reward_mapping (campaign_id Int64, reward_id Int64)"
        " ENGINE = MergeTree ORDER BY campaign_id"
    )
    for table in ("http_log", "campaign_reward_mapping"):
        peer.query(f"INSERT INTO bench.{table} FROM INFILE '{directory}/{table}.csv' FORMAT CSVWithNames")
    peer.query(f"SET max_threads = {THREADS}")
    text = SIGNATURE["clickhouse"].format(sql("clickhouse.sql"))
    peer.query("USE bench")
    return median_seconds(
        lambda: tuple(int(float(v)) for v in str(peer.query(text, "TabSeparated")).split())
    )


def main():
    rows = []
    ours = "SELECT * FROM session_report()"
    with psycopg.connect(autocommit=True) as server, tempfile.TemporaryDirectory() as directory:
        generate(server)
        export(server, directory)
        rows.append(("clickstream, 2 workers", *postgres(server, ours, 2)))
        rows.append(("clickstream, 1 process", *postgres(server, ours, 0)))
        # The planner takes nested loops for the joins of window.sql: a hundred times slower.
        rows.append(
            (
                "window functions, same server",
                *postgres(server, sql("window.sql"), 2, "SET enable_nestloop = off"),
            )
        )
        rows.append((f"DuckDB {duckdb.__version__}", *in_duckdb(directory)))
        rows.append((f"ClickHouse (chdb {chdb.__version__})", *in_clickhouse(directory)))
        users = server.execute("SELECT count(DISTINCT user_id) FROM http_log").fetchone()[0]
        events = server.execute("SELECT count(*) FROM http_log").fetchone()[0]

    fastest, expected = rows[0][1], rows[0][2]
    print(f"Full session report: {events:,} events, {users:,} users, {expected[0]:,} sessions,")
    print(f"{THREADS} threads, median of {RUNS}.\n")
    print("| engine | seconds | ratio | result |\n|---|---:|---:|---|")
    for name, seconds, result in rows:
        verdict = "equal" if result == expected else f"DIFFERENT {result} from {expected}"
        print(f"| {name} | {seconds:.2f} | {seconds / fastest:.1f} | {verdict} |")
    if any(result != expected for _, _, result in rows):
        raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
