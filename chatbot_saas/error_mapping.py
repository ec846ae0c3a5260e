"""From a domain error to an HTTP problem document (RFC 9457), to an error in OpenAI's shape where its clients ask, and
to a toast: the only place that does any of them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import reflex as rx
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from chatbot_saas.api import openai_errors
from chatbot_saas.core.errors import DomainError, TooManyRequestsError, UnauthenticatedError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.services.idempotency import InProgressError

log = get_logger(__name__)
MOST_TOLD = 20
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_type"}


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, path: str = "", **members: Any
) -> JSONResponse:
    """`path`: of the request, since OpenAI's clients understand another shape."""
    if path.startswith(openai_errors.PREFIX):
        status, body = openai_errors.shaped(status, code, detail, members)
        return JSONResponse(body, status, headers)
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
        **members,
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def problem_of(error: DomainError, path: str = "") -> JSONResponse:
    headers: dict[str, str] = {}
    if isinstance(error, TooManyRequestsError):
        headers["Retry-After"] = str(error.retry_after)
        headers["RateLimit"] = f'"{error.policy}";r=0;t={error.retry_after}'
    if isinstance(error, InProgressError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.status, error.code, error.message, headers=headers, path=path, **error.details)


def field_errors(errors: Sequence[Any]) -> list[dict[str, str]]:
    """What is wrong with which field, in words a person understands; the first of many."""
    return [
        {
            "field": ".".join(_shown(part) for part in error["loc"] if part not in ("body", "query", "path", "header")),
            "message": str(error["msg"]).removeprefix("Value error, "),
        }
        for error in errors[:MOST_TOLD]
    ]


def _shown(part: str | int) -> str:
    """A part of a field's place: names come from the caller, so they may be long or no text at all."""
    return str(part)[:80].encode(errors="backslashreplace").decode()


def _invalid(errors: Sequence[Any], path: str) -> JSONResponse:
    if path.startswith(openai_errors.PREFIX):
        status, body = openai_errors.invalid(errors)
        return JSONResponse(body, status)
    fields = field_errors(errors)
    detail = "; ".join(f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in fields)
    if len(errors) > len(fields):
        detail += f"; and {len(errors) - len(fields):,} more"
    return problem(422, "invalid", detail, errors=fields)


def install(api: FastAPI) -> None:
    """Make every route of the API answer with problem documents."""

    @api.exception_handler(DomainError)
    async def domain(request: Request, error: DomainError) -> JSONResponse:
        if error.status >= 500:
            log.error("request_failed", code=error.code, detail=error.message)
        return problem_of(error, request.url.path)

    @api.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        return _invalid(error.errors(), request.url.path)

    @api.exception_handler(ValidationError)
    async def invalid_value(request: Request, error: ValidationError) -> JSONResponse:
        return _invalid(error.errors(), request.url.path)

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code, headers = _CODES.get(error.status_code, "http_error"), dict(error.headers or {})
        return problem(error.status_code, code, str(error.detail), headers=headers, path=request.url.path)

    @api.exception_handler(ClientDisconnect)
    async def broken_off(request: Request, error: ClientDisconnect) -> JSONResponse:
        return problem(400, "bad_request", "The body ended before it was complete.", path=request.url.path)

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request_crashed", exc_info=error)
        words = "Something went wrong on our side. Try again; if it stays, tell the operator."
        return problem(500, "internal", words, path=request.url.path)


def backend_exception_handler(exception: Exception) -> rx.event.EventSpec:
    """What the dashboard shows when a handler fails."""
    if isinstance(exception, UnauthenticatedError):
        return rx.call_script("location.assign('/sign-in?next=' + encodeURIComponent(location.pathname))")
    if isinstance(exception, DomainError):
        return rx.toast.error(exception.message)
    if isinstance(exception, ValidationError):
        return rx.toast.error("; ".join(field["message"] for field in field_errors(exception.errors())))
    log.error("handler_crashed", exc_info=exception)
    return rx.toast.error("Something went wrong on our side. Try again; if it stays, tell the operator.")
