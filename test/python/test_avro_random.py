# test/python/test_avro_random.py - random schemas with random data, both ways
"""A seed makes a schema and its records. The first seed is that of the run, the others
follow: 60 in a check, 500 in a soak run.

Schema resolution is held against three readings: the program's, fastavro's, and that of
avro_model.py. Where fastavro and the specification differ (see Resolver there), the
program must be with the specification, and fastavro must differ in just that way.
"""

import json
import random
import subprocess

import fastavro
import pytest

import avro_evolve
import avro_model as model
import avro_peers as peers
import avro_random
from conftest import SEED, SOAK

COUNT = 500 if SOAK else 60
RECORDS = 8
GROUPS = 10                     # tests that the seeds are spread over
FEW = 2 + COUNT / GROUPS / 5    # of a group: pairs that may be left out


def seeds_of(group):
    return range(SEED + group, SEED + COUNT, GROUPS)


def explain(seed, schema, more=""):
    return f"CLICKSTREAM_SEED={seed}: {json.dumps(schema)} {more}"


@pytest.mark.parametrize("group", range(GROUPS))
def test_fastavro_writes_we_read(here, group):
    for seed in seeds_of(group):
        rng = random.Random(seed)
        schema = avro_random.random_schema(rng)
        node = model.parse(schema)
        values = avro_random.random_records(rng, node, RECORDS)
        path = peers.write_fastavro(here.path / "f.avro", schema, values,
                                    rng.choice(peers.OUR_CODECS), sync_interval=200)
        expected = [model.plain(node, value) for value in values]
        assert peers.read_ours(here, path) == expected, explain(seed, schema)


@pytest.mark.parametrize("group", range(GROUPS))
def test_we_write_fastavro_reads(here, group):
    for seed in seeds_of(group):
        rng = random.Random(seed)
        schema = avro_random.random_schema(rng)
        node = model.parse(schema)
        values = avro_random.random_records(rng, node, RECORDS, clear=True)
        path = peers.write_ours(here.path / "f.avro", schema, values, rng.choice(peers.OUR_CODECS))
        expected = [model.plain(node, value) for value in values]
        assert peers.read_fastavro(path) == expected, explain(seed, schema)
        assert peers.read_ours(here, path) == expected, explain(seed, schema)
        with open(path, "rb") as file:
            written = json.loads(fastavro.reader(file).metadata["avro.schema"])
        assert written == schema, "the schema is written as it was given"


def read_resolved(path, schema):
    """
    By fastavro; None where it cannot resolve what it should, some pairs in a hundred:
    - one schema names a type where the other defines it (also KeyError, TypeError),
    - a union has types of the same unqualified name, and it takes the other one,
    - bytes may be bytes or string, and it takes string, for bytes that are no UTF-8,
    - the default of a float inside a union is written without a fraction.
    """
    errors = (fastavro.schema.SchemaParseException, fastavro.read.SchemaResolutionError,
              UnicodeDecodeError, KeyError, TypeError)
    try:
        return peers.read_fastavro(path, schema)
    except errors:
        return None


@pytest.mark.parametrize("group", range(GROUPS))
def test_evolved_schema(here, group):
    unresolved = 0
    for seed in seeds_of(group):
        rng, schema, later = avro_evolve.random_pair(seed, avro_random.random_schema)
        node, later_node = model.parse(schema), model.parse(later)
        values = avro_random.random_records(rng, node, RECORDS)
        path = peers.write_fastavro(here.path / "f.avro", schema, values, "deflate")
        reader = here.write("later.avsc", json.dumps(later))

        resolved = [model.Resolver().resolve(node, later_node, value) for value in values]
        expected = [model.plain(later_node, one) for one in resolved]
        assert peers.read_ours(here, path, "--schema", reader) == expected, \
            explain(seed, schema, json.dumps(later))

        theirs = read_resolved(path, later)
        if theirs is None:
            unresolved += 1
        elif theirs != expected:
            resolver = model.Resolver(quirks=True)
            assert theirs == [model.plain(later_node, resolver.resolve(node, later_node, value))
                              for value in values], explain(seed, schema, json.dumps(later))
    assert unresolved <= FEW, "fastavro is no judge if it reads too little"


@pytest.mark.parametrize("group", range(GROUPS))
def test_merged_generations(here, group):
    """Files of two generations, each read by the schema that is merged of both."""
    refused = 0
    for seed in seeds_of(group):
        rng, schema, later = avro_evolve.random_pair(seed, avro_random.random_schema)
        generations = [schema, later]
        names = [here.write(f"{i}.avsc", json.dumps(one)) for i, one in enumerate(generations)]
        done = subprocess.run([peers.need(peers.RECODE), "merge", *names], capture_output=True,
                              text=True, timeout=60, check=False)
        if done.returncode == 1 and " in one file and " in done.stderr:
            refused += 1    # types that do not go together, which a union hid from resolution
            continue
        assert done.returncode == 0, explain(seed, schema, done.stderr)
        merged = here.write("merged.avsc", done.stdout)
        reader = model.parse(json.loads(done.stdout))
        for one in generations:
            node = model.parse(one)
            values = avro_random.random_records(rng, node, RECORDS)
            path = peers.write_fastavro(here.path / "f.avro", one, values)
            expected = [model.plain(reader, model.Resolver().resolve(node, reader, value))
                        for value in values]
            assert peers.read_ours(here, path, "--schema", merged) == expected, \
                explain(seed, schema, done.stdout)
    assert refused <= FEW


def test_the_generator_makes_every_type():
    """What random schemas are for: each type, and what makes schemas hard."""
    texts = "".join(json.dumps(avro_random.random_schema(random.Random(seed)))
                    for seed in range(SEED, SEED + 500))
    for kind in (*model.PRIMITIVES, "record", "enum", "fixed", "array", "map",
                 *model.LOGICAL_BASES, "namespace", "aliases", "default", "no-such-type"):
        assert f'"{kind}"' in texts, kind


def test_the_model_agrees_with_fastavro(tmp_path):
    """The model itself is no judge unless fastavro encodes what it means."""
    for seed in range(SEED, SEED + COUNT):
        rng = random.Random(seed)
        schema = avro_random.random_schema(rng)
        node = model.parse(schema)
        values = avro_random.random_records(rng, node, RECORDS)
        path = peers.write_fastavro(tmp_path / "f.avro", schema, values)
        expected = [model.plain(node, value) for value in values]
        assert peers.read_fastavro(path) == expected, explain(seed, schema)
