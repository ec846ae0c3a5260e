"""What nobody should send, at every route of the OpenAPI document: refused in words, and never a crash."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chatbot_saas.api.middleware import MAX_BODY, MAX_LONG_BODY
from chatbot_saas.core.ids import new_id
from chatbot_saas.services.runtime import Runtime
from tests.api.senders import Sender, admin, ids, is_problem, sender, visitor
from tests.api.surface import operations
from tests.factories.knowledge import make_knowing_bot
from tests.factories.people import Person

__all__ = ["admin", "ids", "sender", "visitor"]

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


async def test_a_question_of_signs_only_is_a_question(client: httpx.AsyncClient, rt: Runtime, admin: Person) -> None:
    bot = await make_knowing_bot(rt, admin)
    for path in ("search", "pairs/match"):
        url = f"/api/v1/bots/{bot.id}/{path}"
        answer = await client.post(url, json={"query": "\u00ab\u00ad<\u00af\u00b7\u0015"}, headers=admin.headers)
        assert answer.status_code == 200, path
