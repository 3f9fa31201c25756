# test/python/test_cli_avro_salvage.py - cat --salvage: what is lost is said, to the record
"""Whole files, damaged at a random place in a random way; and memory while reading."""

import json
import os
import random
import re
import resource
import subprocess

import pytest
from avro_build import block, data, header, long, record_of
from conftest import PROGRAM, measures_memory

SCHEMA = record_of("long", "string")
ACCOUNT = re.compile(
    r"^(\d+)\.avro: (\d+) records printed, (\d+) refused, (at least )?(\d+) declared records lost "
    r"in damaged blocks, (\d+) bytes passed over$", re.M)
# The checksum of snappy makes every change of the data show.
CODEC = "snappy"


def make_blocks(rng):
    """Blocks of records numbered from 0; where their stored data are, and the total."""
    parts, spans, number = [], [], 0
    offset = len(header(SCHEMA, CODEC))
    for _ in range(12):
        count = rng.randrange(1, 30)
        rows = b"".join(long(number + i) + data("x" * rng.randrange(40)) for i in range(count))
        part = block(count, rows, CODEC)
        stored = block(count, rows, CODEC, size=0)  # one byte of size
        head = len(part) - (len(stored) - 2)
        spans.append((offset + head, offset + len(part) - 16))
        parts.append(part)
        offset += len(part)
        number += count
    return parts, spans, number


def damage(rng, content, start):
    """Change, put in, take out or repeat a few bytes, or cut the file off; say where and how."""
    at = rng.randrange(start, len(content))
    size = rng.randrange(1, 30)
    way = rng.choice(["change", "insert", "delete", "repeat", "cut"])
    if way == "change":
        changed = bytes([content[at] ^ rng.randrange(1, 256)])
        return content[:at] + changed + content[at + 1:], at, way
    if way == "insert":
        return content[:at] + rng.randbytes(size) + content[at:], at, way
    if way == "delete":
        return content[:at] + content[at + size:], at, way
    if way == "repeat":
        return content[:at] + content[max(start, at - 200):], at, way
    return content[:at], at, way


def test_random_damage(here):
    """Nothing is printed that was not there. Of a block whose data alone are changed, exactly
    its records are lost. Where bytes were put in, what follows can look like a block by chance,
    so that more seems lost, never less; bytes that are gone can take other blocks with them."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    runs = 2000 if os.environ.get("CLICKSTREAM_SOAK") else 150
    head = header(SCHEMA, CODEC)
    cases = []
    for i in range(runs):
        parts, spans, total = make_blocks(rng)
        content, at, way = damage(rng, head + b"".join(parts), len(head))
        cases.append((total, way, any(first <= at < last for first, last in spans)))
        here.write(f"{i}.avro", content)
    result = here.run("cat", "--salvage", *(f"{i}.avro" for i in range(runs)))
    assert result.code == 2, (seed, result)
    rows = iter(json.loads(line)["a"] for line in result.out.splitlines())
    accounts = ACCOUNT.findall(result.err)
    assert len(accounts) == runs, (seed, result.err)
    for (total, way, inside), account in zip(cases, accounts):
        _, printed, refused, at_least, lost, passed = account
        numbers = [next(rows) for _ in range(int(printed))]
        where = (seed, way, inside, total, account)
        assert int(refused) == 0, where
        assert set(numbers) <= set(range(total)), where
        if way != "repeat":
            assert numbers == sorted(set(numbers)), where
        found = int(printed) + int(lost)
        if inside and way == "change":
            assert found == total and not at_least, where
        if inside and way == "insert":
            assert at_least or found >= total, where


def limit_memory():
    """Far less than the file of test_memory has."""
    resource.setrlimit(resource.RLIMIT_DATA, (24 * 2**20, 24 * 2**20))


@measures_memory
def test_memory(here):
    """A large file is read block by block."""
    rows = b"".join(long(i) + data("x" * 90) for i in range(2000))
    with open(here.path / "f.avro", "wb") as file:
        file.write(header(SCHEMA))
        for _ in range(500):
            file.write(block(2000, rows))
    for command in ("cat", "verify"):
        process = subprocess.run([PROGRAM, command, "f.avro"], cwd=here.path, check=False,
                                 stdout=subprocess.DEVNULL, preexec_fn=limit_memory)
        assert process.returncode == 0, command


@pytest.mark.parametrize("bad", [1, 5, 9])
def test_one_block_of_many(here, bad):
    """Exactly that one is lost, with its bytes."""
    parts = [block(10, b"".join(long(10 * i + k) + data("v") for k in range(10)), CODEC)
             for i in range(10)]
    spoiled = bytearray(parts[bad])
    spoiled[8] ^= 0x40
    head = header(SCHEMA, CODEC)
    here.write("0.avro", head + b"".join(parts[:bad]) + bytes(spoiled) +
               b"".join(parts[bad + 1:]))
    result = here.run("cat", "--salvage", "0.avro")
    assert result.code == 2
    assert [json.loads(line)["a"] for line in result.out.splitlines()] == [
        i for i in range(100) if i // 10 != bad]
    assert ACCOUNT.findall(result.err) == [("0", "90", "0", "", "10", str(len(parts[bad])))]
    assert f"(byte {len(head) + len(b''.join(parts[:bad]))}, block {bad}" in result.err
