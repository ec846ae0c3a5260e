"""Pages that show the chat, and pages that do not: each time the reason and what to do."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from chatbot_saas.adapters.web.failures import AddressInvalidError
from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.schemas.embed import EmbedReport
from chatbot_saas.services import bots, embed_doctor, snippets
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.snippets import Place
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, sign_up
from tests.factories.sites import Page, Site, page, site


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


@pytest.fixture
async def bot(rt: Runtime, owner: Person, web: Site) -> BotRead:
    """Published, and allowed on the website."""
    made = await make_bot(rt, owner)
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch(status="published", allowed_origins=[web.url])
        return await bots.change(session, owner.principal, made.id, patch, rt)


def place(rt: Runtime, bot_id: UUID) -> Place:
    return Place(rt.settings.public_url, bot_id)


async def look(rt: Runtime, person: Person, bot: BotRead, web: Site, body: str | Page) -> EmbedReport:
    web.pages["/contact"] = body if isinstance(body, Page) else page("Contact", body)
    return await embed_doctor.check(rt, person.principal, bot.id, f"{web.url}/contact")


def wrong(report: EmbedReport) -> list[str]:
    return [check.name for check in report.checks if check.state == "problem"]


async def test_a_page_with_the_line_is_well(rt: Runtime, owner: Person, bot: BotRead, web: Site) -> None:
    web.robots = "User-agent: *\nDisallow: /"
    report = await look(rt, owner, bot, web, place(rt, bot.id).line)
    assert report.works is True, report
    assert {check.state for check in report.checks} == {"ok"}
    assert [check.name for check in report.checks] == ["page", "bot", "snippet", "website"]


async def test_every_way_that_is_offered_is_recognised(rt: Runtime, owner: Person, bot: BotRead, web: Site) -> None:
    """React and WordPress make the page elsewhere; what they make is the line."""
    found = {way.name: way.code for way in snippets.of(place(rt, bot.id))}
    for name in ("script", "inline", "iframe", "shopify"):
        assert (await look(rt, owner, bot, web, found[name])).works is True, name
    assert (await look(rt, owner, bot, web, found["gtm"])).works is None
    assert str(bot.id) in found["react"]
    assert place(rt, bot.id).line in found["wordpress"]


async def test_what_is_missing_or_wrong_is_told_with_its_mend(
    rt: Runtime, owner: Person, bot: BotRead, web: Site
) -> None:
    line = place(rt, bot.id).line
    other = place(rt, new_id()).line
    elsewhere = line.replace(rt.settings.public_url, "https://other.example")
    for body, name in (
        ("<p>Nothing here.</p>", "snippet"),
        (f"<!-- {line} -->", "snippet"),
        (f"<noscript>{line}</noscript>", "snippet"),
        (other, "bot_id"),
        (line.replace(str(bot.id), "YOUR-BOT-ID"), "bot_id"),
        (elsewhere, "address"),
    ):
        report = await look(rt, owner, bot, web, body)
        assert (report.works, wrong(report)) == (False, [name]), body
        [mend] = [check for check in report.checks if check.state == "problem"]
        assert mend.fix
        assert mend.code == line
    twice = await look(rt, owner, bot, web, line * 2)
    assert twice.works is True
    assert [check.name for check in twice.checks if check.state == "advice"] == ["duplicates"]


async def test_what_only_a_browser_can_tell_is_not_called_well(
    rt: Runtime, owner: Person, bot: BotRead, web: Site
) -> None:
    tag_manager = '<script src="https://www.googletagmanager.com/gtm.js?id=GTM-1"></script>'
    consent = place(rt, bot.id).line.replace("<script", '<script type="text/plain"')
    for body in (tag_manager, consent, "<script>load('/widget/chatbot-widget.js')</script>"):
        report = await look(rt, owner, bot, web, body)
        assert (report.works, wrong(report)) == (None, []), body


async def test_an_inline_chat_a_shared_link_and_settings_of_the_page_are_understood(
    rt: Runtime, owner: Person, bot: BotRead, web: Site
) -> None:
    loader = f'<script src="{place(rt, bot.id).loader}" defer></script>'
    settings = f'<script>window.chatbotWidget = {{botId: "{bot.id}", mode: "inline", target: "#help"}};</script>'
    told = await look(rt, owner, bot, web, f'<div id="help"></div>{settings}{loader}')
    assert told.works is True
    assert [check.name for check in told.checks] == ["page", "bot", "snippet", "website"]
    lost = await look(rt, owner, bot, web, settings + loader)
    assert (lost.works, wrong(lost)) == (None, [])
    assert any("stand in #help" in check.says for check in lost.checks)
    shared = f'<iframe src="{place(rt, bot.id).link}"></iframe>'
    assert (await look(rt, owner, bot, web, shared)).works is True
    assert wrong(await look(rt, owner, bot, web, loader)) == ["bot_id"]


async def test_patterns_and_localhost_are_allowed_as_visitors_have_them(
    rt: Runtime, owner: Person, bot: BotRead, web: Site
) -> None:
    line = place(rt, bot.id).line
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch(allowed_origins=["https://*.shop.example"])
        await bots.change(session, owner.principal, bot.id, patch, rt)
    report = await look(rt, owner, bot, web, line)
    assert wrong(report) == ["website"]
    assert "Also on localhost" in report.checks[-1].fix
    async with rt.db.tenant(owner.principal) as session:
        await bots.change(session, owner.principal, bot.id, BotPatch(allow_localhost=True), rt)
    assert (await look(rt, owner, bot, web, line)).works is True


async def test_the_bot_must_be_published_and_the_website_named(
    rt: Runtime, owner: Person, bot: BotRead, web: Site
) -> None:
    async with rt.db.tenant(owner.principal) as session:
        patch = BotPatch(status="paused", allowed_origins=["https://shop.example"])
        await bots.change(session, owner.principal, bot.id, patch, rt)
    report = await look(rt, owner, bot, web, place(rt, bot.id).line)
    assert wrong(report) == ["bot", "website"]
    assert report.checks[-1].code == web.url


async def test_a_policy_that_stops_the_chat_is_shown_as_it_should_read(
    rt: Runtime, owner: Person, bot: BotRead, web: Site
) -> None:
    here, line = rt.settings.public_url, place(rt, bot.id).line
    body = page("Contact", line)

    async def under(policy: str, meta: str = "") -> EmbedReport:
        head = f'<meta http-equiv="Content-Security-Policy" content="{meta}">' if meta else ""
        headers = {"Content-Security-Policy": policy} if policy else {}
        return await look(rt, owner, bot, web, Page(body.replace("<head>", "<head>" + head), headers=headers))

    strict = await under("default-src 'self'; img-src *")
    assert [check.code for check in strict.checks if check.name == "policy"] == [
        f"script-src 'self' {here}",
        f"connect-src 'self' {here}",
        f"frame-src 'self' {here}",
    ]
    mended = "; ".join(check.code for check in strict.checks if check.name == "policy")
    assert (await under(f"default-src 'self'; {mended}")).works is True
    assert wrong(await under("", meta="frame-src 'none'")) == ["policy"]
    assert (await under("script-src 'nonce-1' 'strict-dynamic'")).works is False


async def test_a_page_that_cannot_be_seen_is_a_finding(rt: Runtime, owner: Person, bot: BotRead, web: Site) -> None:
    for url in (f"{web.url}/missing", "http://10.0.0.1/", "http://169.254.169.254/latest", "https://no.invalid/"):
        report = await embed_doctor.check(rt, owner.principal, bot.id, url)
        assert (report.works, [check.state for check in report.checks]) == (None, ["unsure"]), url
        assert report.checks[0].fix
    with pytest.raises(AddressInvalidError):
        await embed_doctor.check(rt, owner.principal, bot.id, "no address")


async def test_a_redirect_counts_where_it_ends(rt: Runtime, owner: Person, bot: BotRead, web: Site) -> None:
    web.pages["/old"] = Page("", status=301, headers={"Location": "/contact"})
    await look(rt, owner, bot, web, place(rt, bot.id).line)
    report = await embed_doctor.check(rt, owner.principal, bot.id, f"{web.url}/old")
    assert (report.works, report.url) == (True, f"{web.url}/contact")


async def test_only_who_may_change_the_bot(
    rt: Runtime, owner: Person, stranger: Person, bot: BotRead, web: Site
) -> None:
    with pytest.raises(NotFoundError):
        await embed_doctor.check(rt, stranger.principal, bot.id, web.url)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    with pytest.raises(ForbiddenError):
        await embed_doctor.check(rt, viewer.principal, bot.id, web.url)
    assert not web.hits
