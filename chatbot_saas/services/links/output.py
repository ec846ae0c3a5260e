"""What was given out so far, as far as it decides how the rest is read."""

from dataclasses import dataclass, field

from chatbot_saas.services.links.grammar import BLANK, GLUE_AFTER, GLUE_BEFORE


@dataclass(slots=True)
class Output:
    pieces: list[str] = field(default_factory=list[str])
    last: str = ""
    """The last character."""
    line: str = ""
    """What was given out since the last line break, as far as it matters."""
    gap: bool = False
    """Something was taken out here: what stood around it must not grow together into a link."""
    marked: bool = False
    """The paragraph has marks that renderers may pair in different ways."""

    def take(self) -> str:
        text = "".join(self.pieces)
        self.pieces.clear()
        return text

    def put(self, piece: str, marks: bool = False) -> None:
        if not piece:
            return
        if self.gap:
            self.gap = False
            if GLUE_BEFORE.search(self.last) and GLUE_AFTER.match(piece):
                self.pieces.append(" ")
                self.line += " "
        self.pieces.append(piece)
        self.last = piece[-1]
        if (cut := piece.rfind("\n")) >= 0:
            if not (self.line + piece[: piece.find("\n")]).strip() or BLANK.search(piece):
                self.marked = False
            self.line = piece[cut + 1 :][:200]
        else:
            self.line = (self.line + piece)[:200]
        self.marked = self.marked or marks or any(mark in piece for mark in "*_~[<")

    def replace(self, piece: str) -> None:
        """Give out what stands in place of a link: it must not grow together with its neighbours."""
        self.gap = True
        self.put(piece)
        self.gap = True
