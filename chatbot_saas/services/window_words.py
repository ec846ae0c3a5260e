"""The words of the chat window by language, from the widget's own files: what an owner can replace."""

import json
import re
from collections.abc import Mapping
from functools import cache

from chatbot_saas.core.errors import InvalidError
from chatbot_saas.core.settings import ROOT

PARTS = ("texts", "more")
"""Files of a language: the words of a first answer, and those of menus and forms."""
_PAIR = re.compile(r'^  (\w+): ("(?:[^"\\]|\\.)*"),$', re.MULTILINE)
_OPEN = re.compile(r"{\w+}")


@cache
def words(language: str) -> dict[str, str]:
    """All of them by their keys, in the order of the files. `language`: one of schemas.widget.INTERFACE_LANGUAGES."""
    folder = ROOT / "widget"
    files = [(folder / f"{part}-{language}.js").read_text("utf-8") for part in PARTS]
    return {key: json.loads(text) for file in files for key, text in _PAIR.findall(file)}


def lacking(key: str, own: str) -> list[str]:
    """What our words fill in, such as `{n}`, and these leave out."""
    return [name for name in dict.fromkeys(_OPEN.findall(words("en").get(key, ""))) if own and name not in own]


def require_whole(texts: Mapping[str, str]) -> None:
    """Raises InvalidError for the first of an owner's words that leave out what the window fills in.

    Asked of what is sent, not of what is kept: a release that fills in more must not shut a bot.
    """
    for key, own in texts.items():
        if names := lacking(key, own):
            words = f"Put {' and '.join(names)} into “{own}”: the window fills it in."
            raise InvalidError(words, field=f"widget.texts.{key}")
