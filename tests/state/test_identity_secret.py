"""The panel of the identity secret, event by event."""

import pytest

from chatbot_saas.core.errors import ForbiddenError
from chatbot_saas.core.tenancy import Role
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.identity_secret import IdentitySecretState
from tests.factories.people import Person, sign_up
from tests.factories.tabs import open_tab


async def test_the_secret_is_made_shown_once_and_replaced(rt: Runtime, owner: Person) -> None:
    tab = await open_tab(rt, owner)
    state = await tab.state(IdentitySecretState)
    await tab.run(IdentitySecretState.load)
    assert state.present
    assert state.present.created_at is None
    await tab.run(IdentitySecretState.make, False)
    first = state.made
    assert first.startswith("ids_")
    await tab.run(IdentitySecretState.close, False)
    assert first not in tab.sent()
    await tab.run(IdentitySecretState.make, False)
    assert state.made != first
    assert state.present.previous_until
    await tab.run(IdentitySecretState.make, True)
    assert state.present.previous_until is None
    await tab.run(IdentitySecretState.load)
    assert (state.made, bool(state.present.created_at)) == ("", True)


async def test_another_tenant_has_none_and_members_may_not(rt: Runtime, owner: Person, stranger: Person) -> None:
    tab = await open_tab(rt, owner)
    await tab.run(IdentitySecretState.make, False)
    tab = await open_tab(rt, stranger)
    await tab.run(IdentitySecretState.load)
    present = (await tab.state(IdentitySecretState)).present
    assert present
    assert present.created_at is None
    tab = await open_tab(rt, await sign_up(rt, Role.MEMBER, owner.tenant_id))
    await tab.run(IdentitySecretState.load)
    state = await tab.state(IdentitySecretState)
    assert "keys:write" in state.problem
    assert state.present is None
    with pytest.raises(ForbiddenError):
        await tab.run(IdentitySecretState.make, False)
