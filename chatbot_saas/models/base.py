"""What every table shares."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Uuid, func
from sqlmodel import Field, SQLModel

from chatbot_saas.core.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


class Row(SQLModel):
    """A UUIDv7 key, and times that the database keeps (a trigger sets `updated_at`)."""

    id: UUID = Field(default_factory=new_id, primary_key=True, sa_type=Uuid)
    created_at: datetime = Field(
        default=None,
        sa_type=DateTime(timezone=True),  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
    )
    updated_at: datetime = Field(
        default=None,
        sa_type=DateTime(timezone=True),  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
    )


def reference(table: str, *, ondelete: str = "CASCADE", index: bool = True, nullable: bool = False) -> Any:
    """A foreign key to `table.id`."""
    return Field(
        default=None if nullable else ...,
        sa_type=Uuid,
        sa_column_args=[ForeignKey(f"{table}.id", ondelete=ondelete)],
        sa_column_kwargs={"index": index, "nullable": nullable},
    )


def moment(*, nullable: bool = True) -> Any:
    """A point in time, stored in UTC."""
    return Field(
        default=None if nullable else ...,
        sa_type=DateTime(timezone=True),  # pyright: ignore[reportArgumentType]
        sa_column_kwargs={"nullable": nullable},
    )
