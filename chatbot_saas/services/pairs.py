"""Lists of questions with their answers, as people edit them: one at a time, or from a file.

A list is written as a whole, so each write names the version that it is based on. Two people who change different
questions both get their way, since the later one is applied again to what the earlier one left; of two who change the
same question the later one is told. Nobody's change is lost without a word.

Takes the runtime instead of a session: the lists are stored as blobs.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from chatbot_saas.adapters.processes import work_for
from chatbot_saas.core.errors import InvalidError, PreconditionFailedError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Source
from chatbot_saas.schemas.questions import ImportMode, PairChange, PairImport, PairList
from chatbot_saas.schemas.sources import MAX_PAIRS, QaSource, QuestionPair, SourcePatch, SourceRead
from chatbot_saas.services import bots, intake, pair_files, questions, sources
from chatbot_saas.services.pair_files import Line, PairFile
from chatbot_saas.services.runtime import Runtime

TRIES = 8
"""Of a change that others' changes of the same list keep coming before."""
CHANGES_TOLD = 100
DEFAULT_TITLE = "Questions and answers"


class PairChangedError(PreconditionFailedError):
    """Somebody else changed or deleted this question meanwhile. Look at it as it is now, then change it again."""


async def lists(rt: Runtime, principal: Tenant, bot_id: UUID) -> list[SourceRead]:
    """The bot's lists, oldest first."""
    principal.require(Scope.SOURCES_READ)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)
        query = select(Source).where(col(Source.bot_id) == bot_id, col(Source.type) == "qa").order_by(col(Source.id))
        return [sources.read(row) for row in (await session.scalars(query)).all()]


async def load(rt: Runtime, principal: Tenant, source_id: UUID) -> PairList:
    principal.require(Scope.SOURCES_READ)
    source, data = await intake.content(rt, principal, source_id, "qa")
    pairs = await asyncio.to_thread(questions.load, data)
    return PairList(source=sources.read(source), version=sources.content_version(source), pairs=pairs)


async def add(
    rt: Runtime, principal: Tenant, bot_id: UUID, source_id: UUID | None, pair: QuestionPair, *, at: int | None = None
) -> SourceRead:
    """Add a pair to a list (at its end, or where it stood before), or make the bot's first list of it."""
    if source_id is None:
        body = QaSource(type="qa", title=DEFAULT_TITLE, pairs=[pair])
        return await intake.add(rt, principal, bot_id, body)

    def added(pairs: list[QuestionPair]) -> list[QuestionPair]:
        _require_new(pairs, pair)
        if len(pairs) >= MAX_PAIRS:
            raise InvalidError(f"A list holds {MAX_PAIRS:,} questions at most.")
        place = len(pairs) if at is None else at
        return [*pairs[:place], pair, *pairs[place:]]

    return await _edit(rt, principal, source_id, added)


async def replace(
    rt: Runtime, principal: Tenant, source_id: UUID, before: QuestionPair, after: QuestionPair
) -> SourceRead:
    """Raises PairChangedError if `before` is not in the list any more."""

    def replaced(pairs: list[QuestionPair]) -> list[QuestionPair]:
        place = _place(pairs, before)
        _require_new([*pairs[:place], *pairs[place + 1 :]], after)
        return [*pairs[:place], after, *pairs[place + 1 :]]

    return await _edit(rt, principal, source_id, replaced)


async def remove(rt: Runtime, principal: Tenant, source_id: UUID, pair: QuestionPair) -> int:
    """Returns where it stood, for `add` to bring it back. Raises PairChangedError if it is not there as it was."""
    stood = 0

    def removed(pairs: list[QuestionPair]) -> list[QuestionPair]:
        nonlocal stood
        stood = _place(pairs, pair)
        return [*pairs[:stood], *pairs[stood + 1 :]]

    await _edit(rt, principal, source_id, removed)
    return stood


async def _edit(
    rt: Runtime, principal: Tenant, source_id: UUID, change: Callable[[list[QuestionPair]], list[QuestionPair]]
) -> SourceRead:
    """Apply a change to what the list holds now, again if somebody else's came first."""
    principal.require(Scope.SOURCES_WRITE)
    for _ in range(TRIES):
        known = await load(rt, principal, source_id)
        patch = SourcePatch(pairs=change(known.pairs))
        try:
            return await intake.change(rt, principal, source_id, patch, expected=known.version)
        except PreconditionFailedError:
            continue
    raise PreconditionFailedError("Others are changing this list right now. Try again in a moment.")


def _place(pairs: list[QuestionPair], wanted: QuestionPair) -> int:
    try:
        return pairs.index(wanted)
    except ValueError as error:
        raise PairChangedError from error


def _require_new(pairs: list[QuestionPair], pair: QuestionPair) -> None:
    wanted = questions.key(pair.question)
    if any(questions.key(known.question) == wanted for known in pairs):
        raise InvalidError("This question is in the list already. Change its answer there.", field="question")


# --- files


async def export(rt: Runtime, principal: Tenant, source_id: UUID) -> tuple[bytes, str]:
    """The file (see services.pair_files) and the list's version."""
    known = await load(rt, principal, source_id)
    return await asyncio.to_thread(pair_files.write, known.pairs), known.version


async def import_into(
    rt: Runtime,
    principal: Tenant,
    source_id: UUID,
    data: bytes,
    *,
    mode: ImportMode = "replace",
    preview: bool = False,
    expected: str | None = None,
) -> PairImport:
    """Take a CSV file into a list, wholly or not at all: instead of what it holds ("replace"), or beside that ("merge":
    a question that is there already gets the file's answer).

    Raises InvalidError with a line for each thing that is wrong, PreconditionFailedError if the list is not `expected`.
    """
    principal.require(Scope.SOURCES_WRITE)
    read = await _read(rt, principal, data)
    known = await load(rt, principal, source_id)
    if expected is not None and expected != known.version:
        raise PreconditionFailedError
    result, told = _merged(known.pairs, read.lines, mode)
    told = told.model_copy(update={"preview": preview, "version": known.version, "source": known.source})
    if preview or result == known.pairs:
        return told
    patch = SourcePatch(pairs=result)
    source = await intake.change(rt, principal, source_id, patch, expected=known.version)
    return told.model_copy(update={"source": source})


async def import_new(
    rt: Runtime, principal: Tenant, bot_id: UUID, data: bytes, *, title: str = DEFAULT_TITLE, preview: bool = False
) -> PairImport:
    """Make a new list of a CSV file."""
    principal.require(Scope.SOURCES_WRITE)
    read = await _read(rt, principal, data)
    result, told = _merged([], read.lines, "replace")
    told = told.model_copy(update={"preview": preview})
    if preview:
        return told
    source = await intake.add(rt, principal, bot_id, QaSource(type="qa", title=title, pairs=result))
    return told.model_copy(update={"source": source})


async def _read(rt: Runtime, principal: Tenant, data: bytes) -> PairFile:
    work_for(principal.tenant_id)
    file: PairFile = await rt.processes.run("chatbot_saas.services.pair_files:read", data, timeout=30)
    if file.problems:
        words = [f"Line {line:,}: {problem}" for line, problem in file.problems]
        more = f" And {len(words) - 1} more." if len(words) > 1 else ""
        problems = [{"line": line, "message": problem} for line, problem in file.problems]
        raise InvalidError(f"{words[0]}{more}", problems=problems)
    return file


def _merged(known: list[QuestionPair], lines: list[Line], mode: ImportMode) -> tuple[list[QuestionPair], PairImport]:
    """What the list becomes. What stays keeps its place; what is new comes after it in the file's order."""
    fresh = {questions.key(line.question): line for line in lines}
    kept: list[QuestionPair] = []
    changes: list[PairChange] = []
    unchanged = removed = replaced = 0
    for pair in known:
        line = fresh.pop(questions.key(pair.question), None)
        if line is None:
            removed += mode == "replace"
            kept += [pair] if mode == "merge" else []
        elif (line.question, line.answer) == (pair.question, pair.answer):
            unchanged += 1
            kept.append(pair)
        else:
            replaced += 1
            kept.append(QuestionPair(question=line.question, answer=line.answer))
            changes.append(_change(line, pair.answer))
    added = list(fresh.values())
    result = [*kept, *(QuestionPair(question=line.question, answer=line.answer) for line in added)]
    if len(result) > MAX_PAIRS:
        raise InvalidError(f"The list would have {len(result):,} questions; it holds {MAX_PAIRS:,} at most.")
    changes += [_change(line, "") for line in added]
    changes.sort(key=lambda change: change.line)
    return result, PairImport(
        preview=False,
        added=len(added),
        replaced=replaced,
        removed=removed,
        unchanged=unchanged,
        total=len(result),
        changes=changes[:CHANGES_TOLD],
        version="",
        source=None,
    )


def _change(line: Line, before: str) -> PairChange:
    return PairChange(line=line.number, question=line.question, answer=line.answer, before=before)
