"""Takes the pages of a web source, one address or a whole site, and brings them up to date at each run.

What is known of each address is in `web_pages`, which is the list of what is still to visit, too: so a run goes on
where it was after a crash, and knows what a page said last time. Each page is stored in a transaction of its own.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.adapters.extraction import Extracted, ExtractionError, WebPage
from chatbot_saas.adapters.extraction.error_pages import is_error_page
from chatbot_saas.adapters.web import Fetched
from chatbot_saas.adapters.web.failures import PageGoneError, WebError
from chatbot_saas.adapters.web.urls import same_site
from chatbot_saas.core.errors import InvalidError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.models import Bot, Chunk, Document, Source
from chatbot_saas.models import WebPage as PageRow
from chatbot_saas.schemas.sources import SiteOptions
from chatbot_saas.services import deletion, knowledge, passages, runs
from chatbot_saas.services.discovery import PARALLEL, SiteRules, look, sitemap_pages
from chatbot_saas.services.preparing import Cut, Prepared
from chatbot_saas.services.refreshing import MOST_FAILURES
from chatbot_saas.services.runtime import Runtime

log = get_logger(__name__)
GRACE = timedelta(hours=24)
"""How long a page that has vanished is still answered from."""
MAX_LINKS = 500
DELETED = "deleted"
"""`error_code` of a page whose document its owner deleted: no run visits it again."""
_CRAWLED = (0.02, 0.3)
_REASONS = {
    "copy": "The same text is on another page of this site.",
    "canonical": "The page names another address as its own, which is read instead.",
    "elsewhere": "The page leads to another website.",
    "noindex": "The page asks not to be indexed (noindex).",
    "error_page": "The page says that it does not exist.",
    "no_text": "The page holds no text. It may be filled by a script.",
    "not_wanted": "The page does not match the patterns; only its links were followed.",
}


class NoPagesError(InvalidError):
    """No page with text was found there. Check the address in a browser, or widen the patterns and the depth."""

    code = "web_no_pages"


class PageFailedError(InvalidError):
    """What went wrong with the page that matters, in the words of whatever read it."""

    def __init__(self, page: PageRow) -> None:
        super().__init__(page.error)
        self.code = page.error_code


@dataclass(slots=True)
class _Visit:
    """What a visit to an address brought. `reason`: one of _REASONS, for a page whose text is not taken."""

    url: str
    title: str = ""
    etag: str = ""
    last_modified: str = ""
    links: list[str] = field(default_factory=list[str])
    prepared: Prepared | None = None
    sha256: bytes = b""
    reason: str = ""
    unchanged: bool = False
    error: WebError | ExtractionError | None = None


@dataclass(slots=True)
class _Walk:
    rt: Runtime
    principal: Tenant
    source: Source
    cut: Cut
    rules: SiteRules
    known: int = 1
    visited: int = 0
    changed: bool = False
    _probes: dict[str, WebPage | None] = field(default_factory=dict[str, WebPage | None])
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def crawls(self) -> bool:
        """Whether links are followed."""
        return self.source.type == "site" and not self.rules.options.urls

    @property
    def most(self) -> int:
        """Addresses that the source may have."""
        options = self.rules.options
        return 1 if self.source.type == "url" else 2 * len(options.urls) or options.max_pages

    @property
    def progress(self) -> float:
        return _CRAWLED[0] + (_CRAWLED[1] - _CRAWLED[0]) * self.visited / max(1, self.known)

    async def probe(self, url: str) -> WebPage | None:
        """What the host says of an address that cannot exist, if it says so with a page; asked once a run."""
        host = urlsplit(url).netloc
        async with self._probing:
            if host not in self._probes:
                page = await look(self.rt, urljoin(url, f"/{secrets.token_hex(12)}"))
                self._probes[host] = page if isinstance(page, WebPage) else None
        return self._probes[host]


async def take_pages(rt: Runtime, principal: Tenant, source: Source, cut: Cut) -> bool:
    """Visit every page of this run and store what they hold; False if nothing changed, and the run has ended ready.

    Raises PageFailedError or NoPagesError where there is no text at all.
    """
    rules = SiteRules.of(source.url, SiteOptions(**source.options) if source.options else SiteOptions())
    walk = _Walk(rt, principal, source, cut, rules)
    await _begin(walk)
    while batch := await _waiting(walk):
        try:
            async with asyncio.TaskGroup() as group:
                for row in batch:
                    group.create_task(_take(walk, row))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures
    return await _finish(walk)


async def _begin(walk: _Walk) -> None:
    """Write down where this run starts. What earlier runs found is visited again."""
    options, source = walk.rules.options, walk.source
    found: dict[str, int] = {}
    if source.type == "url" or not options.urls:
        found[walk.rules.start] = 0
    if walk.crawls:
        listed = await sitemap_pages(walk.rt, walk.rules)
        if walk.rules.is_sitemap:
            del found[walk.rules.start]
        found |= {url: 1 for url in listed if url not in found}
    found |= dict.fromkeys(options.urls, 0)
    async with walk.rt.db.tenant(walk.principal) as session:
        await runs.own(session, source.id, source.run, "extracting", walk.progress)
        await _note(session, walk, list(found.items()))


async def _note(session: AsyncSession, walk: _Walk, found: list[tuple[str, int]]) -> None:
    """Add addresses (with their depths) that are not known yet, as far as the source may have more."""
    source = walk.source
    mine = col(PageRow.source_id) == source.id
    walk.known = await session.scalar(select(func.count()).where(mine)) or 0
    room = max(0, walk.most - walk.known)
    if not room or not found:
        return
    listed = select(col(PageRow.url)).where(mine, col(PageRow.url).in_([url for url, _ in found]))
    known = set((await session.scalars(listed)).all())
    fresh = [(url, depth) for url, depth in found if url not in known][:room]
    if not fresh:
        return
    rows = [
        PageRow(tenant_id=source.tenant_id, bot_id=source.bot_id, source_id=source.id, url=url, depth=depth).model_dump(
            exclude={"created_at", "updated_at"}
        )
        for url, depth in fresh
    ]
    await session.execute(insert(PageRow).values(rows).on_conflict_do_nothing())
    walk.known += len(fresh)


async def _waiting(walk: _Walk) -> list[PageRow]:
    """The next addresses that this run has not visited, nearest first. What failed too often is left alone."""
    source = walk.source
    async with walk.rt.db.tenant(walk.principal) as session:
        query = (
            select(PageRow)
            .where(
                col(PageRow.source_id) == source.id,
                col(PageRow.run) != source.run,
                col(PageRow.failures) < MOST_FAILURES,
                col(PageRow.error_code) != DELETED,
            )
            .order_by(col(PageRow.depth), col(PageRow.id))
            .limit(PARALLEL)
        )
        return list((await session.scalars(query)).all())


async def _take(walk: _Walk, row: PageRow) -> None:
    """Visit one address, with nothing locked, and store what came of it."""
    visit = await _visit(walk, row)
    source = walk.source
    async with walk.rt.db.tenant(walk.principal) as session:
        walk.visited += 1
        current, bot = await runs.own(session, source.id, source.run, "extracting", walk.progress)
        page = await session.get(PageRow, row.id, with_for_update=True)
        if page is None or page.run == source.run:
            return
        page.run, page.fetched_at = source.run, datetime.now(UTC)
        if visit.error:
            await _note_failure(session, walk, bot, page, visit.error)
            return
        page.failures, page.missing_since, page.error_code, page.error = 0, None, "", ""
        page.title = visit.title[:300] or page.title
        if not visit.unchanged:
            page.etag, page.last_modified, page.links = visit.etag, visit.last_modified, visit.links
        await _store(session, walk, current, bot, page, visit)
        if walk.crawls and page.depth < walk.rules.options.depth:
            links = [link for link in page.links if walk.rules.follows(link)]
            await _note(session, walk, [(link, page.depth + 1) for link in links])


async def _store(session: AsyncSession, walk: _Walk, source: Source, bot: Bot, page: PageRow, visit: _Visit) -> None:
    if visit.unchanged:
        page.status = "ready"
        return
    if visit.url != page.url and not visit.reason:
        taken = select(PageRow).where(col(PageRow.source_id) == source.id, col(PageRow.url) == visit.url)
        if await session.scalar(taken) is not None:
            visit.reason = "canonical"
        else:
            await _drop_document(session, walk, bot, page)
            page.url = visit.url
    if not visit.reason and visit.prepared:
        same = select(col(PageRow.id)).where(
            col(PageRow.source_id) == source.id,
            col(PageRow.sha256) == visit.sha256,
            col(PageRow.status) == "ready",
            col(PageRow.id) != page.id,
        )
        if await session.scalar(same.limit(1)) is not None:
            visit.reason = "copy"
    if visit.reason or not visit.prepared:
        await _drop_document(session, walk, bot, page)
        page.status, page.error_code = "skipped", visit.reason or "no_text"
        page.error = _REASONS[page.error_code]
        return
    page.status = "ready"
    if page.sha256 == visit.sha256:
        return
    await passages.store_document(session, walk.rt, source, bot, visit.prepared, url=page.url)
    page.sha256 = visit.sha256
    walk.changed = True


async def _note_failure(
    session: AsyncSession, walk: _Walk, bot: Bot, page: PageRow, error: WebError | ExtractionError
) -> None:
    """A page that fails keeps what is known of it; one that has vanished, for a time of grace."""
    page.failures += 1
    page.error_code, page.error = error.code, error.message
    if page.failures >= MOST_FAILURES:
        page.error += f" It failed {page.failures} times in a row and is left alone until you refresh by hand."
    if not isinstance(error, PageGoneError):
        page.status = "failed"
        return
    page.missing_since = page.missing_since or datetime.now(UTC)
    if page.sha256 is None or page.missing_since <= datetime.now(UTC) - GRACE:
        await _drop_document(session, walk, bot, page)
        page.status = "gone"


async def _drop_document(session: AsyncSession, walk: _Walk, bot: Bot, page: PageRow) -> None:
    """Forget what the page said."""
    page.sha256 = None
    document_id = passages.document_id(page.source_id, page.url)
    query = select(col(Chunk.id)).where(col(Chunk.document_id) == document_id)
    chunk_ids = list((await session.scalars(query)).all())
    dropped = await session.execute(delete(Document).where(col(Document.id) == document_id).returning(col(Document.id)))
    if dropped.first() is not None:
        walk.changed = True
        knowledge.changed(session, bot.id)
        await deletion.enqueue_vectors(session, walk.rt, bot, chunk_ids)


async def _finish(walk: _Walk) -> bool:
    source_id = walk.source.id
    async with walk.rt.db.tenant(walk.principal) as session:
        source, _ = await runs.own(session, source_id, walk.source.run, "embedding", _CRAWLED[1])
        await passages.count_chunks(session, source)
        start = select(PageRow).where(col(PageRow.source_id) == source_id).order_by(col(PageRow.depth), col(PageRow.id))
        first = await session.scalar(start.limit(1))
        if first and first.title and source.title in (source.url, source.url[:300], ""):
            source.title = first.title
        source.media_type = "text/html"
        if not source.chunks or source.type == "url":
            failed = start.where(col(PageRow.run) == source.run, col(PageRow.error_code) != "")
            if page := await session.scalar(failed.limit(1)):
                raise PageFailedError(page)
        if not source.chunks:
            raise NoPagesError
        if walk.changed or not await passages.indexed(session, walk.rt, source_id):
            return True
        await runs.end(session, walk.rt, source, "ready")
        return False


async def _visit(walk: _Walk, row: PageRow) -> _Visit:
    """Fetch and read an address; no session is open meanwhile."""
    etag, last_modified = (row.etag, row.last_modified) if row.sha256 else ("", "")
    try:
        async with walk.rt.web.fetch(row.url, etag=etag, last_modified=last_modified) as fetched:
            if not fetched.modified:
                return _Visit(row.url, unchanged=True)
            if not fetched.is_page:
                extracted = await walk.rt.extractor.extract(fetched.path, fetched.filename)
                visit = _Visit(row.url, extracted.title, fetched.etag, fetched.last_modified)
                visit.reason = _elsewhere(walk, fetched)
                return await _prepared(walk, visit, extracted)
            page = await walk.rt.extractor.read_page(fetched.path, fetched.url, fetched.charset)
            return await _read(walk, fetched, page)
    except (WebError, ExtractionError) as error:
        return _Visit(row.url, error=error)


async def _read(walk: _Walk, fetched: Fetched, page: WebPage) -> _Visit:
    visit = _Visit(_address(page, fetched.url), page.title, fetched.etag, fetched.last_modified)
    visit.links = [] if page.nofollow else list(page.links[:MAX_LINKS])
    visit.reason = _elsewhere(walk, fetched)
    if not visit.reason and walk.crawls and not walk.rules.wants(visit.url):
        visit.reason = "not_wanted"
    if not visit.reason and walk.crawls and (page.noindex or "noindex" in fetched.robots):
        visit.reason = "noindex"
    if not visit.reason and page.extracted is None:
        visit.reason = "no_text"
    if not visit.reason and is_error_page(page, await walk.probe(fetched.url) if walk.crawls else None):
        visit.reason = "error_page"
    return await _prepared(walk, visit, page.extracted)


async def _prepared(walk: _Walk, visit: _Visit, extracted: Extracted | None) -> _Visit:
    if extracted and not visit.reason:
        visit.sha256 = hashlib.sha256(f"{extracted.title}\x00{extracted.text}".encode()).digest()
        visit.prepared = await passages.prepare(walk.rt, extracted, walk.cut)
    return visit


def _elsewhere(walk: _Walk, fetched: Fetched) -> str:
    return "elsewhere" if walk.crawls and not same_site(fetched.url, walk.rules.start) else ""


def _address(page: WebPage, url: str) -> str:
    """The address that the page calls its own; a site whose every page names the first one is not believed."""
    if not page.canonical or (urlsplit(page.canonical).path in ("", "/") and urlsplit(url).path not in ("", "/")):
        return url
    return page.canonical
