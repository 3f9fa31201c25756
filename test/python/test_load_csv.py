# test/python/test_load_csv.py - CSV: encodings, compression, delimiters, NULL, ends of lines
"""A file gives the same rows in whatever dress it comes."""

import base64
import gzip
import hashlib
import json

import pytest
import zstandard

HEADER = "id,name,note\n"
ROWS = ('1,"Müller, ""x""",plain\n'
        '2,Zoë,"two\nlines"\n'
        '3,,""\n')
EXPECTED = '[[1, "Müller, \\"x\\"", "plain"], [2, "Zoë", "two\\nlines"], [3, null, ""]]'
TEXT = HEADER + ROWS


@pytest.fixture(scope="module", autouse=True)
def table(database):
    """Make the table to load into."""
    database.sql("CREATE TABLE t (id bigint, name text, note text)")


def load(here, database, content, *options, table="t", name="f.csv"):
    """Load a file into the table, emptied before; return how that ended."""
    database.sql(f"TRUNCATE {table}; DELETE FROM load_batch")
    here.write(name, content)
    return here.run("load", "-t", table, "--rejects", "r.jsonl", *options, name, env=database.environment)


def loaded(database, table="t"):
    """The rows, as JSON."""
    return database.sql(f"SELECT json_agg(json_build_array(id, name, note) ORDER BY id)::text FROM {table}")[0][0]


def rejects(here):
    return [json.loads(line) for line in here.read("r.jsonl").splitlines()]


def expect(here, database, content, *options, rows=EXPECTED):
    result = load(here, database, content, *options)
    assert result.code == 0, result
    assert json.loads(loaded(database)) == json.loads(rows)
    return result


@pytest.mark.parametrize("encoding, options", [
    ("utf-8", []), ("utf-8-sig", []), ("utf-8", ["--encoding", "utf8"]), ("utf-16", []), ("utf-32", []),
    ("utf-16", ["--encoding", "UTF-16"]), ("utf-16-le", ["--encoding", "UTF-16LE"]),
    ("utf-16-be", ["--encoding", "UTF-16BE"]), ("latin-1", ["--encoding", "LATIN1"]),
    ("cp1252", ["--encoding", "WINDOWS-1252"]), ("cp437", ["--encoding", "IBM437"]),
])
def test_encodings(here, database, encoding, options):
    expect(here, database, TEXT.encode(encoding), *options)


def test_byte_order_mark_of_the_other_end(here, database):
    expect(here, database, b"\xfe\xff" + TEXT.encode("utf-16-be"))


@pytest.mark.parametrize("encoding, length", [("utf-16", 200_000), ("euc-jp", 150_000)])
def test_characters_across_the_pieces_that_are_read(here, database, encoding, length):
    """Files of some megabytes, whose characters are cut where a piece of the file ends."""
    text = HEADER + "".join(f"{i},日本語x{'y' * (i % 3)},ü\n" if encoding == "utf-16" else
                            f"{i},日本語x{'y' * (i % 3)},語\n" for i in range(length))
    result = load(here, database, text.encode(encoding), *(["--encoding", "EUC-JP"] * (encoding == "euc-jp")))
    assert result.code == 0, result
    assert database.sql("SELECT count(*), count(DISTINCT id), bool_and(name = '日本語x' || repeat('y', (id % 3)::int))"
                        " FROM t") == [[str(length), str(length), "t"]]


@pytest.mark.parametrize("encoding, options, spoilt, name, kept", [
    ("utf-8", [], b"caf\xe9", "UTF-8", b"caf\xe9"),
    ("utf-16-le", ["--encoding", "UTF-16LE"], b"\x00\xd8\x61\x00", "UTF-16LE", b"\xffa"),
    ("euc-jp", ["--encoding", "EUC-JP"], b"\xff\xfe\xa4\xa2", "EUC-JP", b"\xff\xff\xe3\x81\x82"),
    ("shift-jis", ["--encoding", "SHIFT_JIS"], b"\xa0a", "SHIFT_JIS", b"\xffa"),
])
def test_text_that_is_not_of_the_encoding(here, database, encoding, options, spoilt, name, kept):
    """The record is refused, with its line and, as it was decoded, its bytes; those around it are loaded."""
    lines = [HEADER.encode(encoding), "1,a,b\n".encode(encoding),
             "2,".encode(encoding) + spoilt + ",b\n".encode(encoding), "3,c,d\n".encode(encoding)]
    result = load(here, database, b"".join(lines), "--max-rejects", "1", *options)
    assert result.code == 0, result
    assert loaded(database) == '[[1, "a", "b"], [3, "c", "d"]]'
    assert [(r["line"], r["column"], r["sqlstate"]) for r in rejects(here)] == [(3, "name", "22021")]
    assert rejects(here)[0]["reason"] == f"text is not valid {name}"
    assert base64.b64decode(rejects(here)[0]["bytes_base64"]) == b"2," + kept + b",b"


def test_text_cut_within_a_character(here, database):
    result = load(here, database, (HEADER + "1,a,b\n2,c,dd").encode("utf-16")[:-1], "--max-rejects", "1")
    assert result.code == 0, result
    assert [(r["line"], r["column"], r["sqlstate"]) for r in rejects(here)] == [(3, "note", "22021")]


def test_unknown_encoding(here, database):
    result = load(here, database, TEXT, "--encoding", "klingon")
    assert result.code == 1
    assert 'unknown encoding "klingon"' in result.err


@pytest.mark.parametrize("pack", [
    gzip.compress, zstandard.compress,
    lambda text: gzip.compress(text[:20]) + gzip.compress(text[20:]),
    lambda text: zstandard.compress(text[:20]) + zstandard.compress(text[20:]),
], ids=["gzip", "zstandard", "members", "frames"])
def test_compressed(here, database, pack):
    """Told by content, whatever the name; known again by its own bytes."""
    content = pack(TEXT.encode())
    expect(here, database, content)
    assert database.sql("SELECT file_id, end_offset FROM load_batch") == [
        [hashlib.sha256(content).hexdigest(), str(len(content))]]
    assert "already loaded" in here.run_ok("load", "-t", "t", "f.csv", env=database.environment).err
    expect(here, database, pack(TEXT.encode("utf-16")))


@pytest.mark.parametrize("content, message", [
    (gzip.compress(TEXT.encode())[:-9], "f.csv"),
    (zstandard.compress(TEXT.encode())[:-3], "f.csv"),
    (gzip.compress(b"Obj\x01" + b"x" * 100), "file is Avro in a compressed file"),
    (gzip.compress(b""), "file holds no header line"),
    (b"BZh91AY&SY" + b"x" * 50, "bzip2"),
])
def test_compressed_files_that_are_refused(here, database, content, message):
    result = load(here, database, content)
    assert result.code == 2, result
    assert message in result.err
    assert loaded(database) == ""


@pytest.mark.parametrize("delimiter, option", [("\t", "\\t"), ("\t", "\t"), (";", ";"), ("|", "|"), (" ", " ")])
def test_delimiters(here, database, delimiter, option):
    text = delimiter.join(["id", "name", "note"]) + "\n" + delimiter.join(["1", '"a,""b"', "c,d"]) + "\n"
    expect(here, database, text, "--delimiter", option, rows='[[1, "a,\\"b", "c,d"]]')


@pytest.mark.parametrize("delimiter", [",,", '"', "\n", "é", "\\n"])
def test_delimiters_that_are_none(here, database, delimiter):
    result = load(here, database, TEXT, "--delimiter", delimiter)
    assert result.code == 1
    assert "invalid delimiter" in result.err


def test_null(here, database):
    expect(here, database, HEADER + '1,\\N,"\\N"\n2,,x\n', "--null", "\\N",
           rows='[[1, null, "\\\\N"], [2, "", "x"]]')


@pytest.mark.parametrize("end", ["\n\n\n", "\r\n\r\n", "\n\n" * 300_000])
def test_empty_lines_at_the_end(here, database, end):
    """They are no records."""
    result = expect(here, database, TEXT + end)
    assert "read 3 records = 3 loaded" in result.err


def test_empty_lines_before_the_end(here, database):
    """They are refused one by one, each with its line."""
    text = HEADER + "\n1,a,b\n\n\r\n\n" + '2,"x\ny",d\nbad\n\n'
    result = load(here, database, text, "--max-rejects", "9")
    assert result.code == 0, result
    assert loaded(database) == '[[1, "a", "b"], [2, "x\\ny", "d"]]'
    assert [r["line"] for r in rejects(here)] == [2, 4, 5, 6, 9]
    assert [r["record"] for r in rejects(here)] == [1, 3, 4, 5, 7]
    assert {r["reason"] for r in rejects(here)} == {"record has 1 field, the header has 3"}


def test_empty_lines_in_a_file_of_one_column(here, database):
    """Each is a record whose value is NULL, as for COPY."""
    database.sql("CREATE TABLE IF NOT EXISTS one (name text)")
    result = load(here, database, "name\na\n\nb\n\n", table="one")
    assert result.code == 0, result
    assert database.sql("SELECT count(*), count(name) FROM one") == [["4", "2"]]


def test_ends_of_lines(here, database):
    expect(here, database, TEXT.replace("two\nlines", "two lines").replace("\n", "\r\n"),
           rows=EXPECTED.replace("\\n", " "))
    expect(here, database, TEXT[:-1])
