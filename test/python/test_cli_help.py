# test/python/test_cli_help.py - help, version, and commands or options that do not exist

import os
import re
import signal
import socket
import subprocess
import tempfile

import pytest
from conftest import PROGRAM, ROOT

COMMANDS = ["init", "encode", "load", "status", "unload", "report", "inspect", "cat", "verify",
            "recommend", "serve"]
CONNECTING = ["init", "load", "status", "unload", "report", "recommend", "serve"]

# A misspelt option of each command, and the option that it stands for.
MISSPELT = [
    ("init", "--shema", "--schema"),
    ("encode", "--outptu", "--output"),
    ("encode", "--maxrejects=3", "--max-rejects"),
    ("load", "--tabel", "--table"),
    ("load", "--agian", "--again"),
    ("load", "--mpa=a=b", "--map"),
    ("load", "--delimter=;", "--delimiter"),
    ("report", "--timezon_", "--timezone"),
    ("report", "--fromat", "--format"),
    ("inspect", "--scheam", "--schema"),
    ("cat", "--colums=a", "--columns"),
    ("cat", "--salvge", "--salvage"),
    ("verify", "--max-errosr", "--max-errors"),
    ("recommend", "--modle", "--model"),
    ("load", "--foramt=movielens", "--format"),
    ("serve", "--http-prot", "--http-port"),
    ("init", "--partitoin=month", "--partition"),
    ("status", "--runing", "--running"),
    ("unload", "--dryrun", "--dry-run"),
    ("report", "--verbsoe", "--verbose"),
    ("load", "--log-fromat=json", "--log-format"),
    ("encode", "--progess=none", "--progress"),
]


def test_version(here):
    control = (ROOT / "extension" / "clickstream.control").read_text()
    version = re.search(r"default_version = '(.*)'", control)[1]
    result = here.run_ok("--version")
    assert result.out == f"clickstream {version}\n"
    assert result.err == ""


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["help", "help"], ["help", "--help"]])
def test_general_help(here, arguments):
    result = here.run_ok(*arguments)
    assert "Usage: clickstream COMMAND [OPTION]... [FILE]..." in result.out
    assert all(re.search(rf"^  {name} ", result.out, re.M) for name in COMMANDS)
    assert result.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_command(here, command):
    result = here.run_ok(command, "--help")
    assert result.out == here.run_ok("help", command).out
    assert f"Usage: clickstream {command} [OPTION]..." in result.out
    assert "Exit status: 0 done, 1 usage" in result.out
    assert result.err == ""
    assert max(map(len, result.out.splitlines())) <= 80
    # help2man takes what follows a single blank for a part of the option
    for rest in re.findall(r"^  (?:-\w,|   ) --[\w-]+(.*)$", result.out, re.M):
        assert re.fullmatch(r"( \S+)?(  +\S.*)?", rest), rest
    assert here.run_ok(command, "--version").out == here.run_ok("--version").out
    assert ("--host" in result.out) == (command in CONNECTING)


def test_help_goes_before_missing_arguments(here):
    assert here.run("load", "--help").code == 0


@pytest.mark.parametrize("command, option, meant", MISSPELT)
def test_misspelt_option(here, command, option, meant):
    result = here.run(command, option)
    assert result.code == 1
    assert result.out == ""
    name = option.split("=")[0]
    assert f'clickstream: error: unrecognized option "{name}"\n' in result.err
    assert f'clickstream: hint: Perhaps you meant "{meant}".\n' in result.err


@pytest.mark.parametrize("word, meant", [("lod", "load"), ("encoed", "encode"), ("inti", "init"),
                                         ("inspcet", "inspect"), ("verfiy", "verify"),
                                         ("Report", "report"), ("--verison", "--version")])
def test_misspelt_command(here, word, meant):
    result = here.run(word)
    assert result.code == 1
    assert f'"{word}"' in result.err
    assert f'Perhaps you meant "{meant}".' in result.err


@pytest.mark.parametrize("arguments, message", [
    ([], "no command was given"),
    (["frobnicate"], 'unrecognized command "frobnicate"'),
    (["help", "frobnicate"], 'unrecognized command "frobnicate"'),
    (["help", "report", "load"], 'unexpected argument "load"'),
    (["help", "--options", "load"], 'unexpected argument "load"'),
    (["--frobnicate"], 'unrecognized option "--frobnicate"'),
    (["encode"], "no file was given"),
    (["load"], "no file was given"),
    (["encode", "-x", "log"], 'unrecognized option "-x"'),
    (["encode", "--completely-different"], 'unrecognized option "--completely-different"'),
    (["encode", "log", "-o"], 'option "--output" needs an argument: FILE|DIR'),
    (["encode", "--max-rejects"], 'option "--max-rejects" needs an argument: N'),
    (["encode", "--max-rejects", "-1", "log"], 'invalid argument "-1" of option "--max-rejects"'),
    (["encode", "--max-rejects", "1x", "log"], 'invalid argument "1x" of option "--max-rejects"'),
    (["encode", "--max-rejects", "99999999999999999999", "log"], "not a number from 0 on"),
    (["encode", "--codec", "lzma", "log"],
     'invalid argument "lzma" of option "--codec": not one of deflate, null, '
     "snappy, zstandard, bzip2, xz"),
    (["encode", "--force=yes", "log"], 'option "--force" takes no argument'),
    (["encode", "-o", "", "log"], 'option "--output" needs an argument: FILE|DIR'),
    (["report", "--schema", ""], 'option "--schema" needs an argument: SCHEMA'),
    (["report", "--format", "xml"], "not one of table, csv, json"),
    (["report", "--frame", "end"], "not one of start, overlap"),
    (["report", "--f", "x"], 'option "--f" is ambiguous'),
    (["init", "extra"], 'unexpected argument "extra"'),
    (["load", "-"], "standard input cannot be loaded"),
    (["load", "--map"], 'option "--map" needs an argument: FIELD=COLUMN'),
    (["load", "--map", "", "f"], 'option "--map" needs an argument: FIELD=COLUMN'),
    (["inspect"], "no file was given"),
    (["inspect", "--format", "csv", "f"], "not one of table, json"),
    (["cat"], "no file was given"),
    (["cat", "--limit", "x", "f"], 'invalid argument "x" of option "--limit"'),
    (["cat", "--columns", "", "f"], 'option "--columns" needs an argument: NAME,...'),
    (["verify"], "no file was given"),
    (["verify", "--target", "bigquery", "f"], "not one of postgres, redshift"),
    (["verify", "--reference", "-"], "standard input cannot be read a second time"),
])
def test_usage_errors(here, arguments, message):
    result = here.run(*arguments)
    assert result.code == 1
    assert result.out == ""
    assert f"clickstream: error: {message}" in result.err or message in result.err
    assert result.err.startswith("clickstream: error: ")


@pytest.mark.parametrize("command", [["init"], ["load", "log.csv"], ["report"]])
def test_no_server(here, command):
    """No server, no password in the message, exit 3."""
    here.write("log.csv", "a\n1\n")
    uri = f"postgresql://someone:secret-word@/nowhere?host={here.path}&port=54999"
    result = here.run(*command, "-d", uri)
    assert result.code == 3
    assert "connection to server on socket" in result.err
    assert "secret-word" not in result.err


def test_explicit_connection_options(here):
    result = here.run("report", "-h", here.path, "-p", "54321", "-U", "me", "-d", "db")
    assert result.code == 3
    assert f"{here.path}/.s.PGSQL.54321" in result.err


def test_interrupt_while_connecting(here):
    """A server that takes the connection and says nothing."""
    # The test's own directory may be too deep for the name of a socket.
    with (
        tempfile.TemporaryDirectory(prefix="clickstream-", dir="/tmp") as directory,
        socket.socket(socket.AF_UNIX) as server,
    ):
        server.bind(directory + "/.s.PGSQL.54998")
        server.listen()
        process = here.start("report", "-h", directory, "-p", "54998")
        connection, _ = server.accept()
        connection.recv(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 4
        assert process.stderr.read() == b"clickstream: error: interrupted\n"
        connection.close()


def test_full_disk_on_standard_output(here):
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is not there")
    with open("/dev/full", "wb") as full:
        process = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE)
    assert process.returncode == 3
    assert b"could not write to standard output: No space left on device" in process.stderr


def test_closed_pipe_is_quiet(here):
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([PROGRAM, "--help"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert process.returncode == 3
    assert process.stderr == b""
