"""What visitors asked: the list of conversations and one transcript."""

from typing import Any

import reflex as rx

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.paging import MAX_LIMIT, Page, PageRequest
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.chat import ConversationListItem, ConversationRead
from chatbot_saas.schemas.dashboard import PlaygroundTurn
from chatbot_saas.schemas.leads import LeadRead
from chatbot_saas.services import conversations, leads, recorder
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import ALL_BOTS, ByBotState
from chatbot_saas.state.receipts import deleted_toast
from chatbot_saas.state.records import turn_of
from chatbot_saas.state.session import authorised, route_id

CHANNELS = {
    "all": "All channels",
    "widget": "Website",
    "api": "API",
    "openai": "OpenAI clients",
    "playground": "Playground",
}


class ConversationsState(ByBotState, rx.State):
    items: list[ConversationListItem] = []
    channel: str = "all"
    unanswered: bool = False

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip() or self.unanswered) or self.bot_id != ALL_BOTS or self.channel != "all"

    @authorised(Scope.CONVERSATIONS_READ, Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        await self._open(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:200]
        await self._first_page(principal)

    @authorised(Scope.CONVERSATIONS_READ)
    async def change_bot(self, principal: Tenant, bot_id: str):
        self._choose_bot(bot_id)
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
            **super()._wanted(),
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
    problem: str = ""
    left: list[LeadRead] = []
    """What the visitor left for a person to answer."""
    traces: dict[str, PlaygroundTurn] = {}
    """Those that were asked for, by the answer's id."""

    @authorised(Scope.CONVERSATIONS_READ, Scope.LEADS_READ, opens=True)
    async def load(self, principal: Tenant):
        self.conversation, self.missing, self.left, self.traces = None, False, [], {}
        yield
        await self._read(principal)

    async def _read(self, principal: Tenant) -> None:
        try:
            conversation_id = route_id(self, "conversation_id")
            async with get_runtime().db.tenant(principal) as session:
                found = await conversations.get(session, principal, conversation_id)
                everything = PageRequest(limit=MAX_LIMIT)
                left = await leads.list_page(session, principal, everything, conversation_id=conversation_id)
            self.conversation, self.left = found, left.items
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
        self.conversation, self.left, self.traces = None, [], {}
        return [deleted_toast("The conversation is deleted.", receipt), rx.redirect("/conversations")]
