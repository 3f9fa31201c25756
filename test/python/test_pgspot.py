# test/python/test_pgspot.py - pgspot over the scripts of the extension and those of init
"""What pgspot still finds is listed here with the reason why it is no risk; anything else fails.

That the reasons hold is what test/t/070_trusted_install.pl and 071_hostile_schema.pl show, with an
attacker's objects in place.
"""

import re
import subprocess
import sys

import pytest

from conftest import ROOT

EXTENSION = sorted((ROOT / "extension").glob("clickstream*.sql"))
INIT = sorted((ROOT / "sql/postgres").glob("*.sql"))

# Never edited: what is found there is real, and the control file of the version keeps everybody
# but superusers from installing it. See docs/security.md.
FROZEN_WITH_FINDINGS = {"clickstream--0.3.0--0.4.0.sql", "clickstream--0.4.0.sql", "clickstream--0.5.0.sql"}

# The extension is relocatable, so its scripts cannot name its schema, which is first in the search
# path. CREATE without OR REPLACE or IF NOT EXISTS fails where somebody has made an object of
# the name before, and what a statement refers to was made by the script itself.
OWN_OBJECTS = {
    "sessionset", "sessionize", "sessionize_events", "rollup", "reward_map", "=", "<>", "<", "<=", ">", ">=", "+",
    "recommender_model", "recommender_item", "recommender_user",
}

# init makes what is missing and leaves what is there, in a schema of the user's choice that is first
# in the search path; it refuses objects there that belong to a role which is not to be trusted
# (init_owners.sql). Functions and operators are called with exactly their types, or qualified.
INIT_CODES = {
    "PS001": "operators of exactly their types, see above",
    "PS002": "CREATE OR REPLACE of a function: its owner was checked",
    "PS003": "SECURITY DEFINER with a search path of its own: that of init, FROM CURRENT",
    "PS004": "the same: pgspot takes FROM CURRENT for none",
    "PS005": "the same, and BEGIN ATOMIC, which is resolved when it is made",
    "PS012": "CREATE TABLE IF NOT EXISTS: its owner and shape are checked",
    "PS014": "CREATE INDEX IF NOT EXISTS: as its table",
    "PS015": "CREATE OR REPLACE VIEW: its owner was checked",
    "PS016": "functions of exactly their types, see above",
    "PS017": "tables of the schema that is first in the search path",
}


def plain_bodies(text):
    """BEGIN ATOMIC as a string, SETOF and FROM CURRENT otherwise: pgspot cannot read these."""
    text = re.sub(r"BEGIN ATOMIC\n(.*?)\nEND;", r"AS $body$\1$body$;", text, flags=re.DOTALL)
    text = text.replace("SET search_path FROM CURRENT", "SET search_path = own_schema, pg_temp")
    return re.sub(r"RETURNS SETOF (?!record)(\w+)", r"RETURNS TABLE (found \1)", text)


def findings(path, tmp_path):
    """What pgspot says of a file: pairs of a code and the rest of the line."""
    copy = tmp_path / path.name
    copy.write_text(plain_bodies(path.read_text()))
    done = subprocess.run([sys.executable, "-m", "pgspot", copy], capture_output=True, text=True, check=False)
    assert re.search(r"Unknown: 0\s*\Z", done.stdout), f"{path.name}: not read to its end\n{done.stdout}{done.stderr}"
    return re.findall(r"^(PS\d+): (.*)$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("path", EXTENSION, ids=lambda path: path.name)
def test_scripts_of_the_extension(path, tmp_path):
    open_findings = []
    for code, text in findings(path, tmp_path):
        reference = re.fullmatch(r"Unqualified object reference: (\S+) at line \d+", text)
        if code != "PS017" or not reference or reference.group(1) not in OWN_OBJECTS:
            open_findings.append(f"{code}: {text}")
    if path.name in FROZEN_WITH_FINDINGS:
        assert open_findings, "nothing is found any more: take it off the list"
        return
    assert not open_findings, "\n".join(open_findings)


@pytest.mark.parametrize("path", INIT, ids=lambda path: path.name)
def test_scripts_of_init(path, tmp_path):
    open_findings = [f"{code}: {text}" for code, text in findings(path, tmp_path) if code not in INIT_CODES]
    assert not open_findings, "\n".join(open_findings)


@pytest.mark.parametrize("version", ["0.4.0", "0.5.0"])
def test_scripts_with_findings_are_for_superusers(version):
    assert "\ntrusted = false\n" in (ROOT / f"extension/clickstream--{version}.control").read_text()


def test_security_definer_has_a_search_path():
    for path in INIT:
        for head in re.findall(r"LANGUAGE[^;]*?SECURITY DEFINER[^$]*\$\$", path.read_text()):
            assert "SET search_path FROM CURRENT" in head, path.name
