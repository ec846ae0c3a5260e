"""Caching of the built pages: what carries a digest in its name never changes, everything else is asked for again."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX: Final = "/assets/"  # the page builder puts a digest into each name below it, and nothing else goes there
FOREVER: Final = "public, max-age=31536000, immutable"
ASKED_AGAIN: Final = ("text/html", "text/css", "text/javascript", "image/svg+xml")
"""Types of pages, which name the assets of one build, and of our own files beside them, which carry no digest."""


class AssetCaching:
    """ASGI layer that sets `Cache-Control` on the built pages and their assets. Compression is the mount's own work."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]

        async def send_with_caching(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path.startswith(PREFIX) and message["status"] in (200, 206, 304):
                    headers["Cache-Control"] = FOREVER
                elif headers.get("content-type", "").startswith(ASKED_AGAIN):
                    headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, send_with_caching)
