import asyncio
import os
import time
from pathlib import Path

import pytest

from chatbot_saas.adapters.blobs import BlobNotFoundError, BlobStore
from chatbot_saas.adapters.blobs.factory import blob_store
from chatbot_saas.adapters.blobs.folder import FolderBlobs
from chatbot_saas.adapters.blobs.remote import RemoteBlobs
from chatbot_saas.core.errors import InvalidError, UnavailableError
from chatbot_saas.core.ids import new_id

CONTENT = b"content" * 1000


@pytest.fixture(params=["folder", "file address", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    url = {"folder": "", "file address": f"file://{tmp_path}/other", "memory": f"memory://blobs-{new_id()}"}
    return blob_store(url[request.param], tmp_path / "data")


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(CONTENT)
    return path


async def read(store: BlobStore, key: str) -> bytes:
    async with store.local_copy(key) as path:
        return await asyncio.to_thread(path.read_bytes)


async def test_put_read_replace_delete(store: BlobStore, upload: Path) -> None:
    await store.check()
    assert await store.keys() == []
    await store.put("tenant/bot/one", upload)
    assert await read(store, "tenant/bot/one") == CONTENT
    newer = upload.with_name("newer")
    await asyncio.to_thread(newer.write_bytes, b"new")
    await store.put("tenant/bot/one", newer)
    assert await read(store, "tenant/bot/one") == b"new"
    assert 0 <= await store.age_seconds("tenant/bot/one") < 60
    await store.delete("tenant/bot/one")
    await store.delete("tenant/bot/one")
    with pytest.raises(BlobNotFoundError):
        await read(store, "tenant/bot/one")
    assert await store.age_seconds("tenant/bot/one") == 0


async def test_what_is_deleted_while_it_is_read_is_missing_and_no_crash(store: BlobStore, upload: Path) -> None:
    await store.put("tenant/bot/one", upload)
    try:
        async with store.local_copy("tenant/bot/one") as path:
            await store.delete("tenant/bot/one")
            assert await asyncio.to_thread(path.read_bytes) == CONTENT, "a store that copies has it still"
    except BlobNotFoundError:
        pass


async def test_keys_and_prefixes(store: BlobStore, upload: Path) -> None:
    for key in ("a/b/1", "a/b/2", "a/bb/3", "c/4"):
        await store.put(key, upload)
    assert await store.keys() == ["a/b/1", "a/b/2", "a/bb/3", "c/4"]
    assert await store.keys("a/b/") == ["a/b/1", "a/b/2"]
    assert await store.keys("nobody/") == []
    await store.delete_prefix("a/b/")
    await store.delete_prefix("a/b/")
    assert await store.keys() == ["a/bb/3", "c/4"]


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../secret", "a/../b", "a//b", "a/", ".hidden", "a/.part-1", "a\\b", "a\x00b", "ä", "a" * 200],
)
async def test_keys_that_lead_elsewhere_are_refused(store: BlobStore, upload: Path, key: str) -> None:
    with pytest.raises(InvalidError):
        await store.put(key, upload)
    with pytest.raises(InvalidError):
        await store.delete(key)
    with pytest.raises(InvalidError):
        await read(store, key)
    with pytest.raises(InvalidError):
        await store.delete_prefix(f"{key}/")


@pytest.mark.parametrize("prefix", ["", "a", "/", "../"])
async def test_prefixes_that_reach_too_far_are_refused(store: BlobStore, prefix: str) -> None:
    with pytest.raises(InvalidError):
        await store.delete_prefix(prefix)


async def test_only_this_user_can_read(tmp_path: Path, upload: Path) -> None:
    store = blob_store("", tmp_path)
    await store.put("tenant/bot/one", upload)
    assert isinstance(store, FolderBlobs)
    for folder in ("blobs", "blobs/tenant", "blobs/tenant/bot"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "blobs/tenant/bot/one").stat().st_mode & 0o777 == 0o600


async def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path / "blobs")
    with pytest.raises(FileNotFoundError):
        await store.put("a/b", tmp_path / "missing")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_files_are_written_while_their_folder_is_removed(tmp_path: Path, upload: Path) -> None:
    store = FolderBlobs(tmp_path / "blobs")
    for round_ in range(100):
        keys = [f"tenant/bot/{round_}-{number}" for number in range(4)]
        removals = [store.delete_prefix("tenant/bot/"), store.delete_prefix("tenant/"), store.delete(keys[0])]
        await asyncio.gather(*(store.put(key, upload) for key in keys), *removals)
        for key in await store.keys():
            assert await read(store, key) == CONTENT, "whole or not there"
        assert not list((tmp_path / "blobs").rglob(".*")), "nothing half written is left"
    await store.put("tenant/bot/last", upload)
    await store.delete_prefix("tenant/")
    assert list((tmp_path / "blobs").iterdir()) == []


async def test_what_a_killed_process_left_is_no_key_and_goes_later(tmp_path: Path, upload: Path) -> None:
    root = tmp_path / "blobs"
    store = FolderBlobs(root)
    await store.put("a/b", upload)
    fresh, old = root / "a" / ".part-1", root / "a" / ".part-2"
    fresh.write_bytes(b"half")
    old.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    assert await store.keys() == ["a/b"]
    assert fresh.exists()
    assert not old.exists()


async def test_check_says_when_nothing_can_be_stored(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError):
        await FolderBlobs(tmp_path / "file").check()
    assert isinstance(blob_store("memory://x", tmp_path), RemoteBlobs)
