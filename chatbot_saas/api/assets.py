"""The built pages as they are sent: what carries a digest in its name never changes, the rest is asked for again.

A page's address without its last slash leads to the one with it. The page server names that in whole, with the scheme
that it sees itself: behind a proxy that speaks TLS that is http, where nobody answers. So the path alone is given.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX: Final = "/assets/"  # the page builder puts a digest into each name below it, and nothing else goes there
FOREVER: Final = "public, max-age=31536000, immutable"
ASKED_AGAIN: Final = ("text/html", "text/css", "text/javascript", "image/svg+xml")
"""Types of pages, which name the assets of one build, and of our own files beside them, which carry no digest."""


class BuiltPages:
    """ASGI layer that sets `Cache-Control` and the address of redirects on the built pages and their assets.

    Compression is the mount's own work.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if message["status"] == 307 and urlsplit(headers.get("location", "")).path == f"{path}/":
                    query = scope["query_string"].decode("latin-1")
                    headers["location"] = f"/{path.strip('/')}/" + (f"?{query}" if query else "")
                if path.startswith(PREFIX) and message["status"] in (200, 206, 304):
                    headers["Cache-Control"] = FOREVER
                elif headers.get("content-type", "").startswith(ASKED_AGAIN):
                    headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, send_with_headers)
