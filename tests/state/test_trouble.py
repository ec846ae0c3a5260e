"""Pages whose rows cannot be read: they say so until another try shows them."""

from typing import Any

import pytest

from chatbot_saas.core.errors import ConflictError, DomainError, UnauthenticatedError
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.audit import AuditState
from chatbot_saas.state.bots import BotsState
from chatbot_saas.state.conversations import ConversationsState
from chatbot_saas.state.jobs import JobsState
from chatbot_saas.state.keys import KeysState
from chatbot_saas.state.leads import LeadsState
from chatbot_saas.state.overview import OverviewState
from chatbot_saas.state.trouble import told
from tests.factories.people import Person
from tests.factories.tabs import open_tab

PAGES: list[Any] = [AuditState, BotsState, ConversationsState, JobsState, KeysState, LeadsState, OverviewState]


class Page:
    problem = "of before"


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_that_cannot_be_read_says_so_until_it_can(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch, page: Any
) -> None:
    tab = await open_tab(rt, owner)
    state = await tab.state(page)
    with monkeypatch.context() as broken:

        def tenant(*_: Any) -> Any:
            raise RuntimeError("the disk is full")

        broken.setattr(rt.db, "tenant", tenant)
        await tab.run(page.load)
    assert state.problem == DomainError().message
    await tab.run(page.load)
    assert state.problem == ""
    assert getattr(state, "loaded", True)


def test_a_reason_for_people_is_told_as_it_is() -> None:
    page = Page()
    with told(page):
        raise ConflictError("It was paused.")
    assert page.problem == "It was paused."


def test_whoever_is_signed_out_goes_to_the_page_for_that() -> None:
    page = Page()
    with pytest.raises(UnauthenticatedError), told(page):
        raise UnauthenticatedError
    assert page.problem == ""
