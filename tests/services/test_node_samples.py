"""Bots asked by the official Node client, and the documented samples for Node; npm fetches what they need once."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chatbot_saas.cli.javascript import node_bin, tool_environment
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.services import identity
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import api_key
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import sign_up
from tests.factories.sockets import listening
from tests.samples import samples

PACKAGES = ("openai@7.57.0", "jsonwebtoken@9.0.3")
SCRIPT = Path(__file__).parent / "openai_client.mjs"


async def run(folder: Path, *command: str, **more: str) -> tuple[int, str, str]:
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=tool_environment([await asyncio.to_thread(node_bin)]) | more,
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
    code, output, errors = await run(made, "npm", "install", *PACKAGES, *quiet)
    if code:
        pytest.fail(f"npm could not fetch {PACKAGES}, so nothing was tried with it: {(errors or output)[-600:]}")
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


async def test_the_documented_samples_of_the_client_and_of_curl_run(keyed: Runtime, folder: Path) -> None:
    person = await sign_up(keyed)
    bot = await make_knowing_bot(keyed, person)
    known = {"CHATBOT_KEY": await api_key(keyed, person, [Scope.CHAT]), "BOT_ID": str(bot.id)}
    async with listening(keyed) as url:
        (folder / "sample.mjs").write_text(samples("docs/openai.md", "js")[0].replace("http://localhost:3000", url))
        code, output, errors = await run(folder, "node", "sample.mjs", **known)
        assert (code, errors) == (0, "")
        assert output.startswith("According to your documents")
        if shutil.which("curl"):
            call = samples("docs/openai.md", "sh")[0].replace("http://localhost:3000", url)
            code, output, errors = await run(folder, "sh", "-c", call.replace("curl ", "curl -sS "), **known)
            assert (code, errors) == (0, "")
            assert json.loads(output)["choices"][0]["message"]["content"].startswith("According to your documents")


async def test_the_documented_signature_for_node_is_taken(folder: Path) -> None:
    (folder / "identity.mjs").write_text(samples("docs/identity.md", "js")[0])
    call = (
        'import { identityFor } from "./identity.mjs";'
        'console.log(identityFor({ id: "7", name: "Ada" }, "a secret of the tests, long enough", "bot"))'
    )
    (folder / "sign.mjs").write_text(call)
    code, token, errors = await run(folder, "node", "sign.mjs")
    assert (code, errors) == (0, "")
    person = identity.person_named("a secret of the tests, long enough", "bot", token.strip())
    assert (person.sub, person.name) == ("7", "Ada")
