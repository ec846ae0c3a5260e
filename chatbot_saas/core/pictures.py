"""Small pictures, known by their first bytes. What a name or a header says of a picture is never believed."""

import base64
import binascii
import re
from dataclasses import dataclass

MAX_BYTES = 32 * 1024
MAX_SIDE = 512
"""Pixels: a few bytes can unpack to a picture that no browser's memory holds."""
_ADDRESS = re.compile(r"data:image/(?:png|jpeg|webp);base64,([A-Za-z0-9+/]+={0,2})")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG's markers of a header that tells the size."""


@dataclass(frozen=True, slots=True)
class Picture:
    media_type: str
    width: int
    height: int
    data: bytes

    @property
    def address(self) -> str:
        """A data: address, as an <img> takes it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


def picture(data: bytes) -> Picture | None:
    """A PNG, JPEG or WebP picture by its signature and header; None for anything else, SVG among it."""
    found = _png(data) or _webp(data) or _jpeg(data)
    return Picture(found[0], found[1], found[2], data) if found and found[1] and found[2] else None


def from_address(address: str) -> Picture:
    """The picture of a data: address. ValueError, with words for its owner, for what is not small and harmless."""
    match = _ADDRESS.fullmatch(address)
    try:
        data = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        data = b""
    found = picture(data)
    if found is None:
        raise ValueError("This is no PNG, JPEG or WebP picture. Save it as PNG and choose it again.")
    if len(data) > MAX_BYTES:
        raise ValueError(f"The picture is larger than {MAX_BYTES // 1024} KB. Make it smaller and choose it again.")
    if max(found.width, found.height) > MAX_SIDE:
        raise ValueError(f"The picture has more than {MAX_SIDE} pixels a side. Make it smaller and choose it again.")
    return found


def _png(data: bytes) -> tuple[str, int, int] | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return "image/png", int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _webp(data: bytes) -> tuple[str, int, int] | None:
    """Of the three kinds: lossy, lossless, and with a header of its own (RFC 9649)."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    elif kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    else:
        return None
    return "image/webp", width, height


def _jpeg(data: bytes) -> tuple[str, int, int] | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            return "image/jpeg", int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        if marker == 0xFF:  # fill
            at += 1
            continue
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    return None
