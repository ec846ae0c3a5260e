"""`make run`: everything that one machine needs, in one process beside the database's own."""

import argparse
import importlib
import os

from chatbot_saas.cli.database import migrating, open_database
from chatbot_saas.cli.progress import say
from chatbot_saas.cli.server import load_app, require_free_port, serve
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.cli.setup import prepare

HOST = "0.0.0.0"  # noqa: S104 - a server; what may come in is decided by the operator's firewall or proxy


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run")
    parser.add_argument("--host", default=HOST, help="the address to listen on (default: all)")
    host = parser.parse_args(arguments).host
    settings = load_settings()
    require_free_port(host, settings.port)
    build = prepare(settings.models_dir)
    with open_database(settings) as url:
        with migrating(url):
            app = load_app(build)
            admin = importlib.import_module("chatbot_saas.cli.admin")
            demo = importlib.import_module("chatbot_saas.cli.demo")  # only now: what it needs is loaded with the app
        if settings.admin_email and (password := settings.admin_password.get_secret_value()):
            admin.make(settings, url, settings.admin_email, password)
        welcome = demo.seed(settings, url)
        ended = serve(
            app, host, settings.port, lambda: say(f"\nReady: {settings.public_url}  (Ctrl-C stops)\n{welcome}")
        )
    say("Stopped.")
    if not ended:
        os._exit(1)
    return 0
