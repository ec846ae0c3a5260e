"""The job queue, in the same database: a job becomes visible exactly when the rows it is about do."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate import App, PsycopgConnector, RetryDecision, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncSession

from chatbot_saas.core.db import raw_connection
from chatbot_saas.core.errors import UnavailableError

INGEST = "ingest"
VECTORS = "vectors"
"""Jobs that write to the vector index: only the process that owns the index takes them."""
TESTS = "tests"
"""Runs of bots' tests, which take minutes and are in nobody's way: they have places of their own."""
MAIL = "mail"
"""Short jobs that wait for nobody's files."""
MAX_ATTEMPTS = 3
MAX_DEATHS = 5
"""How often a job may see its worker die before it is thought to be the reason; restarts and kills hit at random."""
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0
"""A worker that has been silent for this long is dead; its jobs are running again within half a minute."""


_WAITING = text("SELECT args FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = :task")


POLL_SECONDS = 0.5
"""A new job is told at once; one that waited for another's lock is found by looking."""


class Retry(RetryStrategy):
    """After an error with growing waits; at once and always where the worker was only told to stop."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        return super().get_retry_decision(exception=exception, job=job)


RETRY = Retry(max_attempts=MAX_ATTEMPTS - 1, exponential_wait=4)  # it counts what comes after the first run


LONGEST_WAIT_SECONDS = 60


class Untiring(Retry):
    """For what must be done in the end, however long a part of ours is away."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return super().get_retry_decision(exception=exception, job=job)
        return RetryDecision(retry_in={"seconds": min(4 ** min(job.attempts, 5), LONGEST_WAIT_SECONDS)})


class JobQueue:
    def __init__(self, url: URL) -> None:
        """`url`: the platform role's, since a worker reads every tenant's jobs."""
        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.app = App(connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=8))
        self._suspects: set[tuple[int | None, int | None, int]] = set()
        self._untiring: set[str] = set()

    def task(self, name: str, queue: str, run: Callable[..., Awaitable[Any]], *, untiring: bool = False) -> None:
        """Register a job entry point. It gets the arguments of `defer`, and may run twice.

        `untiring`: it is tried until it succeeds, instead of a few times.
        """
        if untiring:
            self._untiring.add(name)
        retry = Untiring() if untiring else RETRY
        self.app.task(name=name, queue=queue, retry=retry, pass_context=True)(run)

    async def defer(self, session: AsyncSession, task: str, queue: str, *, lock: str = "", **args: Any) -> int | None:
        """Enqueue inside the session's transaction. Jobs of one `lock` run one after another. Ids become strings."""
        plain = {key: str(value) if isinstance(value, UUID) else value for key, value in args.items()}
        await session.flush()
        connection = await raw_connection(session)
        try:
            return await self.app.configure_task(
                task, queue=queue, lock=lock or None, connection=connection
            ).defer_async(**plain)
        except AlreadyEnqueued:
            return None

    async def waiting(self, session: AsyncSession, task: str) -> list[dict[str, Any]]:
        """Arguments of the task's jobs that are to be done or under way, as the session sees them now."""
        found = await session.execute(_WAITING, {"task": task})
        return [row.args for row in found]

    def daily(self, name: str, queue: str, run: Callable[..., Awaitable[Any]], at: str) -> None:
        """Register a job that runs once a day, in one process only; it gets the planned time as `timestamp`.

        `at`: hour and minute of UTC. A worker that starts within ten minutes afterwards makes up for it.
        """
        task = self.app.task(name=name, queue=queue, queueing_lock=name, pass_context=True)(run)
        hour, minute = map(int, at.split(":"))
        self.app.periodic(cron=f"{minute} {hour} * * *")(task)

    async def work(self, queues: Sequence[str], concurrency: int) -> None:
        """Take jobs until cancelled."""
        await self.app.run_worker_async(
            queues=list(queues),
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            shutdown_graceful_timeout=3,
        )

    async def rescue(self, give_up: Callable[[str, dict[str, Any]], Awaitable[None]]) -> None:
        """Give the jobs of dead workers to living ones; `give_up` (task, arguments) for those that saw too many die.

        It is called before the job counts as failed, so that it is called again if this process dies meanwhile. A
        worker is dead when it was silent at two looks: after a halt of the whole machine every worker seems to be,
        until it is heard of again. One process at a time must do this, or a job would be given twice.
        """
        manager = self.app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS))
        before, self._suspects = self._suspects, {(job.id, job.worker_id, job.attempts) for job in stalled}
        for job in stalled:
            if (job.id, job.worker_id, job.attempts) not in before:
                continue
            if job.attempts + 1 >= MAX_DEATHS and job.task_name not in self._untiring:
                await give_up(job.task_name, dict(job.task_kwargs))
                await manager.finish_job(job, Status.FAILED, delete_job=False)
            else:
                await manager.retry_job(job)

    async def running(self, task: str, locks: Collection[str]) -> bool:
        """Whether a job of this task that holds one of these locks is under way in any process."""
        if not locks:
            return False
        found = await self.app.connector.execute_query_one_async(
            "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs "
            "WHERE status = 'doing' AND task_name = %(task)s AND lock = ANY(%(locks)s)) AS found",
            task=task,
            locks=list(locks),
        )
        return bool(found["found"])

    async def has_failed(self, job_id: int) -> bool:
        """Whether the job had its tries."""
        found = await self.app.connector.execute_query_all_async(
            "SELECT status FROM procrastinate_jobs WHERE id = %(job_id)s AND status = 'failed'", job_id=job_id
        )
        return bool(found)

    async def drain(self, queues: Sequence[str]) -> None:
        """Take the jobs that are waiting now, and return when there are none."""
        await self.app.run_worker_async(
            queues=list(queues), wait=False, install_signal_handlers=False, delete_jobs="successful"
        )

    async def open(self) -> None:
        await self.app.open_async()

    async def check(self) -> None:
        """Raises UnavailableError when the queue's tables cannot be read."""
        try:
            reachable = await self.app.check_connection_async()
        except ConnectorException as error:
            raise UnavailableError("The job queue cannot be reached.") from error
        if not reachable:
            raise UnavailableError("The job queue's tables are missing: run the migrations.")

    async def close(self) -> None:
        await self.app.close_async()


JobContext = procrastinate.JobContext
