"""A bot's knowledge has a version, raised by every change of what a question can find: answers are kept under it.

The version stands in the bot's row, and whoever changes the row keeps others from doing so until the end of the
transaction. So it is raised by the last statement of the transaction that makes the change: the row is locked for the
time that a commit takes, and always after sources, documents and the admission of jobs, or two could wait for each
other.
"""

from uuid import UUID

from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlmodel import col

from chatbot_saas.models import Bot

_CHANGED = "knowledge_changed"


def changed(session: AsyncSession, bot_id: UUID) -> None:
    """What questions to the bot can find is changed by this transaction."""
    session.info.setdefault(_CHANGED, set()).add(bot_id)


@event.listens_for(Session, "before_commit")
def _raise_versions(session: Session) -> None:
    bot_ids: set[UUID] = session.info.pop(_CHANGED, set())
    if not bot_ids:
        return
    session.flush()
    for bot_id in sorted(bot_ids):  # in one order, for transactions that change several
        raised = update(Bot).where(col(Bot.id) == bot_id).values(knowledge_version=col(Bot.knowledge_version) + 1)
        session.execute(raised.execution_options(synchronize_session=False))
