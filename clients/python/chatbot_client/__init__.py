"""A client of the HTTP API of Footnote: chatbots that answer from your documents and show their sources."""

from chatbot_client.client import Client, SourceFailedError
from chatbot_client.errors import (
    AnswerError,
    ApiError,
    ChangedMeanwhileError,
    ChatbotError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnreachableError,
)
from chatbot_client.events import Event

__all__ = [
    "AnswerError",
    "ApiError",
    "ChangedMeanwhileError",
    "ChatbotError",
    "Client",
    "Event",
    "FieldError",
    "ForbiddenError",
    "InvalidError",
    "NotFoundError",
    "SourceFailedError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "UnreachableError",
]
