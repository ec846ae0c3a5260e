"""which calls an answer was made by is found at once, whenever they were"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_usage_events_message_id"


def upgrade() -> None:
    op.create_index(INDEX, "usage_events", ["message_id"])


def downgrade() -> None:
    op.drop_index(INDEX, "usage_events")
