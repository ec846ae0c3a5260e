"""the tables of the job queue, as its library ships them"""

from procrastinate.schema import SchemaManager

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLES = "chatbot_app, chatbot_platform"


def upgrade() -> None:
    # the script holds many statements and per cent signs: it goes to the driver as it is
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, "
               f"procrastinate_periodic_defers, procrastinate_workers TO {ROLES}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLES}")


def downgrade() -> None:
    op.execute("DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE")
    op.execute(
        """DO $$ DECLARE f regprocedure; BEGIN
             FOR f IN SELECT oid FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
               EXECUTE 'DROP FUNCTION ' || f || ' CASCADE';
             END LOOP; END $$"""
    )
    op.execute("DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type")
