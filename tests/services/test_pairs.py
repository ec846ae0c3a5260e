"""Lists of questions: edits of several people at once, and CSV files of every kind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from chatbot_saas.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
)
from chatbot_saas.core.tenancy import Role
from chatbot_saas.schemas.bots import BotRead
from chatbot_saas.schemas.sources import MAX_PAIRS, QuestionPair, SourcePatch, SourceRead
from chatbot_saas.services import intake, pair_files, pairs
from chatbot_saas.services.runtime import Runtime
from tests.factories.jobs import drained
from tests.factories.knowledge import add_text, make_bot, settled
from tests.factories.people import Person, sign_up
from tests.factories.questions import HOURS, PAIRS, REFUND, add_pairs

PARKING = QuestionPair(question="Is there parking?", answer="Yes, behind the house.")
CLOSED = QuestionPair(question=HOURS.question, answer="We are closed.")


@pytest.fixture(scope="module")
async def person(rt: Runtime) -> Person:
    return await sign_up(rt)


@pytest.fixture
async def bot(rt: Runtime, person: Person) -> BotRead:
    return await make_bot(rt, person)


@pytest.fixture
async def known(rt: Runtime, person: Person, bot: BotRead) -> SourceRead:
    return await add_pairs(rt, person, bot.id)


async def held(rt: Runtime, person: Person, source: SourceRead) -> list[QuestionPair]:
    return (await pairs.load(rt, person.principal, source.id)).pairs


# --- edits


async def test_the_first_pair_makes_the_list_and_the_last_one_leaves_it_empty(
    rt: Runtime, person: Person, bot: BotRead
) -> None:
    assert await pairs.lists(rt, person.principal, bot.id) == []
    made = await pairs.add(rt, person.principal, bot.id, None, HOURS)
    [listed] = await pairs.lists(rt, person.principal, bot.id)
    assert (listed.id, listed.title) == (made.id, "Questions and answers")
    assert await pairs.remove(rt, person.principal, made.id, HOURS) == 0
    assert await held(rt, person, made) == []
    emptied = await settled(rt, person, made.id)
    assert (emptied.status, emptied.chunks, emptied.error) == ("ready", 0, None)
    await pairs.add(rt, person.principal, bot.id, made.id, HOURS)
    assert (await settled(rt, person, made.id)).chunks == 1


async def test_a_pair_is_added_changed_removed_and_brought_back(
    rt: Runtime, person: Person, bot: BotRead, known: SourceRead
) -> None:
    await pairs.add(rt, person.principal, bot.id, known.id, PARKING)
    await pairs.replace(rt, person.principal, known.id, HOURS, CLOSED)
    assert await held(rt, person, known) == [CLOSED, REFUND, PARKING]
    stood = await pairs.remove(rt, person.principal, known.id, REFUND)
    assert await held(rt, person, known) == [CLOSED, PARKING]
    await pairs.add(rt, person.principal, bot.id, known.id, REFUND, at=stood)
    assert await held(rt, person, known) == [CLOSED, REFUND, PARKING]
    same = QuestionPair(question="is THERE parking", answer="No.")
    for change in (
        pairs.add(rt, person.principal, bot.id, known.id, same),
        pairs.replace(rt, person.principal, known.id, REFUND, same),
    ):
        with pytest.raises(InvalidError, match="in the list already"):
            await change
    await pairs.replace(rt, person.principal, known.id, PARKING, same)
    assert (await settled(rt, person, known.id)).chunks == 3


async def test_changes_of_several_people_at_once_are_all_there(
    rt: Runtime, person: Person, bot: BotRead, known: SourceRead
) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(4):
            pair = QuestionPair(question=f"Question number {number}?", answer="Answer.")
            group.create_task(pairs.add(rt, person.principal, bot.id, known.id, pair))
        group.create_task(pairs.replace(rt, person.principal, known.id, HOURS, CLOSED))
        group.create_task(pairs.remove(rt, person.principal, known.id, REFUND))
    left = await held(rt, person, known)
    assert left[0] == CLOSED
    assert sorted(pair.question for pair in left[1:]) == [f"Question number {number}?" for number in range(4)]
    await drained(rt)
    assert (await settled(rt, person, known.id)).chunks == 5
    assert len(await rt.blobs.keys(f"{person.tenant_id}/{bot.id}/")) == 1, "no former version is left behind"


async def test_whoever_changes_what_somebody_else_changed_is_told(
    rt: Runtime, person: Person, known: SourceRead
) -> None:
    await pairs.replace(rt, person.principal, known.id, HOURS, CLOSED)
    for change in (
        pairs.replace(rt, person.principal, known.id, HOURS, PARKING),
        pairs.remove(rt, person.principal, known.id, HOURS),
    ):
        with pytest.raises(pairs.PairChangedError):
            await change
    assert await held(rt, person, known) == [CLOSED, REFUND]


class Rewritten:
    """The file store, where somebody writes the list anew each time that it is about to be read."""

    def __init__(self, blobs: Any, write: Callable[[], Awaitable[object]], times: int) -> None:
        self._blobs, self._write, self._left = blobs, write, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncIterator[Path]:
        async with self._blobs.local_copy(key) as path:
            if self._left > 0:
                self._left -= 1
                await self._write()
            yield path


async def test_a_list_is_read_however_often_others_write_it(rt: Runtime, person: Person, known: SourceRead) -> None:
    real, written = rt.blobs, 0

    async def write() -> None:
        nonlocal written
        written += 1
        answer = f"Number {written}."
        patch = SourcePatch(pairs=[QuestionPair(question=HOURS.question, answer=answer)])
        await intake.change(rt, person.principal, known.id, patch)

    rt.blobs = cast(Any, Rewritten(real, write, 5))
    try:
        [pair] = await held(rt, person, known)
        assert pair.answer.startswith("Number "), "which one depends on the jobs, which read it as well"
    finally:
        rt.blobs = real


async def test_nobody_else_reads_or_changes_a_list(
    rt: Runtime, person: Person, bot: BotRead, known: SourceRead
) -> None:
    stranger, viewer = await sign_up(rt), await sign_up(rt, Role.VIEWER, person.tenant_id)
    for who, error in ((stranger, NotFoundError), (viewer, ForbiddenError)):
        principal = who.principal
        for attempt in (
            pairs.add(rt, principal, bot.id, known.id, PARKING),
            pairs.replace(rt, principal, known.id, HOURS, CLOSED),
            pairs.remove(rt, principal, known.id, HOURS),
            pairs.import_into(rt, principal, known.id, b"A?,B\n"),
            pairs.import_new(rt, principal, bot.id, b"A?,B\n"),
        ):
            with pytest.raises(error):
                await attempt
    for attempt in (
        pairs.load(rt, stranger.principal, known.id),
        pairs.export(rt, stranger.principal, known.id),
        pairs.lists(rt, stranger.principal, bot.id),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    assert await held(rt, person, known) == PAIRS
    document = await add_text(rt, person, bot.id)
    with pytest.raises(ConflictError):
        await pairs.load(rt, person.principal, document.id)


# --- reading files

ONE = [("How?", "So.")]
READABLE = {
    "commas": (b"How?,So.\n", ONE),
    "no end of line": (b"How?,So.", ONE),
    "old Mac": (b"How?,So.\rWhy?,Thus.\r", [*ONE, ("Why?", "Thus.")]),
    "semicolons, German names": (b"Frage;Antwort\r\nWieso, bitte?;Ja, gut\r\n", [("Wieso, bitte?", "Ja, gut")]),
    "tabs": (b"question\tanswer\nHow?\tSo.\n", ONE),
    "names the other way round": (b"Answer,Question\nSo.,How?\n", ONE),
    "more columns": (b"id,question,topic,answer\n1,How?,x,So.\n", ONE),
    "only one name known": (b"Question,Text\nHow?,So.\n", ONE),
    "Windows-1252": ("Wie heißt du?;Grüße\nWo?;Übermorgen — hier\n".encode("cp1252"), [("Wie heißt du?", "Grüße")]),
    "UTF-16": ("Как?;Так.\n".encode("utf-16"), [("Как?", "Так.")]),
    "byte order mark": (b"\xef\xbb\xbfquestion,answer\nHow?,So.\n", ONE),
    "told by Excel": (b"sep=;\r\nHow?;So.\r\n", ONE),
    "empty rows": (b"How?,So.\n,\n\n , \n", ONE),
    "said twice": (b"How?,So.\nhow,So.\n", ONE),
    "lines and marks within": (b'"Say ""hi""?","Hi,\nthere; you"\n', [('Say "hi"?', "Hi,\nthere; you")]),
    "a formula": (b"=HYPERLINK(1),@SUM\n", [("=HYPERLINK(1)", "@SUM")]),
}
WRONG = {
    "nothing": (b" \n", 1, "The file is empty"),
    "names only": (b"question,answer\n", 1, "no question below"),
    "no answer": (b"How?,So.\nWhy?,\n", 2, "The answer is empty"),
    "no question": (b"question,answer\n\n,So.\n", 3, "The question is empty"),
    "after a long text": (b'How?,"So.\n\n\n"\n,x\n', 5, "The question is empty"),
    "one column": (b"How?\nWhy?\n", 1, "one column only"),
    "commas in the text": (b"How?,So, or so.\n", 1, "more than two columns"),
    "two answers": (b"How?,So.\nHOW,Not so.\n", 2, "stands on line 1 too"),
    "an open mark": (b'How?,So.\nWhy?,"never ends\nWhat?,x\n', 2, "quotation mark"),
    "long question": (b"w" * 501 + b",So.\n", 1, "longer than 500"),
    "long answer": (b"How?," + b"w" * 4001 + b"\n", 1, "longer than 4,000"),
    "far too long": (b"How?," + b"w" * 200_000 + b"\n", 1, "far too long"),
    "a workbook": (b"PK\x03\x04" + bytes(40), 1, "workbook"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, 1, ""),
    "too many": (b"".join(b"%d?,x\n" % n for n in range(MAX_PAIRS + 1)), MAX_PAIRS + 1, "2,001 questions"),
}


@pytest.mark.parametrize("name", READABLE)
def test_what_spreadsheets_write_is_read(name: str) -> None:
    data, expected = READABLE[name]
    found = pair_files.read(data)
    assert found.problems == []
    assert [(line.question, line.answer) for line in found.lines][: len(expected)] == expected


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_by_its_line(name: str) -> None:
    data, line, words = WRONG[name]
    found = pair_files.read(data)
    assert found.lines == [], "all or nothing"
    assert found.problems[0][0] == line
    assert words in found.problems[0][1]
    assert len(found.problems) <= pair_files.MAX_PROBLEMS


def test_every_wrong_line_is_told_up_to_twenty() -> None:
    found = pair_files.read(b"Q?,A\n" + b"".join(b"%d?,\n" % n for n in range(30)))
    assert [line for line, _ in found.problems] == list(range(2, 22))


def test_what_is_exported_is_imported_as_it_was_and_runs_no_formula() -> None:
    texts = [
        "=cmd|' /C calc'!A0",
        "+1",
        "-2",
        "@SUM(A1)",
        "'=kept",
        "''-kept",
        "'plain",
        'a "b", c;\r\nd\te',
        "＝1",
        "ü",
    ]
    written = [QuestionPair(question=f"{text} {n}", answer=text) for n, text in enumerate(texts)]
    data = pair_files.write(written)
    assert data.startswith(b"\xef\xbb\xbf")
    assert [(line.question, line.answer) for line in pair_files.read(data).lines] == [
        (pair.question, pair.answer) for pair in written
    ]
    for cell in data.decode("utf-8-sig").split('"'):
        assert not cell.startswith(("=", "+", "-", "@", "＝"))


# --- taking files in, over HTTP as a program would


async def test_a_list_goes_out_and_comes_in_over_http(
    client: httpx.AsyncClient, rt: Runtime, person: Person, bot: BotRead
) -> None:
    async def send(method: str, path: str, data: str = "", **options: str) -> httpx.Response:
        headers = {**person.headers, "Content-Type": "text/csv"} | (
            {"If-Match": options.pop("if_match")} if "if_match" in options else {}
        )
        content = data.encode() if data else None
        return await client.request(method, f"/api/v1{path}", content=content, headers=headers, params=options)

    seen = await send("POST", f"/bots/{bot.id}/pairs.csv", "How?,So.\nWhy?,Thus.\n", preview="true")
    assert (seen.status_code, seen.json()["added"], seen.json()["source"]) == (200, 2, None)
    assert await pairs.lists(rt, person.principal, bot.id) == []
    made = await send("POST", f"/bots/{bot.id}/pairs.csv", "How?,So.\nWhy?,Thus.\n", title="Basics")
    assert made.status_code == 202, made.text
    source_id = made.json()["source"]["id"]
    path = f"/sources/{source_id}/pairs.csv"

    file = await send("GET", path)
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="questions.csv"' in file.headers["content-disposition"]
    assert file.text.removeprefix("\ufeff") == '"question","answer"\r\n"How?","So."\r\n"Why?","Thus."\r\n'
    version = file.headers["etag"]

    merged = (await send("PUT", path, "why,Because.\nWhen?,Now.\n", mode="merge", preview="true")).json()
    counts = ("added", "replaced", "removed", "unchanged", "total")
    assert [merged[name] for name in counts] == [1, 1, 0, 0, 3]
    assert merged["changes"] == [
        {"line": 1, "question": "why", "answer": "Because.", "before": "Thus."},
        {"line": 2, "question": "When?", "answer": "Now.", "before": ""},
    ]
    assert f'"{merged["version"]}"' == version
    done = await send("PUT", path, "why,Because.\nWhen?,Now.\n", mode="merge", if_match=version)
    assert done.status_code == 202, done.text
    assert (await send("PUT", path, "A?,B\n", if_match=version)).status_code == 412
    again = (await send("PUT", path, "why,Because.\nWhen?,Now.\n", mode="merge")).json()
    assert [again[name] for name in counts] == [0, 0, 0, 2, 3]
    listed = await client.get(f"/api/v1/sources/{source_id}/pairs", headers=person.headers)
    assert [pair["question"] for pair in listed.json()["items"]] == ["How?", "why", "When?"]
    assert listed.headers["etag"] == f'"{again["version"]}"', "what changes nothing writes nothing"

    refused = await send("PUT", path, "A?,B\nC?,\n,D\n")
    assert (refused.status_code, refused.json()["detail"]) == (422, "Line 2: The answer is empty. And 1 more.")
    assert [problem["line"] for problem in refused.json()["problems"]] == [2, 3]
    replaced = (await send("PUT", path, "A?,B\n")).json()
    assert [replaced[name] for name in counts] == [1, 0, 3, 0, 1]
    too_large = await send("PUT", path, "x" * (pair_files.MAX_BYTES + 1))
    assert too_large.status_code == 413
    patch = {"pairs": [{"question": "Q?", "answer": "A"}]}
    based_on_old = {**person.headers, "If-Match": version}
    answer = await client.patch(f"/api/v1/sources/{source_id}", json=patch, headers=based_on_old)
    assert answer.status_code == 412


async def test_a_file_that_fits_no_more_is_refused(rt: Runtime, person: Person, known: SourceRead) -> None:
    many = b"".join(b"%d?,x\n" % n for n in range(MAX_PAIRS - 1))
    with pytest.raises(InvalidError, match="2,001 questions"):
        await pairs.import_into(rt, person.principal, known.id, many, mode="merge")
    with pytest.raises(PreconditionFailedError):
        await pairs.import_into(rt, person.principal, known.id, b"A?,B\n", expected="older")
    assert await held(rt, person, known) == PAIRS
