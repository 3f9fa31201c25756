# bench/encode.py - writing Avro: a text log, and its parsed records, beside avro-c and
# fastavro, all in one thread, in processor seconds, user and system together; and what a
# second thread brings, by the clock.
#
# From records: what bench/encode.c says of core's writer and of avro-c's, both given the
# same parsed lines. From text: the program `clickstream encode`, which checks every line,
# hashes the log and notes its first and last time; avro-c's writer behind core's parser,
# with neither; fastavro behind str.split and datetime.fromisoformat. The same log in the
# combined format of Apache and nginx: fastavro stands behind a regular expression. The files
# must hold the same records before a time counts.
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from avro import RECORDS, ROOT, build_program, write_log
from common import RUNS, median_seconds, print_table, seconds

CODECS = ("null", "snappy", "deflate")
SCHEMA = ROOT / "schemas/http_log.avsc"
FASTAVRO = """
import json, re, sys
from datetime import datetime, timedelta, timezone
from functools import cache
import fastavro

LINE = re.compile(r'\\S+ \\S+ (\\S+) \\[([^]]+)] "(\\S+) (\\S+) [^"]*"')
MONTHS = {name: number for number, name in enumerate(
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

@cache
def zone(text):
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))

def plain(log):
    for line in log:
        time, method, path, user = line.rstrip("\\n").split(" ")
        yield {"timestamp": datetime.fromisoformat(time), "http_method": method,
               "http_path": path, "user_id": user}

def combined(log):
    for line in log:
        user, t, method, path = LINE.match(line).groups()
        time = datetime(int(t[7:11]), MONTHS[t[3:6]], int(t[:2]), int(t[12:14]), int(t[15:17]),
                        int(t[18:20]), tzinfo=zone(t[21:]))
        yield {"timestamp": time, "http_method": method, "http_path": path, "user_id": user}

form, schema, log, output, codec = sys.argv[1:]
with open(schema) as text:
    schema = fastavro.parse_schema(json.load(text))
with open(log) as text, open(output, "wb") as out:
    records = {"plain": plain, "combined": combined}[form](text)
    fastavro.writer(out, schema, records, codec=codec, sync_interval=128 * 1024)
"""
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def write_combined(log, path):
    """The same log, to the second, as Apache and nginx write it."""
    with open(log, encoding="ascii") as lines, open(path, "w", encoding="ascii") as out:
        for line in lines:
            time, method, target, user = line.rstrip("\n").split(" ")
            when = datetime.datetime.fromisoformat(time).strftime("%d/%b/%Y:%H:%M:%S %z")
            out.write(
                f'10.0.0.1 - {user} [{when}] "{method} {target} HTTP/1.1" 200 5316'
                f' "https://shop.example/" "{AGENT}"\n'
            )


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


def our_command(directory, log, form, codec, jobs):
    """clickstream encode by the project's schema, whatever the log's format."""
    return [
        "clickstream", "encode", "--force", "--jobs", str(jobs), "--format", form,
        "--schema", SCHEMA, "--codec", codec,
        "-o", directory / f"clickstream.{form}.{jobs}.avro", log,
    ]  # fmt: skip


def from_text(directory, log, form, codec):
    """A row: clickstream encode, avro-c where it has a parser in front, and fastavro, given the log."""
    row = [codec, median(lambda: child_seconds(*our_command(directory, log, form, codec, 1)))]
    if form == "plain":
        row.append(
            median(
                lambda: child_seconds(
                    directory / "encode", "avro-c-text", SCHEMA, log,
                    directory / "avro-c.text.avro", codec,
                )
            )
        )  # fmt: skip
    row.append(
        median(
            lambda: child_seconds(
                sys.executable, "-c", FASTAVRO, form, SCHEMA, log,
                directory / f"fastavro.{form}.avro", codec,
            )
        )
    )  # fmt: skip
    return row


def by_the_clock(directory, log, form, codec):
    """A row: clickstream encode with one thread and with two, in turns, and how much faster."""
    commands = [our_command(directory, log, form, codec, jobs) for jobs in (1, 2)]
    turns = [
        [
            seconds(lambda command=command: subprocess.run(command, check=True, stderr=subprocess.DEVNULL))
            for command in commands
        ]
        for _ in range(RUNS + 1)
    ][1:]
    ratio = statistics.median(one / two for one, two in turns)
    return [form, codec, *(f"{statistics.median(took):.3f}" for took in zip(*turns)), f"{ratio:.2f}"]


def check(decoder, directory):
    """All files that were written of a log must hold the same records; they are removed."""
    files = sorted(directory.glob("*.avro"))
    assert len({tuple(numbers(decoder, path)) for path in files}) == 1, files
    for path in files:
        path.unlink()


def with_ratios(row):
    """Seconds as text, the peers' with how many times as long they take."""
    codec, ours, *theirs = row
    return [codec, f"{ours:.3f}", *[f"{peer:.3f} ({peer / ours:.1f})" for peer in theirs]]


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        decoder = build_program(directory, "decode")
        build_program(directory, "encode")
        logs = {"plain": directory / "log.txt", "combined": directory / "access.log"}
        write_log(logs["plain"])
        write_combined(logs["plain"], logs["combined"])
        records, clock, text = [], [], {"plain": [], "combined": []}
        for codec in CODECS:
            records.append(with_ratios(from_records(directory, logs["plain"], codec)))
            for form, log in logs.items():
                text[form].append(with_ratios(from_text(directory, log, form, codec)))
                clock.append(by_the_clock(directory, log, form, codec))
                check(decoder, directory)
        title = f"{RECORDS:,} records of a log, one thread: processor seconds"
        print_table(f"Parsed, {title}", ["codec", "core", "avro-c"], records)
        print_table(
            f"From text, {title}", ["codec", "clickstream", "avro-c", "fastavro"], text["plain"]
        )
        print_table(
            f"From a combined log, {title}", ["codec", "clickstream", "fastavro"], text["combined"]
        )
        print_table(
            f"{RECORDS:,} records from text, by the clock",
            ["format", "codec", "one thread", "two threads", "faster"],
            clock,
        )


if __name__ == "__main__":
    main()
