"""Takes files that visitors give in a conversation, and reads them while the visitor waits.

Takes the runtime instead of a session: none is held while a file is read, stored or embedded. A file is stored before
its row is written, as a source's is: what nothing names any more is found by the nightly comparison.
"""

import asyncio
from dataclasses import replace
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.adapters.extraction.failures import FileTooMuchTextError, FileTooSlowError
from chatbot_saas.adapters.llm import ModelError
from chatbot_saas.adapters.processes import work_for
from chatbot_saas.adapters.vectors.exact import pack
from chatbot_saas.core.errors import DomainError, InvalidError, NotFoundError, TooLargeError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Visitor
from chatbot_saas.models import Attachment, AttachmentChunk, Bot
from chatbot_saas.schemas.attachments import AttachmentRead
from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services import attachment_passages, attachments, conversations, intake, passages, published, usage
from chatbot_saas.services.attachments import AttachmentsNotAllowedError
from chatbot_saas.services.intake import Upload
from chatbot_saas.services.preparing import Prepared
from chatbot_saas.services.runtime import Runtime

MAX_BYTES = 5 * 1024 * 1024
MOST_FILES = 10
"""Of one conversation."""
MOST_CHARACTERS = 500_000
"""Of one file, some 200 pages: all of it is embedded, and looked through for each question."""
READ_SECONDS = 45.0
"""How long a visitor waits for a file to be read."""
EMBED_SECONDS = 4.0
"""And for its first passages to be embedded; a job embeds the others."""


class TooManyAttachmentsError(InvalidError):
    """A conversation takes 10 files at most. Start a new one for more."""

    code = "too_many_attachments"


class NoTextToReadError(InvalidError):
    """No text was found in this file. Pictures and scans cannot be read."""

    code = "file_no_text"


async def require_allowed(rt: Runtime, visitor: Visitor) -> None:
    """Before a byte of a file is received: whether this visitor may give one now."""
    async with rt.db.tenant(visitor) as session:
        await _allowing(rt, visitor, session)
        await _require_room(session, visitor)


async def _allowing(rt: Runtime, visitor: Visitor, session: AsyncSession, *, lock: bool = False) -> Bot:
    """The bot as visitors get it. Raises AttachmentsNotAllowedError, and as `conversations.own_and_bot` does."""
    _, bot = await conversations.own_and_bot(rt, visitor, session, lock=lock)
    bot = await published.as_visitors_get_it(session, bot)
    if not WidgetSettings.of(bot.widget).attachments:
        raise AttachmentsNotAllowedError
    return bot


async def _require_room(session: AsyncSession, visitor: Visitor) -> None:
    mine = select(func.count()).where(col(Attachment.conversation_id) == visitor.conversation_id)
    if (await session.scalar(mine) or 0) >= MOST_FILES:
        raise TooManyAttachmentsError


async def add(rt: Runtime, visitor: Visitor, upload: Upload) -> AttachmentRead:
    """Read a file and keep it for a message. What waits already and holds the same is given again."""
    if upload.size > MAX_BYTES:
        raise TooLargeError(f"The file is larger than {MAX_BYTES // 2**20} MB.")
    sha256 = await asyncio.to_thread(intake.digest, upload.path)
    async with rt.db.tenant(visitor) as session:
        bot = await _allowing(rt, visitor, session)
        if known := await _waiting(session, visitor, sha256):
            return AttachmentRead.model_validate(known)
        await _require_room(session, visitor)
    name = intake.clean_filename(upload.filename)
    prepared = await _read(rt, bot, upload, name)
    file = Attachment(
        id=new_id(),
        tenant_id=visitor.tenant_id,
        bot_id=visitor.bot_id,
        conversation_id=visitor.conversation_id,
        name=name,
        media_type=prepared.media_type,
        size=upload.size,
        sha256=sha256,
        blob_key="",
        characters=len(prepared.text),
        tokens=sum(chunk.tokens for chunk in prepared.chunks),
        text=prepared.text,
        pages=prepared.pages,
    )
    prefix = attachments.blob_prefix(visitor.tenant_id, visitor.bot_id, visitor.conversation_id)
    file.blob_key = f"{prefix}{file.id}"
    embedded = await _first_vectors(rt, prepared)
    await rt.blobs.put(file.blob_key, upload.path)
    needless = ""  # after any other error the row may be there after all: then the nightly comparison looks
    try:
        kept = await _kept(rt, visitor, file, prepared, embedded)
        needless = file.blob_key if kept.id != file.id else ""
    except DomainError:  # the conversation, or its room, has gone meanwhile
        needless = file.blob_key
        raise
    finally:
        if needless:
            await rt.blobs.delete(needless)
    return kept


async def _read(rt: Runtime, bot: Bot, upload: Upload, name: str) -> Prepared:
    """Its text in passages, which are found by the file's name, too."""
    work_for(bot.tenant_id)
    try:
        async with asyncio.timeout(READ_SECONDS):
            extracted = await rt.extractor.extract(upload.path, name)
            if len(extracted.text) > MOST_CHARACTERS:
                raise FileTooMuchTextError
            prepared = await passages.prepare(rt, replace(extracted, title=name), passages.cut_of(bot))
    except TimeoutError as error:
        raise FileTooSlowError from error
    if not prepared.chunks:
        raise NoTextToReadError
    return prepared


async def _first_vectors(rt: Runtime, prepared: Prepared) -> Embedded | ModelError | TimeoutError:
    """Of as many passages as one call takes, which is all of most files: the first question comes at once."""
    texts = [chunk.text for chunk in prepared.chunks[: rt.embedder.batch_size]]
    try:
        async with asyncio.timeout(EMBED_SECONDS):
            return await rt.embedder.embed_documents(texts)
    except (ModelError, TimeoutError) as error:
        return error


async def _kept(
    rt: Runtime,
    visitor: Visitor,
    file: Attachment,
    prepared: Prepared,
    embedded: Embedded | ModelError | TimeoutError,
) -> AttachmentRead:
    """Write the rows; or, of two same files at once, give the other one."""
    async with rt.db.tenant(visitor) as session:
        await _allowing(rt, visitor, session, lock=True)  # of two files at once, one waits
        if isinstance(embedded, Embedded):
            usage.record_embedding(session, visitor.tenant_id, visitor.bot_id, embedded)
        else:
            usage.record_failed_embedding(session, visitor.tenant_id, visitor.bot_id, embedded, rt.embedder.name)
        if known := await _waiting(session, visitor, file.sha256):
            return AttachmentRead.model_validate(known)
        await _require_room(session, visitor)
        session.add(file)
        await session.flush()
        vectors = embedded.vectors if isinstance(embedded, Embedded) else []
        rows = [
            {
                "id": new_id(),
                "tenant_id": file.tenant_id,
                "bot_id": file.bot_id,
                "conversation_id": file.conversation_id,
                "attachment_id": file.id,
                **passages.columns_of(draft, search, prepared.pages),
                "embedding": pack(vectors[place]) if place < len(vectors) else None,
                "embedder": rt.embedder.name if place < len(vectors) else "",
            }
            for place, (draft, search) in enumerate(zip(prepared.chunks, prepared.search, strict=True))
        ]
        await session.execute(insert(AttachmentChunk), rows)
        if len(vectors) < len(rows):
            await attachment_passages.enqueue_embedding(session, rt, file)
        return AttachmentRead.model_validate(file)


async def _waiting(session: AsyncSession, visitor: Visitor, sha256: bytes) -> Attachment | None:
    query = select(Attachment).where(
        col(Attachment.conversation_id) == visitor.conversation_id,
        col(Attachment.sha256) == sha256,
        col(Attachment.message_id).is_(None),
    )
    return await session.scalar(query)


async def remove(rt: Runtime, visitor: Visitor, attachment_id: UUID) -> None:
    """Take a file back that was not sent yet."""
    gone = (
        delete(Attachment)
        .where(
            col(Attachment.id) == attachment_id,
            col(Attachment.conversation_id) == visitor.conversation_id,
            col(Attachment.message_id).is_(None),
        )
        .returning(col(Attachment.blob_key))
    )
    async with rt.db.tenant(visitor) as session:
        await conversations.own(rt, visitor, session)
        key = await session.scalar(gone.execution_options(synchronize_session=False))
    if key is None:
        raise NotFoundError("There is no such file, or it was sent already.")
    await rt.blobs.delete(key)
