"""What calls to models came to."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query

from chatbot_saas.api.dependencies import OptionalBot, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ForbiddenError, InvalidError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.usage import UsageList
from chatbot_saas.services import usage

router = APIRouter(
    prefix="/api/v1", tags=["usage"], responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError)
)
Since = Annotated[dt.date | None, Query(description="The first day, in UTC. Without it 30 days are told.")]
Until = Annotated[dt.date | None, Query(description="The last day, in UTC. Without it today.")]


@router.get("/usage", responses=errors(InvalidError))
async def read_usage(
    rt: RuntimeDep, principal: TenantDep, since: Since = None, until: Until = None, bot_id: OptionalBot = None
) -> UsageList:
    """Calls, tokens and cost by day and kind, of the account or of one bot. At most 366 days at once."""
    async with rt.db.tenant(principal) as session:
        return await usage.by_day(session, principal, since=since, until=until, bot_id=bot_id)
