"""who visitors are, where bots may be shown, and how the launcher looks"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
TABLE = "identity_secrets"
MOMENT = sa.DateTime(timezone=True)

NEW_COLUMNS = {
    "bots": (
        ("allow_localhost", sa.Boolean(), "false"),
        ("identity_required", sa.Boolean(), "false"),
        ("page_context", sa.Boolean(), "false"),
        ("launcher", postgresql.JSONB(), "'{}'"),
    ),
    "conversations": (
        ("visitor_sub", sa.String(length=200), "''"),
        ("visitor_name", sa.String(length=120), "''"),
        ("visitor_email", sa.String(length=254), "''"),
    ),
}


def upgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=sa.text(default)))
    moment = {"server_default": sa.text("now()"), "nullable": False}
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, **moment),
        sa.Column("updated_at", MOMENT, **moment),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_secrets")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_identity_secrets_tenant_id"), ondelete="CASCADE"
        ),
    )
    op.create_index("ix_identity_secrets_tenant_id", TABLE, ["tenant_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO {APP}, {PLATFORM}")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {TABLE} TO {PLATFORM} USING (true) WITH CHECK (true)")
    op.execute(
        f"CREATE POLICY tenant ON {TABLE} TO {APP} USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(
        f"CREATE TRIGGER set_updated_at BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION set_updated_at()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
    for table, columns in NEW_COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
