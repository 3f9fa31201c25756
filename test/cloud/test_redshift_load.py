# test/cloud/test_redshift_load.py - load --target redshift: what it makes of good files and bad ones
"""Everything is held against the front's rules, which are stricter than the real one's where these
are not known."""

import copy
import datetime
import json

import fastavro
import pytest

from redshift_files import FIELDS, ROLE, START, Load, records
from s3_faults import WireProxy

FOLDER = "in/here/"


@pytest.fixture
def load(here, s3, tables):
    return Load(here, s3, tables)


def fields(**types):
    """The fields of the log, some of another type."""
    return [{**field, "type": types.get(field["name"], field["type"])} for field in FIELDS]


def refused(load, name, *words, code=2):
    """Loading is refused with these words, and nothing was uploaded."""
    done = load.run(name)
    assert done.code == code, done
    for word in words:
        assert word in done.err, done
    assert f"Nothing of {name} was uploaded." in done.err, done
    assert load.s3.keys() == [] and load.s3.uploads() == []
    assert load.rows() == 0 and load.ledger() == []
    return done


def repaired(load, name, rows):
    """Loading goes well; the rows are those given."""
    done = load.run("--keep-staged", name)
    assert done.code == 0, done
    found = load.redshift.sql("SELECT (extract(epoch FROM \"timestamp\") * 1000)::bigint, http_method,"
                              " http_path, user_id FROM http_log")
    assert sorted(map(str, found)) == sorted(
        str((row["timestamp"], row["http_method"], row["http_path"], row["user_id"])) for row in rows)
    return done


def test_load(load):
    name = load.write("log.avro", records(1000))
    done = load.run(name)
    assert done.code == 0, done
    assert done.err.splitlines()[-1].endswith(
        "log.avro: read 1000 records = 1000 loaded + 0 rejected into public.http_log (load 1)")
    assert load.rows() == 1000
    assert load.redshift.sql("SELECT DISTINCT load_id FROM http_log") == [(1,)]
    assert load.s3.keys() == []
    done = load.run(name)
    assert done.code == 0 and "already loaded into public.http_log (load 1, 1000 rows)" in done.err
    assert load.rows() == 1000


def test_ledger(load):
    name = load.write("log.avro", records(10), metadata={"clickstream.source_sha256": "5" * 64})
    assert load.run(name).code == 0
    assert load.redshift.sql(
        "SELECT load_id, table_name, file_name, length(file_id), source_sha256, length(checksum), rows_read,"
        " rows_loaded, refreshed FROM load_batch") == [
            (1, "public.http_log", name, 64, "5" * 64, 64, 10, 10, False)]
    again = load.write("again.avro", records(10, seed=2), metadata={"clickstream.source_sha256": "5" * 64})
    done = load.run(again)
    assert done.code == 2 and "already in public.http_log" in done.err and '"--again"' in done.err
    assert load.s3.keys() == []
    assert load.run("--again", again).code == 0
    assert [row[0] for row in load.ledger()] == [1, 2] and load.rows() == 20


def test_same_header_other_bytes(load):
    name = load.write("log.avro", records(10), sync_marker=b"0123456789abcdef")
    assert load.run(name).code == 0
    load.write("log.avro", records(11), sync_marker=b"0123456789abcdef")
    done = load.run(name)
    assert done.code == 2 and "its bytes have changed" in done.err
    assert load.rows() == 10


def test_several_files(load):
    names = [load.write(f"{number}.avro", records(number + 1, seed=number)) for number in range(4)]
    assert load.run(*names).code == 0
    assert load.rows() == 10 and [row[0] for row in load.ledger()] == [1, 2, 3, 4]


def test_keep_staged(load):
    """The manifest names each part once, as mandatory; the parts are whole Avro files."""
    rows = records(3000, 2000)
    name = load.write("log.avro", rows, codec="null", sync_interval=64000)
    done = load.run("--slices", "3", "--keep-staged", name)
    assert done.code == 0, done
    keys = load.s3.keys()
    parts = [key for key in keys if key.endswith(".avro")]
    manifest, = [key for key in keys if key.endswith(".json")]
    assert len(parts) == 3 and all(key.startswith(FOLDER) for key in keys)
    entries = json.loads(load.s3.read(manifest))["entries"]
    assert entries == [{"url": f"s3://{load.s3.bucket}/{key}", "mandatory": True} for key in sorted(parts)]
    sizes, found = [], []
    for key in sorted(parts):
        content = load.s3.read(key)
        sizes.append(len(content))
        (load.here.path / "part.avro").write_bytes(content)
        with open(load.here.path / "part.avro", "rb") as file:
            found += list(fastavro.reader(file, return_record_name=True))
    assert max(sizes) < 1.1 * min(sizes)
    assert [row["http_path"] for row in found] == [row["http_path"] for row in rows]
    # a second run knows them, and leaves them alone
    assert load.run("--slices", "3", "--keep-staged", name).code == 0
    assert load.s3.keys() == keys
    assert load.run(name).code == 0
    assert load.s3.keys() == []


def test_jobs(load):
    """Several objects at a time; what is staged is the same."""
    rows = records(4000, 2000)
    name = load.write("log.avro", rows, codec="null", sync_interval=64000)
    assert load.run("--jobs", "3", "--slices", "7", "--keep-staged", name).code == 0
    assert load.rows() == 4000
    keys = load.s3.keys()
    assert len(keys) == 8
    load.redshift.sql("DELETE FROM http_log")
    load.redshift.sql("DELETE FROM load_batch")
    done = load.run("-v", "--slices", "7", name)
    assert done.code == 0 and "staged as 7 files: 0 bytes sent" in done.err
    assert load.rows() == 4000


def test_count_of_parts(load):
    """No more parts than megabytes."""
    name = load.write("log.avro", records(2500, 1000), codec="null", sync_interval=16000)
    assert load.run("--slices", "8", "--keep-staged", name).code == 0
    assert len([key for key in load.s3.keys() if key.endswith(".avro")]) == 2


def test_schema_and_table(load):
    assert load.here.run("init", "--target", "redshift", "--schema", "Other one", "-d", load.conninfo).code == 0
    load.redshift.sql("CREATE TABLE \"Other one\".\"t'2\" (\"timestamp\" timestamp, http_method varchar(9),"
                      " http_path varchar(99), user_id varchar(9))")
    name = load.write("it's.avro", records(5))
    done = load.run("--schema", "Other one", "-t", "t'2", name)
    assert done.code == 0, done
    assert load.rows("\"Other one\".\"t'2\"") == 5


def test_no_ledger(here, s3, redshift):
    load = Load(here, s3, redshift)
    name = load.write("log.avro", records(1))
    done = load.run(name)
    assert done.code == 1 and "init --target redshift" in done.err
    redshift.sql("CREATE TABLE http_log (\"timestamp\" timestamp)")
    done = load.run(name)
    assert done.code == 1 and "has no table \"load_batch\"" in done.err
    assert s3.keys() == []


def test_no_records(load):
    name = load.write("log.avro", [])
    done = load.run(name)
    assert done.code == 0, done
    assert "Redshift would refuse it" in done.err and "read 0 records" in done.err
    assert load.s3.keys() == [] and load.ledger() == []


def test_capitals(load):
    rows = records(50)
    renamed = [dict(field, name=field["name"].title()) for field in FIELDS]
    name = load.write("log.avro", [{key.title(): value for key, value in row.items()} for row in rows], renamed)
    assert "would load NULL" in repaired(load, name, rows).err
    for key in load.s3.keys():
        if key.endswith(".avro"):
            assert b'"http_path"' in load.s3.read(key) and b"Http_Path" not in load.s3.read(key)


@pytest.mark.parametrize("codec", ["zstandard", "bzip2", "xz"])
def test_codec(load, codec):
    rows = [dict(row, user_id="u") for row in records(5000, 200)]
    start = datetime.datetime(2024, 3, 10, 10)
    assert start.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000 == START
    (load.here.path / "log.txt").write_text("".join(
        f"{(start + datetime.timedelta(seconds=number)).isoformat()}Z GET {row['http_path']} u\n"
        for number, row in enumerate(rows)))
    assert load.here.run("encode", "--codec", codec, "log.txt").code == 0
    assert "has a codec that Redshift would refuse" in repaired(load, "log.avro", rows).err


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_codec_as_it_is(load, codec):
    rows = records(500)
    name = load.write("log.avro", rows, codec=codec)
    assert "new blocks" not in repaired(load, name, rows).err


def test_large_block(load):
    rows = records(6000, 1000)
    name = load.write("log.avro", rows, codec="null", sync_interval=5 * 1024 * 1024)
    assert "has blocks larger than 4 MiB" in repaired(load, name, rows).err


def test_large_header(load):
    rows = records(5)
    name = load.write("log.avro", rows, metadata={"note": "x" * 1500000})
    assert "without the metadata" in repaired(load, name, rows).err


def test_empty_block(load):
    rows = records(40)
    name = load.write("log.avro", rows[:20])
    path = load.here.path / name
    content = path.read_bytes()
    marker = content[-16:]
    load.write("more.avro", rows[20:], sync_marker=marker)
    more = (load.here.path / "more.avro").read_bytes()
    at = more.index(marker) + 16
    path.write_bytes(content + b"\x00\x04\x03\x00" + marker + more[at:])
    assert "has empty blocks" in repaired(load, name, rows).err


def test_micros(load):
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    rows = [dict(row, timestamp=row["timestamp"] * 1000) for row in records(5)]
    name = load.write("log.avro", rows, fields(timestamp=micros))
    refused(load, name, 'field "timestamp"', "take them for milliseconds", "56,000")


def test_micros_as_number(load):
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    load.redshift.sql("CREATE TABLE raw (\"timestamp\" bigint, http_method varchar(9), http_path varchar(99),"
                      " user_id varchar(9))")
    rows = [dict(row, timestamp=row["timestamp"] * 1000) for row in records(5)]
    name = load.write("log.avro", rows, fields(timestamp=micros))
    assert load.run("-t", "raw", name).code == 0
    assert load.redshift.sql("SELECT min(\"timestamp\") FROM raw") == [(START * 1000,)]


@pytest.mark.parametrize("kind, value, words", [
    ("long", 5, ("without a unit",)),
    ({"type": "int", "logicalType": "date"}, 5, ("number of days",)),
    ({"type": "int", "logicalType": "time-millis"}, 5, ("no column of dates or times",)),
    ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, b"\x01", ("decimal",)),
    (["long", "string"], 5, ("union of several types",)),
    ({"type": "map", "values": "long"}, {"a": 1}, ("is nested",)),
    ("bytes", b"\x01", ("holds bytes",)),
    ("boolean", True, ("does not fit",)),
])
def test_types(load, kind, value, words):
    rows = [dict(records(1)[0], timestamp=value)]
    fastavro.write.LOGICAL_WRITERS.clear()
    name = load.write("log.avro", rows, fields(timestamp=copy.deepcopy(kind)))
    refused(load, name, 'field "timestamp"', "Redshift", *words)


def test_times_as_text(load):
    rows = [dict(row, timestamp="2024-03-10 08:00:00") for row in records(5)]
    name = load.write("log.avro", rows, fields(timestamp="string"))
    done = load.run("-v", name)
    assert done.code == 0 and "TIMEFORMAT" not in done.err
    assert load.redshift.sql("SELECT DISTINCT \"timestamp\"::text FROM http_log") == [("2024-03-10 08:00:00",)]


def test_times_of_two_forms(load):
    load.redshift.sql("CREATE TABLE two (a timestamp, b timestamp)")
    name = load.write("log.avro", [{"a": START, "b": "2024-03-10"}],
                      [{"name": "a", "type": FIELDS[0]["type"]}, {"name": "b", "type": "string"}])
    done = load.run("-t", "two", name)
    assert done.code == 2 and 'field "b"' in done.err and "in one form" in done.err
    assert load.s3.keys() == []


def test_unknown_field(load):
    more = [*FIELDS, {"name": "agent", "type": "string"}]
    name = load.write("log.avro", [dict(row, agent="x") for row in records(5)], more)
    refused(load, name, 'field "agent" has no column', "leave it out")


def test_column_without_field(load):
    load.redshift.sql("CREATE TABLE strict (user_id varchar(9), must varchar(9) NOT NULL)")
    name = load.write("log.avro", [{"user_id": "a"}], [{"name": "user_id", "type": "string"}])
    done = load.run("-t", "strict", name)
    assert done.code == 2 and 'column "must"' in done.err
    assert load.s3.keys() == []


def test_null_in_column_that_must_not(load):
    load.redshift.sql("CREATE TABLE strict (user_id varchar(9) NOT NULL)")
    name = load.write("log.avro", [{"user_id": "a"}, {"user_id": None}],
                      [{"name": "user_id", "type": ["null", "string"]}])
    done = load.run("-t", "strict", name)
    assert done.code == 2 and "record 2" in done.err and "NULL" in done.err
    assert load.s3.keys() == []


def test_long_text(load):
    rows = records(7)
    rows[4]["http_method"] = "x" * 65
    name = load.write("log.avro", rows)
    refused(load, name, "record 5", 'column "http_method"', "has 65 bytes", "character varying(64) takes 64")


def test_large_row(load):
    load.redshift.sql("CREATE TABLE wide (" + ", ".join(f"c{i} varchar(65535)" for i in range(70)) + ")")
    name = load.write("log.avro", [{f"c{i}": "x" * 65000 for i in range(70)}],
                      [{"name": f"c{i}", "type": "string"} for i in range(70)], codec="null")
    done = load.run("-t", "wide", name)
    assert done.code == 2 and "record 1 is larger than 4 MiB" in done.err, done
    assert load.s3.keys() == []


def test_bad_text(load):
    rows = records(3)
    rows[1]["http_path"] = "\0"
    refused(load, load.write("log.avro", rows), "record 2", 'column "http_path"')


def test_damaged_file(load):
    name = load.write("log.avro", records(3000), codec="null")
    path = load.here.path / name
    path.write_bytes(path.read_bytes()[:-20])
    refused(load, name, "log.avro:")


@pytest.mark.parametrize("content", [b"", b"timestamp,http_method\n", b"Obj\x01"])
def test_no_avro(load, content):
    (load.here.path / "log.csv").write_bytes(content)
    refused(load, "log.csv", "log.csv")


def test_not_a_record(load):
    with open(load.here.path / "log.avro", "wb") as file:
        fastavro.writer(file, "long", [1, 2])
    refused(load, "log.avro", "its type is long, not record")


def test_load_errors_are_shown(load):
    """What only Redshift finds out: its tables say record, column and reason."""
    load.redshift.sql("CREATE TABLE small (a integer)")
    name = load.write("log.avro", [{"a": number} for number in (1, 2, 2**40, 4)],
                      [{"name": "a", "type": "long"}])
    done = load.run("-t", "small", name)
    assert done.code == 2, done
    assert 'log.avro: record 3, column "a": ' in done.err and "load error 1216" in done.err
    assert load.s3.keys() == [] and load.ledger() == [] and load.rows("small") == 0


def test_load_errors_of_serverless(load):
    """Where the cluster's table cannot be read, the other one is asked."""
    load.redshift.sql("CREATE TABLE small (a integer)")
    name = load.write("log.avro", [{"a": 2**40}], [{"name": "a", "type": "long"}])
    with WireProxy(load.redshift.port) as proxy:
        proxy.restart(lambda number, step: "1023" if "stl_load_errors" in step else None)
        load.conninfo = load.conninfo.replace(f"port={load.redshift.port}", f"port={proxy.port}")
        done = load.run("-t", "small", name)
    assert done.code == 2 and 'log.avro: record 1, column "a": ' in done.err, done
    assert any("sys_load_error_detail" in step for step in proxy.steps)


@pytest.mark.parametrize("arguments, word", [
    (["--iam-role", ROLE], "--stage"),
    (["--stage", "s3://b/c", "--iam-role", ROLE], "place in S3"),
    (["--stage", "s3://stage/x"], "role"),
    (["--stage", "http://stage/x", "--iam-role", ROLE], "no place in S3"),
    (["--stage", "s3://stage/a//b", "--iam-role", ROLE], "no place in S3"),
    (["--stage", "s3://stage/a", "--iam-role", "AKIASECRET"], "no ARN"),
    (["--stage", "s3://stage/a", "--iam-role", ROLE, "--slices", "20000"], "--slices"),
    (["--stage", "s3://stage/a", "--iam-role", ROLE, "--truncate"], "does not go"),
    (["--stage", "s3://stage/a", "--iam-role", ROLE, "--batch", "2"], "does not go"),
    (["--stage", "s3://stage/a", "--iam-role", ROLE, "--jobs", "0"], "--jobs"),
])
def test_usage(here, s3, arguments, word):
    done = here.run("load", "--target", "redshift", *arguments, "x.avro", env=s3.environment())
    assert done.code == 1 and word in done.err, done
    assert "AKIASECRET" not in done.err


def test_options_of_the_other_target(here):
    done = here.run("load", "--keep-staged", "x.avro")
    assert done.code == 1 and '"--target redshift" only' in done.err


def test_init(here, s3, redshift):
    """What init puts in place is what load needs; a second run changes nothing."""
    load = Load(here, s3, redshift)
    for _ in range(2):
        done = here.run("init", "--target", "redshift", "-d", redshift.conninfo)
        assert done.code == 0 and "are in place in schema" in done.err, done
    assert here.run("init", "--target", "redshift", "--schema", "My own", "-d", redshift.conninfo).code == 0
    name = load.write("log.avro", records(3))
    assert load.run(name).code == 0
    assert load.run("--schema", "My own", name).code == 0
    assert load.rows() == 3 and load.rows('"My own".http_log') == 3
    assert redshift.sql("SELECT count(*) FROM session_report") != [(0,)]


def test_encode(load):
    """A log goes all the way."""
    here = load.here
    (here.path / "log.txt").write_bytes(
        b"2024-03-10T08:00:00Z GET /campaigns/1 u1\n2024-03-10T08:01:00Z POST /rewards/2 u1\n")
    assert here.run("encode", "--target", "redshift", "log.txt").code == 0
    assert load.run("log.avro").code == 0
    assert load.redshift.sql("SELECT \"timestamp\"::text, http_path FROM http_log ORDER BY 1") == [
        ("2024-03-10 08:00:00", "/campaigns/1"), ("2024-03-10 08:01:00", "/rewards/2")]


@pytest.mark.parametrize("change, word", [
    (("timestamp-millis", "timestamp-micros"), "milliseconds"),
    (("http_path", "Http_Path"), ""),
])
def test_encode_refuses(here, change, word):
    schema = json.dumps({"type": "record", "name": "HttpLog", "fields": FIELDS}).replace(*change)
    (here.path / "s.avsc").write_text(schema)
    (here.path / "log.txt").write_bytes(b"2024-03-10T08:00:00Z GET /campaigns/1 u1\n")
    done = here.run("encode", "--target", "redshift", "--schema", "s.avsc", "log.txt")
    assert done.code in (1, 2) and word in done.err, done
    assert not (here.path / "log.avro").exists()
    done = here.run("encode", "--target", "redshift", "--codec", "zstandard", "log.txt")
    assert done.code == 1 and "codec zstandard" in done.err


def test_real_log(load, campaigns):
    """The log of the campaigns: encoded, staged in a codec that must be repaired, loaded, reported."""
    assert load.here.run("encode", "--codec", "zstandard", "-o", "log.avro", campaigns / "http_log.txt").code == 0
    done = load.run("--slices", "2", "log.avro")
    assert done.code == 0 and "read 16000 records = 16000 loaded + 0 rejected" in done.err, done
    with open(campaigns / "campaign_reward_mapping.csv", encoding="utf-8") as file:
        pairs = [line.strip() for line in file][1:]
    load.redshift.sql("INSERT INTO campaign_reward_mapping " + " UNION ALL ".join(
        "SELECT " + pair.replace('"', "") for pair in pairs))
    assert load.redshift.sql("SELECT count(*), sum(CASE WHEN reward_driven_by_campaign_view THEN 1 ELSE 0 END)"
                             " FROM session_report") == [(7377, 340)]
    load.redshift.sql("DELETE FROM campaign_reward_mapping")


def test_load_id_of_the_file(load):
    """A file that has the column itself keeps it."""
    rows = [dict(row, load_id=70 + number) for number, row in enumerate(records(2))]
    name = load.write("log.avro", rows, [*FIELDS, {"name": "load_id", "type": "long"}])
    assert load.run(name).code == 0
    assert load.redshift.sql("SELECT load_id FROM http_log ORDER BY 1") == [(70,), (71,)]


def test_interrupt_while_waiting(load):
    """A load that waits for another one can be interrupted."""
    name = load.write("log.avro", records(2))
    other = load.redshift.connect()
    other.autocommit = False
    other.cursor().execute("LOCK load_batch")
    process = load.start("-v", name)
    for line in process.stderr:
        if b"SELECT load_id" in line:
            break
    process.send_signal(2)
    _, err = process.communicate(timeout=60)
    other.rollback()
    other.close()
    assert process.returncode == 4 and b"interrupted" in err, err
    assert load.run(name).code == 0 and load.rows() == 2
