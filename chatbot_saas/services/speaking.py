"""How an answer is said: by the first model that speaks, else quoted from the passages; and what is never said.

A model is heard through a `Voice`, which lets through no link or picture that is not allowed, nothing of the sign that
the passages do not hold the answer, nothing more once the rules are repeated, and for a strict bot no sentence that
nothing supports.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict
from functools import cache

from chatbot_saas.adapters.llm import (
    ChatRequest,
    Finished,
    ModelBadRequestError,
    ModelError,
    ModelKeyInvalidError,
    TextDelta,
    ToolDelta,
    Usage,
)
from chatbot_saas.adapters.llm.chain import Attempt, Candidate, FallbackChain, candidates
from chatbot_saas.core.logging import get_logger
from chatbot_saas.services import answering, recorder, standalone
from chatbot_saas.services.citations import stored_sources
from chatbot_saas.services.links import AllowedLinks, LinkFilter
from chatbot_saas.services.prompts import RulesEcho, rules
from chatbot_saas.services.retrieval import Found
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.statements import MAY_END, sentences_of
from chatbot_saas.services.support import Prover
from chatbot_saas.services.turns import Call, Turn
from chatbot_saas.services.wording import wording

log = get_logger(__name__)
FIRST_TOKEN_SECONDS = 8.5
"""From the question to the first word of any model; after that the passages answer, so that nobody waits 10 s."""
PATIENT_SECONDS = 45.0
"""The same where nobody waits."""
PREPARE_AFTER_SECONDS = 0.005
"""Once the model was asked, and long before it answers, the passages are read for the proof."""
OWNER_ERRORS = frozenset({"model_key_invalid", "model_not_found", "model_rate_limited", "model_bad_request"})
"""What only the owner can mend; shown on the bot's page until the model works again."""


class Voice:
    """What a model says, as far as it may be said."""

    def __init__(
        self, turn: Turn, links: LinkFilter, echo: RulesEcho, prover: Callable[[], Prover], *, strict: bool
    ) -> None:
        """`strict`: a sentence is said once it is whole and supported."""
        self._turn = turn
        self._echo = echo
        self._silenced = False
        self._links = links
        self._prover = prover
        self._gate = Gate(prover) if strict else None
        self._held = ""
        """What may still become the sign."""
        self._said = False
        self.heard = False

    def feed(self, text: str) -> None:
        self.heard = True
        self._silenced = self._silenced or self._echo.heard(text)
        if self._silenced:
            self._turn.trace["silenced"] = True
            return
        if not self._said:
            text = self._held = self._held + text
            start = text.lstrip()
            if answering.NOT_IN_SOURCES.startswith(start[: len(answering.NOT_IN_SOURCES)]):
                return
            self._held, self._said = "", True
        self._say(self._links.feed(text))

    def finish(self) -> bool:
        """Say what was held back. False when the model said the sign, or nothing that may be said."""
        if self._silenced:
            return bool(self._turn.text.strip())
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
        if self._gate:
            self._turn.say(self._gate.feed(text))
            return
        self._turn.say(text)
        if MAY_END.search(self._turn.text):
            self._prover().follow(self._turn.text)


class Gate:
    """Lets whole sentences through, and of those that state something only the supported ones.

    What states nothing, such as a greeting, waits for a supported sentence: alone it would be no answer.
    """

    def __init__(self, prover: Callable[[], Prover]) -> None:
        self.withheld: list[str] = []
        self._prover = prover
        self._text = ""
        self._done = 0
        self._waiting = ""
        self._supported = False

    def feed(self, text: str) -> str:
        self._text += text
        return self._passed(final=False) if MAY_END.search(self._text, self._done) else ""

    def flush(self) -> str:
        passed = self._passed(final=True)
        return passed if self._supported or self.withheld else passed + self._waiting

    def _passed(self, *, final: bool) -> str:
        for start, end, states_something in sentences_of(self._text, final=final):
            if start < self._done:
                continue
            said, whole = self._text[start:end], self._text[self._done : end]
            self._done = end
            if states_something and not self._prover().sentence(said).supported:
                self.withheld.append(said)
                continue
            self._supported |= states_something
            self._waiting += whole
        passed, self._waiting = (self._waiting, "") if self._supported else ("", self._waiting)
        return passed


async def answer(rt: Runtime, turn: Turn, passages: list[Found], *, quotes: bool, held: bool = True) -> None:
    """Say the answer to the turn's question from these passages, and prove it.

    `held`: whether they seem to hold it; where they do not, they are not quoted when no model answers.
    """
    request = _request(rt, turn, passages)
    turn.trace["prompt"] = recorder.folded(request.messages, request.passages)
    prover = cache(lambda: Prover(passages, turn.asked, turn.language))
    asyncio.get_running_loop().call_later(PREPARE_AFTER_SECONDS, prover)
    answered = await _ask_models(rt, turn, request, prover, quotes=quotes)
    if answered is None and held:
        answered = await _quote(rt, turn, request, away=not quotes)
    elif answered is None and not turn.text:  # nobody looked: that the sources do not hold it would be untrue
        _ask_for_message(turn)
    if turn.tool_calls:
        turn.trace["tool_calls"] = [asdict(call) | {"index": at} for at, call in sorted(turn.tool_calls.items())]
        turn.answered = True
        return
    if not answered:
        if not turn.text:
            refuse(turn)
        return
    proof = prover().prove(turn.text)
    turn.answered, turn.sources, turn.proof = True, stored_sources(proof), proof.sentences


async def stand_alone(rt: Runtime, turn: Turn) -> None:
    """Write the question so that it can be understood without what was said before."""
    begun = time.monotonic()
    try:
        candidate = _candidates(rt, turn)[0]
    except ModelKeyInvalidError:
        candidate = Candidate(turn.bot.model)
    found = await standalone.standalone(rt.model, candidate, turn.question, turn.history, turn.language)
    turn.asked, turn.rewritten = found.text, found.rewritten and found.complete
    turn.trace |= {"standalone": found.text, "standalone_ms": turn.milliseconds(begun)}
    if found.attempt and found.attempt.usage:
        turn.calls.append(_call(found.attempt, found.attempt.usage, "standalone"))


def refuse(turn: Turn) -> None:
    """Say that the sources do not hold it, in the owner's words if there are any, and offer that a person answers."""
    turn.say(wording(turn.language).fallback(turn.bot.fallback_text))
    turn.answered, turn.leave_message = False, True


async def _ask_models(
    rt: Runtime, turn: Turn, request: ChatRequest, prover: Callable[[], Prover], *, quotes: bool
) -> bool | None:
    """Whether the sources hold it, as the first model says that answers; None when none did."""
    # what a tool returned is in no passage; whoever allows tools vouches for them
    strict = turn.bot.answer_mode == "strict" and not quotes and not (turn.given and turn.given.results)
    texts = _texts(request)
    echo = RulesEcho(rules(turn.bot.name, turn.bot.language), turn.bot.instructions, texts)
    links = LinkFilter(_allowed(turn), texts, turn.language)
    voice = Voice(turn, links, echo, prover, strict=strict)
    try:
        chain = _chain(rt, turn)
    except ModelKeyInvalidError as error:
        _note_failure(turn, error)
        return None
    try:
        async with aclosing(chain.stream(request)) as parts:
            async for part in parts:
                if isinstance(part, TextDelta):
                    if not voice.heard:
                        turn.mark("first_token")
                    voice.feed(part.text)
                elif isinstance(part, ToolDelta):
                    turn.call(part)
                else:
                    turn.live.ending = part.reason
    except ModelError as error:
        _note_failure(turn, error)
        return None
    finally:
        turn.calls += [_call(attempt, attempt.usage) for attempt in chain.attempts if attempt.usage]
    _tell_who(turn, chain, quotes=quotes)
    said = voice.finish()
    if turn.trace.get("silenced"):
        turn.live.ending = "content_filter"
    return said


def _note_failure(turn: Turn, error: ModelError) -> None:
    log.warning("model_failed", code=error.code, bot_id=str(turn.bot.id))
    turn.trace["fallback"] = error.code
    callers = error.code == ModelBadRequestError.code and turn.given and turn.given.tools  # their tools may be at fault
    turn.model_error = error.message if error.code in OWNER_ERRORS and not callers else None


def _chain(rt: Runtime, turn: Turn) -> FallbackChain:
    asked = _candidates(rt, turn)
    left = turn.started + (PATIENT_SECONDS if turn.patient else FIRST_TOKEN_SECONDS) - time.monotonic()
    return FallbackChain(rt.model, asked, asyncio.get_running_loop().time() + left)


def _candidates(rt: Runtime, turn: Turn) -> list[Candidate]:
    bot, own_key = turn.bot, _own_key(rt, turn)
    return candidates(rt.settings, model=bot.model, api_key=own_key, fallback_model=bot.fallback_model)


def _call(attempt: Attempt, usage: Usage, kind: str = "chat") -> Call:
    code = attempt.error.code if attempt.error else ""
    return Call(kind, usage, attempt.outcome, round(attempt.seconds * 1000, 1), code)


def _tell_who(turn: Turn, chain: FallbackChain, *, quotes: bool) -> None:
    """For the owner: which model answered, and what the first one said if that was another."""
    by = chain.answered_by
    first = chain.attempts[0].error if chain.attempts else None
    turn.trace["model"] = "extractive" if quotes else by.model if by else ""
    turn.model_error = ""
    if first:
        turn.trace["second_model"] = first.code
        turn.model_error = first.message if first.code in OWNER_ERRORS else None


async def _quote(rt: Runtime, turn: Turn, request: ChatRequest, *, away: bool) -> bool:
    """What was good enough to ask a model about is good enough to show, marked as what it is.

    `away`: a model should have answered. Of a bot without one nobody says that it cannot be reached.
    """
    links, quoted = LinkFilter(_allowed(turn), _texts(request), turn.language), ""
    begun = time.monotonic()
    async with aclosing(rt.fallback_model.stream(request)) as parts:
        async for part in parts:
            if isinstance(part, TextDelta):
                quoted += links.feed(part.text)
            elif isinstance(part, Finished):
                turn.calls.append(Call("chat", part.usage, "ok", turn.milliseconds(begun)))
    turn.trace["model"] = "extractive"
    quoted = f"{quoted}{links.flush()}".strip()
    if not quoted:
        _ask_for_message(turn)
        return False
    mark = f"{wording(turn.language).unavailable}\n\n" if away else ""
    turn.say(f"{_gap(turn)}{mark}{quoted}")
    turn.leave_message = away
    return True


def _ask_for_message(turn: Turn) -> None:
    """Nothing can be said of it now, so a person is to answer."""
    turn.say(f"{_gap(turn)}{wording(turn.language).leave_message}")
    turn.leave_message = True


def _gap(turn: Turn) -> str:
    return "\n\n" if turn.text else ""


def _texts(request: ChatRequest) -> str:
    return "\n".join(passage.text for passage in request.passages)


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
    bot, given = turn.bot, turn.given
    numbered = answering.numbered(passages)
    # a question that was rewritten needs no history, so its answer depends on nothing else
    question = turn.asked if turn.rewritten else turn.question
    return ChatRequest(
        model=bot.model or rt.settings.openai_model,
        messages=answering.prompt(
            name=bot.name,
            instructions=bot.instructions,
            language=bot.language,
            passages=numbered,
            history=[] if turn.rewritten else turn.history,
            question=question,
            count=rt.tokens,
            partly=bot.answer_mode == "helpful",
            page=turn.page,
            given=given,
        ),
        question=turn.asked,  # for a model that quotes, which knows no history
        passages=numbered,
        temperature=bot.temperature,
        top_p=bot.top_p,
        max_tokens=bot.max_tokens,
        language=turn.language,
        tools=given.tools if given else (),
        tool_choice=given.tool_choice if given else None,
        parallel_tool_calls=given.parallel_tool_calls if given else None,
    )
