"""The door for plain SQL: the same policies, one transaction, nothing left of it for whoever comes next."""

import asyncio

import pytest

from chatbot_saas.core.db import BrokenReferenceError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.services.runtime import Runtime
from tests.factories.people import Person

TENANTS = "SELECT id FROM tenants"
RENAME = "UPDATE tenants SET name = %(name)s WHERE id = %(id)s"
LOST_CONVERSATION = """
    INSERT INTO conversations (id, tenant_id, bot_id, channel, session_id, origin, status, message_count,
                               first_question)
    VALUES (%(id)s, %(tenant_id)s, %(id)s, 'api', '', '', 'open', 0, '')
    """
NAME = "SELECT name FROM tenants WHERE id = %(id)s"


async def test_each_sees_its_own_tenant_however_many_take_turns(rt: Runtime, owner: Person, stranger: Person) -> None:
    async def seen(person: Person) -> list[object]:
        async with rt.db.tenant_plain(tenant_for_job(person.tenant_id)) as sql:
            await asyncio.sleep(0)
            return [row.id for row in await sql.rows(TENANTS)]

    found = await asyncio.gather(*(seen(person) for _ in range(20) for person in (owner, stranger)))
    assert found == [[owner.tenant_id], [stranger.tenant_id]] * 20
    async with rt.db.nobody_plain() as sql:
        assert await sql.rows(TENANTS) == []


async def test_another_tenants_row_cannot_be_changed(rt: Runtime, owner: Person, stranger: Person) -> None:
    async with rt.db.tenant_plain(tenant_for_job(stranger.tenant_id)) as sql:
        await sql.run(RENAME, id=owner.tenant_id, name="stolen")
    async with rt.db.tenant_plain(tenant_for_job(owner.tenant_id)) as sql:
        assert (await sql.row(NAME, id=owner.tenant_id)).name != "stolen"


async def test_all_or_nothing(rt: Runtime, owner: Person) -> None:
    tenant = tenant_for_job(owner.tenant_id)

    async def rename_and(*, fail: bool) -> None:
        async with rt.db.tenant_plain(tenant) as sql:
            await sql.run(RENAME, id=owner.tenant_id, name="half")
            if fail:
                raise ZeroDivisionError
            await sql.run(LOST_CONVERSATION, id=new_id(), tenant_id=owner.tenant_id)

    with pytest.raises(ZeroDivisionError):
        await rename_and(fail=True)
    with pytest.raises(BrokenReferenceError):  # told at the end, since nothing asked for rows
        await rename_and(fail=False)
    async with rt.db.tenant_plain(tenant) as sql:
        assert (await sql.row(NAME, id=owner.tenant_id)).name != "half"
