# test/python/encode_logs.py - logs to encode, good lines and bad, and what must become of them
"""Random logs, and a plain reader of what encode writes."""

import datetime
import hashlib

import fastavro

EPOCH = datetime.datetime(2024, 3, 1, tzinfo=datetime.timezone.utc)

BAD = [b"", b"\r", b"one", b"2024-03-10T08:00:00Z GET /x", b"2024-03-10T25:00:00Z GET /x u1",
       b"2024-03-10T08:00:00.0001Z GET /x u1", b"2024-03-10T08:00:00Z GET /\x01 u1",
       b"2024-03-10T08:00:00Z GET /caf\xe9 u1"]


def line(time, path, user):
    """A good line of this time, in milliseconds since EPOCH."""
    moment = EPOCH + datetime.timedelta(milliseconds=time)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond // 1000:03}Z GET {path} {user}\n".encode()


def random_log(numbers, lines, bad=0.01, hours=48, disorder=0.02, long=0.0005):
    """Lines whose times mostly grow; some are late, some are bad, a few very long."""
    out = []
    span = hours * 3600 * 1000
    for i in range(lines):
        if numbers.random() < long:
            # around the limit of a line, of a piece, and beyond
            length = numbers.choice([65470, 65536, 65537, 100000, 262143, 262144, 262145, 700000])
            out.append(b"x" * length + b"\n")
            continue
        if numbers.random() < bad:
            out.append(numbers.choice(BAD) + b"\n")
            continue
        time = numbers.randrange(span) if numbers.random() < disorder else span * i // lines
        good = line(time, f"/campaigns/{numbers.randrange(500)}?x={'y' * numbers.randrange(80)}",
                    f"u{i}")
        out.append(good[:-1] + b"\r\n" if numbers.random() < 0.1 else good)
    if numbers.random() < 0.5 and out:
        out[-1] = out[-1].rstrip(b"\r\n")
    return (b"\xef\xbb\xbf" if numbers.random() < 0.5 else b"") + b"".join(out)


def read(path):
    """A file's records and metadata."""
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        return list(reader), reader.metadata


def without_marker(path):
    """A file's bytes, the random sync marker left out."""
    content = path.read_bytes()
    return content.replace(content[-16:], b"-" * 16)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def check_metadata(records, metadata):
    """Smallest and largest time are what the records say."""
    times = [record["timestamp"] for record in records]
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    for key, time in (("min", min(times)), ("max", max(times))):
        millis = (time - epoch) // datetime.timedelta(milliseconds=1)
        assert metadata[f"clickstream.{key}_timestamp"] == str(millis)
