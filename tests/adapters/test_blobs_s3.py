"""Files in a bucket, on a real server that speaks S3."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot_saas.adapters.blobs import BlobNotFoundError, BlobStore, remote
from chatbot_saas.adapters.blobs.factory import blob_store
from chatbot_saas.core.errors import InvalidError, UnavailableError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import ROOT
from tests.s3_server import ENVIRONMENT, S3Server, running_s3

BIG = 20 * 1024 * 1024  # sent in parts
KEY = "tenant/bot/source"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with pytest.MonkeyPatch.context() as patch, running_s3() as server:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def address(s3: S3Server) -> str:
    bucket = f"bucket-{new_id().hex}"
    s3.make_bucket(bucket)
    return s3.address(bucket)


@pytest.fixture
def store(address: str, tmp_path: Path) -> BlobStore:
    return blob_store(address, tmp_path)


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(b"content" * 1000)
    return path


async def size_of(store: BlobStore, key: str) -> int:
    async with store.local_copy(key) as path:
        return (await asyncio.to_thread(path.stat)).st_size


async def test_put_read_replace_delete(store: BlobStore, upload: Path) -> None:
    await store.check()
    assert await store.keys() == []
    await store.put(KEY, upload)
    assert await store.exists(KEY)
    assert await size_of(store, KEY) == 7000
    await asyncio.to_thread(upload.write_bytes, b"new")
    await store.put(KEY, upload)
    assert await size_of(store, KEY) == 3
    assert 0 <= await store.age_seconds(KEY) < 60
    await store.delete(KEY)
    await store.delete(KEY)
    assert not await store.exists(KEY)
    assert await store.age_seconds(KEY) == 0
    with pytest.raises(BlobNotFoundError):
        await size_of(store, KEY)


async def test_keys_and_prefixes(store: BlobStore, upload: Path, address: str) -> None:
    keys = ["a/b/1", "a/b/2", "a/bb/3", "c/4"]
    for key in keys:
        await store.put(key, upload)
    assert await blob_store(address, upload.parent).keys() == keys, "what another process wrote is seen"
    assert await store.keys("a/b/") == keys[:2]
    assert await store.keys("nobody/") == []
    assert not await store.exists("a/b"), "a part of a key is none"
    await store.delete_prefix("a/b/")
    await store.delete_prefix("a/b/")
    assert await store.keys() == keys[2:]
    for key in ("../secret", "a//b", ".hidden", "a\x00b"):
        with pytest.raises(InvalidError):
            await store.put(key, upload)


async def test_a_folder_of_the_bucket_is_all_that_we_touch(s3: S3Server, upload: Path, tmp_path: Path) -> None:
    bucket = f"bucket-{new_id().hex}"
    s3.make_bucket(bucket)
    mine, whole = (blob_store(s3.address(bucket, folder), tmp_path) for folder in ("ours", ""))
    await whole.put("theirs/a", upload)
    await mine.put("theirs/b", upload)
    assert await mine.keys() == ["theirs/b"]
    assert await whole.keys() == ["ours/theirs/b", "theirs/a"]
    await mine.delete_prefix("theirs/")
    assert await whole.keys() == ["theirs/a"]


async def test_a_file_that_is_sent_in_parts(store: BlobStore, tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(BIG)
    await store.put(KEY, big)
    assert await size_of(store, KEY) == BIG


def killed(command: list[str]) -> None:
    """Run the command until just after it prints a line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | ENVIRONMENT) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.02)  # somewhere in the middle, and it does not matter where
        process.send_signal(signal.SIGKILL)


@pytest.mark.kill
@pytest.mark.parametrize("size", [BIG // 2, BIG], ids=["in one piece", "in parts"])
async def test_a_kill_in_the_middle_leaves_no_half_file(
    store: BlobStore, address: str, tmp_path: Path, size: int
) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(size)
    program = (
        "import asyncio, sys; from pathlib import Path; from chatbot_saas.adapters.blobs.factory import blob_store\n"
        "store = blob_store(sys.argv[1], Path('.'))\n"
        "asyncio.run(store.check()); print('now', flush=True)\n"
        "asyncio.run(store.put(sys.argv[2], Path(sys.argv[3])))"
    )
    await asyncio.to_thread(killed, [sys.executable, "-c", program, address, KEY, str(big)])
    assert await store.keys() in ([], [KEY])
    if await store.exists(KEY):  # it was faster
        assert await size_of(store, KEY) == size
    await store.put(KEY, big)
    assert await size_of(store, KEY) == size, "another try is whole"


async def everything_fails(store: BlobStore, upload: Path, message: str) -> None:
    for call in (
        store.check(),
        store.put(KEY, upload),
        store.exists(KEY),
        store.delete(KEY),
        store.delete_prefix("tenant/"),
        store.keys(),
        store.keys("tenant/"),
        store.age_seconds(KEY),
        size_of(store, KEY),
    ):
        with pytest.raises(UnavailableError, match=message):
            await call


async def test_a_bucket_that_does_not_exist(s3: S3Server, tmp_path: Path, upload: Path) -> None:
    await everything_fails(blob_store(s3.address("nowhere"), tmp_path), upload, "bucket of BLOB_URL does not exist")


async def test_wrong_credentials(s3: S3Server, store: BlobStore, upload: Path) -> None:
    await asyncio.to_thread(s3.refuse_everybody, True)
    try:
        await everything_fails(store, upload, "refuses the server's credentials")
    finally:
        await asyncio.to_thread(s3.refuse_everybody, False)
    await store.put(KEY, upload)


async def test_a_server_that_is_down(
    s3: S3Server, tmp_path: Path, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "TRIES", 1)
    with running_s3() as other:
        other.make_bucket("bucket")
        store = blob_store(other.address("bucket"), tmp_path)
        await store.put(KEY, upload)
        other.stop()
        await everything_fails(store, upload, "cannot be reached now")


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///folder",
        "s3://key:secret@bucket/folder",
        "s3://bucket/folder?secret=1",
        "s3://bucket?endpoint=http://x",
    ],
)
def test_addresses_that_cannot_be_right(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="AWS_SECRET_ACCESS_KEY"):
        blob_store(url, tmp_path)


def test_the_documented_addresses_are_understood(tmp_path: Path) -> None:
    addresses = re.findall(r"^BLOB_URL=(\S+)", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert len(addresses) == 2
    for documented in addresses:
        assert isinstance(blob_store(documented, tmp_path), remote.RemoteBlobs)
