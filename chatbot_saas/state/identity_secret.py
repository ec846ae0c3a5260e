"""The secret by which the tenant's websites sign who their visitors are."""

import reflex as rx

from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.identity import IdentitySecretRead
from chatbot_saas.services import identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.session import authorised

REPLACE, LEAKED = "identity-replace", "identity-leaked"
"""Ids of buttons. What a dialog was opened from is gone when it closes: another dialog, or the button of the first."""


class IdentitySecretState(rx.State):
    present: IdentitySecretRead | None = None
    """None until it was asked for."""
    problem: str = ""
    made: str = ""
    """Shown until the dialog is closed, and then nowhere."""
    _back: str = REPLACE
    """Where the focus goes then."""

    @authorised(Scope.KEYS_WRITE, opens=True)
    async def load(self, principal: Tenant):
        self.made = ""
        async with get_runtime().db.tenant(principal) as session:
            self.present = await identity.get(session, principal)

    @authorised(Scope.KEYS_WRITE)
    async def make(self, principal: Tenant, leaked: bool):
        """`leaked`: the one before ends at once, and not after a day."""
        rt = get_runtime()
        async with rt.db.tenant(principal) as session:
            made = await identity.make(session, principal, rt, keep_previous=leaked is not True)
        self.made, self._back = made.secret, LEAKED if leaked is True else REPLACE
        self.present = IdentitySecretRead(created_at=made.created_at, previous_until=made.previous_until)

    @authorised(Scope.KEYS_WRITE)
    async def close(self, principal: Tenant, is_open: bool):
        if is_open is not True:
            self.made = ""
            yield rx.set_focus(self._back)
