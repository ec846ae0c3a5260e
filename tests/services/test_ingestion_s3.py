"""The whole way of a file with BLOB_URL naming a bucket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatbot_saas.core.settings import Settings
from chatbot_saas.services import sources, sweep
from chatbot_saas.services.runtime import Runtime
from tests.conftest import new_database
from tests.factories.knowledge import HANDBOOK, add_text, make_bot, settled
from tests.factories.people import sign_up
from tests.factories.runtimes import client_of, other_runtime
from tests.factories.stores import is_gone, is_whole
from tests.s3_server import ENVIRONMENT, S3Server, running_s3


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with pytest.MonkeyPatch.context() as patch, running_s3() as server:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        server.make_bucket("bucket")
        yield server


@pytest.fixture
async def rt(settings: Settings, server_url: str, s3: S3Server, tmp_path: Path) -> AsyncIterator[Runtime]:
    url = await asyncio.to_thread(new_database, server_url, "s3")
    async with other_runtime(settings, tmp_path, database_url=url, blob_url=s3.address("bucket")) as made:
        yield made


async def test_a_file_is_read_again_compared_and_deleted(rt: Runtime, s3: S3Server) -> None:
    person = await sign_up(rt)
    bot = await make_bot(rt, person)
    source = await add_text(rt, person, bot.id, HANDBOOK)
    await is_whole(rt, source)
    [key] = await rt.blobs.keys(f"{person.tenant_id}/")
    assert not (rt.settings.data_dir / "blobs").exists()
    async with rt.db.tenant(person.principal) as session:
        await sources.reindex(session, person.principal, source.id, rt)
    await is_whole(rt, await settled(rt, person, source.id))
    assert (await sweep.sweep(rt)).in_order
    async with client_of(rt) as client:
        gone = (await client.delete(f"/api/v1/sources/{source.id}", headers=person.headers)).json()
        assert (gone["verified"], gone["removed"]["blobs"]) == (True, 1), gone
        assert not await rt.blobs.exists(key)
        await is_gone(rt, source.id, bot.id)
        assert (await client.get("/api/health/ready")).json()["checks"]["blobs"] == "ok"
        s3.stop()
        ready = await client.get("/api/health/ready")
        assert (ready.status_code, ready.json()["checks"]["blobs"]) == (503, "failed")
        files = {"file": ("notes.txt", b"Some notes.", "text/plain")}
        refused = await client.post(f"/api/v1/bots/{bot.id}/sources", headers=person.headers, files=files)
        assert refused.status_code == 503
        assert refused.json()["detail"] == "The file store cannot be reached now. Try again in a moment."
