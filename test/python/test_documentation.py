# test/python/test_documentation.py - what README.md and docs name is there: files, headings,
# options, messages, figures
"""The blocks of these pages are run by test/t/090_documentation.pl and 091."""

import re
import subprocess

import pytest
from conftest import PROGRAM, ROOT

PAGES = [path for path in (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))
         if path.exists()]
# Options of other programs that the pages name.
FOREIGN_OPTIONS = {"--list", "--long"}


def prose(path):
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.M | re.S)


def anchors(path):
    """What GitHub makes of the headings of a page."""
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page):
    """Each link into the project leads to a file, and to a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if anchor:
            assert anchor in set(anchors(path)), target


def test_every_page_can_be_found():
    """README.md leads to each page of docs."""
    text = (ROOT / "README.md").read_text()
    for page in PAGES:
        if page.parent.name == "docs":
            assert f"docs/{page.name}" in text, f"README.md does not lead to {page.name}"


# Pages whose options are those of other programs, too.
OF_OTHERS = ("development.md", "install.md", "upgrading.md", "SECURITY.md")


def known_options():
    listed = subprocess.run([PROGRAM, "help", "--options"], capture_output=True, text=True,
                            check=True).stdout
    return {field for line in listed.splitlines() for field in line.split("\t")[1:3] if field}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in OF_OTHERS], ids=lambda page: page.name
)
def test_options(page):
    """Each option that stands in code is one of the program's."""
    code = " ".join(re.findall(r"`[^`]+`", prose(page)))
    used = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", code))
    assert used - known_options() - FOREIGN_OPTIONS - {"--help", "--version", "--options"} == set()


def sources():
    """All messages of the sources: text of C strings joined as the compiler does, and of SQL."""
    for folder in ("core", "extension", "loader", "sql/postgres"):
        for path in (ROOT / folder).glob("*.[chs]*"):
            yield re.sub(r'"\s*\n\s*"', "", path.read_text(errors="replace")).replace('\\"', '"')


def test_messages():
    """Each message of "What to do when" is one that we print, but for those of the server."""
    text = (ROOT / "docs/operations.md").read_text()
    table = re.search(r"^## What to do when\n(.*?)^## ", text, re.M | re.S)[1]
    everything = "\n".join(sources())
    rows = re.findall(r"^\| (`.*?`[^|]*) \|", table, re.M)
    assert len(rows) > 15
    for row in rows:
        if "(of the server)" in row:
            continue
        for message in re.findall(r"`([^`]+)`", row):
            for piece in message.split("..."):
                assert piece.strip() in everything, f"{piece} of {message}"


def test_every_benchmark_names_its_command():
    """Each table of docs/benchmarks.md stands under a heading whose text names a command."""
    chapters = re.split(r"^## ", (ROOT / "docs/benchmarks.md").read_text(), flags=re.M)[1:]
    for chapter in chapters:
        if re.search(r"^\|---", chapter, re.M):
            command = re.search(r"`make bench BENCH=(\w+)", chapter)
            assert command, chapter.splitlines()[0]
            assert (ROOT / "bench" / f"{command[1]}.py").exists()


def test_readme_fits_a_terminal():
    """80 columns, but for links, tables and outputs of programs."""
    text = re.sub(r"^```(?:console|text)\n.*?^```$", "", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    long = [line for line in text.splitlines()
            if len(line) > 80 and not line.startswith(("|", "<!--")) and "](" not in line]
    assert long == []
