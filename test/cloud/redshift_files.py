# test/cloud/redshift_files.py - files to load into Redshift, and the command that does it
"""What the tests of the load share."""

import random

import fastavro

ROLE = "arn:aws:iam::123456789012:role/loader"
START = 1710064800000
FIELDS = [{"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "http_method", "type": "string"},
          {"name": "http_path", "type": "string"},
          {"name": "user_id", "type": ["null", "string"]}]


def schema(fields=FIELDS):  # pylint: disable=dangerous-default-value
    return {"type": "record", "name": "HttpLog", "fields": fields}


def records(count, path_bytes=20, seed=1):
    """Rows of a log whose paths do not compress."""
    source = random.Random(seed)
    return [{"timestamp": START + 1000 * number, "http_method": "GET",
             "http_path": "/" + source.randbytes(path_bytes // 2).hex(),
             "user_id": f"u{number % 7}" if number % 11 else None} for number in range(count)]


def write(path, rows, fields=FIELDS, **options):  # pylint: disable=dangerous-default-value
    with open(path, "wb") as file:
        fastavro.writer(file, schema(fields), rows, **{"codec": "deflate", **options})


class Load:
    """The command, with S3 and Redshift, or with proxies before them."""

    def __init__(self, here, s3, redshift):
        self.here, self.s3, self.redshift = here, s3, redshift
        self.environment = s3.environment()
        self.conninfo = redshift.conninfo

    def write(self, name, rows, *arguments, **options):
        write(self.here.path / name, rows, *arguments, **options)
        return name

    def arguments(self, *more):
        return ["load", "--target", "redshift", "--stage", f"s3://{self.s3.bucket}/in/here",
                "--iam-role", ROLE, "-d", self.conninfo, *more]

    def run(self, *more, **changes):
        return self.here.run(*self.arguments(*more), env={**self.environment, **changes})

    def start(self, *more, **changes):
        return self.here.start(*self.arguments(*more), env={**self.environment, **changes})

    def rows(self, table="http_log"):
        return self.redshift.sql(f"SELECT count(*) FROM {table}")[0][0]

    def ledger(self):
        return self.redshift.sql("SELECT load_id, file_name, rows_loaded FROM load_batch ORDER BY 1")
