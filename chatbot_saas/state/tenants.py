"""The platform's tenants, for its administrators."""

from typing import Any

import reflex as rx
from pydantic import ValidationError

from chatbot_saas.core.paging import Page, PageRequest
from chatbot_saas.core.tenancy import PlatformAdmin
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.schemas.tenants import TenantCreate, TenantPatch, TenantRead
from chatbot_saas.services import receipts, tenants
from chatbot_saas.services.auth import EmailTakenError, Identity
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.lists import ListState
from chatbot_saas.state.receipts import ReceiptView, deleted_toast, download, view_of
from chatbot_saas.state.session import administrators, signed_in
from chatbot_saas.state.trouble import told
from chatbot_saas.state.validation import problems_of

STATUSES = ("all", "active", "suspended")
DELETED_SHOWN = 25


class TenantsState(ListState, rx.State):
    items: list[TenantRead] = []
    status: str = "all"
    creating: bool = False
    """The dialog is open."""
    errors: dict[str, str] = {}
    renaming: str = ""
    """The id of the tenant whose dialog is open."""
    new_name: str = ""
    typed: str = ""
    """To confirm a deletion."""
    deleted: list[Receipt] = []
    """Of the tenants that were deleted last."""
    receipt: ReceiptView | None = None
    """The one that is open."""

    @rx.var
    def filtered(self) -> bool:
        return bool(self.search.strip()) or self.status != "all"

    @signed_in(opens=True)
    async def load(self, principal: Identity):
        """Whoever is no administrator sees the page that is shown for an address that leads nowhere."""
        self.reset()
        if principal.admin is not None:
            await self._first_page(principal.admin)

    @administrators()
    async def change_search(self, principal: PlatformAdmin, text: str):
        self.search = str(text)[:80]
        await self._first_page(principal)

    @administrators()
    async def change_filter(self, principal: PlatformAdmin, status: str | list[str]):
        self.status = str(status) if status in STATUSES else "all"
        await self._first_page(principal)

    @administrators()
    async def load_more(self, principal: PlatformAdmin):
        await self._next_page(principal)

    @administrators()
    async def open_create(self, principal: PlatformAdmin, is_open: bool):
        self.creating, self.errors = is_open is True, {}

    @administrators()
    async def check(self, principal: PlatformAdmin, field: str, value: str):
        """What is wrong with one field, while it is typed. The password is checked only when it is sent."""
        if field in TenantCreate.model_fields:
            request = {"name": "x", "owner_email": "x@example.com", "owner_password": "x" * 12, field: str(value)}
            self.errors = {**self.errors, field: _problems(TenantCreate, request).get(field, "")}

    @administrators()
    async def create(self, principal: PlatformAdmin, form_data: dict[str, Any]):
        """The password passes through, and is kept nowhere in the State."""
        fields = {name: str(form_data.get(name, "")) for name in TenantCreate.model_fields}
        self.errors = _problems(TenantCreate, fields)
        if "owner_password" in self.errors:
            self.errors = {**self.errors, "owner_password": "Use at least 10 characters."}
        if self.errors:
            return None
        try:
            tenant = await tenants.create(get_runtime(), principal, TenantCreate.model_validate(fields))
        except EmailTakenError as error:
            self.errors = {"owner_email": error.message}
            return None
        self.creating = False
        await self._first_page(principal)
        return rx.toast.success(f"{tenant.name} is created.", description=f"{tenant.owner_email} can sign in now.")

    @administrators()
    async def open_rename(self, principal: PlatformAdmin, tenant_id: str, name: str):
        """An empty id closes the dialog."""
        self.renaming = str(uuid_of(tenant_id)) if tenant_id else ""
        self.new_name, self.errors = str(name)[:200], {}

    @administrators()
    async def change_name(self, principal: PlatformAdmin, text: str):
        self.new_name = str(text)[:200]
        self.errors = _problems(TenantPatch, {"name": self.new_name})

    @administrators()
    async def rename(self, principal: PlatformAdmin):
        self.errors = _problems(TenantPatch, {"name": self.new_name})
        if not self.errors:
            await self._change(principal, self.renaming, TenantPatch(name=self.new_name))
            self.renaming = ""

    @administrators()
    async def suspend(self, principal: PlatformAdmin, tenant_id: str):
        tenant = await self._change(principal, tenant_id, TenantPatch(status="suspended"))
        return rx.toast.success(
            f"{tenant.name} is suspended.", description="Its keys, sessions, jobs and widgets stopped."
        )

    @administrators()
    async def resume(self, principal: PlatformAdmin, tenant_id: str):
        tenant = await self._change(principal, tenant_id, TenantPatch(status="active"))
        return rx.toast.success(f"{tenant.name} is active again.")

    @administrators()
    async def begin_delete(self, principal: PlatformAdmin):
        self.typed = ""

    @administrators()
    async def type_name(self, principal: PlatformAdmin, text: str):
        self.typed = str(text)[:200]

    @administrators()
    async def delete(self, principal: PlatformAdmin, tenant_id: str):
        rt = get_runtime()
        tenant = await tenants.get(rt, principal, uuid_of(tenant_id))
        if self.typed != tenant.name:
            return rx.toast.error("Type the tenant's name to confirm.")
        receipt = await tenants.delete(rt, principal, tenant.id)
        self.typed = ""
        await self._first_page(principal)
        return deleted_toast(f"{tenant.name} is deleted with all that was in it.", receipt, "below")

    @administrators()
    async def open_receipt(self, principal: PlatformAdmin, tenant_id: str):
        """Of a deleted tenant; an empty id closes it."""
        wanted = uuid_of(tenant_id) if tenant_id else None
        self.receipt = next((view_of(item) for item in self.deleted if item.id == wanted), None)

    @administrators()
    async def download_receipt(self, principal: PlatformAdmin):
        return download(self.receipt)

    async def _change(self, principal: PlatformAdmin, tenant_id: str, patch: TenantPatch) -> TenantRead:
        tenant = await tenants.change(get_runtime(), principal, uuid_of(tenant_id), patch)
        self.items = [tenant if item.id == tenant.id else item for item in self.items]
        return tenant

    async def _first_page(self, principal: PlatformAdmin) -> None:
        await super()._first_page(principal)
        if not self.problem:
            with told(self):
                request = PageRequest(limit=DELETED_SHOWN)
                self.deleted = (await receipts.list_deleted_tenants(get_runtime(), principal, request)).items

    def _wanted(self) -> dict[str, Any]:
        return {"search": self.search.strip(), "status": "" if self.status == "all" else self.status}

    async def _find(self, principal: PlatformAdmin, request: PageRequest, **wanted: Any) -> Page[TenantRead]:
        return await tenants.list_page(get_runtime(), principal, request, **wanted)


def _problems(model: type[TenantCreate] | type[TenantPatch], fields: dict[str, str]) -> dict[str, str]:
    try:
        model.model_validate(fields)
    except ValidationError as error:
        return problems_of(error)
    return {}
