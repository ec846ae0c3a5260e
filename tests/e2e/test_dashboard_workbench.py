"""How an owner looks into answers: the record of one, the search behind it, and two versions side by side."""

import re

from playwright.async_api import Page, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import ask, know, make_bot, sign_up
from tests.factories.knowledge import HANDBOOK
from tests.servers import RunningServer

QUESTION = "How long does a refund take?"


async def test_an_answer_is_looked_into_from_all_sides(page: Page, server: RunningServer, problems: Problems) -> None:
    await sign_up(page, server)
    bot_id = await make_bot(page)
    await know(page, "handbook.md", HANDBOOK)

    await page.get_by_role("link", name="Settings").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Plant helper")
    chat = await ask(page, QUESTION)
    await chat.get_by_role("link", name=f"How was the answer to “{QUESTION}” made?").click()
    await page.wait_for_url(re.compile(r"/conversations/[0-9a-f-]{36}/answers/[0-9a-f-]{36}/?$"))
    await expect(page.get_by_role("heading", name=QUESTION, level=1)).to_be_visible()
    await expect(page.get_by_text("Quoted from the best passage; no model was asked.")).to_be_visible()
    figures = page.get_by_role("region", name="Figures")
    for label in ("Passages found", "First word", "Whole answer", "Tokens", "Price"):
        await expect(figures.get_by_text(label, exact=True)).to_be_visible()
    found = page.get_by_role("list", name="Passages, best first")
    await expect(found.get_by_role("link", name="Returns").first).to_have_attribute(
        "href", re.compile(rf"/bots/{bot_id}/knowledge/")
    )
    await expect(page.get_by_role("list", name="Calls")).to_contain_text("Embedding of the question")
    await page.get_by_text("All settings").click()
    await expect(page.get_by_role("region", name="Settings at that time")).to_contain_text("Plant helper")
    await page.goto(page.url.replace("/answers/", "/answers/0"))
    await expect(page.get_by_text("There is no such answer")).to_be_visible()

    await page.goto(f"{server.url}/bots/{bot_id}/retrieval")
    await page.get_by_label("A visitor's question").fill(QUESTION)
    await page.get_by_role("button", name="Search", exact=True).click()
    await expect(page.get_by_role("heading", name="The bot would answer from these passages")).to_be_visible()
    await expect(page.get_by_role("region", name="Decision")).to_contain_text("Likely enough to answer")
    await page.get_by_role("button", name="In its document").first.click()
    await expect(found.locator("mark").first).to_contain_text("refund")
    why = page.get_by_role("region", name="Why not?")
    await why.get_by_label("Search documents").fill("nothing like this")
    await expect(why.get_by_text("No document matches.")).to_be_visible()
    await why.get_by_label("Search documents").fill("ret")
    await why.get_by_role("button", name="Returns").click()
    await expect(why.get_by_text("It is found: the answer is made from it.")).to_be_visible()

    await page.goto(f"{server.url}/bots/{bot_id}/compare")
    await page.get_by_label("Question to both versions").fill(QUESTION)
    await page.get_by_label("Question to both versions").press("Enter")
    talk = page.get_by_role("log", name="Comparison")
    for side in ("First version", "Second version"):
        await expect(talk.get_by_role("region", name=side)).to_contain_text("5 working days")
        await expect(talk.get_by_role("region", name=side)).to_contain_text("Whole answer")
    await page.get_by_role("button", name="New chat").click()
    await expect(page.get_by_text("Ask both the same")).to_be_visible()
