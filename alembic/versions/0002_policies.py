"""row-level security, the times that the database keeps, and the lookups before a tenant is known

The login roles are made beforehand by chatbot_saas.core.migrations, because roles belong to the server, not to one database.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
USER = "(SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)"

TENANT_TABLES = (
    "api_keys", "bots", "bot_versions", "sources", "documents", "chunks", "conversations", "messages",
)
APPEND_ONLY = ("usage_events", "audit_entries")
USER_TABLES = ("sessions", "refresh_tokens")
TABLES = ("tenants", "users", "memberships", *TENANT_TABLES, *APPEND_ONLY, *USER_TABLES)

LOOKUPS = {
    "auth_user_by_email(wanted text)": (
        "user_id uuid, password_hash text, locked_until timestamptz",
        "SELECT id, password_hash::text, locked_until FROM public.users WHERE email = wanted",
    ),
    "auth_session(wanted bytea)": (
        "session_id uuid, user_id uuid, tenant_id uuid, expires_at timestamptz, role text, tenant_status text, is_platform_admin boolean",
        """SELECT s.id, s.user_id, s.tenant_id, s.expires_at, m.role::text, t.status::text, u.is_platform_admin
           FROM public.sessions s JOIN public.users u ON u.id = s.user_id
           LEFT JOIN public.memberships m ON m.user_id = s.user_id AND m.tenant_id = s.tenant_id
           LEFT JOIN public.tenants t ON t.id = m.tenant_id
           WHERE s.token_hash = wanted""",
    ),
    "auth_refresh_token(wanted bytea)": (
        "token_id uuid, family_id uuid, user_id uuid, tenant_id uuid, expires_at timestamptz, used_at timestamptz, revoked_at timestamptz",
        """SELECT id, family_id, user_id, tenant_id, expires_at, used_at, revoked_at
           FROM public.refresh_tokens WHERE token_hash = wanted""",
    ),
    "auth_api_key(wanted bytea)": (
        "api_key_id uuid, tenant_id uuid, scopes text[], bot_ids uuid[], expires_at timestamptz, revoked_at timestamptz, tenant_status text",
        """SELECT k.id, k.tenant_id, k.scopes, k.bot_ids, k.expires_at, k.revoked_at, t.status::text
           FROM public.api_keys k JOIN public.tenants t ON t.id = k.tenant_id WHERE k.key_hash = wanted""",
    ),
    "public_bot(wanted uuid)": (
        "tenant_id uuid, tenant_status text",
        """SELECT b.tenant_id, t.status::text
           FROM public.bots b JOIN public.tenants t ON t.id = b.tenant_id WHERE b.id = wanted""",
    ),
}


def upgrade() -> None:
    op.execute(
        """CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$"""
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}, {PLATFORM}")
    for table in TABLES:
        rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {rights} ON {table} TO {APP}")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {PLATFORM}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON {table} TO {PLATFORM} USING (true) WITH CHECK (true)")
        op.execute(
            f"CREATE TRIGGER set_updated_at BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION set_updated_at()"
        )
    for table in (*TENANT_TABLES, *APPEND_ONLY):
        op.execute(
            f"CREATE POLICY tenant ON {table} TO {APP} USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
        )
    for table in USER_TABLES:
        op.execute(f"CREATE POLICY own ON {table} TO {APP} USING (user_id = {USER}) WITH CHECK (user_id = {USER})")
    op.execute(
        f"""CREATE POLICY tenant ON memberships TO {APP}
            USING (tenant_id = {TENANT} OR user_id = {USER}) WITH CHECK (tenant_id = {TENANT})"""
    )
    op.execute(
        f"""CREATE POLICY tenant ON tenants TO {APP}
            USING (id = {TENANT} OR EXISTS (SELECT 1 FROM memberships m WHERE m.tenant_id = tenants.id AND m.user_id = {USER}))
            WITH CHECK (id = {TENANT})"""
    )
    op.execute(
        f"""CREATE POLICY own ON users TO {APP}
            USING (id = {USER} OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.tenant_id = {TENANT}))
            WITH CHECK (id = {USER})"""
    )
    op.execute(
        f"""CREATE FUNCTION keep_platform_admin() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF current_user = '{APP}' AND NEW.is_platform_admin AND (TG_OP = 'INSERT' OR NOT OLD.is_platform_admin) THEN
                RAISE insufficient_privilege USING MESSAGE = 'only the platform makes platform administrators';
              END IF; RETURN NEW; END $$"""
    )
    op.execute(
        """CREATE TRIGGER keep_platform_admin BEFORE INSERT OR UPDATE ON users
           FOR EACH ROW EXECUTE FUNCTION keep_platform_admin()"""
    )
    op.execute(f"GRANT CREATE ON SCHEMA public TO {PLATFORM}")  # only for the change of owner below
    for signature, (columns, body) in LOOKUPS.items():
        op.execute(
            f"""CREATE FUNCTION {signature} RETURNS TABLE ({columns}) LANGUAGE sql STABLE SECURITY DEFINER
                SET search_path = pg_catalog, pg_temp AS $$ {body} $$"""
        )
        op.execute(f"REVOKE ALL ON FUNCTION {_named(signature)} FROM PUBLIC")
        op.execute(f"ALTER FUNCTION {_named(signature)} OWNER TO {PLATFORM}")
        op.execute(f"GRANT EXECUTE ON FUNCTION {_named(signature)} TO {APP}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {PLATFORM}")


def downgrade() -> None:
    for signature in LOOKUPS:
        op.execute(f"DROP FUNCTION {_named(signature)}")
    for table in TABLES:
        op.execute(f"DROP TRIGGER set_updated_at ON {table}")
        for policy in ("platform", "tenant", "own"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {APP}, {PLATFORM}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {APP}, {PLATFORM}")
    op.execute("DROP TRIGGER keep_platform_admin ON users")
    op.execute("DROP FUNCTION keep_platform_admin()")
    op.execute("DROP FUNCTION set_updated_at()")


def _named(signature: str) -> str:
    """`f(wanted uuid)` as a command that refers to the function wants it: `f(uuid)`."""
    return signature.replace("wanted ", "")
