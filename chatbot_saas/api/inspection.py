from uuid import UUID

from fastapi import APIRouter

from chatbot_saas.api.dependencies import CallerFirst, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.inspection import ExplainRequest, Inspection
from chatbot_saas.services import inspection

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1/bots",
    tags=["chat"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)


@router.post("/{bot_id}/search/explain", dependencies=[once(Scope.CHAT)])
async def explain_search(bot_id: UUID, body: ExplainRequest, rt: RuntimeDep, principal: TenantDep) -> Inspection:
    """All candidates of a search with ranks and scores, and what would be done with them. With `document_id` or
    `source_id`, also why that is not found (needs sources:read)."""
    return await inspection.explain(rt, principal, bot_id, body)
