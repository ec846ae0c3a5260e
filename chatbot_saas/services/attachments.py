"""The files of a conversation: which were sent with which message, their bytes for the owner, and those never sent.

How a visitor gives one is in services.attaching, how an answer is made from them in services.attachment_passages.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.errors import ForbiddenError, NotFoundError
from chatbot_saas.core.tenancy import Scope, System, Tenant
from chatbot_saas.models import Attachment
from chatbot_saas.schemas.attachments import SentFile
from chatbot_saas.schemas.chat import TranscriptMessage
from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services import deletion
from chatbot_saas.services.runtime import Runtime

UNSENT_FOR = timedelta(days=1)
"""How long a file waits to be sent."""
_BATCH = 500
_SYSTEM = System("files that were never sent")
Said = TypeVar("Said", bound=TranscriptMessage)


class AttachmentsNotAllowedError(ForbiddenError):
    """This chat takes no files."""

    code = "attachments_not_allowed"


class AttachmentNotFoundError(NotFoundError):
    """One of the files is not there any more, or was sent before. Add it again."""

    code = "attachment_not_found"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it was given."""

    name: str
    data: bytes


def blob_prefix(tenant_id: UUID, bot_id: UUID, conversation_id: UUID) -> str:
    """Where a conversation's files lie."""
    return f"{deletion.blob_prefix(tenant_id, bot_id)}conversations/{conversation_id}/"


def require_sent(widget: Mapping[str, Any], wanted: Sequence[UUID], sent: Sequence[object]) -> None:
    """Raises unless the bot takes files, and all that were wanted were there to be sent."""
    if not WidgetSettings.of(widget).attachments:
        raise AttachmentsNotAllowedError
    if len(sent) != len(wanted):
        raise AttachmentNotFoundError(field="attachments")


async def with_files(session: AsyncSession, conversation_id: UUID, messages: Iterable[Said]) -> list[Said]:
    """The messages of a conversation, each with the files that were sent with it."""
    query = (
        select(col(Attachment.message_id), col(Attachment.id), col(Attachment.name), col(Attachment.size))
        .where(col(Attachment.conversation_id) == conversation_id, col(Attachment.message_id).is_not(None))
        .order_by(col(Attachment.id))
    )
    files: dict[UUID | None, list[SentFile]] = {}
    for row in (await session.execute(query)).all():
        files.setdefault(row.message_id, []).append(SentFile.model_validate(row))
    return [
        message.model_copy(update={"attachments": files[message.id]}) if message.id in files else message
        for message in messages
    ]


async def download(rt: Runtime, principal: Tenant, conversation_id: UUID, attachment_id: UUID) -> Stored:
    """A file of a conversation. Takes the runtime: no session is held while it is read."""
    principal.require(Scope.CONVERSATIONS_READ)
    async with rt.db.tenant(principal) as session:
        found = await session.get(Attachment, attachment_id)
        if found is None or found.conversation_id != conversation_id:
            raise NotFoundError("There is no such file.")
        principal.require_bot(found.bot_id)
    async with rt.blobs.local_copy(found.blob_key) as path:
        return Stored(found.name, await asyncio.to_thread(path.read_bytes))


async def forget_unsent(rt: Runtime) -> int:
    """Remove what nobody sent in a day. Rows go first: a file that no row names is the nightly comparison's to find."""
    count = 0
    old = select(col(Attachment.id)).where(
        col(Attachment.message_id).is_(None), col(Attachment.created_at) < func.now() - UNSENT_FOR
    )
    while True:
        some = old.limit(_BATCH).with_for_update(skip_locked=True)
        async with rt.db.platform(_SYSTEM) as session:
            gone = delete(Attachment).where(col(Attachment.id).in_(some)).returning(col(Attachment.blob_key))
            keys = (await session.scalars(gone.execution_options(synchronize_session=False))).all()
        for key in keys:
            await rt.blobs.delete(key)
        count += len(keys)
        if len(keys) < _BATCH:
            return count
