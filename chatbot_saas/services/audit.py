"""An entry for each change: who, what, when."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import PlatformAdmin, Role, System, Tenant
from chatbot_saas.models import ApiKey, AuditEntry, Bot, Source, User
from chatbot_saas.schemas.audit import ACTIONS, AuditRead

_NAMES = ("name", "title", "filename")
"""Where `details` tell what the thing was called."""
RECEIPT, COMPLETES = "receipt", "completes"
"""In `details`: a deletion's receipt, and of which entry it is a later one. See services.receipts."""


def record(
    session: AsyncSession,
    principal: Tenant | PlatformAdmin | System,
    action: str,
    target_id: UUID | None = None,
    *,
    tenant_id: UUID | None = None,
    **details: Any,
) -> AuditEntry:
    """Add an entry to the session's transaction. `action` is `noun.verb`; `details` must hold no secret."""
    entry = AuditEntry(action=action, target_id=target_id, details=details, tenant_id=tenant_id)
    if isinstance(principal, Tenant):
        entry.tenant_id, entry.user_id, entry.api_key_id = principal.tenant_id, principal.user_id, principal.api_key_id
    elif isinstance(principal, PlatformAdmin):
        entry.user_id = principal.user_id
    else:
        entry.details = {"by": principal.purpose, **details}
    session.add(entry)
    return entry


async def list_page(
    session: AsyncSession, principal: Tenant, page: PageRequest, *, search: str = ""
) -> Page[AuditRead]:
    """The tenant's entries, newest first, for its owners and administrators. `search`: a part of an action's words."""
    principal.require_role(Role.OWNER, Role.ADMIN)
    order = tuple_(col(AuditEntry.created_at), col(AuditEntry.id))
    query = (
        select(AuditEntry, col(User.email), col(ApiKey.name), func.coalesce(col(Bot.name), col(Source.title), ""))
        .outerjoin(User, col(User.id) == col(AuditEntry.user_id))
        .outerjoin(ApiKey, col(ApiKey.id) == col(AuditEntry.api_key_id))
        .outerjoin(Bot, col(Bot.id) == col(AuditEntry.target_id))
        .outerjoin(Source, col(Source.id) == col(AuditEntry.target_id))
        .where(col(AuditEntry.tenant_id) == principal.tenant_id, ~cast(Any, AuditEntry.details).has_key(COMPLETES))
        .order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
        .limit(page.limit + 1)
    )
    if page.after:
        last = await session.get(AuditEntry, page.after)
        if last is None:
            return Page(items=[], next_cursor=None)
        query = query.where(order < tuple_(last.created_at, last.id))
    if wanted := search.replace("\x00", "").strip():
        named = [action for action, label in ACTIONS.items() if wanted.lower() in label.lower()]
        action = col(AuditEntry.action)
        query = query.where(action.icontains(wanted, autoescape=True) | action.in_(named))
    rows = (await session.execute(query)).all()
    items = [_read(entry, email, key, target) for entry, email, key, target in rows]
    return page_of(items, [item.id for item in items], page.limit)


def _read(entry: AuditEntry, email: str | None, key_name: str | None, target_name: str) -> AuditRead:
    if entry.api_key_id:
        who = f"API key {key_name}" if key_name else "A deleted API key"
    elif entry.user_id:
        who = email or "Platform administrator"  # a tenant sees its own members only
    else:
        who = "The platform"
    name = next((str(entry.details[field]) for field in _NAMES if entry.details.get(field)), target_name)
    how = ", ".join(str(field).replace("_", " ") for field in entry.details.get("changed", []) if field != "status")
    if version := entry.details.get("version"):
        how = f"to version {version}"
    return AuditRead(
        id=entry.id,
        action=entry.action,
        label=ACTIONS.get(entry.action, entry.action),
        who=who,
        about=": ".join(part for part in (name, how) if part),
        created_at=entry.created_at,
        has_receipt=RECEIPT in entry.details,
    )
