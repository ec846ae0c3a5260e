"""From a website's address to a bot: what the website says of itself, and the bot that is made of it.

Takes the runtime instead of a session: nothing is written before `make`, and pages are fetched without one.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from chatbot_saas.adapters.extraction import ExtractionError, WebPage
from chatbot_saas.adapters.extraction.site import READER, SiteFacts
from chatbot_saas.adapters.llm.languages import guess_language
from chatbot_saas.adapters.pictures import PictureUnreadableError, SmallPicture, small_picture
from chatbot_saas.adapters.processes import JobCrashedError, JobFailedError, JobMemoryError, JobTimeoutError, work_for
from chatbot_saas.adapters.web.failures import TlsError, UnreachableError, WebError
from chatbot_saas.adapters.web.urls import from_person, normalise
from chatbot_saas.core import colours, pictures
from chatbot_saas.core.errors import InvalidError
from chatbot_saas.core.origins import normal_origin
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import Bot, Source
from chatbot_saas.models import WebPage as PageRow
from chatbot_saas.schemas.bots import LANGUAGES, BotCreate
from chatbot_saas.schemas.onboarding import MAX_PAGES, ReadingProgress, SiteProfile, WebsiteBot
from chatbot_saas.schemas.sources import FoundPage, SiteOptions, SiteSource
from chatbot_saas.services import bots, discovery, intake, site_names
from chatbot_saas.services.discovery import SiteRules
from chatbot_saas.services.phrases import phrases
from chatbot_saas.services.runtime import Runtime

LOOKS_PER_MINUTE = 20
LOOK_SECONDS = 25.0
"""For finding pages; what is not found by then is found by the reading."""
SAMPLES = 3
"""Pages besides the first one that are read for their titles and to see whether there is text."""
MAX_DESCRIPTION = 300
_EVERY = 0.25  # seconds between two accounts of the pages found
_MANIFESTS = ("application/manifest+json", "application/json", "text/json", "application/x-web-app-manifest+json")
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/x-icon", "image/vnd.microsoft.icon")
_MANIFEST_BYTES = 200 * 1024
_ICON_BYTES = 512 * 1024
_ICON_SECONDS = 8.0
_MOST_ICONS = 5
_USUAL_ICONS = ("/apple-touch-icon.png", "/favicon.ico")
_READ_SECONDS = 30.0


class NoTextOnSiteError(InvalidError):
    """The pages of this website hold no text of their own: scripts fill them in the browser. Upload documents instead,
    or paste the text."""

    code = "site_no_text"


@dataclass(slots=True)
class _Look:
    """What was read so far."""

    page: WebPage
    titles: list[str]
    organisation: str
    manifest: str
    """Its address."""
    manifest_name: str = ""
    colours: list[str] = field(default_factory=list[str])
    icons: list[str] = field(default_factory=list[str])
    has_text: bool = False

    @property
    def name(self) -> str:
        page = self.page
        return site_names.site_name(page.site_name, self.titles, self.organisation, self.manifest_name, page.url)


async def look(rt: Runtime, principal: Tenant, url: str) -> AsyncGenerator[SiteProfile]:
    """The profile of the website at `url`, each time that more is known of it; the last one's step is "done".

    Nothing is stored. Raises WebError or ExtractionError where the first page cannot be read, NoTextOnSiteError.
    """
    principal.require(Scope.BOTS_WRITE)
    principal.require(Scope.SOURCES_WRITE)
    await rt.limiter.hit("look", str(principal.tenant_id), LOOKS_PER_MINUTE)
    work_for(principal.tenant_id)
    yield SiteProfile()
    found, start = await _first_page(rt, url)
    page = found.page
    profile = SiteProfile(
        url=start,
        name=found.name,
        description=site_names.plain(page.description, MAX_DESCRIPTION),
        language=_language(page),
        color=_colour(found),
        step="appearance",
    )
    yield profile
    await _read_manifest(rt, found)
    icon = await _icon(rt, found)
    profile = profile.model_copy(
        update={
            "name": found.name,
            "color": _colour(found, icon),
            "icon": _address(icon),
            "step": "pages",
        }
    )
    yield profile
    pages: list[FoundPage] = []
    async with aclosing(_pages(rt, principal, start)) as finding:
        async for pages in finding:
            yield profile.model_copy(update={"pages": pages})
    await _read_samples(rt, found, pages)
    if not found.has_text:
        raise NoTextOnSiteError
    yield profile.model_copy(update={"pages": pages, "name": found.name, "step": "done"})


async def profile(rt: Runtime, principal: Tenant, url: str) -> SiteProfile:
    """`look`, to its end."""
    found = SiteProfile()
    async for known in look(rt, principal, url):
        found = known
    return found


def suggestions(profile: SiteProfile) -> WebsiteBot:
    """The bot that fits the website, for its owner to review."""
    say = phrases(profile.language)
    name = say.assistant.format(name=profile.name)
    return WebsiteBot(
        url=profile.url,
        name=name if len(name) <= 80 else profile.name,
        description=profile.description,
        welcome_message=say.welcome.format(name=profile.name),
        fallback_text=say.fallback,
        language=profile.language,
        color=profile.color or "#4f46e5",
        icon=profile.icon,
    )


async def make(rt: Runtime, principal: Tenant, bot_id: UUID, body: WebsiteBot) -> None:
    """Make the bot and begin to read its website. Again with the same id: nothing is made twice."""
    origin = normal_origin("/".join(from_person(body.url).split("/", 3)[:3]))
    request = BotCreate(allowed_origins=_both(origin), **body.model_dump(exclude={"url", "urls", "refresh"}))
    try:
        async with rt.db.tenant(principal) as session:
            if await session.get(Bot, bot_id) is None:
                await bots.create(session, principal, request, bot_id=bot_id)
    except IntegrityError:
        pass  # the other of two clicks made it at the same instant
    source = SiteSource(type="site", url=body.url, max_pages=MAX_PAGES, urls=body.urls, refresh=body.refresh)
    await intake.add(rt, principal, bot_id, source)


async def reading(rt: Runtime, principal: Tenant, bot_id: UUID) -> ReadingProgress:
    """How far the reading of the bot's first website is."""
    principal.require(Scope.SOURCES_READ)
    async with rt.db.tenant(principal) as session:
        await bots.load(session, principal, bot_id)
        query = select(Source).where(col(Source.bot_id) == bot_id, col(Source.type) == "site")
        source = await session.scalar(query.order_by(col(Source.id)).limit(1))
        if source is None:
            return ReadingProgress()
        mine = col(PageRow.source_id) == source.id
        visited = col(PageRow.fetched_at).is_not(None)
        taken = col(PageRow.status) == "ready"
        counted = select(func.count(), func.count().filter(visited), func.count().filter(taken)).where(mine)
        known, been, ready = (await session.execute(counted)).one()
        newest = select(col(PageRow.title)).where(mine, visited, col(PageRow.title) != "")
        titles = await session.scalars(newest.order_by(col(PageRow.fetched_at).desc()).limit(3))
        return ReadingProgress(
            source_id=str(source.id),
            title=source.title,
            status=source.status,  # pyright: ignore[reportArgumentType]
            progress=source.progress,
            pages=been,
            ready=ready,
            known=known,
            passages=source.chunks,
            error=source.error,
            newest=list(titles.all()),
        )


def _both(origin: str) -> list[str]:
    """With and without "www.": browsers tell them apart, their owners rarely do."""
    scheme, _, host = origin.partition("://")
    if host.startswith("www."):
        return [origin, f"{scheme}://{host.removeprefix('www.')}"]
    name = host.partition(":")[0]
    return [origin, f"{scheme}://www.{host}"] if name.count(".") == 1 and not name.endswith(".") else [origin]


async def _first_page(rt: Runtime, url: str) -> tuple[_Look, str]:
    """The website's page, and the address from which its pages are looked for."""
    address = from_person(url)
    if SiteRules.of(address, SiteOptions()).is_sitemap:
        found = await _read(rt, urljoin(address, "/"))
        return found, address
    try:
        found = await _read(rt, address)
    except (UnreachableError, TlsError):
        if "://" in url or not address.startswith("https:"):
            raise
        found = await _read(rt, "http" + address.removeprefix("https"))  # nobody said that it has TLS
    return found, found.page.url


async def _read(rt: Runtime, url: str) -> _Look:
    """A page with what it says of its site."""
    async with rt.web.fetch(url, accept=discovery.PAGE_TYPES) as fetched:
        page, facts = await asyncio.gather(
            rt.extractor.read_page(fetched.path, fetched.url, fetched.charset),
            _facts(rt, str(fetched.path), fetched.url, fetched.charset),
        )
    return _Look(
        page=page,
        titles=[facts.title] if facts.title else [],
        organisation=facts.organisation,
        colours=[page.colour] if page.colour else [],
        icons=[*page.icons, *(normalise(place, page.url) for place in _USUAL_ICONS)],
        manifest=facts.manifest,
        has_text=page.extracted is not None,
    )


async def _facts(rt: Runtime, path: str, url: str, charset: str) -> SiteFacts:
    try:
        facts = await rt.processes.run(READER, path, url, charset, timeout=_READ_SECONDS)
    except (ExtractionError, JobTimeoutError, JobMemoryError, JobCrashedError, JobFailedError):
        return SiteFacts("", "", "")  # the page's own reader says what is wrong with it
    return facts if isinstance(facts, SiteFacts) else SiteFacts("", "", "")


def _language(page: WebPage) -> str:
    said = page.language.partition("-")[0]
    if said:
        return said if said in LANGUAGES else "auto"
    text = page.extracted.text[:4000] if page.extracted else ""
    letters = [character for character in text if character.isalpha()]
    guess = guess_language(text)
    latin = sum(character < "\u0250" for character in letters)
    known = guess in ("ja", "zh") or latin * 2 > len(letters)
    return guess if known and len(letters) >= 200 and guess in LANGUAGES else "auto"


def _colour(found: _Look, icon: SmallPicture | None = None) -> str:
    """The website's own, so dark that white text can be read on it; empty where it has none that tells."""
    told = colours.telling([*found.colours, icon.colour if icon else ""])
    return colours.readable(told) if told else ""


async def _read_manifest(rt: Runtime, found: _Look) -> None:
    """Add the web app manifest's name, colour and icons, if there is one that can be read."""
    if not found.manifest:
        return
    try:
        async with rt.web.fetch(found.manifest, max_bytes=_MANIFEST_BYTES, accept=_MANIFESTS) as fetched:
            said = json.loads(await asyncio.to_thread(fetched.path.read_bytes))
            base = fetched.url
    except (WebError, ValueError, RecursionError):
        return
    if not isinstance(said, dict):
        return
    manifest = cast(dict[str, Any], said)
    names = (manifest.get(key) for key in ("name", "short_name"))
    found.manifest_name = next((name for name in names if isinstance(name, str) and name.strip()), "")[:200]
    if isinstance(theme := manifest.get("theme_color"), str):
        found.colours.append(theme.strip().lower())
    icons: Any = manifest.get("icons")
    entries = cast(list[Any], icons)[:_MOST_ICONS] if isinstance(icons, list) else []
    sources = (cast(dict[str, Any], entry).get("src") for entry in entries if isinstance(entry, dict))
    added = [normalise(source, base) for source in sources if isinstance(source, str)]
    found.icons[-len(_USUAL_ICONS) : -len(_USUAL_ICONS)] = added


async def _icon(rt: Runtime, found: _Look) -> SmallPicture | None:
    """The best picture that can be had; SVG is passed over, because it can hold scripts."""
    wanted = [address for address in dict.fromkeys(found.icons) if address and not address.lower().endswith(".svg")]
    for address in wanted[:_MOST_ICONS]:
        try:
            async with (
                asyncio.timeout(_ICON_SECONDS),
                rt.web.fetch(address, max_bytes=_ICON_BYTES, accept=_PICTURES) as fetched,
            ):
                return await small_picture(rt.processes, fetched.path)
        except (WebError, PictureUnreadableError, TimeoutError):
            continue
    return None


def _address(icon: SmallPicture | None) -> str:
    known = pictures.picture(icon.png) if icon else None
    return known.address if known else ""


async def _pages(rt: Runtime, principal: Tenant, start: str) -> AsyncGenerator[list[FoundPage]]:
    """The pages found so far, a few times a second, and all of them at the end."""
    found: list[FoundPage] = []
    told = began = time.monotonic()
    async with aclosing(discovery.preview(rt, principal, start, SiteOptions(max_pages=MAX_PAGES))) as preview:
        async for page in preview:
            found.append(page)
            if time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                yield list(found)
            if time.monotonic() - began >= LOOK_SECONDS:
                break
    yield found


async def _read_samples(rt: Runtime, found: _Look, pages: list[FoundPage]) -> None:
    """Read a few other pages: their titles share the site's name, and scripts may fill the first page only."""
    others = [page.url for page in pages if urlsplit(page.url).path != urlsplit(found.page.url).path]
    read = await asyncio.gather(*(_read(rt, url) for url in others[:SAMPLES]), return_exceptions=True)
    for sample in read:
        if isinstance(sample, _Look):
            found.titles += sample.titles
            found.organisation = found.organisation or sample.organisation
            found.has_text = found.has_text or sample.has_text
        elif not isinstance(sample, WebError | ExtractionError):
            raise sample
