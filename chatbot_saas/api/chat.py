from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from chatbot_saas.api.dependencies import CallerFirst, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import OnceDep
from chatbot_saas.api.streaming import STREAMED, LastEventId, event_stream, events_after
from chatbot_saas.core.errors import (
    ForbiddenError,
    NotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from chatbot_saas.schemas.chat import ChatAnswer, ChatRequestBody
from chatbot_saas.services import chat

router = APIRouter(route_class=CallerFirst, prefix="/api/v1", tags=["chat"])
OVERALL_PER_MINUTE = 1000


@router.post(
    "/chat",
    response_model=ChatAnswer,
    responses={
        **errors(UnauthenticatedError, ForbiddenError, NotFoundError, TooManyRequestsError, UnavailableError),
        200: STREAMED,
    },
)
async def ask(
    body: ChatRequestBody, rt: RuntimeDep, principal: TenantDep, once: OnceDep, last_event_id: LastEventId = None
) -> ChatAnswer | StreamingResponse:
    """Ask a bot. With `stream`, server-sent events: token, sources, done, error."""
    await rt.limiter.hit("overall", "all", OVERALL_PER_MINUTE, policy="overall", quiet=True)
    if once and body.client_message_id is None:
        body = body.model_copy(update={"client_message_id": once})
    live, conversation_id = await chat.ask_with_key(rt, principal, body)
    if body.stream:
        return event_stream(live, events_after(last_event_id), conversation_id=conversation_id)
    return await live.result(conversation_id)
