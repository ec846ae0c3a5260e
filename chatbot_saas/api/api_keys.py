from uuid import UUID

from fastapi import APIRouter, Response

from chatbot_saas.api.dependencies import CallerFirst, PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.api.idempotency import once
from chatbot_saas.core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.core.tenancy import Scope
from chatbot_saas.schemas.api_keys import ApiKeyCreate, ApiKeyCreated, ApiKeyRead
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.services import api_keys

router = APIRouter(
    route_class=CallerFirst,
    prefix="/api/v1/api-keys",
    tags=["api keys"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)


@router.get("")
async def list_keys(rt: RuntimeDep, principal: TenantDep, page: PageDep) -> PageRead[ApiKeyRead]:
    async with rt.db.tenant(principal) as session:
        found = await api_keys.list_page(session, principal, page)
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post("", status_code=201, dependencies=[once(Scope.KEYS_WRITE, with_rows=True)])
async def create_key(body: ApiKeyCreate, rt: RuntimeDep, principal: TenantDep) -> ApiKeyCreated:
    """The key is in this answer only; what is kept is its hash."""
    async with rt.db.tenant(principal) as session:
        return await api_keys.create(session, principal, body)


@router.delete("/{key_id}", status_code=204)
async def revoke_key(key_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Response:
    async with rt.db.tenant(principal) as session:
        await api_keys.revoke(session, principal, key_id)
    return Response(status_code=204)
