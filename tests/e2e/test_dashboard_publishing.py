"""Publishing through the tests: blocked by what gets worse, insisted on, recorded, and taken back."""

import re

import httpx
from playwright.async_api import Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import READY_MS, ask, know, make_bot, sign_up, signed_in_api
from tests.factories.jobs import until
from tests.factories.knowledge import HANDBOOK
from tests.servers import RunningServer

QUESTION = "Do you deliver by drone?"
FACT = "7 to 10 working days"  # a balanced bot quotes it, a strict one is not sure enough


async def ended(api: httpx.AsyncClient, bot: str, number: int) -> dict[str, object]:
    """The newest of so many runs, once it has ended."""
    runs: list[dict[str, object]] = []

    async def all_ended() -> bool:
        runs[:] = (await api.get(f"{bot}/test-runs")).raise_for_status().json()["items"]
        return len(runs) == number and runs[0]["finished_at"] is not None

    await until(all_ended, READY_MS / 1000)
    return runs[0]


async def test_what_gets_worse_waits_for_somebody_who_insists(
    page: Page, server: RunningServer, problems: Problems
) -> None:
    email = await sign_up(page, server)
    bot_id = await make_bot(page)
    await know(page, "handbook.md", HANDBOOK)
    bot = f"/api/v1/bots/{bot_id}"
    async with signed_in_api(server, email) as api:
        (await api.post(f"{bot}/tests", json={"question": QUESTION, "facts": [FACT]})).raise_for_status()

        # the run publishes by itself: two clicks are one run, and the page may be closed meanwhile
        await page.goto(f"{server.url}/bots/{bot_id}/tests")
        bar = page.get_by_role("region", name="Publishing")
        await bar.get_by_role("button", name="Run tests and publish").dblclick()
        run = page.get_by_role("region", name="Latest run")
        await expect(run).to_be_visible()
        await page.goto("about:blank")
        first = await ended(api, bot, 1)
        assert (first["published"], first["publish_problem"]) == (True, "")
        await page.goto(f"{server.url}/bots/{bot_id}/tests")
        await expect(run.get_by_text("Published at its end")).to_be_visible()
        await expect(bar.get_by_text("Visitors get version")).to_be_visible()

        (await api.patch(bot, json={"hold_changes": True})).raise_for_status()
        (await api.patch(bot, json={"answer_mode": "strict"})).raise_for_status()
        await page.reload()
        await bar.get_by_role("button", name="Run tests and publish").click()
        await page.goto("about:blank")
        assert (await ended(api, bot, 2))["published"] is False

    await page.goto(f"{server.url}/bots/{bot_id}/tests")
    await expect(run.get_by_text("It did not publish at its end.")).to_be_visible()
    await expect(bar.get_by_text("1 answer got worse than what is published.")).to_be_visible()
    await expect(bar.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    sides = run.get_by_role("list", name="Answers of the run")
    await expect(sides.get_by_role("region", name="Published")).to_contain_text(FACT)
    await expect(sides.get_by_role("region", name="This version")).to_contain_text(f"missing: {FACT}")

    anyway = bar.get_by_role("button", name="Publish anyway")
    await anyway.click()
    asked = page.get_by_role("alertdialog")
    await expect(asked.get_by_role("list", name="Answers that got worse")).to_contain_text(QUESTION)
    await page.keyboard.press("Escape")
    await expect(asked).to_have_count(0)
    await expect(anyway).to_be_focused()
    await anyway.press("Enter")
    await asked.get_by_role("button", name="Publish anyway").click()
    await expect(bar.get_by_text("Nothing waits.")).to_be_visible()

    # one click, and two quick ones are one
    await bar.get_by_role("button", name="Roll back").dblclick()
    told = bar.get_by_role("status").filter(has_text=re.compile(r"Version \d+ is published again, as version \d+\."))
    await expect(told).to_be_visible()
    await expect(asked).to_have_count(0)
    await page.reload()
    await expect(told).to_be_visible()
    async with signed_in_api(server, email) as api:
        assert (await api.get(bot)).json()["answer_mode"] != "strict"
        await told.get_by_role("button", name="Undo").click()
        await expect(told).to_have_count(0)
        assert (await api.get(bot)).json()["answer_mode"] == "strict"

        # a page that shows what is past says so, and does nothing
        await expect(bar.get_by_role("button", name="Roll back")).to_be_visible()
        (await api.patch(bot, json={"description": "Theirs"})).raise_for_status()
        await bar.get_by_role("button", name="Roll back").click()
        await expect(page.get_by_text("The bot was changed meanwhile")).to_be_visible()
        assert (await api.get(bot)).json()["answer_mode"] == "strict"
    await page.goto(f"{server.url}/audit")
    entry = page.get_by_role("row", name="Bot published in spite of its tests")
    await expect(entry).to_contain_text(email)
    await expect(page.get_by_role("row", name="Bot settings rolled back")).to_have_count(2)
    assert not problems


async def test_an_answer_is_saved_as_a_test(page: Page, server: RunningServer, problems: Problems) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await know(page, "handbook.md", HANDBOOK)
    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Plant helper")
    chat = await ask(page, "How long does a refund take?")
    save = chat.get_by_role("button", name="Save as test")
    await save.click()
    form = page.get_by_role("dialog")
    await expect(form.get_by_label("What the answer must say")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(form).to_have_count(0)
    await expect(save).to_be_focused()
    await save.click()
    await form.get_by_label("What the answer must say").fill("5 working days\nthe account that paid")
    await form.get_by_role("button", name="Save", exact=True).click()
    await expect(form).to_have_count(0)
    await expect(page.get_by_text("Saved as a test.")).to_be_visible()

    await page.goto(f"{server.url}/bots/{bot_id}/tests")
    row = page.get_by_role("table", name="Tests").get_by_role("row", name="How long does a refund take?")
    await expect(row).to_contain_text("the account that paid")
    await expect(row).to_contain_text("From the playground")
    await page.get_by_role("button", name="Run tests", exact=True).click()
    await expect(row.get_by_text("Passed")).to_be_visible(timeout=READY_MS)
    await row.get_by_role("button", name="Delete").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Know that it answers right")).to_be_visible()
    assert not problems
