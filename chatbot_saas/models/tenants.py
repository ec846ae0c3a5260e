from sqlmodel import Field

from chatbot_saas.models.base import Row


class TenantRow(Row, table=True):
    """A customer organisation."""

    __tablename__ = "tenants"  # pyright: ignore[reportAssignmentType]

    name: str = Field(max_length=120)
    status: str = Field(default="active", max_length=20)
    """active, or suspended: then its keys, sessions, jobs and widgets stand still."""
    requests_per_minute: int | None = None
    """Over the HTTP API; null is what tenants have unless an administrator says otherwise."""
