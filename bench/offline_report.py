# bench/offline_report.py - the session report straight from an Avro file, without a server:
# clickstream beside DuckDB and ClickHouse (chdb), on the same file and threads.
#
# The engines take turns, so that what else the machine does hits all of them. The peers
# reduce the report to a few numbers; clickstream is timed from the start of the program
# until all rows are written as CSV, in order, to /dev/null, and the same numbers are taken
# from its rows beforehand: they must be equal before a time counts.
import csv
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import EVENTS, RUNS, database, print_table

THREADS = 2
CODECS = ("null", "snappy", "deflate")
PEERS = {
    "DuckDB 1.5.5 (avro extension)": (os.environ["DUCKDB_AVRO_PYTHON"], "duckdb"),
    "ClickHouse (chdb 4.4.0)": (sys.executable, "clickhouse"),
}
OURS = "clickstream"
LOG = """COPY (SELECT to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    || ' ' || http_method || ' ' || http_path || ' ' || user_id FROM http_log) TO STDOUT"""
MAPPING = "COPY campaign_reward_mapping TO STDOUT (FORMAT csv, HEADER)"


def export(server, directory):
    """Write the log as Avro in each codec, and the mapping; return the number of users."""
    for name, query in {"log.txt": LOG, "mapping.csv": MAPPING}.items():
        with open(directory / name, "wb") as out, server.cursor().copy(query) as copy:
            for chunk in copy:
                out.write(chunk)
    for codec in CODECS:
        subprocess.run(
            ["clickstream", "encode", "--codec", codec, "-o", f"log.{codec}.avro", "log.txt"],
            cwd=directory,
            check=True,
            stderr=subprocess.DEVNULL,
        )
    (directory / "log.txt").unlink()
    return server.execute("SELECT count(DISTINCT user_id) FROM http_log").fetchone()[0]


def command(directory, path):
    return ["clickstream", "report", "--mapping", directory / "mapping.csv", "--format", "csv",
            "--jobs", str(THREADS), path]  # fmt: skip


def our_numbers(directory, path):
    """What the rows of our report reduce to."""
    totals = [0] * 8
    with subprocess.Popen(
        command(directory, path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as report:
        rows = csv.reader(report.stdout)
        next(rows)
        for _, start, end, campaigns, rewards, driven in rows:
            totals[0] += 1
            totals[1] += driven == "t"
            for place, text in ((2, start), (3, end)):
                totals[place] += int(datetime.datetime.fromisoformat(text).timestamp())
            for place, text in ((4, campaigns), (5, rewards)):
                ids = text[1:-1].split(",") if text != "{}" else []
                totals[place] += len(ids)
                totals[place + 2] += int(ids[0]) if ids else 0
    assert report.returncode == 0
    return totals


class Ours:
    def __init__(self, directory, path):
        self.command = command(directory, path)
        self.numbers = our_numbers(directory, path)

    def run(self):
        start = time.perf_counter()
        subprocess.run(
            self.command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return time.perf_counter() - start, self.numbers


class Peer:
    def __init__(self, python, name, directory, path):
        self.process = subprocess.Popen(
            [python, Path(__file__).parent / "offline_peer.py", name, str(THREADS), path,
             directory / "mapping.csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, *numbers = self.process.stdout.readline().split()
        return float(seconds), [int(number) for number in numbers]


def measure(directory, path):
    """The seconds of each engine in each round, after one to warm up, and its result."""
    engines = {OURS: Ours(directory, path)}
    for title, (python, name) in PEERS.items():
        engines[title] = Peer(python, name, directory, path)
    seconds = {title: [] for title in engines}
    results = {}
    for turn in range(RUNS + 1):
        for title, engine in engines.items():
            took, results[title] = engine.run()
            if turn > 0:
                seconds[title].append(took)
    for title in PEERS:
        engines[title].process.stdin.close()
        engines[title].process.wait()
    return seconds, results


def table_rows(codec, seconds, results):
    """One row an engine: the median of its seconds, and of how many times as long it took."""
    for title, took in seconds.items():
        ratios = [theirs / ours for theirs, ours in zip(took, seconds[OURS])]
        equal = results[title] == results[OURS]
        yield (
            codec,
            title,
            f"{statistics.median(took):.2f}",
            f"{statistics.median(ratios):.1f}",
            "equal" if equal else f"DIFFERENT {results[title]} from {results[OURS]}",
        )


def main():
    rows = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with database(EVENTS) as server:
            users = export(server, directory)
        for codec in CODECS:
            rows += table_rows(codec, *measure(directory, directory / f"log.{codec}.avro"))
    print_table(
        f"Report without a server: {EVENTS:,} events, {users:,} users, {THREADS} threads,"
        f" median of {RUNS}",
        ("codec", "engine", "seconds", "ratio", "result"),
        rows,
    )
    if any(row[-1] != "equal" for row in rows):
        raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
