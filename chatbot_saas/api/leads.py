"""What visitors left: messages, wishes to talk to a person, ratings."""

from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from chatbot_saas.api.dependencies import OptionalBot, PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.leads import LeadKind, LeadRead
from chatbot_saas.services import csv_files, leads

router = APIRouter(
    prefix="/api/v1", tags=["leads"], responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError)
)
Search = Annotated[str, Query(max_length=200, description="A part of the name, the contact or the message.")]
Kind = Annotated[LeadKind | None, Query(description="Only what was left in this way.")]


@router.get("/leads")
async def list_leads(
    rt: RuntimeDep,
    principal: TenantDep,
    page: PageDep,
    bot_id: OptionalBot = None,
    kind: Kind = None,
    search: Search = "",
) -> PageRead[LeadRead]:
    async with rt.db.tenant(principal) as session:
        found = await leads.list_page(session, principal, page, bot_id=bot_id, kind=kind or "", search=search)
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.get(
    "/leads.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {csv_files.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def export_leads(
    rt: RuntimeDep, principal: TenantDep, bot_id: OptionalBot = None, kind: Kind = None, search: Search = ""
) -> StreamingResponse:
    """All of them as CSV, newest first, in UTF-8 with a byte order mark.

    Texts that a spreadsheet would take for a formula, such as a phone number that begins with +, have an apostrophe
    before them.
    """
    parts = leads.export(rt, principal, bot_id=bot_id, kind=kind or "", search=search)
    first = await anext(parts)

    async def lines() -> AsyncGenerator[bytes]:
        yield first
        async for part in parts:
            yield part

    headers = {"Content-Disposition": 'attachment; filename="messages.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type=f"{csv_files.MEDIA_TYPE}; charset=utf-8", headers=headers)


@router.get("/leads/{lead_id}")
async def get_lead(lead_id: UUID, rt: RuntimeDep, principal: TenantDep) -> LeadRead:
    async with rt.db.tenant(principal) as session:
        return await leads.get(session, principal, lead_id)


@router.delete("/leads/{lead_id}", status_code=204)
async def delete_lead(lead_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Response:
    """Remove it for good. The deletion of a conversation takes what was left in it along."""
    async with rt.db.tenant(principal) as session:
        await leads.delete(session, principal, lead_id)
    return Response(status_code=204)
