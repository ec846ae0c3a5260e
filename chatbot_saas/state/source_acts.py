"""What can be done with a source, for the pages that show it."""

from collections.abc import Sequence
from typing import Any

import reflex as rx
from sqlalchemy.ext.asyncio import AsyncSession

from chatbot_saas.core.tenancy import Tenant
from chatbot_saas.schemas.dashboard import SourceView
from chatbot_saas.schemas.sources import SourcePatch, SourceRead
from chatbot_saas.services import intake, sources
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of

REFRESHES = {"": "By hand", "hourly": "Every hour", "daily": "Every day", "weekly": "Every week"}
BY_HAND = "hand"
"""For controls whose values cannot be empty."""
REFRESH_CHOICES = {value or BY_HAND: text for value, text in REFRESHES.items()}


def refresh_of(choice: str) -> Any:
    """What a control of REFRESH_CHOICES stands for."""
    return "" if choice == BY_HAND else choice


async def views(session: AsyncSession, principal: Tenant, items: Sequence[SourceRead]) -> list[SourceView]:
    web = [item.id for item in items if item.type in ("url", "site")]
    counts = await sources.count_pages(session, principal, web)
    return [
        SourceView(
            **dict(item),
            pages=(found := counts.get(item.id, {})).get("ready", 0),
            pages_failed=found.get("failed", 0),
            pages_waiting=found.get("waiting", 0),
            pages_left_out=found.get("skipped", 0) + found.get("gone", 0),
        )
        for item in items
    ]


async def _view(principal: Tenant, source: SourceRead) -> SourceView:
    async with get_runtime().db.tenant(principal) as session:
        return (await views(session, principal, [source]))[0]


async def cancel(principal: Tenant, source_id: str) -> SourceView:
    rt = get_runtime()
    async with rt.db.tenant(principal) as session:
        source = await sources.cancel(session, principal, uuid_of(source_id), rt)
    return await _view(principal, source)


async def reindex(principal: Tenant, source_id: str) -> SourceView:
    rt = get_runtime()
    async with rt.db.tenant(principal) as session:
        source = await sources.reindex(session, principal, uuid_of(source_id), rt)
    return await _view(principal, source)


async def change_refresh(principal: Tenant, source_id: str, refresh: str) -> SourceView:
    patch = SourcePatch(refresh=refresh_of(refresh))
    return await _view(principal, await intake.change(get_runtime(), principal, uuid_of(source_id), patch))


def refresh_toast(source: SourceRead) -> Any:
    if not source.refresh:
        return rx.toast.success(f"{source.title} is refreshed by hand from now on.")
    return rx.toast.success(f"{source.title} is refreshed {REFRESHES[source.refresh].lower()} from now on.")
