"""axe-core, which looks for what keeps people out: fetched once by npm, beside the other things that tests need."""

import subprocess
from pathlib import Path
from typing import Any

from playwright.async_api import Page
from playwright.sync_api import Frame

from chatbot_saas.core.settings import ROOT

VERSION = "4.10.3"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def script() -> str:
    folder = ROOT / ".data" / f"axe-core-{VERSION}"
    found = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-save", "--ignore-scripts", "--prefix", str(folder), f"axe-core@{VERSION}"]
        subprocess.run(command, check=True, capture_output=True)
    return Path(found).read_text("utf-8")


def faults(frame: Frame, source: str) -> list[str]:
    """What axe finds in the frame as it is now: rule, and the elements that break it."""
    frame.evaluate(source)
    found: dict[str, Any] = frame.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes']]}" for one in found["violations"]]


async def page_faults(page: Page) -> list[str]:
    """The same of a page of the dashboard, without what is in its iframes."""
    found = await page.evaluate(
        f"""async () => {{
        {script()};
        const rules = {{type: "tag", values: {RULES}}};
        const options = {{runOnly: rules, resultTypes: ["violations"], iframes: false}};
        const {{violations}} = await axe.run(document, options);
        return violations.map(({{id, nodes}}) => id + ": " + nodes.map((node) => node.html.slice(0, 160)));
        }}"""
    )
    return list(found)
