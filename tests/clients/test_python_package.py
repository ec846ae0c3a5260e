"""The Python client as it is installed: a wheel with all of its modules and their types."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

from chatbot_saas.core.settings import ROOT

FOLDER = ROOT / "clients" / "python"


def test_a_wheel_is_built_without_a_network_and_holds_the_client(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--offline",
        "--no-cache",
        "--wheel",
        "-o",
        str(tmp_path),
        str(FOLDER),
    ]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.glob("*.whl")
    assert path.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        told = Parser().parsestr(wheel.read(metadata).decode())
    sources = FOLDER / "chatbot_client"
    modules = {f"chatbot_client/{found.name}" for found in sources.iterdir() if found.is_file()}
    assert "chatbot_client/py.typed" in modules
    assert {name for name in names if ".dist-info/" not in name} == modules
    assert {needed.partition(">")[0] for needed in told.get_all("Requires-Dist", [])} == {"httpx", "pydantic"}
    assert str(told.get_payload()).strip() == (FOLDER / "README.md").read_text("utf-8").strip()
