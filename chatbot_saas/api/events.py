"""What happens in the tenant, as server-sent events or page by page."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from chatbot_saas.api.dependencies import RuntimeDep, TenantDep, tenant_now
from chatbot_saas.api.errors import errors
from chatbot_saas.api.streaming import STREAM_HEADERS, AcceptHeader
from chatbot_saas.core.errors import ForbiddenError, TooManyRequestsError, UnauthenticatedError
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.schemas.events import EventList
from chatbot_saas.services import events
from chatbot_saas.services.events import Told

router = APIRouter(prefix="/api/v1", tags=["events"])
LONGEST_ID = 60
AfterQuery = Annotated[str, Query(max_length=LONGEST_ID)]
LastId = Annotated[str, Header(alias="Last-Event-ID", max_length=LONGEST_ID)]


@router.get(
    "/events",
    response_model=EventList,
    responses={
        **errors(UnauthenticatedError, ForbiddenError, TooManyRequestsError),
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def get_events(
    request: Request,
    rt: RuntimeDep,
    principal: TenantDep,
    accept: AcceptHeader = "*/*",
    last_event_id: LastId = "",
    after: AfterQuery = "",
) -> EventList | StreamingResponse:
    """What happens from now on, or after the id that is sent as `Last-Event-ID` or `after`, as far as you may read it.

    Server-sent events, or with `Accept: application/json` what has happened so far. A `reset` tells that something may
    be missing: read what you follow again.
    """
    place = last_event_id or after
    if "application/json" in accept and "text/event-stream" not in accept:
        return await events.list_events(rt, principal, place)

    async def again() -> Tenant:
        return await tenant_now(request, rt, request.headers.get("x-api-key"))

    batches = events.follow(rt, principal, place, again)
    return StreamingResponse(_lines(batches), media_type="text/event-stream", headers=STREAM_HEADERS)


async def _lines(batches: AsyncGenerator[list[Told]]) -> AsyncGenerator[str]:
    async with aclosing(batches):
        async for batch in batches:
            yield "".join(map(_line, batch))


def _line(told: Told) -> str:
    if not told.type:
        return f"id: {told.id}\n: still here\n\n"
    return f"id: {told.id}\nevent: {told.type}\ndata: {json.dumps(told.data, ensure_ascii=False)}\n\n"
