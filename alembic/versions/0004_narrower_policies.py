"""writes only where one acts: reading reaches further (colleagues, one's other tenants), and one policy served both

A session of one tenant could delete the account of a colleague who is in other tenants too, and a user acting in one
tenant could delete another of theirs. And what enqueues jobs needs to add them only, not to change others'.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP = "chatbot_app"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
USER = "(SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)"

# table: (name of the policy so far, who may read, who may write)
POLICIES = {
    "memberships": ("tenant", f"tenant_id = {TENANT} OR user_id = {USER}", f"tenant_id = {TENANT}"),
    "tenants": (
        "tenant",
        f"id = {TENANT} OR EXISTS (SELECT 1 FROM memberships m WHERE m.tenant_id = tenants.id AND m.user_id = {USER})",
        f"id = {TENANT}",
    ),
    "users": (
        "own",
        f"id = {USER} OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.tenant_id = {TENANT})",
        f"id = {USER}",
    ),
}
QUEUE = "procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers"


def upgrade() -> None:
    for table, (name, read, write) in POLICIES.items():
        op.execute(f"DROP POLICY {name} ON {table}")
        op.execute(f"CREATE POLICY {name} ON {table} TO {APP} USING ({write}) WITH CHECK ({write})")
        op.execute(f"CREATE POLICY reading ON {table} FOR SELECT TO {APP} USING ({read})")
    op.execute(f"REVOKE UPDATE, DELETE ON {QUEUE} FROM {APP}")


def downgrade() -> None:
    op.execute(f"GRANT UPDATE, DELETE ON {QUEUE} TO {APP}")
    for table, (name, read, write) in POLICIES.items():
        op.execute(f"DROP POLICY reading ON {table}")
        op.execute(f"DROP POLICY {name} ON {table}")
        op.execute(f"CREATE POLICY {name} ON {table} TO {APP} USING ({read}) WITH CHECK ({write})")
