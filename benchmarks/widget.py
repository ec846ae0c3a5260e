"""What the widget adds to a page of a customer's website: bytes, requests and main-thread time, in a real browser.

The page is opened without and with the line, in turns, on a throttled processor; then the chat is opened and a question
asked. Website and backend are the browser tests', origins of their own on this machine: bytes are those that a visitor
pays for, and times are the browser's work, not the network's.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import CDPSession, Page

from tests.e2e.widget_backend import Script
from tests.e2e.widget_site import Chat, Site, sites

AIM_LOADER, AIM_FIRST, AIM_BLOCKING = 3 * 1024, 15 * 1024, 0.0
LONG_TASK_MS = 50.0
"""What is longer than this blocks a visitor (Total Blocking Time, as Lighthouse counts it)."""
BODY = "<p>A page of a shop.</p>" * 200
_TASKS = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((task) => task.duration)))
  .observe({type: "longtask", buffered: true});
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one stage. Times are of the main thread; `blocking` is what its long tasks exceed 50 ms by."""

    requests: int
    bytes: int
    script_ms: float
    layout_ms: float
    task_ms: float
    blocking_ms: float


class Meter:
    """Counts what a page and its frames cause between two looks."""

    def __init__(self, page: Page, slowdown: float) -> None:
        self._page = page
        self._bytes = self._requests = 0
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("Performance.enable")
        self._cdp.send("Network.enable")
        self._cdp.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        page.on("requestfinished", self._finished)
        page.add_init_script(_TASKS)
        self._before = self._read()

    def _finished(self, request: Any) -> None:
        if urlsplit(request.url).path.endswith("/index") or request.url.startswith(("data:", "blob:")):
            return
        sizes = request.sizes()
        self._requests += 1
        self._bytes += sizes["responseBodySize"]

    def _read(self) -> dict[str, float]:
        found = self._cdp.send("Performance.getMetrics")["metrics"]
        read = {metric["name"]: 1000 * metric["value"] for metric in found}
        try:
            tasks: list[float] = self._page.evaluate("window.tasks || []")
        except Exception:  # no page yet
            tasks = []
        read["blocking"] = sum(max(0.0, task - LONG_TASK_MS) for task in tasks)
        read["requests"], read["bytes"] = self._requests, self._bytes
        return read

    def take(self) -> Cost:
        """Since the last look."""
        now, before = self._read(), self._before
        self._before = now
        change = {name: now.get(name, 0.0) - before.get(name, 0.0) for name in now}
        return Cost(
            requests=int(change["requests"]),
            bytes=int(change["bytes"]),
            script_ms=change["ScriptDuration"],
            layout_ms=change["LayoutDuration"] + change["RecalcStyleDuration"],
            task_ms=change["TaskDuration"],
            blocking_ms=max(0.0, change["blocking"]),
        )


def visit(site: Site, bot: str, *, embedded: bool, slowdown: float) -> Iterator[tuple[str, Cost]]:
    """Stages of one visit, each with what it cost."""
    html = BODY + (site.embed(bot) if embedded else "")
    head = '<link rel="icon" href="data:,">'
    site.pages["index"] = f"<!doctype html><html lang=en><title>Shop</title>{head}{html}"
    page = site.page()
    meter = Meter(page, slowdown)
    page.goto(f"{site.origin}/index")
    if embedded:
        page.get_by_role("button", name="Chat: Fern & Oak").wait_for()
    page.wait_for_timeout(300)
    yield "page with the line" if embedded else "page alone", meter.take()
    if embedded:
        page.get_by_role("button", name="Chat: Fern & Oak").click()
        chat = Chat(page)
        page.wait_for_timeout(300)
        yield "opened", meter.take()
        chat.ask("What does it cost?").get_by_text("It costs 12 euros.").wait_for()
        page.wait_for_timeout(300)
        yield "first answer", meter.take()
    site.close()


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in Cost.__dataclass_fields__))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slowdown", type=float, default=4.0, help="of the processor, as Lighthouse does for phones")
    parser.add_argument("--save", default="", help="a file for the figures, as JSON")
    options = parser.parse_args()
    seen: dict[str, list[Cost]] = {}
    with sites() as site:
        bot = site.backend.add_bot([site.origin])
        site.backend.scripts["What does it cost?"] = Script(["It costs ", "12 euros."])
        for _ in range(options.rounds):
            for embedded in (False, True):
                for stage, cost in visit(site, bot, embedded=embedded, slowdown=options.slowdown):
                    seen.setdefault(stage, []).append(cost)
    found = {stage: median(costs) for stage, costs in seen.items()}
    return told(found, options)


def told(found: dict[str, Cost], options: argparse.Namespace) -> int:
    print(f"{'':22}{'requests':>9}{'bytes':>8}{'script ms':>11}{'layout ms':>11}{'all ms':>9}{'blocking ms':>13}")
    for stage, cost in found.items():
        times = f"{cost.script_ms:11.1f}{cost.layout_ms:11.1f}{cost.task_ms:9.1f}{cost.blocking_ms:13.1f}"
        print(f"{stage:22}{cost.requests:9}{cost.bytes:8}{times}")
    if options.save:
        figures = {
            stage: {name: getattr(cost, name) for name in Cost.__dataclass_fields__} for stage, cost in found.items()
        }
        Path(options.save).write_text(json.dumps(figures, indent=1))
    alone, line = found["page alone"], found["page with the line"]
    opened, answered = found["opened"], found["first answer"]
    script = line.bytes - alone.bytes
    aims = (
        ("bytes before the first click (loader and configuration)", script, AIM_LOADER + 1024),
        ("requests before the first click", line.requests - alone.requests, 2),
        ("bytes up to a first answer, without the answer", script + opened.bytes, AIM_FIRST + 1024),
        ("blocking added to the page, ms", line.blocking_ms - alone.blocking_ms, AIM_BLOCKING),
        ("blocking while opening, ms", opened.blocking_ms + answered.blocking_ms, 50),
    )
    missed = 0
    for name, value, aim in aims:
        missed += value > aim
        print(f"  {'ok  ' if value <= aim else 'MISS'}  {name}: {value:.0f} (aim <= {aim:.0f})")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
