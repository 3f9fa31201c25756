# bench/common.py - what the benchmarks share: the server, the data, the clock, the table.
import os
import statistics
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
EVENTS = int(os.environ["EVENTS"])
RUNS = int(os.environ["RUNS"])
REQUESTS_PER_VISIT = 12
EVENTS_PER_USER = 38

OURS = "SELECT * FROM session_report()"

# Sessions, driven ones, and sums over starts, ends and the lists with their order:
# every column is computed and none is sent, and a wrong answer shows.
SIGNATURE = """SELECT count(*), count(*) FILTER (WHERE reward_driven_by_campaign_view),
    sum(date_part('epoch', session_start))::bigint, sum(date_part('epoch', session_end))::bigint,
    sum(coalesce(cardinality(campaigns), 0)), sum(coalesce(cardinality(rewards_issued), 0)),
    sum(coalesce(campaigns[1], 0)), sum(coalesce(rewards_issued[1], 0)) FROM ({}) AS r"""


def sql(name):
    return (HERE / "sql" / name).read_text(encoding="utf-8")


@contextmanager
def database(events=None):
    """A connection to the throwaway server, its log filled with so many events."""
    # A prepared statement would keep its plan when the settings change.
    with psycopg.connect(autocommit=True, prepare_threshold=None) as server:
        if events:
            generate(server, events)
        yield server


def generate(server, events):
    """Fill http_log, emptied before, with events rows of about events / 38 users."""
    server.execute("TRUNCATE http_log, campaign_reward_mapping")
    text = sql("generate.sql")
    for key, value in {
        "%(events)s": events,
        "%(users)s": events // EVENTS_PER_USER,
        "%(visits)s": events // REQUESTS_PER_VISIT,
    }.items():
        text = text.replace(key, str(value))
    for statement in text.split(";\n"):
        if statement.strip():
            server.execute(statement)


def settings(server, workers, **others):
    """Start from the server's settings, with so many workers and room for every plan."""
    server.execute("RESET ALL")
    for name, value in {
        "work_mem": "2GB",
        "max_parallel_workers_per_gather": workers,
        **others,
    }.items():
        server.execute(f"SET {name} = '{value}'")


def signature(server, query):
    """The numbers that a report reduces to."""
    return tuple(int(value) for value in server.execute(SIGNATURE.format(query)).fetchone())


def median_seconds(run, runs=RUNS):
    """Run once to warm up and once more for each of runs; return median and result."""
    result = run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        again = run()
        seconds.append(time.perf_counter() - start)
        assert again == result, (again, result)
    return statistics.median(seconds), result


def seconds(run):
    """The time of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def print_table(title, columns, rows):
    """Print a Markdown table; columns are the heads, right-aligned but the first."""
    print(f"\n{title}\n")
    print(f"| {' | '.join(columns)} |")
    print(f"|---|{'---:|' * (len(columns) - 1)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


class PeakMemory:
    """The most private memory that a backend and its workers held together, in bytes."""

    def __init__(self, server):
        self.pid = server.info.backend_pid
        self.peak = 0
        self.stopped = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def _watch(self):
        with psycopg.connect(autocommit=True) as other:
            while not self.stopped.wait(0.02):
                pids = other.execute(
                    "SELECT pid FROM pg_stat_activity WHERE %(pid)s IN (pid, leader_pid)",
                    {"pid": self.pid},
                )
                self.peak = max(self.peak, sum(anonymous_memory(pid) for (pid,) in pids))


def anonymous_memory(pid):
    """RssAnon of a process in bytes, 0 if it has gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0
