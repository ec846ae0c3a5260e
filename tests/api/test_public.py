"""What a visitor's browser can do, and what it gets to see."""

import base64
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots, snippets
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import visit
from tests.api.visitors import EVIL, Visit, bot, guest, person, set_status
from tests.factories.knowledge import SHOP, make_bot
from tests.factories.people import Person
from tests.factories.sites import png

__all__ = ["bot", "guest", "person"]


# --- where a conversation may begin


@pytest.mark.parametrize(
    ("origin", "parent", "status"),
    [
        (SHOP, None, 201),
        (SHOP, EVIL, 201),  # what a page says of itself beside its Origin does not count
        ("own", SHOP, 201),
        ("own", SHOP + "/", 201),
        ("own", "own", 201),  # our own demo page
        ("own", EVIL, 403),
        ("own", None, 403),
        ("own", "", 403),
        ("own", "null", 403),
        ("own", "nonsense", 403),
        ("own", "https://shop.example.evil.example", 403),
        ("own", "https://evil.example#https://shop.example", 403),
        ("own", "https://shop.example@evil.example", 403),
        ("own", "http://shop.example", 403),
        ("own", "https://shop.example:8443", 403),
        (EVIL, None, 403),
        (EVIL, SHOP, 403),
        (None, None, 403),
        (None, SHOP, 403),
        ("null", SHOP, 403),
        ("http://shop.example", None, 403),
        ("https://sub.shop.example", None, 403),
        ("https://shop.example.evil.example", None, 403),
    ],
)
async def test_where_a_conversation_may_begin(
    client: httpx.AsyncClient, rt: Runtime, bot: BotRead, origin: str | None, parent: str | None, status: int
) -> None:
    own = rt.settings.public_origin
    headers = {"Origin": own if origin == "own" else origin} if origin else {}
    body = {} if parent is None else {"parent_origin": own if parent == "own" else parent}
    answer = await client.post(f"/api/public/conversation/{bot.id}/start", headers=headers, json=body)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert set(answer.json()) == {"conversation_id", "visitor_token", "expires_in", "person", "visitor_key"}
        assert answer.json()["expires_in"] == 24 * 3600
    else:
        assert answer.json()["code"] == "origin_not_allowed"


async def test_appearance_is_for_allowed_websites(client: httpx.AsyncClient, bot: BotRead) -> None:
    address = f"/api/public/bot/{bot.id}/config"
    shown = await client.get(address, headers={"Origin": SHOP})
    names = {"id", "name", "welcome_message", "starter_questions", "language", "theme", "icon", "early"}
    assert set(shown.json()) == names | {"launcher", "page"}
    assert len(shown.content) < 1000
    assert (await client.get(address)).status_code == 200
    refused = await client.get(address, headers={"Origin": EVIL})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert refused.headers["access-control-allow-origin"] == EVIL, "so that the loader can say why"


async def test_appearance_is_one_small_answer_that_browsers_keep(
    client: httpx.AsyncClient, rt: Runtime, person: Person
) -> None:
    launcher = {
        "corner": "top-left",
        "x": 32,
        "label": "Ask us anything",
        "message": "Not sure which plant fits your window? Tell us about your room, and we suggest three of them.",
        "hidden": ["/checkout/*", "/account/*", "/legal", "/de/kasse/*", "/fr/commande/*", "*/print", "/jobs/*"],
    }
    bot = await make_bot(
        rt,
        person,
        welcome_message="Hello and welcome to Fern & Oak! I know our plants, delivery times, returns and care notes. "
        "I answer in a moment, at any hour, and where I do not know something I pass your question on to a person.",
        starter_questions=[f"How do I look after my {name} in winter?" for name in ("fern", "olive", "fig", "ivy")],
        launcher=launcher,
    )
    address = f"/api/public/bot/{bot.id}/config"
    shown = await client.get(address, headers={"Origin": SHOP, "Accept-Encoding": "gzip"})
    assert shown.headers["content-encoding"] == "gzip"
    assert int(shown.headers["content-length"]) <= 1024
    told = shown.json()["launcher"]
    assert told.pop("close")["de"] == "Chat schließen", "each visitor's language, as the bot has none of its own"
    assert told == {**launcher, "delay": 5}
    assert shown.headers["cache-control"] == "no-cache"
    again = await client.get(address, headers={"Origin": SHOP, "If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    "wrong",
    [
        *({"corner": "middle"}, {"x": -1}, {"y": 201}, {"icon": "x"}, {"label": "x" * 25}, {"message": "x" * 161}),
        *({"delay": 601}, {"hidden": ["checkout"]}, {"hidden": ["/a?b"]}, {"hidden": ["/a"] * 11}, {"size": 3}),
    ],
)
async def test_a_launcher_that_cannot_be_is_refused(
    client: httpx.AsyncClient, person: Person, bot: BotRead, wrong: dict[str, Any]
) -> None:
    answer = await client.patch(f"/api/v1/bots/{bot.id}", json={"launcher": wrong}, headers=person.headers)
    assert answer.status_code == 422


async def test_context_is_small(guest: Visit) -> None:
    assert (await guest.ask(context={"cart": [1, 2], "plan": "pro"})).status_code == 200
    for wrong in ({"x": "y" * 2048}, {"x": "\x00"}, [1], "text"):
        assert (await guest.ask(context=wrong)).status_code == 422
    assert (await guest.ask(page={"url": "/" * 501})).status_code == 422


@pytest.mark.parametrize(("kind", "place"), [("icon", "logo"), ("avatar", "face")])
async def test_a_bots_picture_is_one_and_nothing_else(
    client: httpx.AsyncClient, rt: Runtime, owner: Person, kind: str, place: str
) -> None:
    picture = png(10, 125, 108)
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    shown: Any = {kind: address}
    bot = await make_bot(rt, owner, **shown)
    theme = (await client.get(f"/api/public/bot/{bot.id}/config")).json()["theme"]
    assert {"logo", "face"} & set(theme) == {place}
    answer = await client.get(f"/widget/{theme[place]}")
    assert (answer.content, answer.headers["content-type"]) == (picture, "image/png")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    again = await client.get(f"/widget/{kind}/{bot.id}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
    for known in (await make_bot(rt, owner), await make_bot(rt, owner, **shown, published=False)):
        assert (await client.get(f"/widget/{kind}/{known.id}")).status_code == 404
    assert (await client.get(f"/widget/{kind}/{uuid4()}")).status_code == 404
    script = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>").decode()
    large = base64.b64encode(png(1, 2, 3) + bytes(40_000)).decode()
    wide = base64.b64encode(png(1, 2, 3, 600)).decode()
    for wrong in (
        f"data:image/svg+xml;base64,{script}",
        f"data:image/png;base64,{script}",
        f"data:image/png;base64,{large}",
        f"data:image/png;base64,{wide}",
        "https://evil.example/i.png",
    ):
        refused = await client.patch(f"/api/v1/bots/{bot.id}", json={kind: wrong}, headers=owner.headers)
        assert refused.status_code == 422, wrong
    for questions in ([""], ["x" * 81], ["Why?"] * 7):
        body = {"starter_questions": questions}
        refused = await client.patch(f"/api/v1/bots/{bot.id}", json=body, headers=owner.headers)
        assert refused.status_code == 422, questions


async def test_drafts_are_missing_and_pauses_are_said(client: httpx.AsyncClient, rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    conversation_id, headers = await visit(client, bot.id)
    visitor = Visit(client, bot.id, conversation_id, headers)

    async def statuses() -> list[tuple[int, str]]:
        answers = [
            await client.get(f"/api/public/bot/{bot.id}/config"),
            await client.post(f"/api/public/conversation/{bot.id}/start", headers={"Origin": SHOP}),
            await visitor.ask(),
            await client.get(f"/api/public/conversation/{conversation_id}", headers=headers),
            await client.post(f"/api/public/conversation/{conversation_id}/end", headers=headers),
        ]
        return [(answer.status_code, answer.json()["code"]) for answer in answers]

    await set_status(rt, owner, bot, "paused")
    assert set(await statuses()) == {(403, "bot_paused")}
    await set_status(rt, owner, bot, "draft")
    assert set(await statuses()) == {(404, "not_found")}
    assert (await client.get(f"/widget/frame?bot_id={bot.id}")).status_code == 404
    await set_status(rt, owner, bot, "published")
    assert (await visitor.ask()).status_code == 200


async def test_a_token_is_bound_to_bot_conversation_and_website(
    client: httpx.AsyncClient, rt: Runtime, person: Person, guest: Visit
) -> None:
    other = await make_bot(rt, person)
    for where in (EVIL, "https://sub.shop.example"):
        answer = await client.post(
            f"/api/public/chat/{guest.bot_id}", json=guest.body(), headers={**guest.headers, "Origin": where}
        )
        assert (answer.status_code, answer.json()["reason"]) == (403, "foreign_origin")
    assert (await Visit(client, other.id, guest.conversation_id, guest.headers).ask()).status_code == 404
    another, _ = await visit(client, guest.bot_id)
    assert (await Visit(client, guest.bot_id, another, guest.headers).ask()).status_code == 404
    own = {**guest.headers, "Origin": rt.settings.public_origin}
    assert (await Visit(client, guest.bot_id, guest.conversation_id, own).ask()).status_code == 200, "from our frame"


async def test_a_website_that_is_taken_off_the_list_is_out_at_once(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    bot = await make_bot(rt, owner)
    conversation_id, headers = await visit(client, bot.id)
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(allowed_origins=[]), rt)
    assert (await Visit(client, bot.id, conversation_id, headers).ask()).status_code == 403
    read = await client.get(f"/api/public/conversation/{conversation_id}", headers=headers)
    assert read.status_code == 403


async def test_the_frame_may_be_framed_by_the_bots_websites(client: httpx.AsyncClient, bot: BotRead) -> None:
    page = await client.get(f"/widget/frame?bot_id={bot.id}")
    policy = page.headers["content-security-policy"]
    [ancestors] = re.findall(r"frame-ancestors ([^;]*)", policy)
    assert ancestors.split() == ["'self'", SHOP]
    assert "script-src 'self';" in policy
    assert "x-frame-options" not in page.headers


async def test_every_address_that_owners_are_given_answers(
    client: httpx.AsyncClient, rt: Runtime, owner: Person
) -> None:
    bot = await make_bot(rt, owner)
    place = snippets.Place(rt.settings.public_url, bot.id)
    named = {url for way in snippets.of(place) for url in re.findall(rf"{place.here}/[^\s\"'<]+", way.code)}
    assert len(named) == 3, "the script, the frame and the link"
    for url in [*named, place.sample]:
        answer = await client.get(url, follow_redirects=True)
        assert answer.status_code == 200, url
