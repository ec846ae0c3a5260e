"""The dashboard's preview of a chat: a page of our own with the real loader and the real frame, under /widget/preview.

What it shows comes from the page around it, which must be of our own origin: no route here knows a bot, and nothing is
asked of one. See widget/preview and assets/design.js.
"""

from fastapi import APIRouter, Request, Response

from chatbot_saas.api.widget import (
    DEMO_POLICY,
    FOLDER,
    FOREVER,
    REVALIDATE,
    Asset,
    asset_of,
    frame_policy,
    load_assets,
    reply,
)
from chatbot_saas.core.errors import NotFoundError

PAGES = {"page": DEMO_POLICY, "frame": frame_policy(()), "once": frame_policy(())}
"""Each with its policy: only pages of our own origin may hold them."""
_MODULE = '<script type="module"'
_BEFORE = '<script src="quiet.js"></script>\n<script src="stand-in.js"></script>'


def _own_files() -> dict[str, Asset]:
    """As they are in the folder: they are loaded by people at work, and by few."""
    return {
        path.name: asset_of(path.read_text("utf-8"), path.suffix) for path in sorted((FOLDER / "preview").iterdir())
    }


def _with_stand_in(frame: Asset) -> Asset:
    """The real page of the frame, and before its script those that leave the focus and speak for the server."""
    page = frame.plain.decode()
    return asset_of(page.replace(_MODULE, f"{_BEFORE}\n{_MODULE}", 1), ".html")


def preview_router() -> APIRouter:
    version, assets = load_assets()
    own = _own_files()
    pages = {"page": own["page.html"], "once": own["once.html"], "frame": _with_stand_in(assets["frame.html"])}
    files = {name: asset for name, asset in (assets | own).items() if not name.endswith(".html")}
    router = APIRouter(prefix="/widget/preview", include_in_schema=False)

    @router.get("/{name}")
    async def preview(request: Request, name: str, v: str = "") -> Response:
        if name in pages:
            return reply(request, pages[name], cache=REVALIDATE, policy=PAGES[name])
        if name not in files:
            raise NotFoundError
        return reply(request, files[name], cache=FOREVER if v == version else REVALIDATE)

    return router
