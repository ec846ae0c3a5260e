"""Bodies of answers on their way to a file: unpacked step by step, and never more than was asked for."""

import zlib
from collections.abc import Iterator

from chatbot_saas.adapters.web.failures import AnswerUnreadableError

_PIECE = 512 * 1024
_GZIP = b"\x1f\x8b"


class Unpacker:
    """Unpacks "gzip" and "deflate"; anything else is passed on. Gives pieces of bounded size, so that the reader can
    stop a bomb at its limit. Other encodings were not asked for: they raise AnswerUnreadableError.
    """

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # tells gzip from zlib by its first bytes
        elif encoding in ("", "identity", "none", "utf-8"):  # the last two are no encodings, but are sent
            self._inflater = None
        else:
            raise AnswerUnreadableError("The website packs its pages in a way that was not asked for.")
        self._begun = False
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            yield data
            return
        while data and not self._over:
            piece = self._inflate(data)
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:
                data = self._inflater.unused_data
                self._over = not data.startswith(_GZIP)  # else another member follows; padding is ignored
                if not self._over:
                    self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            yield piece

    def finish(self) -> bytes:
        """What is left. Raises AnswerUnreadableError if the end is missing."""
        if self._inflater is None or not self._begun:
            return b""
        rest = self._inflater.flush()
        if not self._inflater.eof:
            raise AnswerUnreadableError
        return rest

    def _inflate(self, data: bytes) -> bytes:
        try:
            piece = self._inflater.decompress(data, _PIECE) if self._inflater else data
        except zlib.error as error:
            if self._begun:
                raise AnswerUnreadableError from error
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # some send "deflate" without its header
            try:
                piece = self._inflater.decompress(data, _PIECE)
            except zlib.error:
                raise AnswerUnreadableError from error
        self._begun = True
        return piece
