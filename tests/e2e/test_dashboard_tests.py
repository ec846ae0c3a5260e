"""A bot's tests, as its owner writes, runs and reads them, and what publishing makes of them."""

from playwright.async_api import Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import READY_MS, know, make_bot, sign_up
from tests.factories.knowledge import HANDBOOK
from tests.servers import RunningServer


async def write(page: Page, question: str, facts: str) -> None:
    await page.get_by_role("button", name="Write one").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Question", exact=True).fill(question)
    if facts:
        await form.get_by_label("Facts that the answer must hold").fill(facts)
    else:
        await form.get_by_label("The bot must not answer it").click()
        await expect(form.get_by_label("Facts that the answer must hold")).to_have_count(0)
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_have_count(0)
    await expect(page.get_by_role("row", name=question)).to_be_visible()


async def test_tests_are_suggested_written_run_and_asked_before_publishing(
    page: Page, server: RunningServer, problems: Problems
) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await know(page, "handbook.md", HANDBOOK)
    tabs = page.get_by_role("navigation", name="Parts of this bot")
    await tabs.get_by_role("link", name="Tests").click()
    await expect(page.get_by_text("Know that it answers right")).to_be_visible()

    await page.get_by_role("button", name="Suggest from your sources").click()
    table = page.get_by_role("table", name="Tests")
    await expect(table.get_by_text("5 working days")).to_be_visible(timeout=READY_MS)
    await write(page, "Who built the pyramids of Gizeh?", "")
    await page.get_by_role("button", name="Write one").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Question", exact=True).fill("What does delivery of furniture cost?")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_text("Write at least one fact")).to_be_visible()
    await form.get_by_label("Facts that the answer must hold").fill("45 euros\nby drone | by balloon")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_have_count(0)

    # the header's button goes through the same gate, and says why
    await tabs.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Plant helper")
    await page.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_text("not run with these settings")).not_to_have_count(0)
    await page.wait_for_url(f"**/bots/{bot_id}/tests**")
    bar = page.get_by_role("region", name="Publishing")
    await bar.get_by_role("button", name="Run tests and publish").click()
    run = page.get_by_role("region", name="Latest run")
    await expect(run.get_by_text("got worse")).to_have_count(0)
    await expect(bar.get_by_text("Visitors get version")).to_be_visible(timeout=READY_MS)
    answers = run.get_by_role("list", name="Answers of the run")
    await answers.get_by_text("What does delivery of furniture cost?").click()
    await expect(answers.get_by_text("missing: by drone | by balloon")).to_be_visible()
    await expect(answers.get_by_text("holds: 45 euros")).to_be_visible()
    await expect(table.get_by_text("Failed")).to_be_visible()

    # changes are held, and what visitors get stays
    await tabs.get_by_role("link", name="Settings").click()
    await page.get_by_role("switch", name="Hold changes until I publish").click()
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved.").last).to_be_visible()
    await page.get_by_label("When the sources do not hold the answer").fill("No idea, sorry.")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("changes not published")).to_be_visible()
    await page.get_by_text("changes not published").click()
    await expect(bar.get_by_text("Changed since: Fallback text.")).to_be_visible()
    await page.get_by_role("button", name="Run tests", exact=True).click()
    await expect(bar.get_by_role("button", name="Publish", exact=True)).to_be_visible(timeout=READY_MS)
    await run.get_by_role("button", name="that passed").click()
    await answers.get_by_text("Who built the pyramids of Gizeh?").click()
    await expect(answers.get_by_role("region", name="Published").get_by_text("could not find")).to_be_visible()
    await expect(answers.get_by_role("region", name="This version").get_by_text("No idea, sorry.")).to_be_visible()

    await bar.get_by_role("button", name="Publish", exact=True).click()
    await expect(bar.get_by_text("Nothing waits.")).to_be_visible()
    await bar.get_by_role("button", name="Roll back").click()
    await expect(bar.get_by_text("is published again, as version")).to_be_visible()
    await tabs.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("When the sources do not hold the answer")).to_have_value(
        "I could not find an answer to that in my sources."
    )
    assert not problems
