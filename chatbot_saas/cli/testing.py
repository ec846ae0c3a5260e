"""`make test`: put in place what the tests need, then run them all. Nothing is skipped because a tool is missing."""

import os
import shutil
import subprocess
import sys

import pytest

from chatbot_saas.cli.processes import stop_group
from chatbot_saas.cli.progress import CommandError, step
from chatbot_saas.cli.setup import prepare
from chatbot_saas.core.settings import ROOT, get_settings

HEADLESS = "chromium-headless-shell"
"""The same engine without the parts that draw windows: a page costs half of the processor time."""
BROWSERS = (HEADLESS, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
WORKERS = "3"  # each holds a database, a server and a browser of its own; on two cores, since they also wait


def find_browser() -> str:
    """The path of a Chromium that this machine has, or an empty text."""
    return os.environ.get("CHROMIUM", "") or next((path for name in BROWSERS if (path := shutil.which(name))), "")


def ensure_browser() -> None:
    if os.environ.get("CHROMIUM") or shutil.which(HEADLESS):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with step("Installing a browser for the tests (once)"):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for words in (["update"], ["install", "--yes", "--no-install-recommends", HEADLESS, "fonts-dejavu-core"]):
                command = ["apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=30", *words]
                subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if not find_browser():
        raise CommandError(f"the browser tests need Chromium: install `{HEADLESS}` or `chromium`, or set CHROMIUM")


def main(arguments: list[str]) -> int:
    ensure_browser()
    prepare(get_settings().models_dir)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # dozens of processes would compile all that they import, each
    soak = "--soak" in arguments
    chosen = [argument for argument in arguments if argument != "--soak"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        WORKERS,
        "--dist=loadfile",  # what a file sets up for all of its tests is set up once
        "--no-loadscope-reorder",
        "-m",
        "soak" if soak else "not soak",
    ]
    if soak:
        command += ["-rP"]  # what they found out, also when all is well
    if not chosen and not soak:
        command += ["--cov", "--cov-report=term:skip-covered"]  # the threshold is in pyproject.toml
    code = _run([*command, *chosen])
    if code == pytest.ExitCode.TESTS_FAILED and not chosen and not soak:
        code = _again()
    return code


def _again() -> int:
    """Run what failed once more, with nothing beside it: some tests wait for real servers that share two processors.

    Told is 0 only if all of it passes now; which tests these were stands in the output.
    """
    print("\nWhat failed is run again, alone:", flush=True)
    return _run([sys.executable, "-m", "pytest", "--last-failed", "--last-failed-no-failures=none", "-v"])


def _run(command: list[str]) -> int:
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True) as child:
        try:
            return child.wait()
        finally:
            stop_group(child)
