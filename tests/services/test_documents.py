"""What is read of documents: their list, their figures, and the passages as they were cut."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.paging import PageRequest, cursor_for
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.documents import PassageRead
from chatbot_saas.services import documents, jobs, sources
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import HANDBOOK, add_text, make_bot
from tests.factories.people import Person

LONG = "\n\n".join(f"Rule {n}. Boats of class {n} pay {n} euros a night, and leave before noon." for n in range(400))


async def read_all(session: AsyncSession, person: Person, document_id: Any, limit: int) -> list[PassageRead]:
    found: list[PassageRead] = []
    cursor = ""
    while True:
        page = await documents.list_passages(
            session,
            person.principal,
            document_id,
            PageRequest(limit=limit, cursor=cursor),
        )
        found += page.items
        if not page.next_cursor:
            return found
        assert len(page.items) == limit
        cursor = page.next_cursor


async def test_passages_are_the_document_in_order_with_what_they_repeat(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id, LONG, "rules.md")
    async with rt.db.tenant(owner.principal) as session:
        [document] = (await documents.list_page(session, owner.principal, source.id, PageRequest())).items
        assert document == await documents.get(session, owner.principal, document.id)
        passages = await read_all(session, owner, document.id, 2)
        assert passages == await read_all(session, owner, document.id, 100)
    assert (document.characters, document.chunks) == (len(LONG), source.chunks)
    assert [passage.ordinal for passage in passages] == list(range(source.chunks))
    assert any(passage.repeated for passage in passages)
    assert "".join(passage.text[passage.repeated :] for passage in passages).split() == LONG.split()
    assert all(passage.embedded for passage in passages)


async def test_a_cursor_of_another_list_leads_nowhere(rt: Runtime, owner: Person) -> None:
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id)
    async with rt.db.tenant(owner.principal) as session:
        [document] = (await documents.list_page(session, owner.principal, source.id, PageRequest())).items
        strange = PageRequest(cursor=cursor_for(new_id()))
        assert (await documents.list_passages(session, owner.principal, document.id, strange)).items == []


async def test_another_tenants_documents_are_not_there(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id)
    async with rt.db.tenant(owner.principal) as session:
        [document] = (await documents.list_page(session, owner.principal, source.id, PageRequest())).items
        assert len((await jobs.list_page(session, owner.principal, PageRequest(), source_id=source.id)).items) == 1
    reads = (
        (documents.list_page, source.id, PageRequest()),
        (documents.get, document.id),
        (documents.list_passages, document.id, PageRequest()),
    )
    async with rt.db.tenant(stranger.principal) as session:
        for function, *arguments in reads:
            with pytest.raises(NotFoundError):
                await function(session, stranger.principal, *arguments)
        with pytest.raises(NotFoundError):
            await jobs.list_page(session, stranger.principal, PageRequest(), source_id=source.id)
        assert await sources.count_pages(session, stranger.principal, [source.id]) == {}


async def test_reading_takes_the_right_and_the_bot(rt: Runtime, owner: Person) -> None:
    bot, other = await make_bot(rt, owner), await make_bot(rt, owner)
    source = await add_text(rt, owner, bot.id, HANDBOOK)
    blind = replace(owner.principal, scopes=frozenset({Scope.CHAT}))
    elsewhere = replace(owner.principal, bot_ids=frozenset({other.id}))
    async with rt.db.tenant(owner.principal) as session:
        [document] = (await documents.list_page(session, owner.principal, source.id, PageRequest())).items
        for principal, error in ((blind, ForbiddenError), (elsewhere, NotFoundError)):
            with pytest.raises(error):
                await documents.get(session, principal, document.id)
            with pytest.raises(error):
                await documents.list_page(session, principal, source.id, PageRequest())
            with pytest.raises(error):
                await documents.list_passages(session, principal, document.id, PageRequest())
