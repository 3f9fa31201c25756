# test/python/test_secrets.py - passwords and keys are in no message and no list of processes
"""Wherever a password can be given, and whatever then fails: only asterisks are seen of it."""

import json
import os
import pathlib
import socket

import pytest

PASSWORD = "s3cret-Pa55"
NOWHERE = {"PGCONNECT_TIMEOUT": "2"}

# No server listens there; the last ones cannot be read, and libpq quotes what is wrong.
STRINGS = [
    f"postgresql://user:{PASSWORD}@127.0.0.1:1/shop",
    f"postgresql://127.0.0.1:1/shop?user=u&password={PASSWORD}",
    f"host=127.0.0.1 port=1 dbname=shop user=u password={PASSWORD}",
    f"host=127.0.0.1 port=1 password = 'with {PASSWORD}\\' in it' user=u",
    f"postgresql://user:{PASSWORD}%zz@127.0.0.1:1/shop",
    f"postgresql://user:{PASSWORD}@[127.0.0.1/shop",
    f"host=127.0.0.1 port=1 password=two {PASSWORD} dbname=shop",
    f"postgresql://127.0.0.1:1/shop?user=u&{PASSWORD}",
]


def environment(**more):
    return {**os.environ, **NOWHERE, **more}


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("string", STRINGS)
@pytest.mark.parametrize("command", ["status", "report", "init", "serve", "load"])
def test_connection_string(here, command, string, log_format):
    here.write("a.csv", "id\n1\n")
    files = ["a.csv"] if command == "load" else []
    result = here.run(command, "-d", string, "--log-format", log_format, "--verbose", *files, env=environment())
    assert result.code == 3, result
    assert PASSWORD not in result.out + result.err
    assert "with " not in result.err
    if log_format == "json":
        assert all(json.loads(line) for line in result.err.splitlines())


def test_connection_string_in_the_wrong_place(here):
    result = here.run("status", "--nonsense", f"postgresql://user:{PASSWORD}@127.0.0.1:1/shop")
    assert result.code == 1 and PASSWORD not in result.err
    result = here.run("init", f"postgresql://user:{PASSWORD}@127.0.0.1:1/shop")
    assert result.code == 1 and PASSWORD not in result.err and "://user:***" in result.err


def test_password_of_the_environment(here):
    result = here.run("status", "-h", "127.0.0.1", "-p", "1", "--verbose", env=environment(PGPASSWORD=PASSWORD))
    assert result.code == 3 and PASSWORD not in result.err


@pytest.mark.parametrize("arguments", [
    ["-d", "postgresql://user:PASSWORD@127.0.0.1:PORT/shop"],
    ["--dbname=postgresql://user:PASSWORD@127.0.0.1:PORT/shop"],
    ["-dhost=127.0.0.1 port=PORT password='PASSWORD'"],
])
def test_list_of_processes(here, arguments):
    """A server that says nothing keeps the program waiting, and its arguments can be looked at."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        given = [text.replace("PORT", port).replace("PASSWORD", PASSWORD) for text in arguments]
        process = here.start("status", *given)
        silent.settimeout(60)
        connected, _ = silent.accept()
        shown = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
        process.kill()
        process.communicate()
        connected.close()
    assert "***" in shown and PASSWORD not in shown


def test_keys_of_s3(here):
    here.write("log.txt", "2024-03-10T08:00:00Z GET /campaigns/1 u1\n")
    here.run_ok("encode", "-o", "a.avro", "log.txt")
    keys = {"AWS_ACCESS_KEY_ID": "AKIA-not-secret", "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_SESSION_TOKEN": PASSWORD + "-token",
            "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
    for log_format in ("text", "json"):
        result = here.run("load", "--target", "redshift", "--stage", "s3://bucket/prefix",
                          "--iam-role", "arn:aws:iam::1:role/r", "--retries", "0",
                          "-d", f"postgresql://u:{PASSWORD}@127.0.0.1:1/x", "--verbose", "--log-format", log_format,
                          "a.avro", env=environment(**keys))
        assert result.code != 0
        assert PASSWORD not in result.out + result.err


def test_token_of_the_service(here):
    for token in ("tiny-one", "control-\x01-" + PASSWORD):
        result = here.run("serve", "--listen", "0.0.0.0", env=environment(CLICKSTREAM_TOKEN=token))
        assert result.code == 1 and token not in result.err
