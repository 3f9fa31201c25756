#!/usr/bin/python3
# test/fuzz/run.py - run the fuzzing targets: the corpus, then inputs made from it
"""Usage: test/fuzz/run.py RESULTS

Each target reads every file of its corpus, one by one; then libFuzzer makes inputs: a fixed
number of them from a fixed seed, or, with CLICKSTREAM_SOAK=1, for ten minutes from the
clock's. CLICKSTREAM_SEED sets the seed. Targets run side by side, one on each processor.
RESULTS/targets.xml is the JUnit file; logs, and inputs that were found, lie beside it.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE.parents[1] / "build" / "fuzz"
UNSUPPORTED = PROGRAMS / "unsupported"  # test/fuzz/Makefile leaves it where clang lacks libFuzzer

SOAK = os.environ.get("CLICKSTREAM_SOAK") == "1"
SOAK_SECONDS = int(os.environ.get("CLICKSTREAM_FUZZ_SECONDS", "600"))
SEED = int(os.environ.get("CLICKSTREAM_SEED") or (time.time() if SOAK else 1)) % 2 ** 32 or 1

# Inputs made in a short run: some seconds each.
RUNS = 30000
RUNS_OF_SLOW = {"arguments": 2000, "container": 6000, "csv": 3000, "inflate": 6000,
                "s3_answer": 6000, "value_text": 20000}

# One input may take so long, and so much memory; a hang guard, and a bound that hostile
# input must not pass.
COMMON = ["-timeout=60", "-rss_limit_mb=2048", "-malloc_limit_mb=256", "-close_fd_mask=3",
          "-print_final_stats=1", "-verbosity=1"]


def targets():
    return sorted(path.name.removesuffix("_fuzz.c") for path in HERE.glob("*_fuzz.c"))


def start(results, name, kind, arguments):
    """Run a target, its log beside the results; True where it found nothing."""
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1",
                       UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    with open(results / f"{name}-{kind}.log", "wb") as log:
        return subprocess.run(
            [PROGRAMS / name, *COMMON, f"-artifact_prefix={results}/{name}-", *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
            check=False).returncode == 0


def replay(results, name):
    """Read each file of the corpus."""
    files = sorted((HERE / "corpus" / name).iterdir())
    return bool(files) and start(results, name, "corpus", files)


def fuzz(results, name):
    """Make inputs; say how many, and how much of the code they reached."""
    dictionary = HERE / "dict" / f"{name}.dict"
    arguments = [f"-seed={SEED}"]
    if dictionary.exists():
        arguments.append(f"-dict={dictionary}")
    if SOAK:
        arguments += [f"-max_total_time={SOAK_SECONDS}", "-use_value_profile=1"]
    else:
        arguments.append(f"-runs={RUNS_OF_SLOW.get(name, RUNS)}")
    with tempfile.TemporaryDirectory() as found:
        good = start(results, name, "made", [*arguments, found, HERE / "corpus" / name])
    log = (results / f"{name}-made.log").read_text(errors="replace")
    cover = re.findall(r"cov: (\d+) ft: (\d+)", log) or [("?", "?")]
    count = re.findall(r"number_of_executed_units: (\d+)", log) or ["?"]
    print(f"{name}: CLICKSTREAM_SEED={SEED}, {count[-1]} executions, coverage {cover[-1][0]}, "
          f"features {cover[-1][1]}{'' if good else ', FAILED'}", flush=True)
    return good


def failure_text(results, name, kind):
    """What a log says of a failure, and where the input lies."""
    log = (results / f"{name}-{kind}.log").read_text(errors="replace")
    said = re.findall(r"^.*(?:does not hold|runtime error|SUMMARY|Test unit written|ERROR:).*$", log,
                      re.MULTILINE)
    return "\n".join(said) or log[-2000:]


def run_target(results, name):
    """The cases of one target: name, and the text of a failure or None."""
    cases = []
    for kind, step in (("corpus", replay), ("made", fuzz)):
        good = step(results, name)
        cases.append((kind, None if good else failure_text(results, name, kind)))
        if not good:
            print(f"{name}, {kind}: {cases[-1][1]}", flush=True)
    return cases


def main():
    results = pathlib.Path(sys.argv[1]).resolve()
    suite = ElementTree.Element("testsuite", name="fuzz")
    names = targets()
    if UNSUPPORTED.exists():
        for name in names:
            case = ElementTree.SubElement(suite, "testcase", classname="fuzz", name=name)
            ElementTree.SubElement(case, "skipped", message=UNSUPPORTED.read_text().strip())
        failed = False
    else:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = list(pool.map(lambda name: run_target(results, name), names))
        for name, cases in zip(names, outcomes):
            for kind, problem in cases:
                case = ElementTree.SubElement(suite, "testcase", classname="fuzz",
                                              name=f"{name}, {kind}")
                if problem is not None:
                    ElementTree.SubElement(case, "failure", message="a finding").text = problem
        failed = any(problem is not None for cases in outcomes for _, problem in cases)
    ElementTree.ElementTree(suite).write(results / "targets.xml")
    return 1 if failed else 0


sys.exit(main())
