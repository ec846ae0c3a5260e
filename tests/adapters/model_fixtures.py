"""The stub provider and the offline models' files. A test module imports what it needs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chatbot_saas.adapters.llm import ChatRequest, Message, Passage
from chatbot_saas.adapters.model_files import ensure_model_files
from chatbot_saas.adapters.tokens import TokenCounter, token_counter
from chatbot_saas.core.settings import get_settings
from tests.stub_model import running_stub

PASSAGES = (
    Passage(
        1,
        "Handbook",
        3,
        "Returns and refunds\n\nReturns are accepted within 30 days of delivery. The item must be unworn and in its "
        "original packaging. Refunds are issued to the original payment method within 14 days.\n\nShipping\n\n"
        "Standard shipping takes 3 to 5 working days and costs EUR 4.90. Orders above EUR 50 ship free.",
    ),
    Passage(
        2,
        "FAQ",
        None,
        'How do I reset my password?\nOpen the sign-in page, choose "Forgot password" and follow the link in the '
        "mail.\n\nDo you ship to Switzerland?\nYes. Customs duties are paid by the recipient.",
    ),
)


def chat_request(question: str = "How long can I return an item?", **changes: object) -> ChatRequest:
    values: dict[str, object] = {
        "model": "stub",
        "messages": (
            Message("system", "Answer from these passages.\n" + "\n".join(f"[{p.number}] {p.text}" for p in PASSAGES)),
            Message("user", question),
        ),
        "question": question,
        "passages": PASSAGES,
        "temperature": 0.2,
        "top_p": 1.0,
        "max_tokens": 300,
    }
    return ChatRequest(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def stub_url() -> Iterator[str]:
    with running_stub() as url:
        yield url


@pytest.fixture(scope="session")
def models_dir() -> Path:
    folder = get_settings().models_dir
    ensure_model_files(folder, lambda line: None)
    return folder


@pytest.fixture(scope="session")
def counter(models_dir: Path) -> TokenCounter:
    return token_counter(models_dir)


async def calls(stub_url: str) -> dict[str, int]:
    """What the stub was asked so far, by path."""
    async with httpx.AsyncClient() as http:
        return (await http.get(stub_url.removesuffix("/v1") + "/stats")).json()


async def chats(stub_url: str) -> int:
    return (await calls(stub_url)).get("/v1/chat/completions", 0)
