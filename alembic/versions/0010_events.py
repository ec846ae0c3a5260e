"""what happens in a tenant, told by triggers in the transaction of each change; and bots that take tools"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
MOMENT = sa.DateTime(timezone=True)
TRIES = "playground"
"""The channel of an owner's own tries, which nobody is told of."""

# name: (table, type, what is told, beside the bot's id)
TELLERS = {
    "bot_changed": (
        "bots",
        "bot.changed",
        "'status', NEW.status, 'version', NEW.version, 'published_version', NEW.published_version, "
        "'knowledge_version', NEW.knowledge_version",
    ),
    "source_status": ("sources", "source.status", "'source_id', NEW.id, 'status', NEW.status"),
    "job_progress": (
        "jobs",
        "job.progress",
        "'job_id', NEW.id, 'source_id', NEW.source_id, 'kind', NEW.kind, 'status', NEW.status, 'stage', NEW.stage, "
        "'progress', NEW.progress",
    ),
    "test_run_finished": (
        "bot_test_runs",
        "test_run.finished",
        "'run_id', NEW.id, 'status', NEW.status, 'passed', NEW.passed, 'total', NEW.total",
    ),
    "conversation_started": (
        "conversations",
        "conversation.started",
        "'conversation_id', NEW.id, 'channel', NEW.channel",
    ),
    "lead_created": ("leads", "lead.created", "'lead_id', NEW.id, 'conversation_id', NEW.conversation_id"),
    "bot_deleted": ("bots", "bot.deleted", ""),
    "source_deleted": ("sources", "source.deleted", "'source_id', OLD.id"),
    "conversation_deleted": ("conversations", "conversation.deleted", "'conversation_id', OLD.id"),
    "lead_deleted": ("leads", "lead.deleted", "'lead_id', OLD.id"),
}

# (which teller, when). What goes with something else, as a bot's sources do, is told by that: depth 0 is a statement.
DELETED = "DELETE", "pg_trigger_depth() = 0"
TRIGGERS = (
    ("bot_changed", "INSERT", "true"),
    (
        "bot_changed",
        "UPDATE OF status, version, published_version, knowledge_version",
        "(OLD.status, OLD.version, OLD.published_version, OLD.knowledge_version) IS DISTINCT FROM "
        "(NEW.status, NEW.version, NEW.published_version, NEW.knowledge_version)",
    ),
    ("source_status", "INSERT", "true"),
    ("source_status", "UPDATE OF status", "OLD.status <> NEW.status"),
    ("job_progress", "INSERT", "true"),
    (
        "job_progress",
        "UPDATE OF status, stage, progress",
        "(OLD.status, OLD.stage, OLD.progress) IS DISTINCT FROM (NEW.status, NEW.stage, NEW.progress)",
    ),
    ("test_run_finished", "UPDATE OF finished_at", "OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL"),
    (
        "conversation_started",
        "UPDATE OF message_count",
        f"OLD.message_count = 0 AND NEW.message_count > 0 AND NEW.channel <> '{TRIES}'",
    ),
    ("message_created", "INSERT", "NEW.status = 'complete'"),
    ("message_created", "UPDATE OF status", "OLD.status <> 'complete' AND NEW.status = 'complete'"),
    ("lead_created", "INSERT", "true"),
    ("bot_deleted", *DELETED),
    ("source_deleted", *DELETED),
    ("conversation_deleted", *DELETED),
    ("lead_deleted", *DELETED),
)
TABLE_OF = {name: table for name, (table, _, _) in TELLERS.items()} | {"message_created": "messages"}


def upgrade() -> None:
    op.add_column("bots", sa.Column("allow_tools", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    _events()
    op.execute(
        """CREATE FUNCTION tell(tenant uuid, bot uuid, kind text, told jsonb) RETURNS void LANGUAGE plpgsql AS $$
           BEGIN
             INSERT INTO events (id, tenant_id, bot_id, transaction_id, type, data)
             VALUES (gen_random_uuid(), tenant, bot, pg_current_xact_id()::text::bigint, kind,
                     jsonb_build_object('bot_id', bot) || told);
             PERFORM pg_notify('chatbot_events', tenant::text);
           END $$"""
    )
    for name, (table, kind, told) in TELLERS.items():
        row = "OLD" if name.endswith("_deleted") else "NEW"
        bot = f"{row}.id" if table == "bots" else f"{row}.bot_id"
        op.execute(
            f"""CREATE FUNCTION tell_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                  PERFORM tell({row}.tenant_id, {bot}, '{kind}', jsonb_build_object({told}));
                  RETURN NULL;
                END $$"""
        )
    op.execute(
        f"""CREATE FUNCTION tell_message_created() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE said_in text := (SELECT channel FROM conversations WHERE id = NEW.conversation_id);
            BEGIN
              IF said_in <> '{TRIES}' THEN
                PERFORM tell(NEW.tenant_id, NEW.bot_id, 'message.created', jsonb_build_object(
                  'message_id', NEW.id, 'conversation_id', NEW.conversation_id, 'role', NEW.role,
                  'answered', NEW.answered, 'channel', said_in));
              END IF;
              RETURN NULL;
            END $$"""
    )
    for name, moment, condition in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER tell_{name}_{_verb(moment)} AFTER {moment} ON {TABLE_OF[name]} FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION tell_{name}()"
        )


def _events() -> None:
    moment = {"server_default": sa.text("now()"), "nullable": False}
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, **moment),
        sa.Column("updated_at", MOMENT, **moment),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_events_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    places = ["tenant_id", "transaction_id", "number"]
    op.create_index("ix_events_tenant_id_transaction_id_number", "events", places)
    op.create_index("ix_events_created_at", "events", ["created_at"])
    op.execute(f"GRANT SELECT, INSERT ON events TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON events TO {PLATFORM}")
    op.execute("ALTER TABLE events ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE events FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON events TO {PLATFORM} USING (true) WITH CHECK (true)")
    op.execute(
        f"CREATE POLICY tenant ON events TO {APP} USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})"
    )
    op.execute("CREATE TRIGGER set_updated_at BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION set_updated_at()")


def _verb(moment: str) -> str:
    return moment.split()[0].lower()


def downgrade() -> None:
    for name, moment, _ in reversed(TRIGGERS):
        op.execute(f"DROP TRIGGER tell_{name}_{_verb(moment)} ON {TABLE_OF[name]}")
    for name in TABLE_OF:
        op.execute(f"DROP FUNCTION tell_{name}()")
    op.execute("DROP FUNCTION tell(uuid, uuid, text, jsonb)")
    op.drop_table("events")
    op.drop_column("bots", "allow_tools")
