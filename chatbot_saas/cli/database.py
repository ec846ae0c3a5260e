"""The database of a start: any server by DATABASE_URL, else the embedded one; migrated."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chatbot_saas.adapters.postgres import EmbeddedPostgres
from chatbot_saas.cli.processes import stop_group
from chatbot_saas.cli.progress import CommandError, say, step
from chatbot_saas.core.settings import ROOT, Settings, get_settings


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """Yield the owner's URL of a running database; an embedded one stops with its last user.

    The URL goes into the environment too, so that the app and the processes it starts find the same server.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.data_dir)
    with step("Starting the database"):
        url = server.acquire()
    os.environ["DATABASE_URL"] = url
    get_settings.cache_clear()
    try:
        yield url
    finally:
        del os.environ["DATABASE_URL"]
        say("The database has stopped." if server.release() else "The database goes on: others still use it.")


@contextmanager
def migrating(url: str) -> Iterator[None]:
    """Migrate the database at `url` in a process of its own, while the body runs; both are done at the end.

    The tool for migrations takes a second to load and is of no use afterwards: meanwhile we load the app on the other
    core, and never carry it along.
    """
    say("==> Migrating the database ...")
    command = [sys.executable, "-m", "chatbot_saas.cli", "migrate"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            yield
            output, _ = child.communicate()
        except BaseException:
            stop_group(child)
            raise
    if child.returncode:
        raise CommandError(f"the database could not be migrated:\n{output[-4000:]}")


def migrate(url: str) -> None:
    with migrating(url):
        pass
