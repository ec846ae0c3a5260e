"""web pages, jobs, questions with answers of their own, and what a site's refresh needs to know"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APP, PLATFORM = "chatbot_app", "chatbot_platform"
TENANT = "(SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"
TABLES = ("web_pages", "jobs")
ORDINAL = "uq_chunks_document_id_ordinal"


def upgrade() -> None:
    _columns()
    op.create_table(
        "web_pages",
        *_row(),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("links", postgresql.JSONB(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=60), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        *_references("web_pages", "tenant_id", "bot_id", "source_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_pages")),
        sa.UniqueConstraint("source_id", "url", name=op.f("uq_web_pages_source_id_url")),
    )
    op.create_table(
        "jobs",
        *_row(),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.Column("error_code", sa.String(length=60), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *_references("jobs", "tenant_id", "bot_id", "source_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("source_id", "run", name=op.f("uq_jobs_source_id_run")),
    )
    for table in TABLES:
        op.create_index(f"ix_{table}_tenant_id", table, ["tenant_id"])
        op.create_index(f"ix_{table}_bot_id", table, ["bot_id"])
    op.create_index("ix_jobs_open", "jobs", ["tenant_id", "id"], postgresql_where=sa.text("finished_at IS NULL"))
    op.create_index("ix_sources_next_refresh_at", "sources", ["next_refresh_at"])
    op.create_index(
        "ix_chunks_question", "chunks", ["bot_id", "question_key"], postgresql_where=sa.text("question_key <> ''")
    )
    # a text that moves keeps its vectors, so two rows may trade places within a transaction
    op.drop_constraint(ORDINAL, "chunks")
    op.create_unique_constraint(ORDINAL, "chunks", ["document_id", "ordinal"], deferrable=True, initially="DEFERRED")
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


NEW_COLUMNS = {
    "sources": (
        ("url", sa.Text(), "''"),
        ("options", postgresql.JSONB(), "'{}'"),
        ("refresh", sa.String(length=10), "''"),
        ("next_refresh_at", sa.DateTime(timezone=True), None),
        ("refreshed_at", sa.DateTime(timezone=True), None),
        ("failures", sa.Integer(), "0"),
    ),
    "chunks": (("question", sa.Text(), "''"), ("question_key", sa.Text(), "''")),
    "bots": (
        ("qa_threshold", sa.Float(), "0.9"),
        ("starter_questions", postgresql.ARRAY(sa.Text()), "'{}'"),
        ("icon", sa.Text(), "''"),
    ),
}


def _columns() -> None:
    for table, columns in NEW_COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(
                table,
                sa.Column(name, kind, nullable=default is None, server_default=sa.text(default) if default else None),
            )


def _row() -> tuple[sa.Column, ...]:
    moment = {"server_default": sa.text("now()"), "nullable": False}
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), **moment),
        sa.Column("updated_at", sa.DateTime(timezone=True), **moment),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
    )


def _references(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{column.removesuffix('_id')}s.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
        )
        for column in columns
    ]


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_sources_next_refresh_at", "sources")
    op.drop_index("ix_chunks_question", "chunks")
    op.drop_constraint(ORDINAL, "chunks")
    op.create_unique_constraint(ORDINAL, "chunks", ["document_id", "ordinal"])
    for table, columns in NEW_COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
