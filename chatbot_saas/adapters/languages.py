"""In which language somebody asks: py3langid, offline, told to choose among the languages that bots speak.

Chosen over lingua by what short questions showed (tests/adapters/test_languages.py and the benchmark's questions):
99 % right instead of 97 % (lingua's small models), 4.5 MB of package instead of 96 MB. It costs 70 µs a question, and
52 MB and about a second when first used, which is why nothing is loaded before.
"""

# py3langid is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

import re
import threading
from functools import lru_cache
from typing import Any

from chatbot_saas.schemas.bots import LANGUAGES

KNOWN = tuple(language for language in LANGUAGES if language != "auto")
_CHARACTERS = 400
_CODE = re.compile(r"[A-Za-z._/-]*\d[A-Za-z\d._/-]*")
"""`BR-3821` is of no language."""
_DOUBT = 0.35
"""By how much (log-likelihood over the root of the bytes) another language must be likelier than the expected one."""
_lock = threading.Lock()
_model: Any = None


def ready() -> bool:
    """Whether `detect` answers at once, without loading its model first."""
    return _model is not None


def detect(text: str, default: str = "en") -> str:
    """Two letters, of the languages that bots speak; `default` where the text is too short to tell."""
    said = _CODE.sub(" ", text[:_CHARACTERS]).strip()
    if sum(letter.isalpha() for letter in said) < 2:
        return default
    ranked = _ranked(said)
    scores = dict(ranked)
    best, top = ranked[0]
    if default in scores and top - scores[default] < _DOUBT * len(said.encode()) ** 0.5:
        return default
    return best


@lru_cache(200)
def _ranked(said: str) -> list[tuple[str, float]]:
    """The likeliest first. Within one turn the same is asked for the answer and for the search."""
    return _loaded().rank(said)


def _loaded() -> Any:
    global _model
    if _model is None:
        with _lock:
            if _model is None:
                _model = _load()
    return _model


def _load() -> Any:
    from py3langid import langid  # noqa: PLC0415  takes 0.3 s, and many processes never ask

    model = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    model.set_languages(KNOWN)
    model._full_model = (model.nb_ptc.copy(), model.nb_pc, model.nb_classes)  # lets go of 129 other languages
    model.nb_ptc = model._full_model[0]
    return model
