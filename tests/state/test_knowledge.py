"""The page of a bot's documents, event by event."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.sources import SourceRead
from chatbot_saas.services import auth, intake
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state import following, lists
from chatbot_saas.state.embed import EmbedState
from chatbot_saas.state.knowledge import KnowledgeState
from chatbot_saas.state.session import session_token
from tests.factories.knowledge import add_text, make_bot, make_knowing_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.tabs import Tab, open_tab


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SHORTEST_SECONDS", 0.05)
    monkeypatch.setattr(following, "LONGEST_SECONDS", 0.05)


async def add_unsettled(rt: Runtime, person: Person, bot_id: object, text: str = "A text.") -> SourceRead:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_text(text)
        upload = intake.Upload(filename="notes.txt", path=path, size=path.stat().st_size)
        [source] = await intake.add_files(rt, person.principal, bot_id, [upload])  # pyright: ignore[reportArgumentType]
    return source


async def loaded(rt: Runtime, person: Person, bot_id: object) -> tuple[Tab, KnowledgeState]:
    tab = await open_tab(rt, person, bot_id=bot_id)
    await tab.run(KnowledgeState.load)
    return tab, await tab.state(KnowledgeState)


async def test_the_list_searches_filters_and_pages(rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    bot = await make_bot(rt, owner)
    for name in ("alpha.txt", "beta.txt", "gamma.txt"):
        await add_text(rt, owner, bot.id, f"{name} is a text about boats.", name)
    await add_text(rt, owner, bot.id, b"\x7fELF", "broken.pdf")
    tab, state = await loaded(rt, owner, bot.id)
    assert [item.filename for item in state.items] == ["broken.pdf", "gamma.txt"]
    await tab.run(KnowledgeState.load_more)
    assert [item.filename for item in state.items] == ["broken.pdf", "gamma.txt", "beta.txt", "alpha.txt"]
    assert not state.next_cursor
    await tab.run(KnowledgeState.change_filter, "failed")
    assert [(item.filename, bool(item.error)) for item in state.items] == [("broken.pdf", True)]
    await tab.run(KnowledgeState.change_filter, "' OR 1=1")
    assert state.status == "all"
    await tab.run(KnowledgeState.change_search, "ALPH")
    assert [item.filename for item in state.items] == ["alpha.txt"]
    await tab.run(KnowledgeState.change_search, "%")
    assert state.items == []
    assert state.filtered
    await tab.run(KnowledgeState.clear_filters)
    assert len(state.items) == 2


async def test_what_is_processed_is_followed_to_its_end(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    tab, state = await loaded(rt, owner, bot.id)
    assert await tab.run(KnowledgeState.refresh) == []
    source = await add_unsettled(rt, owner, bot.id)
    events = await tab.run(KnowledgeState.refresh)
    while not all(item.status == "ready" for item in state.items):
        assert events, "followed, or asked whether the page is still open"
        events = await tab.run(KnowledgeState.watch)
    assert await tab.run(KnowledgeState.keep_watching, "open") == []
    assert [(item.id, item.chunks) for item in state.items] == [(source.id, 1)]


async def test_nobody_is_followed_who_left_or_signed_out(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    await add_unsettled(rt, owner, bot.id)
    tab, state = await loaded(rt, owner, bot.id)
    state.items = [item.model_copy(update={"status": "queued"}) for item in state.items]
    assert await tab.run(KnowledgeState.keep_watching, "gone") == []
    assert len(await tab.run(KnowledgeState.keep_watching, "open")) == 1
    await auth.close_session(rt, session_token(tab.root))
    with pytest.raises(UnauthenticatedError):
        await tab.run(KnowledgeState.watch)


async def test_cancel_retry_and_delete(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    tab, state = await loaded(rt, owner, bot.id)
    [source] = state.items
    await tab.run(KnowledgeState.reindex, str(source.id))
    assert state.items[0].active
    await tab.run(KnowledgeState.cancel, str(source.id))
    assert state.items[0].status == "cancelled"
    await tab.run(KnowledgeState.reindex, str(source.id))
    assert (await settled(rt, owner, source.id)).status == "ready"
    told = str(await tab.run(KnowledgeState.delete, str(source.id)))
    assert "1 passage" in told
    assert "1 stored file" in told
    assert state.items == []


async def test_another_tenants_documents_are_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    theirs = await make_knowing_bot(rt, owner)
    _, state = await loaded(rt, owner, theirs.id)
    [source] = state.items
    mine = await make_bot(rt, stranger)
    tab, state = await loaded(rt, stranger, theirs.id)
    assert (state.items, state.loaded) == ([], False)
    await tab.run(EmbedState.load)
    assert (await tab.state(EmbedState)).ways == []
    tab, _ = await loaded(rt, stranger, mine.id)
    for handler in (KnowledgeState.cancel, KnowledgeState.reindex, KnowledgeState.delete):
        for wanted in (str(source.id), str(new_id()), "no id", ""):
            with pytest.raises(NotFoundError):
                await tab.run(handler, wanted)
    assert (await settled(rt, owner, source.id)).status == "ready"


async def test_a_viewer_reads_but_changes_nothing(rt: Runtime, owner: Person) -> None:
    bot = await make_knowing_bot(rt, owner)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    tab, state = await loaded(rt, viewer, bot.id)
    [source] = state.items
    for handler in (KnowledgeState.cancel, KnowledgeState.reindex, KnowledgeState.delete):
        with pytest.raises(ForbiddenError):
            await tab.run(handler, str(source.id))


async def test_the_embed_line_names_the_bot_and_our_address(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    tab = await open_tab(rt, owner, bot_id=bot.id)
    await tab.run(EmbedState.load)
    state = await tab.state(EmbedState)
    here = rt.settings.public_url
    codes = {way.name: way.code for way in state.ways}
    assert codes["script"] == f'<script src="{here}/widget/v1/chatbot-widget.js" data-bot-id="{bot.id}" defer></script>'
    assert codes["link"] == f"{here}/widget/chat/{bot.id}"
    assert f"{here}/widget/v1/frame?bot_id={bot.id}" in codes["iframe"]
    assert state.way == state.ways[0]
    await tab.run(EmbedState.choose, "react")
    assert (await tab.state(EmbedState)).way == next(way for way in state.ways if way.name == "react")
    await tab.run(EmbedState.check, {"url": "not an address"})
    state = await tab.state(EmbedState)
    assert (state.report, state.checking) == (None, False)
    assert "complete web address" in state.check_problem
    await tab.run(EmbedState.check, {"url": "http://127.0.0.1:9/"})
    report = (await tab.state(EmbedState)).report
    assert report
    assert report.checks[0].fix
