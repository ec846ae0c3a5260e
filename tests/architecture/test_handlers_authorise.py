"""Every method of a State that a client can call checks who calls it."""

import inspect

import pytest
import reflex as rx
from reflex_base.registry import RegistrationContext

import chatbot_saas.app  # noqa: F401 - registers every page and with it every State
from chatbot_saas.core.errors import UnauthenticatedError
from chatbot_saas.state.session import CHECKED

REFLEX_OWN = ("reflex.", "reflex_base.", "reflex_components")


def own_handlers() -> dict[str, object]:
    return {
        name: registered.handler.fn
        for name, registered in RegistrationContext.get().event_handlers.items()
        if not registered.handler.fn.__module__.startswith(REFLEX_OWN)
    }


def test_there_are_handlers_to_check() -> None:
    assert len(own_handlers()) > 10


def test_every_handler_is_checked() -> None:
    unchecked = [name for name, function in own_handlers().items() if not getattr(function, CHECKED, False)]
    assert not unchecked, f"decorate with authorised, administrators or signed_in of state/session.py: {unchecked}"


def test_no_client_can_name_the_principal() -> None:
    for name, registered in RegistrationContext.get().event_handlers.items():
        assert "principal" not in registered.handler.get_parameters(), name


def test_states_hold_no_setters_that_reflex_makes() -> None:
    """`setvar` reaches only `set_...` methods: none of ours may have such a name."""
    assert not [name for name in own_handlers() if name.rpartition(".")[2].startswith("set_")]


@pytest.mark.parametrize("name", sorted(own_handlers()))
async def test_nobody_gets_nowhere(name: str) -> None:
    """Call each handler as a client without a cookie would."""
    registered = RegistrationContext.get().event_handlers[name]
    root = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]
    state = await root.get_state(registered.states[0])
    parameters = list(inspect.signature(registered.handler.fn).parameters)[1:]
    result = registered.handler.fn(state, **dict.fromkeys(parameters, "x"))
    first = anext(result) if inspect.isasyncgen(result) else result
    with pytest.raises(UnauthenticatedError):
        await first
