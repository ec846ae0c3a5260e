"""Adding pages, websites and texts, and writing a text anew, event by event."""

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError, PreconditionFailedError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.sources import SourcePatch
from chatbot_saas.services import intake
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.knowledge import KnowledgeState
from chatbot_saas.state.knowledge_add import AddState
from chatbot_saas.state.site_preview import SitePreviewState
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.sites import shop, site
from tests.factories.tabs import Tab, open_tab

RULES = {"title": "House rules", "text": "Dogs are welcome on the quay."}


async def opened(rt: Runtime, person: Person, dialog: str) -> tuple[Tab, AddState, KnowledgeState]:
    bot = await make_bot(rt, person)
    tab = await open_tab(rt, person, bot_id=bot.id)
    await tab.run(KnowledgeState.load)
    await tab.run(AddState.open_dialog, dialog, True)
    return tab, await tab.state(AddState), await tab.state(KnowledgeState)


async def test_a_text_is_added_once_and_changed(rt: Runtime, owner: Person) -> None:
    tab, state, knowledge = await opened(rt, owner, "text")
    assert state.dialog == "text"
    await tab.run(AddState.add_text, {"title": " ", "text": ""})
    assert set(state.errors) == {"title", "text"}
    await tab.run(AddState.add_text, {})
    assert set(state.errors) == {"title", "text"}
    await tab.run(AddState.add_text, RULES)
    assert (state.dialog, state.errors) == ("", {})
    await tab.run(KnowledgeState.refresh)
    [source] = knowledge.items
    assert (source.title, source.type) == ("House rules", "text")
    await settled(rt, owner, source.id)
    again = str(await tab.run(AddState.add_text, RULES))
    assert "You have this already" in again
    await tab.run(KnowledgeState.show_copy, str(source.id))
    assert knowledge.highlighted == str(source.id)
    assert len(knowledge.items) == 1

    await tab.run(AddState.open_text, str(source.id), True)
    assert (state.editing, state.title, state.text) == (str(source.id), *RULES.values())
    await tab.run(AddState.save_text, {"title": "House rules", "text": ""})
    assert set(state.errors) == {"text"}
    await tab.run(AddState.save_text, {"title": "Rules", "text": "Dogs stay on a lead."})
    assert state.editing == ""
    assert (await intake.text_of(rt, owner.principal, source.id)).text == "Dogs stay on a lead."


async def test_a_text_that_somebody_else_changed_is_not_overwritten(rt: Runtime, owner: Person) -> None:
    tab, _, knowledge = await opened(rt, owner, "text")
    await tab.run(AddState.add_text, RULES)
    await tab.run(KnowledgeState.refresh)
    [source] = knowledge.items
    await tab.run(AddState.open_text, str(source.id), True)
    await intake.change(rt, owner.principal, source.id, SourcePatch(text="Written meanwhile."))
    with pytest.raises(PreconditionFailedError):
        await tab.run(AddState.save_text, {"title": "House rules", "text": "Mine."})
    assert (await intake.text_of(rt, owner.principal, source.id)).text == "Written meanwhile."


async def test_a_page_and_a_website_are_added(rt: Runtime, owner: Person) -> None:
    async with site() as made:
        shop(made)
        tab, state, knowledge = await opened(rt, owner, "page")
        await tab.run(AddState.change, "url", "no address !")
        await tab.run(AddState.add_page)
        assert set(state.errors) == {"url"}
        await tab.run(AddState.change, "url", f"{made.url}/prices")
        await tab.run(AddState.change, "refresh", "hand")
        await tab.run(AddState.change, "editing", "x")
        assert (state.editing, state.errors) == ("", {})
        await tab.run(AddState.add_page)
        await tab.run(AddState.open_dialog, "site", True)
        preview = await tab.state(SitePreviewState)
        await tab.run(AddState.add_site, True)
        assert set(preview.errors) == {"url"}
        await tab.run(SitePreviewState.change, "url", made.url)
        await tab.run(SitePreviewState.find)
        await tab.run(SitePreviewState.filter_pages, "blog")
        await tab.run(SitePreviewState.choose_all, False)
        await tab.run(AddState.add_site, False)
        assert (preview.url, preview.found) == ("", 0)
        await tab.run(KnowledgeState.refresh)
        for item in knowledge.items:
            await settled(rt, owner, item.id)
        await tab.run(KnowledgeState.change_kind, "site")
    [found] = knowledge.items
    assert (found.type, found.refresh, found.pages, found.pages_failed) == ("site", "daily", 16, 0)
    await tab.run(KnowledgeState.change_kind, "url")
    [one] = knowledge.items
    assert (one.refresh, one.next_refresh_at, one.pages) == ("", None, 1)
    await tab.run(KnowledgeState.change_refresh, str(one.id), "hourly")
    assert (knowledge.items[0].refresh, knowledge.items[0].next_refresh_at is None) == ("hourly", False)


async def test_another_tenants_text_and_bot_are_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    tab, _, knowledge = await opened(rt, owner, "text")
    await tab.run(AddState.add_text, RULES)
    await tab.run(KnowledgeState.refresh)
    [source] = knowledge.items
    theirs = await open_tab(rt, stranger, bot_id=source.bot_id)
    state = await theirs.state(AddState)
    with pytest.raises(NotFoundError):
        await theirs.run(AddState.open_text, str(source.id), True)
    state.editing = str(source.id)
    with pytest.raises(NotFoundError):
        await theirs.run(AddState.save_text, {"title": "Mine", "text": "Mine now."})
    with pytest.raises(NotFoundError):
        await theirs.run(AddState.add_text, RULES)
    assert "Dogs" not in theirs.sent()


async def test_a_viewer_adds_nothing(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    viewer = await sign_up(rt, Role.VIEWER, owner.tenant_id)
    tab = await open_tab(rt, viewer, bot_id=bot.id)
    for handler, *arguments in (
        (AddState.add_text, RULES),
        (AddState.add_page,),
        (AddState.add_site, True),
        (AddState.save_text, RULES),
        (AddState.open_dialog, "text", True),
    ):
        with pytest.raises(ForbiddenError):
            await tab.run(handler, *arguments)
