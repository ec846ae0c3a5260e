"""What the Python client does with a network and a server that fail: a transport answers as they would."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from chatbot_client import AnswerError, ApiError, Client, TooManyRequestsError, UnreachableError, calls
from chatbot_client.events import Event, Place, events

BOT = "00000000-0000-4000-8000-000000000001"
FOUND = {"items": []}


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited, each time."""
    found: list[float] = []
    monkeypatch.setattr(calls.time, "sleep", found.append)
    return found


def answering(*answers: httpx.Response | Exception) -> tuple[Client, list[httpx.Request]]:
    """A client that is given `answers`, one after another, and the requests that it sends."""
    left, sent = list(answers), list[httpx.Request]()

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Client("cb_key", "http://server/", transport=httpx.MockTransport(handle)), sent


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"title": "No", "status": status, "code": code, "detail": "No.", "request_id": "r1"}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def search(client: Client) -> object:
    return client.search(BOT, query="refund")


def test_a_limit_is_waited_for_and_the_key_stays(waited: list[float]) -> None:
    client, sent = answering(
        problem(429, "rate_limited", retry_after="7"),
        problem(503, "unavailable", retry_after="2"),
        problem(409, "idempotency_in_progress", retry_after="1"),
        httpx.Response(200, json=FOUND),
    )
    search(client)
    assert waited == [7, 2, 1]
    assert len({request.headers["Idempotency-Key"] for request in sent}) == 1
    assert {request.url.path for request in sent} == {f"/api/v1/bots/{BOT}/search"}
    assert sent[0].headers["X-API-Key"] == "cb_key"


def test_another_call_has_another_key() -> None:
    client, sent = answering(*[httpx.Response(200, json=FOUND)] * 3)
    search(client)
    search(client)
    client.search(BOT, query="refund", idempotency_key="mine")
    keys = [request.headers["Idempotency-Key"] for request in sent]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_tries_have_an_end() -> None:
    client, sent = answering(*[problem(429, "rate_limited", retry_after="1")] * 4)
    with pytest.raises(TooManyRequestsError) as refused:
        search(client)
    assert (refused.value.code, refused.value.request_id, len(sent)) == ("rate_limited", "r1", 4)


def test_nobody_waits_for_an_hour(waited: list[float]) -> None:
    client, sent = answering(problem(429, "rate_limited", retry_after="3600"))
    with pytest.raises(TooManyRequestsError):
        search(client)
    assert len(sent) == 1
    assert waited == []


@pytest.mark.parametrize("told", ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", ""])
def test_a_wait_that_is_a_date_or_nonsense(told: str, waited: list[float]) -> None:
    client, _ = answering(problem(503, "unavailable", retry_after=told), httpx.Response(200, json=FOUND))
    search(client)
    assert len(waited) == 1
    assert 0 <= waited[0] <= 1


@pytest.mark.parametrize("status", [500, 409, 422])
def test_other_refusals_are_not_tried_again(status: int) -> None:
    client, sent = answering(problem(status, "other", retry_after="1"))
    with pytest.raises(ApiError, match="other"):
        search(client)
    assert len(sent) == 1


def test_a_broken_connection_is_made_again() -> None:
    client, sent = answering(httpx.ReadError("gone"), httpx.ConnectTimeout("slow"), httpx.Response(200, json=FOUND))
    search(client)
    assert len({request.headers["Idempotency-Key"] for request in sent}) == 1


def verify(client: Client) -> object:
    return client.verify_receipt(receipt={})


@pytest.mark.parametrize(("call", "tries"), [(search, 4), (verify, 1)])
def test_what_may_have_happened_is_repeated_only_with_a_key(call: Callable[[Client], object], tries: int) -> None:
    client, sent = answering(*[httpx.ReadError("gone")] * 4)
    with pytest.raises(UnreachableError, match="gone"):
        call(client)
    assert len(sent) == tries


def test_an_error_of_a_proxy() -> None:
    client, _ = answering(httpx.Response(502, text="<h1>Bad gateway</h1>"))
    with pytest.raises(ApiError) as refused:
        search(client)
    assert (refused.value.status, refused.value.code) == (502, "unknown")
    assert "Bad gateway" in refused.value.detail


def test_values_of_a_newer_server_do_no_harm() -> None:
    receipt = {"valid": True, "since": "2027"}
    client, _ = answering(httpx.Response(200, json=receipt))
    assert client.verify_receipt(receipt={}).valid


class Stream(httpx.SyncByteStream):
    def __init__(self, *pieces: str | Exception) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece.encode()


def token(number: int, text: str) -> str:
    return f'id: {number}\nevent: token\ndata: {{"text": "{text}"}}\n\n'


def told(client: Client) -> list[Event]:
    return list(client.ask_streamed(bot_id=BOT, session_id="s", message="refund?"))


DONE = "id: 9\nevent: done\ndata: {}\n\n"


def test_an_answer_goes_on_after_the_last_whole_event() -> None:
    client, sent = answering(
        httpx.Response(200, stream=Stream(token(1, "Wi"), 'id: 5\nevent: token\ndata: {"te', httpx.ReadError("gone"))),
        httpx.Response(200, stream=Stream(": still here\n\n", token(5, "thin"), DONE)),
    )
    assert "".join(event.text for event in told(client)) == "Within"
    assert [request.headers.get("Last-Event-ID") for request in sent] == [None, "1"]
    assert len({request.content for request in sent}) == 1  # one client_message_id


def test_an_answer_that_never_ends_is_given_up() -> None:
    client, sent = answering(*[httpx.Response(200, stream=Stream(": still here\n\n")) for _ in range(4)])
    with pytest.raises(UnreachableError, match="too early"):
        told(client)
    assert len(sent) == 4


def test_an_answer_that_fails() -> None:
    failed = 'event: error\ndata: {"code": "internal", "message": "Try again."}\n\n'
    client, _ = answering(httpx.Response(200, stream=Stream(token(1, "Wi"), failed)))
    with pytest.raises(AnswerError) as refused:
        told(client)
    assert (refused.value.code, refused.value.detail) == ("internal", "Try again.")


def test_a_place_is_kept_without_an_event() -> None:
    place = Place()
    lines = ["id: 7", ": still here", "", "data: {", "data: }", "", "id: 8", "data: {}"]
    assert list(events(lines, place)) == [Event("message", {}, "7")]
    assert place.last_id == "7"
