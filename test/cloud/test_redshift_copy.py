# test/cloud/test_redshift_copy.py - COPY on the double keeps the rules of the real one
"""A double that takes what Redshift refuses would hide mistakes of the loader: so it is tested
itself. The keys of S3 are checked, by versitygw."""

import io
import json

import fastavro
import psycopg2
import pytest

import cases
import redshift_sql
from conftest import PROGRAM, Directory
from redshift_server import SQL, Redshift
from test_redshift_reports import answer, fill

ROLE = "IAM_ROLE 'arn:aws:iam::123456789012:role/loader'"
AVRO = "FORMAT AS AVRO 'auto' TIMEFORMAT 'epochmillisecs'"
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
NOON = 1_710_072_000_000


def schema(time=None, names=("timestamp", "http_method", "http_path", "user_id")):
    types = [time or MILLIS, "string", ["null", "string"], "string"]
    return {"type": "record", "name": "HttpLog",
            "fields": [{"name": name, "type": kind} for name, kind in zip(names, types)]}


def record(number=0, **changed):
    return {"timestamp": NOON + number, "http_method": "GET", "http_path": f"/campaigns/{number}",
            "user_id": f"u{number}", **changed}


def avro(records, kind=None, codec="null", **options):
    file = io.BytesIO()
    fastavro.writer(file, kind or schema(), records, codec=codec, **options)
    return file.getvalue()


class Stage:
    """A folder in the bucket, and a Redshift with our tables."""

    def __init__(self, s3, warehouse):
        self.s3, self.warehouse = s3, warehouse

    def put(self, name, content):
        self.s3.client.put_object(Bucket=self.s3.bucket, Key=name, Body=content)
        return f"s3://{self.s3.bucket}/{name}"

    def copy(self, source, options=AVRO, columns='("timestamp", http_method, http_path, user_id)', role=ROLE):
        self.warehouse.sql(f"COPY http_log {columns} FROM '{source}' {role} {options}")

    def refused(self, source, message, code, *arguments, **options):
        """The COPY fails, and STL_LOAD_ERRORS says why."""
        with pytest.raises(psycopg2.errors.InternalError_, match="Check 'stl_load_errors'"):
            self.copy(source, *arguments, **options)
        row = self.warehouse.sql("SELECT err_code, TRIM(err_reason), TRIM(filename), TRIM(colname), line_number "
                                 "FROM stl_load_errors WHERE query = pg_last_copy_id()")[0]
        assert (row[0], row[2]) == (code, source)
        assert message in row[1]
        return row[3:]

    def count(self):
        return self.warehouse.sql("SELECT COUNT(*) FROM http_log")[0][0]


@pytest.fixture(scope="module")
def warehouse(postgres, s3_process, tmp_path_factory):
    with Redshift(postgres, s3_process, tmp_path_factory.mktemp("front")) as started:
        started.apply()
        yield started


@pytest.fixture
def stage(s3, warehouse):
    warehouse.sql("ROLLBACK; DELETE FROM http_log")
    return Stage(s3, warehouse)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_codecs(codec, stage):
    stage.copy(stage.put(f"codec/{codec}.avro", avro(map(record, range(20)), codec=codec)))
    assert stage.count() == 20
    assert "20 record(s) loaded successfully" in stage.warehouse.connection.notices[-1]
    assert stage.warehouse.sql("SELECT pg_last_copy_count()") == [(20,)]
    assert stage.warehouse.sql('SELECT MIN("timestamp")::varchar FROM http_log') == [("2024-03-10 12:00:00",)]


@pytest.mark.parametrize("codec", ["bzip2", "zstandard", "xz"])
def test_other_codecs(codec, stage):
    content = avro([record()], codec="null").replace(b"\x08null", b"\x08null".replace(
        b"\x08null", bytes([2 * len(codec)]) + codec.encode()))
    with pytest.raises(psycopg2.errors.InternalError_, match="stl_load_errors"):
        stage.copy(stage.put(f"codec/{codec}.avro", content))


def test_without_timeformat(stage):
    source = stage.put("plain.avro", avro([record()]))
    assert stage.refused(source, "Invalid timestamp format or value", 1206,
                         "FORMAT AS AVRO 'auto'") == ("timestamp", 1)


def test_timeformat_is_case_sensitive(stage):
    source = stage.put("plain.avro", avro([record()]))
    stage.refused(source, "Invalid timestamp", 1206, "FORMAT AS AVRO 'auto' TIMEFORMAT 'EpochMillisecs'")


def test_micros_are_no_millis(stage):
    kind = schema({"type": "long", "logicalType": "timestamp-micros"})
    source = stage.put("micros.avro", avro([record(timestamp=NOON * 1000)], kind))
    stage.refused(source, "Invalid timestamp", 1206)


def test_times_as_text(stage):
    source = stage.put("text.avro", avro([record(timestamp="2024-03-10 12:00:00.5")], schema("string")))
    stage.copy(source, "FORMAT AS AVRO 'auto' TIMEFORMAT 'auto'")
    assert stage.count() == 1


def test_file_without_records(stage):
    stage.refused(stage.put("empty.avro", avro([])), "Unexpected end of AVRO file", 0)


def test_cut_file(stage):
    stage.refused(stage.put("cut.avro", avro(map(record, range(50)))[:-30]), "Unexpected end of AVRO file", 0)


def test_block_over_the_limit(stage):
    many = [record(http_path="/" + "x" * 60000) for _ in range(80)]
    stage.refused(stage.put("block.avro", avro(many, codec="deflate", sync_interval=10**8)),
                  "Block is larger than 4 MB", 0)


def test_header_over_the_limit(stage):
    content = avro([record()], metadata={"note": "x" * (1 << 20)})
    stage.refused(stage.put("header.avro", content), "Header is larger than 1 MB", 0)


def test_names_are_compared_in_lower_case(stage):
    names = ("Timestamp", "http_method", "http_path", "User_Id")
    rows = [dict(zip(names, record().values()))]
    source = stage.put("names.avro", avro(rows, schema(names=names)))
    stage.copy(source)
    assert stage.warehouse.sql('SELECT "timestamp", user_id FROM http_log') == [(None, None)]
    stage.copy(source, AVRO.replace("'auto'", "'auto ignorecase'"))
    assert stage.warehouse.sql("SELECT user_id FROM http_log ORDER BY 1") == [("u0",), (None,)]


def test_column_that_must_not_be_null(stage):
    stage.warehouse.sql("DROP TABLE IF EXISTS strict; CREATE TABLE strict (missing INT NOT NULL, user_id VARCHAR(9))")
    source = stage.put("plain.avro", avro([record()]))
    with pytest.raises(psycopg2.errors.InternalError_):
        stage.warehouse.sql(f"COPY strict FROM '{source}' {ROLE} {AVRO}")
    assert stage.warehouse.sql("SELECT err_code, TRIM(colname) FROM stl_load_errors WHERE query = pg_last_copy_id()"
                               ) == [(1213, "missing")]


def test_too_long_for_its_column(stage):
    stage.refused(stage.put("long.avro", avro([record(), record(user_id="ä" * 129)])),
                  "String length exceeds DDL length", 1204)


def test_maxerror(stage):
    rows = [record(n, user_id="x" * (300 if n % 4 == 0 else 3)) for n in range(20)]
    source = stage.put("some.avro", avro(rows))
    stage.refused(source, "String length", 1204, AVRO + " MAXERROR 4")
    assert stage.count() == 0
    stage.copy(source, AVRO + " MAXERROR 5")
    assert stage.count() == 15
    with pytest.raises(psycopg2.errors.InvalidParameterValue):
        stage.copy(source, AVRO + " MAXERROR 100001")


def test_prefix_loads_more_than_its_file(stage):
    source = stage.put("prefix/log1", avro([record(1)]))
    stage.put("prefix/log10", avro([record(10)]))
    stage.copy(source)
    assert stage.count() == 2


def manifest(stage, *urls, mandatory=True):
    entries = [{"url": url, "mandatory": mandatory} for url in urls]
    return stage.put("manifest", json.dumps({"entries": entries}).encode())


def test_manifest(stage):
    source = stage.put("prefix/log1", avro([record(1)]))
    stage.put("prefix/log10", avro([record(10)]))
    stage.copy(manifest(stage, source), AVRO + " MANIFEST")
    assert stage.count() == 1
    stage.copy(manifest(stage, source, source), AVRO + " MANIFEST")
    assert stage.count() == 3


def test_manifest_of_a_missing_file(stage):
    source = stage.put("there.avro", avro([record()]))
    missing = f"s3://{stage.s3.bucket}/missing.avro"
    with pytest.raises(psycopg2.errors.InternalError_, match="NoSuchKey"):
        stage.copy(manifest(stage, source, missing), AVRO + " MANIFEST")
    assert stage.count() == 0
    stage.copy(manifest(stage, source, missing, mandatory=False), AVRO + " MANIFEST")
    assert stage.count() == 1


def test_by_hand(stage):
    """What sql/redshift/load.sql says, a statement at a time."""
    source = stage.put("log.avro", avro(map(record, range(7))))
    listed = manifest(stage, source)
    text = (SQL / "load.sql").read_text(encoding="utf-8").replace("s3://bucket/log.manifest", listed)
    for _ in range(2):
        stage.warehouse.sql("DELETE FROM load_batch; DELETE FROM http_log")
        for one in redshift_sql.statements(text):
            stage.warehouse.sql(redshift_sql.render(one))
        assert stage.warehouse.sql("SELECT COUNT(*), MAX(l.load_id), MAX(b.rows_loaded) FROM http_log AS l "
                                   "JOIN load_batch AS b ON b.load_id = l.load_id") == [(7, 1, 7)]


def test_missing_prefix(stage):
    with pytest.raises(psycopg2.errors.InternalError_, match="prefix 'nowhere/' does not exist"):
        stage.copy(f"s3://{stage.s3.bucket}/nowhere/")


def test_copy_is_of_its_transaction(stage):
    source = stage.put("plain.avro", avro([record()]))
    stage.warehouse.sql("BEGIN")
    stage.copy(source)
    assert stage.count() == 1
    stage.warehouse.sql("ROLLBACK")
    assert stage.count() == 0
    stage.warehouse.sql("BEGIN")
    with pytest.raises(psycopg2.errors.InternalError_):
        stage.copy(stage.put("empty.avro", avro([])))
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        stage.warehouse.sql("SELECT 1")
    stage.warehouse.sql("ROLLBACK")
    assert stage.warehouse.sql("SELECT COUNT(*) FROM stl_load_errors WHERE query = pg_last_copy_id()") == [(1,)]


@pytest.mark.parametrize("options", [
    "AVRO 'auto'", AVRO + " WHATEVER", AVRO + " COMPUPDATE MAYBE", "FORMAT AS CSV", "FORMAT AS AVRO 'nonsense'"])
def test_wrong_options(options, stage):
    with pytest.raises((psycopg2.errors.SyntaxError, psycopg2.errors.FeatureNotSupported)):
        stage.copy(stage.put("plain.avro", avro([record()])), options)


def test_rights(stage):
    source = stage.put("plain.avro", avro([record()]))
    with pytest.raises(psycopg2.errors.SyntaxError, match="credentials"):
        stage.copy(source, role="")
    with pytest.raises(psycopg2.errors.InvalidParameterValue, match="Invalid IAM role"):
        stage.copy(source, role="IAM_ROLE 'loader'")


def test_wrong_keys_of_s3(postgres, s3, stage, tmp_path):
    source = stage.put("plain.avro", avro([record()]))
    wrong = type("Wrong", (), {"endpoint": s3.endpoint, "access": s3.access, "secret": "wrong"})
    with Redshift(postgres, wrong, tmp_path) as started:
        started.apply(["tables"])
        with pytest.raises(psycopg2.errors.InternalError_, match="SignatureDoesNotMatch"):
            started.sql(f"COPY http_log FROM '{source}' {ROLE} {AVRO}")


def test_wrong_password(warehouse):
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(warehouse.conninfo.replace(warehouse.password, "guess"))


def test_real_log(stage, campaigns, extension, tmp_path):
    """From the text log to the report, through our own encoder."""
    log = cases.real(campaigns)
    here = Directory(tmp_path)
    here.run_ok("encode", "-o", tmp_path / "log.avro", campaigns / "http_log.txt")
    fill(stage.warehouse, cases.Log("pairs", [], log.pairs))
    stage.copy(stage.put("real.avro", (tmp_path / "log.avro").read_bytes()))
    found = answer(stage.warehouse.sql("SELECT * FROM session_report"))
    assert found == extension.report(log)
    assert (len(found), sum(row[5] for row in found)) == (7377, 340)
    stage.warehouse.sql("CALL refresh_sessions()")
    assert answer(stage.warehouse.sql("SELECT * FROM sessions")) == found
