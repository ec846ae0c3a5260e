"""What keeps a page from being shown, said where it stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from chatbot_saas.core.errors import ConflictError, DomainError, UnauthenticatedError
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)


class NotLoadedError(ConflictError):
    """This page was not loaded, so nothing of it is saved. Load it again."""


@contextmanager
def told(state: Any) -> Iterator[None]:
    """What fails in the body becomes the page's `problem`.

    A toast alone would be gone after seconds, and the page would seem to load for ever.
    """
    state.problem = ""
    try:
        yield
    except UnauthenticatedError:
        raise
    except DomainError as error:
        state.problem = error.message
    except Exception as error:
        log.error("page_failed", exc_info=error)
        state.problem = DomainError().message


@contextmanager
def opening(state: Any) -> Iterator[None]:
    """As `told`, for the event that opens a page. Where it fails the page is not `loaded`.

    What was loaded before may be of another address: it is not shown for this one, and no form saves it here. A State
    without a `problem` reads nothing: the frame around it tells what is wrong, and a toast would lie over that.
    """
    with told(state if hasattr(state, "problem") else SimpleNamespace()):
        try:
            yield
        except BaseException:
            if hasattr(state, "loaded"):
                state.loaded = False
            raise
