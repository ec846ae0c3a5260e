"""The widget's configuration comes from the cache, and is never an old one."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.settings import Settings
from chatbot_saas.core.tenancy import System
from chatbot_saas.models import TenantRow
from chatbot_saas.schemas.bots import BotPatch
from chatbot_saas.schemas.widget import INTERFACE_LANGUAGES
from chatbot_saas.services import bot_config, bots, deletion
from chatbot_saas.services.bots import BotPausedError, OriginNotAllowedError
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.window_words import words
from tests.factories.knowledge import SHOP, make_bot
from tests.factories.people import Person
from tests.factories.runtimes import other_runtime
from tests.redis_server import RedisServer


@pytest.fixture(scope="module", params=["memory", "redis"])
async def processes(
    request: pytest.FixtureRequest,
    settings: Settings,
    rt: Runtime,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Runtime, Runtime]]:
    """Two over one database: with caches of their own, or with one."""
    changes: dict[str, Any] = {"redis_url": redis_server.url if request.param == "redis" else "", "working": False}
    folders: list[Path] = [tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")]
    async with (
        other_runtime(settings, folders[0], **changes) as one,
        other_runtime(settings, folders[1], **changes) as other,
    ):
        yield one, other


async def change(rt: Runtime, person: Person, bot: Any, **fields: Any) -> None:
    async with rt.db.tenant(person.principal) as session:
        await bots.change(session, person.principal, bot.id, BotPatch(**fields), rt)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"language": "de"}, "Chat schließen"),
        ({"language": "de", "widget": {"language": "fr"}}, "Fermer le chat"),
        ({"language": "auto", "widget": {"texts": {"close": "Away"}}}, "Away"),
        ({"language": "auto"}, {known: words(known)["close"] for known in INTERFACE_LANGUAGES}),
    ],
)
async def test_the_launchers_message_is_closed_by_a_word_of_its_language(
    rt: Runtime, owner: Person, fields: dict[str, Any], word: str | dict[str, str]
) -> None:
    bot = await make_bot(rt, owner, launcher={"message": "?"}, **fields)
    assert (await bot_config.public(rt, bot.id, SHOP)).launcher["close"] == word
    bot = await make_bot(rt, owner, **fields)
    assert "close" not in (await bot_config.public(rt, bot.id, SHOP)).launcher, "without a message"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"language": "zh"}, "聊天"),
        ({"language": "zh", "widget": {"language": "ja"}}, "チャット"),
        ({"language": "de"}, None),
        ({"language": "zh", "widget": {"texts": {"launcher": "帮助"}}}, "帮助"),
        ({"language": "auto", "widget": {"texts": {"launcher": "Help"}}}, "Help"),
        ({"language": "zh", "launcher": {"label": "提问"}}, None),
    ],
)
async def test_the_launcher_is_named_by_a_word_of_its_language(
    rt: Runtime, owner: Person, fields: dict[str, Any], word: str | None
) -> None:
    bot = await make_bot(rt, owner, **fields)
    assert (await bot_config.public(rt, bot.id, SHOP)).launcher.get("word") == word


async def test_a_launcher_in_the_visitors_language_has_the_words_that_differ(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner, language="auto")
    word = (await bot_config.public(rt, bot.id, SHOP)).launcher["word"]
    assert (word["en"], word["pl"], "de" in word) == ("Chat", "Czat", False)


async def test_it_is_kept_and_never_old(processes: tuple[Runtime, Runtime], owner: Person) -> None:
    one, other = processes
    bot = await make_bot(one, owner)
    for rt in processes:
        for _ in range(2):
            assert (await bot_config.public(rt, bot.id, SHOP)).name == "Helper"
        assert await rt.cache.keys(deletion.config_key(bot.id))
    # changed in one process, asked in the other
    await change(one, owner, bot, name="Guide")
    assert (await bot_config.public(other, bot.id, SHOP)).name == "Guide"
    with pytest.raises(OriginNotAllowedError):
        await bot_config.public(other, bot.id, "https://evil.example")
    await change(one, owner, bot, allowed_origins=["https://new.example"])
    with pytest.raises(OriginNotAllowedError):
        await bot_config.public(other, bot.id, SHOP)
    await change(one, owner, bot, status="paused")
    with pytest.raises(BotPausedError):
        await bot_config.public(other, bot.id, "https://new.example")
    await change(one, owner, bot, status="published")
    assert (await bot_config.public(other, bot.id, "https://new.example")).name == "Guide"
    for status in ("suspended", "active"):
        async with one.db.platform(System("tests")) as session:
            (await session.get_one(TenantRow, owner.tenant_id)).status = status
        if status == "suspended":
            with pytest.raises(NotFoundError):
                await bot_config.public(other, bot.id, "")
    assert (await bot_config.public(other, bot.id, "")).name == "Guide"
    receipt = await bots.delete(one, owner.principal, bot.id)
    assert await one.cache.keys(deletion.config_key(bot.id)) == [], receipt.checked
    with pytest.raises(NotFoundError):
        await bot_config.public(other, bot.id, "")


async def test_what_is_kept_of_one_bot_is_not_given_for_another(
    processes: tuple[Runtime, Runtime], owner: Person, stranger: Person
) -> None:
    rt, _ = processes
    mine, theirs = await make_bot(rt, owner, name="Mine"), await make_bot(rt, stranger, name="Theirs")
    await bot_config.public(rt, mine.id, "")
    found = await rt.cache.get(deletion.config_key(mine.id))
    assert found is not None
    # a cache that was tampered with: another bot's entry, or the wrong tenant in it
    await rt.cache.set(deletion.config_key(theirs.id), found, 60)
    assert (await bot_config.public(rt, theirs.id, "")).name == "Theirs"
    forged = json.loads(found) | {"tenant_id": str(stranger.tenant_id)}
    await rt.cache.set(deletion.config_key(mine.id), json.dumps(forged).encode(), 60)
    assert (await bot_config.public(rt, mine.id, "")).name == "Mine"
    await rt.cache.set(deletion.config_key(mine.id), b"{}", 60)
    assert (await bot_config.public(rt, mine.id, "")).name == "Mine"


async def test_many_at_once(processes: tuple[Runtime, Runtime], owner: Person) -> None:
    rt, _ = processes
    bot = await make_bot(rt, owner)
    found = await asyncio.gather(*(bot_config.public(rt, bot.id, SHOP) for _ in range(30)))
    assert {config.id for config in found} == {bot.id}
