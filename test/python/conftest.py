# test/python/conftest.py - what the tests of the command line share
"""Find the program and run it in a directory of the test's own."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import pytest

# A run under nohup ignores it, and so would what the tests start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = pathlib.Path(os.environ.get("CLICKSTREAM_ROOT", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("CLICKSTREAM_BIN", str(ROOT / "build" / "clickstream"))

# Of the randomised tests: full counts; and a seed, which in a soak run is the clock's.
SOAK = os.environ.get("CLICKSTREAM_SOAK") == "1"
SEED = int(os.environ.get("CLICKSTREAM_SEED") or (time.time() if SOAK else 1))

# Is the program built with a sanitizer? Its own memory then hides that of the program.
SANITIZED = bool(os.environ.get("CLICKSTREAM_SANITIZE"))
measures_memory = pytest.mark.skipif(SANITIZED, reason="a sanitizer takes memory of its own")

GOOD_LINE = b"2024-03-10T08:00:00Z GET /campaigns/1 u1\n"


def pytest_report_header():
    """Say what repeats the run."""
    return f"CLICKSTREAM_SEED={SEED}"


def limit_memory(kind, size):
    """Allow this process no more; a sanitizer reserves terabytes of addresses, and no limit is set."""
    if not SANITIZED:
        resource.setrlimit(kind, (size, size))


class Result:
    """How a run of the program ended, and what it printed."""

    def __init__(self, process, out, err):
        self.code = process.returncode
        self.out = out.decode()
        self.err = err.decode(errors="replace")

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class Directory:
    """A directory to run the program in."""

    def __init__(self, path):
        self.path = path

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments)], cwd=self.path, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **{"stdin": subprocess.DEVNULL, **options})

    def run(self, *arguments, data=None, **options):
        if data is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        out, err = process.communicate(data, timeout=120)
        return Result(process, out, err or b"")

    def run_ok(self, *arguments, **options):
        result = self.run(*arguments, **options)
        assert result.code == 0, result
        return result

    def write(self, name, content):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, name):
        return (self.path / name).read_bytes()

    def names(self):
        """Everything in the directory, hidden files included."""
        return sorted(path.name for path in self.path.iterdir())


@pytest.fixture
def here(tmp_path):
    """A directory of the test's own, and the program to run in it."""
    if shutil.which(PROGRAM) is None:
        pytest.fail(f"{PROGRAM} is not there: run make first")
    return Directory(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the module's own, with the extension."""
    from server import STAGE, Server  # pylint: disable=import-outside-toplevel
    if STAGE is None:
        pytest.skip("CLICKSTREAM_STAGE is not set: run make check")
    started = Server(tmp_path_factory.mktemp("server", numbered=True) / "s")
    try:
        started.sql("CREATE EXTENSION clickstream")
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def database(server, tmp_path_factory):
    """That server, with the tables of the loader."""
    Directory(tmp_path_factory.mktemp("init")).run_ok("init", env=server.environment)
    return server
