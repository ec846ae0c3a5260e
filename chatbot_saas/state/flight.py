"""How one answer was made."""

import reflex as rx

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.workbench import FlightView
from chatbot_saas.services import recorder
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.records import flight_view
from chatbot_saas.state.session import authorised, route_id


class FlightState(rx.State):
    """The answer in the address."""

    record: FlightView | None = None
    missing: bool = False
    problem: str = ""

    @authorised(Scope.CONVERSATIONS_READ, opens=True)
    async def load(self, principal: Tenant):
        self.record, self.missing = None, False
        yield
        try:
            answer_id, conversation_id = route_id(self, "message_id"), route_id(self, "conversation_id")
            async with get_runtime().db.tenant(principal) as session:
                record = await recorder.flight(session, principal, answer_id)
        except NotFoundError:
            self.missing = True
        else:
            self.missing = record.conversation_id != conversation_id
            self.record = None if self.missing else flight_view(record)
