"""The page of platform administrators, event by event."""

from uuid import uuid4

import pytest

from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.services import tenants
from chatbot_saas.services.auth import session_identity
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.session import session_token
from chatbot_saas.state.tenants import TenantsState
from tests.factories.people import PASSWORD, Person, make_platform_admin
from tests.factories.tabs import Tab, open_tab


async def admin_tab(rt: Runtime) -> tuple[Tab, TenantsState]:
    tab = await open_tab(rt, await make_platform_admin(rt))
    await tab.run(TenantsState.load)
    return tab, await tab.state(TenantsState)


async def test_others_see_nothing_and_change_nothing(rt: Runtime, owner: Person, stranger: Person) -> None:
    tab = await open_tab(rt, owner)
    await tab.run(TenantsState.load)
    state = await tab.state(TenantsState)
    assert (state.items, state.loaded) == ([], False)
    for handler in (TenantsState.suspend, TenantsState.resume, TenantsState.delete):
        with pytest.raises(ForbiddenError):
            await tab.run(handler, str(stranger.tenant_id))
    with pytest.raises(ForbiddenError):
        await tab.run(TenantsState.change_search, "")
    assert await session_identity(rt, session_token((await open_tab(rt, stranger)).root))


async def test_a_tenant_is_created_once_and_its_password_is_not_kept(rt: Runtime) -> None:
    tab, state = await admin_tab(rt)
    email = f"{uuid4().hex}@example.com"
    await tab.run(TenantsState.open_create, True)
    await tab.run(TenantsState.check, "owner_email", "nobody")
    assert "e-mail" in state.errors["owner_email"]
    await tab.run(TenantsState.create, {"name": " ", "owner_email": email, "owner_password": "short"})
    assert (state.errors["name"], state.errors["owner_password"]) == (
        "This cannot be empty.",
        "Use at least 10 characters.",
    )
    form = {"name": "Amber", "owner_email": email, "owner_password": PASSWORD}
    await tab.run(TenantsState.create, form)
    assert not state.creating
    assert (state.items[0].name, state.items[0].owner_email) == ("Amber", email)
    assert PASSWORD not in tab.sent()
    await tab.run(TenantsState.create, form)
    assert "already" in state.errors["owner_email"]


async def test_suspending_signs_out_and_resuming_brings_back(rt: Runtime, owner: Person) -> None:
    tab, state = await admin_tab(rt)
    theirs = session_token((await open_tab(rt, owner)).root)
    await tab.run(TenantsState.change_search, owner.email)
    assert [item.id for item in state.items] == [owner.tenant_id]
    await tab.run(TenantsState.suspend, str(owner.tenant_id))
    assert state.items[0].status == "suspended"
    with pytest.raises((UnauthenticatedError, ForbiddenError)):
        (await session_identity(rt, theirs)).acting_tenant  # noqa: B018
    await tab.run(TenantsState.resume, str(owner.tenant_id))
    await tab.run(TenantsState.change_filter, "active")
    assert [item.status for item in state.items] == ["active"]
    await tab.run(TenantsState.change_filter, "suspended")
    assert state.items == []


async def test_renaming_and_deleting(rt: Runtime, owner: Person) -> None:
    tab, state = await admin_tab(rt)
    await tab.run(TenantsState.change_search, owner.email)
    [tenant] = state.items
    await tab.run(TenantsState.open_rename, str(tenant.id), tenant.name)
    await tab.run(TenantsState.change_name, " ")
    await tab.run(TenantsState.rename)
    assert state.errors["name"] == "This cannot be empty."
    await tab.run(TenantsState.change_name, "New name")
    await tab.run(TenantsState.rename)
    assert (state.renaming, state.items[0].name) == ("", "New name")
    await tab.run(TenantsState.begin_delete)
    await tab.run(TenantsState.type_name, tenant.name)
    await tab.run(TenantsState.delete, str(tenant.id))
    assert state.items, "the old name does not confirm"
    await tab.run(TenantsState.type_name, "New name")
    await tab.run(TenantsState.delete, str(tenant.id))
    assert state.items == []
    admin = (await session_identity(rt, session_token(tab.root))).acting_admin
    with pytest.raises(NotFoundError):
        await tenants.get(rt, admin, tenant.id)
    for wanted in (str(tenant.id), "no id"):
        with pytest.raises(NotFoundError):
            await tab.run(TenantsState.suspend, wanted)
