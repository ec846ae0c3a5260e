"""The secret by which a tenant's websites sign who their visitors are."""

from fastapi import APIRouter

from chatbot_saas.api.dependencies import CallerFirst, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.core.errors import ForbiddenError, UnauthenticatedError
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.identity import IdentitySecretMade, IdentitySecretRead, IdentitySecretRequest
from chatbot_saas.services import identity

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1/identity-secret",
    tags=["identity"],
    responses=errors(UnauthenticatedError, ForbiddenError),
)


@router.get("")
async def read_secret(rt: RuntimeDep, principal: TenantDep) -> IdentitySecretRead:
    """Whether there is one, and since when. The secret itself is never shown again."""
    async with rt.db.tenant(principal) as session:
        return await identity.get(session, principal)


@router.post("", status_code=201, dependencies=[once(Scope.KEYS_WRITE, with_rows=True)])
async def make_secret(rt: RuntimeDep, principal: TenantDep, body: IdentitySecretRequest) -> IdentitySecretMade:
    """Make the secret, or replace it. What is signed with the one before is good for another day."""
    async with rt.db.tenant(principal) as session:
        return await identity.make(session, principal, rt, keep_previous=body.keep_previous)
