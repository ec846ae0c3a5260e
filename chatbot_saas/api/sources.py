from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from chatbot_saas.api.dependencies import (
    CallerFirst,
    ContentVersionDep,
    PageDep,
    RuntimeDep,
    TenantDep,
    set_etag,
    tenant,
)
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.api.uploads import FILE_SCHEMA, media_type, received_files, received_json, require_sane
from chatbot_saas.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedTypeError,
)
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import PageRead, inlined
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.sources import (
    KINDS,
    SOURCE_CREATE,
    FoundPage,
    PreviewRequest,
    SourcePatch,
    SourceRead,
    SourceStatus,
    SourceType,
    WebPageRead,
    WebPageStatus,
)
from chatbot_saas.services import bots, discovery, intake, sources
from chatbot_saas.services.runtime import Runtime

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1",
    tags=["sources"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)


class _OfSource(CallerFirst):
    """Its body may be long."""

    async def admit(self, request: Request, rt: Runtime) -> None:
        principal = await tenant(request, rt, request.headers.get("x-api-key"))
        principal.require(Scope.SOURCES_WRITE)
        try:
            source_id = UUID(request.path_params["source_id"])
        except ValueError as error:
            raise InvalidError("This is not the id of a source.", field="source_id") from error
        async with rt.db.tenant(principal) as session:
            await sources.load(session, principal, source_id)
        require_sane(await request.body())


_long = APIRouter(route_class=_OfSource)
_ADD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": FILE_SCHEMA}},
                }
            },
            "application/json": {"schema": {"oneOf": [inlined(kind) for kind in KINDS]}},
        },
    }
}


@router.get("/bots/{bot_id}/sources")
async def list_sources(
    bot_id: UUID,
    rt: RuntimeDep,
    principal: TenantDep,
    page: PageDep,
    search: Annotated[str, Query(max_length=200)] = "",
    status: SourceStatus | None = None,
    type: SourceType | None = None,
) -> PageRead[SourceRead]:
    async with rt.db.tenant(principal) as session:
        found = await sources.list_page(
            session, principal, bot_id, page, search=search, status=status or "", kind=type or ""
        )
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post(
    "/bots/{bot_id}/sources",
    status_code=202,
    responses=errors(TooLargeError, UnsupportedTypeError),
    openapi_extra=_ADD_BODY,
    dependencies=[once(Scope.SOURCES_WRITE)],
)
async def add_sources(bot_id: UUID, request: Request, rt: RuntimeDep, principal: TenantDep) -> PageRead[SourceRead]:
    """Add files (multipart, fields named `file`, 25 MB each), a page, a website, a text, or questions and answers.

    Files: PDF, DOCX, XLSX, PPTX, EPUB, ODT, RTF, CSV, TSV, JSON, HTML, MD, TXT and their close relatives.

    What is wrong with one is told in its `error`. Content that the bot has already is not added again: `copy_of` names
    the source that holds it.
    """
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)  # before a byte of the body is read
    kind = media_type(request.headers)
    if kind == "application/json":
        body = SOURCE_CREATE.validate_python(await received_json(request))
        return PageRead(items=[await intake.add(rt, principal, bot_id, body)])
    if kind != "multipart/form-data":
        raise UnsupportedTypeError("Send files as multipart/form-data in fields named file, or JSON with a type.")
    async with received_files(request) as uploads:
        items = await intake.add_files(rt, principal, bot_id, uploads)
    if len(items) == 1 and items[0].error and items[0].error.code == "file_too_large":
        raise TooLargeError(items[0].error.message, source_id=str(items[0].id))
    return PageRead(items=items)


@router.post("/bots/{bot_id}/sources/preview", responses=errors(InvalidError), dependencies=[once(Scope.SOURCES_WRITE)])
async def preview_site(bot_id: UUID, body: PreviewRequest, rt: RuntimeDep, principal: TenantDep) -> PageRead[FoundPage]:
    """The pages of a website, for a choice to be sent as `urls` of a source of type site. Takes up to a minute."""
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)
    return PageRead(items=[page async for page in discovery.preview(rt, principal, body.url, body)])


@router.get("/sources/{source_id}")
async def get_source(source_id: UUID, rt: RuntimeDep, principal: TenantDep, response: Response) -> SourceRead:
    async with rt.db.tenant(principal) as session:
        source = await sources.get(session, principal, source_id)
    set_etag(response, source.version)
    return source


@_long.patch("/sources/{source_id}", responses=errors(ConflictError, InvalidError, PreconditionFailedError))
async def change_source(
    source_id: UUID,
    body: SourcePatch,
    rt: RuntimeDep,
    principal: TenantDep,
    expected: ContentVersionDep,
    response: Response,
) -> SourceRead:
    """Change its title or schedule, or what a text or a list of questions holds, which is then read again."""
    source = await intake.change(rt, principal, source_id, body, expected=expected)
    set_etag(response, source.version)
    return source


@router.get("/sources/{source_id}/pages")
async def list_pages(
    source_id: UUID,
    rt: RuntimeDep,
    principal: TenantDep,
    page: PageDep,
    search: Annotated[str, Query(max_length=200)] = "",
    status: WebPageStatus | None = None,
) -> PageRead[WebPageRead]:
    """The addresses of a page or website, and what became of each."""
    async with rt.db.tenant(principal) as session:
        found = await sources.list_pages(session, principal, source_id, page, search=search, status=status or "")
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.delete("/sources/{source_id}", responses=errors(PreconditionFailedError))
async def delete_source(source_id: UUID, rt: RuntimeDep, principal: TenantDep, expected: ContentVersionDep) -> Receipt:
    """Remove the source with all that was read from it. Nothing of it is found from then on; the receipt says so."""
    return await sources.delete(rt, principal, source_id, expected=expected)


@router.post(
    "/sources/{source_id}/reindex",
    status_code=202,
    responses=errors(ConflictError),
    dependencies=[once(Scope.SOURCES_WRITE, with_rows=True)],
)
async def reindex_source(source_id: UUID, rt: RuntimeDep, principal: TenantDep) -> SourceRead:
    """Read the stored file again; also the way to retry after a failure."""
    async with rt.db.tenant(principal) as session:
        return await sources.reindex(session, principal, source_id, rt)


@router.post(
    "/sources/{source_id}/cancel",
    responses=errors(ConflictError),
    dependencies=[once(Scope.SOURCES_WRITE, with_rows=True)],
)
async def cancel_source(source_id: UUID, rt: RuntimeDep, principal: TenantDep) -> SourceRead:
    async with rt.db.tenant(principal) as session:
        return await sources.cancel(session, principal, source_id, rt)


router.include_router(_long)
