# test/cloud/s3_faults.py - proxies that fail on demand, before S3 and before Redshift
"""Both number what passes through them from 1 on, and ask a plan what to do with it: a function of
the step's number and name that returns a fault or None. A fault of S3 is a status to answer with,
undone ("500") or after all was done ("500-after"); "cut" or "cut-after"; "half": an answer that ends in
the middle; "slow": an answer that does not come; or the program's death before or after ("kill",
"kill-after": the process `victim`)."""

import http.client
import os
import signal
import socket
import socketserver
import ssl
import struct
import threading

ERRORS = {"500": ("500 Internal Server Error", "InternalError"),
          "503": ("503 Slow Down", "SlowDown"),
          "429": ("429 Too Many Requests", "Throttling")}


class Proxy:
    """A listening thread; a subclass handles connections."""

    def __init__(self, port, plan=None):
        self.target = ("127.0.0.1", port)
        self.plan = plan or (lambda number, name: None)
        self.steps = []
        self.heads = []  # of requests, as they came
        self.victim = None
        self.open = threading.Event()  # set when slow answers need wait no longer
        self.lock = threading.Lock()
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                try:
                    proxy.serve(self)
                except OSError:
                    pass

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            block_on_close = False

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def restart(self, plan=None):
        """Number from 1 again."""
        self.plan = plan or (lambda number, name: None)
        self.steps = []

    def next(self, name):
        """Note a step; what is to go wrong with it."""
        with self.lock:
            self.steps.append(name)
            return self.plan(len(self.steps), name)

    def kill(self):
        os.kill(self.victim.pid, signal.SIGKILL)
        self.victim.wait()

    def serve(self, handler):
        raise NotImplementedError


class S3Proxy(Proxy):
    """Between the program and versitygw; a step is a request. With TLS where there is a certificate."""

    def __init__(self, port, plan=None, certificate=None):
        super().__init__(port, plan)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def serve(self, handler):
        while True:
            request = self.read_request(handler)
            if request is None or not self.answer(handler, *request):
                return

    @staticmethod
    def read_request(handler):
        """The method and target, the head, the body; None at the end."""
        first = handler.rfile.readline()
        if not first:
            return None
        lines, length = [first], 0
        while (line := handler.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"expect":
                handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                continue
            if name.lower() == b"content-length":
                length = int(value)
            lines.append(line)
        return first.decode().split()[:2], b"".join(lines) + b"\r\n", handler.rfile.read(length)

    def answer(self, handler, name, head, body):
        """Pass a request on, or not; False: the connection is to be closed."""
        self.heads.append(head.decode())
        fault = self.next(" ".join(name)) or ""
        kind, _, after = fault.partition("-")
        if kind == "kill" and not after:
            self.kill()
            return False
        if not after and (kind == "cut" or kind in ERRORS):
            return self.fail(handler, kind, name)
        status, headers, content = self.forward(name, head, body)
        if kind == "kill":
            self.kill()
            return False
        if kind == "cut" or kind in ERRORS:
            return self.fail(handler, kind, name)
        if kind == "slow":
            self.open.wait(60)
            return False
        text = f"HTTP/1.1 {status} Answer\r\n".encode()
        text += b"".join(f"{key}: {value}\r\n".encode("latin-1") for key, value in headers
                         if key.lower() not in ("connection", "transfer-encoding", "content-length"))
        length = dict((key.lower(), value) for key, value in headers).get("content-length", len(content))
        text += f"Content-Length: {length if name[0] == 'HEAD' else len(content)}\r\n\r\n".encode() + content
        if kind == "half":
            handler.wfile.write(text[:-len(content) // 2 or len(text) // 2])
            return False
        handler.wfile.write(text)
        return True

    @staticmethod
    def fail(handler, kind, name):
        if kind == "cut":
            return False
        line, code = ERRORS[kind]
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>on purpose</Message></Error>"
        body = "" if name[0] == "HEAD" else body
        handler.wfile.write(f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return True

    def forward(self, name, head, body):
        with socket.create_connection(self.target) as upstream:
            upstream.sendall(head + body)
            response = http.client.HTTPResponse(upstream, method=name[0])
            response.begin()
            return response.status, response.getheaders(), response.read()


class WireProxy(Proxy):
    """Between the program and the front; a step is a simple query.

    Its faults: "cut", "cut-after", "kill", "kill-after", and "1023", Redshift's answer to transactions
    that get into each other's way."""

    @staticmethod
    def read_exactly(file, count):
        data = file.read(count)
        if len(data) < count:
            raise OSError("end")
        return data

    def message(self, file):
        head = self.read_exactly(file, 5)
        return head[:1], head + self.read_exactly(file, struct.unpack("!I", head[1:])[0] - 4)

    def serve(self, handler):
        with socket.create_connection(self.target) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            length = self.read_exactly(handler.rfile, 4)
            start = length + self.read_exactly(handler.rfile, struct.unpack("!I", length)[0] - 4)
            reader = upstream.makefile("rb")
            upstream.sendall(start)
            self.back(upstream, reader, handler)
            while True:
                kind, message = self.message(handler.rfile)
                if kind != b"Q":
                    upstream.sendall(message)
                    return
                if not self.query(handler, upstream, reader, message):
                    return

    def back(self, upstream, reader, handler):
        """Pass on what the server says until it is ready; it may ask for a password before."""
        kind = None
        while kind != b"Z":
            kind, message = self.message(reader)
            handler.wfile.write(message)
            if kind == b"R" and message[5:9] != b"\0\0\0\0":
                upstream.sendall(self.message(handler.rfile)[1])

    def query(self, handler, upstream, reader, message):
        fault = self.next(message[5:-1].decode()) or ""
        kind, _, after = fault.partition("-")
        if kind == "kill" and not after:
            self.kill()
            return False
        if kind == "cut" and not after:
            return False
        if kind == "1023":
            return self.refuse(handler, upstream, reader)
        upstream.sendall(message)
        if not after:
            self.back(upstream, reader, handler)
            return True
        while self.message(reader)[0] != b"Z":
            pass
        if kind == "kill":
            self.kill()
        return False

    def refuse(self, handler, upstream, reader):
        """Answer with error 1023, and let the transaction fail."""
        text = b"SELECT 1/0\0"
        upstream.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)
        while True:
            kind, message = self.message(reader)
            if kind == b"E":
                fields = b"SERROR\0CXX000\0M1023\0DSerializable isolation violation on table - 100\0\0"
                message = b"E" + struct.pack("!I", len(fields) + 4) + fields
            handler.wfile.write(message)
            if kind == b"Z":
                return True
