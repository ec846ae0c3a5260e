"""`make worker`: a separate job worker, beside any number of others.

It reads, chunks and embeds. Without CHROMA_URL the web process owns the vector index and keeps the jobs that write it.
"""

import asyncio

from chatbot_saas.cli.database import open_database
from chatbot_saas.cli.processes import on_stop
from chatbot_saas.cli.progress import say
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.core.logging import configure_logging
from chatbot_saas.core.settings import Environment, Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.worker.process import queues_of_worker, work


def main(_: list[str]) -> int:
    settings = load_settings()
    with open_database(settings) as url:
        configure_logging(settings.log_level, as_json=settings.environment is Environment.PRODUCTION)
        asyncio.run(_work(settings.model_copy(update={"database_url": url})))
    say("Stopped.")
    return 0


async def _work(settings: Settings) -> None:
    queues = queues_of_worker(settings)
    async with open_runtime(settings, owns_vectors=bool(settings.chroma_url)) as rt:
        working = asyncio.create_task(work(rt, queues))
        loop = asyncio.get_running_loop()
        on_stop(lambda: loop.call_soon_threadsafe(working.cancel))
        say(f"Taking jobs of: {', '.join(queues)}  (Ctrl-C stops)")
        await asyncio.gather(working, return_exceptions=True)
