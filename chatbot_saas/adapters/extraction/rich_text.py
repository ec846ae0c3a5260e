"""RTF by striprtf."""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.failures import FileDamagedError, FileTruncatedError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import clean

# Pictures and fonts are long runs of hexadecimal digits: gone first, since they are nearly all of most large files
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F\r\n]{200,}+")
_HIGH = re.compile(rb"[\x80-\xff]")


def extract_rtf(path: str, filename: str) -> Extracted:
    data = Path(path).read_bytes()
    if not data.rstrip(b"\x00\r\n\t \x1a").endswith(b"}"):
        raise FileTruncatedError
    data = _HEXADECIMAL.sub(b"", data)
    data = _HIGH.sub(lambda match: b"\\'%02x" % match[0][0], data)  # RTF is ASCII; careless programs write bytes
    try:
        text = str(rtf_to_text(data.decode("ascii"), encoding="cp1252", errors="replace"))
    except (ValueError, LookupError, OverflowError, TypeError) as error:
        raise FileDamagedError from error
    text = clean(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))  # halves of emoji meet
    builder = DocumentBuilder()
    if text:
        builder.add(text)
    return builder.finish(Kind.RTF, filename)
