"""What the widget calls. No cookie and no key: a visitor token bound to one conversation and one website."""

import gzip
import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import StreamingResponse

from chatbot_saas.adapters.extraction import ExtractionError
from chatbot_saas.api.dependencies import AddressDep, RuntimeDep, VisitorDep, origin_of
from chatbot_saas.api.errors import errors
from chatbot_saas.api.streaming import STREAMED, LastEventId, event_stream, events_after
from chatbot_saas.api.uploads import FILE_SCHEMA, media_type, received_files
from chatbot_saas.core.errors import (
    InvalidError,
    NotFoundError,
    TooLargeError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnsupportedTypeError,
)
from chatbot_saas.core.origins import normal_origin
from chatbot_saas.schemas.attachments import AttachmentRead
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.bots import PublicBotConfig
from chatbot_saas.schemas.chat import (
    CitedPassage,
    EarlierConversation,
    EndRequest,
    FeedbackRequest,
    PublicAnswer,
    PublicChatRequest,
    PublicTranscript,
    StartRead,
    StartRequest,
    StopRequest,
)
from chatbot_saas.schemas.leads import HandoffRead, HandoffRequest, LeadCapture, LeadCaptured
from chatbot_saas.schemas.widget import PublicFrameSettings
from chatbot_saas.services import attaching, attachments, bot_config, bots, chat, conversations, identity, leads
from chatbot_saas.services.runtime import Runtime


async def counted(rt: RuntimeDep, address: AddressDep) -> None:
    """All that one address asks for; what costs something is counted again, by less."""
    await rt.limiter.hit("public", address, REQUESTS_PER_MINUTE)


router = APIRouter(prefix="/api/public", tags=["widget"], dependencies=[Depends(counted)])
REQUESTS_PER_MINUTE = 300
OVERALL_PER_MINUTE = 1000
MESSAGES_PER_MINUTE = 20
STARTS_PER_MINUTE = 20
LEADS_PER_MINUTE = 5
ATTACHMENTS_PER_MINUTE = 10
ATTACHMENTS_TO_BOT_PER_MINUTE = 30
"""By anybody: each may cost as much as a hundred questions."""
ENVELOPE_BYTES = 64 * 1024
"""What a multipart body has beside the file."""
_FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": FILE_SCHEMA},
                }
            }
        },
    }
}


@router.get(
    "/bot/{bot_id}/config",
    response_model=PublicBotConfig,
    responses=errors(NotFoundError, bots.OriginNotAllowedError),
)
async def config(bot_id: UUID, request: Request, rt: RuntimeDep) -> Response:
    """Appearance and texts. A website that the bot does not allow is told so. Browsers keep it and ask for changes."""
    found = await bot_config.public(rt, bot_id, origin_of(request))
    body = found.model_dump_json().encode()
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        "Vary": "Accept-Encoding",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type="application/json")


@router.get("/bot/{bot_id}/frame", responses=errors(NotFoundError, bots.BotPausedError))
async def frame_settings(bot_id: UUID, response: Response, rt: RuntimeDep) -> PublicFrameSettings:
    """What the chat window needs beyond that: its forms, the consent, and the owner's words in place of ours."""
    found = await bot_config.frame(rt, bot_id)
    response.headers["Cache-Control"] = "no-cache"
    return found


@router.post(
    "/conversation/{bot_id}/start",
    status_code=201,
    responses=errors(
        identity.IdentityInvalidError,
        NotFoundError,
        bots.OriginNotAllowedError,
        conversations.ConsentRequiredError,
        TooManyRequestsError,
    ),
)
async def start(
    bot_id: UUID, request: Request, rt: RuntimeDep, address: AddressDep, body: StartRequest | None = None
) -> StartRead:
    """Begin a conversation. The token in the answer is bound to this bot and the visitor's website."""
    await rt.limiter.hit("start-address", address, STARTS_PER_MINUTE)
    return await conversations.start(rt, bot_id, _website(rt, request, body), body)


def _website(rt: Runtime, request: Request, body: StartRequest | None) -> str:
    """The visitor's website: of a request from our frame the page around it, else the page that asks itself."""
    origin = origin_of(request)
    if origin not in rt.settings.own_origins:
        return origin
    try:
        return normal_origin(body.parent_origin) if body and body.parent_origin else ""
    except ValueError:
        return ""


@router.post(
    "/chat/{bot_id}",
    response_model=PublicAnswer,
    responses={
        **errors(
            UnauthenticatedError,
            NotFoundError,
            bots.OriginNotAllowedError,
            attachments.AttachmentsNotAllowedError,
            attachments.AttachmentNotFoundError,
            TooManyRequestsError,
        ),
        200: STREAMED,
    },
)
async def ask(
    bot_id: UUID,
    body: PublicChatRequest,
    rt: RuntimeDep,
    visitor: VisitorDep,
    address: AddressDep,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = None,
) -> PublicAnswer | StreamingResponse:
    """Ask the bot. `Accept: text/event-stream` streams token, sources, done and error events; else JSON."""
    if bot_id != visitor.bot_id:
        raise NotFoundError("There is no such bot.")
    await rt.limiter.hit("overall", "all", OVERALL_PER_MINUTE, policy="overall", quiet=True)
    await rt.limiter.hit("visitor", address, MESSAGES_PER_MINUTE)
    live = await chat.ask_as_visitor(rt, visitor, body)
    if "text/event-stream" in accept:
        return event_stream(live, events_after(last_event_id))
    answer = await live.result(body.conversation_id)
    return PublicAnswer(**{name: getattr(answer, name) for name in PublicAnswer.model_fields})


@router.post("/chat/{bot_id}/stop", status_code=204, responses=errors(UnauthenticatedError, NotFoundError))
async def stop(bot_id: UUID, body: StopRequest, rt: RuntimeDep, visitor: VisitorDep) -> Response:
    """End an answer that is being written: the model is not read on, and what was written so far is kept."""
    if bot_id != visitor.bot_id:
        raise NotFoundError("There is no such bot.")
    await chat.stop(rt, visitor, body)
    return Response(status_code=204)


@router.get("/conversations", responses=errors(UnauthenticatedError, NotFoundError))
async def earlier(rt: RuntimeDep, visitor: VisitorDep) -> PageRead[EarlierConversation]:
    """The visitor's latest conversations with this bot on this website, newest first."""
    return PageRead(items=await conversations.earlier(rt, visitor))


def _own(visitor: VisitorDep, conversation_id: UUID) -> None:
    if conversation_id != visitor.conversation_id:
        raise NotFoundError("There is no such conversation.")


@router.get("/conversation/{conversation_id}", responses=errors(UnauthenticatedError, NotFoundError))
async def transcript(conversation_id: UUID, rt: RuntimeDep, visitor: VisitorDep) -> PublicTranscript:
    """What was said so far, for a visitor who comes back."""
    _own(visitor, conversation_id)
    return await conversations.transcript(rt, visitor)


@router.get(
    "/conversation/{conversation_id}/messages/{message_id}/sources/{number}",
    responses=errors(UnauthenticatedError, NotFoundError),
)
async def source(
    conversation_id: UUID,
    message_id: UUID,
    number: Annotated[int, Path(ge=1, le=99)],
    rt: RuntimeDep,
    visitor: VisitorDep,
) -> CitedPassage:
    """A source of an answer, opened at its quote."""
    _own(visitor, conversation_id)
    return await conversations.cited_passage(rt, visitor, message_id, number)


@router.post(
    "/conversation/{conversation_id}/attachments",
    status_code=201,
    responses=errors(
        UnauthenticatedError,
        NotFoundError,
        bots.OriginNotAllowedError,
        attachments.AttachmentsNotAllowedError,
        TooLargeError,
        UnsupportedTypeError,
        ExtractionError,
        attaching.NoTextToReadError,
        attaching.TooManyAttachmentsError,
        TooManyRequestsError,
    ),
    openapi_extra=_FILE_BODY,
)
async def attach(
    conversation_id: UUID, request: Request, rt: RuntimeDep, visitor: VisitorDep, address: AddressDep
) -> AttachmentRead:
    """Give the bot a file (multipart, field `file`, 5 MB), to be sent with a message. It is read before the answer.

    The same file again, while it waits to be sent, has the same id.
    """
    _own(visitor, conversation_id)
    await rt.limiter.hit("attachment-address", address, ATTACHMENTS_PER_MINUTE)
    await rt.limiter.hit("attachment-bot", str(visitor.bot_id), ATTACHMENTS_TO_BOT_PER_MINUTE, policy="bot")
    await attaching.require_allowed(rt, visitor)
    if media_type(request.headers) != "multipart/form-data":
        raise UnsupportedTypeError("Send the file as multipart/form-data in a field named file.")
    async with received_files(request, most=1, max_bytes=attaching.MAX_BYTES + ENVELOPE_BYTES) as [upload]:
        return await attaching.add(rt, visitor, upload)


@router.delete(
    "/conversation/{conversation_id}/attachments/{attachment_id}",
    status_code=204,
    responses=errors(UnauthenticatedError, NotFoundError),
)
async def detach(conversation_id: UUID, attachment_id: UUID, rt: RuntimeDep, visitor: VisitorDep) -> Response:
    """Take a file back that was not sent with a message yet."""
    _own(visitor, conversation_id)
    await attaching.remove(rt, visitor, attachment_id)
    return Response(status_code=204)


@router.post(
    "/conversation/{conversation_id}/feedback", status_code=204, responses=errors(UnauthenticatedError, NotFoundError)
)
async def feedback(conversation_id: UUID, body: FeedbackRequest, rt: RuntimeDep, visitor: VisitorDep) -> Response:
    _own(visitor, conversation_id)
    await conversations.rate(rt, visitor, body.message_id, body.rating, body.reason)
    return Response(status_code=204)


@router.post(
    "/conversation/{conversation_id}/capture-lead",
    status_code=201,
    responses=errors(UnauthenticatedError, NotFoundError, bots.OriginNotAllowedError, TooManyRequestsError),
)
async def capture_lead(
    conversation_id: UUID, body: LeadCapture, rt: RuntimeDep, visitor: VisitorDep, address: AddressDep
) -> LeadCaptured:
    """Leave a message for a person to answer. Sending the same again answers with the same id."""
    _own(visitor, conversation_id)
    await rt.limiter.hit("lead-address", address, LEADS_PER_MINUTE)
    return await leads.capture(rt, visitor, body)


@router.post(
    "/conversation/{conversation_id}/handoff",
    status_code=201,
    responses=errors(
        UnauthenticatedError, NotFoundError, bots.OriginNotAllowedError, InvalidError, TooManyRequestsError
    ),
)
async def hand_off(
    conversation_id: UUID, body: HandoffRequest, rt: RuntimeDep, visitor: VisitorDep, address: AddressDep
) -> HandoffRead:
    """Ask for a person. The answer says whether somebody is there now."""
    _own(visitor, conversation_id)
    await rt.limiter.hit("lead-address", address, LEADS_PER_MINUTE)
    return await leads.hand_off(rt, visitor, body)


@router.post("/conversation/{conversation_id}/open", responses=errors(UnauthenticatedError, NotFoundError))
async def reopen(conversation_id: UUID, rt: RuntimeDep, visitor: VisitorDep) -> StartRead:
    """Go on with an earlier conversation of the same visitor: a token for it."""
    return await conversations.reopen(rt, visitor, conversation_id)


@router.post(
    "/conversation/{conversation_id}/end", status_code=204, responses=errors(UnauthenticatedError, NotFoundError)
)
async def end(conversation_id: UUID, rt: RuntimeDep, visitor: VisitorDep, body: EndRequest | None = None) -> Response:
    """Leave the conversation, with a rating from 1 to 5 and a comment if the visitor gives them."""
    _own(visitor, conversation_id)
    await leads.end(rt, visitor, body or EndRequest())
    return Response(status_code=204)
