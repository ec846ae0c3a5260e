"""A stand-in for the public routes, exactly in the product's shapes, with answers and faults that a test chooses.

It serves the real widget files through the real router. Bots are known by id; `Backend.script` decides what a question
gets: a question that names no script is echoed.
"""

import asyncio
import hashlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import jwt
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.datastructures import UploadFile

from chatbot_saas.api.widget import FOLDER, widget_router
from chatbot_saas.core.colours import text_on
from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.schemas.widget import PublicFrameSettings, WidgetSettings

SOURCES = [
    {
        "title": "Handbook",
        "page": 4,
        "url": "https://shop.example/returns",
        "quote": "You can return goods in 30 days.",
    },
    {
        "title": "Delivery <b>terms</b>",
        "page": None,
        "url": "javascript:alert(1)",
        "quote": "<img src=x onerror=alert(1)>",
    },
]


@dataclass
class Script:
    """What one question gets. `faults`: one HTTP status, "drop" or "hang" for each try, then the answer."""

    parts: list[str]
    sources: list[dict[str, Any]] = field(default_factory=list)
    proof: list[dict[str, Any]] = field(default_factory=list)
    passages: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What opening a source gives, by its number; 404 for others."""
    faults: list[int | str] = field(default_factory=list)
    delay: float = 0.01
    """Seconds between parts."""
    error: dict[str, Any] | None = None
    """An `error` event at the first try, after the parts."""
    retry_after: int = 1
    done: dict[str, Any] = field(default_factory=dict)
    """What the last event says beside the id: choices, leave_message."""


@dataclass
class Backend:
    """State of the stand-in, read and set by the tests from their own thread."""

    bots: dict[str, dict[str, Any]] = field(default_factory=dict)
    origins: dict[str, list[str]] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    conversations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    calls: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    passages: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    left_open: dict[tuple[str, str], str] = field(default_factory=dict)
    """The conversation of a bot and a known visitor."""
    lead_faults: list[int] = field(default_factory=list)
    """HTTP statuses of the next tries to leave a message."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of bots whose window is not as it is by default, by id: as of WidgetSettings."""
    visitors: dict[str, str] = field(default_factory=dict)
    """Whose a conversation is: its visitor's key."""
    stopped: set[str] = field(default_factory=set)
    """Messages whose answers were stopped."""
    files: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """What was added to a conversation: by their ids, with the `message` they went with."""
    file_faults: list[int | str] = field(default_factory=list)
    """What the next uploads get: an HTTP status, "hang" for some seconds, "drop" (kept, not answered), or a code."""
    start_delay: float = 0
    """Seconds that the beginning of a conversation takes."""
    url: str = ""

    def add_bot(self, origins: list[str], widget: dict[str, Any] | None = None, **config: Any) -> str:
        bot_id = str(uuid4())
        self.settings[bot_id] = widget or {}
        theme = {"color": "#0f766e", "mode": "auto", "position": "right"} | config.pop("theme", {})
        theme["on"] = text_on(theme["color"])
        self.bots[bot_id] = {
            "id": bot_id,
            "name": "Fern & Oak",
            "welcome_message": "Hello! Ask me about orders, returns and care.",
            "language": "en",
            "theme": theme,
        } | config
        self.origins[bot_id] = origins
        return bot_id

    def called(self, path_part: str) -> list[tuple[str, str, dict[str, Any], dict[str, str]]]:
        return [call for call in self.calls if path_part in call[1]]


def problem(status: int, code: str, detail: str = "", **headers: str) -> JSONResponse:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, {k.replace("_", "-"): v for k, v in headers.items()}, "application/problem+json")


def _event(number: int, name: str, data: dict[str, Any]) -> str:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


async def _stream(
    backend: Backend, script: Script, body: dict[str, Any], last: int, fault: object
) -> AsyncIterator[str]:
    yield ": heartbeat\n\n"
    events: list[tuple[str, dict[str, Any]]] = [("token", {"text": part}) for part in script.parts]
    if script.error:
        error, script.error = script.error, None
        events.append(("error", error))
    else:
        message_id = backend.made.setdefault(body["client_message_id"], str(uuid4()))
        backend.passages[message_id] = script.passages
        answer = {"id": message_id, "role": "assistant", "text": "".join(script.parts), "answered": True}
        messages = backend.conversations[body["conversation_id"]]
        if all(message["id"] != message_id for message in messages):
            messages.append(
                answer | {"sources": script.sources, "proof": script.proof, "created_at": "2026-11-01T10:00:00Z"}
            )
        done = {"message_id": message_id, "answered": True, **script.done}
        events += [("sources", {"sources": script.sources, "proof": script.proof}), ("done", done)]
    for number, (name, data) in enumerate(events, 1):
        if body["client_message_id"] in backend.stopped and name == "token":
            yield _event(number, "done", {"message_id": str(uuid4()), "answered": True, "stopped": True})
            return
        if number <= last:
            continue
        yield _event(number, name, data)
        if fault == "hang":
            await asyncio.sleep(60)
        if fault == "drop" and number - last >= 2:
            return
        await asyncio.sleep(script.delay)


def build(backend: Backend) -> FastAPI:
    app = FastAPI()

    async def origins(bot_id: UUID) -> list[str]:
        if str(bot_id) not in backend.origins:
            raise NotFoundError
        return backend.origins[str(bot_id)]

    @app.get("/widget/apart/{name}")
    async def apart(name: str) -> Response:
        """Files as they are in the folder, for the tests of one by itself."""
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response((FOLDER / name).read_bytes(), media_type=kind)

    app.include_router(widget_router(origins))

    async def note(request: Request) -> dict[str, Any]:
        raw = await request.body()
        plain = request.headers.get("content-type", "").startswith("application/json")
        body: dict[str, Any] = json.loads(raw) if raw and plain else {}
        backend.calls.append((request.method, request.url.path, body, dict(request.headers)))
        return body

    def visitor(request: Request) -> tuple[str, str] | None:
        return backend.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    @app.get("/api/public/bot/{bot_id}/config")
    async def config(request: Request, bot_id: str) -> Response:
        await note(request)
        origin = request.headers.get("origin")
        if bot_id not in backend.bots:
            answer = problem(404, "not_found")
        elif origin and origin != backend.url and origin not in backend.origins[bot_id]:
            answer = problem(403, "origin_not_allowed")
        else:
            answer = JSONResponse(backend.bots[bot_id])
        answer.headers["Access-Control-Allow-Origin"] = origin or "*"
        return answer

    @app.post("/api/public/conversation/{bot_id}/start")
    async def start(request: Request, bot_id: str) -> Response:
        body = await note(request)
        parent = str(body.get("parent_origin"))
        if parent != backend.url and parent not in backend.origins.get(bot_id, []):
            return problem(403, "origin_not_allowed")
        if body.get("identity") == "expired":
            return problem(401, "identity_invalid", "The identity has expired. Sign a new one on your server.")
        await asyncio.sleep(backend.start_delay)
        conversation, token = str(uuid4()), uuid4().hex
        sub = ""
        if body.get("identity"):
            sub = jwt.decode(body["identity"], options={"verify_signature": False})["sub"]
            conversation = backend.left_open.setdefault((bot_id, sub), conversation)
        backend.conversations.setdefault(conversation, [])
        backend.tokens[token] = (conversation, parent)
        wanted = WidgetSettings.of(backend.settings.get(bot_id, {})).consent
        if wanted.text and wanted.required and body.get("consent") != wanted.version:
            return problem(403, "consent_required")
        key = body.get("visitor_key") or uuid4().hex
        backend.visitors[conversation] = key
        made = {"conversation_id": conversation, "visitor_token": token, "expires_in": 3600}
        return JSONResponse(made | {"person": sub, "visitor_key": key}, 201)

    @app.get("/api/public/bot/{bot_id}/frame")
    async def frame(request: Request, bot_id: str) -> Response:
        await note(request)
        settings = PublicFrameSettings.of(WidgetSettings.of(backend.settings.get(bot_id, {})))
        return JSONResponse(settings.model_dump(mode="json"))

    @app.get("/api/public/conversations")
    async def earlier(request: Request) -> Response:
        await note(request)
        known = visitor(request)
        if known is None:
            return problem(401, "unauthenticated")
        key = backend.visitors.get(known[0])
        mine = [talk for talk, owner in backend.visitors.items() if owner == key and backend.conversations[talk]]
        when = {"created_at": "2026-11-01T10:00:00Z", "last_message_at": "2026-11-01T10:00:00Z"}
        items = [{"id": talk, "first_question": backend.conversations[talk][0]["text"], **when} for talk in mine[::-1]]
        return JSONResponse({"items": items, "next_cursor": None})

    @app.post("/api/public/conversation/{conversation_id}/open")
    async def reopen(request: Request, conversation_id: str) -> Response:
        await note(request)
        known, token = visitor(request), uuid4().hex
        if known is None or backend.visitors.get(known[0]) != backend.visitors.get(conversation_id):
            return problem(404, "not_found")
        backend.tokens[token] = (conversation_id, known[1])
        key = backend.visitors[conversation_id]
        body = {
            "conversation_id": conversation_id,
            "visitor_token": token,
            "expires_in": 3600,
            "person": "",
            "visitor_key": key,
        }
        return JSONResponse(body)

    @app.post("/api/public/chat/{bot_id}/stop")
    async def stop(request: Request, bot_id: str) -> Response:
        backend.stopped.add((await note(request))["client_message_id"])
        return Response(status_code=204)

    @app.get("/api/public/conversation/{conversation_id}")
    async def history(request: Request, conversation_id: str) -> Response:
        await note(request)
        known = visitor(request)
        if known is None or known[0] != conversation_id:
            return problem(401, "unauthenticated")
        return JSONResponse({"messages": backend.conversations[conversation_id]})

    @app.get("/api/public/conversation/{conversation_id}/messages/{message_id}/sources/{number}")
    async def source(request: Request, conversation_id: str, message_id: str, number: int) -> Response:
        await note(request)
        known = visitor(request)
        passage = backend.passages.get(message_id, {}).get(number)
        if known is None or known[0] != conversation_id or passage is None:
            return problem(404, "not_found")
        return JSONResponse({"number": number, "title": "", "page": None, "url": None, "link": None} | passage)

    @app.post("/api/public/chat/{bot_id}")
    async def chat(request: Request, bot_id: str) -> Response:
        body = await note(request)
        known = visitor(request)
        if known is None or known[0] != body["conversation_id"]:
            return problem(401, "unauthenticated")
        script = backend.scripts.get(body["message"]) or Script(["You said: ", body["message"]])
        fault = script.faults.pop(0) if script.faults else 0
        if fault == 429:
            return problem(429, "rate_limited", retry_after=str(script.retry_after))
        if isinstance(fault, int) and fault:
            return problem(fault, "broken", "It broke.")
        messages = backend.conversations[body["conversation_id"]]
        if all(message["id"] != body["client_message_id"] for message in messages):
            added = backend.files.get(body["conversation_id"], {})
            taken = [added.get(one) for one in body.get("attachments", [])]
            if any(file is None or file["message"] for file in taken):
                return problem(422, "attachment_unknown", "This file is not there any more.")
            for file in filter(None, taken):
                file["message"] = body["client_message_id"]
            files = [{name: file[name] for name in ("id", "name", "size")} for file in filter(None, taken)]
            asked = {"id": body["client_message_id"], "role": "user", "text": body["message"], "sources": []}
            messages.append(asked | {"answered": None, "created_at": "2026-11-01T10:00:00Z", "attachments": files})
        if request.headers["accept"] == "application/json":
            told = {"message_id": str(uuid4()), "answer": "".join(script.parts), "answered": True, "sources": []}
            return JSONResponse(told | {"proof": []} | script.done)
        last = int(request.headers.get("last-event-id", "0"))
        return StreamingResponse(_stream(backend, script, body, last, fault), media_type="text/event-stream")

    add_files(app, backend, note, visitor)

    @app.post("/api/public/conversation/{conversation_id}/{verb}")
    async def other(request: Request, conversation_id: str, verb: str) -> Response:
        await note(request)
        if verb == "handoff" and visitor(request):
            return JSONResponse({"id": str(uuid4()), "available": False, "note": ""}, 201)
        if verb == "capture-lead" and backend.lead_faults:
            return problem(backend.lead_faults.pop(0), "broken", "It broke.", retry_after="7")
        return JSONResponse({}, 200 if visitor(request) else 401)

    return app


def add_files(
    app: FastAPI,
    backend: Backend,
    note: Callable[[Request], Awaitable[dict[str, Any]]],
    visitor: Callable[[Request], tuple[str, str] | None],
) -> None:
    path = "/api/public/conversation/{conversation_id}/attachments"

    @app.post(path)
    async def add(request: Request, conversation_id: str) -> Response:
        await note(request)
        known = visitor(request)
        if known is None or known[0] != conversation_id:
            return problem(401, "unauthenticated")
        fault = backend.file_faults.pop(0) if backend.file_faults else 0
        if fault == "hang":
            await asyncio.sleep(2)
        elif isinstance(fault, int) and fault:
            return problem(fault, "broken", "It broke.", retry_after="7")
        elif fault and fault != "drop":
            return problem(422, str(fault), "It is refused.")
        async with request.form() as form:
            sent = form["file"]
            assert isinstance(sent, UploadFile)
            content = await sent.read()
        files = backend.files.setdefault(conversation_id, {})
        digest = hashlib.sha256(content).hexdigest()
        same = [file for file in files.values() if file["digest"] == digest]
        made = {"id": str(uuid4()), "name": sent.filename, "size": len(content), "digest": digest, "message": ""}
        file = same[0] if same else made
        files[file["id"]] = file
        if fault == "drop":
            return problem(502, "bad_gateway")
        return JSONResponse({"id": file["id"], "name": file["name"], "size": file["size"], "characters": 9}, 201)

    @app.delete(path + "/{attachment_id}")
    async def remove(request: Request, conversation_id: str, attachment_id: str) -> Response:
        await note(request)
        known, files = visitor(request), backend.files.get(conversation_id, {})
        if known is None or known[0] != conversation_id or files.get(attachment_id, {"message": "?"})["message"]:
            return problem(404, "not_found")
        del files[attachment_id]
        return Response(status_code=204)


def website(pages: dict[str, str]) -> FastAPI:
    """A customer's website: pages by path, set by the test."""
    app = FastAPI()

    @app.get("/{path:path}")
    async def page(path: str) -> Response:
        return HTMLResponse(pages.get(path, ""), 200 if path in pages else 404)

    return app


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Runs an app on a free loopback port; gives its origin."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()
