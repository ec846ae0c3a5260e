"""`python -m chatbot_saas.cli <verb>`: one module a verb, loaded only when asked for, so that each starts fast."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from typing import cast

from chatbot_saas.cli.processes import catch_signals, ignore_signals
from chatbot_saas.cli.progress import CommandError, fail, say
from chatbot_saas.core.settings import ROOT

VERBS = {
    "run": ("run", "serve the production build, and everything it needs"),
    "dev": ("dev", "the same with a reload after each edit"),
    "worker": ("worker", "a separate job worker"),
    "admin": ("admin", "make a platform administrator"),
    "migrate": ("migrate", "bring the database to the present shape"),
    "pages": ("pages", "build the pages if they changed"),
    "setup": ("setup", "fetch what a first start needs and build the pages"),
    "doctor": ("doctor", "look for what is wrong with this installation"),
    "test": ("testing", "set up what the tests need and run them"),
    "client": ("client", "write the Python client from the OpenAPI document; --check only compares"),
    "lock": ("lock", "write the pinned requirements; --check only compares"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chatbot_saas.cli", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, (_, summary) in VERBS.items():
        verbs.add_parser(verb, help=summary, add_help=False)
    arguments, rest = parser.parse_known_args()
    catch_signals()
    if authority := os.environ.get("SSL_CERT_FILE"):  # Python and uv read this one; npm has a name of its own for it
        os.environ.setdefault("NODE_EXTRA_CA_CERTS", authority)
    os.chdir(ROOT)  # Reflex looks for rxconfig.py, assets/ and reflex.lock/ in the working directory
    try:
        module = importlib.import_module(f"chatbot_saas.cli.{VERBS[arguments.verb][0]}")
        return cast(Callable[[list[str]], int], module.main)(rest)
    except CommandError as error:
        fail(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    finally:
        ignore_signals()


if __name__ == "__main__":
    sys.exit(main())
