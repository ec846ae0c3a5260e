"""Build the pages once and find the build again. EVERY name that is internal to Reflex is in this file.

What we rely on beyond Reflex's documentation, for the version pinned in pyproject.toml (the tests of this module fail
when an upgrade changes it):

- `reflex export --frontend-only --no-zip` leaves the pages in `<web folder>/build/client` and what the server must know
  about them in `<web folder>/backend`; the web folder is `REFLEX_WEB_WORKDIR`.
- A server with `__REFLEX_SKIP_COMPILE` does not compile again, and with `__REFLEX_MOUNT_FRONTEND_COMPILED_APP` it
  serves `<web folder>/build/client` itself, with the `.gz` files beside the originals.
- The addresses of the backend are absolute and end up in the scripts: see `use_own_origin`.
"""

import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chatbot_saas.cli import javascript
from chatbot_saas.cli.processes import run_child
from chatbot_saas.cli.progress import CommandError, step
from chatbot_saas.core.settings import ROOT

BUILDS = ROOT / ".build" / "pages"
PLACEHOLDER = "own-origin.invalid"  # stands for "where the page came from" during the build

ADDRESS = re.compile(rf"""(?P<quote>["'`])(?P<scheme>http|ws)://{re.escape(PLACEHOLDER)}(?P<path>[^"'`]*)(?P=quote)""")
ORIGINS = {"http": "location.origin", "ws": 'location.origin.replace(/^http/,"ws")'}  # https gives wss
SAME_DOMAIN = re.compile(r"""\[(["'`])localhost\1,\s*(["'`])0\.0\.0\.0\2[^\]]*\]""")  # hosts that Reflex rewrites

# What the compiled pages are made of. Services, adapters and the API are not in them.
SOURCES = ("app.py", "error_mapping.py", "pages", "components", "state", "schemas", "models", "core", "cli/pages.py")
OTHER_SOURCES = ("rxconfig.py", "assets", "reflex.lock")
WRITTEN = "reflex.lock/"  # by the build itself
TRIES = 3

QUIET = {
    "REFLEX_TELEMETRY_ENABLED": "false",
    "REFLEX_CHECK_LATEST_VERSION": "false",
    "REFLEX_HTTP_CLIENT_BIND_ADDRESS": "0.0.0.0",  # noqa: S104 - outgoing; any other value makes Reflex probe a public host
    "REFLEX_DIR": str(ROOT / ".build" / "reflex"),  # its locks and caches, else in the home folder
}


def serving_environment(build: Path) -> dict[str, str]:
    """What the app's process needs in its environment, before it imports Reflex, to serve `build`."""
    return QUIET | {
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_WEB_WORKDIR": str(build),
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    }


def tools_environment() -> dict[str, str]:
    """The environment in which `reflex` finds its JavaScript tools and asks nobody else for them."""
    registry = javascript.registry()
    bins = [javascript.bun_bin(), javascript.node_bin()]
    return {
        **javascript.tool_environment(bins),
        **QUIET,
        "NPM_CONFIG_REGISTRY": registry,
        "REFLEX_USE_SYSTEM_BUN": "true",
        "REFLEX_USE_NPM": "false",
    }


def development_environment() -> dict[str, str]:
    """For `reflex run`, which compiles by itself and keeps its work apart from that of the production build."""
    return tools_environment() | {"REFLEX_WEB_WORKDIR": str(ROOT / ".build" / "dev"), "REFLEX_USE_GRANIAN": "true"}


def fingerprint() -> str:
    """A digest of all that the compiled pages depend on; PORT and PUBLIC_URL are not among it."""
    return _joined(_digests())


def _digests() -> dict[str, str]:
    """Of each file by its path, and the pinned versions of Reflex."""
    roots = [ROOT / "chatbot_saas" / name for name in SOURCES] + [ROOT / name for name in OTHER_SOURCES]
    files = sorted(file for root in roots for file in _files(root))
    pins = (ROOT / "requirements.txt").read_text()
    found = {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return found | {"pins": "".join(re.findall(r"^reflex[a-z-]*==\S+", pins, re.MULTILINE))}


def _joined(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def ready_build() -> Path:
    """The folder of the build of the present sources, built now if there is none.

    A build becomes visible under its name only once it is complete: one that was interrupted is never served.
    """
    build = BUILDS / fingerprint()
    if build.exists():
        return build
    with _one_at_a_time():
        build = BUILDS / fingerprint()  # whoever held the lock may have built it, or settled the lock file of the pages
        if not build.exists():
            with step("Building the pages (only when they changed)"):
                build = _build()
    return build


def _build() -> Path:
    """Of sources that stayed as they were: an edit during the build may be in some of its pages and not in others."""
    edited: list[str] = []
    for _ in range(TRIES):
        before = _digests()
        client = _export()
        after = _digests()
        edited = [name for name, _ in before.items() ^ after.items() if not name.startswith(WRITTEN)]
        if not edited:
            return _keep(client, BUILDS / _joined(after))  # as it is after: the build may have written reflex.lock/
    raise CommandError(f"the pages were edited during each of {TRIES} builds, last {sorted(edited)[0]}: start again")


def _export() -> Path:
    """Reflex's own build, in a folder that the next one writes over."""
    work = ROOT / ".web"
    environment = tools_environment() | {
        "REFLEX_API_URL": f"http://{PLACEHOLDER}",
        "REFLEX_WEB_WORKDIR": str(work),
        "REFLEX_FRONTEND_COMPRESSION_FORMATS": "",  # compressed below, once the addresses are right
    }
    shutil.rmtree(work / "backend", ignore_errors=True)
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    with tidy_pins():
        code, output = run_child(command, environment)
    client = work / "build" / "client"
    if code or not (client / "index.html").exists():
        raise CommandError(f"the pages could not be built:\n{output[-4000:]}")
    return client


def _keep(client: Path, build: Path) -> Path:
    draft = BUILDS / f".draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(client, draft / "build" / "client")
    shutil.copytree(ROOT / ".web" / "backend", draft / "backend")
    use_own_origin(draft / "build" / "client")
    compress(draft / "build" / "client")
    os.sync()
    draft.rename(build)
    _forget_old_builds(build)
    return build


@contextmanager
def tidy_pins() -> Iterator[None]:
    """Keep `reflex.lock/` free of changes that change nothing: Reflex writes its package.json anew, on one line, in a
    fresh checkout and when it fails."""
    path = ROOT / "reflex.lock" / "package.json"
    before = path.read_text() if path.exists() else "{}"
    try:
        yield
    finally:
        after = json.loads(path.read_text()) if path.exists() else {}
        kept = json.loads(before)
        # without packages it is the one that a build begins with
        unchanged = after == kept or not after.get("dependencies")
        path.write_text(before if unchanged else json.dumps(after, indent=2) + "\n")


def use_own_origin(client: Path) -> None:
    """Make the built pages talk to the origin they were loaded from.

    Reflex bakes absolute addresses into the build and at run time rewrites only a host name of `localhost`, not the
    port, and drops the port under https. With these two changes one build works under every PORT, PUBLIC_URL and proxy.
    """
    addresses = rewrites = 0
    for path in client.rglob("*.js"):
        before = path.read_text(encoding="utf-8")
        text, found = ADDRESS.subn(lambda url: f'({ORIGINS[url["scheme"]]}+"{url["path"]}")', before)
        text, dropped = SAME_DOMAIN.subn("[]", text)
        addresses, rewrites = addresses + found, rewrites + dropped
        if PLACEHOLDER in text:
            raise CommandError(
                f"{path.name} holds a backend address in a form that {Path(__file__).name} does not know"
            )
        if text != before:
            path.write_text(text, encoding="utf-8")
    if not addresses or rewrites != 1:
        raise CommandError(f"Reflex names its backend in another way now: see {Path(__file__).name}")


def compress(client: Path) -> None:
    """Put `<name>.gz` beside each text file, for the server to pick by Accept-Encoding."""
    for path in client.rglob("*"):
        if path.suffix in {".js", ".css", ".html", ".svg", ".json", ".txt"} and path.is_file():
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _forget_old_builds(current: Path) -> None:
    """Keep the build before this one, because a process may still serve it."""
    builds = sorted((path for path in BUILDS.iterdir() if path != current), key=lambda path: path.stat().st_mtime)
    for path in builds[:-1]:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS.parent / "pages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(_: list[str]) -> int:
    ready_build()
    return 0
