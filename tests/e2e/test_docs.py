"""What the documentation shows is what works: its samples run against a real server."""

import asyncio
import os
import re
import sys
from pathlib import Path

import httpx
import pytest

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import ROOT
from tests.samples import samples
from tests.servers import RunningServer

LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


async def test_the_api_samples_run_one_after_another(server: RunningServer) -> None:
    sample = "\n".join(samples("docs/api.md", "python"))
    code = sample.replace("http://localhost:3000", server.url)
    assert code != sample
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await asyncio.wait_for(child.communicate(), 90))[0].decode()
    assert child.returncode == 0, output
    assert "Parcels are returned free of charge within 30 days." in output
    assert "Opening hours" in output


async def test_the_samples_of_openais_client_run(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        account = {"email": f"{new_id().hex}@example.com", "password": "a long password", "tenant_name": "Shop"}
        tokens = (await http.post("/api/v1/auth/signup", json=account)).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        bot = (await http.post("/api/v1/bots", json={"name": "Helper"})).raise_for_status().json()
        text = "Parcels are returned free of charge within 30 days."
        body = {"type": "text", "title": "Terms", "text": text}
        [source] = (await http.post(f"/api/v1/bots/{bot['id']}/sources", json=body)).raise_for_status().json()["items"]
        while (await http.get(f"/api/v1/sources/{source['id']}")).json()["status"] != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        wanted = {"name": "samples", "scopes": ["chat"]}
        key = (await http.post("/api/v1/api-keys", json=wanted)).raise_for_status().json()["key"]
    [sample] = samples("docs/openai.md", "python")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        sample.replace("http://localhost:3000", server.url),
        env={**os.environ, "CHATBOT_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await asyncio.wait_for(child.communicate(), 90))[0].decode()
    assert child.returncode == 0, output
    assert output.count("returned free of charge within 30 days") >= 3, output


@pytest.mark.parametrize(
    "page",
    [
        *(
            "README.md",
            "docs/api.md",
            "docs/openai.md",
            "docs/operations.md",
            "widget/README.md",
            "docs/widget.md",
            "docs/widget-api.md",
        ),
        *("docs/identity.md", "docs/troubleshooting.md"),
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    source = ROOT / page
    missing = [link for link in LINK.findall(source.read_text()) if not (source.parent / Path(link)).exists()]
    assert missing == []
