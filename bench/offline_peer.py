# bench/offline_peer.py - the session report from an Avro file in DuckDB or ClickHouse (chdb)
#
# Usage: offline_peer.py duckdb|clickhouse THREADS FILE MAPPING
#
# Runs once for each line of standard input and prints seconds and the numbers that the
# report reduces to, so that the caller decides in which order the engines take turns.
import sys
import time
from pathlib import Path

SQL = Path(__file__).parent / "sql"

SIGNATURES = {
    "duckdb": """SELECT count(*), count(*) FILTER (WHERE reward_driven_by_campaign_view),
        sum(epoch(session_start))::bigint, sum(epoch(session_end))::bigint,
        sum(coalesce(len(campaigns), 0)), sum(coalesce(len(rewards_issued), 0)),
        sum(coalesce(campaigns[1], 0)), sum(coalesce(rewards_issued[1], 0)) FROM ({}) AS r""",
    "clickhouse": """SELECT count(), countIf(reward_driven_by_campaign_view),
        sum(session_start), sum(session_end), sum(length(campaigns)), sum(length(rewards_issued)),
        sum(campaigns[1]), sum(rewards_issued[1]) FROM ({}) AS r""",
}


def in_duckdb(threads, path, mapping):
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("avro")
    peer = duckdb.connect(config={"threads": threads})
    peer.load_extension("avro")
    peer.execute(f"CREATE TABLE campaign_reward_mapping AS FROM read_csv('{mapping}')")
    peer.execute(f"CREATE VIEW http_log AS FROM read_avro('{path}')")
    return lambda query: peer.execute(query).fetchone()


def in_clickhouse(threads, path, mapping):
    import chdb.session

    peer = chdb.session.Session()
    peer.query("CREATE DATABASE bench")
    peer.query("USE bench")
    peer.query(
        "CREATE TABLE campaign_reward_mapping ENGINE = MergeTree ORDER BY campaign_id"
        f" AS SELECT campaign_id, reward_id FROM file('{mapping}', 'CSVWithNames',"
        " 'campaign_id Int64, reward_id Int64')"
    )
    peer.query(f"CREATE VIEW http_log AS SELECT * FROM file('{path}', 'Avro')")
    peer.query(f"SET max_threads = {threads}")
    return lambda query: str(peer.query(query, "TabSeparated")).split()


def main():
    name, threads, path, mapping = sys.argv[1:]
    open_peer = {"duckdb": in_duckdb, "clickhouse": in_clickhouse}[name]
    ask = open_peer(int(threads), path, mapping)
    query = SIGNATURES[name].format((SQL / f"{name}.sql").read_text(encoding="utf-8"))
    for _ in sys.stdin:
        start = time.perf_counter()
        numbers = [int(float(value)) for value in ask(query)]
        print(time.perf_counter() - start, *numbers, flush=True)


if __name__ == "__main__":
    main()
