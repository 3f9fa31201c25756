# bench/avro.py - reading Avro: core beside avro-c, and foreign tables beside DuckDB,
# ClickHouse (chdb), polars and fastavro, on the same files with the same number of threads.
#
# Two files, in each codec: the HTTP log (RECORDS of them), and a record of 40 columns of
# which two are wanted. What a reader makes of a file is reduced to the same numbers, and
# they must agree before a time counts.
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import fastavro

from common import RUNS, database, median_seconds, print_table, settings

ROOT = Path(__file__).parent.parent
RECORDS = int(os.environ.get("RECORDS", "2000000"))
WIDE_RECORDS = RECORDS // 10
WIDE_COLUMNS = 40
THREADS = 2
CODECS = ("null", "snappy", "deflate", "zstandard", "bzip2", "xz")

# The codecs that a peer reads, and the interpreter that has it.
PEERS = {
    "ClickHouse": ("clickhouse", sys.executable, ("null", "snappy", "deflate", "zstandard")),
    "polars": ("polars", sys.executable, ("null", "snappy", "deflate")),
    "DuckDB": ("duckdb", os.environ["DUCKDB_AVRO_PYTHON"], ("null", "snappy", "deflate")),
    "fastavro": ("fastavro", sys.executable, CODECS),
}
AVRO_C_CODECS = ("null", "snappy", "deflate")
QUERY_COLUMNS = {"log": [], "wide": ["c07", "c33"]}
LENGTHS = {"time": [], "log": ["http_method", "http_path", "user_id"], "wide": ["c33"]}


def write_log(path):
    """A text log of RECORDS lines: the paths of a shop, 38 lines a user."""
    numbers = random.Random(7)
    time = 1709856000000
    with open(path, "w", encoding="ascii") as out:
        for _ in range(RECORDS):
            time += numbers.randrange(1, 1400)
            seconds, millis = divmod(time, 1000)
            choice = numbers.random()
            if choice < 0.6:
                request = f"GET /campaigns/{numbers.randrange(1, 40)}"
            elif choice < 0.72:
                request = f"POST /rewards/{numbers.randrange(100, 200)}"
            else:
                request = f"GET /pages/item-{numbers.randrange(1000)}?ref={numbers.randrange(100)}"
            minutes, second = divmod(seconds, 60)
            hours, minute = divmod(minutes, 60)
            days, hour = divmod(hours, 24)
            day = days - 19790  # 2024-03-08 is day 1 of these
            out.write(
                f"2024-03-{day + 8:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
                f" {request} u{numbers.randrange(RECORDS // 38)}\n"
            )


def wide_record(numbers, i):
    """A record of 40 columns: longs, doubles, strings and booleans in turn."""
    record = {}
    for column in range(WIDE_COLUMNS):
        value = numbers.randrange(1 << 31)
        record[f"c{column:02}"] = (
            value * (i % 3 + 1),
            value / 7,
            f"value {value}",
            value % 2 == 0,
        )[(column + 1) % 4]
    return record


def write_wide(directory):
    """The wide files; the same records in each codec."""
    types = ("long", "double", "string", "boolean")
    schema = {
        "type": "record",
        "name": "Wide",
        "fields": [
            {"name": f"c{column:02}", "type": types[(column + 1) % 4]}
            for column in range(WIDE_COLUMNS)
        ],
    }
    numbers = random.Random(11)
    records = [wide_record(numbers, i) for i in range(WIDE_RECORDS)]
    for codec in CODECS:
        with open(directory / f"wide.{codec}.avro", "wb") as out:
            fastavro.writer(out, schema, records, codec=codec, sync_interval=128 * 1024)


def build_program(directory, name):
    """A C program of this folder, linked with the library as it ships."""
    program = directory / name
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", f"-I{ROOT}/core", "-o", program]
        + [ROOT / f"bench/{name}.c", ROOT / "build/core/libclickstream_core.a"]
        + "-ljansson -ldeflate -lsnappy -lzstd -llzma -lbz2 -lavro".split(),
        check=True,
    )
    return program


def decode_seconds(program, reader, path, columns):
    """The median of the processor time that decoding takes, and its numbers."""

    def run():
        line = subprocess.run(
            [program, reader, path, *columns], check=True, capture_output=True, text=True
        ).stdout.split()
        times.append(float(line[0]))
        return line[1:]

    times = []
    _, numbers = median_seconds(run)
    return sorted(times[1:])[RUNS // 2], numbers


def ask_peer(name, path, queries, threads):
    """A peer's {query: [seconds, numbers]}."""
    worker, python, _ = PEERS[name]
    out = subprocess.run(
        [python, ROOT / "bench/avro_peer.py", worker, str(threads), str(RUNS), path, *queries],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(out)


def bench_decode(directory):
    """All columns of the log, and 2 of 40, in one thread."""
    program = build_program(directory, "decode")
    for kind, title in (("log", "All fields of the log"), ("wide", "2 of 40 fields")):
        rows = []
        for codec in CODECS:
            path = directory / f"{kind}.{codec}.avro"
            columns = QUERY_COLUMNS[kind]
            ours, numbers = decode_seconds(program, "core", path, columns)
            row = [codec, f"{ours:.3f}"]
            if codec in AVRO_C_CODECS:
                theirs, same = decode_seconds(program, "avro-c", path, columns)
                assert same == numbers, (same, numbers)
                row.append(f"{theirs:.3f} ({theirs / ours:.1f})")
            else:
                row.append("")
            for name, (_, _, codecs) in PEERS.items():
                cell = ""
                if codec in codecs:
                    theirs, _ = ask_peer(name, path, [kind], 1)[kind]
                    cell = f"{theirs:.3f} ({theirs / ours:.1f})"
                row.append(cell)
            rows.append(row)
        count = RECORDS if kind == "log" else WIDE_RECORDS
        print_table(
            f"{title}, {count:,} records, one thread: processor seconds (times as long as core)",
            ["codec", "core", "avro-c", *PEERS],
            rows,
        )


def table_query(query, table):
    """What avro_peer.py asks, in the server."""
    top = {"time": "timestamp", "log": "timestamp", "wide": "c07"}.get(query)
    parts = ["count(*)"]
    if top == "timestamp":
        parts.append('(extract(epoch FROM max("timestamp")) * 1000)::bigint')
    elif top:
        parts.append(f"max({top})")
    parts += [f"sum(octet_length({column}))" for column in LENGTHS.get(query, [])]
    return f"SELECT {', '.join(parts)} FROM {table}"


def bench_tables(server, directory):
    """Foreign tables with two workers beside the peers with two threads."""
    server.execute("CREATE SERVER bench FOREIGN DATA WRAPPER avro_fdw")
    settings(server, THREADS)
    rows = []
    for kind, queries in (("log", ["time", "log", "count"]), ("wide", ["wide"])):
        for codec in CODECS:
            path = directory / f"{kind}.{codec}.avro"
            table = f"{kind}_{codec}"
            server.execute(
                f"IMPORT FOREIGN SCHEMA x FROM SERVER bench INTO public"
                f" OPTIONS (filename '{path}', table_name '{table}')"
            )
            peers = {
                name: ask_peer(name, path, queries, THREADS)
                for name, (_, _, codecs) in PEERS.items()
                if codec in codecs and name != "fastavro"
            }
            for query in queries:
                text = table_query(query, table)
                ours, numbers = median_seconds(
                    lambda text=text: [int(n) for n in server.execute(text).fetchone()]
                )
                row = [f"{kind}, {query}", codec, f"{ours:.4f}"]
                for name in PEERS:
                    if name == "fastavro":
                        continue
                    if name not in peers:
                        row.append("")
                        continue
                    theirs, same = peers[name][query]
                    assert same == numbers, (name, same, numbers)
                    row.append(f"{theirs:.4f} ({theirs / ours:.1f})")
                rows.append(row)
    print_table(
        f"Foreign tables, {THREADS} workers: seconds (times as long as ours)",
        ["file, query", "codec", "clickstream", *[name for name in PEERS if name != "fastavro"]],
        rows,
    )


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        os.chmod(directory, 0o755)
        write_log(directory / "log.txt")
        for codec in CODECS:
            subprocess.run(
                ["clickstream", "encode", "--codec", codec]
                + ["-o", directory / f"log.{codec}.avro", directory / "log.txt"],
                check=True,
                stderr=subprocess.DEVNULL,
            )
        write_wide(directory)
        bench_decode(directory)
        with database() as server:
            bench_tables(server, directory)


if __name__ == "__main__":
    main()
