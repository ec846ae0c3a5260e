"""Takes questions, from visitors, integrators and owners, and sees to it that each is answered once.

The same `client_message_id` never answers twice: the question's row decides who was first, and whoever repeats it
follows the same answer. How the answer is made is in services.turns.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.llm import Message as PromptMessage
from chatbot_saas.core.errors import InvalidError, NotFoundError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Scope, Tenant, Visitor
from chatbot_saas.models import Message
from chatbot_saas.schemas.chat import ChatRequestBody, Citation, PublicChatRequest, SearchHit, StopRequest
from chatbot_saas.services import attachments, bots, chat_sql, conversations, identity, matching, prompts, stops, usage
from chatbot_saas.services.citations import public_sources
from chatbot_saas.services.live import LiveAnswer
from chatbot_saas.services.replies import make_answer
from chatbot_saas.services.retrieval import BotIndex, retrieve
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.turns import BotView, Given, Turn, view

log = get_logger(__name__)
BOT_LIMIT_PER_MINUTE = 100
HISTORY_MESSAGES = 10
MOST_CHARACTERS = 1_000_000
"""More than any answer has: an answer that is made anew gets ids that none before it had."""
PUBLISHED, PRESENT = 0, -1
"""In place of a version's number: what visitors get, and the settings as they are now."""
STALE_SECONDS = 90
"""A pending answer this old whose process is not known has died; it may be made again."""


class ToolsNotAllowedError(InvalidError):
    """This bot takes no tools. Its owner can allow them in the bot's settings (`allow_tools`)."""

    code = "tools_not_allowed"


@dataclass(frozen=True, slots=True)
class Tried:
    """An answer that nobody but its owner sees. `trace`: as of a message.

    `unasked`: a model did not answer, so that another, the passages or words alone took its place.
    """

    text: str
    answered: bool
    citations: list[Citation]
    trace: dict[str, Any]
    unasked: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, in a conversation that is known or in that of a session, which is made if it is new."""

    bot_id: UUID
    question: str
    client_message_id: str | None
    channel: str = ""
    session_id: str = ""
    conversation_id: UUID | None = None
    version: int = PUBLISHED
    given: Given | None = None
    """Instead of what was stored of the conversation."""
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    page: Mapping[str, str] = field(default_factory=dict[str, str])
    attachments: tuple[UUID, ...] = ()
    """Files that are sent with it."""

    @property
    def session(self) -> dict[str, Any]:
        return {"bot_id": self.bot_id, "channel": self.channel, "session_id": self.session_id}


PLAYGROUND = "playground"


async def ask_as_visitor(rt: Runtime, visitor: Visitor, body: PublicChatRequest) -> LiveAnswer:
    if body.conversation_id != visitor.conversation_id:
        raise NotFoundError("There is no such conversation.")

    def may_ask(bot: Any) -> None:
        bots.require_origin(bots.require_public(bot), visitor.origin, rt.settings.own_origins)
        identity.require_of(bot, visitor, secret_good=bot.secret_good)

    asked = Asked(
        visitor.bot_id,
        body.message,
        body.client_message_id,
        conversation_id=visitor.conversation_id,
        context=body.context or {},
        page=body.page.model_dump() if body.page else {},
        attachments=tuple(dict.fromkeys(body.attachments)),
    )
    return (await ask(rt, visitor, asked, may_ask))[0]


async def stop(rt: Runtime, visitor: Visitor, body: StopRequest) -> None:
    """End an answer where it is. One that is whole already stays as it is."""
    if body.conversation_id != visitor.conversation_id:
        raise NotFoundError("There is no such conversation.")
    async with rt.db.tenant(visitor) as session:
        conversation = await conversations.own(rt, visitor, session)
        mine = col(Message.conversation_id) == conversation.id
        query = select(col(Message.id)).where(mine, col(Message.client_message_id) == body.client_message_id)
        question_id = await session.scalar(query)
        if question_id is None:
            raise NotFoundError("There is no such message.")
        await stops.stop(rt, session, question_id)


async def ask_with_key(rt: Runtime, principal: Tenant, body: ChatRequestBody) -> tuple[LiveAnswer, UUID]:
    """Returns the answer and its conversation's id: the one of `session_id`, made if it is new."""
    principal.require(Scope.CHAT)
    bot_id = body.bot_id
    if bot_id is None:
        if principal.bot_ids is None or len(principal.bot_ids) != 1:
            raise InvalidError(
                "Name the bot: bot_id is needed, because this key reaches more than one.", field="bot_id"
            )
        bot_id = next(iter(principal.bot_ids))
    principal.require_bot(bot_id)
    return await ask(rt, principal, Asked(bot_id, body.message, body.client_message_id, "api", body.session_id))


async def ask_in_playground(
    rt: Runtime, principal: Tenant, bot_id: UUID, session_id: str, question: str, *, version: int | None = None
) -> tuple[LiveAnswer, UUID]:
    """A try from the dashboard: the same path, kept apart from visitors'. Returns (answer, the answer's id).

    `version`: as that one answers; else with the settings as they are now, published or not.
    """
    principal.require(Scope.CHAT)
    # an integrator's names are printable, so none of them is one of ours
    session = f"playground\x1f{session_id}"
    asked = Asked(bot_id, question, None, PLAYGROUND, session, version=version or PRESENT)
    live, _ = await ask(rt, principal, asked)
    return live, live.answer_id


async def try_out(rt: Runtime, principal: Tenant, bot_id: UUID, question: str, *, version: int | None = None) -> Tried:
    """What that version, or the bot as it is now, answers. No conversation is stored; what it costs is on the bill."""
    principal.require(Scope.CHAT)
    principal.require_bot(bot_id)
    async with rt.db.tenant_plain(principal) as sql:
        row = await sql.row(chat_sql.BOT, id=bot_id, version=version or PRESENT, secret_id=None)
        bot = _present(row, version or PRESENT)
    question_id, answer_id = new_id(), new_id()
    turn = Turn(
        principal=principal,
        bot=view(bot, bot.held_settings, bot.held_version),
        conversation_id=None,
        question_id=question_id,
        answer_id=answer_id,
        question=question,
        history=[],
        live=LiveAnswer(question_id, answer_id),
        reuse=False,
        patient=True,
    )
    await make_answer(rt, turn)
    without_vector = turn.retrieval is not None and turn.retrieval.failure is not None
    return Tried(turn.text, turn.answered, turn.citations, turn.trace, turn.stood_in or without_vector)


async def search(rt: Runtime, principal: Tenant, bot_id: UUID, query: str, limit: int) -> list[SearchHit]:
    """Retrieval only, with its scores. The embedding of the question goes on the bill like any other."""
    principal.require(Scope.CHAT)
    async with rt.db.tenant(principal) as session:
        bot = await bots.load(session, principal, bot_id)
        index = BotIndex.of(bot)
    found = await retrieve(rt, principal, index, query, limit=limit)
    if found.embedded:
        async with rt.db.tenant(principal) as session:
            usage.record_embedding(session, principal.tenant_id, bot_id, found.embedded)
    return [passage.hit() for passage in found.passages]


async def ask(
    rt: Runtime, principal: Tenant | Visitor, asked: Asked, may_ask: Callable[[Any], None] | None = None
) -> tuple[LiveAnswer, UUID]:
    """The answer and its conversation's id, for a principal who may ask. `may_ask` raises when this bot may not be."""
    await rt.limiter.hit("bot", str(asked.bot_id), BOT_LIMIT_PER_MINUTE, policy="bot")
    # shielded: whoever leaves while the question is being stored leaves no question without an answer
    return await asyncio.shield(_begin(rt, principal, asked, may_ask))


async def _begin(
    rt: Runtime, principal: Tenant | Visitor, asked: Asked, may_ask: Callable[[Any], None] | None
) -> tuple[LiveAnswer, UUID]:
    """Two round trips: who is asked and where, then all that is written. A repeated question writes nothing."""
    question_id, answer_id = new_id(), new_id()
    async with rt.db.tenant_plain(principal) as sql:
        secret_id = principal.secret_id if isinstance(principal, Visitor) else None
        found = await sql.run(chat_sql.BOT, id=asked.bot_id, version=asked.version, secret_id=secret_id)
        if asked.conversation_id is None:
            await sql.run(chat_sql.NEW_CONVERSATION, id=new_id(), **asked.session)
            conversation = await sql.row(chat_sql.SESSIONS_CONVERSATION, **asked.session)
        else:
            conversation = await sql.row(chat_sql.VISITORS_CONVERSATION, id=asked.conversation_id, bot_id=asked.bot_id)
        bot = _present(await found.fetchone(), asked.version)
        if may_ask:
            may_ask(bot)
        if conversation is None:
            raise NotFoundError("There is no such conversation.")
        turn = _turn(principal, bot, asked, conversation.id, question_id, answer_id)
        row = {"tenant_id": bot.tenant_id, "bot_id": bot.id, "conversation_id": conversation.id}
        row |= {
            "bot_version": bot.held_version or bot.version,
            "id": question_id,
            "text": asked.question,
            "answer_id": answer_id,
            "trace": json.dumps({"page": turn.page} if turn.page else {}),
        }
        rt.answers.announce(turn.live)
        told = {"conversation_id": conversation.id, "before": question_id, "limit": HISTORY_MESSAGES}
        history = None if asked.given else await sql.run(chat_sql.HISTORY, **told)
        paired = await sql.run(matching.EXACT, **matching.asked(bot.id, asked.question))
        added = await sql.run(chat_sql.QUESTION, client_message_id=asked.client_message_id, **row)
        await sql.run(chat_sql.COUNT_QUESTION, first_question=asked.question[:200], **row)
        await sql.run(chat_sql.PENDING_ANSWER, **row)
        is_new = None
        if asked.attachments:
            sent = await sql.run(chat_sql.ATTACH, attachments=list(asked.attachments), **row)
            if is_new := await added.fetchone():
                attachments.require_sent(turn.bot.widget, asked.attachments, await sent.fetchall())
        await sql.commit()
        is_new = is_new or await added.fetchone()
        if history:
            turn.history = _prompt_messages(await history.fetchall())
        turn.files = bool(asked.attachments) or conversation.has_files
        turn.pair, turn.looked_up = None if turn.attached else matching.exact(await paired.fetchone()), True
    if is_new:
        return _start(rt, turn), conversation.id
    async with rt.db.tenant(principal) as session:
        return await _repeat(rt, session, turn, conversation.id, str(asked.client_message_id)), conversation.id


def _turn(
    principal: Tenant | Visitor, bot: Any, asked: Asked, conversation_id: UUID, question_id: UUID, answer_id: UUID
) -> Turn:
    """`bot`: the row of `chat_sql.BOT`. Raises ToolsNotAllowedError."""
    seen, given = view(bot, bot.held_settings, bot.held_version), asked.given
    if given and given.tools and not seen.allow_tools:
        raise ToolsNotAllowedError(field="tools")
    return Turn(
        principal=principal,
        bot=_as_wished(seen, given) if given else seen,
        conversation_id=conversation_id,
        question_id=question_id,
        answer_id=answer_id,
        question=asked.question,
        history=list(given.history[-HISTORY_MESSAGES:]) if given else [],
        live=LiveAnswer(question_id, answer_id),
        given=given,
        page=prompts.page(asked.context, asked.page if seen.page_context else {}),
        attached=asked.attachments,
        reuse=asked.channel != PLAYGROUND and (given is None or given.only_history),
    )


def _as_wished(bot: BotView, given: Given) -> BotView:
    """With the caller's settings; the owner's limit of an answer's length holds."""
    wished = {**given.settings, "max_tokens": min(bot.max_tokens, given.settings.get("max_tokens", bot.max_tokens))}
    return replace(bot, **wished)


def _present(bot: Any, version: int) -> Any:
    """The row of `chat_sql.BOT`, or NotFoundError."""
    if bot is None or bot.tenant_status != "active":
        raise NotFoundError("There is no such bot.")
    if version > 0 and bot.held_version is None:
        raise NotFoundError("There is no such version of this bot.")
    return bot


def _start(rt: Runtime, turn: Turn) -> LiveAnswer:
    rt.answers.start(turn.live, make_answer(rt, turn))
    return turn.live


async def _history(session: AsyncSession, conversation_id: UUID, before: UUID) -> list[PromptMessage]:
    query = (
        select(col(Message.role), col(Message.text))
        .where(
            col(Message.conversation_id) == conversation_id,
            col(Message.id) < before,
            col(Message.status) == "complete",
        )
        .order_by(col(Message.id).desc())
        .limit(HISTORY_MESSAGES)
    )
    return _prompt_messages((await session.execute(query)).all())


def _prompt_messages(rows: Sequence[Any]) -> list[PromptMessage]:
    """Rows of (role, text), latest first, in the order in which they were said."""
    return [PromptMessage("user" if role == "user" else "assistant", text) for role, text in reversed(rows)]


async def _repeat(
    rt: Runtime, session: AsyncSession, turn: Turn, conversation_id: UUID, client_message_id: str
) -> LiveAnswer:
    """Follow the answer of a question that was sent before: live, from its row, or made now if its maker died.

    `turn`: as the question was asked this time. Raises InvalidError where another question has this id.
    """
    question = (
        await session.execute(
            select(Message).where(
                col(Message.conversation_id) == conversation_id,
                col(Message.client_message_id) == client_message_id,
            )
        )
    ).scalar_one()
    if question.text != turn.question:
        raise InvalidError("Another question has this id. Use a new one for each.", field="client_message_id")
    query = select(Message).where(col(Message.reply_to_id) == question.id).with_for_update()
    row = (await session.execute(query)).scalar_one()
    if (live := rt.answers.get(question.id)) and not live.failed:  # after the lock: two repeats must not both begin
        return live
    age = (await session.scalar(select(func.now() - row.updated_at))) if row.status == "pending" else None
    if row.status == "complete":
        return _replayed(question.id, row)
    if age is not None and rt.settings.redis_url and age.total_seconds() < STALE_SECONDS:
        return _followed_from_row(rt, turn.principal, question.id, row.id)
    row.status, row.text = "pending", ""
    live = LiveAnswer(question.id, row.id, int(time.time()) * MOST_CHARACTERS)
    page = question.trace.get("page", "")
    turn = replace(turn, question_id=question.id, answer_id=row.id, live=live, page=page)
    if turn.given is None:
        turn.history = await _history(session, conversation_id, question.id)
    await session.execute(update(Message).where(col(Message.id) == row.id).values(updated_at=func.now()))
    return _start(rt, turn)


def _replayed(question_id: UUID, row: Message) -> LiveAnswer:
    live = LiveAnswer(question_id, row.id, first_id(row))
    _emit_row(live, row)
    return live


def first_id(row: Message) -> int:
    return int(row.trace.get("first_id", 0))


def _emit_row(live: LiveAnswer, row: Message) -> None:
    live.ending = row.trace.get("ending", live.ending)
    if row.text:
        live.emit("token", text=row.text)
    for call in row.trace.get("tool_calls", []):
        live.emit("tool", **call)
    live.emit("sources", sources=public_sources(row.sources), proof=row.proof)
    offered = {
        name: row.trace[name] for name in ("choices", "leave_message", "handoff", "stopped") if name in row.trace
    }
    live.emit("done", message_id=str(row.id), answered=bool(row.answered), **offered)


def _followed_from_row(rt: Runtime, principal: Tenant | Visitor, question_id: UUID, answer_id: UUID) -> LiveAnswer:
    """An answer that another process is making: wait for its row."""
    live = LiveAnswer(question_id, answer_id)

    async def wait() -> None:
        for _ in range(STALE_SECONDS):
            await asyncio.sleep(1)
            async with rt.db.tenant(principal) as session:
                row = await session.get(Message, answer_id)
            if row is None or row.status != "pending":
                break
        else:
            row = None
        if row is None or row.status != "complete":
            live.emit("error", code="internal", message="Something went wrong. Please try again.", retryable=True)
        else:
            live.first_id = live.last_id = first_id(row)
            _emit_row(live, row)

    rt.answers.start(live, wait(), stoppable=False)
    return live
