"""API keys: made, listed and revoked. How one becomes a principal is in services.auth."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core import addresses
from chatbot_saas.core.errors import ForbiddenError, InvalidError, NotFoundError
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.security import new_token, token_hash
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.models import ApiKey, Bot
from chatbot_saas.schemas.api_keys import ApiKeyCreate, ApiKeyCreated, ApiKeyRead
from chatbot_saas.services import audit
from chatbot_saas.services.auth import API_KEY_PREFIX
from chatbot_saas.services.bots import escape_like


async def create(session: AsyncSession, principal: Tenant, request: ApiKeyCreate) -> ApiKeyCreated:
    principal.require(Scope.KEYS_WRITE)
    for scope in request.scopes:
        if scope not in principal.scopes:
            raise ForbiddenError(f"You cannot give a right that you do not have: {scope.value}.")
    bot_ids = request.bot_ids
    if principal.bot_ids is not None:
        bot_ids = list(principal.bot_ids) if bot_ids is None else bot_ids
        if not set(bot_ids) <= principal.bot_ids:
            raise NotFoundError("There is no such bot.")
    if bot_ids is not None:
        known = set((await session.scalars(select(col(Bot.id)).where(col(Bot.id).in_(bot_ids)))).all())
        if known != set(bot_ids):
            raise NotFoundError("There is no such bot.")
    allowed = request.allowed_addresses or list(principal.allowed_addresses)
    if principal.allowed_addresses and not addresses.covers(principal.allowed_addresses, allowed):
        raise ForbiddenError("You cannot make a key that works from more addresses than your own.")
    expires_at = request.expires_at
    if expires_at and (expires_at.tzinfo is None or expires_at <= datetime.now(UTC)):
        raise InvalidError("expires_at must be a time to come, with its time zone.")
    key = new_token(API_KEY_PREFIX)
    row = ApiKey(
        tenant_id=principal.tenant_id,
        name=request.name,
        prefix=key[:10],
        key_hash=token_hash(key),
        scopes=sorted({scope.value for scope in request.scopes}),
        bot_ids=bot_ids,
        expires_at=expires_at,
        allowed_addresses=allowed,
        requests_per_minute=request.requests_per_minute,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row, ["created_at"])
    audit.record(session, principal, "api_key.create", row.id, name=row.name, scopes=row.scopes)
    return ApiKeyCreated(key=key, **ApiKeyRead.model_validate(row).model_dump())


async def list_page(
    session: AsyncSession, principal: Tenant, page: PageRequest, *, search: str = ""
) -> Page[ApiKeyRead]:
    principal.require(Scope.KEYS_WRITE)
    query = select(ApiKey).order_by(col(ApiKey.id).desc()).limit(page.limit + 1)
    if principal.bot_ids is not None:
        query = query.where(col(ApiKey.bot_ids).bool_op("<@")(list(principal.bot_ids)))
    if page.after:
        query = query.where(col(ApiKey.id) < page.after)
    if search:
        pattern = f"%{escape_like(search)}%"
        query = query.where(col(ApiKey.name).ilike(pattern) | col(ApiKey.prefix).ilike(pattern))
    rows = (await session.scalars(query)).all()
    return page_of([ApiKeyRead.model_validate(row) for row in rows], [row.id for row in rows], page.limit)


async def revoke(session: AsyncSession, principal: Tenant, key_id: UUID) -> None:
    principal.require(Scope.KEYS_WRITE)
    row = await session.get(ApiKey, key_id)
    if row is None or not _reaches(principal, row):
        raise NotFoundError("There is no such key.")
    if row.revoked_at is None:
        row.revoked_at = datetime.now(UTC)
        audit.record(session, principal, "api_key.revoke", row.id, name=row.name)


def _reaches(principal: Tenant, row: ApiKey) -> bool:
    """A key that is bound to bots governs no key that reaches further, and does not learn that such exist."""
    return principal.bot_ids is None or (row.bot_ids is not None and principal.bot_ids.issuperset(row.bot_ids))
