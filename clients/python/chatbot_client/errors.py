"""What goes wrong, as exceptions."""

from dataclasses import dataclass
from typing import Any

import httpx


class ChatbotError(Exception):
    """Anything that this client raises."""


class UnreachableError(ChatbotError):
    """The server did not answer, or a stream broke and could not be taken up again."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one value of a request."""

    field: str
    message: str


class ApiError(ChatbotError):
    """The server said no. `code` is stable, `detail` is for people, `request_id` stands in the server's log."""

    def __init__(
        self, status: int, code: str, detail: str, *, request_id: str = "", errors: tuple[FieldError, ...] = ()
    ) -> None:
        told = "; ".join(f"{error.field}: {error.message}" for error in errors)
        super().__init__(f"{status} {code}: {detail}{f' ({told})' if told else ''}")
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.errors = errors

    @property
    def field(self) -> str:
        """The first value that is wrong; empty where it is not about one."""
        return self.errors[0].field if self.errors else ""


class UnauthenticatedError(ApiError):
    """The key is not valid, expired or revoked."""


class ForbiddenError(ApiError):
    """The key may not do this."""


class NotFoundError(ApiError):
    """There is no such thing, or it is another tenant's."""


class ChangedMeanwhileError(ApiError):
    """Somebody else was faster than `if_match`."""


class InvalidError(ApiError):
    """A value is not acceptable: `errors` says which."""


class TooManyRequestsError(ApiError):
    """A limit, and it did not end within the tries of this client."""


class AnswerError(ApiError):
    """A streamed answer ended with an error. `status` is that of the stream: 200."""


KINDS: dict[int, type[ApiError]] = {
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    412: ChangedMeanwhileError,
    422: InvalidError,
    429: TooManyRequestsError,
}


def error_of(answer: httpx.Response) -> ApiError:
    """The exception of an answer that was read."""
    kind = KINDS.get(answer.status_code, ApiError)
    try:
        problem: dict[str, Any] = answer.json()
        told: list[dict[str, str]] = problem.get("errors") or []
        wrong = tuple(FieldError(each["field"], each["message"]) for each in told)
        request_id = str(problem.get("request_id", ""))
        return kind(answer.status_code, problem["code"], problem["detail"], request_id=request_id, errors=wrong)
    except (ValueError, KeyError, TypeError, AttributeError):  # of a proxy, not of the server
        return kind(answer.status_code, "unknown", answer.text[:200] or answer.reason_phrase)
