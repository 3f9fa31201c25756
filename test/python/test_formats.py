# test/python/test_formats.py - docs/formats.md says what is stored: bytes of the server and the
# loader, read and written by code that knows nothing but that page
"""An independent decoder and encoder of sessionset and reward_map, and a reader of the ledger."""

import hashlib
import random
import tempfile
from datetime import datetime, timedelta, timezone

import pytest
from conftest import ROOT, SEED, SOAK
from server import STAGE, Server

EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)
UNITS = (1, 1000, 1000000)  # microseconds, by code
KINDS = ("other", "view", "issue")


class Bytes:
    """What is left to read."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def skip(self, count):
        self.at += count

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)


def decode_set(data):
    """Gap and events (microseconds since 2000, kind, id) of a sessionset."""
    left = Bytes(data)
    assert left.byte() == 1
    head = left.byte()
    assert head >> 4 == 0
    unit, gap_unit = UNITS[head & 3], UNITS[head >> 2]
    gap, count = left.varint() * gap_unit, left.varint()
    time, events = left.zigzag() * unit, []
    for _ in range(count):
        step = left.varint()
        time += (step >> 2) * unit
        kind = KINDS[step & 3]
        events.append((time, kind, None if kind == "other" else left.zigzag()))
    assert left.at == len(data)
    return gap, events


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def coarsest(values):
    return next(code for code in (2, 1, 0) if all(value % UNITS[code] == 0 for value in values))


def encode_set(gap, events):
    """The one form that these events have."""
    unit, gap_unit = coarsest([time for time, _, _ in events]), coarsest([gap])
    order = sorted((time // UNITS[unit], KINDS.index(kind), number or 0) for time, kind, number in events)
    out = bytearray([1, unit | gap_unit << 2])
    out += varint(gap // UNITS[gap_unit]) + varint(len(order)) + zigzag(order[0][0])
    before = order[0][0]
    for time, kind, number in order:
        out += varint((time - before) << 2 | kind) + (zigzag(number) if kind else b"")
        before = time
    return bytes(out)


def decode_map(data):
    left = Bytes(data)
    assert left.byte() == 1
    pairs, campaign, reward = [], 0, 0
    for _ in range(left.varint()):
        campaign, reward = [(value + left.zigzag() + 2**63) % 2**64 - 2**63 for value in (campaign, reward)]
        pairs.append((campaign, reward))
    assert left.at == len(data)
    return pairs


@pytest.fixture(scope="module")
def server():
    if not STAGE:
        pytest.skip("CLICKSTREAM_STAGE is not set: no extension to test")
    with tempfile.TemporaryDirectory(prefix="formats", dir="/var/tmp") as directory:
        made = Server(f"{directory}/server")
        try:
            made.sql("CREATE EXTENSION clickstream")
            yield made
        finally:
            made.stop()


def as_sql(events):
    return ", ".join(
        f"('{(EPOCH + timedelta(microseconds=time)).isoformat()}'::timestamptz, '{kind}', "
        f"{'NULL' if number is None else repr(str(number))}::bigint)" for time, kind, number in events)


def random_events(source):
    unit = source.choice(UNITS)
    spread = source.choice((10, 10**4, 10**8))
    base = source.randrange(-10**9, 10**9) * 10**6
    for _ in range(source.randrange(1, 30)):
        kind = source.choice(KINDS)
        number = source.choice((0, 1, -1, 63, 64, 2**63 - 1, -2**63, source.randrange(10**6)))
        yield base + source.randrange(spread) * unit, kind, None if kind == "other" else number


def test_sessionset_both_ways(server):
    """What the server stores is decoded to the events, and our bytes are the server's."""
    source = random.Random(SEED)
    for _ in range(1000 if SOAK else 40):
        events = list(random_events(source))
        gap = source.choice((1, 1500, 10**6, 3 * 10**8, source.randrange(1, 10**13)))
        [[stored]] = server.sql("SELECT encode(sessionset_send(sessionize_events(ts, kind, id, "
                                f"{gap} * interval '1 us')), 'hex') FROM (VALUES {as_sql(events)}) "
                                "AS e (ts, kind, id)")
        assert decode_set(bytes.fromhex(stored)) == (gap, sorted(
            events, key=lambda event: (event[0], KINDS.index(event[1]), event[2] or 0)))
        assert encode_set(gap, events).hex() == stored


def test_binary_input_takes_our_bytes(server, tmp_path):
    """Bytes of our own making are read by COPY, and shown as JSON with these events."""
    server.sql("CREATE TABLE set_of_ours (s sessionset)")
    data = encode_set(300 * 10**6, [(763372800 * 10**6, "view", 12), (763372870250000, "issue", 34)])
    copy = (b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1" + len(data).to_bytes(4, "big") + data + b"\xff\xff")
    path = tmp_path / "set.bin"
    path.write_bytes(copy)
    server.sql(f"\\copy set_of_ours FROM '{path}' (FORMAT binary)")
    assert server.sql("SELECT s FROM set_of_ours") == [[
        '{"version": 1, "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z", "view": 12}, '
        '{"time": "2024-03-10T08:01:10.250000Z", "issue": 34}]}']]


def test_what_is_stored_in_a_table(server):
    """The value on disk is a varlena of the same bytes."""
    server.sql("CREATE TABLE set_on_disk AS SELECT sessionize(now()) AS s")
    [[length, stored]] = server.sql("SELECT length(sessionset_send(s)), pg_column_size(s) FROM set_on_disk")
    assert int(stored) == int(length) + 1  # a header of one byte


def test_reward_map(server):
    source = random.Random(SEED)
    for _ in range(200 if SOAK else 20):
        ids = (0, 1, -1, 2**63 - 1, -2**63, source.randrange(1000))
        pairs = [(source.choice(ids), source.choice(ids)) for _ in range(source.randrange(1, 20))]
        values = ", ".join(f"('{campaign}'::bigint, '{reward}'::bigint)" for campaign, reward in pairs)
        [[stored]] = server.sql("SELECT encode(reward_map_send(reward_map(c, r)), 'hex') "
                                f"FROM (VALUES {values}) AS p (c, r)")
        assert decode_map(bytes.fromhex(stored)) == sorted(set(pairs))


def avro_blocks(data):
    """Length of the header, and the offsets at which blocks end, of an object container file."""
    left = Bytes(data)
    left.skip(4)
    while (entries := left.zigzag()) != 0:
        if entries < 0:
            left.zigzag()
        for _ in range(2 * abs(entries)):
            left.skip(left.zigzag())
    left.skip(16)
    header, ends = left.at, []
    while left.at < len(data):
        left.zigzag()
        left.skip(left.zigzag() + 16)
        ends.append(left.at)
    return header, ends


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_ledger(server, here):
    """Identity, ranges and checksums of batches are those of the files' bytes."""
    log = (ROOT / "data/http_log.txt").read_bytes() * 10
    here.write("log.txt", log)
    here.run_ok("encode", "--codec", "null", "-o", "log.avro", "log.txt")
    run = {"env": server.environment}
    here.run_ok("init", **run)
    here.run_ok("load", "--batch", "5000", "log.avro", **run)
    mapping = ROOT / "data/campaign_reward_mapping.csv"
    here.run_ok("load", "-t", "campaign_reward_mapping", mapping, **run)
    data = here.read("log.avro")
    header, ends = avro_blocks(data)
    rows = server.sql("SELECT table_name, file_id, coalesce(source_sha256, ''), first_block, end_block, "
                      "start_offset, end_offset, checksum, rows_loaded FROM load_batch ORDER BY load_id")
    *batches, csv = rows
    assert len(batches) > 1
    block = offset = loaded = 0
    for table, file_id, source, first, end, start, stop, checksum, count in batches:
        assert (table, file_id, source) == ("public.http_log", sha256(data[:header]), sha256(log))
        assert (int(first), int(start)) == (block, offset)
        block, offset, loaded = int(end), int(stop), loaded + int(count)
        assert offset == ends[block - 1]
        assert checksum == sha256(data[int(start):offset])
    assert (block, offset, loaded) == (len(ends), len(data), log.count(b"\n"))
    content = mapping.read_bytes()
    assert csv == ["public.campaign_reward_mapping", sha256(content), "", "0", "1", "0",
                   str(len(content)), sha256(content), "50"]
