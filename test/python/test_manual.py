# test/python/test_manual.py - man pages and shell completions: current, whole, well-formed

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import PROGRAM, ROOT

MAN = ROOT / "docs" / "man"
COMPLETIONS = ROOT / "completions"
PAGES = sorted(MAN.glob("*.1"))


def output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


# Command, letter, name, argument, choices, text of each option; of a command without a name.
OPTIONS = [line.split("\t") for line in output(PROGRAM, "help", "--options").splitlines()]
COMMANDS = [fields[0] for fields in OPTIONS if not fields[2]]
OPTIONS = [fields for fields in OPTIONS if fields[2]]


def test_list_of_options_is_that_of_the_help():
    """help --options has the commands of --help, and the options of each command's help."""
    listed = re.findall(r"^  (\w+)  +\w", output(PROGRAM, "--help"), re.M)
    assert COMMANDS == listed[:-1] and listed[-1] == "help"
    for command in COMMANDS:
        found = re.findall(r"^  (-\w|  )[ ,] (--[\w-]+)(?: (\S+))?",
                           output(PROGRAM, command, "--help"), re.M)
        expected = [(letter or "  ", name) for of, letter, name, *_ in OPTIONS if of == command]
        assert [pair[:2] for pair in found] == expected


def test_generated_files_are_current(tmp_path):
    """What scripts/manual makes is what is committed."""
    need("help2man")
    output(sys.executable, str(ROOT / "scripts/manual"), str(tmp_path),
           env={**os.environ, "CLICKSTREAM_BIN": str(PROGRAM)})
    for directory, made in ((MAN, tmp_path / "docs/man"), (COMPLETIONS, tmp_path / "completions")):
        committed = {path.name for path in directory.iterdir() if path.is_file()}
        assert committed == {path.name for path in made.iterdir()}
        for path in made.iterdir():
            assert path.read_text() == (directory / path.name).read_text(), \
                f"{path.name} is not current: run scripts/manual"


def test_a_page_for_each_command():
    assert {page.stem for page in PAGES} == {"clickstream", *(f"clickstream-{c}" for c in COMMANDS)}
    for command in COMMANDS:
        see_also = (MAN / "include/common.h2m").read_text()
        assert f".BR clickstream\\-{command} (1)" in see_also


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page):
    """No formatter has anything to say about it, and it has every option and section."""
    text = page.read_text().replace("\\-", "-")
    command = page.stem.partition("-")[2]
    for of, _, name, *_ in OPTIONS:
        assert of != command or f"{name}\\fR" in text, name
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"):
        assert f'.SH {section}\n' in text or f'.SH "{section}"\n' in text
    need("mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)],
                          capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    need("man")
    done = subprocess.run(["man", "--warnings", "-l", str(page)], text=True, check=False,
                          capture_output=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    assert done.stderr == ""
    assert command in done.stdout
    plain = re.sub(".\b|\x1b\\[[0-9;]*m", "", done.stdout)  # overstruck, or in colour
    assert max(map(len, plain.splitlines())) <= 80
    assert not re.search(r"^\.TP\n\\fB.*\\fR \S+ [a-z]", page.read_text(), re.M), "text in a tag"


def test_make_install(tmp_path):
    output("make", "-s", "-C", str(ROOT), "install-manual", f"DESTDIR={tmp_path}", "prefix=/p")
    share = tmp_path / "p/share"
    assert {path.name for path in (share / "man/man1").iterdir()} == {page.name for page in PAGES}
    for path in ("bash-completion/completions/clickstream", "zsh/site-functions/_clickstream",
                 "fish/vendor_completions.d/clickstream.fish"):
        assert (share / path).stat().st_size > 1000


# Completions


def test_completions_have_every_option():
    bash, zsh, fish = [(COMPLETIONS / name).read_text() for name in
                       ("clickstream.bash", "_clickstream", "clickstream.fish")]
    for command, letter, name, argument, choices, _ in OPTIONS:
        words = re.search(rf"^    {command}\)\n +words='([^']*)'", bash, re.M)[1].split()
        assert {name, letter or name} <= set(words)
        in_zsh = re.search(rf"^    {command}\)\n +_arguments.*?;;", zsh, re.M | re.S)[0]
        assert re.search(rf"[*,{{]{name}[=\[}}]", in_zsh)
        line = re.search(rf"^complete .*_from {command}'(?: -s \w)? -l {name[2:]} .*", fish, re.M)[0]
        assert not letter or f" -s {letter[1:]} " in line
        assert not choices or f" -x -a '{choices}' " in line
        assert bool(argument) == bool(re.search(rf"{command}:{name}\)", bash))


def complete_in_bash(*words, cwd=ROOT):
    """What bash offers for the last of the words."""
    script = ('. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _clickstream; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return output("bash", "-c", script, str(COMPLETIONS / "clickstream.bash"), *words,
                  cwd=cwd).split()


@pytest.mark.parametrize("words, offered", [
    (["clickstream", "in"], ["init", "inspect"]),
    (["clickstream", "--v"], ["--version"]),
    (["clickstream", "help", "enc"], ["encode"]),
    (["clickstream", "load", "--on"], ["--on-conflict"]),
    (["clickstream", "load", "--on-conflict", ""], ["fail", "nothing", "update"]),
    (["clickstream", "report", "--format", "=", "h"], ["html"]),
    (["clickstream", "report", "--format", "="], ["table", "csv", "json", "html"]),
    (["clickstream", "encode", "-o", "da"], ["data"]),
    (["clickstream", "cat", "data/camp"],
     ["data/campaign.csv", "data/campaign_reward_mapping.csv"]),
    (["clickstream", "load", "--table", ""], []),
    (["clickstream", "serve", "REA"], []),
])
def test_bash_completion(words, offered):
    assert sorted(complete_in_bash(*words)) == sorted(offered)


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_completes_every_option(command):
    expected = {name for of, _, name, *_ in OPTIONS if of == command}
    assert set(complete_in_bash("clickstream", command, "--")) == expected
    for of, _, name, argument, choices, _ in OPTIONS:
        if of == command and argument and choices:
            assert complete_in_bash("clickstream", command, name, "") == choices.split()


def test_bash_finds_it_by_its_name():
    script = '. "$0"; complete -p clickstream'
    assert "_clickstream" in output("bash", "-c", script, str(COMPLETIONS / "clickstream.bash"))


def test_zsh_syntax():
    need("zsh")
    output("zsh", "-n", str(COMPLETIONS / "_clickstream"))


def test_zsh_completion(tmp_path):
    """In a terminal of its own: what Tab adds to a beginning that has one end."""
    need("zsh")
    script = f"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'fpath=({COMPLETIONS} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump; PS1=; cd {ROOT}'
zpty -w z 'echo re''ady'
zpty -r -m z line '*ready*'
zpty -n -w z $'clickstream load --on-c\\t=upd\\t \\025'
zpty -w z $'echo do''ne'
zpty -r -m z line '*done*'
print -r -- $line
"""
    seen = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, check=True,
                          env={**os.environ, "TERM": "dumb", "ZDOTDIR": str(tmp_path)},
                          timeout=60).stdout
    assert "--on-conflict" in seen


@pytest.mark.parametrize("line, offered", [
    ("clickstream re", ["recommend", "report"]),
    ("clickstream load --on-c", ["--on-conflict"]),
    ("clickstream load --on-conflict ", ["fail", "nothing", "update"]),
    ("clickstream report --format h", ["html"]),
    ("clickstream encode -o dat", ["data/"]),
])
def test_fish_completion(line, offered, tmp_path):
    need("fish")
    seen = output("fish", "--no-config", "-c", f"source {COMPLETIONS}/clickstream.fish; "
                  f"complete -C '{line}'", cwd=ROOT, env={**os.environ, "HOME": str(tmp_path)})
    assert sorted(row.split("\t")[0] for row in seen.splitlines()) == offered
