"""files that visitors give in a conversation, and their passages"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
FILES, PASSAGES = "attachments", "attachment_chunks"
UNSENT = sa.text("message_id IS NULL")
OWNERS = {"tenant_id": "tenants", "bot_id": "bots", "conversation_id": "conversations"}


def _table(name: str, references: dict[str, str], *columns: sa.Column[Any] | sa.UniqueConstraint) -> None:
    """With what every table has, and a reference to each owner."""
    moment = {"server_default": sa.text("now()"), "nullable": False}
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), **moment),
        sa.Column("updated_at", sa.DateTime(timezone=True), **moment),
        *(sa.Column(column, sa.Uuid(), nullable=column == "message_id") for column in references),
        *columns,
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}"), ondelete="CASCADE")
            for column, table in references.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for column in references:
        if column != "attachment_id":  # its unique constraint begins with it
            op.create_index(op.f(f"ix_{name}_{column}"), name, [column])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {APP}, {PLATFORM}")
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {name} TO {PLATFORM} USING (true) WITH CHECK (true)")
    op.execute(
        f"CREATE POLICY tenant ON {name} TO {APP} USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(f"CREATE TRIGGER set_updated_at BEFORE UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION set_updated_at()")


def upgrade() -> None:
    _table(
        FILES,
        OWNERS | {"message_id": "messages"},
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("blob_key", sa.String(length=200), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pages", postgresql.JSONB(), nullable=False),
    )
    op.create_index(
        "uq_attachments_conversation_id_sha256_unsent",
        FILES,
        ["conversation_id", "sha256"],
        unique=True,
        postgresql_where=UNSENT,
    )
    op.create_index("ix_attachments_created_at_unsent", FILES, ["created_at"], postgresql_where=UNSENT)
    _table(
        PASSAGES,
        OWNERS | {"attachment_id": FILES},
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("pages", postgresql.JSONB(), nullable=False),
        sa.Column("headings", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("embedder", sa.String(length=100), nullable=False),
        sa.UniqueConstraint("attachment_id", "ordinal", name=op.f("uq_attachment_chunks_attachment_id_ordinal")),
    )


def downgrade() -> None:
    op.drop_table(PASSAGES)
    op.drop_table(FILES)
