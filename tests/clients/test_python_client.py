"""The Python client against a server of this process, over a real socket."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest

from chatbot_client import (
    ChangedMeanwhileError,
    Client,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
)
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.settings import ROOT
from chatbot_saas.services.runtime import Runtime
from tests.factories.sockets import listening
from tests.samples import samples

TEXT = "Parcels are returned free of charge within 30 days."
PYTHON = ROOT / "clients" / "python"
SCOPES = ["bots:read", "bots:write", "sources:read", "sources:write", "chat", "conversations:read"]


@pytest.fixture(scope="module")
async def url(rt: Runtime) -> AsyncIterator[str]:
    async with listening(rt) as address:
        yield address


async def new_key(url: str) -> str:
    """Of somebody who just signed up."""
    async with httpx.AsyncClient(base_url=url) as http:
        account = {"email": f"{new_id().hex}@example.com", "password": "a long password", "tenant_name": "Shop"}
        tokens = (await http.post("/api/v1/auth/signup", json=account)).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        wanted = {"name": "client", "scopes": SCOPES}
        return (await http.post("/api/v1/api-keys", json=wanted)).raise_for_status().json()["key"]


@pytest.fixture(scope="module")
async def key(url: str) -> str:
    return await new_key(url)


class Cut(httpx.HTTPTransport):
    """A network that breaks the first streams after some bytes."""

    def __init__(self, *lengths: int) -> None:
        super().__init__()
        self.lengths = list(lengths)
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            self.asked.append(request.headers.get("Last-Event-ID", ""))
            if self.lengths:
                answer.stream = Short(answer.stream, self.lengths.pop(0))
        return answer


class Short(httpx.SyncByteStream):
    def __init__(self, whole: object, length: int) -> None:
        self.whole, self.left = whole, length

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self.whole, httpx.SyncByteStream)
        for piece in self.whole:
            yield piece[: self.left]
            self.left -= len(piece)
            if self.left <= 0:
                raise httpx.ReadError("the line is dead")

    def close(self) -> None:
        assert isinstance(self.whole, httpx.SyncByteStream)
        self.whole.close()


def from_a_text_to_a_receipt(url: str, key: str) -> None:
    with Client(key, url) as client:
        bot = client.create_bot(name="Helper", widget={"rating": "off"})
        assert [found.id for found in client.list_bots()] == [bot.id]
        [source] = client.add_sources(bot.id, {"type": "text", "title": "Terms", "text": TEXT})
        assert client.wait_until_ready(source.id, timeout=60).title == "Terms"
        [copy] = client.add_sources(bot.id, {"type": "text", "title": "Terms", "text": TEXT})
        assert copy.copy_of == source.id
        [hours] = client.add_sources_from_files(bot.id, ("hours.txt", b"The shop is open from nine to six."))
        assert client.wait_until_ready(hours.id, timeout=60).filename == "hours.txt"
        assert client.search(bot.id, query="Are returns free?").items[0].text == TEXT

        answer = client.ask(bot_id=bot.id, session_id="one", message="Are returns free of charge?")
        assert answer.answered
        assert answer.sources[0].quote == TEXT
        for number in range(4):
            client.ask(bot_id=bot.id, session_id=f"more {number}", message="When are you open?")
        conversations = list(client.list_conversations(bot_id=bot.id, page_size=2))
        assert len({one.id for one in conversations}) == 5
        assert client.get_conversation(answer.conversation_id).messages[1].text == answer.answer

        read = client.get_bot(bot.id)
        assert client.change_bot(bot.id, description="Knows our terms", if_match=read.etag).description
        with pytest.raises(ChangedMeanwhileError) as late:
            client.change_bot(bot.id, description="Knows all", if_match=read.etag)
        assert late.value.code == "changed_meanwhile"

        receipt = client.delete_source(source.id)
        assert receipt.verified
        assert receipt.removed.chunks == 1
        client.delete_bot(bot.id)
        assert list(client.list_bots()) == []


async def test_from_a_text_to_a_receipt(url: str) -> None:
    await asyncio.to_thread(from_a_text_to_a_receipt, url, await new_key(url))


def lists_of_questions(url: str, key: str) -> None:
    with Client(key, url) as client:
        bot = client.create_bot(name="Helper")
        made = client.import_new_list(bot.id, "question,answer\nDo you ship abroad?,Yes.\n", title="Shipping")
        assert made.added == 1
        [source] = client.list_sources(bot.id)
        client.wait_until_ready(source.id, timeout=60)
        assert client.export_list(source.id).splitlines()[1:] == ['"Do you ship abroad?","Yes."']
        assert client.list_pairs(source.id)[0].answer == "Yes."
        assert client.match_pair(bot.id, query="Do you ship abroad").matched


async def test_lists_of_questions(url: str, key: str) -> None:
    await asyncio.to_thread(lists_of_questions, url, key)


def a_stream_that_breaks(url: str, key: str, transport: Cut) -> None:
    with Client(key, url, transport=transport) as client:
        bot = client.create_bot(name="Helper")
        [source] = client.add_sources(bot.id, {"type": "text", "title": "Terms", "text": TEXT})
        client.wait_until_ready(source.id, timeout=60)
        events = list(client.ask_streamed(bot_id=bot.id, session_id="one", message="Are returns free of charge?"))
        assert [event.type for event in events if event.type != "token"] == ["sources", "done"]
        [conversation] = client.list_conversations(bot_id=bot.id)
        messages = client.get_conversation(conversation.id).messages
        assert [message.role for message in messages] == ["user", "assistant"]  # asked once
        assert "".join(event.text for event in events) == messages[1].text
        assert events[-1].data["conversation_id"] == str(conversation.id)


async def test_an_answer_that_is_streamed(url: str, key: str) -> None:
    transport = Cut()
    await asyncio.to_thread(a_stream_that_breaks, url, key, transport)
    assert transport.asked == [""]


async def test_a_stream_that_breaks_goes_on_where_it_was(url: str, key: str) -> None:
    transport = Cut(70, 120)
    await asyncio.to_thread(a_stream_that_breaks, url, key, transport)
    assert len(transport.asked) == 3
    assert transport.asked[0] == ""
    assert transport.asked[2] != ""


def what_happens(url: str, key: str) -> list[str]:
    with Client(key, url) as client:
        seen: list[str] = []
        for event in client.get_events_streamed():
            seen.append(event.type)
            if event.type == "ready":
                client.create_bot(name="Helper")
            if event.type.startswith("bot."):
                break
        return seen


async def test_what_happens_in_the_account(url: str, key: str) -> None:
    seen = await asyncio.wait_for(asyncio.to_thread(what_happens, url, key), 30)
    assert seen[0] == "ready"
    assert seen[-1].startswith("bot.")


def refusals(url: str, key: str) -> None:
    with Client("cb_wrong", url) as stranger, pytest.raises(UnauthenticatedError) as refused:
        list(stranger.list_bots())
    assert refused.value.status == 401
    with Client(key, url) as client:
        with pytest.raises(NotFoundError) as missing:
            client.get_bot(uuid4())
        assert missing.value.code == "not_found"
        assert missing.value.detail
        assert missing.value.request_id
        with pytest.raises(NotFoundError):
            client.get_job(f"../bots/{uuid4()}")  # an id is no path
        with pytest.raises(InvalidError) as wrong:
            client.create_bot(name="", temperature=9)
        assert wrong.value.field == "name"
        assert [error.field for error in wrong.value.errors] == ["name", "temperature"]
        assert "temperature" in str(wrong.value)
        with pytest.raises(ForbiddenError):
            list(client.list_leads())


async def test_refusals_are_exceptions(url: str, key: str) -> None:
    await asyncio.to_thread(refusals, url, key)


async def test_the_samples_of_its_readme_run(url: str) -> None:
    sample = "\n".join(samples("clients/python/README.md", "python")).replace("http://localhost:3000", url)
    environment = {**os.environ, "CHATBOT_KEY": await new_key(url), "PYTHONPATH": str(PYTHON)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", sample, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await asyncio.wait_for(child.communicate(), 90))[0].decode()
    assert child.returncode == 0, output
    assert output.count(TEXT) >= 2, output
    assert "changed_meanwhile" in output
    assert output.rstrip().endswith("True 1"), output
