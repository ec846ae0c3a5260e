"""a run of tests that publishes at its end, and answers that no model gave"""

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEW_COLUMNS = {
    "bot_test_runs": (
        ("unasked", sa.Integer(), "0"),
        ("publish", sa.Boolean(), "false"),
        ("published", sa.Boolean(), "false"),
        ("publish_problem", sa.Text(), "''"),
        ("api_key_id", sa.Uuid(), None),
    ),
    "bot_test_results": (("unasked", sa.Boolean(), "false"),),
}


def upgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(
                table,
                sa.Column(name, kind, nullable=default is None, server_default=sa.text(default) if default else None),
            )


def downgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
