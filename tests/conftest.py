"""What tests stand on: one real PostgreSQL for the run, a migrated database a process, real Chroma, real files.

Tests make tenants of their own instead of cleaning up: what isolates customers from each other isolates tests as well.
"""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from chatbot_saas import parts
from chatbot_saas.adapters.model_files import ensure_model_files
from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.api.middleware import Edge
from chatbot_saas.app import make_api
from chatbot_saas.core import migrations
from chatbot_saas.core.settings import NEVER, Settings
from chatbot_saas.error_mapping import problem
from chatbot_saas.parts import open_runtime
from chatbot_saas.services.runtime import Runtime, set_runtime
from chatbot_saas.worker.process import queues_of_web, work
from tests.factories.people import Person, sign_up
from tests.factories.runtimes import AS_JSON, lasting_pool

SECRET_KEY = "a secret key that only the tests use, long enough"
MANY_OBJECTS = 20_000


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is loaded here becomes garbage: looking for some takes a tenth of the start, and of each test.

    What a test leaves is looked for, but not so often.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(MANY_OBJECTS)
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for the death of processes go first, each followed by two that compute meanwhile."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path, held in files.items() if any(item.get_closest_marker("kill") for item in held)]
    computing = iter([path for path in files if path not in waiting])
    order: list[Path] = []
    for path in reversed(waiting):  # those of the worker are the longest
        order += [path, *islice(computing, 2)]
    items[:] = [item for path in (*order, *computing) for item in files[path]]


@pytest.fixture(scope="session", autouse=True)
def pools() -> Iterator[None]:
    """Runtimes share the processes that read files and embed: each would load the libraries and the model anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "WorkerPool", lasting_pool)
        yield


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The owner's URL of a PostgreSQL server that all test processes of this run share."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"chatbot-tests-{run}"
    with EmbeddedPostgres(folder) as server:
        yield server.url
    if not (folder / "postgres" / "data" / "postmaster.pid").exists():  # the last one out tidies up
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    """An own, migrated database."""
    return new_database(server_url, "tests")


def new_database(server_url: str, purpose: str, *, migrated: bool = True) -> str:
    """A database of this test process alone: one of the same name would be dropped, whoever is using it."""
    return _make_database(server_url, purpose, _migrated_database(server_url) if migrated else "template0")


@cache
def _migrated_database(server_url: str) -> str:
    """The name of one that is only copied: migrations take seconds, a copy a tenth of one."""
    url = _make_database(server_url, "template", "template0")
    migrations.upgrade(url, SECRET_KEY)
    return make_url(url).database or ""


def _make_database(server_url: str, purpose: str, template: str) -> str:
    name = f"{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        database_url=database_url,
        data_dir=tmp_path_factory.mktemp("data"),
        secret_key=SECRET_KEY,  # pyright: ignore[reportArgumentType]
        rate_limit_enabled=False,
        nightly_at=NEVER,  # it would change the rows of a test that runs at that time
        answer_cache_seconds=0,  # tests ask the same question again and again
        crawl_allow_hosts="127.0.0.1,localhost",
        openai_api_key="",  # pyright: ignore[reportArgumentType]
    )
    ensure_model_files(made.models_dir, lambda _: None)
    return made


@pytest.fixture(scope="session")
async def rt(settings: Settings) -> AsyncIterator[Runtime]:
    """The parts of a running process, with its job worker."""
    async with open_runtime(settings) as runtime:
        set_runtime(runtime)
        worker = asyncio.create_task(work(runtime, queues_of_web(settings)))
        yield runtime
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        set_runtime(None)


@pytest.fixture(scope="session")
async def client(rt: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """The HTTP API as the outside sees it, without a socket."""
    app = Edge(make_api(), problem, https=False)
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 4711), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=rt.settings.public_url, headers=AS_JSON) as http:
        yield http


@pytest.fixture
async def owner(rt: Runtime) -> Person:
    """The owner of a new tenant."""
    return await sign_up(rt)


@pytest.fixture
async def stranger(rt: Runtime) -> Person:
    """The owner of another new tenant, who must never reach what is `owner`'s."""
    return await sign_up(rt)
