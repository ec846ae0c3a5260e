"""A process whose models are the stub's, with a database of its own so that no other worker takes its jobs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from chatbot_saas.core.settings import Settings
from chatbot_saas.services.runtime import Runtime
from tests.conftest import new_database
from tests.factories.runtimes import other_runtime
from tests.redis_server import RedisServer, running_redis
from tests.stub_model import running_stub

PRICED = "gpt-4o-mini"  # the stub answers for every model that it does not know


@pytest.fixture(scope="session")
def stub_url() -> Iterator[str]:
    with running_stub() as url:
        yield url


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
async def keyed(
    settings: Settings, server_url: str, stub_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Runtime]:
    """With the operator's key for the stub, and its job worker. Answers are made anew each time."""
    changes: dict[str, Any] = {
        "database_url": await asyncio.to_thread(new_database, server_url, "keyed"),
        "openai_api_key": SecretStr("sk-operator"),
        "openai_base_url": stub_url,
        "openai_model": PRICED,
        "answer_cache_seconds": 0,  # tests ask the same question again and again
    }
    async with other_runtime(settings, tmp_path_factory.mktemp("keyed"), **changes) as rt:
        yield rt
