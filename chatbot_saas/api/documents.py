from uuid import UUID

from fastapi import APIRouter

from chatbot_saas.api.dependencies import PageDep, RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.base import PageRead
from chatbot_saas.schemas.documents import DocumentRead, PassageRead
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import documents

router = APIRouter(
    prefix="/api/v1", tags=["sources"], responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError)
)


@router.get("/sources/{source_id}/documents")
async def list_documents(
    source_id: UUID, rt: RuntimeDep, principal: TenantDep, page: PageDep
) -> PageRead[DocumentRead]:
    """The texts of a source: one of a file or a page, one for each page of a website."""
    async with rt.db.tenant(principal) as session:
        found = await documents.list_page(session, principal, source_id, page)
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.get("/documents/{document_id}")
async def get_document(document_id: UUID, rt: RuntimeDep, principal: TenantDep) -> DocumentRead:
    async with rt.db.tenant(principal) as session:
        return await documents.get(session, principal, document_id)


@router.get("/documents/{document_id}/passages")
async def list_passages(
    document_id: UUID, rt: RuntimeDep, principal: TenantDep, page: PageDep
) -> PageRead[PassageRead]:
    """The document as it was cut, in its own order. A passage may begin with the end of the one before it."""
    async with rt.db.tenant(principal) as session:
        found = await documents.list_passages(session, principal, document_id, page)
    return PageRead(items=found.items, next_cursor=found.next_cursor)


@router.delete("/documents/{document_id}", responses=errors(ConflictError))
async def delete_document(document_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Receipt:
    """Remove one document of a source that has several, such as a page of a website. Refreshes leave it out."""
    return await documents.delete(rt, principal, document_id)
