from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from chatbot_saas.api.dependencies import CallerFirst, PageDep, RuntimeDep, TenantDep, VersionDep, set_etag
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.core.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PreconditionFailedError,
    UnauthenticatedError,
)
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.bots import BotCreate, BotListItem, BotPatch, BotRead, BotStatus, BotVersionRead
from chatbot_saas.schemas.chat import SearchRead, SearchRequest
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import bots, chat

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1/bots",
    tags=["bots"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)
Search = Annotated[str, Query(max_length=200)]


@router.get("")
async def list_bots(
    rt: RuntimeDep, principal: TenantDep, page: PageDep, search: Search = "", status: BotStatus | None = None
) -> PageRead[BotListItem]:
    async with rt.db.tenant(principal) as session:
        found = await bots.list_page(session, principal, page, search=search, status=status or "")
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post("", status_code=201, dependencies=[once(Scope.BOTS_WRITE, with_rows=True)])
async def create_bot(body: BotCreate, rt: RuntimeDep, principal: TenantDep, response: Response) -> BotRead:
    async with rt.db.tenant(principal) as session:
        bot = await bots.create(session, principal, body)
    set_etag(response, bot.version)
    return bot


@router.get("/{bot_id}")
async def get_bot(bot_id: UUID, rt: RuntimeDep, principal: TenantDep, response: Response) -> BotRead:
    async with rt.db.tenant(principal) as session:
        bot = await bots.get(session, principal, bot_id)
    set_etag(response, bot.version)
    return bot


@router.patch("/{bot_id}", responses=errors(ConflictError, PreconditionFailedError))
async def change_bot(
    bot_id: UUID, body: BotPatch, rt: RuntimeDep, principal: TenantDep, version: VersionDep, response: Response
) -> BotRead:
    """Change the fields that are sent. Each change is a version.

    The status `published` asks the bot's tests first, as `POST /publish` does.
    """
    async with rt.db.tenant(principal) as session:
        bot = await bots.change(session, principal, bot_id, body, rt, expected_version=version)
    set_etag(response, bot.version)
    return bot


@router.delete("/{bot_id}", responses=errors(PreconditionFailedError))
async def delete_bot(bot_id: UUID, rt: RuntimeDep, principal: TenantDep, version: VersionDep) -> Receipt:
    """Remove the bot with its sources and conversations. The receipt says what was removed."""
    return await bots.delete(rt, principal, bot_id, expected_version=version)


@router.get("/{bot_id}/versions")
async def list_versions(bot_id: UUID, rt: RuntimeDep, principal: TenantDep) -> PageRead[BotVersionRead]:
    """The latest 50 versions, newest first."""
    async with rt.db.tenant(principal) as session:
        return PageRead(items=list(await bots.versions(session, principal, bot_id)))


@router.post(
    "/{bot_id}/versions/{version}/restore",
    responses=errors(ConflictError, PreconditionFailedError),
    dependencies=[once(Scope.BOTS_WRITE, with_rows=True)],
)
async def restore_version(
    bot_id: UUID,
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    rt: RuntimeDep,
    principal: TenantDep,
    expected: VersionDep,
    response: Response,
) -> BotRead:
    """Take the settings of an earlier version; that makes a new one."""
    async with rt.db.tenant(principal) as session:
        bot = await bots.roll_back(session, principal, bot_id, version, rt, expected_version=expected)
    set_etag(response, bot.version)
    return bot


@router.post("/{bot_id}/search", tags=["chat"], dependencies=[once(Scope.CHAT)])
async def search(bot_id: UUID, body: SearchRequest, rt: RuntimeDep, principal: TenantDep) -> SearchRead:
    """Retrieval only: the passages that an answer would rest on, with their scores."""
    return SearchRead(items=await chat.search(rt, principal, bot_id, body.query, body.limit))
