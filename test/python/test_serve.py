# test/python/test_serve.py - the service: its answers, its limits, hostile clients
"""Answers are compared with the OpenAPI file that the service itself shows."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from conftest import PROGRAM, measures_memory

SOAK = os.environ.get("CLICKSTREAM_SOAK") == "1"
TOKEN = "a token of the test's own"
SETUP = """
CREATE TABLE pair AS SELECT 'u' || u AS who, i AS what FROM generate_series(1, 30) AS u, generate_series(1, 40) AS i
WHERE hashint4(u * 100 + i) % 3 = 0;
INSERT INTO pair VALUES ('a/b ?&#%', 1), ('Zoë 🎬', 2), ('', 3);
SELECT recommender_fit('m', 'pair', 'who', 'what');
INSERT INTO item SELECT i, 'Item <' || i || '>' FROM generate_series(1, 35) AS i;
INSERT INTO http_log VALUES ('2024-03-10 08:00Z', 'GET', '/campaigns/1', 'u1'),
    ('2024-03-10 08:01Z', 'POST', '/rewards/2', 'u1');
INSERT INTO campaign_reward_mapping VALUES (1, 2);
"""


class Service:
    """A running service."""

    def __init__(self, server, *options, token=None):
        environment = {**server.environment, "CLICKSTREAM_TOKEN": token or ""}
        self.process = subprocess.Popen([PROGRAM, "serve", "--http-port", "0", *options], env=environment,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stderr.readline()
        found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)/\n", line)
        assert found, line + self.process.stderr.read()
        self.port = int(found[1])
        # a full pipe would hold the service up
        self.said = []
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr))
        self.reader.start()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.reader.join()
        self.process.stderr.close()
        return self.process.returncode

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, path, method="GET", body=None, **headers):
        """Status, headers and body of one request."""
        connection = self.connect()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def json(self, path, expected=200):
        status, headers, content = self.ask(path)
        assert (status, headers["Content-Type"]) == (expected, "application/json"), content
        return json.loads(content)

    def throw(self, data):
        """Send bytes as they are, and go away after a glance at what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as raw:
            try:
                raw.sendall(data)
                raw.settimeout(0.02)
                raw.recv(65536)
            except OSError:
                pass


@pytest.fixture(scope="module")
def shop(server):
    subprocess.run([PROGRAM, "init"], env=server.environment, check=True, capture_output=True)
    server.sql(SETUP)
    return server


@pytest.fixture(scope="module")
def service(shop):
    running = Service(shop, "--model", "m")
    yield running
    assert running.stop() == 0


def check_schema(api, schema, value, where="answer"):
    """The value must be what the schema says: type, and no key more or less."""
    if "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].split("/")[-1]]
    if value is None:
        assert schema.get("nullable"), where
        return
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    assert isinstance(value, kinds[schema["type"]]), where
    if schema["type"] == "object":
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), where
        for key, part in value.items():
            check_schema(api, schema["properties"][key], part, f"{where}.{key}")
    elif schema["type"] == "array":
        for part in value:
            check_schema(api, schema["items"], part, f"{where}[]")


REQUESTS = [
    ("/recommend/{user_id}", "/recommend/u1?n=5&titles=true", 200),
    ("/recommend/{user_id}", "/recommend/nobody", 200),
    ("/recommend/{user_id}", "/recommend/u1?n=1001", 400),
    ("/recommend/{user_id}", "/recommend/u1?titles=yes", 400),
    ("/recommend/{user_id}", "/recommend/u1?model=none", 404),
    ("/similar/{item_id}", "/similar/3?titles=true", 200),
    ("/similar/{item_id}", "/similar/three", 400),
    ("/similar/{item_id}", "/similar/3?model=none", 404),
    ("/report", "/report?from=2024-01-01&to=2025-01-01T00:00:00%2B08:00", 200),
    ("/report", "/report?from=2024-01-01&format=json", 200),
    ("/report", "/report?from=someday", 400),
    ("/report", "/report?format=html&to=someday", 400),
    ("/report", "/report?format=xml", 400),
    ("/healthz", "/healthz", 200),
]


@pytest.mark.parametrize("host, expected", [
    ("127.0.0.1", 200), ("127.0.0.1:8080", 200), ("localhost:8080", 200), ("LOCALHOST", 200), ("[::1]:8080", 200),
    ("shop.example", 421), ("localhost.shop.example:8080", 421), ("127.0.0.1.shop.example", 421), ("x" * 300, 421),
])
def test_names_of_others_lead_nowhere(service, host, expected):
    """A page of somebody whose name leads to this machine gets nothing out of a visitor's browser."""
    status, _, content = service.ask("/report?from=2024-01-01", Host=host)
    assert status == expected
    assert expected == 200 or b"user_id" not in content


@pytest.mark.parametrize("route, path, status", REQUESTS)
def test_answers_are_what_openapi_says(service, route, path, status):
    api = service.json("/openapi.json")
    answers = api["paths"][route]["get"]["responses"]
    check_schema(api, answers[str(status)]["content"]["application/json"]["schema"], service.json(path, status))


def test_openapi_names_every_route(service):
    api = service.json("/openapi.json")
    assert set(api["paths"]) == {route for route, _, _ in REQUESTS} | {"/metrics"}


@pytest.mark.parametrize("user", ["u1", "a/b ?&#%", "Zoë 🎬", "nobody", "o'brien \"x\"; --", "x" * 10240])
def test_users_of_every_kind(service, shop, user):
    told = service.json(f"/recommend/{urllib.parse.quote(user, safe='')}?n=3")
    literal = user.replace("'", "''")
    rows = shop.sql(f"SELECT item_id, because = '{{}}' FROM recommend('m', '{literal}', 3) ORDER BY rank")
    assert told["user_id"] == user
    assert [str(item["item_id"]) for item in told["items"]] == [row[0] for row in rows]
    assert told["known"] == (rows[0][1] != "t")


def test_who_is_known_without_items(service):
    for user, known in (("u1", True), ("nobody", False)):
        told = service.json(f"/recommend/{user}?n=0")
        assert (told["known"], told["items"]) == (known, [])


@pytest.mark.parametrize("path", [
    "/recommend/u1%00", "/recommend/u1%00x?n=1", "/recommend/%zz", "/recommend/u1%", "/recommend/u1%4",
    "/recommend/u1?model=m%00", "/similar/3%00", "/report?from=2024-01-01%00", "/report?from=%-1", "/%00",
])
def test_bad_escapes(service, path):
    """Nobody gets the answer to another question: a NUL would end the text before it."""
    assert "percent" in service.json(path, 400)["error"]


@pytest.mark.parametrize("path, said", [
    ("/report?gap=1", 'unknown argument "gap": there are from, to and format'),
    ("/report?from=2024-01-01&From=2024-01-02", 'unknown argument "From": there are from, to and format'),
    ("/report?from=2024-01-01&from=2024-01-02", 'argument "from" is given more than once'),
    ("/report?format=html&format=html", 'argument "format" is given more than once'),
    ("/report?format=html&user=u1", 'unknown argument "user": there are from, to and format'),
    ("/report?from", 'argument "from" has no value'),
    ("/recommend/u1?n=2&n=3", 'argument "n" is given more than once'),
    ("/recommend/u1?n=2&titles=true&token=x", 'unknown argument "token": there are n, model and titles'),
    ("/similar/3?user_id=1", 'unknown argument "user_id": there are n, model and titles'),
    ("/healthz?x=1", 'unknown argument "x": there are none here'),
    ("/metrics?x", 'unknown argument "x": there are none here'),
    ("/openapi.json?=x", 'unknown argument "": there are none here'),
    ("/?user=u1&user=u2", 'argument "user" is given more than once'),
    ("/?name=u1", 'unknown argument "name": there is only user'),
    ("/report?" + "%c3%a9" * 40 + "=1", f'unknown argument "{"é" * 30}": there are from, to and format'),
    ("/report?x" + "%c3%a9" * 40 + "=1", f'unknown argument "x{"é" * 29}": there are from, to and format'),
    ("/report?%22%3Cb%3E=1", 'unknown argument ""<b>": there are from, to and format'),
    ("/report?%ff=1", "the request is not valid UTF-8"),
])
def test_arguments_that_are_not_understood(service, path, said):
    """Nobody gets the answer to another question."""
    assert service.json(path, 400) == {"error": said}


def test_argument_without_anything(service):
    assert service.ask("/report?")[0] == service.ask("/healthz?")[0] == service.ask("/?user=u1")[0] == 200
    assert service.ask("/recommend/u1?&n=2&&titles=true&")[0] == 200
    assert service.ask("/nothing?x=1")[0] == 404


def test_titles_only_on_request(service):
    plain, titled = service.json("/recommend/u1?n=40"), service.json("/recommend/u1?n=40&titles=true")
    assert all(item["title"] is None for item in plain["items"])
    assert all(item["title"] == (f"Item <{item['item_id']}>" if item["item_id"] <= 35 else None)
               for item in titled["items"])


def test_report(service):
    told = service.json("/report?from=2024-03-10T08:00Z")
    assert told == {"truncated": False, "sessions": [{
        "user_id": "u1", "session_start": "2024-03-10T08:00:00+00:00", "session_end": "2024-03-10T08:01:00+00:00",
        "campaigns": [1], "rewards_issued": [2], "reward_driven_by_campaign_view": True}]}
    assert service.json("/report?to=2024-03-10T08:00Z")["sessions"] == []


def metric(service, name):
    lines = service.ask("/metrics")[2].decode().splitlines()
    value, = (line.split()[1] for line in lines if line.split()[0] == name)
    return int(value)


def test_metrics(service):
    assert metric(service, "clickstream_connections") >= 1
    service.ask("/nothing")
    _, headers, content = service.ask("/metrics")
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    lines = content.decode().splitlines()
    assert lines[-1] == "# EOF"
    sample = re.compile(r'clickstream_(request(s|_seconds)_total\{route="[^"]+"(,status="[2-5]xx")?\}'
                        r'|connections|connections_closed_total) [0-9.]+')
    assert all(line.startswith("# ") or sample.fullmatch(line) for line in lines)
    assert any(line.startswith('clickstream_requests_total{route="other",status="4xx"} ') for line in lines)


def test_page(service):
    status, headers, content = service.ask("/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert b"http://" not in content and b"https://" not in content, "the page loads nothing from elsewhere"


def test_page_has_no_dead_links(service):
    links = re.findall(r'href="([^"]+)"', service.ask("/")[2].decode())
    assert "report?format=html" in links
    assert all(service.ask(f"/{link}")[0] == 200 for link in links)


def report_by_program(server, *arguments):
    """The page as the command line makes it."""
    return subprocess.run([PROGRAM, "report", "--format", "html", *arguments], check=True, capture_output=True,
                          env={**server.environment, "PGTZ": "UTC"}).stdout


@pytest.mark.parametrize("query, arguments", [
    ("", []),
    ("&from=2024-03-10T08:00Z", ["--from", "2024-03-10T08:00Z"]),
    ("&from=2024-03-01&to=2024-03-10T08:00Z", ["--from", "2024-03-01", "--to", "2024-03-10T08:00Z"]),
])
def test_report_as_a_page(service, shop, query, arguments):
    status, headers, content = service.ask(f"/report?format=html{query}", Accept="application/json")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["Vary"] == "Accept"
    assert content == report_by_program(shop, *arguments)


@pytest.mark.parametrize("accept, kind", [
    (None, "application/json"), ("*/*", "application/json"), ("image/png", "application/json"),
    ("text/html", "text/html"), ("TEXT/HTML ; charset=utf-8", "text/html"), ("text/*", "text/html"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
    ("text/html;q=0.5, application/json", "application/json"), ("text/html, application/json", "application/json"),
    ("application/json;q=0.1, */*", "text/html"), ("text/html;level=1;q=0, */*;q=0.1", "application/json"),
    ("text/html;q=9", "application/json"), ("text/html;q=nan", "application/json"), (";q=,,;;q", "application/json"),
    ("text/htmlx", "application/json"), ("", "application/json"), ("," * 9000 + "text/html", "text/html"),
])
def test_report_by_what_is_accepted(service, accept, kind):
    status, headers, _ = service.ask("/report", **({} if accept is None else {"Accept": accept}))
    assert (status, headers["Content-Type"].split(";")[0], headers["Vary"]) == (200, kind, "Accept")


def test_errors_of_the_page_are_those_of_the_rows(service):
    for query in ("from=someday", "to=", "from=%00", "from=%ff", "from=2024-01-01&to=infinitely"):
        rows, page = service.ask(f"/report?{query}"), service.ask(f"/report?format=html&{query}")
        assert (page[0], page[1]["Content-Type"], page[2]) == (rows[0], rows[1]["Content-Type"], rows[2])
        assert rows[0] == 400


def backends(server):
    return {row[0] for row in server.sql(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'clickstream' AND backend_type = 'client backend'")}


def test_connections_are_kept_after_errors(shop):
    running = Service(shop, "--workers", "1")
    try:
        before = backends(shop)
        assert running.ask("/report?format=html&from=someday")[0] == 400
        assert running.ask("/report?format=html")[0] == 200
        assert running.ask("/report")[0] == 200
        assert before and backends(shop) == before
        assert shop.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") == [["0"]]
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("query", ["", "?format=html"])
def test_report_after_a_connection_was_lost(shop, query):
    running = Service(shop, "--workers", "1")
    try:
        shop.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'clickstream'")
        assert running.ask(f"/report{query}")[0] == 200
    finally:
        assert running.stop() == 0


@contextlib.contextmanager
def locked_log(server):
    """Another session holds a lock that the report waits for."""
    holder = subprocess.Popen(["psql", "-X", "-q", "-A", "-t"], env=server.environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        holder.stdin.write("BEGIN; LOCK TABLE http_log; SELECT 'locked';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "locked\n"
        yield
    finally:
        holder.communicate("ROLLBACK;\n", timeout=60)


def test_report_that_takes_too_long(service, shop):
    """Both forms wait for a lock no longer than their statement may, and then the service goes on."""
    with locked_log(shop), concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(service.ask, ["/report", "/report?format=html"]))
    for status, headers, content in answers:
        assert (status, headers["Content-Type"]) == (503, "application/json")
        assert json.loads(content) == {"error": "the query took too long"}
    assert service.ask("/report?format=html")[0] == 200


def test_slow_requests_hold_up_no_others(service, shop):
    """While three of four connections to the database wait for a lock, the fourth answers whoever asks."""
    kept = [service.connect() for _ in range(16)]

    def ask_all():
        for connection in kept:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"status" : "ok"}')

    ask_all()
    with concurrent.futures.ThreadPoolExecutor() as pool, locked_log(shop):
        slow = [pool.submit(service.ask, "/report") for _ in range(3)]
        waiting = ("SELECT count(*) FROM pg_stat_activity"
                   " WHERE wait_event_type = 'Lock' AND application_name = 'clickstream'")
        while shop.sql(waiting) != [["3"]]:
            time.sleep(0.001)
            assert not any(one.done() for one in slow)
        ask_all()
        assert not any(one.done() for one in slow)
    assert [one.result()[0] for one in slow] == [200] * 3


def peak_memory(process):
    """The most memory that a process has had, in KB."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s*(\d+) kB", file.read())[1])


@measures_memory
def test_memory_of_the_page_does_not_follow_the_rows(shop):
    running = Service(shop, "--workers", "1")
    try:
        shop.sql("INSERT INTO http_log SELECT '2030-01-01Z', 'GET', '/', 'user ' || i"
                 " FROM generate_series(1, 100000) AS i")
        assert running.ask("/report?format=html&to=2025-01-01")[0] == 200
        before = peak_memory(running.process)
        status, _, content = running.ask("/report?format=html&from=2030-01-01")
        assert status == 200 and b'<dd id="sessions">100,000</dd>' in content
        assert peak_memory(running.process) - before < 4096, "kept, the rows take 320 MB"
    finally:
        shop.sql("DELETE FROM http_log WHERE \"timestamp\" >= '2030-01-01'")
        assert running.stop() == 0


@pytest.mark.parametrize("path", ["/", "/report?format=html", "/report", "/healthz", "/nothing"])
def test_policy(service, path):
    """A browser may load and run nothing that is not the answer's own."""
    headers = service.ask(path)[1]
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert ("script-src" in policy) == ("connect-src" in policy) == (path == "/")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def browse(directory, url, *arguments):
    """What a browser prints of a page."""
    shown = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         f"--user-data-dir={directory}/profile", *arguments, url],
        cwd=directory, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "HOME": str(directory)})
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


@NEEDS_CHROMIUM
@pytest.mark.parametrize("user, expected", [
    ("u1", ["<td>Item &lt;", "because of"]),
    ("<b>nobody", ["This user is not known: these items are popular.", "<td>1</td>"]),
])
def test_page_in_a_browser(service, tmp_path, user, expected):
    shown = browse(tmp_path, f"http://127.0.0.1:{service.port}/?user={urllib.parse.quote(user)}",
                   "--virtual-time-budget=10000", "--dump-dom")
    assert all(text in shown for text in expected), shown


@NEEDS_CHROMIUM
def test_report_in_a_browser(service, shop, tmp_path):
    """A browser asks for the page, and its policy leaves it as it looks from a file."""
    url = f"http://127.0.0.1:{service.port}/report"
    assert '<dd id="sessions">1</dd>' in browse(tmp_path, url, "--dump-dom")
    browse(tmp_path, url, "--window-size=1024,1600", "--screenshot=served.png")
    (tmp_path / "report.html").write_bytes(report_by_program(shop))
    browse(tmp_path, f"file://{tmp_path}/report.html", "--window-size=1024,1600", "--screenshot=file.png")
    assert (tmp_path / "served.png").read_bytes() == (tmp_path / "file.png").read_bytes()


def test_connection_is_kept(service):
    connection = service.connect()
    for _ in range(3):
        connection.request("GET", "/recommend/u1?n=1")
        answer = connection.getresponse()
        assert answer.status == 200 and json.loads(answer.read())["known"]
    connection.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods(service, method):
    status, headers, _ = service.ask("/recommend/u1", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_body_is_refused(service):
    assert service.ask("/healthz", body=b"x" * 100000)[0] == 413
    assert service.ask("/healthz", "HEAD")[2] == b""


@pytest.mark.parametrize("path", ["/recommend/", "/recommend", "/similar/", "/REPORT", "//", "/item", "/../etc/passwd"])
def test_nothing_else_is_there(service, path):
    assert "error" in service.json(path, 404)


def test_token(shop):
    running = Service(shop, "--model", "m", token=TOKEN)
    try:
        assert running.ask("/healthz")[0] == 200
        for given in (None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"):
            headers = {} if given is None else {"Authorization": given}
            status, answered, _ = running.ask("/recommend/u1", **headers)
            assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
            assert running.ask("/report?format=html", **headers)[0] == 401
        assert running.ask("/recommend/u1", Authorization=f"Bearer {TOKEN}")[0] == 200
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("arguments, token, message", [
    (["--listen", "0.0.0.0"], "", "a token is needed"),
    (["--listen", "::"], "", "a token is needed"),
    (["--listen", "127.0.0.1"], "short", "shorter than 16 bytes"),
    (["--listen", "127.0.0.one"], "", "is not an IP address"),
    (["--http-port", "65536"], "", "takes a number from 0 to 65535"),
    (["--workers", "-1"], "", "takes a number from 1 to 64"),
    (["--workers", "0"], "", "takes a number from 1 to 64"),
    (["--schema", "nowhere"], "", 'schema "nowhere" does not exist'),
    ([], "sixteen bytes\nand more", "holds a control character"),
])
def test_bad_options(shop, arguments, token, message):
    done = subprocess.run([PROGRAM, "serve", *arguments], env={**shop.environment, "CLICKSTREAM_TOKEN": token},
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and message in done.stderr, done


def test_database_without_the_extension(shop):
    shop.sql("CREATE DATABASE bare")
    done = subprocess.run([PROGRAM, "serve", "--http-port", "0", "-d", "bare"], env=shop.environment,
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "the extension is not in this database" in done.stderr and 'clickstream init" creates it' in done.stderr


def test_port_in_use(shop, service):
    done = subprocess.run([PROGRAM, "serve", "--http-port", str(service.port)], env=shop.environment,
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3 and "could not listen" in done.stderr, done


def test_no_statement_of_a_client_runs(service, shop):
    before = shop.sql("SELECT count(*) FROM item")
    for text in ("'; DROP TABLE item; --", "$1", "m'); DELETE FROM item; --", "%s", "\\'"):
        quoted = urllib.parse.quote(text, safe="")
        service.ask(f"/recommend/{quoted}?model={quoted}&n={quoted}")
        service.ask(f"/similar/{quoted}?n=3")
        service.ask(f"/report?from={quoted}&to={quoted}")
    assert shop.sql("SELECT count(*) FROM item") == before


PATH_PARTS = ["recommend", "similar", "report", "/report?format=html&from=", "/",
              "%", "%00", "%ff", "..", "\x01", "é", "u1", "?", "n=", "9" * 40]
METHODS = ["GET", "HEAD", "POST", "G\0T", "", "GET " * 50]


def hostile_request(draw):
    """A random request, most of them malformed."""
    path = "/" + "".join(draw.choice(PATH_PARTS) for _ in range(draw.randrange(9)))
    head = f"{draw.choice(METHODS)} {path} {draw.choice(['HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', ''])}"
    kind = draw.randrange(7)
    if kind == 0:
        return draw.randbytes(draw.randrange(2000))
    if kind == 1:  # a flood of headers
        flood = "".join(f"X-{i}: {'v' * draw.randrange(300)}\r\n" for i in range(500))
        return f"{head}\r\n{flood}\r\n".encode()
    if kind == 2:  # one huge line
        return f"GET /recommend/{'u' * 200000} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    if kind == 3:  # bodies that lie about their length
        length = draw.choice(["-1", "99999999999999999999", "10", "x"])
        return f"{head}\r\nHost: x\r\nContent-Length: {length}\r\n\r\nbody".encode()
    if kind == 4:
        return (head + "\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n").encode()
    if kind == 5:  # many requests at once
        one = f"GET /recommend/u{draw.randrange(40)}?n=3 HTTP/1.1\r\nHost: x\r\n\r\n"
        return (one * draw.randrange(1, 20)).encode()
    return (head + "\r\nHost: x\r\n\r\n").encode()


def test_hostile_requests(service):
    seed = int(os.environ.get("CLICKSTREAM_SEED", "1"))
    count = 10000 if SOAK else 400
    print(f"seed {seed}, {count} requests")
    draw = random.Random(seed)
    slow = []
    for i in range(count):
        service.throw(hostile_request(draw))
        if i % 100 == 0:  # one more that sends its request a byte at a time, and never ends it
            slow.append(socket.create_connection(("127.0.0.1", service.port), timeout=60))
            slow[-1].sendall(b"GET /recom")
        for raw in slow[-20:]:
            try:
                raw.sendall(b"m")
            except OSError:
                pass
    assert service.json("/recommend/u1?n=1")["known"]
    assert service.process.poll() is None
    for raw in slow:
        raw.close()


def drip(raw):
    """Send one byte more, if the service still listens."""
    try:
        raw.sendall(b"m")
    except OSError:
        pass


def test_slow_senders_keep_nobody_out(service):
    """More clients than may connect send their requests a byte at a time; others are answered all the same."""
    before = metric(service, "clickstream_connections_closed_total")
    kept = service.connect()
    slow = []
    try:
        for _ in range(400):
            slow.append(socket.create_connection(("127.0.0.1", service.port), timeout=60))
            slow[-1].sendall(b"GET /recom")
        for _ in range(20):
            for raw in slow:
                drip(raw)
            assert service.json("/recommend/u1?n=1")["known"]
            kept.request("GET", "/healthz")
            assert kept.getresponse().read() == b'{"status" : "ok"}'
        assert metric(service, "clickstream_connections_closed_total") >= before + 100
        assert metric(service, "clickstream_connections") <= 256
    finally:
        for raw in [*slow, kept]:
            raw.close()


class Clients:
    """So many clients that ask one question again and again over kept connections, while a block runs."""

    def __init__(self, service, path, count=8):
        self.service, self.path, self.count = service, path, count
        self.answers = []
        self.stopped = threading.Event()

    def ask(self):
        connection = self.service.connect()
        while not self.stopped.is_set():
            connection.request("GET", self.path)
            answer = connection.getresponse()
            self.answers.append((answer.status, json.loads(answer.read())))
        connection.close()

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(self.count)
        self.running = [self.pool.submit(self.ask) for _ in range(self.count)]
        return self

    def wait(self, answers):
        """Wait until there are so many more, and the last one is good; for a minute at most, which is a hang."""
        enough = len(self.answers) + answers
        deadline = time.monotonic() + 60
        while len(self.answers) < enough or self.answers[-1][0] != 200:
            assert time.monotonic() < deadline and not any(one.done() for one in self.running), self.answers[-1:]
            time.sleep(0.001)

    def __exit__(self, *_):
        self.stopped.set()
        for one in self.running:
            one.result()
        self.pool.shutdown()


def test_refits_while_clients_ask(service, shop):
    """Each answer is that of one model, of all items or of half of them."""
    fits = 50 if SOAK else 5
    shop.sql("CREATE VIEW half AS SELECT * FROM pair WHERE what <= 20")
    with Clients(service, "/recommend/nobody?n=1000") as clients:
        for i in range(fits):
            shop.sql(f"SELECT recommender_fit('m', '{'pair' if i % 2 else 'half'}', 'who', 'what')")
            clients.wait(16)
    shop.sql("SELECT recommender_fit('m', 'pair', 'who', 'what'); DROP VIEW half")
    assert {(status, len(told["items"])) for status, told in clients.answers} == {(200, 20), (200, 40)}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restarts_while_clients_ask(service, shop, mode):
    """Meanwhile each request is answered, if only that there is no database."""
    with Clients(service, "/recommend/u1?n=3") as clients:
        for _ in range(20 if SOAK else 3):
            shop.restart(mode)
            clients.wait(16)
    good = {json.dumps(told) for status, told in clients.answers if status == 200}
    bad = {told["error"] for status, told in clients.answers if status != 200}
    assert len(good) == 1 and bad <= {"the database cannot answer", "the database cannot be reached"}


def test_messages_while_there_is_no_database(shop):
    """A request says in its answer what is wrong; the messages do not follow the number of requests."""
    shop.sql("CREATE DATABASE gone")
    subprocess.run([PROGRAM, "init", "-d", "gone"], env=shop.environment, check=True, capture_output=True)
    running = Service(shop, "-d", "gone")
    shop.sql("DROP DATABASE gone WITH (FORCE)")
    start = time.monotonic()
    answers = [running.json("/healthz", 503)["error"] for _ in range(1000)]
    seconds = time.monotonic() - start
    assert running.stop() == 0
    assert set(answers) <= {"the database cannot answer", "the database cannot be reached"}
    assert 1 <= len(running.said) <= 10 + 6 * seconds


class Gate:
    """A way to the database's socket that can be shut: then it takes connections, and says nothing."""

    def __init__(self, server):
        self.target = f"{server.environment['PGHOST']}/.s.PGSQL.{server.environment['PGPORT']}"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_open = True
        self.sockets = []
        self.waiting = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            self.sockets.append(client)
            if not self.is_open:
                self.waiting.set()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            self.sockets.append(server)
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def pass_on(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)

    def shut(self):
        self.is_open = False
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def test_ends_in_order_while_a_connection_is_opened(shop):
    gate = Gate(shop)
    running = Service(shop, "-h", "127.0.0.1", "-p", str(gate.port), "--model", "m")
    assert running.ask("/healthz")[0] == 200
    gate.shut()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(running.ask, "/healthz")
        assert gate.waiting.wait(60)
        assert running.stop() == 0
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may get no answer any more
            assert asked.result()[0] == 503


def test_survives_a_restart_of_the_database(service, shop):
    assert service.json("/recommend/u1?n=1")["known"]
    page = service.ask("/report?format=html")[2]
    shop.restart()
    deadline = time.monotonic() + 60  # a hang guard
    while service.ask("/healthz")[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert service.json("/recommend/u1?n=1")["known"]
    assert service.ask("/report?format=html")[2] == page
