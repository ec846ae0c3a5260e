"""What a person may rely on without reading all of the code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot_saas.cli.lock import FILES, drift
from chatbot_saas.core.settings import ROOT, Settings

SOURCES = sorted((ROOT / "chatbot_saas").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_down() -> None:
    """The contracts of .importlinter."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", FILES)
def test_pinned_requirements_follow_from_the_project(name: str) -> None:
    assert drift(name) == []


def test_lock_files_name_no_host() -> None:
    locks = [ROOT / name for name in FILES]
    locks += [*(ROOT / "reflex.lock").iterdir(), *(ROOT / "chatbot_saas" / "cli" / "javascript").iterdir()]
    for path in locks:
        assert "://" not in path.read_text(), name_of(path)


def documented() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if re.match(r"[A-Z_]+=", line)]
    return {name: value for name, _, value in pairs}


def test_every_setting_is_documented_with_its_default() -> None:
    example = documented()
    assert set(example) == {name.upper() for name in Settings.model_fields}
    assert len(example) == len(re.findall(r"^[A-Z_]+=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    # read as a file, the example changes nothing
    plain = {name: value for name, value in example.items() if value}
    defaults = Settings.model_construct()
    for name, value in plain.items():
        default = getattr(defaults, name.lower())
        if isinstance(default, Path):
            value = str(ROOT / value)
        assert str(type(default)(value) if not isinstance(default, bool) else value == "true") == str(default), name


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"
