"""What happens in a tenant, as a stream that can be left and taken up again.

Triggers write the events in the transaction of the change itself: what is rolled back never happened, and no path can
forget to tell (docs/decisions/0019). They are told in the order of their transactions' ids, and none before all
transactions with a lower one have ended: what is not seen yet always comes after what was. So one place in the stream
says all that a reader has, and two processes agree on it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import delete
from sqlmodel import col

from chatbot_saas.core.errors import DomainError, ForbiddenError, TooManyRequestsError
from chatbot_saas.core.tenancy import Scope, System, Tenant
from chatbot_saas.models import EventRow
from chatbot_saas.schemas.events import EventList, EventRead, EventType
from chatbot_saas.services.runtime import Runtime

SCOPES: dict[EventType, Scope] = {
    "bot.changed": Scope.BOTS_READ,
    "bot.deleted": Scope.BOTS_READ,
    "test_run.finished": Scope.BOTS_READ,
    "source.status": Scope.SOURCES_READ,
    "source.deleted": Scope.SOURCES_READ,
    "job.progress": Scope.SOURCES_READ,
    "conversation.started": Scope.CONVERSATIONS_READ,
    "conversation.deleted": Scope.CONVERSATIONS_READ,
    "message.created": Scope.CONVERSATIONS_READ,
    "lead.created": Scope.LEADS_READ,
    "lead.deleted": Scope.LEADS_READ,
}
"""What a reader needs to be told of each."""
KEPT = timedelta(hours=1)
"""How long a reader may be away and miss nothing."""
MOST_STREAMS = 20
"""Of a tenant, in each process."""
BATCH = 100
HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 3.0
"""How often a stream asks whether its reader still may."""
PAUSE_SECONDS = 0.2
"""Until a stream reads again where a transaction under way holds back what has been committed."""
_READ = """
    SELECT now.oldest, e.id, e.number, e.transaction_id, e.type, e.data, e.created_at,
           EXISTS (SELECT 1 FROM events l WHERE l.tenant_id = %(tenant_id)s AND l.transaction_id >= now.oldest) AS later
    FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest) now
    LEFT JOIN LATERAL (
        SELECT id, number, transaction_id, type, data, created_at FROM events
        WHERE tenant_id = %(tenant_id)s AND (transaction_id, number) > (%(transaction_id)s, %(number)s)
          AND transaction_id < now.oldest AND type = ANY(%(types)s)
          AND (%(bot_ids)s::uuid[] IS NULL OR bot_id = ANY(%(bot_ids)s::uuid[]))
        ORDER BY transaction_id, number LIMIT %(limit)s
    ) e ON true
    ORDER BY e.transaction_id, e.number
    """
_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest"


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where somebody has read: all before `transaction_id`, and of that one all up to `number`."""

    transaction_id: int
    number: int
    seconds: int
    """When that was, since 1970."""

    def __str__(self) -> str:
        return f"{self.transaction_id}.{self.number}.{self.seconds}"

    @classmethod
    def of(cls, text: str) -> Self | None:
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            return None
        return cls(*map(int, parts))


@dataclass(frozen=True, slots=True)
class Told:
    """A part of the stream: an event; or `ready`, `reset` or `end`, which are about the stream itself; or, when nothing
    else came for a while, only where the stream is, without a type."""

    id: str
    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Read:
    events: list[EventRead]
    place: Place
    more: bool
    """There are further events, now or in a moment."""


async def list_events(rt: Runtime, principal: Tenant, after: str) -> EventList:
    """What happened after that id; without one, nothing but where the stream is now."""
    types = _types(principal)
    place, reset = await _start(rt, principal, after)
    if not after or reset:
        return EventList(items=[], last_id=str(place), reset=reset, more=False)
    read = await _read(rt, principal, types, place)
    return EventList(items=read.events, last_id=str(read.place), reset=False, more=read.more)


def follow(
    rt: Runtime, principal: Tenant, after: str, again: Callable[[], Coroutine[Any, Any, Tenant]]
) -> AsyncGenerator[list[Told]]:
    """The stream after that id, in batches as they come.

    `again` tells who reads, and raises once they may not any more. Raises ForbiddenError and TooManyRequestsError.
    """
    types = _types(principal)
    if rt.notices.watching(principal.tenant_id) >= MOST_STREAMS:
        raise TooManyRequestsError(f"This account has {MOST_STREAMS} open streams already.", retry_after=10)
    return _follow(rt, principal, types, after, again)


async def _follow(
    rt: Runtime, principal: Tenant, types: list[str], after: str, again: Callable[[], Coroutine[Any, Any, Tenant]]
) -> AsyncGenerator[list[Told]]:
    with rt.notices.watch(principal.tenant_id) as watch:
        # shielded, here and below: who leaves in the middle of a query would cost the pool a connection
        place, reset = await asyncio.shield(_start(rt, principal, after))
        yield [Told(str(place), "reset" if reset else "ready", {})]
        checked = told = time.monotonic()
        while not watch.closed:
            if time.monotonic() - checked >= RECHECK_SECONDS:
                try:
                    principal = await asyncio.shield(again())
                    types = _types(principal)
                except DomainError as error:
                    yield [Told(str(place), "end", {"code": error.code, "message": error.message})]
                    return
                checked = time.monotonic()
            read = await asyncio.shield(_read(rt, principal, types, place))
            place = read.place
            news = [Told(event.id, event.type, _told(event)) for event in read.events]
            if news or time.monotonic() - told >= HEARTBEAT_SECONDS:
                yield news or [Told(str(place), "", {})]
                told = time.monotonic()
            await watch.wait(PAUSE_SECONDS if read.more else RECHECK_SECONDS)


def _told(event: EventRead) -> dict[str, Any]:
    return {**event.data, "created_at": event.created_at.isoformat()}


def _types(principal: Tenant) -> list[str]:
    """What the reader may be told of. Raises ForbiddenError where that is nothing."""
    types = [kind for kind, scope in SCOPES.items() if scope in principal.scopes]
    if not types:
        needed = sorted({scope.value for scope in SCOPES.values()})
        raise ForbiddenError(f"This needs one of the rights {', '.join(needed)}.", required_scope=needed[0])
    return types


async def _start(rt: Runtime, principal: Tenant, after: str) -> tuple[Place, bool]:
    """Where to begin, and whether that is not where the reader left."""
    async with rt.db.tenant_plain(principal) as sql:
        oldest = (await sql.row(_NOW)).oldest
    now = int(time.time())
    here = Place(oldest, 0, now)
    if not after:
        return here, False
    place = Place.of(after)
    # of the future: of another database, or of this one before it was restored
    known = place is not None and place.transaction_id <= oldest and 0 <= now - place.seconds <= KEPT.total_seconds()
    return (place, False) if place and known else (here, True)


async def _read(rt: Runtime, principal: Tenant, types: Sequence[str], place: Place) -> _Read:
    bot_ids = list(principal.bot_ids) if principal.bot_ids is not None else None
    async with rt.db.tenant_plain(principal) as sql:
        rows = await sql.rows(
            _READ,
            tenant_id=principal.tenant_id,
            transaction_id=place.transaction_id,
            number=place.number,
            types=list(types),
            bot_ids=bot_ids,
            limit=BATCH,
        )
    events = [_event(row) for row in rows if row.id is not None]
    if len(events) == BATCH:
        return _Read(events, _place(rows[-1]), True)
    # all before the oldest transaction under way was read
    return _Read(events, Place(max(place.transaction_id, rows[0].oldest), 0, int(time.time())), rows[0].later)


def _place(row: Any) -> Place:
    return Place(row.transaction_id, row.number, int(row.created_at.timestamp()))


def _event(row: Any) -> EventRead:
    return EventRead(id=str(_place(row)), type=row.type, created_at=row.created_at, data=row.data)


async def forget_old(rt: Runtime) -> None:
    """What nobody can ask for any more goes; later than readers are told, as their transactions may have been long."""
    async with rt.db.platform(System("old events")) as session:
        await session.execute(delete(EventRow).where(col(EventRow.created_at) < datetime.now(UTC) - 2 * KEPT))
