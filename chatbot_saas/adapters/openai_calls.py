"""What every call to an OpenAI-compatible provider shares: clients, retries, and errors in our own words."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import openai

from chatbot_saas.adapters.llm import (
    ModelBadRequestError,
    ModelError,
    ModelKeyInvalidError,
    ModelNotFoundError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnavailableError,
)

DEFAULT_BASE_URL = "https://api.openai.com/v1"
ATTEMPTS = 3
FIRST_WAIT = 0.25  # seconds before the second attempt; doubled for each further one
_MAX_CLIENTS = 256
_OWN_WORDS = 200  # characters of a provider's explanation that are passed on

R = TypeVar("R")


class OpenAIClients:
    """One SDK client for each key and endpoint, over one pool of kept connections."""

    def __init__(self, api_key: str, base_url: str) -> None:
        self._api_key = api_key
        self.base_url = base_url or DEFAULT_BASE_URL
        # aiohttp parses in C: the two calls of an answer take 3 ms of processor time instead of 5
        self._http = openai.DefaultAioHttpClient()
        self._clients: dict[tuple[str, str], openai.AsyncOpenAI] = {}

    def get(self, api_key: str = "", base_url: str = "") -> openai.AsyncOpenAI:
        """The client for a bot's own key and endpoint, or the operator's. Raises ModelKeyInvalidError without a key."""
        if base_url and not api_key:
            raise ModelKeyInvalidError("A bot with its own endpoint needs its own key.")  # ours must not go there
        api_key, base_url = api_key or self._api_key, base_url or self.base_url
        if not api_key:
            raise ModelKeyInvalidError("There is no key for the model provider. Enter one under Model settings.")
        client = self._clients.pop((api_key, base_url), None) or openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,  # explicit: the SDK would read the environment, which is not where our settings end
            max_retries=0,
            http_client=self._http,
        )
        self._clients[api_key, base_url] = client
        if len(self._clients) > _MAX_CLIENTS:
            self._clients.pop(next(iter(self._clients)))  # the one that was not used for longest
        return client

    async def close(self) -> None:
        await self._http.aclose()


async def bounded(call: Awaitable[R], deadline: float) -> R:
    """The call's result, or a ModelError; ended at `deadline` on the event loop's clock."""
    try:
        async with asyncio.timeout_at(deadline):
            return await call
    except (openai.OpenAIError, TimeoutError, ValueError) as error:
        raise translated(error) from error


async def with_retries(call: Callable[[], Awaitable[R]], deadline: float, attempts: int = ATTEMPTS) -> R:
    """Repeat `call` while its ModelError is retryable, attempts are left and the wait ends before `deadline`."""
    attempt = 1
    while True:
        try:
            return await call()
        except ModelError as error:
            if attempt >= attempts or not await wait_to_retry(error, attempt, deadline):
                raise
        attempt += 1


async def wait_to_retry(error: ModelError, attempt: int, deadline: float) -> bool:
    """Sleep before attempt number `attempt` + 1 and say True; or False at once if another attempt makes no sense."""
    wait = max(error.retry_after, FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311  jitter
    if not error.retryable or asyncio.get_running_loop().time() + wait >= deadline:
        return False
    await asyncio.sleep(wait)
    return True


def translated(error: Exception) -> ModelError:
    """The provider's error in words for the owner. The provider's own are added only where they explain a setting."""
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return ModelUnavailableError() if _is_refusal(error) else ModelTimeoutError()
    if not isinstance(error, openai.APIStatusError):
        return ModelUnavailableError()
    status = error.status_code
    if status in (401, 403):
        return ModelKeyInvalidError()
    if status == 402 or error.code == "insufficient_quota":
        return ModelQuotaError()
    if status == 429:
        return ModelRateLimitedError(retry_after=_retry_after(error))
    if status == 404:
        return ModelNotFoundError()
    if status in (408, 409, 425) or status >= 500:
        return ModelUnavailableError(retry_after=_retry_after(error))
    return ModelBadRequestError(f"{ModelBadRequestError().message} The provider says: {error.message[:_OWN_WORDS]}")


def _is_refusal(error: BaseException | None) -> bool:
    """Whether nobody listens or no such host is known, which openai 3.52 over aiohttp calls a timeout."""
    while error := error.__cause__ if error else None:
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            return True
    return False


def _retry_after(error: openai.APIStatusError) -> float:
    """Seconds; dates are not understood and count as nothing said."""
    for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = error.response.headers.get(header, "")
        if value.replace(".", "", 1).isdigit():
            return float(value) * unit
    return 0.0
