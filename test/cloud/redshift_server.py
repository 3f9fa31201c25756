# test/cloud/redshift_server.py - start the front, and ask it as a client would
"""Statements go through psycopg2, whose simple protocol is what most clients of Redshift speak."""

import itertools
import subprocess
import sys

import psycopg2

from conftest import ROOT

SQL = ROOT / "sql" / "redshift"
# As "clickstream init --target redshift" applies them.
OBJECTS = ("tables", "session_event", "session_items", "session_report", "sessions",
           "refresh_sessions",
           "campaign_engagement", "weekly_rewards")
FRONT = ROOT / "test" / "cloud" / "redshift_front.py"
numbers = itertools.count(1)


class Redshift:
    """A front of its own, over a new database of the PostgreSQL; s3 may be None."""

    host, user, password, dbname = "127.0.0.1", "awsuser", "Secret-1", "dev"

    def __init__(self, postgres, s3, directory):
        self.database = f"redshift_{next(numbers)}"
        postgres.sql(f"CREATE DATABASE {self.database}")
        place = postgres.environment
        self.log = open(directory / f"{self.database}.log", "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [sys.executable, FRONT, "--socket", f"{place['PGHOST']}/.s.PGSQL.{place['PGPORT']}",
             "--database", self.database, "--password", self.password,
             "--endpoint", s3.endpoint if s3 else "http://127.0.0.1:1",
             "--access", s3.access if s3 else "none", "--secret", s3.secret if s3 else "none"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.port = self.process.stdout.readline().decode().strip()
        assert self.port, (directory / f"{self.database}.log").read_text()
        self.connection = None

    @property
    def conninfo(self):
        return (f"host={self.host} port={self.port} user={self.user} password={self.password} "
                f"dbname={self.dbname} sslmode=disable client_encoding=UTF8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def connect(self):
        connection = psycopg2.connect(self.conninfo)
        connection.autocommit = True
        return connection

    def sql(self, text):
        """Run SQL on the front's own connection; return its rows, if any, as tuples."""
        if self.connection is None or self.connection.closed:
            self.connection = self.connect()
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    def apply(self, names=OBJECTS):
        """Put the objects of sql/redshift in place."""
        self.sql("BEGIN")
        for name in names:
            self.sql((SQL / f"{name}.sql").read_text(encoding="utf-8"))
        self.sql("COMMIT")
