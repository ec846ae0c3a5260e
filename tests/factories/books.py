"""E-books, OpenDocument texts and RTF, good and bad, as bytes."""

from tests.factories.packages import zipped

_CONTAINERS = "urn:oasis:names:tc:opendocument:xmlns:container"
_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
CHAPTERS = {
    "one.xhtml": "<h1>The harbour</h1><p>Ships &amp; boats arrive at dawn.</p>",
    "two.xhtml": "<p>The lighthouse keeper was <em>seventy</em> years old.</p>",
}


def epub(
    chapters: dict[str, str] | None = None,
    *,
    spine: bool = True,
    extra: dict[str, str] | None = None,
    title: str = "Sea stories",
) -> bytes:
    """An e-book with a table of contents; the spine turns the order of `chapters` round, to see that it is followed."""
    chapters = CHAPTERS if chapters is None else chapters
    manifest = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    order = "".join(f'<itemref idref="c{number}"/>' for number in reversed(range(len(chapters)))) if spine else ""
    points = "".join(
        f'<navPoint id="n{number}"><navLabel><text>Chapter {number + 1}</text></navLabel>'
        f'<content src="{name}#top"/></navPoint>'
        for number, name in enumerate(chapters)
    )
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": _CONTAINER,
        "OEBPS/book.opf": (
            '<package xmlns="http://www.idpf.org/2007/opf" version="2.0">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:title>{title}</dc:title></metadata><manifest>{manifest}<item id="ncx" href="toc.ncx" '
            f'media-type="application/x-dtbncx+xml"/></manifest><spine toc="ncx">{order}</spine></package>'
        ),
        "OEBPS/toc.ncx": (
            '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'
        ),
        **{
            f"OEBPS/{name}": body
            if body.lstrip().startswith("<?xml")
            else f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>{body}</body></html>'
            for name, body in chapters.items()
        },
        **(extra or {}),
    }
    return zipped(parts, first="mimetype")


def encryption(algorithm: str) -> dict[str, str]:
    return {
        "META-INF/encryption.xml": (
            f'<encryption xmlns="{_CONTAINERS}" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
            f'<enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference '
            'URI="OEBPS/font.otf"/></enc:CipherData></enc:EncryptedData></encryption>'
        )
    }


_ODF = 'xmlns:{0}="urn:oasis:names:tc:opendocument:xmlns:{0}:1.0"'
ODT_BODY = (
    "<text:tracked-changes><text:changed-region><text:deletion><text:p>Deleted long ago.</text:p></text:deletion>"
    '</text:changed-region></text:tracked-changes><text:h text:outline-level="2">Opening<text:s/>hours</text:h>'
    "<text:p>Nine to six.<office:annotation><text:p>A remark.</text:p></office:annotation>"
    "<text:note><text:note-citation>1"
    "</text:note-citation><text:note-body><text:p>Not on Sundays.</text:p></text:note-body></text:note></text:p>"
    "<text:list><text:list-item><text:p>Dogs welcome</text:p></text:list-item></text:list>"
    "<table:table><table:table-row><table:table-cell><text:p>Day</text:p></table:table-cell>"
    "<table:table-cell><text:p>Hours"
    "</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell>"
    "<text:p>Monday</text:p></table:table-cell>"
    "<table:table-cell><text:p>9-18</text:p></table:table-cell>"
    '<table:table-cell table:number-columns-repeated="16000"/>'
    "</table:table-row></table:table>"
)


def odt(
    body: str = ODT_BODY, *, mimetype: str = "application/vnd.oasis.opendocument.text", encrypted: bool = False
) -> bytes:
    names = " ".join(_ODF.format(name) for name in ("office", "text", "table"))
    entry = "<manifest:encryption-data/>" if encrypted else ""
    return zipped(
        {
            "mimetype": mimetype,
            "content.xml": f"<office:document-content {names}><office:body><office:text>{body}</office:text>"
            f"</office:body>"
            "</office:document-content>",
            "META-INF/manifest.xml": f"<manifest:manifest {_ODF.format('manifest')}>{entry}</manifest:manifest>",
        },
        first="mimetype",
    )


def rtf(body: str = r"The \b shop\b0  opens at {\i nine}.\par Gr\'f6\'dfe und \u26085?\u26412?.\par") -> bytes:
    return (r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}{\*\generator x;}\f0 " + body + "}").encode("cp1252")
