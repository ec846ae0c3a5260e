"""Keeps an answer that somebody looks at as a test of its bot."""

from typing import Any

import reflex as rx

from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.services import bot_tests
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.session import authorised


class SavedTestState(rx.State):
    @authorised(Scope.BOTS_WRITE)
    async def save(self, principal: Tenant, form_data: dict[str, Any]):
        facts = str(form_data.get("facts", "")).splitlines()
        async with get_runtime().db.tenant(principal) as session:
            made = await bot_tests.from_answer(session, principal, uuid_of(str(form_data.get("answer_id", ""))), facts)
        expected = "What it must say is checked." if made.facts else "The bot must not answer it."
        return rx.toast.success("Saved as a test.", description=expected)
