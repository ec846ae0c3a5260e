"""`make doctor`: compares rows, vectors and stored files now instead of at night, mends what differs, and reports.

Where the server runs it owns the vector index, and a second process must not open it: then the server is asked, by a
job, and its report is waited for.
"""

import asyncio
import time
from collections.abc import Iterator
from functools import partial

from chatbot_saas.adapters.jobs import VECTORS
from chatbot_saas.adapters.vectors.engines import OwnedElsewhereError
from chatbot_saas.cli.database import migrate, open_database
from chatbot_saas.cli.progress import CommandError, say
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.schemas.sweep import SweepReport
from chatbot_saas.services import sweep
from chatbot_saas.services.runtime import Runtime
from chatbot_saas.worker import tasks

ANSWER_SECONDS = 600.0
POLL_SECONDS = 0.25


def main(_: list[str]) -> int:
    settings = load_settings()
    with open_database(settings) as url:
        migrate(url)
        try:
            report = asyncio.run(_examine(settings.model_copy(update={"database_url": url})))
        except DomainError as error:
            raise CommandError(error.message) from error
    for line in told(report):
        say(line)
    return 1 if report.missing_files else 0


async def _examine(settings: Settings) -> SweepReport:
    try:
        async with open_runtime(settings) as rt:
            return await _sweep_here(rt)
    except OwnedElsewhereError:
        say("The server is running and owns the vector index: it is asked to look.")
    async with open_runtime(settings, owns_vectors=False) as rt:
        return await _ask(rt)


async def _sweep_here(rt: Runtime) -> SweepReport:
    """Also does what the sweep queued, so that what is reported as mended is."""
    await rt.blobs.check()
    report = await sweep.sweep(rt)
    tasks.register(rt.jobs, rt)
    await rt.jobs.rescue(partial(tasks.stalled, rt))
    await rt.jobs.drain([VECTORS])
    await rt.vectors.compact()
    return report


async def _ask(rt: Runtime) -> SweepReport:
    entry_id = new_id()
    job_id = await sweep.ask(rt, entry_id)
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        if report := await sweep.report_of(rt, entry_id):
            return report
        if await rt.jobs.has_failed(job_id):
            raise CommandError("the server could not compare: its log says why")
        await asyncio.sleep(POLL_SECONDS)
    raise CommandError(f"the server did not answer within {ANSWER_SECONDS / 60:.0f} minutes. Its job stays queued")


INDEX, FILE, SOURCE = ("vector index", "vector indexes"), ("stored file", "stored files"), ("source", "sources")
ATTACHMENT = "file of a visitor", "files of visitors"
MENDED = {
    "orphan_indexes": (*INDEX, "of no bot, or of a model no longer used: removed"),
    "orphan_vectors": ("passage", "passages", "in an index, but in no row: removed"),
    "missing_vectors": ("passage", "passages", "in a row, but lost by the index: indexed again"),
    "orphan_files": (*FILE, "of no source and no conversation: removed"),
    "unsent_files": (*FILE, "of visitors, not sent within a day: removed"),
}


def told(report: SweepReport) -> Iterator[str]:
    """The report for a person."""
    indexes, passages = _count(report.indexes, *INDEX), _count(report.passages, "passage", "passages")
    yield "Compared"
    yield f"  {indexes} with the rows of {passages}"
    given = f", and {_count(report.attachments, *ATTACHMENT)}" if report.attachments else ""
    yield f"  {_count(report.files, *FILE)} with {_count(report.sources, *SOURCE)} naming one{given}"
    if report.waiting:
        yield f"  (passages of {_count(report.waiting, 'bot', 'bots')} wait to be indexed: that was queued again)"
    mended = [
        f"  {_count(count, one, many)} {what}"
        for field, (one, many, what) in MENDED.items()
        if (count := getattr(report, field))
    ]
    if mended:
        yield "Found and mended"
        yield from mended
    if report.missing_files or report.missing_attachments:
        yield "Found, and only you can mend it"
    if report.missing_files:
        yield f"  {_count(report.missing_files, *SOURCE)} without the stored file. What was read from it still answers,"
        yield "  but it cannot be read again: bring the files back from a backup, or upload them anew."
        yield from (f"    {it.title} (source {it.source_id} of tenant {it.tenant_id})" for it in report.told)
        if report.missing_files > len(report.told):
            yield "    ..."
    if report.missing_attachments:
        yield f"  {_count(report.missing_attachments, *ATTACHMENT)} gone: what was read from it answers, but it cannot"
        yield "  be downloaded. Bring it back from a backup."
    if report.in_order:
        yield "All is in order."


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
