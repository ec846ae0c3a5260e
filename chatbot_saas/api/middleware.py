"""The outermost ASGI layer, around Reflex's own: request ids, body limits, security headers, CORS for visitors.

Reflex's middleware answers cross-origin requests with credentials and cannot be told otherwise per route. So this layer
takes the Origin off the request and answers CORS itself: for the widget's public routes to any website, never with
credentials; for everything else not at all. Routes read the origin from the scope.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot_saas.adapters.rate_limits import Window, listen
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)
MAX_BODY = 1024 * 1024
"""Bytes of a request that is no upload."""
MAX_LONG_BODY = 10 * 1024 * 1024
"""Of one that changes a text or a list of questions, whose route asks for the caller before it reads."""
SILENCE_SECONDS = 30.0
"""Between two parts of a body; who is silent for longer has gone."""
DRAINED_BYTES = 32 * 1024 * 1024
DRAINED_SECONDS = 5.0
_REQUEST_ID = re.compile(r"^[\w.-]{8,64}$")
_PUBLIC = "/api/public/"
# their routes read the body themselves, as far as it may be long
_UPLOAD = re.compile(
    r"^/api/(?:v1/(?:bots/[^/]+/sources|(?:bots|sources)/[^/]+/pairs\.csv)|public/conversation/[^/]+/attachments)/?$"
)
_LONG = re.compile(r"^/api/v1/sources/[^/]+/?$")
_ALLOWED_HEADERS = "Authorization, Content-Type, Accept, Last-Event-ID, X-Request-Id"
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self' ws: wss:; frame-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
REQUESTS = Counter("chatbot_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS = Histogram("chatbot_request_seconds", "Time to the start of the response", ["route"])

Problem = Callable[..., Response]


class Edge:
    def __init__(self, app: ASGIApp, problem: Problem, *, https: bool) -> None:
        self._app = app
        self._problem = problem
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if not path.startswith(("/api/", "/widget/", "/metrics")):
            await self._app(scope, receive, self._with_page_headers(send))
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else str(new_id())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        scope = dict(scope)
        scope["website_origin"] = origin
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        public = path.startswith(_PUBLIC)
        started = time.perf_counter()

        body = _Body(receive, _limit(path))
        windows = listen()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 413:
                    await body.drain()
                headers = MutableHeaders(scope=message)
                self._finish(headers, request_id, origin if public else "", shared=path.startswith("/widget/"))
                _tell_limits(headers, windows.values())
                route = getattr(scope.get("route"), "path", "") or (
                    "/widget" if path.startswith("/widget") else "other"
                )
                took = time.perf_counter() - started
                REQUESTS.labels(scope["method"], route, message["status"]).inc()
                SECONDS.labels(route).observe(took)
                log.info(
                    "request", method=scope["method"], path=path, status=message["status"], ms=round(took * 1000, 1)
                )
            await send(message)

        if public and scope["method"] == "OPTIONS":
            await Response(status_code=204)(scope, receive, send_with_headers)
            return
        if body.limit:
            declared = headers.get("content-length", "0")
            if not declared.isdecimal():
                refused = self._problem(400, "bad_request", "Content-Length must be a number.", path=path)
                await refused(scope, receive, send_with_headers)
                return
            if len(declared) > 18 or int(declared) > body.limit:
                refused = self._problem(413, "too_large", _too_large(body.limit), path=path)
                await refused(scope, receive, send_with_headers)
                return
        try:
            await self._app(scope, body, send_with_headers)
        except BodyTooLargeError as error:
            refused = self._problem(413, "too_large", error.detail, path=path)
            await refused(scope, receive, send_with_headers)

    def _finish(self, headers: MutableHeaders, request_id: str, origin: str, *, shared: bool) -> None:
        """`shared`: a file of the widget, of which its own router says whether pages of other origins may load it."""
        headers["X-Request-Id"] = request_id
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        if self._https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        for name in ("access-control-allow-credentials", *(() if shared else ("access-control-allow-origin",))):
            if name in headers:
                del headers[name]
        if origin:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE, OPTIONS"
            headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
            headers["Access-Control-Expose-Headers"] = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
            headers["Access-Control-Max-Age"] = "600"
            headers.add_vary_header("Origin")

    def _with_page_headers(self, send: Send) -> Send:
        async def send_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                if self._https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return send_page


def _tell_limits(headers: MutableHeaders, windows: Iterable[Window]) -> None:
    """What may still be asked for, as the IETF's draft on RateLimit header fields has it."""
    told = [(f'"{window.policy}"', window) for window in windows]
    if told:
        headers["RateLimit-Policy"] = ", ".join(f"{name};q={window.limit};w={window.seconds}" for name, window in told)
        headers.setdefault(
            "RateLimit", ", ".join(f"{name};r={window.remaining};t={window.reset}" for name, window in told)
        )


class BodyTooLargeError(HTTPException):
    """A body without a declared length went past the limit. FastAPI turns any other error into a 400."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, _too_large(limit))


def _too_large(limit: int) -> str:
    return f"The body is larger than {limit // 1024} kB."


def _limit(path: str) -> int:
    """Bytes; 0 where the route sets its own limit."""
    if _UPLOAD.match(path):
        return 0
    return MAX_LONG_BODY if _LONG.match(path) else MAX_BODY


class _Body:
    """Receives the request, as far as it is not too long."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.limit = limit
        self._receive = receive
        self._received = 0
        self._ended = False

    async def __call__(self) -> dict[str, Any]:
        message = await self._next()
        if self.limit and self._received > self.limit:
            raise BodyTooLargeError(self.limit)
        return message

    async def _next(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(None if self._ended else SILENCE_SECONDS):
                message = dict(await self._receive())
        except TimeoutError:
            message = {"type": "http.disconnect"}
        self._received += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Take in what is still being sent: whoever is cut off while sending gets a broken connection for an answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_SECONDS):
                while not self._ended and self._received < DRAINED_BYTES:
                    await self._next()
