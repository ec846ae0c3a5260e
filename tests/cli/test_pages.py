"""The build of the pages, and the names internal to Reflex that it rests on."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from reflex_base import constants
from reflex_base.environment import environment

from chatbot_saas.cli import pages
from chatbot_saas.cli.progress import CommandError

HOSTS = 'SAME=[`localhost`,"0.0.0.0",`::`,`0:0:0:0:0:0:0:0`]'


def client_with(folder: Path, script: str) -> Path:
    (folder / "assets").mkdir()
    (folder / "assets" / "env-1.js").write_text(script)
    return folder


def test_addresses_follow_the_page(tmp_path: Path) -> None:
    host = pages.PLACEHOLDER
    client = client_with(tmp_path, f'e={{A:`http://{host}/ping`,B:"ws://{host}/_event"}};{HOSTS}')
    pages.use_own_origin(client)
    assert (client / "assets" / "env-1.js").read_text() == (
        'e={A:(location.origin+"/ping"),B:(location.origin.replace(/^http/,"ws")+"/_event")};SAME=[]'
    )


@pytest.mark.parametrize(
    "script",
    [
        f"no address;{HOSTS}",
        f'e="http://{pages.PLACEHOLDER}/ping"; no list of hosts',
        f"e=`http://{pages.PLACEHOLDER}/${{x}}` + '//{pages.PLACEHOLDER}';{HOSTS}",
    ],
)
def test_a_build_in_another_form_is_refused(tmp_path: Path, script: str) -> None:
    with pytest.raises(CommandError):
        pages.use_own_origin(client_with(tmp_path, script))


def test_text_files_are_compressed_beside_the_originals(tmp_path: Path) -> None:
    client = client_with(tmp_path, "x" * 1000)
    (client / "logo.png").write_bytes(b"\x89PNG")
    pages.compress(client)
    assert gzip.decompress((client / "assets" / "env-1.js.gz").read_bytes()) == b"x" * 1000
    assert not (client / "logo.png.gz").exists()


def test_the_build_does_not_depend_on_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pages.fingerprint()
    monkeypatch.setenv("PORT", "4321")
    monkeypatch.setenv("PUBLIC_URL", "https://chat.example.com")
    assert pages.fingerprint() == before


def a_project(folder: Path, monkeypatch: pytest.MonkeyPatch, edits: Iterator[str]) -> list[Path]:
    """Where the pages are built of one file, which is edited during a build as often as there are `edits`. Returns what
    was built, each time the file as it was at the build's beginning."""
    page = folder / "chatbot_saas" / "pages" / "home.py"
    client = folder / ".web" / "build" / "client"
    for path in (page.parent, client, folder / ".web" / "backend", folder / "reflex.lock"):
        path.mkdir(parents=True, exist_ok=True)
    page.write_text("first")
    (folder / "requirements.txt").write_text("reflex==1\n")
    built: list[Path] = []

    def export(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
        (folder / ".web" / "backend").mkdir(exist_ok=True)
        (client / "index.html").write_text(page.read_text())
        (folder / "reflex.lock" / "bun.lock").write_text("written by the build")
        page.write_text(next(edits, page.read_text()))
        built.append(client)
        return 0, ""

    monkeypatch.setattr(pages, "ROOT", folder)
    monkeypatch.setattr(pages, "BUILDS", folder / ".build" / "pages")
    monkeypatch.setattr(pages, "run_child", export)
    monkeypatch.setattr(pages, "tools_environment", dict[str, str])
    monkeypatch.setattr(pages, "use_own_origin", lambda client: None)
    return built


def test_what_is_edited_during_a_build_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = a_project(tmp_path, monkeypatch, iter(["second"]))
    build = pages.ready_build()
    assert len(built) == 2
    assert (build / "build" / "client" / "index.html").read_text() == "second"
    assert build.name == pages.fingerprint()
    assert pages.ready_build() == build
    assert len(built) == 2
    assert [path.name for path in build.parent.iterdir()] == [build.name]


def test_a_build_during_which_nothing_stays_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = a_project(tmp_path, monkeypatch, iter("abcdef"))
    with pytest.raises(CommandError, match=r"home\.py"):
        pages.ready_build()
    assert len(built) == pages.TRIES
    assert list(pages.BUILDS.iterdir()) == []


def test_the_present_build_names_no_host_of_its_own() -> None:
    client = pages.ready_build() / "build" / "client"
    scripts = "".join(path.read_text() for path in client.rglob("*.js"))
    assert pages.PLACEHOLDER not in scripts
    assert f"localhost:{constants.DefaultPorts.BACKEND_PORT}" not in scripts
    assert "location.origin.replace(/^http/" in scripts


def test_reflex_still_has_the_names_we_use() -> None:
    variables = {
        variable.name
        for variable in (
            environment.REFLEX_ENV_MODE,
            environment.REFLEX_WEB_WORKDIR,
            environment.REFLEX_SKIP_COMPILE,
            environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP,
            environment.REFLEX_CHECK_LATEST_VERSION,
            environment.REFLEX_HTTP_CLIENT_BIND_ADDRESS,
            environment.REFLEX_DIR,
        )
    }
    used = set(pages.serving_environment(Path("/build"))) - {"REFLEX_TELEMETRY_ENABLED"}  # a field of rx.Config
    assert used == variables
    assert constants.Dirs.STATIC.replace("\\", "/") == "build/client"


def test_the_pins_change_only_with_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    path = tmp_path / "reflex.lock" / "package.json"
    path.parent.mkdir()
    path.write_text('{\n  "dependencies": {"react": "1"}\n}\n')
    for written in ('{"dependencies": {"react": "1"}}', '{"dependencies": {}}'):
        with pages.tidy_pins():
            path.write_text(written)
        assert path.read_text() == '{\n  "dependencies": {"react": "1"}\n}\n'
    with pages.tidy_pins():
        path.write_text('{"dependencies": {"react": "2"}}')
    assert path.read_text() == '{\n  "dependencies": {\n    "react": "2"\n  }\n}\n'
