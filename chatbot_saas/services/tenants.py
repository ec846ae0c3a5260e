"""Tenants, for platform administrators. Everything here crosses tenants and takes a PlatformAdmin."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core import security
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import PlatformAdmin, Role, System
from chatbot_saas.models import Bot, Conversation, Document, Membership, TenantRow, User
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.tenants import TenantCreate, TenantPatch, TenantRead
from chatbot_saas.services import audit, erasure, runs
from chatbot_saas.services.auth import EmailTakenError
from chatbot_saas.services.bots import escape_like
from chatbot_saas.services.proof import Target
from chatbot_saas.services.revisions import require_unchanged
from chatbot_saas.services.runtime import Runtime


async def list_page(
    rt: Runtime, admin: PlatformAdmin, page: PageRequest, *, search: str = "", status: str = ""
) -> Page[TenantRead]:
    async with rt.db.platform(admin) as session:
        query = _read_query().order_by(col(TenantRow.id).desc()).limit(page.limit + 1)
        if page.after:
            query = query.where(col(TenantRow.id) < page.after)
        if search:
            pattern = f"%{escape_like(search)}%"
            owners = (
                select(col(Membership.tenant_id))
                .join(User, col(User.id) == col(Membership.user_id))
                .where(col(User.email).ilike(pattern))
            )
            query = query.where(col(TenantRow.name).ilike(pattern) | col(TenantRow.id).in_(owners))
        if status:
            query = query.where(col(TenantRow.status) == status)
        items = [TenantRead.model_validate(row) for row in (await session.execute(query)).mappings()]
    return page_of(items, [item.id for item in items], page.limit)


async def get(rt: Runtime, admin: PlatformAdmin, tenant_id: UUID) -> TenantRead:
    async with rt.db.platform(admin) as session:
        return await _read(session, tenant_id)


async def create(rt: Runtime, admin: PlatformAdmin | System, request: TenantCreate) -> TenantRead:
    password_hash = await asyncio.to_thread(security.hash_password, request.owner_password)
    try:
        async with rt.db.platform(admin) as session:
            tenant = TenantRow(name=request.name)
            user = User(email=request.owner_email, password_hash=password_hash)
            session.add_all([tenant, user])
            await session.flush()
            session.add(Membership(tenant_id=tenant.id, user_id=user.id, role=Role.OWNER))
            audit.record(session, admin, "tenant.create", tenant.id, tenant_id=tenant.id, name=tenant.name)
            await session.flush()
            return await _read(session, tenant.id)
    except IntegrityError as error:
        raise EmailTakenError("There is an account with this e-mail address already.") from error


async def change(
    rt: Runtime, admin: PlatformAdmin, tenant_id: UUID, request: TenantPatch, *, expected_version: int | None = None
) -> TenantRead:
    """Rename, suspend or resume. Credentials are checked against the status at each use, so it acts at once.

    `expected_version`: refuse if someone else changed the tenant meanwhile.
    """
    async with rt.db.platform(admin) as session:
        tenant = await _load(session, tenant_id)
        require_unchanged(tenant.updated_at, expected_version)
        sent = request.model_fields_set
        if "name" in sent and request.name != tenant.name:
            audit.record(session, admin, "tenant.rename", tenant.id, tenant_id=tenant.id, name=request.name)
            tenant.name = request.name
        if "requests_per_minute" in sent and request.requests_per_minute != tenant.requests_per_minute:
            limit = tenant.requests_per_minute = request.requests_per_minute
            audit.record(session, admin, "tenant.limit", tenant.id, tenant_id=tenant.id, requests_per_minute=limit)
        if "status" in sent and request.status != tenant.status:
            tenant.status = request.status
            action = "tenant.suspend" if request.status == "suspended" else "tenant.resume"
            audit.record(session, admin, action, tenant.id, tenant_id=tenant.id)
            if request.status == "active":
                await runs.resume(session, rt, tenant.id)
        await session.flush()
        return await _read(session, tenant_id)


async def delete(rt: Runtime, admin: PlatformAdmin, tenant_id: UUID, *, expected_version: int | None = None) -> Receipt:
    """Delete the tenant with everything in it, and the users who belong to no other and are no administrators.

    `expected_version`: as of `change`.
    """

    async def read(session: AsyncSession, lock: bool) -> Target:
        tenant = await _load(session, tenant_id)
        require_unchanged(tenant.updated_at, expected_version)
        bot_ids = (await session.scalars(select(col(Bot.id)).where(col(Bot.tenant_id) == tenant_id))).all()
        return Target(
            kind="tenant",
            id=tenant.id,
            title=tenant.name,
            tenant_id=tenant.id,
            bot_ids=tuple(bot_ids),
            chunk_ids=None,
            blob_prefix=f"{tenant.id}/",
        )

    async def drop(session: AsyncSession, target: Target) -> int:
        members = select(col(Membership.user_id)).where(col(Membership.tenant_id) == tenant_id)
        user_ids = (await session.scalars(members)).all()
        await session.delete(await session.get_one(TenantRow, tenant_id))
        await session.flush()
        return await _drop_users(session, user_ids)

    return await erasure.erase(rt, admin, read, drop)


async def _drop_users(session: AsyncSession, user_ids: Sequence[UUID]) -> int:
    """Those of these users who belong to no tenant now and are no administrators."""
    others = select(col(Membership.user_id)).where(col(Membership.user_id).in_(user_ids))
    kept = set((await session.scalars(others)).all())
    users = (await session.scalars(select(User).where(col(User.id).in_(user_ids)))).all()
    leaving = [user for user in users if user.id not in kept and not user.is_platform_admin]
    for user in leaving:
        await session.delete(user)
    await session.flush()
    return len(leaving)


async def make_admin(rt: Runtime, email: str, password: str) -> bool:
    """The first platform administrator, or one more. True if the account is new; an old one keeps its password."""
    if await _is_admin(rt, email):
        return False
    password_hash = await asyncio.to_thread(security.hash_password, password)
    principal = System("command line")
    async with rt.db.platform(principal) as session:
        user = (await session.execute(select(User).where(col(User.email) == email))).scalar_one_or_none()
        new = user is None
        if user is None:
            user = User(email=email, password_hash=password_hash)
            session.add(user)
        user.is_platform_admin = True
        await session.flush()
        audit.record(session, principal, "user.make_admin", user.id)
    return new


async def _is_admin(rt: Runtime, email: str) -> bool:
    async with rt.db.platform(System("command line")) as session:
        query = select(col(User.id)).where(col(User.email) == email, col(User.is_platform_admin))
        return await session.scalar(query) is not None


async def _load(session: AsyncSession, tenant_id: UUID) -> TenantRow:
    # not against rows that name the tenant: a source's own lock is held where its event is written
    tenant = await session.get(TenantRow, tenant_id, with_for_update={"key_share": True})
    if tenant is None:
        raise NotFoundError("There is no such tenant.")
    return tenant


async def _read(session: AsyncSession, tenant_id: UUID) -> TenantRead:
    found = await session.execute(_read_query().where(col(TenantRow.id) == tenant_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such tenant.")
    return TenantRead.model_validate(row)


def _read_query() -> Any:
    def counted(table: Any) -> Any:
        return select(func.count()).where(table.tenant_id == col(TenantRow.id)).correlate(TenantRow).scalar_subquery()

    owner = (
        select(col(User.email))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.tenant_id) == col(TenantRow.id), col(Membership.role) == Role.OWNER)
        .order_by(col(Membership.id))
        .limit(1)
        .correlate(TenantRow)
        .scalar_subquery()
    )
    return select(
        col(TenantRow.id),
        col(TenantRow.name),
        col(TenantRow.status),
        col(TenantRow.requests_per_minute),
        col(TenantRow.created_at),
        col(TenantRow.updated_at),
        counted(Membership).label("users"),
        counted(Bot).label("bots"),
        counted(Document).label("documents"),
        counted(Conversation).label("conversations"),
        func.coalesce(owner, "").label("owner_email"),
    )
