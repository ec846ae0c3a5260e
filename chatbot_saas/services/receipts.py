"""Receipts of deletions: signed, kept in the audit for good, listed, and told from forged ones.

The audit is only ever added to. The entry of a deletion holds the receipt as it stood when the rows went; what was
found afterwards is an entry of its own that completes it, with an id that follows from the first one's. So each is
written once, whoever comes first, and the latest is found without a search.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chatbot_saas.core import security
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.ids import derived_id
from chatbot_saas.core.paging import Page, PageRequest, page_of
from chatbot_saas.core.tenancy import PlatformAdmin, Role, Tenant
from chatbot_saas.models import AuditEntry
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import audit
from chatbot_saas.services.audit import COMPLETES, RECEIPT
from chatbot_saas.services.proof import Target
from chatbot_saas.services.runtime import Runtime

LABEL = "deletion receipt"


def sign(rt: Runtime, receipt: Receipt) -> Receipt:
    return receipt.model_copy(update={"signature": _signature(rt, receipt.model_dump(mode="json"))})


def is_genuine(rt: Runtime, receipt: dict[str, Any]) -> bool:
    """Whether it was signed here, and nothing in it was changed."""
    given = receipt.get("signature")
    return isinstance(given, str) and security.same_signature(given, _signature(rt, receipt))


def _signature(rt: Runtime, receipt: dict[str, Any]) -> str:
    return security.signature(rt.secret_key, LABEL, {k: v for k, v in receipt.items() if k != "signature"})


async def open_entry(
    session: AsyncSession, principal: Tenant | PlatformAdmin, target: Target, receipt: Receipt
) -> UUID:
    """The audit's entry of a deletion, in the transaction that deletes. Returns its id."""
    kept = receipt.model_dump(mode="json")
    return audit.record(session, principal, f"{target.kind}.delete", target.id, title=target.title, receipt=kept).id


async def add(session: AsyncSession, target: Target, entry_id: UUID, receipt: Receipt) -> Receipt:
    """Complete the entry. Returns what is kept: where another was faster, theirs."""
    row = {
        "id": _completing(entry_id, receipt.verified),
        "tenant_id": None if target.kind == "tenant" else target.tenant_id,
        "action": f"{target.kind}.delete",
        "target_id": target.id,
        "details": {RECEIPT: receipt.model_dump(mode="json"), COMPLETES: str(entry_id)},
    }
    await session.execute(insert(AuditEntry).values(row).on_conflict_do_nothing())
    return await latest(session, entry_id) or receipt


async def latest(session: AsyncSession, entry_id: UUID) -> Receipt | None:
    """The last word about a deletion; None where its entry is not to be seen (any more)."""
    return (await _latest(session, [entry_id])).get(entry_id)


async def _latest(session: AsyncSession, entry_ids: list[UUID]) -> dict[UUID, Receipt]:
    """By the id of the deletion's entry, in one query."""
    ids = {
        key: (rank, entry_id)
        for entry_id in entry_ids
        for rank, key in enumerate((entry_id, _completing(entry_id, False), _completing(entry_id, True)))
    }
    query = select(col(AuditEntry.id), col(AuditEntry.details)).where(col(AuditEntry.id).in_(ids))
    found = {row.id: row.details for row in (await session.execute(query)).all()}
    best: dict[UUID, Receipt] = {}
    for key, (_, entry_id) in sorted(ids.items(), key=lambda item: item[1][0]):
        if key in found and RECEIPT in found[key]:
            best[entry_id] = Receipt.model_validate(found[key][RECEIPT])
    return best


def _completing(entry_id: UUID, verified: bool) -> UUID:
    return derived_id(entry_id, "verified" if verified else "not verified")


async def list_page(session: AsyncSession, principal: Tenant, page: PageRequest) -> Page[Receipt]:
    """Of the tenant's deletions, newest first, for its owners and administrators."""
    principal.require_role(Role.OWNER, Role.ADMIN)
    return await _page(session, page, col(AuditEntry.tenant_id) == principal.tenant_id)


async def list_deleted_tenants(rt: Runtime, admin: PlatformAdmin, page: PageRequest) -> Page[Receipt]:
    """Of deleted tenants, newest first. They stay with the platform."""
    async with rt.db.platform(admin) as session:
        return await _page(session, page, col(AuditEntry.action) == "tenant.delete")


async def get(session: AsyncSession, principal: Tenant, entry_id: UUID) -> Receipt:
    """The receipt of one entry of the audit."""
    principal.require_role(Role.OWNER, Role.ADMIN)
    entry = await session.get(AuditEntry, entry_id)
    if entry is None or RECEIPT not in entry.details:
        raise NotFoundError("There is no such receipt.")
    return (await _latest(session, [entry_id]))[entry_id]


async def _page(session: AsyncSession, page: PageRequest, mine: Any) -> Page[Receipt]:
    order = tuple_(col(AuditEntry.created_at), col(AuditEntry.id))
    details: Any = AuditEntry.details
    query = (
        select(col(AuditEntry.id))
        .where(mine, details.has_key(RECEIPT), ~details.has_key(COMPLETES))
        .order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
        .limit(page.limit + 1)
    )
    if page.after:
        last = await session.scalar(select(AuditEntry).where(col(AuditEntry.id) == page.after, mine))
        if last is None:
            return Page(items=[], next_cursor=None)
        query = query.where(order < tuple_(last.created_at, last.id))
    ids = list((await session.scalars(query)).all())
    found = await _latest(session, ids)
    return page_of([found[entry_id] for entry_id in ids], ids, page.limit)
