# bench/spark_peer.py - the session report by sql/spark on a Spark with two worker processes;
# started by spark.py in the environment of the cloud tests.
#
# Usage: spark_peer.py LOG MAPPING DIRECTORY. For each line on standard input it makes the
# report once, and prints the seconds and the numbers that the rows reduce to.
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]
# Each has one core, and is a process of its own, beside the driver's.
WORKERS = "local-cluster[2,1,2048]"
OBJECTS = ("tables", "load", "session_event", "session_items", "session_report")
SIGNATURE = """SELECT COUNT(*), COUNT_IF(reward_driven_by_campaign_view),
    SUM(UNIX_SECONDS(session_start)), SUM(UNIX_SECONDS(session_end)),
    SUM(SIZE(campaigns)), SUM(SIZE(rewards_issued)),
    SUM(COALESCE(GET(campaigns, 0), 0)), SUM(COALESCE(GET(rewards_issued, 0), 0)) FROM session_report"""
# Of every row as text, and of each list in its order.
CHECKSUM = """SELECT SUM(CAST(CONV(SUBSTR(MD5(CONCAT_WS('|', user_id, UNIX_MICROS(session_start),
    UNIX_MICROS(session_end), ARRAY_JOIN(TRANSFORM(campaigns, i -> CAST(i AS STRING)), ','),
    ARRAY_JOIN(TRANSFORM(rewards_issued, i -> CAST(i AS STRING)), ','),
    CAST(reward_driven_by_campaign_view AS STRING))), 1, 15), 16, 10) AS DECIMAL(38, 0))) FROM session_report"""


def start(directory):
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master(WORKERS)
    for name, value in {
        "spark.jars": ROOT / "build" / "java" / "spark-avro_2.13.jar",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": f"{directory}/warehouse",
        "spark.local.dir": f"{directory}/local",
        "spark.executor.memory": "2g",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": 4,
    }.items():
        builder = builder.config(name, str(value))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def statements(name):
    text = (ROOT / "sql" / "spark" / f"{name}.sql").read_text(encoding="utf-8")
    text = re.sub(r"^ *--.*\n", "", text, flags=re.MULTILINE)
    return [one for one in text.split(";\n") if one.strip()]


def numbers(session, query):
    return [int(value) for value in session.sql(query).collect()[0]]


def main():
    log, mapping, directory = sys.argv[1:]
    session = start(directory)
    session.sql(f"SET clickstream.log={Path(log).as_uri()}")
    for name in OBJECTS:
        for statement in statements(name):
            session.sql(statement)
    session.read.csv(mapping, header=True, schema="campaign_id BIGINT, reward_id BIGINT").createOrReplaceTempView(
        "given")
    session.sql("INSERT INTO campaign_reward_mapping SELECT * FROM given")
    executors = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
    print(executors, *numbers(session, CHECKSUM), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        found = numbers(session, SIGNATURE)
        print(time.perf_counter() - began, *found, flush=True)
    session.stop()
    # the workers' folders, each with a copy of the jar
    shutil.rmtree(Path(os.environ["SPARK_HOME"]) / "work", ignore_errors=True)


if __name__ == "__main__":
    main()
