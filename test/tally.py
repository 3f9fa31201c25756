#!/usr/bin/python3
# test/tally.py - add up what the test frameworks wrote; the last line is the sum
"""Usage: test/tally.py RESULTS SUITE...

RESULTS/SUITE holds, for each program that test/run started, NAME.status with its exit
status, NAME.log with its output and, where the framework writes them, JUnit files
NAME*.xml. A program that failed without a failed test to show for it, or that ran no
test, counts as one failure.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

LOG_TAIL = 80       # lines shown of the log of a failure
LOGS_SHOWN = 6      # logs shown of one suite


class Tally:
    """The tests of one program, or of many: how many passed, and the names of the rest."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def count(self):
        return self.passed + len(self.failed) + len(self.skipped)

    def __str__(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def read_junit(path):
    """Read a JUnit file as cmocka, pytest and TAP::Formatter::JUnit write it."""
    tally = Tally()
    try:
        tree = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        tally.failed.append(f"{path.name}: not readable: {error}")
        return tally
    for suite in tree.iter("testsuite"):
        skips = read_skips(suite)
        for case in suite.findall("testcase"):
            read_case(tally, suite.get("name", ""), case, skips)
        for error in suite.findall("error"):
            tally.failed.append(f"{suite.get('name')}: {error.get('message')}")
        if "all" in skips:
            tally.skipped.append(f"{suite.get('name')}: {skips['all']}")
    return tally


def read_case(tally, suite, case, skips):
    """Count one test case."""
    name = f"{case.get('classname') or suite}: {case.get('name')}"
    number = (case.get("name") or "").split(" ")[0]
    skip = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None:
        tally.failed.append(name)
    elif skip is not None:
        tally.skipped.append(f"{name}: {skip.get('message') or 'skipped'}")
    elif number in skips:
        tally.skipped.append(f"{name}: {skips[number]}")
    else:
        tally.passed += 1


def read_skips(suite):
    """Find the skips of a TAP file, which its test cases do not show, in its output.

    Returns the reason by test number; by "all" for a file that skipped everything.
    """
    skips = {}
    for line in (suite.findtext("system-out") or "").splitlines():
        one = re.match(r"ok (\d+)\b[^#]*# skip\S*\s*(.*)", line, re.IGNORECASE)
        whole = re.match(r"1\.\.0\s*# skip\S*\s*(.*)", line, re.IGNORECASE)
        if one:
            skips[one.group(1)] = one.group(2)
        elif whole:
            skips["all"] = whole.group(1)
    return skips


def read_pg_regress(path):
    """Read the log of pg_regress: its own style up to version 15, TAP from 16 on.

    A test whose output has a line "skipped: REASON" lacked something that it needs; an
    alternative expected file lets pg_regress accept that.
    """
    tally = Tally()
    suite = path.parent.name
    for line in path.read_text(errors="replace").splitlines():
        old = re.match(r"(?:test|    )\s*(\S+)\s+\.\.\. (ok|FAILED|failed)", line)
        new = re.match(r"(ok|not ok) \d+\s+[-+] (\S+)", line)
        if old:
            name, good = old.group(1), old.group(2) == "ok"
        elif new:
            name, good = new.group(2), new.group(1) == "ok"
        else:
            continue
        output = path.parent / "results" / f"{name}.out"
        skip = output.exists() and re.search(r"^skipped: .*", output.read_text(), re.MULTILINE)
        if not good:
            tally.failed.append(f"{suite}: {name}")
        elif skip:
            tally.skipped.append(f"{suite}: {name}: {skip.group()}")
        else:
            tally.passed += 1
    return tally


def read_program(folder, name):
    """Add up the results of one program and judge its exit status."""
    tally = Tally()
    if name == "pg_regress":
        tally.add(read_pg_regress(folder / f"{name}.log"))
    for path in sorted(folder.glob(f"{name}.xml")) + sorted(folder.glob(f"{name}-*.xml")):
        tally.add(read_junit(path))
    if folder.name == "unit":
        tally.failed = [f"{name}: {test}" for test in tally.failed]
        tally.skipped = [f"{name}: {test}" for test in tally.skipped]
    status = int((folder / f"{name}.status").read_text())
    if status != 0 and not tally.failed:
        tally.failed.append(f"{folder.name}: {name} ended with status {status}")
    elif tally.count() == 0:
        tally.failed.append(f"{folder.name}: {name} ran no test")
    return tally


def show_failures(path):
    """Print the failure texts of a cmocka result file, which are in no log."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return
    for case in root.iter("testcase"):
        for failure in case.findall("failure"):
            print(f"---- {path}: {case.get('name')}\n{(failure.text or '').strip()}")


def show_logs(folder, programs, failed):
    """Print the ends of the logs that explain the failures of a suite."""
    logs = [folder / f"{name}.log" for name in programs] + [folder / "regression.diffs"]
    for path in sorted(folder.glob("log/regress_log_*")):
        name = re.sub(r"\W", "_", path.name.removeprefix("regress_log_"))
        if any(f"_{name}_pl:" in test for test in failed):
            logs.append(path)
    logs = [path for path in logs if path.exists() and path.stat().st_size > 0]
    if folder.name == "unit":
        for name in programs[:LOGS_SHOWN]:
            for path in sorted(folder.glob(f"{name}-*.xml")):
                show_failures(path)
    for path in logs[:LOGS_SHOWN]:
        lines = path.read_text(errors="replace").splitlines()
        print(f"---- {path} (last {min(len(lines), LOG_TAIL)} of {len(lines)} lines)")
        print("\n".join(lines[-LOG_TAIL:]))


def read_suite(folder):
    """Add up one suite and show why it failed, if it did."""
    tally = Tally()
    bad = []
    for path in sorted(folder.glob("*.status")):
        one = read_program(folder, path.stem)
        tally.add(one)
        if one.failed:
            bad.append(path.stem)
    if tally.count() == 0:
        tally.failed.append(f"{folder.name}: the suite ran no test")
    if tally.failed:
        show_logs(folder, bad, tally.failed)
    return tally


def main():
    results = pathlib.Path(sys.argv[1])
    total = Tally()
    lines = []
    for suite in sys.argv[2:]:
        tally = read_suite(results / suite)
        total.add(tally)
        lines.append(f"{suite + ':':<11}{tally}")
    for name in total.skipped:
        print(f"skipped: {name}")
    for name in total.failed:
        print(f"failed: {name}")
    print("\n".join(lines))
    (results / "summary").write_text(f"{total}\n")
    print(total)
    return 1 if total.failed else 0


sys.exit(main())
