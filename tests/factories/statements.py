"""Counts SQL statements, so that a list that asks once for each of its rows is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from chatbot_saas.core.db import Plain

_counting: ContextVar[list[str] | None] = ContextVar("counting", default=None)
"""Seen by the tasks that the block begins, and not by the worker, which asks for itself meanwhile."""


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements that the block sends to any database, as they are sent."""
    sent: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if _counting.get() is sent:
            sent.append(statement)

    run = Plain.run

    async def run_plain(self: Plain, query: str, /, **values: Any) -> Any:
        record(None, None, query)
        return await run(self, query, **values)

    event.listen(Engine, "before_cursor_execute", record)
    Plain.run = run_plain
    token = _counting.set(sent)
    try:
        yield sent
    finally:
        _counting.reset(token)
        Plain.run = run
        event.remove(Engine, "before_cursor_execute", record)
