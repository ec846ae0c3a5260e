"""Questions with answers of their own, as people keep and try them."""

import re

from playwright.async_api import FilePayload, Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import ask, make_bot, sign_up
from tests.servers import RunningServer

READY_MS = 60_000
ANSWER = "We are open **Monday to Friday**, 9 to 17. Ring the bell."
CSV = "Frage;Antwort\nWhat are your opening hours;Around the clock.\nIs there parking?;Yes, behind the house.\n"


async def choose(page: Page, button: str, text: str) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name=button).click()
    file = FilePayload(name="pairs.csv", mimeType="text/csv", buffer=text.encode("utf-16"))
    await (await chooser.value).set_files([file])


async def ready(page: Page) -> None:
    await expect(page.get_by_text("Being read.")).to_have_count(0, timeout=READY_MS)


async def test_a_pair_is_kept_answers_word_for_word_and_is_tried(
    page: Page, server: RunningServer, problems: Problems
) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await page.get_by_role("link", name="Q&A").click()
    await page.get_by_role("button", name="Add a question").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Question").fill("What are your opening hours?")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_text("This cannot be empty.")).to_be_visible()
    await form.get_by_label("Answer").fill(ANSWER)
    await form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name="What are your opening hours?")
    await expect(row).to_be_visible()
    await ready(page)

    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Plant helper")  # the page has loaded
    chat = await ask(page, "what are YOUR opening hours")
    await expect(chat.get_by_text("We are open Monday to Friday, 9 to 17. Ring the bell.")).to_be_visible()
    await expect(chat.get_by_text("your own answer, the same words")).to_be_visible()

    await page.goto(f"{server.url}/bots/{bot_id}/questions")
    await choose(page, "Import CSV", "How?,\nWhy?,Thus.\n")
    await expect(form.get_by_text("Line 1: The answer is empty.")).to_be_visible()
    assert len(problems) == 1  # the browser names the 422 itself
    problems.clear()
    await choose(page, "Choose another file", CSV)
    await expect(form.get_by_text("1 new")).to_be_visible()
    await expect(form.get_by_text("1 changed")).to_be_visible()
    await form.get_by_role("button", name="Import", exact=True).click()
    await expect(page.get_by_text("2 questions")).to_be_visible()
    await expect(page.get_by_role("row", name="Around the clock.")).to_be_visible()
    await ready(page)

    panel = page.get_by_role("region", name="Try a question")
    await panel.get_by_label("A visitor's question").fill("Do you have parking?")
    await panel.get_by_role("button", name="Try").click()
    await expect(panel.get_by_text("The model answers: nothing is close enough.")).to_be_visible()
    slider = panel.get_by_role("slider")
    for share in range(89, 79, -1):
        await slider.press("ArrowLeft")
        await expect(panel.get_by_text(f"{share}% alike")).to_be_visible()
    await expect(panel.get_by_text("it means the same")).to_be_visible()
    await expect(panel.get_by_text("Yes, behind the house.")).to_be_visible()
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("From 80% alike on, your answer is given.")).to_be_visible()

    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export").click()
    exported = (await (await download.value).path()).read_text("utf-8-sig")
    assert exported.splitlines()[0] == '"question","answer"'
    assert '"Is there parking?","Yes, behind the house."' in exported

    await page.get_by_role("button", name="Delete Is there parking?").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text(re.compile("^1 question$"))).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("2 questions")).to_be_visible()
