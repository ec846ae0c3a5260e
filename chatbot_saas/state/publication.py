"""What of the open bot is published, what waits, and the acts that change that."""

from typing import Any

import reflex as rx

from chatbot_saas.core.errors import DomainError, NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bot_tests import PublicationRead
from chatbot_saas.services import gate, publishing
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.bot_draft import LABELS
from chatbot_saas.state.design_draft import WHOLES
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.trouble import NotLoadedError


class PublicationState(rx.State):
    publication: PublicationRead | None = None
    problem: str = ""
    _bot: str = ""

    @rx.var
    def pending_words(self) -> str:
        """The settings that wait, as people call them."""
        names = self.publication.pending if self.publication else []
        labels = {**LABELS, **WHOLES}
        return ", ".join(labels.get(name, name.replace("_", " ").capitalize()) for name in names)

    @rx.var
    def goes_out(self) -> bool:
        """Whether publishing would change what visitors get."""
        found = self.publication
        return found is not None and (found.status != "published" or bool(found.pending))

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        """Also where something was changed on which it depends, such as a test."""
        bot = str(route_id(self, "bot_id"))
        if self._bot != bot:
            self.publication, self._bot = None, bot
            yield
        try:
            await self._look(principal)
        except NotFoundError:
            self.publication = None

    @authorised(Scope.BOTS_WRITE)
    async def publish(self, principal: Tenant):
        return await self._publish(principal, override=False)

    @authorised(Scope.BOTS_WRITE)
    async def publish_anyway(self, principal: Tenant):
        return await self._publish(principal, override=True)

    async def _publish(self, principal: Tenant, *, override: bool) -> Any:
        """What was seen is published, and nothing that came since."""
        if self.publication is None or self._bot != str(route_id(self, "bot_id")):
            raise NotLoadedError
        rt, bot_id, seen = get_runtime(), route_id(self, "bot_id"), self.publication.version
        bot_state = await self.get_state(BotState)
        try:
            async with rt.db.tenant(principal) as session:
                self.publication = await publishing.publish(
                    session, principal, bot_id, rt, expected_version=seen, override=override
                )
        except DomainError as error:
            await self._look(principal)
            if isinstance(error, gate.HeldBackError):
                return rx.toast.error("Not published.", description=error.message)
            return rx.toast.error(error.message)
        bot_state.bot = await read_bot(principal, bot_id)
        failing = len(self.publication.failed)
        told = f"{failing} of its tests fail; what was published failed them too." if failing and not override else None
        return rx.toast.success("Published. Visitors get these settings now.", description=told)

    async def _look(self, principal: Tenant) -> None:
        async with get_runtime().db.tenant(principal) as session:
            self.publication = await publishing.state(session, principal, route_id(self, "bot_id"))
