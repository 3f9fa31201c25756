# test/python/test_lint.py - rules that every source file of the project keeps
"""The layout comes from .editorconfig; the other rules stand at their tests."""

import configparser
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from code_figures import FOLDERS, LONG_FUNCTION, function_lengths

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Folders with nothing written by hand in them, at the top and anywhere.
GENERATED = {"build", "results", "tmp_check"}
UNWANTED = {".git", ".deps", "__pycache__", ".pytest_cache", ".ipynb_checkpoints"}
MAX_FILE = 800
MAX_FUNCTION = 100


def is_text(path):
    return b"\0" not in path.read_bytes()[:8192]


def find_sources():
    """All text files of the tree, as paths relative to its root."""
    for folder, folders, files in os.walk(ROOT):
        top = pathlib.Path(folder) == ROOT
        folders[:] = sorted(
            name for name in folders
            if name not in UNWANTED and not (top and name in GENERATED))
        for name in sorted(files):
            path = pathlib.Path(folder, name)
            if not path.is_symlink() and path.suffix not in {".o", ".so", ".bc"} and is_text(path):
                yield path.relative_to(ROOT)


SOURCES = list(find_sources())


def lines_of(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace").split("\n")


def with_suffix(*suffixes):
    return [path for path in SOURCES if path.suffix in suffixes]


def report(problems):
    """Fail with all problems at once, one a line."""
    assert not problems, "\n" + "\n".join(problems)


def expand_braces(pattern):
    """Turn "*.{c,h}" into ["*.c", "*.h"]."""
    match = re.match(r"(.*?)\{([^{}]*)\}(.*)", pattern)
    if not match:
        return [pattern]
    head, choices, tail = match.groups()
    return [head + choice + rest for choice in choices.split(",") for rest in expand_braces(tail)]


def read_editorconfig():
    """The sections of .editorconfig in order: patterns and settings."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[-]\n" + (ROOT / ".editorconfig").read_text())
    return [(expand_braces(name), dict(parser[name])) for name in parser.sections()[1:]]


EDITORCONFIG = read_editorconfig()


def layout_of(path):
    """The settings that .editorconfig has for a file; later sections win."""
    settings = {}
    for patterns, values in EDITORCONFIG:
        for pattern in patterns:
            subject = str(path) if "/" in pattern else path.name
            if fnmatch.fnmatch(subject, pattern.replace("**", "*")):
                settings.update(values)
                break
    return settings


def layout_problems(path):
    """What is wrong with the layout of one file."""
    settings = layout_of(path)
    raw = (ROOT / path).read_bytes()
    if settings.get("charset") == "utf-8":
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            yield f"{path}: not UTF-8: {error}"
    if settings.get("insert_final_newline") == "true" and raw and not raw.endswith(b"\n"):
        yield f"{path}: no newline at the end"
    for number, line in enumerate(lines_of(path), 1):
        if settings.get("end_of_line") == "lf" and line.endswith("\r"):
            yield f"{path}:{number}: carriage return"
        if settings.get("trim_trailing_whitespace") == "true" and line != line.rstrip(" \t"):
            yield f"{path}:{number}: trailing blanks"
        if line.startswith(("<<<<<<<" " ", ">>>>>>>" " ")):
            yield f"{path}:{number}: left from a merge"
        if settings.get("indent_style") == "space" and "\t" in line:
            yield f"{path}:{number}: tab"
        if len(line) > int(settings.get("max_line_length", len(line))):
            yield f"{path}:{number}: {len(line)} characters"


def test_layout():
    report([problem for path in SOURCES for problem in layout_problems(path)])


def test_head_names_its_file():
    """The first lines of a C or SQL file say its path, or its name, and its purpose.

    The frozen install script of a version is a copy of clickstream.sql, head included; what init
    ran of a version is put together from several files.
    """
    report([
        f"{path}: the head comment does not name the file"
        for path in with_suffix(".c", ".h", ".sql")
        if not re.fullmatch(r"clickstream--[0-9.]+\.sql", path.name)
        and path.parts[:2] != ("test", "fixtures")
        and not any(path.name in line for line in lines_of(path)[:3])])


def test_file_length():
    suffixes = (".c", ".h", ".sql", ".py", ".pl", ".pm", ".sh", "")
    report([
        f"{path}: {len(lines_of(path)) - 1} lines"
        for path in with_suffix(*suffixes)
        if len(lines_of(path)) - 1 > MAX_FILE
        and path.parts[0] != "data" and path.parts[:2] != ("test", "fixtures")])


def test_function_length():
    """Tests may have longer ones: tables of cases."""
    report([
        f"{path}:{start}: {name} has {length} lines"
        for path in with_suffix(".c", ".h")
        for name, start, length in function_lengths(lines_of(path))
        if length > (LONG_FUNCTION if path.parts[0] in FOLDERS else MAX_FUNCTION)])


def shell_scripts():
    """Files that a shell runs: by suffix or by first line."""
    for path in SOURCES:
        if path.suffix == ".sh" or re.match(r"#!.*\b(ba)?sh\b", lines_of(path)[0]):
            yield path


def test_shell_scripts():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(
        ["shellcheck", "-x", "-P", "SCRIPTDIR", *map(str, shell_scripts())],
        cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n" + done.stdout + done.stderr


def test_scripts_are_executable():
    report([
        f"{path}: has a first line for an interpreter but is not executable"
        for path in SOURCES
        if lines_of(path)[0].startswith("#!") and not os.access(ROOT / path, os.X_OK)])


@pytest.fixture
def version():
    """The version of the project: default_version in the control file."""
    text = (ROOT / "extension/clickstream.control").read_text()
    return re.search(r"^default_version = '([^']+)'", text, re.MULTILINE).group(1)


def test_version_in_meta(version):
    meta = json.loads((ROOT / "META.json").read_text())
    assert meta["version"] == version
    assert meta["provides"]["clickstream"]["version"] == version


def test_version_in_changelog(version):
    """The newest block, or the newest that is not marked as unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text()
    blocks = re.findall(r"^## (\d+\.\d+\.\d+) \((.*)\)$", text, re.MULTILINE)
    released = next(number for number, date in blocks if date != "unreleased")
    assert version in (blocks[0][0], released)


def test_install_script_is_current(version):
    """The install script of the current version is clickstream.sql itself."""
    frozen = ROOT / f"extension/clickstream--{version}.sql"
    assert frozen.read_bytes() == (ROOT / "extension/clickstream.sql").read_bytes()


def test_data_is_current():
    """The sample data are what their program makes."""
    done = subprocess.run(["/usr/bin/python3", ROOT / "data/generate.py", "--check"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
