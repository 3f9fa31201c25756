# test/python/test_docker.py - the files in docker/, as far as can be told without a build
"""Nothing here runs a container: linters read the files, and the images are held
against what the program and the extension are linked with."""

import pathlib
import re
import subprocess
import sys

import pytest
from conftest import PROGRAM, ROOT, SANITIZED

DOCKER = ROOT / "docker"
EXTENSION = [ROOT / "extension/clickstream.so", ROOT / "extension/clickstream_algebra.so"]
TOOLS = pathlib.Path(sys.executable).parent


def lint(tool, *arguments):
    """Run a linter of the Python environment: its exit code and what it says."""
    process = subprocess.run(
        [TOOLS / tool, *arguments], capture_output=True, text=True, timeout=120)
    return process.returncode, process.stdout + process.stderr


def hadolint(path):
    return lint("hadolint", "--no-color", "--failure-threshold", "style", path)


def compose(path):
    return lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.postgres"])
def test_dockerfile(name):
    assert hadolint(DOCKER / name) == (0, "")


def test_compose():
    code, text = compose(DOCKER / "compose.yaml")
    assert code == 0, text


def test_linters_find_faults(tmp_path):
    """The linters say no where something is wrong."""
    path = tmp_path / "Dockerfile"
    path.write_text((DOCKER / "Dockerfile").read_text().replace("debian:12-slim", "debian"))
    code, text = hadolint(path)
    assert code == 1 and "DL3006" in text
    path = tmp_path / "compose.yaml"
    path.write_text((DOCKER / "compose.yaml").read_text().replace("depends_on:", "depend_on:"))
    code, text = compose(path)
    assert code == 1 and "depend_on" in text


def test_compose_names_files_that_exist():
    text = (DOCKER / "compose.yaml").read_text()
    names = re.findall(r"dockerfile: ([^\s,}]+)", text)
    assert len(names) == 3
    assert [name for name in names if not (ROOT / name).is_file()] == []


def packages_with(library):
    """The Debian packages that have a library of this name."""
    process = subprocess.run(
        ["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True, check=True)
    return {line.split(":")[0] for line in process.stdout.splitlines()}


def libraries_of(path):
    """The libraries that a program or library is linked with, but for those of every image."""
    dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)) - {"libc.so.6", "libm.so.6"}


@pytest.mark.skipif(SANITIZED, reason="the image has no libraries of a sanitizer")
@pytest.mark.parametrize("name, paths, known", [
    ("Dockerfile", [PROGRAM], "libmicrohttpd.so.12"),
    ("Dockerfile.postgres", EXTENSION, "libopenblas.so.0"),
])
def test_image_has_the_libraries(name, paths, known):
    """The image has the package of each library that its programs are linked with, and no other."""
    release = pathlib.Path("/etc/os-release")
    if not release.exists() or 'VERSION_ID="12"' not in release.read_text():
        pytest.skip("not Debian 12, which the image is made from")
    text = (DOCKER / name).read_text()
    listed = set(re.search(r"--no-install-recommends ((?:[^&\\]|\\\n)*)", text)[1].replace("\\", " ").split())
    needed = set().union(*map(libraries_of, paths))
    assert known in needed
    packages = {library: packages_with(library) for library in needed}
    assert [library for library in needed if not packages[library] & listed] == []
    assert listed - set().union(*packages.values()) - {"ca-certificates"} == set()


def test_images_do_without_root():
    """The last stage ends as a user by number, and has nothing to compile with."""
    for path in (DOCKER / "Dockerfile", DOCKER / "Dockerfile.postgres"):
        last = path.read_text().split("\nFROM ")[-1]
        assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["999"]
        assert "install-deps" not in last and "COPY . " not in last
