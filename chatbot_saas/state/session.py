"""Who is signed in. Every handler of every State passes through `authorised`, `administrators` or `signed_in`.

Any client can call any public method of a State with any arguments, so the check is made at each event, from the cookie
of the socket's handshake, and never remembered. The tests of the architecture fail for a handler without it. Arguments
are checked by the handler itself, because Reflex does not enforce type hints.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import UUID

import reflex as rx

from chatbot_saas.core.errors import NotFoundError, UnauthenticatedError
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.services.auth import Identity, session_identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.trouble import opening

SESSION_COOKIE = "chatbot_session"
CHECKED = "__authorised__"
"""Marks a handler that checks who calls it."""
OPENS = "__opens__"
"""Marks a handler that opens a page."""

_Principal = Callable[[Identity], Any]
_Around = Callable[[Any], AbstractContextManager[None]]


def session_token(state: rx.State) -> str:
    """The cookie's value; it is HttpOnly, so that only the handshake's headers hold it."""
    headers = state.rx_router_headers.raw_headers
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
    except CookieError:
        found = None
    if found is None or not found.value:
        raise UnauthenticatedError
    return found.value


async def identity_of(state: rx.State) -> Identity:
    """Who calls, looked up now: a revoked session stops at its next event. Raises UnauthenticatedError."""
    token = session_token(state)
    return await session_identity(get_runtime(), token)


def authorised(
    *scopes: Scope, background: bool = False, opens: bool = False, **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """A handler for people who hold these rights in their tenant. It receives the Tenant as `principal`.

    async def save(self, principal: Tenant, name: str) -> None

    `opens`: it opens a page. What fails, the look-up of the person included, becomes the `problem` of its State.
    """

    def principal(identity: Identity) -> Any:
        tenant = identity.acting_tenant
        for scope in scopes:
            tenant.require(scope)
        return tenant

    return _checked(principal, background, opens, options)


def administrators(*, background: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A handler for platform administrators only. It receives the PlatformAdmin as `principal`."""
    return _checked(lambda identity: identity.acting_admin, background, False, options)


def signed_in(*, background: bool = False, opens: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A handler for anybody who is signed in, with or without a tenant. It receives the Identity as `principal`.

    `opens`: as of `authorised`.
    """
    return _checked(lambda identity: identity, background, opens, options)


def _checked(
    principal_of: _Principal, background: bool, opens: bool, options: dict[str, Any]
) -> Callable[[Callable[..., Any]], Any]:
    around: _Around = opening if opens else nullcontext

    def decorate(function: Callable[..., Any]) -> Any:
        handler = _generator(principal_of, around, function) if inspect.isasyncgenfunction(function) else None
        handler = handler or _coroutine(principal_of, around, function)
        setattr(handler, CHECKED, True)
        setattr(handler, OPENS, opens)
        _hide_principal(handler, function)
        return rx.event(background=True, **options)(handler) if background else rx.event(**options)(handler)

    return decorate


def _coroutine(principal_of: _Principal, around: _Around, function: Callable[..., Awaitable[Any]]) -> Any:
    @functools.wraps(function)
    async def handler(self: Any, *args: Any, **kwargs: Any) -> Any:
        with around(self):
            principal = principal_of(await identity_of(self))
            return await function(self, principal, *args, **kwargs)

    return handler


def _generator(principal_of: _Principal, around: _Around, function: Callable[..., AsyncGenerator[Any, None]]) -> Any:
    @functools.wraps(function)
    async def handler(self: Any, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        with around(self):
            principal = principal_of(await identity_of(self))
            async for event in function(self, principal, *args, **kwargs):
                yield event

    return handler


def _hide_principal(handler: Any, function: Callable[..., Any]) -> None:
    """What the browser may send: every parameter but the one that only we fill in."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if len(parameters) < 2 or parameters[1].name != "principal":
        raise TypeError(f"{function.__qualname__} must take `principal` after self")
    handler.__signature__ = signature.replace(parameters=[parameters[0], *parameters[2:]])
    handler.__annotations__ = {name: hint for name, hint in function.__annotations__.items() if name != "principal"}


def route_id(state: rx.State, name: str) -> UUID:
    """An id from the page's address. What is no id is not found, as another tenant's is."""
    try:
        return UUID(str(state.rx_router_page.params.get(name, "")))
    except ValueError as error:
        raise NotFoundError("There is no such page.") from error
