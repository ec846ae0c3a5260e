"""how a bot answers, the passages that answers were made from, tests of bots, and what visitors leave"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
TABLES = ("recorded_passages", "bot_tests", "bot_test_runs", "bot_test_results", "leads")
TEXTS = postgresql.ARRAY(sa.Text())
MOMENT = sa.DateTime(timezone=True)

NEW_COLUMNS = {
    "bots": (
        ("answer_mode", sa.String(length=10), "'balanced'"),
        ("fallback_model", sa.String(length=100), "''"),
        ("passage_limit", sa.Integer(), "6"),
        ("passage_tokens", sa.Integer(), "4000"),
        ("vector_weight", sa.Float(), None),
        ("rerank", sa.Boolean(), "true"),
        ("chunk_tokens", sa.Integer(), "800"),
        ("link_hosts", TEXTS, "'{}'"),
        ("hold_changes", sa.Boolean(), "false"),
        ("published_version", sa.Integer(), "0"),
    ),
    "messages": (("proof", postgresql.JSONB(), "'[]'"),),
    "usage_events": (("saved_tokens", sa.Integer(), "0"),),
}


def upgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(
                table,
                sa.Column(name, kind, nullable=default is None, server_default=sa.text(default) if default else None),
            )
    # what visitors of a published bot get today is what was published
    op.execute("UPDATE bots SET published_version = version WHERE status <> 'draft'")
    op.create_table(
        "recorded_passages",
        *_row(),
        _needed("document_id", sa.Uuid()),
        _needed("title", sa.String(length=300)),
        _needed("url", sa.Text()),
        _needed("headings", TEXTS),
        sa.Column("page", sa.Integer(), nullable=True),
        _needed("pages", postgresql.JSONB()),
        _needed("start", sa.Integer()),
        _needed("end", sa.Integer()),
        _needed("text", sa.Text()),
        _needed("question", sa.Text()),
        *_keys("recorded_passages", "tenant_id", "bot_id", "document_id"),
    )
    op.create_table(
        "bot_tests",
        *_row(),
        _needed("question", sa.Text()),
        _needed("expectation", sa.String(length=10)),
        _needed("facts", TEXTS),
        _needed("origin", sa.String(length=20)),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        _needed("enabled", sa.Boolean()),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_bot_tests_source_id"), ondelete="SET NULL"
        ),
        *_keys("bot_tests", "tenant_id", "bot_id"),
    )
    op.create_table(
        "bot_test_runs",
        *_row(),
        *(_needed(name, sa.Integer()) for name in ("version", "baseline_version", "knowledge_version")),
        _needed("status", sa.String(length=20)),
        *(_needed(name, sa.Integer()) for name in ("total", "done", "passed", "regressions")),
        _needed("error", sa.Text()),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        *_keys("bot_test_runs", "tenant_id", "bot_id"),
    )
    op.create_table(
        "bot_test_results",
        *_row(),
        _needed("run_id", sa.Uuid()),
        _needed("test_id", sa.Uuid()),
        _needed("side", sa.String(length=10)),
        _needed("question", sa.Text()),
        _needed("answer", sa.Text()),
        _needed("answered", sa.Boolean()),
        _needed("passed", sa.Boolean()),
        _needed("missing", TEXTS),
        _needed("sources", postgresql.JSONB()),
        _needed("trace", postgresql.JSONB()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["bot_test_runs.id"], name=op.f("fk_bot_test_results_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["test_id"], ["bot_tests.id"], name=op.f("fk_bot_test_results_test_id"), ondelete="CASCADE"
        ),
        *_keys("bot_test_results", "tenant_id", "bot_id"),
    )
    op.create_table(
        "leads",
        *_row(),
        _needed("conversation_id", sa.Uuid()),
        _needed("name", sa.String(length=120)),
        _needed("email", sa.String(length=254)),
        _needed("phone", sa.String(length=40)),
        _needed("message", sa.Text()),
        *_keys("leads", "tenant_id", "bot_id", "conversation_id"),
    )
    for table, columns in INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_bot_test_runs_bot_id_id", "bot_test_runs", ["bot_id", "id"])
    op.create_index("ix_leads_tenant_id_id", "leads", ["tenant_id", "id"])
    op.create_index(
        "uq_bot_test_results_run_id_test_id_side", "bot_test_results", ["run_id", "test_id", "side"], unique=True
    )
    for table in TABLES:
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


INDEXES = {
    "recorded_passages": ("tenant_id", "bot_id", "document_id"),
    "bot_tests": ("tenant_id", "bot_id", "source_id"),
    "bot_test_runs": ("tenant_id",),
    "bot_test_results": ("tenant_id", "bot_id", "test_id"),
    "leads": ("bot_id", "conversation_id"),
}


def _needed(name: str, kind: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def _row() -> tuple[sa.Column, ...]:
    moment = {"server_default": sa.text("now()"), "nullable": False}
    return (
        _needed("id", sa.Uuid()),
        sa.Column("created_at", MOMENT, **moment),
        sa.Column("updated_at", MOMENT, **moment),
        _needed("tenant_id", sa.Uuid()),
        _needed("bot_id", sa.Uuid()),
    )


def _keys(table: str, *columns: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{column.removesuffix('_id')}s.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            )
            for column in columns
        ),
    ]


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for table, columns in NEW_COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
