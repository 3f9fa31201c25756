# bench/avro_peer.py - one peer's times on Avro files, in a process of its own.
#
# Usage: avro_peer.py PEER THREADS RUNS FILE QUERY...
#
# A query is named and reduces the file to numbers that all peers must agree on; a line of
# JSON, {query: [seconds, [numbers]]}, goes to standard output. Only reading is timed: one
# thread by processor time, which others on the machine disturb less, several by the clock.
import json
import os
import statistics
import sys
import time

PEER, THREADS, RUNS, FILE = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
QUERIES = sys.argv[5:]
os.environ["POLARS_MAX_THREADS"] = THREADS
now = time.process_time if THREADS == "1" else time.perf_counter

# What each query asks for: the columns whose maximum, and whose length in bytes, it takes.
LOG_TEXT = ["http_method", "http_path", "user_id"]
MAXIMA = {"time": ["timestamp"], "log": ["timestamp"], "wide": ["c07"], "count": []}
LENGTHS = {"time": [], "log": LOG_TEXT, "wide": ["c33"], "count": []}


def sql(maximum, length, source, query):
    parts = ["count(*)"]
    parts += [maximum(column) for column in MAXIMA[query]]
    parts += [f"sum({length}({column}))" for column in LENGTHS[query]]
    return f"SELECT {', '.join(parts)} FROM {source}"


def duckdb_runner():
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("avro")
    peer = duckdb.connect(config={"threads": int(THREADS)})
    peer.execute("LOAD avro")

    def maximum(column):
        return f"epoch_ms(max({column}))" if column == "timestamp" else f"max({column})"

    return lambda query: peer.execute(
        sql(maximum, "strlen", f"read_avro('{FILE}')", query)
    ).fetchone()


def clickhouse_runner():
    import chdb.session

    peer = chdb.session.Session()
    peer.query(f"SET max_threads = {THREADS}")

    def maximum(column):
        return f"toUnixTimestamp64Milli(max({column}))" if column == "timestamp" else f"max({column})"

    return lambda query: str(
        peer.query(sql(maximum, "length", f"file('{FILE}', Avro)", query), "TabSeparated")
    ).split()


def polars_runner():
    import polars

    def run(query):
        columns = MAXIMA[query] + LENGTHS[query]
        frame = polars.read_avro(FILE, columns=columns or None)
        numbers = [frame.height]
        for column in MAXIMA[query]:
            top = frame[column].max()
            numbers.append(round(top.timestamp() * 1000) if column == "timestamp" else top)
        return numbers + [int(frame[column].str.len_bytes().sum()) for column in LENGTHS[query]]

    return run


def fastavro_runner():
    import fastavro

    def run(query):
        rows, top, lengths = 0, None, [0] * len(LENGTHS[query])
        with open(FILE, "rb") as stream:
            for record in fastavro.reader(stream):
                rows += 1
                for column in MAXIMA[query]:
                    if top is None or record[column] > top:
                        top = record[column]
                for i, column in enumerate(LENGTHS[query]):
                    lengths[i] += len(record[column])  # the data are ASCII
        if top is not None and not isinstance(top, int):
            top = round(top.timestamp() * 1000)
        return [rows] + ([top] if MAXIMA[query] else []) + lengths

    return run


def main():
    run = globals()[f"{PEER}_runner"]()
    results = {}
    for query in QUERIES:
        numbers = [int(number) for number in run(query)]
        seconds = []
        for _ in range(RUNS):
            start = now()
            again = run(query)
            seconds.append(now() - start)
            assert [int(number) for number in again] == numbers
        results[query] = [statistics.median(seconds), numbers]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
