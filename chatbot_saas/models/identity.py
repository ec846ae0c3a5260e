from datetime import datetime
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from chatbot_saas.models.base import Row, moment, reference


class IdentitySecret(Row, table=True):
    """By which a tenant's websites sign who their visitors are."""

    __tablename__ = "identity_secrets"  # pyright: ignore[reportAssignmentType]

    tenant_id: UUID = reference("tenants")
    secret: str = Field(sa_type=Text)
    """Encrypted."""
    expires_at: datetime | None = moment()
    """Of one that was replaced; null for the present one."""
