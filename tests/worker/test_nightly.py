"""The nightly comparison is planned for the time of the settings, and for none in tests."""

from dataclasses import replace
from datetime import UTC, datetime

from procrastinate.periodic import PeriodicDeferrer

from chatbot_saas.adapters.jobs import JobQueue
from chatbot_saas.core.settings import NEVER
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker import tasks


def planned(rt: Runtime, nightly_at: str, moment: datetime) -> list[tuple[str, datetime]]:
    """What a worker that starts at `moment` would begin, with the times that it is for."""
    queue = JobQueue(rt.db.platform_url)
    tasks.register(queue, replace(rt, settings=rt.settings.model_copy(update={"nightly_at": nightly_at})))
    due = PeriodicDeferrer(queue.app.periodic_registry).get_previous_tasks(moment.timestamp())
    return [(periodic.task.name, datetime.fromtimestamp(at, UTC)) for periodic, at in due]


async def test_it_is_begun_at_its_time_and_for_a_while_afterwards(rt: Runtime) -> None:
    night = datetime(2026, 3, 1, 21, 5, tzinfo=UTC)
    assert planned(rt, "21:05", night.replace(second=1)) == [("sweep", night)]
    assert planned(rt, "21:05", night.replace(minute=14)) == [("sweep", night)]
    assert planned(rt, "21:05", night.replace(minute=16)) == []
    assert planned(rt, "21:05", night.replace(minute=4)) == []


async def test_never_is_never_and_what_tests_have(rt: Runtime) -> None:
    assert planned(rt, NEVER, datetime(2026, 3, 1, 3, 17, 1, tzinfo=UTC)) == []
    assert rt.settings.nightly_at == NEVER
    assert not rt.jobs.app.periodic_registry.periodic_tasks
