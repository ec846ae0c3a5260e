"""A browser's tab without a browser: a State tree with the cookie and the address that a tab would send."""

import inspect
import json
from typing import Any, TypeVar

import reflex as rx
from reflex.istate.data import HeaderData, PageData
from reflex_base.utils.format import json_dumps

from chatbot_saas.services import auth
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.state.session import SESSION_COOKIE
from tests.factories.people import Person

S = TypeVar("S", bound=rx.State)


class _Background:
    """What a background event gets: the State, and `async with` around each change of it."""

    def __init__(self, state: rx.State) -> None:
        object.__setattr__(self, "_state", state)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_state"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_state"), name, value)

    async def __aenter__(self) -> "_Background":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Tab:
    def __init__(self, cookie: str = "", **params: object) -> None:
        self.root: Any = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]
        self.sign_in(cookie)
        self.go(**params)

    def sign_in(self, cookie: str) -> None:
        headers = {"cookie": f"other=1; {SESSION_COOKIE}={cookie}"} if cookie else {}
        self.root.rx_router_headers = HeaderData.from_router_data({"headers": headers})

    def go(self, **params: object) -> None:
        """To another address: what stands in its brackets."""
        self.root.rx_router_page = PageData.from_router_data(
            {"pathname": "/", "asPath": "/", "query": {name: str(value) for name, value in params.items()}}
        )

    async def state(self, cls: type[S]) -> S:
        return await self.root.get_state(cls)

    async def run(self, handler: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Call a handler as an event of this tab; returns the events that it sends back."""
        owner = getattr(handler, "state", None)
        assert owner is not None, handler
        state: Any = await self.root.get_state(owner)
        result = handler.fn(_Background(state) if handler.is_background else state, *args, **kwargs)
        if inspect.isasyncgen(result):
            return [event async for event in result if event is not None]
        event = await result
        return event if isinstance(event, list) else [event] if event is not None else []

    def sent(self) -> str:
        """All that the browser would be sent of this tab's State, as text."""
        return json.dumps(json.loads(json_dumps(self.root.dict())), ensure_ascii=False)


async def open_tab(rt: Runtime, person: Person, **params: object) -> Tab:
    return Tab(await auth.open_session(rt, person.user_id, person.tenant_id), **params)
