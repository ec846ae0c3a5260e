from pydantic import ConfigDict

from chatbot_saas.schemas.base import Read


class FieldError(Read):
    field: str
    message: str


class Problem(Read):
    """An error, as RFC 9457 says, with a stable `code`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldError] | None = None
