"""The widget's files: the loader for websites, the iframe page with its bot's `frame-ancestors`, and its parts.

All are read once, at start, and kept gzipped; what frame.js imports is sent with it as one file. Parts are asked for
with the hash of the whole set (`?v=`), so those are cached for ever; loader and page are revalidated by ETag.
Everything is served under /widget and under /widget/v1, an address that stays when there is a second version.
"""

import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from chatbot_saas.api.minify import minify
from chatbot_saas.api.widget_bundle import bundled, grouped
from chatbot_saas.core.errors import DomainError, NotFoundError
from chatbot_saas.core.pictures import Picture

FOLDER = Path(__file__).resolve().parents[2] / "widget"
LOADER = "chatbot-widget.js"
ENTRY = "frame.js"
GROUPS = {
    "parts.js": ("forms.js", "menu.js", "offer.js", "passage.js"),
    "after.js": ("extras.js", "tabs.js", "whole.js"),
    "nudge.js": ("nudge.js", "unread.js"),
}
"""What is fetched on demand as one file, since who needs one of them is likely to need another: what a visitor opens,
what comes after a first message, and what stands at the launcher."""
ON_WEBSITES = frozenset((LOADER, "panel.js", "nudge.js", "inline.js", "refused.js"))
"""What runs in pages of other origins; the rest is the iframe's."""
DEMO_BOT = "YOUR-BOT-ID"
"""What demo.html has in place of a bot's id, so that the file also reads as an example."""

FrameOrigins = Callable[[UUID], Awaitable[list[str]]]
"""Origins (`https://shop.example`, `https://*.shop.example`, `*`) that may frame a bot; NotFoundError without a bot."""

PictureKind = Literal["icon", "avatar"]
BotPicture = Callable[[UUID, PictureKind], Awaitable[Picture | None]]
"""A public bot's picture, None where it has none; DomainError without such a bot."""

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
_ORIGIN = re.compile(r"\*|https?://(\*\.)?[a-z0-9.-]+(:\d{1,5}|:\*)?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_COMMENT_LINE = re.compile(r"^\s*(?:(?://|/\*|(?<= )\*).*)?\n", re.MULTILINE)
_INDENT = re.compile(r"^ +", re.MULTILINE)
_CSS_SPACE = re.compile(r"\s*([{};,>])\s*|(?<=:) | (?=!)")  # a space before a colon means something in a selector
_IMPLIED = re.compile(r"^</?(?:head|body)>\n|^</html>\n", re.MULTILINE)
"""Tags that HTML itself adds."""
_CSS_QUOTED = re.compile(r'="([a-z]\w*)"\]')
_PROPERTY = re.compile(r"^  (--[\w-]+):", re.MULTILINE)
_PROPERTY_USED = re.compile(r"--[a-z][\w-]*(?=[),:\"])")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_PICTURE_POLICY = "default-src 'none'; sandbox"  # should a browser ever take it for a page
REVALIDATE = "no-cache"
_LOADER_CACHE = "public, max-age=300, stale-while-revalidate=86400"  # its address, pasted into websites, has no hash
FOREVER = "public, max-age=31536000, immutable"

_GONE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>No chat here</title><link rel="stylesheet" href="frame.css"></head>
<body><main><div id="log"><div class="notice"><h1>There is no chat at this address</h1>
<p>The bot does not exist, is not published, or was deleted. If this is your website, copy the embed line again from the
dashboard and check that the bot is published.</p></div></div></main></body></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: plain and gzipped bytes, media type, and the hash of the plain bytes."""

    plain: bytes
    packed: bytes
    media_type: str
    tag: str


def asset_of(text: str, suffix: str) -> Asset:
    plain = text.encode()
    return Asset(plain, gzip.compress(plain, 9, mtime=0), _TYPES[suffix], hashlib.sha256(plain).hexdigest()[:16])


def _squeeze(text: str, suffix: str) -> str:
    """Without what a browser does not need. In CSS comments stand on lines of their own."""
    if suffix == ".js":
        return minify(text)
    if suffix == ".css":
        text = _CSS_SPACE.sub(r"\1", _COMMENT_LINE.sub("", text)).replace(";}", "}")
        text = _CSS_QUOTED.sub(r"=\1]", text).replace("::before", ":before").replace("::after", ":after")
    return _INDENT.sub("", _IMPLIED.sub("", text) if suffix == ".html" else text)


def _with_short_properties(files: Mapping[str, str]) -> dict[str, str]:
    """The looks of the window with short names for what frame.css declares at its root."""
    root = files.get("frame.css", "").partition("}")[0]
    short = {name: f"--{letter}" for name, letter in zip(_PROPERTY.findall(root), ascii_lowercase, strict=False)}
    return {name: _PROPERTY_USED.sub(lambda found: short.get(found[0], found[0]), text) for name, text in files.items()}


@cache
def load_assets(folder: Path = FOLDER) -> tuple[str, dict[str, Asset]]:
    """The hash of the whole set, and every served file by name; references between them carry it as `?v=`."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in _TYPES]
    files, _ = bundled({path.name: path.read_text("utf-8") for path in paths}, ENTRY)
    for name, parts in GROUPS.items():
        files = grouped(files, name, parts)
    files = _with_short_properties(files)
    texts = {name: _squeeze(text, Path(name).suffix) for name, text in files.items()} | {"gone.html": _GONE}
    version = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in texts.items()).encode()).hexdigest()[:8]
    parts = [re.escape(name) for name in texts if not name.endswith(".html") and name != LOADER]
    reference = re.compile(rf'"(\./)?({"|".join(parts)})"')
    return version, {
        name: asset_of(reference.sub(rf'"\1\2?v={version}"', text), Path(name).suffix) for name, text in texts.items()
    }


def frame_policy(origins: Iterable[str]) -> str:
    """The Content-Security-Policy of a bot's iframe page. What is no origin is left out: it could end the directive."""
    allowed = [origin for origin in origins if _ORIGIN.fullmatch(origin)]
    return _POLICY.format(ancestors=" ".join(["'self'", *allowed]))


def reply(
    request: Request, asset: Asset, *, cache: str, status: int = 200, policy: str = "", share: bool = False
) -> Response:
    """`share`: pages of other origins that isolate themselves (COEP) may load it as well."""
    seed = asset.tag if not policy else hashlib.sha256((asset.tag + policy).encode()).hexdigest()[:16]
    headers = {
        "Cache-Control": cache,
        "ETag": f'"{seed}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin" if share else "same-origin",
    }
    if share:
        headers["Access-Control-Allow-Origin"] = "*"  # a script with `crossorigin` or `type=module` asks for it
    if policy:
        headers |= {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if status == 200 and headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    packed = "gzip" in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.packed if packed else asset.plain, status, headers, asset.media_type)


def _picture(request: Request, picture: Picture) -> Response:
    """`?v=` names the content, so that with it the picture is kept for ever."""
    tag = hashlib.sha256(picture.address.encode()).hexdigest()[:12]
    headers = {
        "Cache-Control": FOREVER if request.query_params.get("v") == tag else REVALIDATE,
        "ETag": f'"{tag}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _PICTURE_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture.data, 200, headers, picture.media_type)


def _demo(page: Asset, bot_id: UUID) -> Asset:
    return asset_of(page.plain.decode().replace(DEMO_BOT, str(bot_id)), ".html")


async def _no_picture(*_: object) -> None:
    return None


def widget_router(
    frame_origins: FrameOrigins, bot_picture: BotPicture = _no_picture, folder: Path = FOLDER
) -> APIRouter:
    """Routes under /widget; `frame_origins` says who may frame a bot, `bot_picture` what it looks like."""
    version, assets = load_assets(folder)
    router = APIRouter()
    _add_pages(router, assets, frame_origins)

    @router.get("/icon/{bot_id}")
    async def icon(request: Request, bot_id: UUID) -> Response:
        return await picture(request, bot_id, "icon")

    @router.get("/avatar/{bot_id}")
    async def avatar(request: Request, bot_id: UUID) -> Response:
        return await picture(request, bot_id, "avatar")

    async def picture(request: Request, bot_id: UUID, kind: PictureKind) -> Response:
        try:
            found = await bot_picture(bot_id, kind)
        except DomainError:  # not published, paused, deleted: no picture, and no word about which of them
            found = None
        return _picture(request, found) if found else Response(status_code=404, headers={"Cache-Control": "no-store"})

    @router.get("/{name}")
    async def asset(request: Request, name: str, v: str = "") -> Response:
        found = assets.get(name)
        if found is None or name.endswith(".html"):
            return _gone(request, assets)
        cache = FOREVER if v == version else _LOADER_CACHE if name == LOADER else REVALIDATE
        return reply(request, found, cache=cache, share=name in ON_WEBSITES)

    widget = APIRouter(include_in_schema=False)
    for prefix in ("/widget/v1", "/widget"):
        widget.include_router(router, prefix=prefix)

    @widget.get("/widget/chat/{bot_id}")
    async def shared(bot_id: UUID) -> Response:
        """A chat's own page, by an address that can be said."""
        return RedirectResponse(f"/widget/v1/frame?bot_id={bot_id}", 302)

    return widget


def _gone(request: Request, assets: dict[str, Asset]) -> Response:
    # Framed by anyone: a website that embeds a bot that was deleted should read why, not see a browser's error.
    return reply(
        request, assets["gone.html"], cache="no-store", status=404, policy=_POLICY.format(ancestors="*"), share=True
    )


def _add_pages(router: APIRouter, assets: dict[str, Asset], frame_origins: FrameOrigins) -> None:
    """What carries a bot's own policy: who may frame it."""

    async def origins_of(bot_id: str) -> tuple[UUID, list[str]]:
        try:
            known = UUID(bot_id)
        except ValueError:
            raise NotFoundError from None
        return known, await frame_origins(known)

    async def framed(request: Request, bot_id: str, name: str) -> Response:
        try:
            _, origins = await origins_of(bot_id)
        except NotFoundError:
            return _gone(request, assets)
        return reply(request, assets[name], cache=REVALIDATE, policy=frame_policy(origins), share=True)

    @router.get("/frame")
    async def frame(request: Request, bot_id: str = "") -> Response:
        return await framed(request, bot_id, "frame.html")

    @router.get("/once")
    async def once(request: Request, bot_id: str = "") -> Response:
        return await framed(request, bot_id, "once.html")

    @router.get("/demo")
    async def demo(request: Request, bot_id: str = "") -> Response:
        try:
            known, _ = await origins_of(bot_id)
        except NotFoundError:
            return _gone(request, assets)
        return reply(request, _demo(assets["demo.html"], known), cache=REVALIDATE, policy=DEMO_POLICY)
