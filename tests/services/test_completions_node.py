"""Bots asked by OpenAI's own Node client, which npm fetches once a run."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chatbot_saas.cli.javascript import node_bin, tool_environment
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import sign_up
from tests.factories.sockets import listening

PACKAGE = "openai@7.57.0"
SCRIPT = Path(__file__).parent / "openai_client.mjs"


async def run(folder: Path, *command: str) -> tuple[int, str, str]:
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=tool_environment([await asyncio.to_thread(node_bin)]),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(child.communicate(), 180)
    return child.returncode or 0, output.decode(), errors.decode()


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node finds the client."""
    made = tmp_path_factory.mktemp("node")
    (made / "package.json").write_text('{"private": true, "type": "module"}')
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    code, output, errors = await run(made, "npm", "install", PACKAGE, *quiet)
    if code:
        pytest.fail(f"npm could not fetch {PACKAGE}, so nothing was tried with it: {(errors or output)[-600:]}")
    shutil.copy(SCRIPT, made)
    return made


async def test_the_node_client_works_unchanged(keyed: Runtime, folder: Path) -> None:
    person = await sign_up(keyed)
    bot = await make_knowing_bot(keyed, person)
    tooled = await make_knowing_bot(keyed, person, allow_tools=True)
    key = await api_key(keyed, person, [Scope.CHAT])
    async with listening(keyed) as url:
        where = (f"{url}/api/openai/v1", key, str(bot.id), str(tooled.id))
        code, output, errors = await run(folder, "node", SCRIPT.name, *where)
    assert code == 0, errors
    found: dict[str, Any] = json.loads(output)
    assert found["models"] == [str(tooled.id), str(bot.id)]
    assert found["model"] == str(bot.id)
    assert found["answer"].startswith("According to your documents")
    assert found["streamed"] == found["answer"]
    assert found["reason"] == "stop"
    assert found["streamedSources"] == found["sources"]
    assert found["sources"][0]["quote"]
    assert found["streamedUsage"] == found["usage"]
    assert found["usage"]["total_tokens"] > 100
    assert found["requestId"]
    assert found["tools"] == "The tool says: asked: How long does a refund take?"
    assert found["errors"] == {
        "model": ["NotFoundError", 404, "model_not_found", "model"],
        "tools": ["BadRequestError", 400, "tools_not_allowed", "tools"],
        "choices": ["BadRequestError", 400, "invalid_value", "n"],
        "key": ["AuthenticationError", 401, "invalid_api_key", None],
    }
