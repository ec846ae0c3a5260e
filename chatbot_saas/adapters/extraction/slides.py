"""PPTX, read from its XML: text of shapes, tables, charts and diagrams, and the speaker's notes.

The number of a slide is its page, its title a heading. Hidden slides are left out, and so are comments.
"""

from collections.abc import Iterator
from typing import Any

from chatbot_saas.adapters.extraction import Extracted
from chatbot_saas.adapters.extraction.builder import DocumentBuilder
from chatbot_saas.adapters.extraction.drawings import chart, diagram, paragraphs, table_rows
from chatbot_saas.adapters.extraction.failures import FileTooManyPagesError
from chatbot_saas.adapters.extraction.kinds import Kind
from chatbot_saas.adapters.extraction.normal import one_line
from chatbot_saas.adapters.extraction.package import Package, attribute, child, local, opened
from chatbot_saas.adapters.extraction.tables import write_table

MAX_SLIDES = 2_000
_TITLES = frozenset({"title", "ctrTitle"})
_REPEATED = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})  # the same on every slide


def extract_pptx(path: str, filename: str) -> Extracted:
    with opened(path, Kind.PPTX, filename) as package:
        main = package.main("ppt/presentation.xml")
        slides = list(_slides(package, main))
        if len(slides) > MAX_SLIDES:
            raise FileTooManyPagesError(
                f"The file has {len(slides):,} slides; at most {MAX_SLIDES:,} are read. Split it into smaller files and"
                " upload those."
            )
        builder = DocumentBuilder()
        for number, name in enumerate(slides, 1):
            if name:
                _Slide(builder, package, name, number).write()
        title = package.title()
    return builder.finish(
        Kind.PPTX,
        filename,
        "" if title.lower() in ("powerpoint presentation", "powerpoint-präsentation") else title,
        "The slides hold no text, only pictures. Save the presentation with its text, or run text recognition (OCR) on"
        " it, and upload that.",
    )


def _slides(package: Package, main: str) -> Iterator[str]:
    """Names of the slides in order; empty where a slide is missing."""
    relations = package.relations(main)
    listed = child(package.xml(main), "sldIdLst")
    for entry in listed if listed is not None else ():
        key = next((value for name, value in entry.attrib.items() if name.endswith("}id")), "")
        relation = relations.get(str(key))
        yield relation.target if relation and relation.target in package else ""


class _Slide:
    def __init__(self, builder: DocumentBuilder, package: Package, name: str, number: int) -> None:
        self._builder = builder
        self._package = package
        self._name = name
        self._number = number
        self._relations = package.relations(name)
        self._marked = False

    def write(self) -> None:
        slide = self._package.xml(self._name)
        if slide.get("show") in ("0", "false"):
            return
        tree = child(slide, "cSld", "spTree")
        shapes = list(_flat(tree)) if tree is not None else []
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        title = one_line(" ".join(text for shape in titles for text in _texts(shape)))
        if title:
            self._mark_at(self._builder.add(title), title)
        for shape in shapes:
            if shape not in titles and _placeholder(shape) not in _REPEATED:
                self._add(shape)
        self._add_notes()

    def _add(self, shape: Any) -> None:
        if local(shape) == "graphicFrame":
            self._add_graphic(shape)
        else:
            self._write("\n".join(_texts(shape)))

    def _write(self, text: str) -> None:
        if text:
            self._mark_at(self._builder.add(text), f"Slide {self._number}")

    def _mark_at(self, start: int, heading: str) -> None:
        """The slide begins here. One without a title is named by its number: it is not part of the one before."""
        if not self._marked:
            self._marked = True
            self._builder.mark_page(self._number, start)
            self._builder.mark_heading(1, start, heading)

    def _add_graphic(self, frame: Any) -> None:
        data = child(frame, "graphic", "graphicData")
        for content in data if data is not None else ():
            name = local(content)
            if name == "tbl":
                self._add_table("", list(table_rows(content)))
            elif name == "chart" and (root := self._related(attribute(content, "id"))) is not None:
                self._add_table(*chart(root))
            elif name == "relIds" and (root := self._related(attribute(content, "dm"))) is not None:
                self._write("\n".join(diagram(root)))

    def _related(self, key: str) -> Any:
        relation = self._relations.get(key)
        return self._package.xml(relation.target) if relation and relation.target in self._package else None

    def _add_table(self, title: str, rows: list[Any]) -> None:
        self._write(title)
        if any(rows):
            start = self._builder.next_start
            write_table(self._builder, rows)
            self._mark_at(start, f"Slide {self._number}")

    def _add_notes(self) -> None:
        for relation in self._relations.values():
            if relation.kind != "notesSlide" or relation.target not in self._package:
                continue
            tree = child(self._package.xml(relation.target), "cSld", "spTree")
            shapes = _flat(tree) if tree is not None else ()
            parts = [text for shape in shapes if _placeholder(shape) not in _REPEATED for text in _texts(shape)]
            if text := "\n".join(parts):
                self._write(f"Notes: {text}")


def _flat(tree: Any) -> Iterator[Any]:
    """The shapes of a tree with those of its groups, in order."""
    for shape in tree:
        name = local(shape)
        if name in ("sp", "graphicFrame", "cxnSp"):
            yield shape
        elif name == "grpSp":
            yield from _flat(shape)
        elif name == "AlternateContent":
            chosen = child(shape, "Choice")
            inner = list(_flat(chosen)) if chosen is not None else []
            fallback = child(shape, "Fallback")
            yield from inner or (_flat(fallback) if fallback is not None else ())


def _placeholder(shape: Any) -> str:
    """What the shape stands for ("title", "body", "ftr"...); empty for ordinary shapes."""
    found = child(shape, "nvSpPr", "nvPr", "ph")
    return (found.get("type") or "obj") if found is not None else ""


def _texts(shape: Any) -> Iterator[str]:
    body = child(shape, "txBody")
    if body is not None:
        yield from paragraphs(body)
