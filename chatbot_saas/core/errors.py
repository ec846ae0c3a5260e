"""Errors of the domain. The class carries the status and a stable code; its docstring is the default message.

`chatbot_saas.error_mapping` is the only place that renders them for HTTP or for a toast.
"""

import inspect
from typing import Any, ClassVar


class DomainError(Exception):
    """Something went wrong. Try again; if it stays, tell the operator."""

    status: ClassVar[int] = 500
    code: str = "internal"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or inspect.cleandoc(type(self).__doc__ or "")
        self.details = details
        """Extra members of the problem document; safe to show to the caller."""
        super().__init__(self.message)


class InvalidError(DomainError):
    """A value is not acceptable."""

    status = 422
    code = "invalid"


class UnauthenticatedError(DomainError):
    """Sign in first, or send a valid credential."""

    status = 401
    code = "unauthenticated"


class ForbiddenError(DomainError):
    """Your role or key does not allow this."""

    status = 403
    code = "forbidden"


class NotFoundError(DomainError):
    """There is no such thing here."""

    status = 404
    code = "not_found"


class ConflictError(DomainError):
    """This does not fit the present state."""

    status = 409
    code = "conflict"


class PreconditionFailedError(DomainError):
    """It was changed meanwhile. Load it again and repeat your change."""

    status = 412
    code = "changed_meanwhile"


class TooLargeError(DomainError):
    """This is larger than allowed."""

    status = 413
    code = "too_large"


class UnsupportedTypeError(DomainError):
    """This type of content is not supported."""

    status = 415
    code = "unsupported_type"


class TooManyRequestsError(DomainError):
    """Too many requests. Wait a little and try again."""

    status = 429
    code = "rate_limited"

    def __init__(
        self, message: str | None = None, *, retry_after: int = 1, policy: str = "default", **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after
        """Seconds after which a new try can succeed."""
        self.policy = policy
        """The name of the limit."""


class UnavailableError(DomainError):
    """A part of the service cannot be reached now. Try again in a moment."""

    status = 503
    code = "unavailable"
