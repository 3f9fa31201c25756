# test/python/test_install.py - "make install" for the server of one's choice, and "make uninstall"
"""Everything goes to a directory of the test's own."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

PG_CONFIG = os.environ.get("PG_CONFIG") or shutil.which("pg_config")


def make(*arguments, **variables):
    """Run make in the tree as the user would; return what it prints."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in {"MAKEFLAGS", "MAKELEVEL", "PG_CONFIG"}}
    done = subprocess.run(
        ["make", "-C", ROOT, f"PG_CONFIG={PG_CONFIG}", *arguments, *[f"{n}={v}" for n, v in variables.items()]],
        env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def places(config=None):
    """Where a pg_config has its extensions' libraries and SQL."""
    def ask(what):
        return subprocess.run([config or PG_CONFIG, what], capture_output=True, text=True, check=True).stdout.strip()
    return ask("--pkglibdir"), ask("--sharedir") + "/extension"


def files_in(folder):
    return {"/" + str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def expected(library, share):
    """What an installation consists of, for a server with these places."""
    sql = {path.name for path in (ROOT / "extension").glob("clickstream--*.sql")}
    assert len(sql) > 8
    return ({f"{library}/clickstream.so", f"{library}/clickstream_algebra.so", f"{share}/clickstream.control"}
            | {f"{share}/{name}" for name in sql})


@pytest.fixture(autouse=True)
def server_files():
    if PG_CONFIG is None:
        pytest.skip("no pg_config")


def test_uninstall_removes_what_install_put(tmp_path):
    make("install", DESTDIR=tmp_path)
    installed = files_in(tmp_path)
    assert expected(*places()) <= installed
    assert "/usr/local/bin/clickstream" in installed
    assert {f"/usr/local/share/man/man1/{path.name}" for path in (ROOT / "docs/man").glob("*.1")} <= installed
    assert {"/usr/local/share/" + name for name in (
        "bash-completion/completions/clickstream", "zsh/site-functions/_clickstream",
        "fish/vendor_completions.d/clickstream.fish")} <= installed
    # Somebody else's files stay.
    others = [tmp_path / place.lstrip("/") / "clickstreams.txt" for place in ("/usr/local/bin", *places())]
    for path in others:
        path.write_text("mine\n")
    make("uninstall", DESTDIR=tmp_path)
    assert files_in(tmp_path) == {"/" + str(path.relative_to(tmp_path)) for path in others}


def test_uninstall_where_nothing_is(tmp_path):
    make("uninstall", DESTDIR=tmp_path)
    assert files_in(tmp_path) == set()


def test_prefix(tmp_path):
    """The program goes where prefix says, and is removed from there."""
    make("install", DESTDIR=tmp_path, prefix="/opt/shop")
    assert os.access(tmp_path / "opt/shop/bin/clickstream", os.X_OK)
    make("uninstall", DESTDIR=tmp_path, prefix="/opt/shop")
    assert files_in(tmp_path) == set()


def test_pg_config_of_choice(tmp_path):
    """PG_CONFIG alone decides where the extension goes."""
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    config = chosen / "pg_config"
    config.write_text(
        "#!/bin/sh\n"
        "case $1 in\n"
        f"  --pkglibdir) echo {chosen}/lib ;;\n"
        f"  --sharedir) echo {chosen}/share ;;\n"
        f'  *) exec "{PG_CONFIG}" "$@" ;;\n'
        "esac\n")
    config.chmod(0o755)
    assert places(config) == (f"{chosen}/lib", f"{chosen}/share/extension")
    make("install", f"PG_CONFIG={config}", f"prefix={chosen}")
    assert expected(*places(config)) <= {str(path) for path in chosen.rglob("*")}
    make("uninstall", f"PG_CONFIG={config}", f"prefix={chosen}")
    assert files_in(chosen) == {"/pg_config"}


@pytest.mark.parametrize("folder", ["core", "loader", "extension"])
def test_flags_from_outside(folder):
    """CFLAGS and CPPFLAGS of the caller reach every compilation, LDFLAGS every link."""
    text = make("-B", "-n", "-C", folder, CFLAGS="-O1 -DOF_CFLAGS", CPPFLAGS="-DOF_CPPFLAGS", LDFLAGS="-Wl,-z,now")
    compiled = [line for line in text.splitlines() if re.search(r" -c .*\.c\b", line)]
    assert len(compiled) >= len(list((ROOT / folder).glob("*.c")))
    assert [line for line in compiled if "-DOF_CFLAGS" not in line or "-DOF_CPPFLAGS" not in line] == []
    linked = [line for line in text.splitlines()
              if re.search(r" -o \S*clickstream\S*( |$)", line) and " -c " not in line]
    assert len(linked) == {"core": 0, "loader": 1, "extension": 2}[folder]
    assert [line for line in linked if "-Wl,-z,now" not in line or "-DOF_CFLAGS" not in line] == []
