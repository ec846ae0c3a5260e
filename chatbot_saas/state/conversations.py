"""What visitors asked: the list of conversations and one transcript."""

from typing import Any

import reflex as rx

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.chat import ConversationListItem, ConversationRead
from chatbot_saas.schemas.dashboard import BotLink, PlaygroundTurn
from chatbot_saas.services import bots, conversations, recorder
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import ListState
from chatbot_saas.state.receipts import deleted_toast
from chatbot_saas.state.records import turn_of
from chatbot_saas.state.session import authorised, route_id

CHANNELS = {"all": "All channels", "widget": "Website", "api": "API", "playground": "Playground"}
ALL_BOTS = "all"


class ConversationsState(ListState, rx.State):
    items: list[ConversationListItem] = []
    bots: list[BotLink] = []
    bot_id: str = ALL_BOTS
    channel: str = "all"
    unanswered: bool = False

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip() or self.unanswered) or self.bot_id != ALL_BOTS or self.channel != "all"

    @authorised(Scope.CONVERSATIONS_READ, Scope.BOTS_READ)
    async def load(self, principal: Tenant):
        async with get_runtime().db.tenant(principal) as session:
            found = await bots.list_page(session, principal, PageRequest(limit=100))
        self.bots = [BotLink.model_validate(item) for item in found.items]
        if self.bot_id != ALL_BOTS and all(str(bot.id) != self.bot_id for bot in self.bots):
            self.bot_id = ALL_BOTS  # it was deleted
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:200]
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def change_bot(self, principal: Tenant, bot_id: str):
        self.bot_id = ALL_BOTS if bot_id == ALL_BOTS else str(uuid_of(bot_id))
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def change_channel(self, principal: Tenant, channel: str):
        self.channel = channel if channel in CHANNELS else "all"
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def change_unanswered(self, principal: Tenant, only: bool):
        self.unanswered = only is True
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def clear_filters(self, principal: Tenant):
        self.search, self.bot_id, self.channel, self.unanswered = "", ALL_BOTS, "all", False
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def load_more(self, principal: Tenant):
        await self._next_page(principal)

    def _wanted(self) -> dict[str, Any]:
        return {
            "bot_id": None if self.bot_id == ALL_BOTS else uuid_of(self.bot_id),
            "search": self.search.strip(),
            "channel": "" if self.channel == "all" else self.channel,
            "unanswered": self.unanswered,
        }

    async def _find(self, principal: Tenant, request: PageRequest, **wanted: Any) -> Page[ConversationListItem]:
        async with get_runtime().db.tenant(principal) as session:
            return await conversations.list_page(session, principal, request, **wanted)


class ConversationState(rx.State):
    """The conversation in the address."""

    conversation: ConversationRead | None = None
    missing: bool = False
    traces: dict[str, PlaygroundTurn] = {}
    """Those that were asked for, by the answer's id."""

    @authorised(Scope.CONVERSATIONS_READ)
    async def load(self, principal: Tenant):
        self.conversation, self.missing, self.traces = None, False, {}
        yield
        try:
            conversation_id = route_id(self, "conversation_id")
            async with get_runtime().db.tenant(principal) as session:
                self.conversation = await conversations.get(session, principal, conversation_id)
        except NotFoundError:
            self.missing = True

    @authorised(Scope.CONVERSATIONS_READ)
    async def toggle_trace(self, principal: Tenant, answer_id: str):
        """Show or hide how an answer was made."""
        wanted = uuid_of(answer_id)
        if str(wanted) in self.traces:
            self.traces = {key: trace for key, trace in self.traces.items() if key != str(wanted)}
            return
        async with get_runtime().db.tenant(principal) as session:
            record = await recorder.flight(session, principal, wanted)
        self.traces = {**self.traces, str(wanted): turn_of(record)}

    @authorised(Scope.CONVERSATIONS_WRITE)
    async def delete(self, principal: Tenant):
        receipt = await conversations.delete(get_runtime(), principal, route_id(self, "conversation_id"))
        self.conversation, self.traces = None, {}
        messages = receipt.removed.rows - 1
        return [
            deleted_toast(f"The conversation and its {messages} messages are deleted.", receipt),
            rx.redirect("/conversations"),
        ]
