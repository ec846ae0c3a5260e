from fastapi import APIRouter

from chatbot_saas.api.dependencies import AdminDep, AnyoneFirst, CallerDep, PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ForbiddenError, UnauthenticatedError
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.receipts import Receipt, ReceiptCheck, ReceiptChecked
from chatbot_saas.services import receipts

router = APIRouter(
    route_class=AnyoneFirst, prefix="/api/v1", tags=["receipts"], responses=errors(UnauthenticatedError, ForbiddenError)
)


@router.get("/receipts")
async def list_receipts(rt: RuntimeDep, principal: TenantDep, page: PageDep) -> PageRead[Receipt]:
    """What was deleted in this account, newest first; for its owners and administrators."""
    async with rt.db.tenant(principal) as session:
        found = await receipts.list_page(session, principal, page)
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.post("/receipts/verify")
async def verify_receipt(body: ReceiptCheck, rt: RuntimeDep, caller: CallerDep) -> ReceiptChecked:
    """Whether this platform issued the receipt, and nothing in it was changed. Any credential will do."""
    return ReceiptChecked(valid=receipts.is_genuine(rt, body.receipt))


@router.get("/admin/receipts", tags=["administration"])
async def list_receipts_of_tenants(rt: RuntimeDep, admin: AdminDep, page: PageDep) -> PageRead[Receipt]:
    """Of deleted tenants, newest first. What was in them is gone; that it is, stays."""
    found = await receipts.list_deleted_tenants(rt, admin, page)
    return PageRead(items=found.items, next_cursor=found.next_cursor)
