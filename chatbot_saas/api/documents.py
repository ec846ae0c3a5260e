from uuid import UUID

from fastapi import APIRouter

from chatbot_saas.api.dependencies import RuntimeDep, TenantDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError
from chatbot_saas.schemas.receipts import Receipt
from chatbot_saas.services import documents

router = APIRouter(
    prefix="/api/v1/documents", tags=["sources"], responses=errors(UnauthenticatedError, ForbiddenError, NotFoundError)
)


@router.delete("/{document_id}", responses=errors(ConflictError))
async def delete_document(document_id: UUID, rt: RuntimeDep, principal: TenantDep) -> Receipt:
    """Remove one document of a source that has several, such as a page of a website. Refreshes leave it out."""
    return await documents.delete(rt, principal, document_id)
