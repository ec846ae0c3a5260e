"""What no route answers. Without this, Reflex would send its page for it, since it serves every other address."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chatbot_saas.core.errors import NotFoundError

router = APIRouter(include_in_schema=False)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


@router.api_route("/api/{rest:path}", methods=_METHODS)
async def unknown(request: Request, rest: str) -> None:
    """405 where the address takes another method, else 404."""
    partial = [route for route in request.app.routes if route.matches(request.scope)[0] is Match.PARTIAL]
    taken = [m for m in _METHODS if any(r.matches({**request.scope, "method": m})[0] is Match.FULL for r in partial)]
    if taken:
        message = "This address does not take this method. See /api/docs."
        raise HTTPException(405, message, {"Allow": ", ".join(taken)})
    raise NotFoundError("There is nothing at this address. See /api/docs.")
