"""Why a bot does not show on a page: looks at the page as it is served and tells the exact fix.

Scripts of the page are not run. What only a browser can tell is said to be unsure, never to be well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from chatbot_saas.adapters.extraction.embeds import READER, PageEmbeds, ScriptTag
from chatbot_saas.adapters.web import Fetched
from chatbot_saas.adapters.web.failures import WebError
from chatbot_saas.adapters.web.urls import from_person
from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.origins import is_local, normal_origin
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.embed import CheckName, EmbedCheck, EmbedReport
from chatbot_saas.services import bots, content_policy
from chatbot_saas.services.discovery import PAGE_TYPES
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.services.snippets import Place

MAX_BYTES = 5 * 1024 * 1024
_READ_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Page:
    """What was found, and what it should be."""

    url: str
    headers: tuple[str, ...]
    found: PageEmbeds
    bot: BotRead
    place: Place
    own_origins: frozenset[str]

    @property
    def origin(self) -> str:
        return origin_of(self.url)

    @property
    def here(self) -> str:
        return origin_of(self.place.here)

    def is_ours(self, url: str) -> bool:
        return origin_of(url) in self.own_origins

    @property
    def tags(self) -> list[ScriptTag]:
        """Those that are this bot's."""
        return [tag for tag in self.found.scripts if tag.bot_id.lower() == str(self.bot.id)]

    @property
    def frames(self) -> list[str]:
        return [url for url in self.found.frames if _named_bot(url) == str(self.bot.id)]


async def check(rt: Runtime, principal: Tenant, bot_id: UUID, url: str) -> EmbedReport:
    """Fetch the page at `url` and look for the bot. A page that cannot be read is a finding, not an error.

    Raises NotFoundError without the bot, AddressInvalidError for what is no address.
    """
    principal.require(Scope.BOTS_WRITE)
    async with rt.db.tenant(principal) as session:
        bot = BotRead.model_validate(await bots.load(session, principal, bot_id))
    address = from_person(url)
    try:
        async with rt.web.fetch(address, accept=PAGE_TYPES, max_bytes=MAX_BYTES, robots=False) as fetched:
            found = await _read(rt, fetched)
    except WebError as error:
        return EmbedReport(url=address, works=None, checks=[_unsure("page", "The page cannot be seen.", error.message)])
    place = Place(rt.settings.public_url.rstrip("/"), bot.id)
    page = _Page(fetched.url, fetched.policies, found, bot, place, rt.settings.own_origins)
    return report(page)


async def _read(rt: Runtime, fetched: Fetched) -> PageEmbeds:
    try:
        found = await rt.processes.run(READER, str(fetched.path), fetched.url, fetched.charset, timeout=_READ_SECONDS)
    except DomainError as error:  # a page that is made to break readers
        raise WebError("Its HTML cannot be read.") from error
    if not isinstance(found, PageEmbeds):
        raise TypeError("the reader gave something else")
    return found


def report(page: _Page) -> EmbedReport:
    checks = list(_checks(page))
    states = {check.state for check in checks}
    works = False if "problem" in states else None if "unsure" in states else True
    return EmbedReport(url=page.url, works=works, checks=checks)


def _checks(page: _Page) -> Iterator[EmbedCheck]:
    yield _ok("page", f"The page answers: {page.url}")
    yield _status(page)
    yield from _snippet(page)
    yield _website(page)
    if urlsplit(page.url).scheme == "https" and page.here.startswith("http://"):
        yield _problem(
            "mixed_content",
            "The page is on https, the chat on http. Browsers do not load it.",
            "Serve this installation by https too, and set PUBLIC_URL to that address.",
        )
    yield from _policies(page)


def _status(page: _Page) -> EmbedCheck:
    if page.bot.status == "published":
        return _ok("bot", "The bot is published.")
    said = "paused" if page.bot.status == "paused" else "not published yet"
    return _problem("bot", f"The bot is {said}.", "Publish it.")


def _snippet(page: _Page) -> Iterator[EmbedCheck]:
    found = page.found
    if not found.scripts and not found.frames:
        yield _nothing(page)
        return
    if not page.tags and not page.frames:
        yield from _other_bot(page)
        return
    yield _ok("snippet", "The line for the chat is on the page." if page.tags else "The chat's frame is on the page.")
    foreign = [url for url in [*(tag.src for tag in page.tags), *page.frames] if not page.is_ours(url)]
    if foreign:
        yield _problem(
            "address",
            f"It loads the chat from {origin_of(foreign[0]) or foreign[0]}, which is not this installation.",
            "Put this line in its place.",
            page.place.line,
        )
    lost = next((tag for tag in page.tags if tag.inline and not tag.place_found), None)
    if lost:
        yield _unsure(
            "snippet",
            f"The chat should stand in {lost.target}, and the page as it is served has no such element.",
            f'Put <div id="{lost.target[1:]}"></div> before the line, unless a script of the page makes it first.',
        )
    stopped = [tag for tag in page.tags if not tag.runs]
    if stopped and len(stopped) == len(page.tags):
        yield _unsure(
            "snippet",
            "The line has a type that keeps it from running. A consent tool does that until the visitor agrees.",
            "Accept the cookies of your website and look again, or put the line outside of the consent tool.",
        )
    if len(page.tags) > 1:
        said = f"The line is on the page {len(page.tags)} times. The chat shows once all the same."
        yield EmbedCheck(name="duplicates", state="advice", says=said, fix="Remove all but one.")


def _nothing(page: _Page) -> EmbedCheck:
    found = page.found
    if found.in_comment:
        return _problem(
            "snippet",
            "The line stands in a comment or in <noscript>, where it does not run.",
            "Move it out, to just before </body>.",
            page.place.line,
        )
    if found.named or found.tag_manager:
        said = "Code on the page adds the chat" if found.named else "There is a tag manager, which may add the chat"
        return _unsure(
            "snippet",
            f"{said}. Only a browser can tell whether it does.",
            "Open the page. If no chat shows, its console says why; without any word there, publish the tag.",
        )
    return _problem(
        "snippet",
        "The line for the chat is not on this page.",
        "Paste it just before </body>. If you did, empty the caches of your website and look again.",
        page.place.line,
    )


def _other_bot(page: _Page) -> Iterator[EmbedCheck]:
    yield _ok("snippet", "A line for a chat is on the page.")
    ids = [tag.bot_id for tag in page.found.scripts] + [_named_bot(url) for url in page.found.frames]
    named = next((one for one in ids if one), "")
    said = f"It names another bot: {named}" if _is_id(named) else "It names no bot."
    yield _problem("bot_id", said, f"For {page.bot.name}, put this line in its place.", page.place.line)


def _website(page: _Page) -> EmbedCheck:
    try:
        bots.require_origin(page.bot, page.origin, page.own_origins)
    except DomainError:
        local = "Turn on “Also on localhost” in the settings, under Websites, or add it there."
        return _problem(
            "website",
            f"{page.origin} is not among the bot's websites.",
            local if is_local(page.origin) else "Add it in the settings, under Websites.",
            page.origin,
        )
    return _ok("website", f"{page.origin} is among the bot's websites.")


def _policies(page: _Page) -> Iterator[EmbedCheck]:
    policies = content_policy.parse([*page.headers, *page.found.policies])
    if not policies:
        return
    scripted = bool(page.tags) or not page.frames
    wanted = {"script-src": page.place.loader, "connect-src": f"{page.here}/api/"} if scripted else {}
    wanted["frame-src"] = f"{page.here}/widget/v1/frame"
    tag = page.tags[0] if page.tags else None
    problems = 0
    for kind, url in wanted.items():
        nonce = tag.nonce if tag else ""
        stopping = next((one for one in policies if not one.allows(kind, url, page.url, nonce=nonce)), None)
        if stopping:
            problems += 1
            yield _stopped(page, kind, stopping)
    if not problems:
        yield _ok("policy", "The page's Content-Security-Policy allows the chat.")


def _stopped(page: _Page, kind: str, policy: content_policy.Policy) -> EmbedCheck:
    name = policy.deciding(kind)
    said = f"The page's Content-Security-Policy stops the chat ({name})."
    if kind == "script-src" and any(word.lower() == "'strict-dynamic'" for word in policy.directives[name]):
        return _problem(
            "policy",
            said,
            "With 'strict-dynamic' only tags with the page's nonce run: add it to the line, as in your other scripts.",
            page.place.line.replace(" defer", ' nonce="…" defer'),
        )
    done = "Add this directive to it." if name == "default-src" else f"Change {name} to this."
    return _problem("policy", said, done, policy.mended(kind, page.here))


def origin_of(url: str) -> str:
    """As a browser names it; empty for what has none."""
    parts = urlsplit(url)
    try:
        return normal_origin(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    except (ValueError, UnicodeError):
        return ""


def _named_bot(url: str) -> str:
    """By the frame's address, or by that of a link to share."""
    parts = urlsplit(url)
    shared = parts.path.partition("/widget/chat/")[2]
    return (shared or parse_qs(parts.query).get("bot_id", [""])[0]).lower()


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _ok(name: CheckName, says: str) -> EmbedCheck:
    return EmbedCheck(name=name, state="ok", says=says)


def _problem(name: CheckName, says: str, fix: str = "", code: str = "") -> EmbedCheck:
    return EmbedCheck(name=name, state="problem", says=says, fix=fix, code=code)


def _unsure(name: CheckName, says: str, fix: str = "") -> EmbedCheck:
    return EmbedCheck(name=name, state="unsure", says=says, fix=fix)
