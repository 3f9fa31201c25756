# bench/spark.py - the session report on Spark SQL with two worker processes, from an Avro file
# of our encoder, beside clickstream from the same file and in PostgreSQL.
#
# All rows must agree with the extension's: a checksum over every row, and over each list in
# its order, is compared first. The engines take turns then.
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from common import EVENTS, OURS, RUNS, database, print_table, settings, signature
from offline_report import MAPPING, LOG, command

WORKERS = 2
PYTHON = os.environ["SPARK_PYTHON"]
CHECKSUM = """SELECT sum(('x' || left(md5(concat_ws('|', user_id,
    (extract(epoch FROM session_start) * 1000000)::bigint, (extract(epoch FROM session_end) * 1000000)::bigint,
    array_to_string(campaigns, ','), array_to_string(rewards_issued, ','),
    reward_driven_by_campaign_view::text)), 15))::bit(60)::bigint::numeric) FROM session_report()"""


def export(server, directory):
    """Write the log as an Avro file, and the mapping."""
    for name, query in {"log.txt": LOG, "mapping.csv": MAPPING}.items():
        with open(directory / name, "wb") as out, server.cursor().copy(query) as copy:
            for chunk in copy:
                out.write(chunk)
    (directory / "log").mkdir()
    subprocess.run(["clickstream", "encode", "--codec", "snappy", "-o", "log/log.avro", "log.txt"],
                   cwd=directory, check=True, stderr=subprocess.DEVNULL)  # fmt: skip
    (directory / "log.txt").unlink()


class Spark:
    """The peer process: it answers each line with a time and numbers."""

    def __init__(self, directory):
        self.process = subprocess.Popen(
            [PYTHON, Path(__file__).parent / "spark_peer.py", directory / "log",
             directory / "mapping.csv", directory / "spark"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        workers, self.checksum = (int(word) for word in self.process.stdout.readline().split())
        assert workers == WORKERS, workers

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, *found = self.process.stdout.readline().split()
        return float(seconds), tuple(map(int, found))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def measure(server, directory):
    """The seconds of each engine in each round, after one to warm up."""
    spark = Spark(directory)
    settings(server, WORKERS)
    assert spark.checksum == int(server.execute(CHECKSUM).fetchone()[0]), "the rows differ"
    ours = command(directory, directory / "log" / "log.avro")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    seconds = {"clickstream, in PostgreSQL, 2 workers": [], "clickstream, from the Avro file, 2 threads": [],
               "Spark SQL 4.0.1, 2 worker processes, from the Avro file": []}  # fmt: skip
    for turn in range(RUNS + 1):
        rounds = [timed(lambda: signature(server, OURS)),
                  timed(lambda: subprocess.run(ours, **quiet)), spark.run()]  # fmt: skip
        assert rounds[0][1] == rounds[2][1], (rounds[0][1], rounds[2][1])
        if turn > 0:
            for title, (took, _) in zip(seconds, rounds):
                seconds[title].append(took)
    spark.stop()
    return seconds, rounds[0][1]


def main():
    with database(EVENTS) as server, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        export(server, directory)
        seconds, found = measure(server, directory)
    medians = {title: statistics.median(times) for title, times in seconds.items()}
    first = next(iter(medians.values()))
    print_table(
        f"The session report of {EVENTS:,} events on Spark: {found[0]:,} sessions, {found[1]:,} driven",
        ["engine", "seconds", "ratio"],
        [[title, f"{median:.2f}", f"{median / first:.1f}"] for title, median in medians.items()],
    )


if __name__ == "__main__":
    main()
