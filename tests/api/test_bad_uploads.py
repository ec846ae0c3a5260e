"""What nobody should upload: refused in words, and never a crash."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chatbot_saas.api import middleware
from chatbot_saas.api.middleware import MAX_BODY, MAX_LONG_BODY
from chatbot_saas.services.runtime import Runtime
from tests.api.senders import admin, ids, is_problem
from tests.factories.people import Person

__all__ = ["admin", "ids"]

pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here doubles the time


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
