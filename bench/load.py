# bench/load.py - Avro into a table: clickstream load beside \copy of a ready-made file of the
# same columns, binary and CSV, and fastavro with psycopg's COPY, into http_log of the same
# server, unlogged and logged; then with rows among the others that are refused.
#
# The engines take turns, so that what else the machine does hits all of them; before each the
# table is emptied and a checkpoint made. In the first round, which does not count, each must
# leave the same rows, by their number and a sum of hashes. Refused are rows that a constraint
# does not let in (the server says so, and they are cut out) and rows with a NUL byte (the loader
# sees it); each must be in load_reject.
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from common import EVENTS, REQUESTS_PER_VISIT, RUNS, database, print_table

ROWS = EVENTS // REQUESTS_PER_VISIT * REQUESTS_PER_VISIT  # as many as the log then has
REFUSED = min(10_000, ROWS // 10)
STEP = ROWS // REFUSED
LOG = """COPY (SELECT to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    || ' ' || {method} || ' ' || http_path || ' ' || user_id FROM {rows}) TO STDOUT"""
NUMBERED = "(SELECT *, row_number() OVER () AS n FROM http_log) AS log"
MARKED = f"CASE WHEN n % {STEP} = 0 AND n <= {STEP * REFUSED} THEN 'BAD' ELSE http_method END"
COLUMNS = '"timestamp", http_method, http_path, user_id, 1::bigint AS load_id'
CHECKSUM = """SELECT count(*), sum(hashtextextended(http_path, 1) # hashtextextended(user_id, 2)
    # hashtextextended(http_method, 3) # hashint8extended(extract(epoch FROM "timestamp")::bigint, 4))
    FROM http_log"""
FASTAVRO = """
import sys
import fastavro, psycopg

columns = ("timestamp", "http_method", "http_path", "user_id")
with open(sys.argv[1], "rb") as file, psycopg.connect() as server:
    text = 'COPY http_log ("timestamp", http_method, http_path, user_id) FROM STDIN (FORMAT binary)'
    with server.cursor().copy(text) as copy:
        copy.set_types(["timestamptz", "text", "text", "text"])
        for record in fastavro.reader(file):
            copy.write_row([record[column] for column in columns])
"""
OURS = "clickstream"


def export(server, query, path):
    with open(path, "wb") as out, server.cursor().copy(query) as copy:
        for chunk in copy:
            out.write(chunk)


def encode(directory, name, codec):
    """Turn log.txt into Avro."""
    subprocess.run(
        ["clickstream", "encode", "--codec", codec, "-o", f"{name}.avro", "log.txt"],
        cwd=directory, check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def put_nul_bytes(source, target):
    """The same file, without a codec, with a NUL byte in each method of a marked record."""
    with open(source, "rb") as file:
        data = file.read()
    assert data.count(b"\x06BAD") == REFUSED
    target.write_bytes(data.replace(b"\x06BAD", b"\x06B\0D"))


def make_files(directory):
    """The same rows in all forms, and with marked ones among them."""
    with database(EVENTS) as server:
        export(server, LOG.format(method="http_method", rows="http_log"), directory / "log.txt")
        for form, options in {"csv": "FORMAT csv, HEADER", "binary": "FORMAT binary"}.items():
            query = f"COPY (SELECT {COLUMNS} FROM http_log) TO STDOUT ({options})"
            export(server, query, directory / f"log.{form}")
        encode(directory, "log.null", "null")
        encode(directory, "log.snappy", "snappy")
        export(server, LOG.format(method=MARKED, rows=NUMBERED), directory / "log.txt")
        encode(directory, "log.marked", "null")
        put_nul_bytes(directory / "log.marked.avro", directory / "log.nul.avro")
        (directory / "log.txt").unlink()
        rows, _ = server.execute(CHECKSUM).fetchone()
        assert rows == ROWS, "all rows of the log are in it"


class Peak(threading.Thread):
    """The most memory, in bytes, that a process has had resident, read while it runs."""

    def __init__(self, pid):
        super().__init__()
        self.status = Path(f"/proc/{pid}/status")
        self.bytes = 0
        self.stopped = threading.Event()
        self.start()

    def run(self):
        while not self.stopped.wait(0.02):
            try:
                lines = self.status.read_text(encoding="ascii").splitlines()
            except (FileNotFoundError, ProcessLookupError):
                return
            self.bytes = max(
                [self.bytes, *(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))]
            )


class Engine:
    """Something that loads, run again and again."""

    def __init__(self, title, command, refused=0):
        self.title = title
        self.command = command
        self.refused = refused
        self.seconds = []
        self.peak = 0

    def run(self):
        """Load once; return seconds."""
        start = time.perf_counter()
        with subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            peak = Peak(process.pid)
            said = process.stderr.read()
        took = time.perf_counter() - start
        peak.stopped.set()
        peak.join()
        assert process.returncode == 0, said.decode()
        self.peak = max(self.peak, peak.bytes)
        return took


def load(directory, name, *options):
    return ["clickstream", "load", *options, directory / f"{name}.avro"]


def copy(directory, form, options):
    columns = '"timestamp", http_method, http_path, user_id, load_id'
    text = f"\\copy http_log ({columns}) FROM '{directory}/log.{form}' ({options})"
    return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", text]


def clean_engines(directory, with_fastavro):
    yield Engine(OURS, load(directory, "log.null"))
    yield Engine("clickstream, snappy", load(directory, "log.snappy"))
    yield Engine("clickstream --jobs 2", load(directory, "log.null", "--jobs", "2"))
    yield Engine("\\copy, binary", copy(directory, "binary", "FORMAT binary"))
    yield Engine("\\copy, CSV", copy(directory, "csv", "FORMAT csv, HEADER"))
    if with_fastavro:
        command = [sys.executable, "-c", FASTAVRO, directory / "log.null.avro"]
        yield Engine("fastavro and psycopg", command)


def refusing_engines(directory):
    options = ("--max-rejects", str(REFUSED))
    yield Engine(OURS, load(directory, "log.null"))
    yield Engine(f"{REFUSED:,} by a constraint", load(directory, "log.marked", *options), REFUSED)
    yield Engine(f"{REFUSED:,} with a NUL byte", load(directory, "log.nul", *options), REFUSED)


def empty(server):
    server.execute("TRUNCATE http_log, load_batch, load_reject")
    server.execute("CHECKPOINT")


def check(server, engine, expected):
    """What an engine has left: all rows but the refused ones, which are kept. Return the checksum."""
    rows, checksum = server.execute(CHECKSUM).fetchone()
    kept = server.execute("SELECT count(*) FROM load_reject").fetchone()[0]
    assert rows == ROWS - engine.refused, (engine.title, rows)
    assert kept == engine.refused, (engine.title, kept)
    if engine.refused == 0:
        assert checksum == expected or expected is None, (engine.title, checksum, expected)
        return checksum
    return expected


def measure(server, engines, expected=None):
    """Let the engines take turns; the first round does not count."""
    engines = list(engines)
    for turn in range(RUNS + 1):
        for engine in engines:
            empty(server)
            took = engine.run()
            if turn == 0:
                expected = check(server, engine, expected)
            else:
                engine.seconds.append(took)
    return engines


def with_ratio(engine, first):
    """Its seconds, and how many times as long it took as the first one, round by round."""
    ratios = [theirs / ours for theirs, ours in zip(engine.seconds, first.seconds)]
    return f"{statistics.median(engine.seconds):.2f}", f"{statistics.median(ratios):.2f}"


def print_clean(server, directory):
    tables = []
    for logged in ("UNLOGGED", "LOGGED"):
        empty(server)
        server.execute(f"ALTER TABLE http_log SET {logged}")
        tables.append(measure(server, clean_engines(directory, logged == "UNLOGGED")))
    unlogged, logged = tables
    rows = []
    for place, engine in enumerate(unlogged):
        other = with_ratio(logged[place], logged[0]) if place < len(logged) else ("", "")
        rows.append(
            (engine.title, *with_ratio(engine, unlogged[0]), *other, f"{engine.peak / 1e6:.0f}")
        )
    print_table(
        f"{ROWS:,} records into http_log, median of {RUNS}; peak is the client's resident memory",
        ("engine", "unlogged, s", "ratio", "logged, s", "ratio", "peak, MB"),
        rows,
    )


def print_refusing(server, directory):
    server.execute("ALTER TABLE http_log ADD CONSTRAINT bench_method CHECK (http_method <> 'BAD')")
    engines = measure(server, refusing_engines(directory))
    server.execute("ALTER TABLE http_log DROP CONSTRAINT bench_method")
    print_table(
        f"Refused rows among {ROWS:,}, logged table with a constraint, one connection",
        ("refused", "seconds", "ratio", "peak, MB"),
        [("none", *with_ratio(engines[0], engines[0]), f"{engines[0].peak / 1e6:.0f}")]
        + [
            (engine.title, *with_ratio(engine, engines[0]), f"{engine.peak / 1e6:.0f}")
            for engine in engines[1:]
        ],
    )


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_files(directory)
        with database() as server:
            server.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
            server.execute("SELECT pg_reload_conf()")
            server.execute("ALTER TABLE http_log SET (autovacuum_enabled = off)")
            print_clean(server, directory)
            print_refusing(server, directory)
            empty(server)
            server.execute("ALTER TABLE http_log RESET (autovacuum_enabled)")
            server.execute("ALTER SYSTEM RESET max_wal_size")
            server.execute("SELECT pg_reload_conf()")


if __name__ == "__main__":
    main()
