"""What the filter holds back and what it takes for code; every construct is judged by these rules."""

import re
from dataclasses import dataclass, field

from chatbot_saas.services.links.allowed import AllowedLinks, shown_as
from chatbot_saas.services.links.grammar import CONTAINER, LIMIT, MAX_DEPTH
from chatbot_saas.services.links.output import Output

REMOVED = {
    "en": "[link removed]",
    "de": "[Link entfernt]",
    "fr": "[lien supprimé]",
    "es": "[enlace eliminado]",
    "it": "[link rimosso]",
    "pt": "[link removido]",
    "nl": "[link verwijderd]",
    "pl": "[link usunięty]",
    "ja": "[リンクを削除しました]",
    "zh": "[链接已移除]",
}


class MoreError(Exception):
    """What follows decides."""


@dataclass(slots=True)
class Reader:
    """Text as it arrives: what is held back until it is known what it is, and what is code."""

    allowed: AllowedLinks
    passages: str = ""
    language: str = "en"
    plain: bool = False
    """Within what may be code: shown addresses are not put in code again."""
    depth: int = 0
    held: str = field(default="", init=False)
    out: Output = field(default_factory=Output, init=False)
    _final: bool = field(default=False, init=False)
    _fence: str = field(default="", init=False)
    _fence_line: str = field(default="", init=False)
    _doubtful: bool = field(default=False, init=False)
    """Renderers may differ about where code begins: nothing counts as code any more."""
    _anchor: str = field(default="", init=False)
    """What ends the HTML link that is open."""

    def feed(self, piece: str) -> str:
        self.held += piece
        return self._run()

    def flush(self) -> str:
        self._final = True
        text = self._run()
        if self._anchor:
            text, self._anchor = text + self._anchor, ""
        self._final = False
        return text

    def _run(self) -> str:
        place = 0
        try:
            while place < len(self.held):
                place = self._in_fence(place) if self._fence else self._step(place)
        except MoreError as more:
            place = int(more.args[0])
        self.held = self.held[place:]
        return self.out.take()

    def _wait(self, place: int, length: int = LIMIT) -> None:
        """Wait for more text, unless none comes or what is held is long enough to decide."""
        if not self._final and len(self.held) - place < length:
            raise MoreError(place)

    def _url(self, raw: str) -> str:
        return self.allowed.url("https:" + raw if raw.startswith("//") else raw)

    def _removed(self) -> str:
        return REMOVED.get(self.language, REMOVED["en"])

    def _quoted(self, raw: str) -> bool:
        return len(raw) > 3 and raw in self.passages

    def _instead(self, raw: str) -> str:
        """How an address that may not be linked to is shown: as code if the passages have it, else not at all."""
        shown = shown_as(raw) if self._quoted(raw) else ""
        return shown if self.plain or not shown else f"`{shown}`"

    def _inner(self, text: str, *, plain: bool | None = None) -> str:
        """The label of a link, or what may be code, cleaned by itself."""
        if self.depth >= MAX_DEPTH:
            return re.sub(r"[\[\]()<>!`\\&:/]+", " ", text).strip()
        plain = self.plain if plain is None else plain
        inner = type(self)(self.allowed, self.passages, self.language, plain, self.depth + 1)
        return inner.feed(text) + inner.flush()

    def _step(self, place: int) -> int:
        """Give out what begins at `place`; returns where it ends. Raises MoreError when what follows decides."""
        raise NotImplementedError

    # code

    def _code(self, place: int, ticks: str) -> int:
        fence = len(ticks) >= 3 and not self.depth and CONTAINER.match(self.out.line)
        if fence and not self._doubtful and not self.out.line and not self.plain:
            return self._open_fence(place, ticks)
        if fence:
            self._doubtful = self.plain = True
        if ticks[0] == "~":
            self.out.put(ticks)
            return place + len(ticks)
        line_end = self.held.find("\n", place, place + LIMIT)
        close = re.compile(rf"(?<!`)`{{{len(ticks)}}}(?!`)").search(
            self.held, place + len(ticks), line_end if line_end >= 0 else place + LIMIT
        )
        if line_end < 0 and (not close or close.end() == len(self.held)):
            self._wait(place)
        if not close:
            self.out.put(ticks, marks=True)
            return place + len(ticks)
        content = self.held[place + len(ticks) : close.start()]
        sure = not (self.out.marked or self._doubtful or "|" in content or self.depth)
        self.out.gap = self.out.gap or (self.out.last == "`")
        self.out.put(ticks + (content if sure else self._inner(content, plain=True)) + ticks)
        return close.end()

    def _open_fence(self, place: int, ticks: str) -> int:
        end = self.held.find("\n", place, place + LIMIT)
        if end < 0:
            self._wait(place)
            end = min(len(self.held), place + LIMIT)
        line = self.held[place:end]
        if ticks[0] == "`" and "`" in line[len(ticks) :]:
            self._doubtful = True  # not a fence to all
            self.out.put(ticks, marks=True)
            return place + len(ticks)
        self.out.put(line)
        self._fence, self._fence_line = ticks, "info"
        return end

    def _in_fence(self, place: int) -> int:
        """Code up to the line that closes it; a line that closes it for some renderers only ends all certainty."""
        end = self.held.find("\n", place)
        if self._fence_line:  # the rest of a line that closes nothing
            stop = end + 1 if end >= 0 else len(self.held)
            self.out.put(self.held[place:stop])
            self._fence_line = "" if end >= 0 else "rest"
            return stop
        line = self.held[place : end if end >= 0 else len(self.held)]
        start = line.lstrip()
        if end < 0 and (len(start) < len(self._fence) or start.startswith(self._fence)):
            self._wait(place)
        if not start.startswith(self._fence):
            self._fence_line = "rest"
            return place
        closes = re.fullmatch(rf" {{0,3}}{re.escape(self._fence[0])}{{{len(self._fence)},}}[ \t]*", line)
        self._fence = ""
        if not closes:
            self._doubtful = self.plain = True
            return place
        self.out.put(line)
        return place + len(line)
