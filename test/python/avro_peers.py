# test/python/avro_peers.py - fastavro, avro-c and avro-tools, and our own program, as readers
"""Each reader gives the records of a file as "clickstream cat" prints them.

fastavro is made to hand out what a logical type's base holds: it has no type for nanoseconds,
durations, years beyond 9999 and decimals beyond a precision.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile

import fastavro
import fastavro.read
import pytest

import avro_model as model
from conftest import ROOT

INTEROP = ROOT / "build" / "interop"
RECODE = INTEROP / "recode"
AVRO_C = INTEROP / "avro_c_peer"
AVRO_TOOLS = ROOT / "build" / "java" / "avro-tools.jar"

OUR_CODECS = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")
AVRO_C_CODECS = ("null", "deflate", "snappy")


def need(path):
    """A program of ours: built by "make tests"."""
    if not path.exists():
        pytest.fail(f"{path} is not there: run make tests first")
    return str(path)


def run(arguments, data=None):
    """Run a program that must succeed; its output."""
    done = subprocess.run(list(map(str, arguments)), input=data, capture_output=True, check=False,
                          timeout=600)
    assert done.returncode == 0, f"{arguments}: {done.stderr.decode(errors='replace')}"
    return done.stdout


# ---- fastavro


def show_logical(data, writer_schema=None, reader_schema=None):
    """A value of a logical type as the program prints it."""
    node = model.parse(writer_schema)
    return model.plain_scalar(node.type, node.logical, node.scale, data)


OUR_READERS = {f"{base}-{logical}": show_logical
               for logical, bases in model.LOGICAL_BASES.items() for base in bases}


@contextlib.contextmanager
def our_logical_readers():
    """Have fastavro read all logical types by show_logical, those that it lacks too."""
    readers = fastavro.read.LOGICAL_READERS
    theirs = dict(readers)
    readers.update(OUR_READERS)
    try:
        yield
    finally:
        readers.clear()
        readers.update(theirs)


def show(data):
    """What fastavro read as the program prints it; a float as the double that it is."""
    if isinstance(data, dict):
        return {key: show(value) for key, value in data.items()}
    if isinstance(data, list):
        return [show(value) for value in data]
    if isinstance(data, bytes):
        return model.plain_scalar("bytes", None, 0, data)
    if isinstance(data, float):
        return model.plain_scalar("double", None, 0, data)
    return data


def read_fastavro(path, reader_schema=None):
    with open(path, "rb") as file, our_logical_readers():
        return [show(record) for record in fastavro.reader(file, reader_schema)]


def write_fastavro(path, schema, values, codec="null", **options):
    """Write values as the model has them."""
    node = model.parse(schema)
    records = [model.datum(node, one) for one in values]
    with open(path, "wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), records, codec=codec, **options)
    return path


# ---- Our own


def read_ours(here, path, *options):
    """By "clickstream cat"."""
    out = here.run_ok("cat", *options, path).out
    return [json.loads(line) for line in out.split("\n")[:-1]]


def write_ours(path, schema, values, codec="null"):
    """By core's encoder and writer, from what "clickstream cat" prints."""
    node = model.parse(schema)
    schema_path = pathlib.Path(f"{path}.avsc")
    schema_path.write_text(json.dumps(schema))
    lines = "".join(json.dumps(model.plain(node, one), allow_nan=False) + "\n" for one in values)
    run([need(RECODE), schema_path, codec, path], lines.encode())
    return path


# ---- avro-c


def compare_by_avro_c(one, other):
    """Have avro-c read both and compare each record; how many there were."""
    return int(run([need(AVRO_C), "compare", one, other]))


def copy_by_avro_c(source, target, codec="null"):
    """Have avro-c read each record and write it."""
    run([need(AVRO_C), "copy", codec, source, target])
    return target


# ---- avro-tools


def need_java():
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    if not AVRO_TOOLS.exists():
        pytest.skip("avro-tools is not there: scripts/maven-jar says why")


def avro_tools(*arguments):
    """Run a command of avro-tools, started as fast as a JVM can."""
    return run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
                f"-Djava.io.tmpdir={tempfile.gettempdir()}", "-jar", AVRO_TOOLS, *arguments])


def write_avro_tools(path, schema, values, codec="null"):
    node = model.parse(schema)
    lines = pathlib.Path(f"{path}.json")
    lines.write_text("".join(json.dumps(model.avro_json(node, one)) + "\n" for one in values))
    level = ["--level", "6"] if codec == "xz" else []   # its own default, -1, is none of xz's
    path.write_bytes(avro_tools("fromjson", "--codec", codec, *level, "--schema",
                                json.dumps(schema), lines))
    return path


def read_avro_tools(path, schema):
    node = model.parse(schema)
    out = avro_tools("tojson", path).decode()
    return [model.plain(node, model.from_avro_json(node, json.loads(line)))
            for line in out.split("\n")[:-1]]
