"""`make doctor` as an operator meets it: beside a running server, and alone."""

import asyncio
from pathlib import Path

import pytest

from chatbot_saas.cli import doctor
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.schemas.sweep import MissingFile, SweepReport
from tests.cli.test_run import run_cli
from tests.conftest import SECRET_KEY, new_database
from tests.factories.knowledge import HANDBOOK, add_text, make_bot
from tests.factories.people import sign_up
from tests.factories.runtimes import other_runtime
from tests.factories.stores import chunks_of, vectors_of


@pytest.fixture
async def own(settings: Settings, server_url: str, tmp_path: Path) -> Settings:
    """An installation of its own."""
    url = await asyncio.to_thread(new_database, server_url, "doctor")
    return settings.model_copy(update={"database_url": url, "data_dir": tmp_path})


async def test_it_asks_the_server_that_runs_and_mends_by_itself_when_none_does(own: Settings) -> None:
    async with other_runtime(own, own.data_dir) as rt:
        person = await sign_up(rt)
        bot = await make_bot(rt, person)
        source = await add_text(rt, person, bot.id, HANDBOOK)
        environment = {
            "DATABASE_URL": own.database_url,
            "DATA_DIR": str(own.data_dir),
            "MODELS_DIR": str(own.models_dir),
            "SECRET_KEY": SECRET_KEY,
        }
        done = await asyncio.to_thread(lambda: run_cli("doctor", **environment))
        assert done.returncode == 0, done.stderr
        assert "The server is running and owns the vector index: it is asked to look." in done.stdout
        assert "1 vector index with the rows of" in done.stdout
        assert "1 stored file with 1 source naming one" in done.stdout
        assert done.stdout.rstrip().split("\n")[-1] == "All is in order."
        for index in await rt.vectors.indexes():
            await rt.vectors.drop(index)
    report = await doctor._examine(own)
    assert report.missing_vectors == source.chunks
    async with other_runtime(own, own.data_dir, working=False) as rt:
        assert await vectors_of(rt, bot.id) == {chunk.id for chunk in await chunks_of(rt, source.id)}, "indexed already"


def test_the_report_is_for_people() -> None:
    told = "\n".join(doctor.told(SweepReport(indexes=1200, passages=34_000, files=5, sources=5)))
    assert "1,200 vector indexes with the rows of 34,000 passages" in told
    assert "mended" not in told
    assert told.endswith("All is in order.")
    missing = MissingFile(source_id=new_id(), tenant_id=new_id(), title="Price list")
    found = SweepReport(orphan_vectors=2, missing_files=2, told=[missing])
    told = "\n".join(doctor.told(found))
    assert "2 passages in an index, but in no row: removed" in told
    assert f"Price list (source {missing.source_id} of tenant {missing.tenant_id})" in told
    assert "..." in told
    assert "All is in order" not in told
