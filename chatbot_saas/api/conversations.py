from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from chatbot_saas.api.dependencies import OptionalBot, PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.chat import ConversationListItem, ConversationRead
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import conversations

router = APIRouter(
    prefix="/api/v1/conversations",
    tags=["conversations"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)


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


@router.delete("/{conversation_id}")
async def delete_conversation(conversation_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Receipt:
    """Remove the conversation with its messages. The receipt says what was removed."""
    return await conversations.delete(rt, principal, conversation_id)
