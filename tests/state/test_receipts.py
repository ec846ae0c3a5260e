"""Receipts on the pages: shown after a deletion, opened in the audit, and by the platform's administrators."""

import json

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.receipts import Removed
from chatbot_saas.services import bots, receipts
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.audit import AuditState
from chatbot_saas.state.receipts import told
from chatbot_saas.state.tenants import TenantsState
from tests.factories.knowledge import make_bot, make_knowing_bot
from tests.factories.people import Person, make_platform_admin, sign_up
from tests.factories.tabs import open_tab


async def test_the_audit_opens_the_receipt_of_a_deletion(rt: Runtime, owner: Person, stranger: Person) -> None:
    bot = await make_knowing_bot(rt, owner, name="Zanzibar helper")
    receipt = await bots.delete(rt, owner.principal, bot.id)
    tab = await open_tab(rt, owner)
    state = await tab.state(AuditState)
    await tab.run(AuditState.load)
    deletion, *others = state.items
    assert (deletion.action, deletion.has_receipt, deletion.about) == ("bot.delete", True, "Zanzibar helper")
    assert not any(entry.has_receipt for entry in others)
    await tab.run(AuditState.open_receipt, str(deletion.id))
    assert state.receipt
    assert state.receipt.receipt == receipt
    assert receipts.is_genuine(rt, json.loads(state.receipt.text)), "what is copied can be checked"
    [sent] = await tab.run(AuditState.download_receipt)
    assert f"deletion-bot-{bot.id}.json" in str(sent)
    await tab.run(AuditState.open_receipt, "")
    assert state.receipt is None
    assert await tab.run(AuditState.download_receipt) == []
    for wanted in (str(others[0].id), str(new_id()), "no id"):
        with pytest.raises(NotFoundError):
            await tab.run(AuditState.open_receipt, wanted)
    foreign = await open_tab(rt, stranger)
    with pytest.raises(NotFoundError):
        await foreign.run(AuditState.open_receipt, str(deletion.id))
    member = await open_tab(rt, await sign_up(rt, Role.MEMBER, owner.tenant_id))
    with pytest.raises(ForbiddenError):
        await member.run(AuditState.open_receipt, str(deletion.id))


async def test_administrators_see_what_is_left_of_a_tenant(rt: Runtime) -> None:
    admin, gone = await make_platform_admin(rt), await sign_up(rt)
    await make_bot(rt, gone)
    tab = await open_tab(rt, admin)
    state = await tab.state(TenantsState)
    await tab.run(TenantsState.load)
    name = next(item.name for item in state.items if item.id == gone.tenant_id)
    await tab.run(TenantsState.type_name, name)
    told_by = str(await tab.run(TenantsState.delete, str(gone.tenant_id)))
    assert "nothing is left" in told_by
    assert state.deleted[0].id == gone.tenant_id
    await tab.run(TenantsState.open_receipt, str(gone.tenant_id))
    assert state.receipt
    assert state.receipt.receipt.title == name
    await tab.run(TenantsState.open_receipt, "")
    assert state.receipt is None


def test_what_was_removed_in_words() -> None:
    removed = Removed(rows=1204, chunks=1, vectors=2, blobs=0)
    assert told(removed) == "Removed: 1,204 rows, 1 passage, 2 vectors."
