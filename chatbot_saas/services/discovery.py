"""Which pages a website has: by its sitemap and its links, before any of them is taken."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlsplit

from chatbot_saas.adapters.extraction import ExtractionError, WebPage
from chatbot_saas.adapters.processes import work_for
from chatbot_saas.adapters.web.failures import WebError
from chatbot_saas.adapters.web.traps import Variants, looks_endless
from chatbot_saas.adapters.web.urls import UrlRules, from_person, same_site
from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.sources import FoundPage, SiteOptions
from chatbot_saas.services.runtime import Runtime

PREVIEW_SECONDS = 60.0
PREVIEWS_PER_MINUTE = 20
PARALLEL = 4
"""Pages of one site under way at once; the host gets fewer, see adapters.web."""
PAGE_TYPES = ("text/html", "application/xhtml")
"""Beginnings of the media types that a page with links may have."""
_SITEMAP_ENDINGS = (".xml", ".xml.gz", ".gz")


@dataclass(slots=True)
class SiteRules:
    """Which addresses belong to a site as its owner wants it. Counts variants of a path, so one for each walk."""

    start: str
    options: SiteOptions
    _rules: UrlRules
    _variants: Variants

    @classmethod
    def of(cls, url: str, options: SiteOptions) -> "SiteRules":
        """Raises failures.AddressInvalidError."""
        rules = UrlRules(tuple(options.include), tuple(options.exclude))
        return cls(from_person(url), options, rules, Variants())

    @property
    def is_sitemap(self) -> bool:
        return urlsplit(self.start).path.lower().endswith(_SITEMAP_ENDINGS)

    def wants(self, url: str) -> bool:
        """Whether the page's text is wanted."""
        return self._rules.admits(url)

    def follows(self, url: str) -> bool:
        """Whether a link leads to a page that is looked at."""
        return same_site(url, self.start) and self.wants(url) and not looks_endless(url) and self._variants.admits(url)


async def sitemap_pages(rt: Runtime, rules: SiteRules) -> list[str]:
    """What the site's sitemap lists of it; nothing where there is none or it cannot be read."""
    try:
        entries = await rt.web.sitemap(rules.start, limit=rules.options.max_pages * 3)
    except WebError:
        if rules.is_sitemap:
            raise
        return []
    pages = [entry.url for entry in entries if same_site(entry.url, rules.start) and rules.wants(entry.url)]
    return pages[: rules.options.max_pages]


async def preview(rt: Runtime, principal: Tenant, url: str, options: SiteOptions) -> AsyncGenerator[FoundPage]:
    """The pages as they are found, the sitemap's first; at most `options.max_pages`, for at most a minute.

    Raises WebError where not even the first page can be read.
    """
    principal.require(Scope.SOURCES_WRITE)
    await rt.limiter.hit("preview", str(principal.tenant_id), PREVIEWS_PER_MINUTE)
    work_for(principal.tenant_id)
    rules = SiteRules.of(url, options)
    began = time.monotonic()
    seen: set[str] = set()
    for page in await sitemap_pages(rt, rules):
        if page not in seen:
            seen.add(page)
            yield FoundPage(url=page, title="", depth=1, via="sitemap")
    if rules.is_sitemap:
        return
    waiting: deque[tuple[str, int]] = deque([(rules.start, 0)])
    listed = set(seen)
    asked = {rules.start}
    first = True
    while waiting and len(seen) < options.max_pages and time.monotonic() - began < PREVIEW_SECONDS:
        batch = [waiting.popleft() for _ in range(min(PARALLEL, len(waiting)))]
        for (address, depth), page in zip(
            batch, await asyncio.gather(*(look(rt, address) for address, _ in batch)), strict=True
        ):
            if isinstance(page, DomainError):
                if first and not listed:
                    raise page
                continue
            first = False
            if address not in seen and rules.wants(address) and len(seen) < options.max_pages:
                seen.add(address)
                yield FoundPage(url=address, title=page.title[:300], depth=depth, via="link")
            if depth >= options.depth:
                continue
            for link in page.links:
                if link not in asked and link not in listed and rules.follows(link):
                    asked.add(link)
                    waiting.append((link, depth + 1))
        if listed and len(listed) >= 5:
            return  # a site that lists its pages means these


async def look(rt: Runtime, url: str) -> WebPage | DomainError:
    """The page at an address, or why there is none."""
    try:
        async with rt.web.fetch(url, accept=PAGE_TYPES) as fetched:
            return await rt.extractor.read_page(fetched.path, fetched.url, fetched.charset)
    except (WebError, ExtractionError) as error:
        return error
