# test/python/test_cli_encode_jobs.py - encode: any number of threads gives the same; compressed logs

import gzip
import random
import resource

import pytest
import zstandard
from conftest import GOOD_LINE, SEED, SOAK, measures_memory
from encode_logs import check_metadata, random_log, read, sha256, without_marker

CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]


def outcome(here, *arguments, **options):
    """What a run says and leaves behind: the Avro files without their markers."""
    result = here.run("encode", *arguments, **options)
    files = {}
    for path in sorted(here.path.rglob("*")):
        if path.suffix == ".avro":
            files[str(path)] = without_marker(path)
            path.unlink()
        elif path.suffix == ".jsonl":
            files[str(path)] = path.read_bytes()
            path.unlink()
    return result.code, result.err, files


# Threads


@pytest.mark.parametrize("seed", range(100 if SOAK else 6))
def test_jobs_are_equal(here, seed):
    """Files, rejects and messages are the same for 1 to 4 threads, also where the limit is passed."""
    numbers = random.Random(f"{SEED} {seed}")
    here.write("a.txt", random_log(numbers, numbers.choice([0, 1, 5000, 30000])))
    here.write("b.txt", random_log(numbers, 7000, bad=numbers.choice([0, 0.3])))
    options = ["--codec", numbers.choice(CODECS[:4]), "-o", "all.avro",
               "--max-rejects", numbers.choice([0, 10, 400, 1000000])]
    expected = outcome(here, *options, "-j", 1, "a.txt", "b.txt")
    for jobs in (2, 3, 4):
        assert outcome(here, *options, "-j", jobs, "a.txt", "b.txt") == expected


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(here, codec):
    log = random_log(random.Random(SEED), 20000, bad=0, long=0)
    here.write("a.txt", log)
    here.run_ok("encode", "-j", 3, "--codec", codec, "a.txt")
    records, metadata = read(here.path / "a.avro")
    lines = log.removeprefix(b"\xef\xbb\xbf").splitlines()
    assert [record["user_id"] for record in records] == [f"u{i}" for i in range(len(lines))]
    assert [record["http_path"].encode() for record in records] == [x.split()[2] for x in lines]
    assert metadata["clickstream.source_sha256"] == sha256(log)
    check_metadata(records, metadata)


def test_errors_come_in_order(here):
    """A bad line is told before the log behind it that is missing, however many threads read."""
    here.write("a.txt", GOOD_LINE * 10 + b"bad\n")
    for jobs in (1, 4):
        code, err, files = outcome(here, "-j", jobs, "-o", "x.avro", "a.txt", "none.txt")
        assert code == 2 and not files
        assert "a.txt: line 11: " in err and "none.txt" not in err
        code, err, files = outcome(here, "-j", jobs, "--max-rejects", 1, "-o", "x.avro", "a.txt",
                                   "none.txt")
        assert code == 2 and not files
        assert 'could not open "none.txt": No such file or directory' in err


def test_pipe_in_small_pieces(here):
    """Blocks do not depend on how the bytes arrive."""
    log = random_log(random.Random(SEED), 8000)
    here.write("a.txt", log)
    here.run_ok("encode", "--max-rejects", 1000, "a.txt")
    process = here.start("encode", "--max-rejects", 1000, "-o", "b.avro", "-", stdin=-1)
    for start in range(0, len(log), 4001):
        process.stdin.write(log[start:start + 4001])
        process.stdin.flush()
    process.communicate()
    assert process.returncode == 0
    assert without_marker(here.path / "a.avro") == without_marker(here.path / "b.avro")


@pytest.mark.parametrize("jobs", ["0", "65", "x"])
def test_number_of_jobs(here, jobs):
    here.write("a.txt", GOOD_LINE)
    result = here.run("encode", "--jobs", jobs, "a.txt")
    assert result.code == 1 and "--jobs" in result.err
    assert jobs == "x" or f'invalid argument "{jobs}" of option "--jobs": not from 1 to 64' in result.err


@measures_memory
def test_memory(here):
    """64 MB are enough for two threads, however long the log and its lines are."""
    with open(here.path / "a.txt", "wb") as file:
        for _ in range(40):
            file.write(b"x" * 3000000 + b"\n" + GOOD_LINE * 20000 + b"\n" * 20000)

    def limited():
        resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20))

    here.run_ok("encode", "-j", 2, "--codec", "snappy", "--max-rejects", 10000000, "a.txt",
                preexec_fn=limited)


# Compressed logs


def zstd(content):
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


COMPRESS = {"gzip": gzip.compress, "zstd": zstd}
SKIPPABLE = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"


@pytest.mark.parametrize("how", COMPRESS)
def test_compressed(here, how):
    """Told by content: in one piece or several, as a file or from a pipe, the log is the same."""
    compress = COMPRESS[how]
    log = random_log(random.Random(SEED), 20000)
    here.write("plain.txt", log)
    here.run_ok("encode", "--max-rejects", 10000, "-o", "plain.avro", "plain.txt")
    expected = without_marker(here.path / "plain.avro")
    forms = [compress(log), compress(log[:1000]) + compress(log[1000:]),
             compress(b"") + compress(log) + compress(b""),
             b"".join(compress(log[i:i + 100000]) for i in range(0, len(log), 100000))]
    if how == "zstd":
        forms.append(SKIPPABLE + compress(log) + SKIPPABLE)
    for form in forms:
        here.write("log", form)
        here.run_ok("encode", "--force", "--max-rejects", 10000, "-o", "x.avro", "log")
        assert without_marker(here.path / "x.avro") == expected
        here.run_ok("encode", "--force", "--max-rejects", 10000, "-o", "x.avro", "-", data=form)
        assert without_marker(here.path / "x.avro") == expected
    assert read(here.path / "x.avro")[1]["clickstream.source_sha256"] == sha256(log)


@pytest.mark.parametrize("how", COMPRESS)
def test_nothing_compressed(here, how):
    here.write("log", COMPRESS[how](b""))
    assert "read 0 lines" in here.run_ok("encode", "-o", "x.avro", "log").err


@pytest.mark.parametrize("how", COMPRESS)
def test_cut_off(here, how):
    """Wherever a compressed log is cut, that is an error with its place, and nothing is written."""
    numbers = random.Random(SEED)
    whole = COMPRESS[how](random_log(numbers, 5000, bad=0, long=0))
    for end in {6, 10, 18, len(whole) - 1, *numbers.sample(range(6, len(whole)), 20)}:
        here.write("log", whole[:end])
        result = here.run("encode", "-o", "x.avro", "log")
        assert result.code == 2, end
        assert f"log: file ends inside its compressed data (byte {end})" in result.err
        assert here.names() == ["log"]


@pytest.mark.parametrize("how", COMPRESS)
def test_damaged(here, how):
    """A changed byte is an error, or changes nothing that the log holds."""
    numbers = random.Random(SEED)
    log = random_log(numbers, 3000, bad=0, long=0)
    whole = COMPRESS[how](log)
    refused = 0
    for place in numbers.sample(range(4, len(whole)), 100 if SOAK else 25):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << numbers.randrange(8)
        here.write("log", bytes(damaged))
        result = here.run("encode", "-o", "x.avro", "log")
        if result.code == 0:
            assert read(here.path / "x.avro")[1]["clickstream.source_sha256"] == sha256(log)
            (here.path / "x.avro").unlink()
        else:
            assert result.code == 2 and "log: " in result.err
            assert here.names() == ["log"]
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("how", COMPRESS)
def test_rest_behind_the_end(here, how):
    here.write("log", COMPRESS[how](GOOD_LINE) + b"something else")
    result = here.run("encode", "-o", "x.avro", "log")
    assert result.code == 2 and "data is damaged" in result.err
    assert here.names() == ["log"]


def test_window_beyond_the_limit(here):
    """A zstandard file that asks for much memory is refused with what to do."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    here.write("log", stream.compress(GOOD_LINE * 1000) + stream.flush())
    result = here.run("encode", "-o", "x.avro", "log")
    assert result.code == 2 and "zstd -dc --long=31" in result.err


@pytest.mark.parametrize("magic", [b"BZh91AY&SY", b"\xfd7zXZ\x00\x00"])
def test_foreign_compression(here, magic):
    here.write("log", magic + GOOD_LINE)
    result = here.run("encode", "-o", "x.avro", "log")
    assert result.code == 2
    assert "only gzip and zstandard are decompressed" in result.err


@pytest.mark.parametrize("log, avro", [
    ("a.log.gz", "a.avro"), ("a.gz", "a.avro"), ("a.txt.zst", "a.avro"), (".gz", ".gz.avro"),
    ("d.x/a.GZ", "d.x/a.avro"), ("a.tar.gz.old", "a.tar.gz.avro"),
])
def test_name_of_a_compressed_log(here, log, avro):
    here.write(log, gzip.compress(GOOD_LINE))
    here.run_ok("encode", log)
    assert (here.path / avro).exists()
