"""Makes the answer of one turn: from a question to what is said, proved and stored.

A pair's own words come first, then what is due to a greeting, then an answer that was given before, then the passages:
they decide whether to answer, to ask back or to say that the sources do not hold it. How a model's answer is said is
in services.speaking, what is stored of it in services.keeping.

Takes the runtime instead of a session, because no session may be held across a call to a model: a turn is three short
transactions, of which services.chat makes the first.
"""

import asyncio
from collections.abc import Sequence

from chatbot_saas.adapters.llm import Message as PromptMessage
from chatbot_saas.core.tenancy import Visitor
from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services import (
    answer_cache,
    answerability,
    answering,
    intents,
    keeping,
    matching,
    next_questions,
    speaking,
)
from chatbot_saas.services.answer_cache import KeptAnswer
from chatbot_saas.services.attachment_passages import Wanted
from chatbot_saas.services.courtesies import COURTESY, Courtesy, courtesy
from chatbot_saas.services.followups import needs_context
from chatbot_saas.services.matching import Matched
from chatbot_saas.services.retrieval import Found, retrieve, spoken
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.turns import Turn
from chatbot_saas.services.wording import wording

EMBED_SECONDS = 3.0
PATIENT_EMBED_SECONDS = 20.0
"""Where nobody waits for the answer."""
SHORT_LANGUAGE = 4
"""Words: below, a question's language is taken from what was said before, if anything was."""


async def make_answer(rt: Runtime, turn: Turn) -> None:
    """Make the answer and store it, whatever happens on the way."""
    status = "failed"
    try:
        await _answer(rt, turn)
        wanted = WidgetSettings.of(turn.bot.widget)
        intents.offer(turn, wanted)
        if wanted.follow_ups:
            next_questions.suggest(turn)
        turn.mark("answered")
        status = "complete"
    except asyncio.CancelledError:
        if not turn.live.stopped:
            raise
        _break_off(turn)
        status = "complete" if turn.text else "stopped"
    finally:
        await _store(rt, turn, status)
    if turn.key:
        await keeping.keep_for_others(rt, turn, turn.key)
    turn.live.emit(
        "sources",
        sources=[citation.model_dump(mode="json") for citation in turn.citations],
        proof=[sentence.model_dump(mode="json") for sentence in turn.proof],
    )
    stopped = {"stopped": True} if turn.live.stopped else {}
    turn.live.emit("done", message_id=str(turn.answer_id), answered=turn.answered, **turn.offered, **stopped)


async def _store(rt: Runtime, turn: Turn, status: str) -> None:
    storing = asyncio.ensure_future(keeping.store(rt, turn, status))
    try:
        await asyncio.shield(storing)
    except asyncio.CancelledError:
        if not turn.live.stopped:
            raise
        # the visitor stopped it when all was said
        _go_on()
        await storing


def _go_on() -> None:
    """The task was cancelled for the visitor's sake; it ends by itself."""
    if task := asyncio.current_task():
        task.uncancel()


def _break_off(turn: Turn) -> None:
    """The visitor stopped it: what was said stays as it is, unproved."""
    _go_on()
    turn.trace["stopped"] = True
    turn.answered, turn.key = bool(turn.text), None
    turn.sources, turn.proof, turn.choices, turn.follow_ups, turn.leave_message = [], [], [], [], False


async def _answer(rt: Runtime, turn: Turn) -> None:
    if not turn.looked_up:
        turn.pair = await matching.find_exact(rt, turn.principal, turn.bot.id, turn.question)
    if turn.pair:
        _say_pair(turn, turn.pair)
        return
    if (said := courtesy(turn.question)) and _is_plain(turn):
        await _return(turn, said)
        return
    await _understand(rt, turn)
    key = answer_cache.key(rt, turn.bot, turn.asked, turn.language) if _may_be_kept(rt, turn) else None
    if key and (kept := await answer_cache.lookup(rt, key)):
        _say_again(turn, kept)
        return
    passages = await _retrieve(rt, turn)
    if turn.pair:
        _say_pair(turn, turn.pair)
        return
    await _decide(rt, turn, passages)
    turn.key = key


def _is_plain(turn: Turn) -> bool:
    """Whether nothing came with the question that its words may be about."""
    return not turn.attached and (turn.given is None or turn.given.only_history)


async def _return(turn: Turn, said: Courtesy) -> None:
    """A greeting for a greeting. One word is in too many languages for the detection, so its own count first."""
    await _tell_language(turn)
    if turn.bot.language == "auto" and turn.language not in said.languages:
        turn.language = said.languages[0]
    words = wording(turn.language)
    own = {"greeting": words.welcome(turn.bot.welcome_message), "thanks": words.thanks, "farewell": words.farewell}
    turn.say(own[said.kind])
    turn.answered = True
    turn.trace |= {"model": COURTESY}


def _may_be_kept(rt: Runtime, turn: Turn) -> bool:
    stands_alone = turn.rewritten or turn.asked == turn.question
    known = isinstance(turn.principal, Visitor) and bool(turn.principal.person)
    may = answer_cache.may_look(turn.asked, identified=known, stands_alone=stands_alone)
    return may and turn.reuse and not turn.page and not turn.files and rt.settings.answer_cache_seconds > 0


async def _understand(rt: Runtime, turn: Turn) -> None:
    """Which language is spoken, and what is asked once what was said before is taken into account."""
    await _tell_language(turn)
    turn.asked = turn.question
    if needs_context(turn.question, turn.history, turn.language):
        await speaking.stand_alone(rt, turn)


async def _tell_language(turn: Turn) -> None:
    known = turn.bot.language
    turn.language = known if known != "auto" else await spoken(_enough_to_tell(turn.question, turn.history))


def _enough_to_tell(question: str, history: Sequence[PromptMessage]) -> str:
    """The question, if it is short with the one before: two words may be of any language."""
    before = next((message.content for message in reversed(history) if message.role == "user"), "")
    return f"{before} {question}" if before and len(question.split()) < SHORT_LANGUAGE else question


async def _retrieve(rt: Runtime, turn: Turn) -> list[Found]:
    """The passages; and perhaps the question turns out to mean one that has an answer of its own."""
    bot = turn.bot
    seconds = PATIENT_EMBED_SECONDS if turn.patient else EMBED_SECONDS
    wanted = None
    if turn.files and turn.conversation_id:
        wanted = Wanted(turn.conversation_id, turn.attached, bot.passage_tokens // 2)
    found = await retrieve(
        rt, turn.principal, bot.index, turn.asked, limit=bot.passage_limit, embed_seconds=seconds, wanted=wanted
    )
    turn.retrieval = found
    if not turn.attached:  # with a file, the question is about that
        turn.pair = matching.by_meaning(turn.asked, found.pairs, bot.index, bot.qa_threshold)
    turn.mark("retrieved")
    return answering.within_budget(found.passages, bot.passage_tokens, whole=found.whole)


def _say_pair(turn: Turn, pair: Matched) -> None:
    turn.say(pair.answer)
    turn.answered, turn.sources, turn.proof = True, pair.stored(), pair.proof()
    turn.trace |= {"model": "pair", "pair": pair.trace()}


def _say_again(turn: Turn, kept: KeptAnswer) -> None:
    turn.kept = kept
    turn.say(kept.text)
    turn.answered, turn.sources, turn.proof = kept.answered, kept.citations, kept.proof
    turn.trace |= {"model": kept.model, "cached": {"saved_tokens": kept.saved_tokens}}


async def _decide(rt: Runtime, turn: Turn, passages: list[Found]) -> None:
    """Answer, ask back, or say that the sources do not hold it."""
    bot = turn.bot
    quotes = rt.model.quotes and not bot.model_key
    likely = turn.retrieval.answerability if turn.retrieval else 0.0
    decision = answerability.decide(likely, bot.answer_mode, passages, quotes=quotes)
    turn.trace |= {"probability": round(likely, 4), "decision": decision, "mode": bot.answer_mode}
    # a tool may hold what the passages do not
    tools = turn.given is not None and bool(turn.given.tools or turn.given.results) and not quotes
    # nor is a wish such as "sum it up" about words that a file holds: a model says itself when it cannot answer
    asked_anyway = tools or (turn.files and not quotes)
    if decision == "answer" or asked_anyway:
        turn.used = passages
        await speaking.answer(rt, turn, passages, quotes=quotes, held=decision == "answer")
    elif turn.attached and (names := _read(turn, passages)):
        turn.say(wording(turn.language).read_file.format(names))
        turn.trace["decision"] = "clarify"  # what is known of the file is asked back for, not denied
    elif decision == "clarify":
        turn.say(wording(turn.language).clarify)
        turn.choices = answerability.clarifications(passages)
    else:
        speaking.refuse(turn)


def _read(turn: Turn, passages: Sequence[Found]) -> str:
    """The names of the files that came with the question."""
    return ", ".join(dict.fromkeys(passage.title for passage in passages if passage.document_id in turn.attached))
