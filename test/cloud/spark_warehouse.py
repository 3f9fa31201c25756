# test/cloud/spark_warehouse.py - sql/spark on PySpark, over Avro files
"""One Spark for all tests, since to start one takes its time; local, with two cores."""

import os
import re

import fastavro
from pyspark.sql import SparkSession

from conftest import ROOT, SOAK

SQL = ROOT / "sql" / "spark"
JAR = ROOT / "build" / "java" / "spark-avro_2.13.jar"
VIEWS = ("load", "session_event", "session_items", "session_report", "campaign_engagement", "weekly_rewards")
TABLES = ("tables", "sessions")
NULLABLE = [("timestamp", {"type": "long", "logicalType": "timestamp-micros"}), ("http_method", "string"),
            ("http_path", "string"), ("user_id", "string")]
SCHEMA = {"type": "record", "name": "HttpLog",
          "fields": [{"name": name, "type": ["null", kind]} for name, kind in NULLABLE]}


# Small queries are done before their compiled form is: a soak run takes the defaults.
QUICK = {} if SOAK else {
    "spark.sql.codegen.wholeStage": "false", "spark.sql.shuffle.partitions": 2,
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


def statements(name):
    """The statements of a file, comments removed."""
    text = re.sub(r"^ *--.*\n", "", (SQL / f"{name}.sql").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [one.strip() for one in text.split(";\n") if one.strip()]


def start(folder):
    """A Spark that writes below folder and talks to this machine only."""
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["SPARK_LOCAL_DIRS"] = str(folder / "local")
    builder = SparkSession.builder.master("local[2]")
    for name, value in {
        "spark.jars": JAR, "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": folder / "warehouse", "spark.sql.shuffle.partitions": 4,
        "spark.sql.session.timeZone": "UTC", "spark.driver.memory": "1g",
        **QUICK}.items():
        builder = builder.config(name, str(value))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


class Warehouse:
    """The objects of sql/spark in a database of their own, over a folder of Avro files."""

    def __init__(self, session, folder, name):
        self.session, self.log = session, folder / name
        self.log.mkdir(mode=0o777)
        session.sql(f"CREATE DATABASE {name}")
        session.sql(f"USE {name}")
        session.sql(f"SET clickstream.log={self.log.as_uri()}")
        for one in TABLES + VIEWS:
            self.run(one)
        self.files = 0

    def run(self, name):
        for statement in statements(name):
            self.session.sql(statement)

    def rows(self, text):
        return [tuple(row) for row in self.session.sql(text).collect()]

    def add(self, rows):
        """Put rows (user_id, time, http_method, http_path) into the log, as a file more."""
        self.files += 1
        with open(self.log / f"{self.files}.avro", "wb") as file:
            fastavro.writer(file, SCHEMA, [
                dict(zip(("timestamp", "http_method", "http_path", "user_id"), (time, method, path, user)))
                for user, time, method, path in rows], codec="snappy")
        self.session.sql("REFRESH TABLE http_log")

    def put(self, table, rows, types, columns="*"):
        """Replace the rows of a table, by these columns of the rows given."""
        frame = self.session.createDataFrame([tuple(row) for row in rows], types)
        frame.createOrReplaceTempView("given")
        self.session.sql(f"INSERT OVERWRITE TABLE {table} SELECT {columns} FROM given")
