# test/python/test_sessions_oracle.py - the truth table against the oracle
"""The expected files of test/truth are made by hand; the oracle is made from the rules.
Neither may be wrong without the other."""

import pathlib
import re
import subprocess
import sys

import pytest

import oracle

HERE = pathlib.Path(__file__).resolve().parent
TRUTH = HERE.parent / "truth"
QUERIES = list(oracle.read_csv(TRUTH / "queries.csv"))


def oracle_lines(*options):
    result = subprocess.run(
        [sys.executable, HERE / "oracle.py", "--mapping", TRUTH / "mapping.csv", *options,
         TRUTH / "events.csv"], capture_output=True, check=True)
    return result.stdout.decode().split("\n")


def differences(expected, actual):
    """The lines that only one side has."""
    return ([f"expected only: {line}" for line in expected if line not in actual]
            + [f"oracle only: {line}" for line in actual if line not in expected])


def cases_of(path, column):
    return [row[column] for row in oracle.read_csv(path)]


def test_every_row_of_the_truth_table():
    expected = (TRUTH / "expected.csv").read_text(encoding="utf-8").split("\n")
    actual = oracle_lines()
    assert differences(expected, actual) == []
    assert expected == actual


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query["query"])
def test_every_query_of_the_truth_table(query):
    head, *lines = (TRUTH / "queries_expected.csv").read_text(encoding="utf-8").split("\n")
    prefix = query["query"] + ","
    expected = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    options = ["--frame", query["frame"], "--gap", query["gap_microseconds"]]
    for bound in ("since", "until"):
        if query[bound]:
            options += [f"--{bound}", query[bound]]
    actual = oracle_lines(*options)
    assert head == "query," + actual[0]
    assert expected == actual[1:-1]


def test_every_case_is_explained():
    text = (TRUTH / "README.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([^`]+?)(?<!\.csv)` \|", text, re.MULTILINE)
    cases = [name or "(no user)" for name in cases_of(TRUTH / "events.csv", "user_id")]
    names = {name.strip() for name in cases} | {query["query"] for query in QUERIES}
    assert sorted(set(explained)) == sorted(names)
    assert len(explained) == len(set(explained))
    assert len(names) >= 40


def test_expected_queries_are_known():
    names = [query["query"] for query in QUERIES]
    assert len(names) == len(set(names))
    assert set(cases_of(TRUTH / "queries_expected.csv", "query")) <= set(names)
