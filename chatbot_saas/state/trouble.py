"""What keeps a page from being shown, said where it stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chatbot_saas.core.errors import DomainError, UnauthenticatedError
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)


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
