# test/python/test_debian.py - the files in debian/, as far as can be told without building
"""The packages themselves are built, installed and removed by "make check-packages"."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

DEBIAN = ROOT / "debian"


def test_changelog_has_the_version():
    """The newest entry packages the version of the control file."""
    control = (ROOT / "extension/clickstream.control").read_text()
    version = re.search(r"^default_version = '([^']+)'", control, re.MULTILINE).group(1)
    newest = (DEBIAN / "changelog").read_text().split("\n", 1)[0]
    assert re.fullmatch(rf"clickstream \({re.escape(version)}-\d+\) \w+; urgency=\w+", newest)


@pytest.mark.parametrize("name", ["control", "tests/control"])
def test_control_is_current(name, tmp_path):
    """It is what pg_buildext makes of control.in for the server version that it names."""
    if shutil.which("pg_buildext") is None:
        pytest.skip("pg_buildext is not installed")
    committed = (DEBIAN / name).read_text()
    [version] = set(re.findall(r"postgresql-(?:server-dev-)?(\d+)", committed))
    shutil.copytree(DEBIAN, tmp_path / "debian")
    (tmp_path / "debian" / name).write_text("")
    subprocess.run(["pg_buildext", "updatecontrol"], cwd=tmp_path, check=True,
                   env={**os.environ, "PG_SUPPORTED_VERSIONS": version})
    assert (tmp_path / "debian" / name).read_text() == committed


def test_copyright_has_the_licence():
    def words(text):
        return " ".join(line.strip() for line in text.splitlines() if line.strip() not in {"", "."})
    text = (DEBIAN / "copyright").read_text()
    licence = (ROOT / "LICENSE").read_text().split("\n", 2)[2]
    assert words(licence) in words(text)


def build_dependencies():
    """The packages that debian/control names to build with."""
    text = (DEBIAN / "control.in").read_text()
    block = re.search(r"^Build-Depends:\n((?: .*\n)+)", text, re.MULTILINE)[1]
    return {line.split()[0].rstrip(",") for line in block.splitlines()}


def test_build_dependencies_are_those_of_install_deps():
    """What scripts/install-deps installs to build, Debian's builders install, too."""
    text = (ROOT / "scripts/install-deps").read_text()
    listed = set(re.search(r"^packages=\(([^)]*)\)", text, re.MULTILINE)[1].split())
    libraries = {name for name in listed if name.endswith("-dev")}
    assert len(libraries) > 10
    assert {name for name in build_dependencies() if name.endswith("-dev")} == libraries


def test_pages_that_pages_link_to_are_packaged():
    """But the changelog, which debhelper installs under Debian's name, and what is about the tests."""
    packaged = {page for line in (DEBIAN / "clickstream.docs").read_text().split() for page in ROOT.glob(line)}
    linked = {(page.parent / link).resolve() for page in packaged
              for link in re.findall(r"\]\((?!https?:)([^)#]+\.md)", page.read_text())}
    assert len(linked) > 10
    assert {page.relative_to(ROOT).as_posix() for page in linked - packaged} <= {"CHANGELOG.md", "test/truth/README.md"}
