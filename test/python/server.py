# test/python/server.py - a throwaway server for the tests that need one
"""A PostgreSQL with the staged extension, asked through psql."""

import os
import shlex
import subprocess

from conftest import PROGRAM, ROOT

STAGE = os.environ.get("CLICKSTREAM_STAGE")


class Server:
    """A throwaway server with the extension, asked through psql."""

    def __init__(self, directory):
        done = subprocess.run([ROOT / "scripts/server", "start", directory, STAGE],
                              check=True, capture_output=True, text=True)
        settings = dict(shlex.split(line)[0].split("=", 1) for line in done.stdout.splitlines())
        self.environment = {**os.environ, **settings, "PGDATABASE": "postgres"}
        self.directory = directory

    def restart(self, mode="fast"):
        """Restart it, as an administrator would, or with "immediate" as after a crash."""
        config = os.environ.get("PG_CONFIG", "pg_config")
        bindir = subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run([f"{bindir}/pg_ctl", "-D", f"{self.directory}/data", "-m", mode, "-w", "-s",
                        "-l", f"{self.directory}/log", "restart"], check=True, stdin=subprocess.DEVNULL)

    def stop(self):
        subprocess.run([ROOT / "scripts/server", "stop", self.directory], check=True)

    def sql(self, text, data=None):
        """Run SQL; return its rows as lists of text."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", text],
            env=self.environment, input=data, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def run(self, *arguments):
        """Run the program on it, which must succeed; return its output."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], env=self.environment, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, table, pairs):
        """Make a table of these pairs."""
        self.sql(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (who int, what int)")
        self.sql(f"COPY {table} FROM STDIN", "".join(f"{user}\t{item}\n" for user, item in pairs))
