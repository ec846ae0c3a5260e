from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from chatbot_saas.api.dependencies import AdminDep, AdminFirst, PageDep, RuntimeDep, VersionDep, set_etag
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    UnauthenticatedError,
)
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.tenants import TenantCreate, TenantPatch, TenantRead
from chatbot_saas.services import tenants
from chatbot_saas.services.auth import EmailTakenError
from chatbot_saas.services.revisions import revision

router = APIRouter(
    route_class=AdminFirst,
    prefix="/api/v1/admin/tenants",
    tags=["administration"],
    responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError),
)


@router.get("")
async def list_tenants(
    rt: RuntimeDep,
    admin: AdminDep,
    page: PageDep,
    search: Annotated[str, Query(max_length=200)] = "",
    status: Literal["active", "suspended"] | None = None,
) -> PageRead[TenantRead]:
    found = await tenants.list_page(rt, admin, page, search=search, status=status or "")
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post("", status_code=201, responses=errors(EmailTakenError))
async def create_tenant(body: TenantCreate, rt: RuntimeDep, admin: AdminDep) -> TenantRead:
    """A tenant and its owner."""
    return await tenants.create(rt, admin, body)


@router.get("/{tenant_id}")
async def get_tenant(tenant_id: UUID, rt: RuntimeDep, admin: AdminDep, response: Response) -> TenantRead:
    tenant = await tenants.get(rt, admin, tenant_id)
    set_etag(response, revision(tenant.updated_at))
    return tenant


@router.patch("/{tenant_id}", responses=errors(InvalidError, PreconditionFailedError))
async def change_tenant(
    tenant_id: UUID, body: TenantPatch, rt: RuntimeDep, admin: AdminDep, version: VersionDep, response: Response
) -> TenantRead:
    """Rename, suspend or resume."""
    tenant = await tenants.change(rt, admin, tenant_id, body, expected_version=version)
    set_etag(response, revision(tenant.updated_at))
    return tenant


@router.delete("/{tenant_id}", responses=errors(PreconditionFailedError))
async def delete_tenant(tenant_id: UUID, rt: RuntimeDep, admin: AdminDep, version: VersionDep) -> Receipt:
    """Remove the tenant with all that is in it. The receipt says what was removed, and stays with the platform."""
    return await tenants.delete(rt, admin, tenant_id, expected_version=version)
