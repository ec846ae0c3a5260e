"""A server that speaks S3, in a process of its own on loopback."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers import free_port

ACCESS_KEY, SECRET = "testing", "testing-secret"
START_SECONDS = 60.0
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


@dataclass(slots=True)
class S3Server:
    process: subprocess.Popen[bytes]
    url: str

    def address(self, bucket: str, folder: str = "chatbot") -> str:
        """A BLOB_URL for the bucket."""
        return f"s3://{bucket}/{folder}?endpoint_url={self.url}&region=us-east-1"

    def request(self, method: str, path: str, content: bytes = b"") -> httpx.Response:
        request = AWSRequest(method, f"{self.url}{path}", data=content)
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET), "s3", "us-east-1").add_auth(request)
        return httpx.request(method, f"{self.url}{path}", content=content, headers=dict(request.headers.items()))

    def make_bucket(self, name: str) -> None:
        self.request("PUT", f"/{name}").raise_for_status()

    def refuse_everybody(self, refused: bool) -> None:
        """From now on credentials are looked at, and nobody has any; or no longer."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0" if refused else b"inf").raise_for_status()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def running_s3() -> Iterator[S3Server]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = S3Server(process, f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{server.url}/moto-api/data.json")
                break
            except httpx.TransportError:
                assert process.poll() is None, "the S3 server ended"
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield server
    finally:
        server.stop()
