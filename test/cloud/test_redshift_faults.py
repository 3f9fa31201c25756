# test/cloud/test_redshift_faults.py - loads that are killed, and S3 and servers that fail, at each step
"""Whatever happens at whatever step: run again, every row is there once. The file is large enough for
an upload in parts. A soak run takes all faults at all steps; else each step gets some of them."""

import random
import time

import pytest

from conftest import SEED, SOAK
from redshift_files import Load, records, write
from s3_faults import S3Proxy, WireProxy

ROWS = 140
S3_FAULTS = ["500", "503", "429", "500-after", "cut", "cut-after", "half"]
WIRE_FAULTS = ["cut", "cut-after", "1023"]
KILLS = ["kill", "kill-after"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """An Avro file of two parts of at most 8 MiB."""
    path = tmp_path_factory.mktemp("large") / "large.avro"
    write(path, [dict(row, http_path=row["http_path"] + 64000 * "x") for row in records(ROWS)], codec="null")
    assert 8 * 2**20 < path.stat().st_size < 2 * 8 * 2**20
    return path


class Broken(Load):
    """A load whose requests and statements pass through proxies."""

    def __init__(self, here, s3, redshift, large):
        super().__init__(here, s3, redshift)
        self.large = large
        self.more = ["--slices", "1"]
        self.requests = S3Proxy(s3.port)
        self.statements = WireProxy(redshift.port)
        self.environment["AWS_ENDPOINT_URL"] = self.requests.endpoint
        self.conninfo = redshift.conninfo.replace(f"port={redshift.port}", f"port={self.statements.port}")

    def arguments(self, *more):
        return super().arguments(*self.more, *more)

    def reset(self):
        self.redshift.sql("DELETE FROM http_log")
        self.redshift.sql("DELETE FROM load_batch")
        self.s3.empty()
        self.requests.restart()
        self.statements.restart()

    def once(self, **changes):
        """Run it; the proxies may kill it. Its exit code and what it said."""
        process = self.start(self.large, **changes)
        self.requests.victim = self.statements.victim = process
        _, err = process.communicate(timeout=120)
        return process.returncode, err.decode()

    def check(self, what):
        """Run it as often as a user would, until it is content: every row is there once."""
        self.requests.restart()
        self.statements.restart()
        code, err = self.once()
        assert code == 0, (what, err)
        assert self.rows() == ROWS, what
        assert self.redshift.sql("SELECT count(DISTINCT http_path) FROM http_log") == [(ROWS,)], what
        assert len(self.ledger()) == 1, what
        assert self.s3.keys() == [] and self.s3.uploads() == [], what
        if SOAK:
            code, err = self.once()
            assert code == 0 and "already loaded" in err and self.rows() == ROWS, (what, err)


@pytest.fixture
def broken(here, s3, redshift, large):
    redshift.apply()
    load = Broken(here, s3, redshift, large)
    with load.requests, load.statements:
        yield load


def steps_of(load, proxy):
    """Load without a fault: the steps."""
    load.reset()
    code, err = load.once()
    assert code == 0, err
    steps = list(proxy.steps)
    assert len(steps) > 8
    return steps


def some(faults, step):
    """The faults for a step."""
    return faults if SOAK else random.Random(SEED + step).sample(faults, 2)


def at(step, fault):
    """A plan: this fault at this step, and no other."""
    return lambda number, name: fault if number == step else None


def test_upload_in_parts(broken):
    """The steps are what they are meant to be."""
    steps = steps_of(broken, broken.requests)
    names = [" ".join([step.split()[0], *step.split("?")[1:]])[:12] for step in steps]
    assert names == ["HEAD", "GET prefix=i", "POST uploads", "PUT partNumb", "PUT partNumb",
                     "POST uploadI", "HEAD", "PUT", "GET list-typ", "DELETE", "DELETE", "GET prefix=i"]
    assert [step.split()[0] for step in broken.statements.steps] == [
        "SELECT"] * 5 + ["BEGIN", "LOCK", "SELECT", "SELECT", "CREATE", "COPY", "INSERT", "DROP", "INSERT", "COMMIT"]


def test_s3_answers(broken):
    """A bad answer costs one more try."""
    for step in range(1, len(steps_of(broken, broken.requests)) + 1):
        for fault in some(S3_FAULTS, step):
            broken.reset()
            broken.requests.restart(at(step, fault))
            code, err = broken.once()
            assert code == 0 and broken.rows() == ROWS, (step, fault, err)
            assert len(broken.ledger()) == 1 and broken.s3.keys() == [], (step, fault, err)
            broken.check((step, fault))


def test_s3_answers_without_retries(broken):
    """Where there is no other try, there is another run."""
    steps = steps_of(broken, broken.requests)
    for step in range(1, len(steps) + 1):
        for fault in some(S3_FAULTS, step + 100):
            broken.reset()
            broken.requests.restart(at(step, fault))
            code, err = broken.once(AWS_MAX_ATTEMPTS="1")
            last = "list-type" in steps[step - 1] or "DELETE" in steps[step - 1] or step == len(steps)
            if fault.startswith("cut") and code == 0:
                pass  # libcurl connects again by itself
            elif last:
                assert code == 0 and "staged files are left in" in err, (step, fault, err)
            elif steps[step - 1].startswith("HEAD") and fault[0] in "45":
                assert code == 0, (step, fault, err)  # a GET is tried, whose answer says more
            else:
                assert code == 3 and broken.rows() == 0, (step, fault, err)
                assert "error: could not" in err and "Run the same command again" in err, (step, fault, err)
            broken.check((step, fault))


def test_s3_is_slow(broken):
    """An answer that does not come is given up."""
    steps = steps_of(broken, broken.requests)
    for step in range(1, len(steps) + 1) if SOAK else (1, 4, 6):
        broken.reset()
        broken.requests.restart(at(step, "slow"))
        process = broken.start("--s3-timeout", "1", broken.large)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0 and broken.rows() == ROWS, (step, err)
        broken.check((step, "slow"))


def test_kills_at_requests(broken):
    for step in range(1, len(steps_of(broken, broken.requests)) + 1):
        for fault in KILLS:
            broken.reset()
            broken.requests.restart(at(step, fault))
            assert broken.once()[0] == -9, (step, fault)
            broken.check((step, fault))


def test_kills_at_statements(broken):
    for step in range(1, len(steps_of(broken, broken.statements)) + 1):
        for fault in KILLS:
            broken.reset()
            broken.statements.restart(at(step, fault))
            assert broken.once()[0] == -9, (step, fault)
            broken.check((step, fault))


def test_several_at_a_time(broken):
    """The same where objects are uploaded at the same time."""
    broken.more = ["--slices", "6", "--jobs", "3"]
    steps = len(steps_of(broken, broken.requests))
    assert steps == 2 * 7 + 1 + 7 + 1
    for step in range(1, steps + 1) if SOAK else random.Random(SEED).sample(range(1, steps - 9), 4):
        for fault in ["kill", random.Random(SEED + step).choice(S3_FAULTS)]:
            broken.reset()
            broken.requests.restart(at(step, fault))
            assert broken.once()[0] in (0, -9), (step, fault)
            broken.check((step, fault))


def test_connection_lost(broken):
    """In the transaction, whatever is lost is done again, the COMMIT's answer too."""
    steps = steps_of(broken, broken.statements)
    begin = steps.index("BEGIN") + 1
    for step in range(1, len(steps) + 1):
        for fault in some(WIRE_FAULTS, step):
            broken.reset()
            broken.statements.restart(at(step, fault))
            code, err = broken.once()
            if step < begin or (step == begin and fault == "1023"):
                assert code in (0, 3), (step, fault, err)
            else:
                assert code == 0 and "trying again" in err, (step, fault, err)
            broken.check((step, fault))


def test_no_retries(broken):
    """Without retries the error is shown, and another run loads."""
    steps = steps_of(broken, broken.statements)
    broken.reset()
    broken.statements.restart(at(steps.index("COMMIT") + 1, "1023"))
    process = broken.start("--retries", "0", broken.large)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3 and b"error: 1023" in err and b"Serializable isolation" in err, err
    assert broken.rows() == 0
    broken.check("1023")


def test_server_errors_for_good(broken):
    """S3 that never recovers ends in an error, after some tries."""
    broken.reset()
    broken.requests.restart(lambda number, name: "503")
    code, err = broken.once(AWS_MAX_ATTEMPTS="3")
    assert code == 3 and "SlowDown: on purpose (HTTP 503)" in err, err
    assert len(broken.requests.steps) in (3, 6) and broken.rows() == 0
    broken.check("503")


def test_resume(broken):
    """What was sent is not sent again."""
    broken.reset()
    broken.requests.restart(at(5, "kill"))
    assert broken.once()[0] == -9
    assert len(broken.s3.uploads()) == 1
    broken.requests.restart()
    assert broken.once()[0] == 0
    assert [step.split("?")[1].split("&")[0] for step in broken.requests.steps if step.startswith("PUT") and
            "?" in step] == ["partNumber=2"]
    broken.check("resume")


def test_resume_behind_upload(broken):
    """Objects that are there are not sent again."""
    steps = steps_of(broken, broken.statements)
    broken.reset()
    broken.statements.restart(at(steps.index("BEGIN") + 1, "kill"))
    assert broken.once()[0] == -9
    assert len(broken.s3.keys()) == 2
    broken.requests.restart()
    broken.statements.restart()
    assert broken.once()[0] == 0
    assert [step.split()[0] for step in broken.requests.steps] == ["HEAD", "HEAD", "GET", "DELETE", "DELETE", "GET"]
    broken.check("objects")


@pytest.mark.parametrize("signal", [2, 15])
def test_interrupt(broken, signal):
    """Ctrl-C leaves what the next run goes on with."""
    broken.reset()
    broken.requests.restart(at(5, "slow"))
    process = broken.start(broken.large)
    while len(broken.requests.steps) < 5:
        time.sleep(0.01)
    process.send_signal(signal)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4 and b"interrupted" in err, err
    assert len(broken.s3.uploads()) == 1 and broken.rows() == 0
    broken.requests.open.set()
    broken.check("interrupt")


def test_two_at_once(broken):
    """Two loads of one file: one loads it, the other says so."""
    broken.reset()
    both = [broken.start("-v", broken.large) for _ in range(2)]
    results = [(process.communicate(timeout=120)[1].decode(), process.returncode) for process in both]
    assert [code for _, code in results] == [0, 0], results
    assert sorted("already loaded" in err for err, _ in results) == [False, True], results
    broken.check("two")
