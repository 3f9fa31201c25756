# test/cloud/redshift_wire.py - the PostgreSQL wire protocol, version 3, as far as the front needs it
"""Messages, and a connection to the PostgreSQL behind the front."""

import socket
import struct

PROTOCOL = 196608
CANCEL, SSL, GSS = 80877102, 80877103, 80877104


class Closed(Exception):
    """The other side is gone."""


class ServerError(Exception):
    """An ErrorResponse: its fields by letter."""

    def __init__(self, fields):
        super().__init__(fields.get("M", ""))
        self.fields = fields


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def text(value):
    return value.encode() + b"\0"


def error(severity, code, words):
    """An ErrorResponse or, for a NOTICE or INFO, a NoticeResponse."""
    kind = b"E" if severity in ("ERROR", "FATAL") else b"N"
    fields = {"S": severity, "V": severity, "C": code, "M": words}
    return message(kind, b"".join(name.encode() + text(value) for name, value in fields.items()) + b"\0")


def fields_of(body):
    """The fields of an ErrorResponse."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


class Stream:
    """Messages over a socket."""

    def __init__(self, connection):
        self.socket = connection

    def exactly(self, count):
        parts = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise Closed
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def startup(self):
        """The first message, which has no kind."""
        return self.exactly(struct.unpack("!I", self.exactly(4))[0] - 4)

    def receive(self):
        head = self.exactly(5)
        return head[:1], self.exactly(struct.unpack("!I", head[1:])[0] - 4)

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            raise Closed from None

    def close(self):
        self.socket.close()


class Backend(Stream):
    """A connection to PostgreSQL by its Unix socket, where it asks for no password."""

    def __init__(self, address, database, options=None):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        super().__init__(connection)
        self.status = b"I"
        self.greeting = []
        settings = {"user": "postgres", "database": database, **(options or {})}
        body = b"".join(text(name) + text(value) for name, value in settings.items())
        self.send(struct.pack("!II", len(body) + 9, PROTOCOL) + body + b"\0")
        while True:
            kind, body = self.receive()
            if kind == b"E":
                raise ServerError(fields_of(body))
            if kind != b"R":
                self.greeting.append((kind, body))
            if kind == b"Z":
                return

    def query(self, words, lines=None):
        """Run SQL for the front itself; its rows as lists of text. Lines go into a COPY."""
        self.send(message(b"Q", text(words)))
        rows, failed = [], None
        while True:
            kind, body = self.receive()
            if kind == b"E":
                failed = fields_of(body)
            elif kind == b"D":
                rows.append(self.row(body))
            elif kind == b"G":
                self.copy(lines or ())
            elif kind == b"Z":
                self.status = body
                if failed:
                    raise ServerError(failed)
                return rows

    def copy(self, lines):
        for start in range(0, len(lines), 5000):
            chunk = "".join(line + "\n" for line in lines[start:start + 5000])
            self.send(message(b"d", chunk.encode()))
        self.send(message(b"c"))

    @staticmethod
    def row(body):
        """A DataRow's values."""
        values, at = [], 2
        for _ in range(struct.unpack("!H", body[:2])[0]):
            length = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            values.append(None if length < 0 else body[at:at + length].decode())
            at += max(length, 0)
        return values
