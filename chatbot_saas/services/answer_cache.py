"""Finished answers, kept for ANSWER_CACHE_SECONDS, so that the same question does not cost a call to the model again.

An answer is kept under everything that it follows from: the tenant, the bot, the versions of its settings and of its
knowledge, the language, the operator's models, and the question as it stands alone. The versions are read with the
bot's row at every question, so whoever changes one asks under another key at once, in every process.

Gone means gone: `keep` looks again after it has written, and a deletion drops what is kept (services.proof) after its
rows have gone. Whichever comes second sees what the other did.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant, Visitor, tenant_for_job
from chatbot_saas.models import Bot
from chatbot_saas.schemas.base import Read
from chatbot_saas.schemas.chat import Citation, SentenceProof
from chatbot_saas.services.questions import folded
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
FORMAT = 1
"""Of what is kept; what another version of this program has written is not read."""
_STILL_SO = """
    SELECT 1 AS one FROM bots
    WHERE id = %(bot_id)s AND %(version)s IN (version, published_version) AND knowledge_version = %(knowledge)s
    AND EXISTS (SELECT 1 FROM messages WHERE id = %(answer_id)s)
    """


class _Bot(Protocol):
    """What is asked of a bot's row, or of a view of it."""

    @property
    def id(self) -> UUID: ...
    @property
    def tenant_id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def knowledge_version(self) -> int: ...
    @property
    def model_key(self) -> str | None: ...
    @property
    def allowed_origins(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class AnswerKey:
    bot_id: UUID
    version: int
    knowledge_version: int
    digest: str
    """Of the whole: in it the tenant is, too, and what must not be told by a key."""

    def __str__(self) -> str:
        return f"{_of_bot(self.bot_id)}{self.knowledge_version}:{self.version}:{self.digest}"


class KeptAnswer(Read):
    """An answer as it was finished. It names neither the question nor who asked."""

    format: int = FORMAT
    text: str
    answered: bool
    citations: list[dict[str, Any]]
    """As a message's `sources` are stored, with all that stands there beside a Citation's fields."""
    proof: list[SentenceProof] = []
    choices: list[str] = []
    model: str = ""
    provider: str = ""
    input_tokens: int = 0
    """What making it cost, and what giving it again saves."""
    output_tokens: int = 0

    @property
    def saved_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def cited(self) -> list[Citation]:
        names = set(Citation.model_fields)
        return [Citation(**{name: told[name] for name in told if name in names}) for told in self.citations]


def key(rt: Runtime, bot: _Bot, question: str, language: str = "") -> AnswerKey:
    """`question` must stand alone: never a follow-up as it was typed. `language`: the one to answer in."""
    parts: Sequence[object] = (
        bot.tenant_id,
        bot.id,
        bot.version,
        bot.knowledge_version,
        language,
        bool(bot.model_key),  # these two are never held back, so the version that answers may be older
        sorted(bot.allowed_origins),
        rt.settings.openai_model,
        rt.model.provider,
        rt.embedder.name,
        folded(question),
    )
    # NUL is in none of them: questions with it are refused, and folding leaves none
    digest = hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()
    return AnswerKey(bot.id, bot.version, bot.knowledge_version, digest)


def may_look(question: str, *, identified: bool, stands_alone: bool) -> bool:
    """Whether a kept answer may be given: not to a visitor who is known by name, whose answer may be about them, and
    not to a question that needs what was said before."""
    return stands_alone and not identified and bool(folded(question))


def may_keep(
    *,
    complete: bool,
    answered: bool,
    from_pair: bool = False,
    fallback: bool = False,
    clarifying: bool = False,
) -> bool:
    """Whether a finished answer may be given to others; asked after `may_look` for its question.

    Not one that failed or broke off, that a fallback gave because the model did not, or that asks back. A pair's costs
    nothing to make. An answer that the sources hold nothing is made anew: it costs little, and the owner may be adding
    what is missing right now.
    """
    return complete and answered and not (from_pair or fallback or clarifying)


async def lookup(rt: Runtime, key: AnswerKey) -> KeptAnswer | None:
    found = await rt.cache.get(str(key))
    if found is None:
        return None
    try:
        kept = KeptAnswer.model_validate_json(found)
    except ValidationError:
        kept = None
    if kept is None or kept.format != FORMAT:
        log.info("kept_answer_not_read", bot_id=str(key.bot_id))
        return None
    return kept


async def keep(rt: Runtime, principal: Tenant | Visitor, key: AnswerKey, entry: KeptAnswer, answer_id: UUID) -> None:
    """Keep it for a while, unless the bot, its knowledge or the answer's own row changed or went meanwhile.

    `answer_id`: its message, which must be stored. Takes the runtime: no session is held while the cache is asked.
    """
    await rt.cache.set(str(key), entry.model_dump_json().encode(), rt.settings.answer_cache_seconds)
    versions = {"version": key.version, "knowledge": key.knowledge_version}
    try:
        async with rt.db.tenant_plain(principal) as sql:
            still = await sql.row(_STILL_SO, bot_id=key.bot_id, answer_id=answer_id, **versions)
    except BaseException:
        await rt.cache.delete(str(key))
        raise
    if still is None:
        await rt.cache.delete(str(key))


async def drop(rt: Runtime, bot_ids: Collection[UUID]) -> int:
    """Forget every answer of these bots; how many there were. Raises UnavailableError."""
    return sum([await rt.cache.drop(_of_bot(bot_id)) for bot_id in bot_ids])


async def outdated(rt: Runtime, tenant_id: UUID, bot_ids: Collection[UUID]) -> int:
    """How many answers are kept that follow from what these bots no longer know, or of bots that are gone."""
    kept = {bot_id: await rt.cache.keys(_of_bot(bot_id)) for bot_id in bot_ids}
    if not any(kept.values()):
        return 0
    query = select(col(Bot.id), col(Bot.knowledge_version)).where(col(Bot.id).in_(bot_ids))
    async with rt.db.tenant(tenant_for_job(tenant_id)) as session:
        present = {row.id: row.knowledge_version for row in (await session.execute(query)).all()}
    return sum(
        bot_id not in present or int(name.split(":")[2]) < present[bot_id]
        for bot_id, names in kept.items()
        for name in names
    )


def _of_bot(bot_id: UUID) -> str:
    return f"answer:{bot_id}:"
