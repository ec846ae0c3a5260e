"""what owners decide about the chat window, whose a conversation is, and more that visitors leave"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NEW_COLUMNS = {
    "bots": (("widget", postgresql.JSONB(), "'{}'"),),
    "conversations": (
        ("visitor_id", sa.Uuid(), None),
        ("consent", sa.String(length=12), "''"),
        ("consented_at", MOMENT, None),
        ("handoff_requested_at", MOMENT, None),
    ),
    "messages": (("rating_reason", sa.String(length=500), "''"),),
    "leads": (
        ("kind", sa.String(length=10), "'message'"),
        ("company", sa.String(length=120), "''"),
        ("rating", sa.Integer(), None),
        ("notified_at", MOMENT, None),
    ),
}
INDEX = "ix_conversations_visitor_id_bot_id"


def upgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(
                table,
                sa.Column(name, kind, nullable=default is None, server_default=sa.text(default) if default else None),
            )
    op.create_index(INDEX, "conversations", ["visitor_id", "bot_id"])


def downgrade() -> None:
    op.drop_index(INDEX, "conversations")
    for table, columns in NEW_COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
