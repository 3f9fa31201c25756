# bench/session_growth.py - how the session report's time and memory grow with the log, at
# a work_mem that gets too small for it, beside the server's own count(*) by user; and one
# user who has all the events.
import json

from common import EVENTS, OURS, PeakMemory, database, median_seconds, print_table, settings, signature

WORK_MEM = "64MB"
SIZES = [size for size in (1_000_000, 3_000_000, 10_000_000, 30_000_000) if size <= 3 * EVENTS]
COUNT = "SELECT sum(n) FROM (SELECT count(*) AS n FROM http_log GROUP BY user_id) AS u"
HUGE = """SELECT num_events(state), num_sessions(state), pg_column_size(state) FROM (
    SELECT sessionize("timestamp", http_method, http_path) AS state FROM ({}) AS log) AS s"""


def spilled(server, query):
    """Bytes that the aggregates of a query's plan wrote to disk."""
    plan = server.execute(f"EXPLAIN (ANALYZE, TIMING off, FORMAT json) {query}").fetchone()[0]
    if isinstance(plan, str):
        plan = json.loads(plan)
    nodes, total = [plan[0]["Plan"]], 0
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node["Node Type"] == "Aggregate":
            total += 1024 * sum(part.get("Disk Usage", 0) for part in [node, *node.get("Workers", [])])
    return total


def megabytes(size):
    return f"{size / 1e6:,.0f} MB"


def growth():
    """One row for each size of the log."""
    for events in SIZES:
        with database(events) as server:
            log = server.execute("SELECT pg_table_size('http_log')").fetchone()[0]
            settings(server, 2, work_mem=WORK_MEM)
            seconds, _ = median_seconds(lambda: signature(server, OURS))
            on_disk = spilled(server, OURS)
            counting, _ = median_seconds(lambda: server.execute(COUNT).fetchone())
        with database() as server, PeakMemory(server) as memory:
            settings(server, 2, work_mem=WORK_MEM)
            signature(server, OURS)
        yield (
            f"{events:,}",
            f"{seconds:.2f}",
            f"{seconds / events * 1e6:.2f}",
            f"{counting / events * 1e6:.2f}",
            megabytes(memory.peak),
            megabytes(on_disk),
            megabytes(log),
        )


def huge_user():
    """All events as one user's, in order and shuffled."""
    for order, query in {
        "in order": "SELECT * FROM http_log",
        "shuffled": "SELECT * FROM bench_shuffled",
    }.items():
        with database() as server:
            settings(server, 0)
            seconds, row = median_seconds(lambda: server.execute(HUGE.format(query)).fetchone())
        with database() as server, PeakMemory(server) as memory:
            settings(server, 0)
            server.execute(HUGE.format(query))
        yield (order, f"{row[0]:,}", f"{seconds:.2f}", megabytes(memory.peak), megabytes(row[2]))


def main():
    print_table(
        f"Growth: session report, 2 workers, work_mem {WORK_MEM}",
        ("events", "seconds", "µs an event", "count(*), µs", "peak memory", "spilled", "log"),
        growth(),
    )
    with database(EVENTS) as server:
        server.execute(
            "CREATE UNLOGGED TABLE bench_shuffled AS SELECT * FROM http_log ORDER BY random()"
        )
        print_table(
            "One user with all the events: sessionize, 1 process",
            ("order", "events", "seconds", "peak memory", "state"),
            huge_user(),
        )
        server.execute("DROP TABLE bench_shuffled")


if __name__ == "__main__":
    main()
