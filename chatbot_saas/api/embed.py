from uuid import UUID

from fastapi import APIRouter

from chatbot_saas.api.dependencies import CallerFirst, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ForbiddenError, InvalidError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.embed import EmbedCheckRequest, EmbedReport
from chatbot_saas.services import embed_doctor

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1/bots",
    tags=["bots"],
    responses=errors(UnauthenticatedError, ForbiddenError, InvalidError, NotFoundError),
)


@router.post("/{bot_id}/embed/check")
async def check_embed(bot_id: UUID, body: EmbedCheckRequest, rt: RuntimeDep, principal: TenantDep) -> EmbedReport:
    """Looks at a page of a website for the bot, and says what keeps it from showing and how to mend that."""
    return await embed_doctor.check(rt, principal, bot_id, body.url)
