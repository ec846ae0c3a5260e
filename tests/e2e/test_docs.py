"""What the documentation shows is what works: its samples run against a real server."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from chatbot_saas.core.settings import ROOT
from tests.servers import RunningServer

SAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


async def test_the_api_samples_run_one_after_another(server: RunningServer) -> None:
    sample = "\n".join(SAMPLE.findall((ROOT / "docs" / "api.md").read_text()))
    code = sample.replace("http://localhost:3000", server.url)
    assert code != sample
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await asyncio.wait_for(child.communicate(), 90))[0].decode()
    assert child.returncode == 0, output
    assert "Parcels are returned free of charge within 30 days." in output
    assert "Opening hours" in output


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "docs/api.md", "docs/operations.md", "widget/README.md", "docs/widget.md", "docs/widget-api.md"),
        *("docs/identity.md", "docs/troubleshooting.md"),
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    source = ROOT / page
    missing = [link for link in LINK.findall(source.read_text()) if not (source.parent / Path(link)).exists()]
    assert missing == []
