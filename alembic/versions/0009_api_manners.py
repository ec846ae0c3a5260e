"""answers kept for repeated requests, and where, how often and for whom an API key may be used"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
MOMENT = sa.DateTime(timezone=True)
LOOKUP = "auth_api_key(wanted bytea)"
BEFORE = (
    "api_key_id uuid, tenant_id uuid, scopes text[], bot_ids uuid[], expires_at timestamptz, revoked_at timestamptz, tenant_status text",
    """SELECT k.id, k.tenant_id, k.scopes, k.bot_ids, k.expires_at, k.revoked_at, t.status::text
       FROM public.api_keys k JOIN public.tenants t ON t.id = k.tenant_id WHERE k.key_hash = wanted""",
)
AFTER = (
    BEFORE[0] + ", allowed_addresses text[], requests_per_minute int, tenant_requests_per_minute int",
    """SELECT k.id, k.tenant_id, k.scopes, k.bot_ids, k.expires_at, k.revoked_at, t.status::text,
              k.allowed_addresses, k.requests_per_minute, t.requests_per_minute
       FROM public.api_keys k JOIN public.tenants t ON t.id = k.tenant_id WHERE k.key_hash = wanted""",
)


def upgrade() -> None:
    op.add_column(
        "api_keys",
        sa.Column("allowed_addresses", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
    )
    for table in ("api_keys", "tenants"):
        op.add_column(table, sa.Column("requests_per_minute", sa.Integer(), nullable=True))
    _look_up(*AFTER)
    table = "idempotency_keys"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=False),
        sa.Column("leased_until", MOMENT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "principal_id", "key", name=op.f(f"uq_{table}_tenant_id_principal_id_key")),
    )
    op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}, {PLATFORM}")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {table} TO {PLATFORM} USING (true) WITH CHECK (true)")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO {APP} USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute(
        f"CREATE TRIGGER set_updated_at BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION set_updated_at()"
    )


def _look_up(columns: str, body: str) -> None:
    """Make the lookup of a key anew: what a function returns cannot be changed."""
    name = LOOKUP.replace("wanted ", "")
    op.execute(f"DROP FUNCTION {name}")
    op.execute(f"GRANT CREATE ON SCHEMA public TO {PLATFORM}")  # only for the change of owner below
    op.execute(
        f"""CREATE FUNCTION {LOOKUP} RETURNS TABLE ({columns}) LANGUAGE sql STABLE SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp AS $$ {body} $$"""
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
    op.execute(f"ALTER FUNCTION {name} OWNER TO {PLATFORM}")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {APP}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {PLATFORM}")


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    _look_up(*BEFORE)
    for table in ("api_keys", "tenants"):
        op.drop_column(table, "requests_per_minute")
    op.drop_column("api_keys", "allowed_addresses")
