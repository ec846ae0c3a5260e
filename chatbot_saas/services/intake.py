"""Adds sources to a bot, and changes what they hold.

Takes the runtime instead of a session: blobs are written between two transactions. What a bot has already is not added
twice; the answer names the source that holds it.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.blobs import BlobNotFoundError
from chatbot_saas.adapters.web.urls import from_person
from chatbot_saas.core.errors import ConflictError, DomainError, InvalidError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Source
from chatbot_saas.schemas.sources import (
    QaSource,
    SiteOptions,
    SiteSource,
    SourcePatch,
    SourceRead,
    TextSource,
    UrlSource,
)
from chatbot_saas.services import audit, bots, deletion, questions, refreshing, runs, sources
from chatbot_saas.services.runtime import Runtime

TEXT_FILENAME = "text.txt"
READS = 8
"""Of a content that others' changes keep replacing while it is read."""
_OTHER_TYPE = {
    "text": "This source is not a text that was pasted.",
    "qa": "This source is not a list of questions and answers.",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file, on local disk until it is stored."""

    filename: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class PastedText:
    """What a source of type text holds. `version` is what a change of it is based on."""

    source: SourceRead
    version: str
    text: str


def clean_filename(name: str) -> str:
    """The last part of a path in any system's notation, without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:300] or "file"


async def add_files(rt: Runtime, principal: Tenant, bot_id: UUID, uploads: list[Upload]) -> list[SourceRead]:
    """Store files and start their ingestion.

    A file over the limit gets a row that says so, like every other file that cannot be used.
    """
    rows: list[tuple[Source, Path | None]] = []
    for upload in uploads:
        name = clean_filename(upload.filename)
        source = _new(principal, bot_id, "file", title=name, filename=name, size=upload.size)
        if upload.size > rt.settings.upload_max_bytes:
            limit = rt.settings.upload_max_bytes // (1024 * 1024)
            source.status, source.error_code = "failed", "file_too_large"
            source.error = f"The file is larger than {limit} MB. Split it, or save it without pictures."
            rows.append((source, None))
        else:
            source.sha256 = await asyncio.to_thread(digest, upload.path)
            rows.append((source, upload.path))
    return await _add(rt, principal, bot_id, rows)


async def add(
    rt: Runtime, principal: Tenant, bot_id: UUID, body: UrlSource | SiteSource | TextSource | QaSource
) -> SourceRead:
    if isinstance(body, UrlSource | SiteSource):
        return await _add_web(rt, principal, bot_id, body)
    if isinstance(body, TextSource):
        data = body.text.encode()
        source = _new(principal, bot_id, "text", title=body.title, filename=TEXT_FILENAME, size=len(data))
        source.sha256 = hashlib.sha256(f"{body.title}\x00".encode() + data).digest()
    else:
        data = questions.dump(body.pairs)
        source = _new(principal, bot_id, "qa", title=body.title, media_type=questions.MEDIA_TYPE, size=len(data))
    with TemporaryDirectory() as folder:
        path = await _on_disk(Path(folder), data)
        [added] = await _add(rt, principal, bot_id, [(source, path)])
    return added


async def _add_web(rt: Runtime, principal: Tenant, bot_id: UUID, body: UrlSource | SiteSource) -> SourceRead:
    """Whether the address may be reached is asked by the job, which says what is wrong with it."""
    url = from_person(body.url)
    source = _new(principal, bot_id, body.type, title=url[:300], url=url)
    chosen: dict[str, object] = {}
    if isinstance(body, SiteSource):
        chosen = {name: getattr(body, name) for name in SiteOptions.model_fields}
        chosen["urls"] = list(dict.fromkeys(from_person(address) for address in body.urls))
        source.options = chosen
    source.sha256 = hashlib.sha256(json.dumps([body.type, url, chosen], sort_keys=True).encode()).digest()
    refreshing.schedule(source, body.refresh)
    [added] = await _add(rt, principal, bot_id, [(source, None)])
    return added


def _new(principal: Tenant, bot_id: UUID, kind: str, **fields: object) -> Source:
    return Source(id=new_id(), tenant_id=principal.tenant_id, bot_id=bot_id, type=kind, **fields)  # pyright: ignore[reportArgumentType]


async def _add(
    rt: Runtime, principal: Tenant, bot_id: UUID, rows: list[tuple[Source, Path | None]]
) -> list[SourceRead]:
    """Store the blobs of the new ones (those with a path), then the rows with their jobs."""
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)
        known = await _copies(session, bot_id, rows)
    for source, path in rows:
        if path and source.sha256 not in known:
            source.blob_key = f"{deletion.blob_prefix(principal.tenant_id, bot_id)}{source.id}"
            await rt.blobs.put(source.blob_key, path)
    needless: list[str] = []  # after any other error the rows may be there after all: then the nightly sweep looks
    try:
        answers, needless = await _added(rt, principal, bot_id, rows)
    except DomainError:  # the bot was deleted meanwhile
        needless = [source.blob_key for source, _ in rows]
        raise
    finally:
        for key in filter(None, needless):
            await rt.blobs.delete(key)
    return answers


async def _added(
    rt: Runtime, principal: Tenant, bot_id: UUID, rows: list[tuple[Source, Path | None]]
) -> tuple[list[SourceRead], list[str]]:
    """The sources, copies named as such, and the blobs that nothing names."""
    needless: list[str] = []
    answers: list[SourceRead] = []
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)
        await runs.lock(session, f"sources:{bot_id}")  # of two same files at once, one waits and is the copy
        known = await _copies(session, bot_id, rows)
        for source, _ in rows:
            if source.sha256 and (original := known.get(source.sha256)):
                answers.append(sources.read(original).model_copy(update={"copy_of": original.id}))
                needless.append(source.blob_key)
                continue
            session.add(source)
            await session.flush()
            audit.record(
                session, principal, "source.create", source.id, bot_id=str(bot_id), type=source.type, title=source.title
            )
            if source.status == "queued":
                await runs.begin(session, rt, source, "add")
                if source.sha256:
                    known[source.sha256] = source
            await session.refresh(source, ["created_at", "updated_at"])
            answers.append(sources.read(source))
    return answers, needless


async def _copies(session: AsyncSession, bot_id: UUID, rows: list[tuple[Source, Path | None]]) -> dict[bytes, Source]:
    """What the bot has of these contents, by digest. What failed or was cancelled may be sent again."""
    digests = [source.sha256 for source, _ in rows if source.sha256]
    if not digests:
        return {}
    query = select(Source).where(
        col(Source.bot_id) == bot_id,
        col(Source.sha256).in_(digests),
        col(Source.status).not_in(("failed", "cancelled")),
    )
    return {source.sha256: source for source in (await session.scalars(query)).all() if source.sha256}


async def change(
    rt: Runtime, principal: Tenant, source_id: UUID, patch: SourcePatch, *, expected: str | None = None
) -> SourceRead:
    """Change a title, a schedule, or what a text or a list of questions holds; that is read again.

    `expected`: the `sources.content_version` that new content is based on; refused if somebody else wrote it meanwhile.
    """
    principal.require(Scope.SOURCES_WRITE)
    async with rt.db.tenant(principal) as session:
        source = await sources.load(session, principal, source_id)
    data = _new_content(source, patch)
    new_key = ""
    if data is not None:
        new_key = f"{deletion.blob_prefix(source.tenant_id, source.bot_id)}{new_id()}"
        with TemporaryDirectory() as folder:
            await rt.blobs.put(new_key, await _on_disk(Path(folder), data))
    needless = ""
    try:
        answer, needless = await _changed(rt, principal, source_id, patch, new_key, len(data or b""), expected)
    except DomainError:
        needless = new_key
        raise
    finally:
        if needless:
            await rt.blobs.delete(needless)
    return answer


async def _changed(
    rt: Runtime, principal: Tenant, source_id: UUID, patch: SourcePatch, new_key: str, size: int, expected: str | None
) -> tuple[SourceRead, str]:
    """The source, and the blob that nothing names any more. `new_key` is the new content's blob, if there is one."""
    sent = patch.model_fields_set
    old_key = ""
    async with rt.db.tenant(principal) as session:
        source = await sources.load(session, principal, source_id, lock=True)
        sources.require_content(source, expected)
        if "title" in sent:
            source.title = patch.title
        if "refresh" in sent:
            if not source.url:
                raise InvalidError("Only pages and websites are refreshed.", field="refresh")
            refreshing.schedule(source, patch.refresh)
        if new_key:
            old_key, source.blob_key, source.size = source.blob_key, new_key, size
            source.sha256 = None
        if new_key or ("title" in sent and source.type in ("text", "qa")):
            await runs.begin_again(session, rt, source, "reindex")
        audit.record(session, principal, "source.change", source.id, title=source.title, changed=sorted(sent))
        await session.flush()
        await session.refresh(source, ["updated_at"])
        return sources.read(source), old_key


def _new_content(source: Source, patch: SourcePatch) -> bytes | None:
    sent = patch.model_fields_set
    if "pairs" in sent:
        if source.type != "qa":
            raise InvalidError("Only sources of type qa have pairs.", field="pairs")
        return questions.dump(patch.pairs)
    if "text" in sent:
        if source.type != "text":
            raise InvalidError("Only sources of type text have a text of their own.", field="text")
        return patch.text.encode()
    return None


async def text_of(rt: Runtime, principal: Tenant, source_id: UUID) -> PastedText:
    """What was pasted, of a source of type text."""
    principal.require(Scope.SOURCES_READ)
    source, data = await content(rt, principal, source_id, "text")
    return PastedText(sources.read(source), sources.content_version(source), data.decode())


async def content(rt: Runtime, principal: Tenant, source_id: UUID, kind: str) -> tuple[Source, bytes]:
    """A source of type text or qa with what it holds. Raises ConflictError for one of another type."""
    for last in (*[False] * (READS - 1), True):
        async with rt.db.tenant(principal) as session:
            source = await sources.load(session, principal, source_id)
            if source.type != kind:
                raise ConflictError(_OTHER_TYPE[kind])
        try:
            async with rt.blobs.local_copy(source.blob_key) as path:
                return source, await asyncio.to_thread(path.read_bytes)
        except BlobNotFoundError:
            if last:
                raise
            continue  # written anew in between
    raise AssertionError("unreachable")


def digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


async def _on_disk(folder: Path, data: bytes) -> Path:
    path = folder / "content"
    await asyncio.to_thread(path.write_bytes, data)
    return path
