# test/cloud/test_dialects.py - the three dialects are one set of files, and each is its dialect
"""sqlfluff reads every file by its dialect's grammar; what its Redshift lets pass, functions above
all, our own list knows."""

import re

import pytest
import sqlfluff.core

import redshift_sql
from conftest import ROOT
from redshift_server import OBJECTS

DIALECTS = {"redshift": "redshift", "bigquery": "bigquery", "spark": "sparksql"}
FILES = [path for dialect in DIALECTS for path in sorted((ROOT / "sql" / dialect).glob("*.sql"))]


def stems(dialect):
    return sorted(path.stem for path in (ROOT / "sql" / dialect).glob("*.sql"))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_same_files(dialect):
    assert stems(dialect) == sorted((*OBJECTS, "load"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_grammar(path):
    """What the grammar does not know is a violation PRS."""
    text = path.read_text(encoding="utf-8").replace("${clickstream.log}", "/log")
    parsed = sqlfluff.core.Linter(dialect=DIALECTS[path.parent.name]).parse_string(text)
    assert [str(one) for one in parsed.violations] == []


@pytest.mark.parametrize("name", (*OBJECTS, "load"))
def test_redshift_has_it(name):
    """Also within the body of a procedure; no backslash, which Redshift's literals give a meaning."""
    text = (ROOT / "sql" / "redshift" / f"{name}.sql").read_text(encoding="utf-8")
    assert "\\" not in text
    found = redshift_sql.statements(text)
    assert found
    for one in found:
        redshift_sql.check(redshift_sql.significant(one))


@pytest.mark.parametrize("name", ["session_event", "session_items", "session_report"])
def test_same_columns(name):
    """Every dialect gives the same columns, in the same order."""
    columns = {}
    for dialect in DIALECTS:
        text = (ROOT / "sql" / dialect / f"{name}.sql").read_text(encoding="utf-8")
        outer = re.search(r"\nSELECT (.*?)\nFROM ", text, re.DOTALL).group(1)
        outer = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", outer)))
        outer = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", outer))
        columns[dialect] = [re.sub(r'.*[\s.]', "", one.strip()).strip('"') for one in outer.split(",")]
    assert columns["redshift"] == columns["bigquery"] == columns["spark"]
    assert "user_id" in columns["redshift"]
