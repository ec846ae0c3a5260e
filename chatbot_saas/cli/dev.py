"""`make dev`: the same parts as `make run`, but Reflex watches the sources and rebuilds after each edit."""

import subprocess
import sys

from chatbot_saas.cli.database import migrate, open_database
from chatbot_saas.cli.demo import seed
from chatbot_saas.cli.pages import development_environment, tidy_pins
from chatbot_saas.cli.processes import stop_group
from chatbot_saas.cli.progress import say
from chatbot_saas.cli.server import require_free_port
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.cli.setup import fetch_models
from chatbot_saas.core.settings import ROOT


def main(_: list[str]) -> int:
    settings = load_settings()
    require_free_port("127.0.0.1", settings.port)
    fetch_models(settings.models_dir)
    environment = development_environment()
    with open_database(settings) as url, tidy_pins():
        migrate(url)
        say(f"\nStarting on {settings.public_url}, reloading after each edit (Ctrl-C stops)\n{seed(settings, url)}")
        # One port, as in production, so that the API, the widget and the cookie behave the same.
        command = [sys.executable, "-m", "reflex", "run", "--env", "preview"]
        ports = ["--frontend-port", str(settings.port), "--backend-port", str(settings.port)]
        # its own group, because it starts watchers and builders that must all go with us
        with subprocess.Popen(
            [*command, *ports, "--backend-host", "127.0.0.1"],
            cwd=ROOT,
            env=environment | {"DATABASE_URL": url},
            start_new_session=True,
        ) as child:
            try:
                return child.wait()
            finally:
                stop_group(child)
