"""`/admin/jobs`: the jobs of all tenants, for the platform's administrators. To others there is no such page."""

import reflex as rx

from chatbot_saas.components.feedback import empty_state, skeleton_panels
from chatbot_saas.components.table import Column
from chatbot_saas.pages.jobs import COLUMNS, job_list, job_row
from chatbot_saas.pages.not_found import not_found
from chatbot_saas.pages.shell import dashboard_page
from chatbot_saas.schemas.jobs import AdminJobRead
from chatbot_saas.state.admin_jobs import AdminJobsState
from chatbot_saas.state.shell import ShellState

ADMIN_COLUMNS = (COLUMNS[0], Column("Tenant", phone=False), *COLUMNS[2:])


@dashboard_page("/admin/jobs", "All jobs", section="/admin/jobs", on_load=[AdminJobsState.load])
def admin_jobs() -> rx.Component:
    return rx.cond(
        ShellState.loaded,
        rx.cond(ShellState.user.is_platform_admin, _content(), not_found()),
        skeleton_panels(4, height="64px"),
    )


def _content() -> rx.Component:
    return job_list(
        AdminJobsState,
        ADMIN_COLUMNS,
        _row,
        title="All jobs",
        text="What the platform is reading and indexing for its tenants.",
        search="Search by title or tenant",
        nothing=empty_state("list-checks", "No job yet", "They appear when a tenant adds something to a bot."),
        can_change=True,
    )


def _row(job: AdminJobRead) -> rx.Component:
    return job_row(
        AdminJobsState,
        ADMIN_COLUMNS,
        job,
        rx.el.div(
            rx.el.p(job.tenant_name, class_name="truncate-line max-w-[160px]"),
            rx.el.p(job.bot_name, class_name="text-[13px] text-[var(--ink-soft)] truncate-line max-w-[160px]"),
        ),
        short=rx.fragment(job.tenant_name, ", ", job.bot_name),
        can_change=True,
    )
