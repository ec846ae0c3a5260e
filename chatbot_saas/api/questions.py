"""Questions with answers of their own: which of them a question gets, and lists of them as CSV files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from chatbot_saas.api.dependencies import CallerFirst, ContentVersionDep, RuntimeDep, TenantDep, set_etag
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.api.uploads import received_text
from chatbot_saas.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    TooLargeError,
    UnauthenticatedError,
)
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.questions import ImportMode, PairImport, PairMatchRead, PairMatchRequest
from chatbot_saas.schemas.sources import QuestionPair, Title
from chatbot_saas.services import bots, csv_files, matching, pairs, sources

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1",
    tags=["questions"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)
_CSV: dict[str, Any] = {"schema": {"type": "string"}}
_CSV_BODY = {"requestBody": {"required": True, "content": {csv_files.MEDIA_TYPE: _CSV}}}
Preview = Annotated[bool, Query(description="Only tell what would change.")]


@router.post("/bots/{bot_id}/pairs/match", dependencies=[once(Scope.CHAT)])
async def match_pair(bot_id: UUID, body: PairMatchRequest, rt: RuntimeDep, principal: TenantDep) -> PairMatchRead:
    """Which question with an answer of its own this one would be taken for, and how close the others are."""
    return await matching.try_question(rt, principal, bot_id, body)


@router.post(
    "/bots/{bot_id}/pairs.csv",
    status_code=202,
    responses=errors(InvalidError, TooLargeError),
    openapi_extra=_CSV_BODY,
    dependencies=[once(Scope.SOURCES_WRITE)],
)
async def import_new_list(
    bot_id: UUID,
    request: Request,
    response: Response,
    rt: RuntimeDep,
    principal: TenantDep,
    title: Annotated[Title, Query()] = pairs.DEFAULT_TITLE,
    preview: Preview = False,
) -> PairImport:
    """Make a new list of questions and answers of a CSV file, sent as the body. See the PUT of a list's `pairs.csv`."""
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)  # before a byte of the body is read
    data = await received_text(request)
    response.status_code = 200 if preview else 202
    return await pairs.import_new(rt, principal, bot_id, data, title=title, preview=preview)


@router.get("/sources/{source_id}/pairs", responses=errors(ConflictError))
async def list_pairs(
    source_id: UUID, rt: RuntimeDep, principal: TenantDep, response: Response
) -> PageRead[QuestionPair]:
    """All questions and answers of a source of type qa. The ETag goes into the `If-Match` of a change of them."""
    known = await pairs.load(rt, principal, source_id)
    set_etag(response, known.version)
    return PageRead(items=known.pairs)


@router.get(
    "/sources/{source_id}/pairs.csv",
    response_class=Response,
    responses={**errors(ConflictError), 200: {"content": {csv_files.MEDIA_TYPE: _CSV}}},
)
async def export_list(source_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Response:
    """The list as CSV with the columns question and answer, in UTF-8 with a byte order mark.

    Texts that a spreadsheet would take for a formula have an apostrophe before them; an import takes it off again.
    """
    data, version = await pairs.export(rt, principal, source_id)
    headers = {
        "Content-Disposition": 'attachment; filename="questions.csv"',
        "Cache-Control": "no-store",
        "ETag": f'"{version}"',
    }
    return Response(data, media_type=f"{csv_files.MEDIA_TYPE}; charset=utf-8", headers=headers)


@router.put(
    "/sources/{source_id}/pairs.csv",
    status_code=202,
    responses=errors(ConflictError, InvalidError, PreconditionFailedError, TooLargeError),
    openapi_extra=_CSV_BODY,
)
async def import_list(
    source_id: UUID,
    request: Request,
    response: Response,
    rt: RuntimeDep,
    principal: TenantDep,
    expected: ContentVersionDep,
    mode: ImportMode = "replace",
    preview: Preview = False,
) -> PairImport:
    """Take a CSV file, sent as the body, into a list: instead of what it holds, or with `mode=merge` beside that.

    Commas, semicolons or tabs; any encoding; a first line that names the columns or none. All of it or nothing: what is
    wrong is told line by line in `problems`.
    """
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        await sources.load(session, principal, source_id)
    data = await received_text(request)
    response.status_code = 200 if preview else 202
    return await pairs.import_into(rt, principal, source_id, data, mode=mode, preview=preview, expected=expected)
