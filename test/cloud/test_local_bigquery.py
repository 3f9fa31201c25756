# test/cloud/test_local_bigquery.py - sql/bigquery on local-bigquery, for what ZetaSQL cannot show
"""That the tables can be made, and that Avro of ours loads with its logical types. It does not know
all of GoogleSQL: table functions are put into the query as for ZetaSQL, and the prefix SAFE is left out."""

import json
import os
import socket
import subprocess
import time

import pytest

import cases
from conftest import ROOT, Directory
from s3_server import free_port

pytest.importorskip("zetasql", reason="zetasql is not there")
import googlesql  # noqa: E402

BIN = ROOT / "build" / "local-bigquery" / "bin"
EXTENSIONS = "from duckdb_extensions import import_extension\nfor one in ('ducklake', 'icu', 'spatial'): " \
             "import_extension(one)"


class Server:
    """A local-bigquery, and the client that asks it."""

    def __init__(self, folder):
        environment = {**os.environ, "HOME": str(folder)}
        subprocess.run([BIN / "python", "-c", EXTENSIONS], env=environment, check=True)
        ports = [free_port(), free_port()]
        (folder / "data").mkdir()
        self.log = open(folder / "log", "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [BIN / "python", BIN / "local-bigquery", "--host", "127.0.0.1", "--port", str(ports[0]),
             "--grpc-port", str(ports[1]), "--project", "p1", "--data-dir", folder / "data", "serve"],
            env=environment, stdout=self.log, stderr=self.log)
        wait_for(ports[0], self.process)
        self.client = subprocess.Popen(
            [BIN / "python", ROOT / "test" / "cloud" / "local_bigquery_client.py", str(ports[0])],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *what):
        self.client.stdin.write(json.dumps(list(map(str, what))) + "\n")
        self.client.stdin.flush()
        answer = json.loads(self.client.stdout.readline())
        assert not isinstance(answer, dict), answer["error"]
        return answer

    def stop(self):
        self.client.stdin.close()
        self.client.wait()
        self.client.stdout.close()
        self.process.terminate()
        self.process.wait()
        self.log.close()


def wait_for(port, process):
    """Until the server answers; if it ends instead, that is told at once."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("local-bigquery did not start")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not (ROOT / "build" / "local-bigquery" / "requirements.txt").exists():
        pytest.skip("local-bigquery is not there: it wants Python 3.13")
    if subprocess.run([BIN / "python", "-c", ""], check=False, capture_output=True).returncode != 0:
        pytest.skip("local-bigquery's Python 3.13 is not for this user to run")
    started = Server(tmp_path_factory.mktemp("bigquery", numbered=True))
    try:
        for statement in googlesql.read_sql()["tables"].split(";\n"):
            if statement.strip():
                started.ask("query", statement)
        yield started
    finally:
        started.stop()


def test_real_log(server, campaigns, extension, tmp_path):
    """From the text log by our Avro to the report."""
    log = cases.real(campaigns)
    Directory(tmp_path).run_ok("encode", "-o", tmp_path / "log.avro", campaigns / "http_log.txt")
    server.ask("query", "CREATE TABLE clickstream.http_log_stage (timestamp TIMESTAMP, http_method STRING, "
                        "http_path STRING, user_id STRING)")
    assert server.ask("load", "p1.clickstream.http_log_stage", tmp_path / "log.avro", "AVRO") == 16000
    server.ask("query", "INSERT INTO clickstream.http_log SELECT timestamp, http_method, http_path, user_id, 1 "
                        "FROM clickstream.http_log_stage")
    server.ask("load", "p1.clickstream.campaign_reward_mapping", campaigns / "campaign_reward_mapping.csv", "CSV")
    report = googlesql.inlined(
        "SELECT user_id, UNIX_MICROS(session_start) AS session_start, UNIX_MICROS(session_end) AS session_end, "
        "campaigns, rewards_issued, reward_driven_by_campaign_view FROM clickstream.session_report(NULL, NULL)")
    found = cases.by_user([tuple(row) for row in server.ask("query", report.replace("SAFE.", ""))])
    assert found == extension.report(log)
    assert (len(found), sum(row[5] for row in found)) == (7377, 340)
