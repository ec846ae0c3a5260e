"""A bot's documents and its way onto a website, as people use the pages."""

from uuid import uuid4

from playwright.async_api import FilePayload, Page, Route, expect

from tests.e2e.conftest import Problems
from tests.e2e.dashboard import make_bot, sign_up
from tests.factories import files
from tests.servers import RunningServer

PDF = FilePayload(name="Harbour handbook.pdf", mimeType="application/pdf", buffer=files.pdf(files.HANDBOOK))
READY_MS = 60_000


def note(name: str, text: str = "") -> FilePayload:
    return FilePayload(name=name, mimeType="text/plain", buffer=text.encode())


async def choose(page: Page, *chosen: FilePayload) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("region", name="Add documents").get_by_role("button", name="choose files").click()
    await (await chooser.value).set_files(list(chosen))


async def test_documents_are_uploaded_become_ready_and_are_deleted(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await make_bot(page)
    await expect(page.get_by_role("heading", name="Add the first document")).to_be_visible()
    await choose(page, PDF, note("empty.md"), note("prices.xls", "1"))
    uploads = page.get_by_role("list", name="Uploads")
    await expect(uploads.get_by_text("The file is empty.")).to_be_visible()
    await expect(uploads.get_by_text("Save it as .xlsx or CSV, then add it again.")).to_be_visible()
    row = page.get_by_role("row", name="Harbour handbook")
    await expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)
    await expect(uploads.get_by_text("Harbour handbook.pdf")).to_be_hidden()
    await uploads.get_by_role("button", name="Dismiss empty.md").click()
    await expect(uploads.get_by_text("empty.md")).to_be_hidden()
    await expect(page.get_by_text("Your bot can answer now")).to_be_visible()
    await page.get_by_role("searchbox", name="Search documents").fill("nothing like it")
    await expect(page.get_by_role("heading", name="No document matches")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await row.get_by_role("button", name="Delete Harbour handbook").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Harbour handbook is deleted.").first).to_be_visible()
    await expect(page.get_by_role("heading", name="Add the first document")).to_be_visible()


async def test_a_file_that_cannot_be_used_says_why(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await make_bot(page)
    await choose(page, FilePayload(name="secret.pdf", mimeType="application/pdf", buffer=files.encrypted_pdf()))
    row = page.get_by_role("row", name="secret.pdf")
    await expect(row.get_by_text("protected with a password")).to_be_visible(timeout=READY_MS)
    await expect(row.get_by_role("button", name="Try secret.pdf again")).to_be_hidden()
    await row.get_by_role("link", name="secret.pdf").click()
    await expect(page.get_by_text("It could not be read")).to_be_visible()
    await page.get_by_role("link", name="Add another file").click()
    await choose(page, note("terms.txt", "Boats are lifted on Mondays."))
    again = page.get_by_role("row", name="terms")
    await expect(again.get_by_text("Ready")).to_be_visible(timeout=READY_MS)
    await choose(page, note("copy of terms.txt", "Boats are lifted on Mondays."))
    await expect(again.get_by_text("You have this already.")).to_be_visible()
    await expect(page.get_by_role("list", name="Uploads").get_by_text("You have this already")).to_be_visible()


async def test_what_the_server_refuses_is_told_and_can_be_sent_again(
    page: Page, server: RunningServer, problems: Problems
) -> None:
    await sign_up(page, server)
    await make_bot(page)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=429, json={"detail": "Too many uploads. Wait a little."})

    await page.route("**/api/v1/bots/*/sources", refuse)
    await choose(page, note("notes.txt", "Boats are lifted on Mondays."))
    uploads = page.get_by_role("list", name="Uploads")
    await expect(uploads.get_by_text("Too many uploads. Wait a little.")).to_be_visible()
    assert len(problems) == 1  # the browser names the 429 itself
    problems.clear()
    await page.unroute_all()
    await uploads.get_by_role("button", name="Send notes.txt again").click()
    await expect(page.get_by_role("row", name="notes.txt").get_by_text("Ready")).to_be_visible(timeout=READY_MS)


async def test_files_are_dropped_anywhere_on_the_page(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    await make_bot(page)
    await expect(page.get_by_role("heading", name="Add the first document")).to_be_visible()
    transfer = await page.evaluate_handle(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["Boats are lifted on Mondays."], "dropped.txt", { type: "text/plain" }));
          return transfer;
        }"""
    )
    await page.dispatch_event("[data-knowledge]", "dragenter", {"dataTransfer": transfer})
    await expect(page.locator("[data-knowledge][data-over]")).to_be_visible()
    await page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    await expect(page.get_by_role("row", name="dropped.txt")).to_be_visible(timeout=READY_MS)


async def test_another_tenants_bot_is_not_there(page: Page, server: RunningServer) -> None:
    await sign_up(page, server)
    theirs = await make_bot(page, "Secret helper")
    await page.context.clear_cookies()
    await sign_up(page, server)
    for bot_id in (theirs, str(uuid4()), "no-id"):
        for tab in ("knowledge", "embed"):
            await page.goto(f"{server.url}/bots/{bot_id}/{tab}")
            await expect(page.get_by_role("heading", name="There is no such bot")).to_be_visible()
            await expect(page.get_by_text("Secret helper")).to_be_hidden()
