"""OpenAI's own Python client over a socket, with bots whose models are the stub's."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person, sign_up
from tests.factories.sockets import listening

REFUND = "How long does a refund take?"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "order_status",
        "description": "Where an order is.",
        "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
async def address(keyed: Runtime) -> AsyncIterator[str]:
    async with listening(keyed) as url:
        yield f"{url}/api/openai/v1"


@pytest.fixture(scope="module")
async def person(keyed: Runtime) -> Person:
    return await sign_up(keyed)


@pytest.fixture(scope="module")
async def bot(keyed: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(keyed, person, instructions="Be brief.")


@pytest.fixture(scope="module")
async def tooled(keyed: Runtime, person: Person) -> BotRead:
    return await make_knowing_bot(keyed, person, allow_tools=True)


@pytest.fixture
async def key(keyed: Runtime, person: Person) -> str:
    return await api_key(keyed, person, [Scope.CHAT])


@pytest.fixture
async def client(address: str, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=address, api_key=key, max_retries=0) as made:
        yield made


async def last_request(stub_url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        return (await http.get(stub_url.removesuffix("/v1") + "/last")).json()


def asked(*said: str) -> list[Any]:
    """Messages of a user and an assistant in turn, the first a user's."""
    return [{"role": "assistant" if at % 2 else "user", "content": text} for at, text in enumerate(said)]
