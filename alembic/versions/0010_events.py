"""what a bot's callers may bring"""

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bots", sa.Column("allow_tools", sa.Boolean(), nullable=False, server_default=sa.text("false")))


def downgrade() -> None:
    op.drop_column("bots", "allow_tools")
