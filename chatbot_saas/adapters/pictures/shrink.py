"""The part that decodes: runs in a worker process only."""

import io
from collections import Counter

from PIL import Image

from chatbot_saas.adapters.pictures import PictureUnreadableError, SmallPicture
from chatbot_saas.core.colours import telling
from chatbot_saas.core.pictures import MAX_BYTES

SIDE = 96
"""Pixels: what the widget shows, on a phone's screen of two to three dots a pixel."""
_FORMATS = ("PNG", "JPEG", "WEBP", "ICO", "GIF")
_MOST_PIXELS = 4096 * 4096
_SAMPLE = 32
_OPAQUE = 200


def shrink(path: str) -> SmallPicture:
    try:
        with Image.open(path, formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS or 0 in opened.size:
                raise PictureUnreadableError
            opened.draft("RGB", (SIDE * 2, SIDE * 2))  # a large JPEG is unpacked small
            made = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow's ways to say no
        raise PictureUnreadableError from error
    made.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return SmallPicture(_png(made), _colour(made))


def _png(image: Image.Image) -> bytes:
    for candidate in (image, image.quantize(256), image.quantize(32)):
        written = io.BytesIO()
        candidate.save(written, "PNG", optimize=True)
        if written.tell() <= MAX_BYTES:
            return written.getvalue()
    raise PictureUnreadableError


def _colour(image: Image.Image) -> str:
    """The most frequent one that is telling; near ones count as one."""
    sample = image.copy()
    sample.thumbnail((_SAMPLE, _SAMPLE), Image.Resampling.BOX)
    counts: Counter[tuple[int, int, int]] = Counter()
    sums: dict[tuple[int, int, int], list[int]] = {}
    data = sample.tobytes()
    for at in range(0, len(data), 4):
        red, green, blue, alpha = data[at : at + 4]
        if alpha < _OPAQUE:
            continue
        near = (red >> 5, green >> 5, blue >> 5)
        counts[near] += 1
        total = sums.setdefault(near, [0, 0, 0])
        for place, part in enumerate((red, green, blue)):
            total[place] += part
    found = ["#" + "".join(f"{total // count:02x}" for total in sums[near]) for near, count in counts.most_common(12)]
    return telling(found)
