"""Counting tokens, offline: tiktoken over rank files that `model_files` has put in place, or else an estimate."""

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import tiktoken

DEFAULT_ENCODING = "o200k_base"
RANK_FILES = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
"""The encodings that are kept, with the SHA-256 that tiktoken itself expects."""
RANK_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
PIECE = 2_000
"""Characters encoded at once. One word of a megabyte takes minutes, because merging is quadratic in its length."""
_WORD_START = re.compile(r"(?<=\S) (?=\S)")


class TokenCounter(Protocol):
    @property
    def estimated(self) -> bool:
        """True when the counts are a rule of thumb and not a tokenizer's."""
        ...

    def count(self, text: str, model: str = "") -> int: ...

    def count_batch(self, texts: Sequence[str], model: str = "") -> list[int]: ...


def rank_file_name(encoding: str) -> str:
    """Under which name tiktoken looks for an encoding in its cache."""
    return hashlib.sha1(RANK_URL.format(encoding).encode(), usedforsecurity=False).hexdigest()


def has_rank_files(models_dir: Path) -> bool:
    return all((models_dir / "tiktoken" / rank_file_name(encoding)).is_file() for encoding in RANK_FILES)


def token_counter(models_dir: Path) -> TokenCounter:
    """The one counter of this process. Reads the rank files (0.3 s) only at the first count."""
    return TiktokenCounter(models_dir / "tiktoken") if has_rank_files(models_dir) else EstimatingCounter()


class TiktokenCounter:
    """Exact for OpenAI's models; models it does not know are counted with o200k. Safe to use from several threads.

    Special tokens in a text are counted as the ordinary text they are.
    """

    estimated = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._encodings: dict[str, tiktoken.Encoding] = {}

    def count(self, text: str, model: str = "") -> int:
        encoding = self._encoding(model)
        return sum(len(encoding.encode_ordinary(piece)) for piece in pieces(text))

    def count_batch(self, texts: Sequence[str], model: str = "") -> list[int]:
        return [self.count(text, model) for text in texts]

    def _encoding(self, model: str) -> tiktoken.Encoding:
        name = encoding_name(model)
        with self._lock:
            if name not in self._encodings:
                os.environ["TIKTOKEN_CACHE_DIR"] = str(
                    self._folder
                )  # the only way to tell it; else it asks the network
                self._encodings[name] = tiktoken.get_encoding(name)
            return self._encodings[name]


class EstimatingCounter:
    """About four letters of a Latin script to a token, and one and a half of any other."""

    estimated = True

    def count(self, text: str, model: str = "") -> int:
        plain = len(text.encode("ascii", "ignore"))
        return -(-plain // 4) + -(-(len(text) - plain) * 2 // 3)

    def count_batch(self, texts: Sequence[str], model: str = "") -> list[int]:
        return [self.count(text, model) for text in texts]


@cache
def encoding_name(model: str) -> str:
    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return DEFAULT_ENCODING
    return name if name in RANK_FILES else DEFAULT_ENCODING


def pieces(text: str) -> Iterator[str]:
    """Parts of at most PIECE characters, cut before the space in front of a word so that the count stays the same."""
    start = 0
    while len(text) - start > PIECE:
        end = start + PIECE
        for match in _WORD_START.finditer(text, start + PIECE - 200, end):
            end = match.start()
        yield text[start:end]
        start = end
    yield text[start:]
