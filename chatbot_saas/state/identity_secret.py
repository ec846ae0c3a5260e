"""The secret by which the tenant's websites sign who their visitors are."""

import reflex as rx

from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.identity import IdentitySecretRead
from chatbot_saas.services import identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.session import authorised

REPLACE = "identity-replace"
"""The id of the button that takes the first one's place."""


class IdentitySecretState(rx.State):
    present: IdentitySecretRead | None = None
    """None until it was asked for."""
    made: str = ""
    """Shown until the dialog is closed, and then nowhere."""
    _first: bool = False
    """Whether it is the first one: the button that made it is gone."""

    @authorised(Scope.KEYS_WRITE)
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
        self.made, self._first = made.secret, self.present is None or self.present.created_at is None
        self.present = IdentitySecretRead(created_at=made.created_at, previous_until=made.previous_until)

    @authorised(Scope.KEYS_WRITE)
    async def close(self, principal: Tenant, is_open: bool):
        if is_open is not True:
            self.made = ""
            if self._first:
                yield rx.set_focus(REPLACE)
