"""Turns credentials into a principal: the only place where a route learns who is asking."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute

from chatbot_saas.core import addresses
from chatbot_saas.core.errors import ForbiddenError, InvalidError, UnauthenticatedError
from chatbot_saas.core.paging import PageRequest
from chatbot_saas.core.tenancy import PlatformAdmin, Tenant, Visitor
from chatbot_saas.services import auth, conversations
from chatbot_saas.services.runtime import Runtime, get_runtime

SESSION_COOKIE = "chatbot_session"
_TENANT, _IDENTITY = "tenant", "identity"
Who = TypeVar("Who")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


# Every dependency is `async`: a plain function would be sent to a thread for each request.
async def runtime() -> Runtime:
    return get_runtime()


RuntimeDep = Annotated[Runtime, Depends(runtime)]


def origin_of(request: Request) -> str:
    """The Origin header, which the outermost layer takes off the request: see api.middleware."""
    return request.scope.get("website_origin", "")


async def client_address(request: Request, rt: RuntimeDep) -> str:
    """Whom to count a request for: an IPv4 address, or an IPv6 network of 64 bits, since anybody has all of one."""
    address = _peer(request, rt.settings.trusted_proxies)
    found = addresses.parsed(address)
    if found is None:
        return address
    return str(found) if found.version == 4 else addresses.network(f"{found}/64")


def _peer(request: Request, trusted_proxies: str) -> str:
    """The visitor's address. Forwarded headers are believed only from the configured proxies."""
    address = request.client.host if request.client else ""
    proxies = [part.strip() for part in trusted_proxies.split(",") if part.strip()]
    for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        if not addresses.lies_in(address, proxies):
            break
        if hop.strip():
            address = hop.strip()
    return address


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def identity(request: Request, rt: RuntimeDep) -> auth.Identity:
    """A user, by access token or by the dashboard's cookie."""
    known: auth.Identity | None = request.scope.get(_IDENTITY)
    if known is None:
        known = request.scope[_IDENTITY] = await _known(request, rt, _identity(request, rt))
        await rt.limiter.hit("user", str(known.user_id), auth.REQUESTS_PER_MINUTE)
    return known


async def _known(request: Request, rt: Runtime, found: Awaitable[Who]) -> Who:
    """Whoever tries many credentials is told to wait."""
    try:
        return await found
    except UnauthenticatedError:
        await rt.limiter.hit("unknown", await client_address(request, rt), auth.FAILURES_PER_MINUTE)
        raise


async def _identity(request: Request, rt: Runtime) -> auth.Identity:
    token = _bearer(request)
    if token and not token.startswith(auth.API_KEY_PREFIX):
        return await auth.access_identity(rt, token)
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie and not token:
        require_own_origin(request, rt)
        return await auth.session_identity(rt, cookie)
    raise UnauthenticatedError


def require_own_origin(request: Request, rt: Runtime) -> None:
    """A request that rides on a cookie and changes something must come from our own pages."""
    if request.method not in _SAFE and origin_of(request) not in rt.settings.own_origins:
        raise ForbiddenError("This request did not come from the dashboard.", reason="foreign_origin")


async def tenant(
    request: Request, rt: RuntimeDep, x_api_key: Annotated[str | None, Header(max_length=200)] = None
) -> Tenant:
    """Whoever acts in a tenant: an API key (header `X-API-Key`, or as bearer), or a user."""
    known: Tenant | None = request.scope.get(_TENANT)
    if known is None:  # a route with a body asks before it reads that
        known = request.scope[_TENANT] = await tenant_now(request, rt, x_api_key)
        await auth.count(rt, known)
    return known


async def tenant_now(request: Request, rt: Runtime, x_api_key: str | None) -> Tenant:
    """As the credential stands at this moment: an answer that goes on for long asks again."""
    return await _known(request, rt, _tenant(request, rt, x_api_key))


async def _tenant(request: Request, rt: Runtime, x_api_key: str | None) -> Tenant:
    key = x_api_key or (token if (token := _bearer(request)).startswith(auth.API_KEY_PREFIX) else "")
    if key:
        return await auth.api_key_principal(rt, key, _peer(request, rt.settings.trusted_proxies))
    return (await _identity(request, rt)).acting_tenant


async def caller(
    request: Request, rt: RuntimeDep, x_api_key: Annotated[str | None, Header(max_length=200)] = None
) -> Tenant | auth.Identity:
    """Whoever holds any credential: a key, or a user with or without a tenant."""
    if x_api_key or _bearer(request).startswith(auth.API_KEY_PREFIX):
        return await tenant(request, rt, x_api_key)
    return await identity(request, rt)


async def platform_admin(request: Request, rt: RuntimeDep) -> PlatformAdmin:
    return (await identity(request, rt)).acting_admin


class CallerFirst(APIRoute):
    """A route that knows who calls before it takes a body in: FastAPI reads that first, and asks dependencies then."""

    async def admit(self, request: Request, rt: Runtime) -> None:
        """Raises for a caller who may not send it. What is found here is what the dependency finds."""
        await tenant(request, rt, request.headers.get("x-api-key"))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_known(request: Request) -> Response:
            parts = request.app.dependency_overrides.get(runtime, runtime)  # those that the route is given
            await self.admit(request, await parts())
            return await handle(request)

        return handle_known


class AdminFirst(CallerFirst):
    """The same where administrators of the platform call."""

    async def admit(self, request: Request, rt: Runtime) -> None:
        await platform_admin(request, rt)


class AnyoneFirst(CallerFirst):
    """The same where any credential will do."""

    async def admit(self, request: Request, rt: Runtime) -> None:
        await caller(request, rt, request.headers.get("x-api-key"))


async def visitor(request: Request, rt: RuntimeDep) -> Visitor:
    token = _bearer(request)
    if not token:
        raise UnauthenticatedError("Send the visitor token of the conversation's start.")
    found = await conversations.visitor_of(rt, token)
    origin = origin_of(request)
    if origin and origin not in rt.settings.own_origins and origin != found.origin:
        raise ForbiddenError("This token belongs to another website.", reason="foreign_origin")
    return found


async def page_request(
    limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Annotated[str, Query(max_length=100)] = ""
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


async def expected_version(if_match: Annotated[str | None, Header(max_length=50)] = None) -> int | None:
    """`If-Match: "7"`, the ETag of the read that the change is based on."""
    if if_match is None or if_match.strip() == "*":
        return None
    try:
        return int(if_match.strip().removeprefix("W/").strip('"'))
    except ValueError as error:
        raise InvalidError("If-Match must be an ETag that we returned.") from error


async def content_version(if_match: Annotated[str | None, Header(max_length=80)] = None) -> str | None:
    """`If-Match`: the ETag of the content that a change is based on."""
    tag = (if_match or "").strip().removeprefix("W/").strip('"')
    return None if tag in ("", "*") else tag


def set_etag(response: Response, version: int | str) -> None:
    """Of what was read: it comes back as the `If-Match` of a change."""
    response.headers["ETag"] = f'"{version}"'


IdentityDep = Annotated[auth.Identity, Depends(identity)]
TenantDep = Annotated[Tenant, Depends(tenant)]
CallerDep = Annotated[Tenant | auth.Identity, Depends(caller)]
AdminDep = Annotated[PlatformAdmin, Depends(platform_admin)]
VisitorDep = Annotated[Visitor, Depends(visitor)]
PageDep = Annotated[PageRequest, Depends(page_request)]
VersionDep = Annotated[int | None, Depends(expected_version)]
ContentVersionDep = Annotated[str | None, Depends(content_version)]
AddressDep = Annotated[str, Depends(client_address)]
OptionalBot = Annotated[UUID | None, Query()]
