# test/python/test_scripts.py - what the scripts of the version matrix accept and refuse
"""Nothing here makes a system: that is "make check-matrix" itself."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **environment):
    return subprocess.run(
        [ROOT / "scripts" / command[0], *command[1:]], stdin=subprocess.DEVNULL,
        env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments, message", [
    ([], "usage: chroot make SUITE DIR"),
    (["make", "trixie"], "usage: chroot make SUITE DIR"),
    (["run", "/"], "usage: chroot make SUITE DIR"),
    (["frobnicate"], "usage: chroot make SUITE DIR"),
    (["make", "../etc", "/nonexistent"], '"../etc" is not the name of a suite'),
    (["make", "trixie", "/etc"], "/etc is not empty"),
    (["run", "/etc", "true"], '/etc is not a directory that "chroot make" made'),
    (["remove", "/"], '/ is not a directory that "chroot make" made'),
])
def test_chroot_refuses(arguments, message):
    done = run("chroot", *arguments)
    assert done.returncode == 1
    assert message in done.stderr


def test_chroot_removes_its_own_only(tmp_path):
    (tmp_path / "file").write_text("mine")
    assert run("chroot", "remove", str(tmp_path)).returncode == 1
    assert (tmp_path / "file").exists()


def test_matrix_refuses():
    done = run("check-matrix", "17", "14")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'no server "14": only 15 to 18' in done.stderr
    done = run("check-matrix", SUITES="regress unit")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'no suite "unit" of the server: regress, tap' in done.stderr


def test_matrix_skips_by_name(tmp_path):
    """Without root and with a sudo that refuses, each server is a skip of its own."""
    if os.geteuid() == 0:
        pytest.skip("root can have its systems")
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    done = run("check-matrix", "15", "17", SUITES="regress", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^skipped: 15: \S", done.stdout, re.MULTILINE)
    assert re.search(r"^skipped: 17: \S", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == "0 passed, 0 failed, 2 skipped"


def test_server_requirements_are_among_all():
    """Two files pin the same packages: they must pin the same versions."""
    def pins(name):
        lines = (ROOT / "test" / name).read_text().splitlines()
        return {line for line in lines if line and not line.startswith("#")}

    assert pins("server-requirements.txt")
    assert pins("server-requirements.txt") <= pins("requirements.txt")
