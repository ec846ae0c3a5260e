"""Bytes of a text file to characters, when nothing reliable says how they were written."""

import codecs
import re

import charset_normalizer

from chatbot_saas.adapters.extraction.failures import FileMislabelledError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 64 * 1024
_HIGH = re.compile(rb"[\x80-\xff]+")
# What high bytes of Western European text are: accented letters and typographic marks
_WESTERN = frozenset(
    "ÄÖÜäöüßÀÁÂÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕØÙÚÛÝàáâãåæçèéêëìíîïñòóôõøùúûýÿŒœŠšŽž€£§©®°±²³µ·½¼¾«»„“”‚‘’–—…•™¡¿ªº´\u00a0"
)
_LETTERS_ALONE = 0.8  # share of high bytes that stand between ASCII in Western text; Cyrillic or Chinese come in runs
_CANDIDATES = (
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
    *("cp1251", "koi8_r", "cp1250", "iso8859_2", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    "mac_roman",
)


def decode(data: bytes, declared: str = "") -> str:
    """The text of `data`. `declared` is what the file says of itself (an HTML meta element), believed if it fits.

    Tried in this order: byte order mark, UTF-8, UTF-16 by its zero bytes, the declared one, Windows-1252 where the
    result looks Western, then the detector: asked first, it takes German for Turkish and the like.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and "\x1b$" not in text and "\x00" not in text:
        return text
    if "\x1b$" in text:
        return data.decode("iso2022_jp", "replace")
    if b"\x00" in data:
        return _decode_utf16(data)
    return (
        _decode_declared(data, declared) or _decode_bruised_utf8(data) or _decode_western(data) or _decode_guessed(data)
    )


def _decode_utf16(data: bytes) -> str:
    """Text with zero bytes: UTF-16 without a mark when they are all on one side, else not a text at all."""
    sample = data[:_SAMPLE]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.3 * half and even < 0.05 * half:
        return data.decode("utf-16-le", "replace")
    if even > 0.3 * half and odd < 0.05 * half:
        return data.decode("utf-16-be", "replace")
    if even + odd <= 0.001 * len(sample):  # a stray one in a text
        return decode(data.replace(b"\x00", b""))
    raise FileMislabelledError(
        "The file does not hold text but binary data. Upload the document itself as PDF, DOCX, XLSX, PPTX, EPUB, CSV,"
        " HTML, MD or TXT."
    )


def _decode_declared(data: bytes, declared: str) -> str:
    try:
        name = codecs.lookup(declared).name if declared else ""
        if name in ("", "utf-8", "ascii"):
            return ""
        return data.decode({"iso8859-1": "cp1252", "shift_jis": "cp932"}.get(name, name))  # as browsers read them
    except (LookupError, ValueError):  # unknown, not for text, or not what the bytes are
        return ""


def _decode_bruised_utf8(data: bytes) -> str:
    """UTF-8 with a few wrong bytes, as left by a careless cut or join."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = sum(len(run) for run in _HIGH.findall(data[:_SAMPLE])) if wrong < 50 else 0
    return text if wrong * 10 <= right // 2 else ""


def _decode_western(data: bytes) -> str:
    """Windows-1252 (which holds Latin-1's letters), if what comes out is plausible Western text."""
    runs = _HIGH.findall(data)
    count = sum(map(len, runs))
    characters = b"".join(runs).decode("cp1252", "ignore")
    plausible = sum(character in _WESTERN for character in characters[:_SAMPLE])
    alone = sum(len(run) for run in runs if len(run) == 1)
    if plausible >= 0.97 * min(count, _SAMPLE) and (alone >= _LETTERS_ALONE * count or count <= 2):
        return data.decode("cp1252", "ignore")
    return ""


def _decode_guessed(data: bytes) -> str:
    sample = data[:_SAMPLE]
    if len(data) > _SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1] or sample  # not through the middle of a character
    best = charset_normalizer.from_bytes(sample, cp_isolation=list(_CANDIDATES), preemptive_behaviour=False).best()
    return data.decode(best.encoding, "replace") if best else data.decode("cp1252", "replace")
