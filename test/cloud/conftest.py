# test/cloud/conftest.py - what the tests of the cloud targets share
"""The doubles, each started once and only where a test asks for it. Where a tool cannot be had,
its tests are skipped by name."""

import importlib.util
import os
import pathlib
import sys

import pytest

PYTHON = pathlib.Path(__file__).resolve().parents[1] / "python"
sys.path.append(str(PYTHON))
_spec = importlib.util.spec_from_file_location("python_conftest", PYTHON / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
# The other modules of test/python ask this one for them.
ROOT, PROGRAM, SOAK, SEED = _module.ROOT, _module.PROGRAM, _module.SOAK, _module.SEED
Directory, pytest_report_header, here = _module.Directory, _module.pytest_report_header, _module.here

from redshift_server import Redshift  # noqa: E402
from s3_server import S3, SERVER  # noqa: E402
from server import STAGE, Server  # noqa: E402

DATA = pathlib.Path(os.environ.get("CLICKSTREAM_DATA", ROOT / "../shared/data"), "campaigns")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A PostgreSQL with the extension: the rows to compare with, and what is behind the front."""
    if STAGE is None:
        pytest.skip("CLICKSTREAM_STAGE is not set: run make check")
    started = Server(tmp_path_factory.mktemp("server", numbered=True) / "s")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def s3_process(tmp_path_factory):
    """An S3 server for all tests."""
    if not SERVER.exists():
        pytest.skip("versitygw is not there: scripts/versitygw builds it")
    started = S3(tmp_path_factory.mktemp("s3", numbered=True) / "data")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def s3(s3_process):
    """S3 with an empty bucket: endpoint, access, secret, region, bucket."""
    s3_process.empty()
    return s3_process


@pytest.fixture
def redshift(postgres, s3, tmp_path):
    """The double of Redshift, empty: host, port, user, password, dbname and conninfo."""
    with Redshift(postgres, s3, tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def redshift_with_tables(postgres, s3_process, tmp_path_factory):
    """The double of Redshift with the objects of sql/redshift, for all tests of a module."""
    with Redshift(postgres, s3_process, tmp_path_factory.mktemp("front", numbered=True)) as started:
        started.apply()
        yield started


@pytest.fixture
def tables(redshift_with_tables):
    """The same with nothing in its tables, and no table of another test."""
    ours = ["load_batch", "http_log"]
    for name in ours:
        redshift_with_tables.sql(f"DELETE FROM {name}")
    before = {row[0] for row in redshift_with_tables.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    yield redshift_with_tables
    for name, in redshift_with_tables.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        if name not in before:
            redshift_with_tables.sql(f"DROP TABLE {name}")


@pytest.fixture(scope="session")
def campaigns():
    """The folder of the real log."""
    if not (DATA / "http_log.txt").exists():
        pytest.skip("the log of the campaigns is not there")
    return DATA


@pytest.fixture(scope="session")
def extension(postgres):
    """The rows to compare with."""
    from cases import Extension  # pylint: disable=import-outside-toplevel
    return Extension(postgres)


@pytest.fixture(scope="session")
def everything(extension):
    """The truth table and the random logs as one log, and its answer."""
    from cases import random_logs, truth  # pylint: disable=import-outside-toplevel
    log = truth()
    for one in random_logs():
        log = log + one
    return log, extension.report(log)
