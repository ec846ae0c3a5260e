from uuid import UUID

from fastapi import APIRouter

from chatbot_saas.api.dependencies import RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.recordings import FlightRecord
from chatbot_saas.services import recorder

router = APIRouter(
    prefix="/api/v1/messages",
    tags=["conversations"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)


@router.get("/{message_id}/record")
async def get_record(message_id: UUID, rt: RuntimeDep, principal: TenantDep) -> FlightRecord:
    """How an answer was made: its exact prompt, passages with scores, versions, calls, tokens, price and times."""
    async with rt.db.tenant(principal) as session:
        return await recorder.flight(session, principal, message_id)
