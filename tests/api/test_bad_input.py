"""What nobody should send, at every route of the OpenAPI document: refused in words, and never a crash."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from chatbot_saas.api import middleware
from chatbot_saas.api.middleware import MAX_BODY, MAX_LONG_BODY
from chatbot_saas.core.ids import new_id
from chatbot_saas.services.passages import document_id
from chatbot_saas.services.runtime import Runtime
from tests.api.callers import Headers, visit
from tests.api.surface import Operation, operations
from tests.factories.knowledge import make_bot, make_knowing_bot, settled
from tests.factories.people import Person, make_platform_admin

pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here doubles the time
WITH_BODY = [o for o in operations() if o.body]
HASHED_ONLY = {"password", "owner_password", "refresh_token"}
"""Texts that are hashed before anything else: any character is as good as another."""
NOT_READ = {"parent_origin", "visitor_key", "consent"}
"""Asked for only where the request comes from our own frame, and no website then; or known from before, or unknown."""
OPTIONAL = {"StartRequest", "EndRequest", "SuggestRequest", "TestRunRequest", "PublishRequest"}
"""Bodies that may be left out."""
DOCUMENTS = {"text"}
"""Texts that may be long: as long as a body may be."""


@pytest.fixture(scope="module")
async def admin(rt: Runtime) -> Person:
    """May use every route: owner of a tenant and platform administrator."""
    return await make_platform_admin(rt)


@pytest.fixture(scope="module")
async def ids(rt: Runtime, client: httpx.AsyncClient, admin: Person) -> dict[str, Any]:
    bot = await make_bot(rt, admin)
    conversation_id, _ = await visit(client, bot.id)
    body = {"type": "text", "title": "Notes", "text": "Some notes."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", headers=admin.headers, json=body)
    source_id = UUID(added.json()["items"][0]["id"])
    await settled(rt, admin, source_id)
    return {
        "bot_id": bot.id,
        "source_id": source_id,
        "document_id": document_id(source_id),
        "conversation_id": conversation_id,
        "message_id": new_id(),
        "tenant_id": admin.tenant_id,
    }


@pytest.fixture(scope="module")
async def visitor(client: httpx.AsyncClient, ids: dict[str, Any]) -> Headers:
    ids["conversation_id"], headers = await visit(client, ids["bot_id"])
    return headers


class Sender:
    """Sends to one operation as somebody who may use it."""

    def __init__(self, client: httpx.AsyncClient, headers: Headers, ids: dict[str, Any], operation: Operation) -> None:
        self.client, self.headers, self.operation = client, headers, operation
        missing = {name: new_id() for name in operation.path_ids if name not in ids}
        self.ids = {**ids, **missing}
        self.url = operation.url(**self.ids)

    async def __call__(self, changes: dict[str, Any]) -> httpx.Response:
        return await self.raw(json.dumps({**(self.operation.example(**self.ids) or {}), **changes}).encode())

    async def raw(self, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
        given = {**self.headers, "Content-Type": "application/json", **headers}
        return await self.client.request(self.operation.method, self.url, headers=given, content=content)


@pytest.fixture
def sender(
    client: httpx.AsyncClient, admin: Person, visitor: Headers, ids: dict[str, Any], operation: Operation
) -> Sender:
    return Sender(client, visitor if operation.public else admin.headers, ids, operation)


def is_problem(answer: httpx.Response, *statuses: int) -> bool:
    body = answer.json()
    if "error" in body:  # in OpenAI's shape, which knows no 422
        shape, error = {"message", "type", "param", "code"}, body["error"]
        told = answer.headers["x-request-id"] and error["message"] and error["code"]
        expected = {400 if status == 422 else status for status in statuses}
        return answer.status_code in expected and error.keys() == shape and bool(told)
    shape = {"type", "title", "status", "code", "detail", "request_id"}
    return (
        answer.status_code in statuses
        and answer.headers["content-type"] == "application/problem+json"
        and shape <= body.keys()
        and body["status"] == answer.status_code
        and body["request_id"] == answer.headers["x-request-id"]
        and bool(body["detail"])
    )


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_unknown_fields_are_refused(sender: Sender) -> None:
    for name in ("surprise", "model", "system", "tenant_id", "is_platform_admin", "sources", "prompt", "id"):
        if name in {field.name for field in sender.operation.fields()}:
            continue
        answer = await sender({name: "x"})
        assert is_problem(answer, 422), answer.text
        if sender.operation.for_openai:
            assert answer.json()["error"]["code"] == "unsupported_parameter"
            assert answer.json()["error"]["param"] == name
        else:
            assert {"field": name, "message": "Extra inputs are not permitted"} in answer.json()["errors"]


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_names_of_fields_are_not_trusted_either(sender: Sender) -> None:
    for name in ("\ud800", "\x00", "<script>", "a" * 10_000, "__class__", "9" * 5_000):
        answer = await sender({name: 1})
        assert is_problem(answer, 400, 422), answer.text
        assert len(answer.content) < 5_000, "what is refused is not sent back at length"


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_a_flood_of_unknown_fields_is_told_in_one_line(sender: Sender) -> None:
    answer = await sender({f"f{number}": 0 for number in range(2_000)})
    assert is_problem(answer, 422), answer.text
    assert len(answer.json().get("errors", ["the first one"])) == 1


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{'a': 1}", b"[" * 50_000])
async def test_malformed_json(sender: Sender, content: bytes) -> None:
    if content in (b"", b"null") and sender.operation.body in OPTIONAL:
        return  # its body is optional
    assert is_problem(await sender.raw(content), 400, 422), content[:20]


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_bodies_over_a_megabyte(sender: Sender) -> None:
    limit = MAX_LONG_BODY if sender.operation.body == "SourcePatch" else MAX_BODY
    large = b'{"name": "' + b"a" * limit + b'"}'
    assert is_problem(await sender.raw(large), 413)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    assert is_problem(await sender.raw(pieces()), 413), "also when its length is not told"


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_texts_that_a_database_cannot_hold(sender: Sender) -> None:
    for field in sender.operation.fields("string"):
        for bad in ("a\x00b", "\x00", "a\ud800b", "\ud800@example.com"):
            answer = await sender(field.holding(bad))
            if field.name in HASHED_ONLY:
                assert answer.status_code < 500, (field.name, answer.text)
            elif field.name in NOT_READ:
                assert answer.status_code in (201, 403, 422), (field.name, answer.text)
            else:
                assert is_problem(answer, 422), (field.name, repr(bad), answer.text)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_wrong_types_and_numbers_out_of_range(sender: Sender) -> None:
    for kind in ("string", "integer", "number", "boolean"):
        for field in sender.operation.fields(kind):
            wrong: list[Any] = [{}, [[]], {"a": [1]}]
            if kind in ("integer", "number"):
                wrong += [10**30, -(10**30), float("nan"), float("inf"), "x"]
            for value in wrong:
                answer = await sender(field.holding(value))
                assert is_problem(answer, 400, 422), (field.name, value, answer.text)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_texts_without_end(sender: Sender) -> None:
    for field in sender.operation.fields("string"):
        if field.name in DOCUMENTS:
            continue
        answer = await sender(field.holding("a" * 50_000))
        assert is_problem(answer, 403, 422) if field.name in NOT_READ else is_problem(answer, 422), field.name


@pytest.mark.parametrize("operation", [o for o in operations() if o.query], ids=str)
async def test_queries(sender: Sender) -> None:
    for parameter in sender.operation.query:
        kind = parameter["schema"].get("type", "string")
        wrong = ["\x00", "\ud7ff\x00", "a" * 5_000, "%", "_", "\\", "'", "%00"]
        if kind == "integer":
            wrong += ["9" * 30, "-1", "0", "101", "1e3", "9" * 5_000]
        for value in wrong:
            asked = {"params": {parameter["name"]: value}, "headers": sender.headers}
            answer = await sender.client.request(sender.operation.method, sender.url, **asked)
            assert answer.status_code in (200, 409, 422), (parameter["name"], value[:20], answer.text)
            if kind == "integer":
                assert answer.status_code == 422, value


@pytest.mark.parametrize("operation", [o for o in operations() if any(p["name"] == "cursor" for p in o.query)], ids=str)
async def test_cursors_that_no_list_returned(sender: Sender) -> None:
    for cursor in ("x", "!!!!", "a" * 22, "a" * 21, "é", "=" * 10, str(new_id()), "A" * 100):
        answer = await sender.client.get(sender.url, params={"cursor": cursor}, headers=sender.headers)
        assert answer.status_code == 200 if cursor == "a" * 22 else is_problem(answer, 422), (cursor, answer.text)


@pytest.mark.parametrize("operation", [o for o in operations() if o.path_ids], ids=str)
async def test_paths(sender: Sender) -> None:
    for value in ("x", "%00", "%2e%2e", "..%2f..%2fetc%2fpasswd", "9" * 40, "%ff", "'", "None", "%20"):
        url = sender.operation.url(**dict.fromkeys(sender.operation.path_ids, value))
        answer = await sender.client.request(
            sender.operation.method, url, headers=sender.headers, json=sender.operation.example(**sender.ids)
        )
        assert is_problem(answer, 404, 405, 415, 422), (url, answer.text)


async def test_a_version_larger_than_any_column(client: httpx.AsyncClient, admin: Person, ids: dict[str, Any]) -> None:
    for version in (2**31, 2**63, 10**30, -1):
        answer = await client.post(f"/api/v1/bots/{ids['bot_id']}/versions/{version}/restore", headers=admin.headers)
        assert is_problem(answer, 404, 422), answer.text


async def test_routes_that_do_not_exist(client: httpx.AsyncClient) -> None:
    missing = await client.get("/api/v1/nothing")
    assert is_problem(missing, 404)
    wrong = await client.put("/api/v1/bots", json={})
    assert is_problem(wrong, 405)
    assert set(wrong.headers["allow"].split(", ")) >= {"GET"}


async def test_headers_that_make_no_sense(client: httpx.AsyncClient, admin: Person) -> None:
    for headers in (
        {"Content-Length": "many"},
        {"X-Request-Id": "a\tb"},
        {"X-Forwarded-For": "not, an, address"},
        {"If-Match": "x" * 51},
        {"Cookie": "chatbot_session=\xff"},
        {"X-API-Key": "x" * 201},
        {"X-API-Key": "\xff"},
        {"Last-Event-ID": "9" * 20},
    ):
        raw = [(name.encode(), value.encode("latin-1")) for name, value in {**admin.headers, **headers}.items()]
        answer = await client.get("/api/v1/bots", headers=raw)
        assert answer.status_code in (200, 400, 401, 422), (headers, answer.text)


async def test_uploads_that_are_none(client: httpx.AsyncClient, admin: Person, ids: dict[str, Any]) -> None:
    url = f"/api/v1/bots/{ids['bot_id']}/sources"

    async def send(content_type: str, content: bytes = b"") -> httpx.Response:
        return await client.post(url, headers={**admin.headers, "Content-Type": content_type}, content=content)

    assert is_problem(await send("text/plain", b"{}"), 415)
    for body in (
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"type": "file"}',
        b'{"type": "text"}',
        b'{"type": "url", "url": "ftp://x"}',
    ):
        assert is_problem(await send("application/json", body), 422), body
    assert is_problem(await send("application/json", b'{"type":"url","url":"https://a.example","model":"x"}'), 422)
    assert is_problem(await send("multipart/form-data"), 422)
    assert is_problem(await send("multipart/form-data; boundary=x"), 422)
    assert is_problem(await send("multipart/form-data; boundary=x", b"\x00garbage"), 422)
    assert is_problem(await send("multipart/form-data; boundary=x; charset=nonsense", b"--x--"), 422)
    field = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n'
    assert is_problem(await send("multipart/form-data; boundary=x", field), 422), "a text is not a file"
    many = [("file", (f"{n}.txt", b"text", "text/plain")) for n in range(21)]
    assert is_problem(await client.post(url, headers=admin.headers, files=many), 422)


async def test_json_for_a_source_is_bounded_and_counted_before_it_is_looked_at(
    client: httpx.AsyncClient, admin: Person, ids: dict[str, Any]
) -> None:
    url = f"/api/v1/bots/{ids['bot_id']}/sources"
    headers = {**admin.headers, "Content-Type": "application/json"}
    long = b'{"type": "text", "title": "x", "text": "' + b"a" * MAX_LONG_BODY + b'"}'
    assert is_problem(await client.post(url, headers=headers, content=long), 413)
    many = await client.post(url, headers=headers, content=b'{"type": "qa", "pairs": [' + b"[]," * 50_000 + b"[]]}")
    assert is_problem(many, 422)
    assert [error["field"] for error in many.json()["errors"]] == ["qa.pairs"], "one error instead of 50,000"
    lists = b'{"type": "qa", "pairs": [' + b"[]," * 200_000 + b"[]]}"
    assert is_problem(await client.post(url, headers=headers, content=lists), 422)
    assert is_problem(await client.patch(f"/api/v1/sources/{ids['source_id']}", headers=headers, content=lists), 422)
    strange = {"type": "qa", "pairs": [{"question": "a", "x": 0, "y": 0}] * 500}
    told = await client.post(url, headers=headers, json=strange)
    assert is_problem(told, 422)
    assert len(told.json()["errors"]) == 20
    assert told.json()["detail"].endswith("; and 1,480 more")


async def test_what_can_be_added_can_be_changed(client: httpx.AsyncClient, admin: Person, ids: dict[str, Any]) -> None:
    text = "日本語の文章です。" * 50_000
    assert MAX_BODY < len(text.encode()) < MAX_LONG_BODY
    note = {"type": "text", "title": "Long", "text": "Some notes."}
    added = await client.post(f"/api/v1/bots/{ids['bot_id']}/sources", headers=admin.headers, json=note)
    url = f"/api/v1/sources/{added.json()['items'][0]['id']}"
    headers = {**admin.headers, "Content-Type": "application/json"}
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    unread = False

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal unread
        yield body[:100]
        unread = True
        yield body[100:]

    stranger = {"Content-Type": "application/json", "Authorization": "Bearer nobody"}
    assert is_problem(await client.patch(url, headers=stranger, content=pieces()), 401)
    assert not unread, "who is not known sends nothing"
    changed = await client.patch(url, headers=headers, content=pieces())
    assert changed.status_code == 200, changed.text
    gone = await client.delete(url, headers=admin.headers)  # or its vectors are computed for more than a minute
    assert gone.status_code == 200, gone.text


async def test_who_never_ends_a_body_is_not_waited_for(
    client: httpx.AsyncClient, admin: Person, ids: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "SILENCE_SECONDS", 0.1)

    async def halting() -> AsyncIterator[bytes]:
        yield b'{"email":'
        await asyncio.Event().wait()

    headers = {**admin.headers, "Content-Type": "application/json"}
    for url in ("/api/v1/auth/login", f"/api/v1/bots/{ids['bot_id']}/sources", f"/api/v1/bots/{ids['bot_id']}/search"):
        answer = await client.post(url, headers=headers, content=halting())
        assert is_problem(answer, 400), (url, answer.text)
    form = {**admin.headers, "Content-Type": "multipart/form-data; boundary=x"}
    assert is_problem(await client.post(url.replace("search", "sources"), headers=form, content=halting()), 400, 422)


FILENAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system.ini",
    "/etc/passwd",
    "a\x00.txt",
    "‮txt.exe",
    "x" * 5_000 + ".txt",
]
FILENAMES += [
    "",
    ".",
    "..",
    "CON",
    "a\r\nb.txt",
    "naïve café.txt",
    "%2e%2e%2fpasswd",
    "<img src=x>.txt",
    "\ud83d\ude00.txt",
]


@pytest.mark.parametrize("filename", FILENAMES)
async def test_names_of_files_name_no_place(
    client: httpx.AsyncClient, rt: Runtime, admin: Person, ids: dict[str, Any], filename: str
) -> None:
    name = filename.encode("utf-16", "surrogatepass").decode("utf-16")
    url = f"/api/v1/bots/{ids['bot_id']}/sources"
    answer = await client.post(url, headers=admin.headers, files={"file": (name, b"Some words.", "text/plain")})
    if answer.status_code == 422:
        return  # nothing that is recognised as a file
    assert answer.status_code == 202, answer.text
    [source] = answer.json()["items"]
    assert not set("/\\\x00\r\n") & set(source["filename"])
    assert 1 <= len(source["filename"]) <= 300
    keys = await rt.blobs.keys(f"{admin.tenant_id}/{ids['bot_id']}/")
    assert f"{admin.tenant_id}/{ids['bot_id']}/{source['id']}" in keys, "stored under ids only"
    assert (await client.delete(f"/api/v1/sources/{source['id']}", headers=admin.headers)).status_code == 200


async def test_a_change_based_on_an_old_read_is_refused(client: httpx.AsyncClient, rt: Runtime, admin: Person) -> None:
    bot = await make_bot(rt, admin, published=False)
    url = f"/api/v1/bots/{bot.id}"
    read = await client.get(url, headers=admin.headers)
    first = {**admin.headers, "If-Match": read.headers["ETag"]}
    changed = await client.patch(url, json={"name": "Second"}, headers=first)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != read.headers["ETag"]
    late = await client.patch(url, json={"name": "Third"}, headers=first)
    assert is_problem(late, 412)
    assert late.json()["current_version"] == 2
    for tag in ('W/"1"', '"999999999999999999999999999999"', '"-1"'):
        stale = {**admin.headers, "If-Match": tag}
        assert is_problem(await client.patch(url, json={"name": "n"}, headers=stale), 412)
        assert is_problem(await client.delete(url, headers=stale), 412), "deleting is a change as well"
        assert is_problem(await client.post(f"{url}/versions/1/restore", headers=stale), 412)
    wrong = {**admin.headers, "If-Match": '"abc"'}
    assert is_problem(await client.patch(url, json={"name": "n"}, headers=wrong), 422)
    assert (await client.get(url, headers=admin.headers)).json()["name"] == "Second"
    for tag in ("*", changed.headers["ETag"]):
        answer = await client.patch(url, json={"name": "Second"}, headers={**admin.headers, "If-Match": tag})
        assert answer.status_code == 200, "nothing changed, so it is the same version"
    assert (await client.delete(url, headers={**admin.headers, "If-Match": changed.headers["ETag"]})).status_code == 200


async def test_a_question_of_signs_only_is_a_question(client: httpx.AsyncClient, rt: Runtime, admin: Person) -> None:
    bot = await make_knowing_bot(rt, admin)
    for path in ("search", "pairs/match"):
        url = f"/api/v1/bots/{bot.id}/{path}"
        answer = await client.post(url, json={"query": "\u00ab\u00ad<\u00af\u00b7\u0015"}, headers=admin.headers)
        assert answer.status_code == 200, path


async def test_a_source_is_changed_only_as_it_was_read(client: httpx.AsyncClient, rt: Runtime, admin: Person) -> None:
    bot = await make_bot(rt, admin, published=False)
    text = {"type": "text", "title": "Hours", "text": "The shop is open from nine to six."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", json=text, headers=admin.headers)
    url = f"/api/v1/sources/{added.json()['items'][0]['id']}"
    read = await client.get(url, headers=admin.headers)
    first = {**admin.headers, "If-Match": read.headers["ETag"]}
    changed = await client.patch(url, json={"title": "Opening hours"}, headers=first)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != read.headers["ETag"]
    late = await client.patch(url, json={"title": "Other"}, headers=first)
    assert is_problem(late, 412)
    assert late.json()["code"] == "changed_meanwhile"
    again = await client.get(url, headers=admin.headers)
    assert (again.json()["title"], again.headers["ETag"]) == ("Opening hours", changed.headers["ETag"])
