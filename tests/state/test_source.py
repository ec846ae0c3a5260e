"""The page of one source, event by event."""

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.sources import SiteSource
from chatbot_saas.services import intake
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import following, lists, source
from chatbot_saas.state.knowledge import KnowledgeState
from chatbot_saas.state.source import SourceState
from tests.factories.files import encrypted_pdf
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.sites import SHOP, shop, site
from tests.factories.tabs import Tab, open_tab

LONG = "\n\n".join(f"Rule {n}. Boats of class {n} pay {n} euros a night, and leave before noon." for n in range(300))


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SHORTEST_SECONDS", 0.05)
    monkeypatch.setattr(following, "LONGEST_SECONDS", 0.05)


async def loaded(rt: Runtime, person: Person, bot_id: object, source_id: object) -> tuple[Tab, SourceState]:
    tab = await open_tab(rt, person, bot_id=bot_id, source_id=source_id)
    await tab.run(SourceState.load)
    return tab, await tab.state(SourceState)


async def test_a_file_shows_its_passages_and_its_history(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PASSAGES", 2)
    bot = await make_bot(rt, owner)
    added = await add_text(rt, owner, bot.id, LONG, "rules.md")
    tab, state = await loaded(rt, owner, bot.id, added.id)
    assert state.source is not None
    assert [passage.number for passage in state.passages] == [1, 2]
    while state.passages_cursor:
        await tab.run(SourceState.more_passages)
    assert len(state.passages) == added.chunks
    assert "".join(passage.text for passage in state.passages).split() == LONG.split()
    assert [(job.kind, job.status) for job in state.jobs] == [("add", "succeeded")]
    await tab.run(SourceState.reindex)
    assert state.source.active
    events = await tab.run(SourceState.watch)
    while state.source.active:
        assert events
        events = await tab.run(SourceState.watch)
    await tab.run(SourceState.refresh)
    assert "ready" in state.said
    assert [job.kind for job in state.jobs] == ["reindex", "add"]
    await tab.run(SourceState.reindex)
    await tab.run(SourceState.cancel)
    assert state.source.status == "cancelled"
    assert state.source.retryable


async def test_a_website_shows_what_became_of_each_page(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE_SIZE", 15)
    monkeypatch.setattr(lists, "PAGE_SIZE", 15)
    bot = await make_bot(rt, owner)
    async with site() as made:
        shop(made)
        del made.pages["/terms"]
        urls = [made.url + path for path in SHOP]
        body = SiteSource(type="site", url=made.url, urls=urls)
        added = await intake.add(rt, owner.principal, bot.id, body)
        await settled(rt, owner, added.id)
        tab, state = await loaded(rt, owner, bot.id, added.id)
        assert len(state.items) == 15
        await tab.run(SourceState.load_more)
        assert len(state.items) == len(SHOP)
        await tab.run(SourceState.change_filter, "gone")
        assert [(item.url, item.error is not None) for item in state.items] == [(f"{made.url}/terms", True)]
        await tab.run(SourceState.change_search, "nowhere")
        assert (state.items, state.filtered) == ([], True)
        await tab.run(SourceState.clear_filters)
        await tab.run(SourceState.change_search, "deposit")
        [page] = state.items
        await tab.run(SourceState.open_document, str(page.document_id), True)
        assert state.reading
        assert "deposit of 50 euros" in state.passages[0].text
        await tab.run(SourceState.open_document, str(page.document_id), False)
        await tab.run(SourceState.delete_page, str(page.document_id))
        [page] = state.items
        assert (page.status, page.document_id) == ("skipped", None)
        await tab.run(SourceState.change_refresh, "weekly")
        assert state.source is not None
        assert (state.source.refresh, state.source.pages) == ("weekly", len(SHOP) - 2)


async def test_a_deletion_leads_to_the_list_with_its_receipt(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    added = await add_text(rt, owner, bot.id, encrypted_pdf(), "secret.pdf")
    tab, state = await loaded(rt, owner, bot.id, added.id)
    assert state.source is not None
    assert not state.source.retryable
    assert f"/bots/{bot.id}/knowledge" in str(await tab.run(SourceState.delete))
    await tab.run(KnowledgeState.load)
    knowledge = await tab.state(KnowledgeState)
    assert knowledge.receipt is not None
    assert knowledge.receipt.receipt.id == added.id
    await tab.run(KnowledgeState.open_receipt, True)
    assert knowledge.reading_receipt
    assert await tab.run(KnowledgeState.download_receipt)
    await tab.run(KnowledgeState.load)
    assert knowledge.receipt is None
    await tab.run(SourceState.load)
    assert state.missing


async def test_another_tenants_source_is_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot, mine = await make_bot(rt, owner), await make_bot(rt, stranger)
    added = await add_text(rt, owner, bot.id, "The secret word is Zanzibar.")
    for bot_id in (bot.id, mine.id):
        tab, state = await loaded(rt, stranger, bot_id, added.id)
        assert (state.missing, state.source, state.passages) == (True, None, [])
        for handler in (SourceState.cancel, SourceState.reindex, SourceState.delete):
            with pytest.raises(NotFoundError):
                await tab.run(handler)
        assert "Zanzibar" not in tab.sent()
    other = await make_bot(rt, owner)
    _, state = await loaded(rt, owner, other.id, added.id)
    assert state.missing, "it belongs to another bot than the address says"


async def test_a_viewer_reads_but_changes_nothing(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    added = await add_text(rt, owner, bot.id)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    tab, state = await loaded(rt, viewer, bot.id, added.id)
    assert state.passages
    for handler in (SourceState.cancel, SourceState.reindex, SourceState.delete):
        with pytest.raises(ForbiddenError):
            await tab.run(handler)
