# test/cloud/s3_server.py - S3 on this machine: versitygw, which checks signatures
"""Started by the fixture `s3`; scripts/versitygw builds it. `s3_faults.py` stands in front of it
where a test wants it to fail."""

import os
import socket
import subprocess
import time

import boto3
import botocore.config

from conftest import ROOT

SERVER = ROOT / "build" / "versitygw" / "versitygw"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3:
    """A server with one bucket, on a directory of its own."""

    access, secret, region, bucket = "AKIDCLICKSTREAM", "secret/of+the=tests", "us-east-1", "stage"

    def __init__(self, directory):
        (directory / self.bucket).mkdir(parents=True)
        self.log = open(directory.with_suffix(".log"), "wb")  # pylint: disable=consider-using-with
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [SERVER, "--port", f"127.0.0.1:{self.port}", "--region", self.region,
             "--virtual-domain", f"localhost:{self.port}", "posix", directory],
            env={**os.environ, "ROOT_ACCESS_KEY": self.access, "ROOT_SECRET_KEY": self.secret},
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.wait()
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=self.region,
            aws_access_key_id=self.access, aws_secret_access_key=self.secret,
            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def wait(self):
        """Wait until it listens."""
        while True:
            assert self.process.poll() is None, "versitygw ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def environment(self, **changes):
        """What the program finds the server by: nothing of the caller's own AWS settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, "AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret,
                "AWS_REGION": self.region, "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", **changes}

    def keys(self, prefix=""):
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", ())]

    def read(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def uploads(self):
        """Uploads that were begun and not ended."""
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def empty(self):
        """Remove everything."""
        for key in self.keys():
            self.client.delete_object(Bucket=self.bucket, Key=key)
        for one in self.uploads():
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=one["Key"], UploadId=one["UploadId"])
