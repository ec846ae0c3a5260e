"""How an answer is said: by the first model that speaks, else quoted from the passages; and what is never said.

A model is heard through a `Voice`, which lets through no link or picture that is not allowed, nothing of the sign that
the passages do not hold the answer, and for a strict bot no sentence that nothing supports.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace

import asyncio

from chatbot_saas.adapters.llm import (
    ChatModel,
    ChatRequest,
    Finished,
    ModelError,
    ModelKeyInvalidError,
    ModelTimeoutError,
    ModelUnavailableError,
    TextDelta,
    Usage,
)
from chatbot_saas.core.logging import get_logger
from chatbot_saas.services import answering, recorder, standalone
from chatbot_saas.services.links import AllowedLinks, LinkFilter
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.statements import sentences_of
from chatbot_saas.services.support import Prover, stored_sources
from chatbot_saas.services.turns import Call, Turn
from chatbot_saas.services.wording import wording

log = get_logger(__name__)
Part = TextDelta | Finished
FIRST_TOKEN_SECONDS = 8.5
"""From the question to the first word of any model; after that the passages answer, so that nobody waits 10 s."""
FIRST_MODEL_SECONDS = 5.0
"""What the first model has of that, where a second one is set."""
OWNER_ERRORS = frozenset({"model_key_invalid", "model_not_found", "model_rate_limited", "model_bad_request"})
"""What only the owner can mend; shown on the bot's page until the model works again."""


class Voice:
    """What a model says, as far as it may be said."""

    def __init__(self, turn: Turn, links: LinkFilter, prover: Prover | None = None) -> None:
        """`prover`: of a strict bot, which says a sentence once it is whole and supported."""
        self._turn = turn
        self._links = links
        self._gate = Gate(prover) if prover else None
        self._held = ""
        """What may still become the sign."""
        self._said = False

    def feed(self, text: str) -> None:
        if not self._said:
            text = self._held = self._held + text
            start = text.lstrip()
            if answering.NOT_IN_SOURCES.startswith(start[: len(answering.NOT_IN_SOURCES)]):
                return
            self._held, self._said = "", True
        self._say(self._links.feed(text))

    def finish(self) -> bool:
        """Say what was held back. False when the model said the sign, or nothing that may be said."""
        if not self._said:
            if not self._held.strip() or self._held.strip().startswith(answering.NOT_IN_SOURCES):
                return False
            self._say(self._links.feed(self._held))
        self._say(self._links.flush())
        if self._gate:
            self._turn.say(self._gate.flush())
            self._turn.trace |= {"withheld": self._gate.withheld} if self._gate.withheld else {}
        return bool(self._turn.text.strip())

    def _say(self, text: str) -> None:
        self._turn.say(self._gate.feed(text) if self._gate else text)


_MAY_END = re.compile(r"[.!?…。！？|\n]")


class Gate:
    """Lets whole sentences through, and of those that state something only the supported ones."""

    def __init__(self, prover: Prover) -> None:
        self.withheld: list[str] = []
        self._prover = prover
        self._text = ""
        self._done = 0

    def feed(self, text: str) -> str:
        self._text += text
        return self._passed(final=False) if _MAY_END.search(self._text, self._done) else ""

    def flush(self) -> str:
        return self._passed(final=True) + (self._text[self._done :] if self._done else "")

    def _passed(self, *, final: bool) -> str:
        passed = ""
        for start, end, states_something in sentences_of(self._text, final=final):
            if start < self._done:
                continue
            said = self._text[start:end]
            if states_something and not self._prover.sentence(said).supported:
                self.withheld.append(said)
            else:
                passed += self._text[self._done : end]
            self._done = end
        return passed


async def answer(rt: Runtime, turn: Turn, passages: list[Found], *, quotes: bool) -> None:
    """Say the answer to the turn's question from these passages, and prove it."""
    request = _request(rt, turn, passages)
    turn.trace["prompt"] = recorder.folded(request.messages, request.passages)
    prover = Prover(passages, turn.asked, turn.language)
    answered = await _ask_models(rt, turn, request, prover, quotes=quotes)
    if answered is None:
        answered = await _quote(rt, turn, request)
    if not answered:
        if not turn.text:
            refuse(turn)
        return
    proof = prover.prove(turn.text)
    turn.answered, turn.sources, turn.proof = True, stored_sources(proof), proof.sentences


def refuse(turn: Turn) -> None:
    """Say that the sources do not hold it, in the owner's words, and offer that a person answers."""
    turn.say(turn.bot.fallback_text)
    turn.answered, turn.leave_message = False, True


async def _ask_models(rt: Runtime, turn: Turn, request: ChatRequest, prover: Prover, *, quotes: bool) -> bool | None:
    """Whether the sources hold it, as the first model says that answers; None when none did."""
    try:
        candidates = _candidates(rt, turn, request)
    except ModelError as error:
        _note(turn, error)
        return None
    strict = turn.bot.answer_mode == "strict" and not quotes
    allowed, texts = _allowed(turn), "\n".join(passage.text for passage in request.passages)
    for place, (model, asked) in enumerate(candidates, start=1):
        seconds = FIRST_TOKEN_SECONDS if place == len(candidates) else FIRST_MODEL_SECONDS
        links = LinkFilter(allowed, texts, turn.language)
        voice = Voice(turn, links, prover if strict else None)
        try:
            answered = await _stream(turn, model, asked, voice, turn.started + seconds)
        except ModelError as error:
            _note(turn, error)
            if turn.text:
                break
            continue
        turn.trace["model"] = "extractive" if model.quotes and not asked.api_key else asked.model
        if place > 1:
            turn.trace["second_model"] = turn.trace.pop("fallback", "")
        else:
            turn.model_error = ""
        return answered
    return None


def _note(turn: Turn, error: ModelError) -> None:
    """For the owner: what the first model that failed said."""
    log.warning("model_failed", code=error.code, bot_id=str(turn.bot.id))
    if "fallback" not in turn.trace:
        turn.trace["fallback"] = error.code
        turn.model_error = error.message if error.code in OWNER_ERRORS else None


async def _quote(rt: Runtime, turn: Turn, request: ChatRequest) -> bool:
    """What was good enough to ask a model about is good enough to show, marked as what it is."""
    turn.leave_message = True
    words = wording(turn.language)
    pieces: list[str] = []
    begun = time.monotonic()
    async with aclosing(rt.fallback_model.stream(request)) as parts:
        async for part in parts:
            if isinstance(part, TextDelta):
                pieces.append(part.text)
            else:
                turn.calls.append(Call("chat", part.usage, "ok", turn.milliseconds(begun)))
    gap = "\n\n" if turn.text else ""
    quoted = "".join(pieces).strip()
    turn.say(f"{gap}{words.unavailable}\n\n{quoted}" if quoted else f"{gap}{words.leave_message}")
    turn.trace["model"] = "extractive"
    return bool(quoted)


async def _stream(turn: Turn, model: ChatModel, request: ChatRequest, voice: Voice, deadline: float) -> bool:
    """Let the voice say what the model says; False if that is that the sources do not hold it.

    The call's usage is kept however it ends.
    """
    begun, received, outcome, code = time.monotonic(), "", "failed", ""
    told: Usage | None = None
    stream = model.stream(request)
    try:
        while True:
            try:
                part = await (anext(stream) if received else _in_time(anext(stream), deadline))
            except StopAsyncIteration:
                break
            if isinstance(part, Finished):
                told = part.usage
                continue
            if not received:
                turn.mark("first_token")
            received += part.text
            voice.feed(part.text)
        if not received.strip() and not model.quotes:
            raise ModelUnavailableError("The model gave an empty answer.")
        outcome = "ok"
        return voice.finish()
    except ModelError as error:
        code, told = error.code, error.usage or told
        if told is None and not received and not isinstance(error, ModelTimeoutError):
            # refused before anything was made; after a wait in vain nobody knows, so that is estimated
            told = replace(model.estimate(request, ""), input_tokens=0)
        raise
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        await stream.aclose()
        spent = told or model.estimate(request, received)
        turn.calls.append(Call("chat", spent, outcome, turn.milliseconds(begun), code))


async def _in_time(part: Awaitable[Part], deadline: float) -> Part:
    try:
        async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
            return await part
    except TimeoutError as error:
        raise ModelTimeoutError from error


def _allowed(turn: Turn) -> AllowedLinks:
    bot = turn.bot
    return AllowedLinks.of(
        origins=bot.allowed_origins,
        sources=[passage.url for passage in turn.used],
        link_hosts=bot.link_hosts,
        owner_texts=(bot.instructions, bot.fallback_text, bot.welcome_message),
    )


def _own_key(rt: Runtime, turn: Turn) -> str:
    """The bot's own key, or nothing. Raises ModelKeyInvalidError for one of a former ENCRYPTION_KEY."""
    bot = turn.bot
    try:
        return rt.secrets.open(bot.tenant_id, bot.model_key) if bot.model_key else ""
    except ValueError as error:
        raise ModelKeyInvalidError("The key can no longer be read. Enter it again under Model settings.") from error


def _request(rt: Runtime, turn: Turn, passages: list[Found]) -> ChatRequest:
    bot = turn.bot
    numbered = answering.numbered(passages)
    # a question that was made to stand alone needs no history, so its answer depends on nothing else
    alone = turn.asked != turn.question
    return ChatRequest(
        model=bot.model or rt.settings.openai_model,
        messages=answering.prompt(
            name=bot.name,
            instructions=bot.instructions,
            language=bot.language,
            passages=numbered,
            history=[] if alone else turn.history,
            question=turn.asked,
            count=rt.tokens,
        ),
        question=turn.asked,
        passages=numbered,
        temperature=bot.temperature,
        top_p=bot.top_p,
        max_tokens=bot.max_tokens,
        language=turn.language,
    )
