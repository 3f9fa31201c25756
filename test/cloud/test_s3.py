# test/cloud/test_s3.py - S3 as the loader speaks to it: keys, addresses, names, and what stays secret
"""By loads, as the loader has no other use for S3."""

import http.server
import json
import subprocess
import threading

import pytest

from redshift_files import ROLE, Load, records
from s3_faults import S3Proxy, WireProxy

TOKEN = "FwoGZXIvYXdzEXAMPLE//////////TOKEN=="


@pytest.fixture
def load(here, s3, tables):
    made = Load(here, s3, tables)
    made.write("log.avro", records(20))
    return made


def without_keys(load):
    """The environment without keys, the region and the endpoint."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"):
        load.environment.pop(name)
    load.environment.pop("AWS_CONFIG_FILE")
    load.environment.pop("AWS_SHARED_CREDENTIALS_FILE")
    load.environment["HOME"] = str(load.here.path)
    return load


def write_profile(load, name, text):
    folder = load.here.path / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize("change, words", [
    ({"AWS_SECRET_ACCESS_KEY": "wrong"}, ("SignatureDoesNotMatch", "not that of the access key", "HTTP 403")),
    ({"AWS_ACCESS_KEY_ID": "AKIDWRONG"}, ("could not PUT", "HTTP 404")),  # not as Amazon's S3 would say it
])
def test_wrong_keys(load, change, words):
    done = load.run("log.avro", **change)
    assert done.code == 3 and all(word in done.err for word in words), done
    assert load.s3.keys() == [] and load.rows() == 0


def test_wrong_region(load):
    done = load.run("log.avro", AWS_REGION="eu-west-1")
    assert done.code == 3 and "eu-west-1" in done.err, done


@pytest.mark.parametrize("change, words", [
    ({"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID is not"),
    ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no credentials"),
    ({"AWS_PROFILE": "missing"}, 'profile "missing" was not found'),
    ({"AWS_REGION": ""}, "region of bucket"),
    ({"AWS_REGION": "eu west"}, "no name of a region"),
    ({"AWS_ENDPOINT_URL": "localhost:80"}, "no address"),
])
def test_settings(load, change, words):
    done = load.run("log.avro", **change)
    assert done.code == 1 and words in done.err, done


def test_no_bucket(load):
    arguments = [argument.replace("s3://stage/", "s3://other-bucket/") for argument in load.arguments("log.avro")]
    done = load.here.run(*arguments, env=load.environment)
    assert done.code == 3 and "NoSuchBucket" in done.err, done


def test_profile(load):
    """A named profile: keys in one file, region and endpoint in the other, comments, nested settings."""
    without_keys(load)
    write_profile(load, "credentials", "[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
                  f"# a comment\n[work]\naws_access_key_id={load.s3.access}\n"
                  f"aws_secret_access_key = {load.s3.secret} # ours\r\n")
    write_profile(load, "config", "[default]\nregion = eu-west-1\n[profile  work]\ns3 =\n  addressing_style = path\n"
                  f"  region = nested\nregion = {load.s3.region}\nendpoint_url = {load.s3.endpoint}\n")
    done = load.run("log.avro", AWS_PROFILE="work")
    assert done.code == 0, done
    assert load.rows() == 20


def test_default_profile(load):
    without_keys(load)
    write_profile(load, "config", f"[default]\naws_access_key_id = {load.s3.access}\n"
                  f"aws_secret_access_key = {load.s3.secret}\n")
    done = load.run("--region", load.s3.region, "log.avro", AWS_ENDPOINT_URL_S3=load.s3.endpoint,
                    AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert done.code == 0, done


@pytest.mark.parametrize("text, words", [
    ("[default]\nrole_arn = arn:aws:iam::1:role/x\n", "by role_arn"),
    ("[default]\naws_access_key_id = a\n", "only one of"),
])
def test_profile_refused(load, text, words):
    without_keys(load)
    write_profile(load, "config", text)
    done = load.run("log.avro", AWS_REGION="us-east-1")
    assert done.code == 1 and words in done.err, done


class Container(http.server.BaseHTTPRequestHandler):
    """What hands out the keys of a container's role."""

    answers, asked = [], []

    def do_GET(self):  # pylint: disable=invalid-name
        self.asked.append((self.path, self.headers.get("Authorization")))
        status, body = self.answers[min(len(self.asked), len(self.answers)) - 1]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@pytest.fixture
def container():
    Container.answers, Container.asked = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Container)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/role?a=b"
    server.shutdown()
    server.server_close()
    thread.join()


def role(load, **more):
    return {"AccessKeyId": load.s3.access, "SecretAccessKey": load.s3.secret, **more}


def in_container(load, url, **changes):
    without_keys(load)
    return load.run("log.avro", AWS_CONTAINER_CREDENTIALS_FULL_URI=url, AWS_REGION=load.s3.region,
                    AWS_ENDPOINT_URL=load.s3.endpoint, **changes)


def test_container(load, container):
    (load.here.path / "token").write_text("the token\n")
    Container.answers = [(500, {}), (200, role(load, Expiration="2099-01-01T00:00:00Z"))]
    done = in_container(load, container, AWS_CONTAINER_AUTHORIZATION_TOKEN="no",
                        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(load.here.path / "token"))
    assert done.code == 0, done
    assert Container.asked == [("/role?a=b", "the token")] * 2


def test_container_expires(load, container):
    """Keys that are about to expire are fetched anew."""
    Container.answers = [(200, role(load, Expiration="2020-01-01T00:00:00Z"))]
    assert in_container(load, container).code == 0
    assert len(Container.asked) > 5


@pytest.mark.parametrize("answer, words", [
    ((404, {}), "HTTP 404"), ((200, {"Code": "no"}), "without keys"), ((200, []), "without keys")])
def test_container_refuses(load, container, answer, words):
    Container.answers = [answer]
    done = in_container(load, container)
    assert done.code == 3 and words in done.err, done


@pytest.mark.parametrize("url", ["http://example.com/x", "http://127.0.0.1.example.com/x", "ftp://127.0.0.1/x"])
def test_container_elsewhere(load, url):
    done = in_container(load, url)
    assert done.code == 1 and "may not be fetched" in done.err, done


def test_virtual_host(load):
    """The bucket as a part of the host's name."""
    with S3Proxy(load.s3.port) as proxy:
        load.environment["AWS_ENDPOINT_URL"] = f"http://localhost:{load.s3.port}"
        done = load.run("--s3-addressing", "virtual", "log.avro")
        assert done.code == 0, done
        load.environment["AWS_ENDPOINT_URL"] = proxy.endpoint.replace("127.0.0.1", "localhost") + "/"
        load.run("--s3-addressing", "virtual", "log.avro", AWS_MAX_ATTEMPTS="1")
        assert f"Host: stage.localhost:{proxy.port}" in proxy.heads[0]


@pytest.mark.parametrize("prefix", ["", "a b/dt=2024-03-10", "ä+(x)/~_.-/'"[:-2], "x&y=z?#%41;,:@$!*"])
def test_names(load, prefix):
    """Names with characters that requests write in other ways."""
    arguments = [argument if not argument.startswith("s3://") else f"s3://stage/{prefix}"
                 for argument in load.arguments("--keep-staged", "log.avro")]
    done = load.here.run(*arguments, env=load.environment)
    assert done.code == 0, done
    assert load.rows() == 20
    assert len(load.s3.keys()) == 2 and all(key.startswith(prefix.strip("/")) for key in load.s3.keys())
    arguments.remove("--keep-staged")
    assert load.here.run(*arguments, env=load.environment).code == 0
    assert load.s3.keys() == []


def test_others_files_stay(load):
    """Cleaning up touches the file's own folder only."""
    load.s3.client.put_object(Bucket="stage", Key="in/here/mine", Body=b"x")
    load.s3.client.put_object(Bucket="stage", Key="in/her", Body=b"x")
    assert load.run("log.avro").code == 0
    assert load.s3.keys() == ["in/her", "in/here/mine"]


def test_nothing_secret_is_shown(load):
    """Neither by the program, however much it tells, nor in what reaches Redshift."""
    with S3Proxy(load.s3.port) as requests, WireProxy(load.redshift.port) as statements:
        load.environment["AWS_ENDPOINT_URL"] = requests.endpoint
        load.conninfo = load.conninfo.replace(f"port={load.redshift.port}", f"port={statements.port}")
        good = load.run("-v", "log.avro")
        bad = load.run("-v", "log.avro", AWS_SECRET_ACCESS_KEY="a/wrong+secret", AWS_SESSION_TOKEN=TOKEN)
        requests.restart(lambda number, name: "500")
        broken = load.run("-v", "log.avro", AWS_MAX_ATTEMPTS="2", AWS_SESSION_TOKEN=TOKEN)
        shown = "\n".join([good.out, good.err, bad.out, bad.err, broken.out, broken.err, *statements.steps])
    assert good.code == 0 and "COPY clickstream_stage" in good.err
    assert any(f"x-amz-security-token: {TOKEN}" in head for head in requests.heads)
    for secret in (load.s3.access, load.s3.secret, "a/wrong+secret", TOKEN, load.redshift.password):
        assert secret not in shown
    assert ROLE in shown


def test_requests_are_signed(load):
    """The hash of the body is part of what is signed, and the keys are not in the request."""
    with S3Proxy(load.s3.port) as proxy:
        assert load.run("log.avro", AWS_ENDPOINT_URL=proxy.endpoint).code == 0
    for head in proxy.heads:
        assert "Authorization: AWS4-HMAC-SHA256" in head and load.s3.secret not in head
        assert "x-amz-content-sha256" in head.partition("SignedHeaders=")[2].splitlines()[0]


def test_certificates(load):
    """A server is believed whose certificate is known: to the system, or by AWS_CA_BUNDLE."""
    path = load.here.path / "server.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"],
                   check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".pem.crt").read_bytes())
    with S3Proxy(load.s3.port, certificate=path) as proxy:
        done = load.run("log.avro", AWS_ENDPOINT_URL=proxy.endpoint)
        assert done.code == 3 and "certificate" in done.err and proxy.heads == [], done
        done = load.run("log.avro", AWS_ENDPOINT_URL=proxy.endpoint, AWS_CA_BUNDLE=f"{path}.crt")
        assert done.code == 0 and load.rows() == 20, done


def test_redshift_is_asked_for_encryption(load):
    """Unless the connection string or PGSSLMODE says otherwise."""
    load.conninfo = load.conninfo.replace("sslmode=disable", "")
    done = load.run("log.avro")
    assert done.code == 3 and "SSL" in done.err, done
    assert load.run("log.avro", PGSSLMODE="prefer").code == 0
