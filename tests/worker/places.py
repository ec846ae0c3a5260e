"""Where processes are killed: a database and a data directory of their own, and what is left to see of them."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx

from chatbot_saas.core.settings import NEVER, Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.services import intake
from chatbot_saas.services.runtime import Runtime
from tests.conftest import new_database
from tests.factories.jobs import until
from tests.factories.people import Person
from tests.worker.copies import Copy

MIGRATING = asyncio.Lock()
"""Alembic keeps what it works on in one place for the whole process."""


class Place:
    """A database and a data directory of their own, in which one process after another works."""

    def __init__(self, settings: Settings, server_url: str, stub_url: str, folder: Path, name: str) -> None:
        self.folder = folder
        self.reached = folder / "reached"
        self.log = folder / "log"
        self.environment = {
            "DATABASE_URL": new_database(server_url, f"kill_{name.replace(' ', '_')}"),
            "DATA_DIR": str(folder / "data"),
            "MODELS_DIR": str(settings.models_dir),
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
            "OPENAI_API_KEY": "sk-operator",
            "OPENAI_BASE_URL": stub_url,
            "RATE_LIMIT_ENABLED": "false",
            "NIGHTLY_AT": NEVER,
        }
        self.settings = Settings(_env_file=None, **{k.lower(): v for k, v in self.environment.items()})  # type: ignore[call-arg, arg-type]
        self.running: list[Copy] = []

    def start(self, *arguments: str, **environment: str) -> Copy:
        environment = {**self.environment, "TEST_REACHED": str(self.reached), **environment}
        process = Copy(arguments or ("work",), environment, self.log)
        self.running.append(process)
        return process

    async def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def __str__(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


@contextlib.asynccontextmanager
async def place_for(
    settings: Settings, server_url: str, stub_url: str, folder: Path, name: str
) -> AsyncIterator[tuple[Place, Runtime]]:
    """The place, and a runtime of ours in it that takes no jobs and leaves the vector index alone."""
    async with MIGRATING:
        place = await asyncio.to_thread(Place, settings, server_url, stub_url, folder, name)
    try:
        async with open_runtime(place.settings, owns_vectors=False) as rt:
            yield place, rt
    finally:
        await place.stop()


async def add(rt: Runtime, person: Person, bot_id: UUID, folder: Path, content: str) -> SourceRead:
    path = folder / "upload"
    await asyncio.to_thread(path.write_text, content)
    upload = intake.Upload(filename="large.md", path=path, size=path.stat().st_size)
    [source] = await intake.add_files(rt, person.principal, bot_id, [upload])
    return source


async def reached(place: Place, process: Copy) -> None:
    async def there() -> bool:
        assert process.poll() is None, f"it ended by itself:\n{place}"
        return place.reached.exists()

    await until(there, 120)


def children_of(pid: int) -> list[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found |= {int(child) for child in task.read_text().split()}
    return sorted(found)


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/api/health")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
