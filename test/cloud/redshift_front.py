#!/usr/bin/env python3
# test/cloud/redshift_front.py - a double of Amazon Redshift: its protocol, version, COPY from S3
# and refusals, over a throwaway PostgreSQL
"""Usage: redshift_front.py --socket FILE --database NAME --endpoint URL --access KEY --secret KEY
                            [--password WORD]

Listen on a free port of 127.0.0.1, print it, and serve until standard input ends. The database
is the one that clients come to, whatever name they give; they are user "awsuser" with the password.

What it does not do: distribution and sort keys (taken and ignored), spaces at the end of VARCHARs
(significant here), the order of ties, SUPER, IAM, error 1023, several COPYs at once.
"""

import argparse
import hashlib
import os
import re
import socket
import struct
import sys
import threading

import redshift_wire as wire
from redshift_copy import Bucket, Column, Copy, Failure, load_rows
from redshift_sql import Refused, significant, statements, translate

VERSION = "8.0.2"
USER = "awsuser"
SETTINGS = {"options": "-c standard_conforming_strings=off -c escape_string_warning=off "
                       "-c timezone=UTC -c jit=off -c work_mem=256MB"}
VERSION_TEXT = f"PostgreSQL {VERSION} on i686-pc-linux-gnu, compiled by GCC gcc, Redshift 1.0.198"
OWN = re.compile(r"\bversion\s*\(\s*\)", re.IGNORECASE)
LAST_COPY = re.compile(r"\bpg_last_copy_(id|count)\s*\(\s*\)", re.IGNORECASE)


class Place:
    """What all connections share: where PostgreSQL and S3 are, and the number of the last query."""

    def __init__(self, options):
        self.address, self.database = options.socket, options.database
        self.password = options.password
        self.bucket = Bucket(options.endpoint, options.access, options.secret)
        self.lock = threading.Lock()
        self.queries = 100

    def next_query(self):
        with self.lock:
            self.queries += 1
            return self.queries

    def backend(self, **settings):
        return wire.Backend(self.address, self.database, {**SETTINGS, **settings})

    def record_errors(self, query, errors):
        """Fill STL_LOAD_ERRORS, outside of the client's transaction: they stay when that is rolled back."""
        lines = []
        for url, number, failed in errors:
            column = failed.column
            values = [query, url, number, column.name if column else "",
                      column.type[:10] if column else "", column.length or "" if column else "",
                      "" if failed.value is None else str(failed.value)[:1024], failed.code,
                      failed.reason[:100]]
            lines.append("\t".join(str(value).replace("\\", "\\\\").replace("\t", "\\t")
                                   .replace("\n", "\\n") for value in values))
        backend = self.backend()
        backend.query("COPY redshift_shim.stl_load_errors (query, filename, line_number, colname, type, "
                      "col_length, raw_field_value, err_code, err_reason) FROM STDIN", lines)
        backend.close()


class Client:
    """One connection of a client, in a thread of its own."""

    def __init__(self, place, connection):
        self.place = place
        self.stream = wire.Stream(connection)
        self.backend = None
        self.copied = {"id": -1, "count": 0}

    def run(self):
        try:
            if self.greet():
                self.serve()
        except (wire.Closed, ConnectionError):
            pass
        finally:
            if self.backend:
                self.backend.close()
            self.stream.close()

    def greet(self):
        """From the first message to ReadyForQuery; false where the client has no session."""
        while True:
            body = self.stream.startup()
            code = struct.unpack("!I", body[:4])[0]
            if code in (wire.SSL, wire.GSS):
                self.stream.send(b"N")
                continue
            if code == wire.CANCEL:
                self.cancel(body)
                return False
            break
        words = [word.decode() for word in body[4:].split(b"\0")]
        settings = dict(zip(words[0::2], words[1::2]))
        if not self.authenticate(settings.get("user", "")):
            return False
        passed = {name: value for name, value in settings.items()
                  if name in ("client_encoding", "application_name")}
        self.backend = self.place.backend(**passed)
        self.stream.send(wire.message(b"R", struct.pack("!I", 0)))
        for kind, body in self.backend.greeting:
            if kind == b"S" and body.startswith(b"server_version\0"):
                body = b"server_version\0" + VERSION.encode() + b"\0"
            self.stream.send(wire.message(kind, body))
        return True

    def authenticate(self, user):
        """Ask for the password, as md5."""
        salt = os.urandom(4)
        self.stream.send(wire.message(b"R", struct.pack("!I", 5) + salt))
        _, body = self.stream.receive()
        inner = hashlib.md5((self.place.password + USER).encode()).hexdigest()
        wanted = "md5" + hashlib.md5(inner.encode() + salt).hexdigest()
        if user == USER and body.rstrip(b"\0").decode() == wanted:
            return True
        self.stream.send(wire.error("FATAL", "28000", f'password authentication failed for user "{user}"'))
        return False

    def cancel(self, body):
        """Pass a cancel request on."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.place.address)
        connection.sendall(struct.pack("!I", len(body) + 4) + body)
        connection.close()

    def serve(self):
        """Answer messages until the client ends."""
        skipping = False
        while True:
            kind, body = self.stream.receive()
            if kind == b"X":
                return
            if kind == b"S":
                skipping = False
                self.forward(kind, body)
            elif skipping:
                continue
            elif kind == b"Q":
                self.simple(body[:-1].decode())
            elif kind == b"P":
                skipping = not self.parse(body)
            else:
                self.backend.send(wire.message(kind, body))

    def forward(self, kind, body):
        """Send a message to PostgreSQL, and what it answers to the client."""
        self.backend.send(wire.message(kind, body))
        while True:
            kind, body = self.backend.receive()
            if kind == b"E" and b"inline_code_block" in body:
                fields = wire.fields_of(body)
                self.stream.send(wire.error("ERROR", fields["C"], fields["M"]))
                continue
            self.stream.send(wire.message(kind, body))
            if kind == b"Z":
                self.backend.status = body
                return

    def translated(self, text):
        """A text of statements for PostgreSQL."""
        text = OWN.sub(f"CAST('{VERSION_TEXT}' AS text)", text)
        text = LAST_COPY.sub(lambda match: str(self.copied[match.group(1).lower()]), text)
        return ";".join(translate(one) for one in statements(text))

    def parse(self, body):
        """A statement of the extended protocol; false where it is refused."""
        name, words, types = body.split(b"\0", 2)
        try:
            words = self.translated(words.decode()).encode()
        except Refused as refused:
            self.backend.send(wire.message(b"P", b"\0" + wire.text(failing(refused.code, str(refused)))
                                           + struct.pack("!H", 0)))
            return False
        self.backend.send(wire.message(b"P", name + b"\0" + words + b"\0" + types))
        return True

    def simple(self, text):
        """A simple query: COPY from S3 is ours, all others are PostgreSQL's."""
        self.place.next_query()
        try:
            found = statements(text)
            heads = [significant(one)[0].upper for one in found]
            if "COPY" in heads and "AVRO" in text.upper():
                if len(found) > 1:
                    raise Refused("COPY must be the only statement of a query here")
                self.copy(found[0])
                return
            words = self.translated(text)
        except Refused as refused:
            words = failing(refused.code, str(refused))
        self.forward(b"Q", wire.text(words))

    def copy(self, tokens):
        """COPY ... FORMAT AS AVRO."""
        copy = Copy(tokens)
        query = self.place.next_query()
        self.copied["id"] = query
        try:
            if self.backend.status == b"E":
                self.backend.query("SELECT 1")
            columns = self.columns(copy)
            lines, errors = load_rows(copy, columns, self.place.bucket)
            if errors:
                self.place.record_errors(query, errors)
            self.store(copy, columns, lines)
        except Failure as failure:
            words = str(failure)
            if failure.errors:
                self.place.record_errors(query, failure.errors)
                words = (f"Load into table '{copy.table}' failed.  "
                         "Check 'stl_load_errors' system table for details.")
            self.forward(b"Q", wire.text(failing("XX000", words)))
        except wire.ServerError as failed:
            self.forward(b"Q", wire.text(failing(failed.fields["C"], failed.fields["M"])))
        else:
            self.copied["count"] = len(lines)
            loaded = 0 if copy.options.get("NOLOAD") else len(lines)
            self.stream.send(wire.error("INFO", "00000", f"Load into table '{copy.table}' completed, "
                                        f"{loaded} record(s) loaded successfully."))
            self.stream.send(wire.message(b"C", wire.text("COPY")))
            self.stream.send(wire.message(b"Z", self.backend.status))

    def columns(self, copy):
        """The columns to load: those named, or all."""
        table = copy.table.replace("'", "''")
        rows = self.backend.query(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
            f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum")
        known = {name: Column(name, kind, not_null == "t") for name, kind, not_null in rows}
        missing = [name for name in copy.names or () if name not in known]
        if missing:
            raise wire.ServerError({"C": "42703", "M": f'column "{missing[0]}" of relation '
                                    f'"{copy.table}" does not exist'})
        return [known[name] for name in copy.names or known]

    def store(self, copy, columns, lines):
        if copy.options.get("NOLOAD"):
            return
        names = ", ".join('"' + column.name.replace('"', '""') + '"' for column in columns)
        self.backend.query(f"COPY {copy.table} ({names}) FROM STDIN", lines)


def failing(code, words):
    """A statement that fails with this SQLSTATE and message, in a transaction or without."""
    words = words.replace("\\", "").replace("'", "''")
    return f"DO $f$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = '{words}'; END $f$"


def listen(place):
    """Serve clients, each in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Client(place, connection).run, daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description="a double of Amazon Redshift")
    for name in ("socket", "database", "endpoint", "access", "secret"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--password", default="Secret-1")
    place = Place(parser.parse_args())
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "redshift_shim.sql"),
              encoding="utf-8") as file:
        backend = wire.Backend(place.address, place.database)
        backend.query(file.read())
        backend.close()
    threading.Thread(target=listen, args=(place,), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
