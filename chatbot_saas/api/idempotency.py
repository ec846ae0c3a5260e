"""`Idempotency-Key`: a POST that creates something or costs something is carried out once and answered alike again.

A route declares it by `once`, which asks first whether the caller may: only then the rest of the body is taken in, and
only then an answer that is kept is given. The middleware below sees the body go in and the answer come out.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot_saas.api.dependencies import RuntimeDep, TenantDep
from chatbot_saas.api.uploads import MAX_REQUEST_BYTES, media_type
from chatbot_saas.core import tenancy
from chatbot_saas.core.db import Together, write_together
from chatbot_saas.core.errors import DomainError, TooLargeError
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.services import bots, idempotency
from chatbot_saas.services.idempotency import STREAMED, Claim, Done
from chatbot_saas.services.runtime import Runtime

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_IN_MEMORY = 1024 * 1024
_PART = 256 * 1024
_SCOPE = "idempotency"
_KEPT_HEADERS = ("content-type", "etag", "location")
_WORDS = "Any text of yours, another one for each request: a repetition within 24 hours gets the first answer again."
_Key = Annotated[
    str | None,
    Header(alias=HEADER, description=_WORDS, json_schema_extra={"minLength": 1, "maxLength": idempotency.LONGEST_KEY}),
]


class AnsweredBeforeError(Exception):
    """Ends the request with what is kept of the first one."""

    def __init__(self, done: Done) -> None:
        self.done = done
        super().__init__()


def once(needs: tenancy.Scope, *, with_rows: bool = False) -> Any:
    """A dependency that claims the request's key, if it has one, for a caller who may use the route.

    `needs`: the right that the route asks for. `with_rows`: all that it does is rows, so that the record of the answer
    is in their transaction. Gives a name for what the request makes: the same at each try, and no other request's.
    """

    async def claimed(request: Request, rt: RuntimeDep, principal: TenantDep, key: _Key = None) -> str | None:
        principal.require(needs)
        return await _begin(request, rt, principal, key, together=with_rows)

    return Depends(claimed)


OnceDep = Annotated[str | None, once(tenancy.Scope.CHAT)]


async def _begin(request: Request, rt: Runtime, principal: Tenant, key: str | None, *, together: bool) -> str | None:
    attempt: Attempt | None = request.scope.get(_SCOPE)
    if key is None or attempt is None:
        return None
    bot_id: UUID | None = None
    if named := request.path_params.get("bot_id"):
        try:
            bot_id = UUID(named)
        except ValueError:
            return None  # the route says so
        async with rt.db.tenant(principal) as session:
            await bots.load(session, principal, bot_id)
    found = await idempotency.claim(rt, principal, key, await attempt.body.fingerprint(request), bot_id)
    if isinstance(found, Claim):
        attempt.start(rt, principal, found, together=together)
    elif found.status == STREAMED:
        attempt.replayed = True
    else:
        raise AnsweredBeforeError(found)
    return f"once:{found.record_id}"


class Attempt:
    """One try to carry a request out."""

    def __init__(self, body: "Body") -> None:
        self.body = body
        self.replayed = False
        self._of: tuple[Runtime, Tenant, Claim] | None = None
        self._together: Together | None = None
        self._renewing: asyncio.Task[None] | None = None

    @property
    def claimed(self) -> bool:
        return self._of is not None

    def start(self, rt: Runtime, principal: Tenant, claim: Claim, *, together: bool) -> None:
        self._of = rt, principal, claim
        self._renewing = asyncio.create_task(self._renew(rt, principal, claim))
        self._together = write_together() if together else None

    async def _renew(self, rt: Runtime, principal: Tenant, claim: Claim) -> None:
        while True:
            await asyncio.sleep(idempotency.LEASE.total_seconds() / 3)
            with suppress(Exception):  # the next one may succeed; else another try takes over
                await idempotency.renew(rt, principal, claim)

    async def finish(self, status: int, answer: str) -> None:
        """Keep the answer, with the rows that wait for it."""
        rt, principal, claim = self._ended()
        async with rt.db.tenant(principal) as session:
            await idempotency.finish(rt, session, claim, status, answer)
        if self._together:
            await self._together.commit()

    async def give_up(self, *, undone: bool = False) -> None:
        """The next try begins at once. `undone`: nothing was done; else nobody knows what."""
        rt, principal, claim = self._ended()
        if self._together:
            await self._together.roll_back()
        await idempotency.release(rt, principal, claim, undone=undone)

    def _ended(self) -> tuple[Runtime, Tenant, Claim]:
        assert self._of  # noqa: S101 - only a try that was claimed ends
        if self._renewing:
            self._renewing.cancel()
        return self._of


class Body:
    """What comes in, with its fingerprint. What the route has not read when that is asked for is kept for it."""

    def __init__(self, receive: Receive, boundary: bytes) -> None:
        self._receive = receive
        self._hash = hashlib.sha256()
        self._boundary = boundary
        self._tail = b""
        self._size = 0
        self._ended = False
        self._kept: SpooledTemporaryFile[bytes] | None = None

    async def __call__(self) -> Message:
        if self._kept:
            return await self._from_kept(self._kept)
        message = await self._receive()
        self._take(message)
        return message

    async def fingerprint(self, request: Request) -> bytes:
        """Of the whole request. A client makes a new boundary of parts at each try: it does not count."""
        if not self._ended:
            self._kept = await self._keep_rest()
        about = [request.method, request.url.path, request.url.query, media_type(request.headers)]
        return hashlib.sha256(json.dumps([*about, self._hash.hexdigest()]).encode()).digest()

    async def _keep_rest(self) -> "SpooledTemporaryFile[bytes]":
        kept: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        try:
            while not self._ended:
                message = await self._receive()
                self._take(message)
                await asyncio.to_thread(kept.write, message.get("body", b""))
        except BaseException:
            kept.close()
            raise
        kept.seek(0)
        return kept

    async def _from_kept(self, kept: "SpooledTemporaryFile[bytes]") -> Message:
        part = await asyncio.to_thread(kept.read, _PART)
        if len(part) < _PART:
            self.close()
        return {"type": "http.request", "body": part, "more_body": len(part) == _PART}

    def _take(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            if not self._ended:
                raise ClientDisconnect
            return
        part: bytes = message.get("body", b"")
        self._size += len(part)
        if self._size > MAX_REQUEST_BYTES:
            raise TooLargeError(f"The upload is larger than {MAX_REQUEST_BYTES // 2**20} MB. Send fewer files at once.")
        self._ended = not message.get("more_body", False)
        part = self._tail + part
        if self._boundary:
            part = part.replace(self._boundary, b"")
        held = 0 if self._ended else max(0, len(self._boundary) - 1)
        self._tail = part[len(part) - held :]
        self._hash.update(part[: len(part) - held])

    def close(self) -> None:
        if self._kept:
            self._kept.close()
            self._kept = None


def _boundary(headers: Headers) -> bytes:
    _, found, value = headers.get("content-type", "").partition("boundary=")
    return b"--" + value.partition(";")[0].strip().strip('"').encode("latin-1") if found else b""


class Idempotency:
    """Around the routes: keeps what they answer until it is written down."""

    def __init__(self, app: ASGIApp, problem_of: Callable[[DomainError, str], Response]) -> None:
        self._app = app
        self._problem_of = problem_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "POST"
            or HEADER.lower() not in (headers := Headers(scope=scope))
        ):
            await self._app(scope, receive, send)
            return
        body = Body(receive, _boundary(headers))
        attempt = scope[_SCOPE] = Attempt(body)
        answer = _Answer(attempt, send)
        try:
            await self._app(scope, body, answer.take)
            await answer.settle()
        except idempotency.InProgressError as error:  # another try took over meanwhile
            await attempt.give_up()
            await self._problem_of(error, scope["path"])(scope, receive, send)
        except BaseException:
            if attempt.claimed and not answer.settled:
                await attempt.give_up()
            raise
        finally:
            body.close()


class _Answer:
    """What the route answers: held back until it is kept, except for a stream."""

    def __init__(self, attempt: Attempt, send: Send) -> None:
        self._attempt = attempt
        self._send = send
        self._held: list[Message] = []
        self.settled = False

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if self._attempt.replayed:
                headers[REPLAYED] = "true"
            if self._attempt.claimed and media_type(headers) == "text/event-stream":
                await self._attempt.finish(STREAMED, "")
                self.settled = True
        if self._attempt.claimed and not self.settled:
            self._held.append(message)
        else:
            await self._send(message)

    async def settle(self) -> None:
        """Write the answer down if something was done, and let it go."""
        if not self._held:
            return
        start = self._held[0]
        if 200 <= start["status"] < 300:
            body = b"".join(message.get("body", b"") for message in self._held)
            headers = {name: value for name, value in Headers(scope=start).items() if name in _KEPT_HEADERS}
            await self._attempt.finish(start["status"], json.dumps({"headers": headers, "body": body.decode()}))
        else:
            await self._attempt.give_up(undone=start["status"] < 500)
        self.settled = True
        for message in self._held:
            await self._send(message)


async def _answered_before(_: Request, error: Exception) -> Response:
    assert isinstance(error, AnsweredBeforeError)  # noqa: S101 - it is installed for these only
    kept: dict[str, Any] = json.loads(error.done.answer)
    return Response(kept["body"], error.done.status, {**kept["headers"], REPLAYED: "true"})


def install(api: FastAPI, problem_of: Callable[[DomainError, str], Response]) -> None:
    api.add_exception_handler(AnsweredBeforeError, _answered_before)
    api.add_middleware(Idempotency, problem_of=problem_of)
