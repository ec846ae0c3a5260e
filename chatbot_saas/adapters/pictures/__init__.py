"""Pictures from elsewhere, made small and harmless in a worker process.

Whatever comes is decoded and written anew as a PNG, so that nothing of the original file reaches a visitor's browser.
"""

from dataclasses import dataclass
from pathlib import Path

from chatbot_saas.adapters.processes import (
    MIB,
    JobCrashedError,
    JobFailedError,
    JobMemoryError,
    JobTimeoutError,
    WorkerPool,
)
from chatbot_saas.core.errors import InvalidError

SECONDS = 10.0
MEMORY = 256 * MIB


class PictureUnreadableError(InvalidError):
    """This is no picture that can be used. Choose a PNG, JPEG or WebP file."""

    code = "picture_unreadable"


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """`png` is at most `core.pictures.MAX_BYTES`. `colour` is the most telling one in it, empty for greys."""

    png: bytes
    colour: str


async def small_picture(pool: WorkerPool, path: Path) -> SmallPicture:
    """The picture at `path`. Raises PictureUnreadableError; SVG, which can hold scripts, is no picture here."""
    try:
        made = await pool.run("chatbot_saas.adapters.pictures.shrink:shrink", str(path), timeout=SECONDS, memory=MEMORY)
    except (JobTimeoutError, JobMemoryError, JobCrashedError, JobFailedError) as error:
        raise PictureUnreadableError from error
    if not isinstance(made, SmallPicture):
        raise PictureUnreadableError
    return made
