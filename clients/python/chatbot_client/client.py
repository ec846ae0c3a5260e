"""The client: the operations of the API, and what they are often used for together."""

import time
from uuid import UUID

from chatbot_client.errors import ChatbotError
from chatbot_client.models import SourceRead
from chatbot_client.operations import Operations

_LOOK_SECONDS = 0.5


class SourceFailedError(ChatbotError):
    """A source could not be read; `source.error` says why."""

    def __init__(self, source: SourceRead) -> None:
        super().__init__(source.error.message if source.error else source.status)
        self.source = source


class Client(Operations):
    """Everything that an API key may do.

        with Client(api_key, "https://chat.example.com") as client:
            for bot in client.list_bots():
                print(bot.name)

    Lists are iterators that fetch page after page. Requests that meet a limit, or a server that is away for a
    moment, are sent again as `Retry-After` says; what makes or costs something carries a key so that it happens
    once. A refusal is raised as an `ApiError`. Several threads may use one client.
    """

    def wait_until_ready(self, source_id: UUID | str, *, timeout: float = 600.0) -> SourceRead:
        """The source once it can be asked. Raises SourceFailedError, or TimeoutError after so many seconds."""
        deadline = time.monotonic() + timeout
        while True:
            source = self.get_source(source_id)
            if source.status == "ready":
                return source
            if source.status in ("failed", "cancelled"):
                raise SourceFailedError(source)
            if time.monotonic() > deadline:
                raise TimeoutError(f"The source {source_id} was not ready within {timeout:.0f} s")
            time.sleep(_LOOK_SECONDS)
