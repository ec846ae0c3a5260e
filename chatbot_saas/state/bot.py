"""The bot whose page is open: its header, and the acts that every tab of it offers."""

from typing import Literal
from uuid import UUID

import reflex as rx
from pydantic import TypeAdapter

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import BotPatch, BotRead
from chatbot_saas.services import bots, gate
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.receipts import deleted_toast
from chatbot_saas.state.session import authorised, route_id

_STATUS = TypeAdapter[Literal["published", "paused"]](Literal["published", "paused"])


class BotState(rx.State):
    """`bot` is of the bot in the address; pages of a bot put `BotState.load` first in their on_load."""

    bot: BotRead | None = None
    missing: bool = False
    problem: str = ""
    delete_name: str = ""
    """What was typed to confirm the deletion."""

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        try:
            bot_id = route_id(self, "bot_id")
            if self.bot is None or self.bot.id != bot_id:
                self.bot, self.delete_name = None, ""
                self.missing = False
                yield  # shows the skeleton instead of another bot's data
            self.bot, self.missing = await read_bot(principal, bot_id), False
        except NotFoundError:
            self.bot, self.missing = None, True

    @authorised(Scope.BOTS_WRITE)
    async def change_status(self, principal: Tenant, status: str):
        """Publish or pause."""
        patch = BotPatch(status=_STATUS.validate_python(status))
        rt, bot_id = get_runtime(), route_id(self, "bot_id")
        try:
            async with rt.db.tenant(principal) as session:
                self.bot = await bots.change(session, principal, bot_id, patch, rt)
        except gate.HeldBackError as error:  # the page where that is mended says more
            return [rx.toast.error("Not published.", description=error.message), rx.redirect(f"/bots/{bot_id}/tests")]
        if self.bot.status != "published":
            return rx.toast.success("Paused. Visitors cannot ask it.")
        if not self.bot.allowed_origins and not self.bot.allow_localhost:
            return rx.toast.success("Published.", description="Now name the websites it may appear on: see Embed.")
        return rx.toast.success("Published. Visitors can ask it now.")

    @authorised(Scope.BOTS_WRITE)
    async def type_delete_name(self, principal: Tenant, text: str):
        self.delete_name = str(text)[:200]

    @authorised(Scope.BOTS_WRITE)
    async def delete(self, principal: Tenant):
        receipt = await bots.delete(get_runtime(), principal, route_id(self, "bot_id"))
        self.bot, self.delete_name = None, ""
        return [deleted_toast(f"{receipt.title} is deleted.", receipt), rx.redirect("/bots")]


async def read_bot(principal: Tenant, bot_id: UUID) -> BotRead:
    async with get_runtime().db.tenant(principal) as session:
        return await bots.get(session, principal, bot_id)
