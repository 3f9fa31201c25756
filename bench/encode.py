# bench/encode.py - writing Avro: a text log, and its parsed records, beside avro-c and
# fastavro. All in one thread, in processor seconds, user and system together.
#
# From records: what bench/encode.c says of core's writer and of avro-c's, both given the
# same parsed lines. From text: the program `clickstream encode`, which checks every line,
# hashes the log and notes its first and last time; avro-c's writer behind core's parser,
# with neither; fastavro behind str.split and datetime.fromisoformat. The files must hold
# the same records before a time counts.
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from avro import RECORDS, ROOT, build_program, write_log
from common import median_seconds, print_table

CODECS = ("null", "snappy", "deflate")
SCHEMA = ROOT / "schemas/http_log.avsc"
FASTAVRO = """
import json, sys
from datetime import datetime
import fastavro

def records(log):
    for line in log:
        time, method, path, user = line.rstrip("\\n").split(" ")
        yield {"timestamp": datetime.fromisoformat(time), "http_method": method,
               "http_path": path, "user_id": user}

schema, log, output, codec = sys.argv[1:]
with open(schema) as text:
    schema = fastavro.parse_schema(json.load(text))
with open(log) as text, open(output, "wb") as out:
    fastavro.writer(out, schema, records(text), codec=codec, sync_interval=128 * 1024)
"""


def child_seconds(*command):
    """The processor time that a command takes."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def median(run):
    """The median of what RUNS calls return, after one that does not count."""
    seconds = []
    median_seconds(lambda: seconds.append(run()))
    counted = sorted(seconds[1:])
    return counted[len(counted) // 2]


def numbers(decoder, path):
    """What a file holds, reduced to numbers."""
    out = subprocess.run([decoder, "core", path], check=True, capture_output=True, text=True)
    return out.stdout.split()[1:]


def from_records(directory, log, codec):
    """A row: core's writer and avro-c's, given parsed lines."""
    row = [codec]
    for writer in ("core", "avro-c"):
        output = directory / f"{writer}.records.avro"
        command = [directory / "encode", writer, SCHEMA, log, output, codec]
        seconds = median(
            lambda command=command: float(
                subprocess.run(command, check=True, capture_output=True).stdout.split()[0]
            )
        )
        row.append(seconds)
    return row


def from_text(directory, log, codec):
    """A row: clickstream encode, avro-c and fastavro, given the log."""
    return [
        codec,
        median(
            lambda: child_seconds(
                "clickstream", "encode", "--jobs", "1", "--force", "--codec", codec,
                "-o", directory / "clickstream.text.avro", log,
            )
        ),
        median(
            lambda: child_seconds(
                directory / "encode", "avro-c-text", SCHEMA, log,
                directory / "avro-c.text.avro", codec,
            )
        ),
        median(
            lambda: child_seconds(
                sys.executable, "-c", FASTAVRO, SCHEMA, log,
                directory / "fastavro.text.avro", codec,
            )
        ),
    ]


def with_ratios(row):
    """Seconds as text, the peers' with how many times as long they take."""
    codec, ours, *theirs = row
    return [codec, f"{ours:.3f}", *[f"{peer:.3f} ({peer / ours:.1f})" for peer in theirs]]


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        decoder = build_program(directory, "decode")
        build_program(directory, "encode")
        log = directory / "log.txt"
        write_log(log)
        records, text = [], []
        for codec in CODECS:
            records.append(with_ratios(from_records(directory, log, codec)))
            text.append(with_ratios(from_text(directory, log, codec)))
            files = sorted(directory.glob("*.avro"))
            assert len({tuple(numbers(decoder, path)) for path in files}) == 1, files
        title = f"{RECORDS:,} records of a log, one thread: processor seconds"
        print_table(f"Parsed, {title}", ["codec", "core", "avro-c"], records)
        print_table(f"From text, {title}", ["codec", "clickstream", "avro-c", "fastavro"], text)


if __name__ == "__main__":
    main()
