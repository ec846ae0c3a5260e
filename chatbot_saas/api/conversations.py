from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response

from chatbot_saas.api.dependencies import OptionalBot, PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.api.uploads import FILE_SCHEMA
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.chat import ConversationListItem, ConversationRead
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import attachments, conversations

router = APIRouter(
    prefix="/api/v1/conversations",
    tags=["conversations"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)
BYTES = "application/octet-stream"


@router.get("")
async def list_conversations(
    rt: RuntimeDep,
    principal: TenantDep,
    page: PageDep,
    bot_id: OptionalBot = None,
    search: Annotated[str, Query(max_length=200)] = "",
    unanswered: bool = False,
) -> PageRead[ConversationListItem]:
    async with rt.db.tenant(principal) as session:
        found = await conversations.list_page(
            session, principal, page, bot_id=bot_id, search=search, unanswered=unanswered
        )
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.get("/{conversation_id}")
async def get_conversation(conversation_id: UUID, rt: RuntimeDep, principal: TenantDep) -> ConversationRead:
    async with rt.db.tenant(principal) as session:
        return await conversations.get(session, principal, conversation_id)


@router.get(
    "/{conversation_id}/attachments/{attachment_id}",
    response_class=Response,
    responses={200: {"description": "The file as it was given.", "content": {BYTES: {"schema": FILE_SCHEMA}}}},
)
async def download_attachment(
    conversation_id: UUID, attachment_id: UUID, rt: RuntimeDep, principal: TenantDep
) -> Response:
    """A file that a visitor sent. Treat it as hostile: it is only ever offered for saving."""
    file = await attachments.download(rt, principal, conversation_id, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store",
    }
    return Response(file.data, media_type=BYTES, headers=headers)


@router.delete("/{conversation_id}")
async def delete_conversation(conversation_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Receipt:
    """Remove the conversation with its messages. The receipt says what was removed."""
    return await conversations.delete(rt, principal, conversation_id)
