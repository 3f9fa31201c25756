# test/python/test_dist.py - the source archives of "make dist", and what PGXN reads in them
"""The archives are made from a git repository of the test's own, which holds the tree that
is tested: where the tests run there may be none."""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from conftest import ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", "build", "__pycache__", "*.o", "*.so", "*.pyc", ".deps", "results", "tmp_check", ".ipynb_checkpoints")
# What only the repository needs, or a program made.
UNWANTED = re.compile(
    r"(^|/)(\.git.*|\.ci|build|results|tmp_check|__pycache__)(/|$)|\.(o|so|a|bc|d|pyc|deb)$")
LICENSES = {"agpl_3", "apache_2_0", "artistic_2", "bsd", "gpl_2", "gpl_3", "lgpl_2_1", "lgpl_3_0", "mit", "postgresql"}

SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
TERM = {"type": "string", "pattern": r"^[^\s/\\\x00-\x1f]{2,}$"}
RELATIONS = {
    "type": "object", "additionalProperties": False,
    "patternProperties": {"^(requires|recommends|suggests|conflicts)$": {
        "type": "object", "additionalProperties": {"type": "string", "pattern": f"^{SEMANTIC}$"}}}}
# https://pgxn.org/spec/: what it requires, and the form of what it allows that we use.
SPECIFICATION = {
    "type": "object",
    "required": ["abstract", "maintainer", "license", "provides", "name", "version", "meta-spec"],
    "properties": {
        "name": TERM,
        "version": {"type": "string", "pattern": f"^{SEMANTIC}$"},
        "abstract": {"type": "string", "minLength": 1},
        "description": {"type": "string", "minLength": 1},
        "maintainer": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        "license": {"enum": sorted(LICENSES)},
        "release_status": {"enum": ["stable", "testing", "unstable"]},
        "generated_by": {"type": "string", "minLength": 1},
        "provides": {
            "type": "object", "minProperties": 1,
            "additionalProperties": {
                "type": "object", "required": ["file", "version"], "additionalProperties": False,
                "properties": {
                    "file": {"type": "string"}, "docfile": {"type": "string"}, "abstract": {"type": "string"},
                    "version": {"type": "string", "pattern": f"^{SEMANTIC}$"}}}},
        "prereqs": {
            "type": "object", "additionalProperties": False,
            "patternProperties": {"^(configure|build|test|runtime|develop)$": RELATIONS}},
        "meta-spec": {
            "type": "object", "required": ["version"],
            "properties": {"version": {"const": "1.0.0"}, "url": {"const": "https://pgxn.org/meta/spec.txt"}}},
        "tags": {"type": "array", "items": {"type": "string", "pattern": r"^[^/\\\x00-\x1f]{1,256}$"},
                 "uniqueItems": True}},
    "patternProperties": {"^[xX]_": {}},
    "additionalProperties": False}


def version():
    text = (ROOT / "extension/clickstream.control").read_text()
    return re.search(r"^default_version = '([^']+)'", text, re.MULTILINE).group(1)


NAME = f"clickstream-{version()}"


def run(*command, cwd):
    """Run a command that must succeed; return what it prints."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A repository with the tree in it, with the archives made."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    tree = tmp_path_factory.mktemp("dist") / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
    run("git", "init", "-q", cwd=tree)
    run("git", "add", "-A", cwd=tree)
    run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "test", cwd=tree)
    assert run("make", "-s", "dist", cwd=tree).split() == [f"build/{NAME}.zip", f"build/{NAME}.tar.gz"]
    return tree


@pytest.fixture(scope="module")
def unpacked(checkout, tmp_path_factory):
    """What comes out of the archive."""
    folder = tmp_path_factory.mktemp("unpacked")
    run("tar", "-xf", f"{checkout}/build/{NAME}.tar.gz", cwd=folder)
    return folder / NAME


def names_in(checkout):
    """The files in the tar archive, without the folder that they are in."""
    with tarfile.open(checkout / f"build/{NAME}.tar.gz") as archive:
        names = [member.name for member in archive if not member.isdir()]
    assert [name for name in names if not name.startswith(f"{NAME}/")] == []
    return [name.removeprefix(f"{NAME}/") for name in names]


def test_same_files_in_both(checkout):
    with zipfile.ZipFile(checkout / f"build/{NAME}.zip") as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    assert sorted(names) == sorted(f"{NAME}/{name}" for name in names_in(checkout))


def test_nothing_unwanted(checkout):
    """Everything but what only the repository needs."""
    names = set(names_in(checkout))
    assert [name for name in names if UNWANTED.search(name)] == []
    tracked = set(run("git", "ls-files", cwd=checkout).splitlines())
    assert [name for name in tracked - names if not UNWANTED.search(name)] == []
    assert names <= tracked
    assert {".gitignore", ".ci/run"} <= tracked


def test_same_bytes(checkout):
    """The same commit gives the same archives, whatever the time zone and the mask."""
    def sums():
        return [hashlib.sha256((checkout / f"build/{NAME}.{ending}").read_bytes()).hexdigest()
                for ending in ("zip", "tar.gz")]
    before = sums()
    for ending in ("zip", "tar.gz"):
        (checkout / f"build/{NAME}.{ending}").unlink()
    run("env", "TZ=Asia/Kathmandu", "sh", "-c", "umask 077; make -s dist", cwd=checkout)
    assert sums() == before


def test_archive_builds(unpacked):
    """It would build: "make check-packages" does it in earnest."""
    text = run("make", "-n", "core", "loader", cwd=unpacked)
    library = unpacked / "build/core/libclickstream_core.a"
    library.parent.mkdir(parents=True)
    library.touch()
    text += run("make", "-n", "-C", "extension", cwd=unpacked)
    sources = [path.name for folder in ("core", "extension", "loader") for path in (ROOT / folder).glob("*.c")]
    assert len(sources) > 100
    assert [name for name in sources if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_archive_is_no_checkout(unpacked):
    """In an archive "make dist" says why it cannot."""
    done = subprocess.run(["make", "-s", "dist"], cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "not a git checkout" in done.stderr


def test_uncommitted_is_named(checkout):
    (checkout / "README.md").write_text("changed\n")
    try:
        done = subprocess.run(["make", "-s", "dist"], cwd=checkout, capture_output=True, text=True, check=True)
    finally:
        run("git", "checkout", "-q", "README.md", cwd=checkout)
    assert "not committed is left out" in done.stderr


def test_meta_keeps_the_specification():
    jsonschema = pytest.importorskip("jsonschema")
    meta = json.loads((ROOT / "META.json").read_text())
    jsonschema.validate(meta, SPECIFICATION)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**meta, "version": "0.5"}, SPECIFICATION)


def test_meta_names_files_of_the_archive(checkout):
    meta = json.loads((ROOT / "META.json").read_text())
    assert f"{meta['name']}-{meta['version']}" == NAME
    named = [entry[key] for entry in meta["provides"].values() for key in ("file", "docfile")]
    assert set(named) <= set(names_in(checkout))


def test_meta_asks_for_the_oldest_server():
    """What the sources refuse to be compiled for, META.json refuses, too."""
    meta = json.loads((ROOT / "META.json").read_text())
    oldest = re.search(r"PG_VERSION_NUM < (\d+)0000", (ROOT / "extension/compat.h").read_text())[1]
    assert meta["prereqs"]["runtime"]["requires"]["PostgreSQL"] == f"{oldest}.0.0"
    assert (ROOT / "debian/pgversions").read_text() == f"{oldest}+\n"
