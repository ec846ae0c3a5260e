"""A filter that takes links that are not allowed, images and tags out of an answer while it streams. Pure.

A document may hold anything, so that a model may be talked into an image or a link that carries the conversation away.
The filter does not read Markdown as one renderer does, since renderers differ: whatever any of them could make a link
or an image of is judged. Only code that every renderer takes for code is left as it is; after a construct that they
read differently, text in code is judged too.
"""

import re
from dataclasses import dataclass
from html import unescape

from chatbot_saas.services.links.allowed import AllowedLinks
from chatbot_saas.services.links.grammar import (
    ADDRESS,
    ALT,
    AUTOLINK,
    BEGIN,
    BLANK,
    BRACKET,
    CONTAINER,
    DECLARATION,
    DEFINITION,
    HREF,
    HTML,
    INLINE,
    LIMIT,
    LOOSE_TAG,
    MAIL,
    MAX_DEPTH,
    MAX_LABEL,
    NAME,
    NO_DEFINITION,
    ONLY_MARKS,
    PLACEHOLDER,
    TAG,
    TOKEN,
    UNFINISHED,
    decoded,
    destination,
    until_space,
    without_trailing,
)
from chatbot_saas.services.links.reader import MoreError, Reader


@dataclass(slots=True)
class LinkFilter(Reader):
    """Give the pieces of an answer to `feed`, in order, and pass on what it returns; `flush` gives the rest.

    However the text is cut into pieces, the result is the same. `passages` is the text that the answer is made from:
    an address that stands there, but may not be linked to, is shown as code; any other that may not is removed, since
    it may carry something away. `language` is that of the words that stand for what was removed.
    """

    # the text, construct by construct

    def _step(self, place: int) -> int:
        found = TOKEN.match(self.held, place)
        if not found:  # cannot be: the kinds of token cover every character
            raise AssertionError(self.held[place])
        kind, token = found.lastgroup, found.group()
        if kind == "plain":
            self.out.put(token)
            return found.end()
        if kind == "run":
            return self._run_of_word(place, found.end())
        if found.end() == len(self.held):
            self._wait(place)
        if kind == "escape":
            self.out.put(token, marks="`" in token)
            return found.end()
        if kind in ("ticks", "tildes"):
            return self._code(place, token)
        return self._mark(place, token)

    def _mark(self, place: int, mark: str) -> int:
        if mark == "[":
            return self._bracket(place, place)
        if mark == "!" and self.held.startswith("![", place):
            return self._bracket(place, place + 1)
        if mark == "]" and self.held.startswith("](", place):
            return self._loose(place)
        if mark == "<":
            return self._angle(place)
        if mark == "&" and UNFINISHED.search(self.held, place):
            self._wait(place, 40)
        self.out.put(mark)
        return place + 1

    # addresses in the text

    def _run_of_word(self, place: int, end: int) -> int:
        """A word, which may be an address or begin one."""
        if end + 2 > len(self.held) or UNFINISHED.search(self.held, end):
            self._wait(place)
        run = self.held[place:end]
        if "&" in run and (told := decoded(run)) != run:
            self.held = self.held[:place] + told + self.held[end:]
            self.out.gap = self.out.gap or self.out.last == "<"  # no scheme may come of it
            return place
        begin = BEGIN.search(self.held, place, min(len(self.held), end + 2))
        if not begin or begin.start() >= end:
            self.out.put(run)
            return end
        address = ADDRESS.match(self.held, begin.start())
        stop = address.end() if address else end
        if begin.end() >= stop and stop < len(self.held) and not self.held[stop].isspace():
            stop = begin.start() + len(until_space(self.held, begin.start()))
        if stop + len(until_space(self.held, stop)) == len(self.held):
            self._wait(place)
        self.out.put(self.held[place : begin.start()])
        return self._address(begin.start(), max(stop, begin.start() + 1))

    def _address(self, start: int, stop: int) -> int:
        raw = without_trailing(self.held[start:stop])
        stop = start + len(raw)
        nameless = NAME.match(raw) is not None
        if nameless and raw[:3].lower() != "www" and self._quoted(raw):
            self.out.put(raw)  # a name without a scheme, which the passages have
            return stop
        if url := self._url("https://" + raw if nameless else raw):
            # a host may go on in some reader's eyes, with what follows or with what is left when a tag is taken out
            rest = until_space(self.held, stop)
            ends = not self.depth and ONLY_MARKS.match(rest) and not self.held.startswith("<", stop + len(rest))
            certain = ends or re.search(r"[^:/][/?#]", raw)
            if (nameless or url == raw) and (certain or (":" in raw[:7] and raw[:4].lower() != "http")):
                self.out.put(raw)
            else:
                self.out.replace(f"<{url}>" if url.startswith("http") else raw)
            return stop
        self.out.replace(self._instead(raw) or self._removed())
        return stop

    # brackets: links, images, definitions

    def _label_end(self, start: int) -> int:
        """After the bracket that closes the one at `start`; 0 if none does nearby."""
        open_ = 0
        limit = start + MAX_LABEL
        for found in BRACKET.finditer(self.held, start, limit):
            if found.group() == "[":
                open_ += 1
                if open_ > MAX_DEPTH + 1:
                    return 0
            elif found.group() == "]":
                open_ -= 1
                if open_ == 0:
                    return found.end()
            elif found.group()[0] == "\n":
                return 0
        self._wait(start, MAX_LABEL)
        return 0

    def _bracket(self, place: int, start: int) -> int:
        image = start > place
        if image and start + 1 == len(self.held):
            self._wait(place)
        try:
            end = self._label_end(start)
            if end and end == len(self.held):
                self._wait(start)
            follows = self.held[end : end + 1] if end else ""
            label = self.held[start + 1 : end - 1] if end else ""
            if follows == "(" and (found := self._inline(end, start)):
                return self._link(label, destination(found), found.end(), image=image)
            defines = follows == ":" and not image and CONTAINER.match(self.out.line)
            if defines and (after := self._definition(start, end, label)) >= 0:
                return after
            if follows == "[" and image:
                after = self._label_end(end) or end
                self.out.replace(self._inner(label))
                return after
        except MoreError:
            raise MoreError(place) from None
        if image and not re.fullmatch(r"\d{1,3}", label):
            self.out.replace(self._inner(label) if end else "[")
            return end or start + 1
        self.out.put(self.held[place : start + 1])
        return start + 1

    def _inline(self, end: int, start: int) -> re.Match[str] | None:
        """The (destination) of a link."""
        found = INLINE.match(self.held[: start + LIMIT], end)
        if not found and not BLANK.search(self.held, end):
            self._wait(start)
        return found if found and not BLANK.search(found.group()) else None

    def _loose(self, place: int) -> int:
        """A destination whose label began too far away to be held back."""
        found = self._inline(place + 1, place)
        if not found:
            self.out.put("]")
            return place + 1
        raw = destination(found)
        url = self._url(raw)
        self.out.put(f"]({url})" if url else "]")
        if not url and (shown := self._instead(raw)):
            self.out.put(f" ({shown})")
        self.out.gap = True
        return found.end()

    def _link(self, label: str, raw: str, after: int, *, image: bool) -> int:
        words = self._inner(label)
        if image:
            self.out.replace(words)
            return after
        url = self._url(raw)
        if url and words:
            if self.out.last == "!":
                self.out.put(" ")
            self.out.put(f"[{words}]({url})")
            return after
        shown = self._instead(raw)
        if re.fullmatch(r"\d{1,3}", words):
            words = f"[{words}]"
        if not shown or shown in words or shown.strip("`") == words:
            self.out.replace(shown if shown.strip("`") == words else words)
        else:
            self.out.replace(f"{words} ({shown})" if words else shown)
        return after

    def _definition(self, start: int, end: int, label: str) -> int:
        """Keep or remove `[label]: destination`; -1 if it is none."""
        found = DEFINITION.match(self.held[: start + LIMIT], end)
        complete = found and found.end() < len(self.held)
        if not complete and not BLANK.search(self.held, end) and not NO_DEFINITION.match(self.held, end):
            self._wait(start)
        if not found or not (raw := destination(found)):
            return -1
        if re.fullmatch(r"\w+", raw) and not re.fullmatch(r"\d{1,3}", label):
            return -1  # "[Note]: important"
        url = self._url(raw)
        words = self._inner(label)
        if url and re.fullmatch(r"\d{1,3}", label):
            self.out.put(f"[{label}] <{url}>")  # a mark stays a mark
        elif url:
            self.out.put(f"[{words}]: {url}")
        elif shown := self._instead(raw):
            self.out.put(f"{words}: {shown}")
        self.out.gap = True
        return found.end()

    # angles: addresses, tags

    def _angle(self, place: int) -> int:
        if not re.match(r"[A-Za-z/!?]", self.held[place + 1 : place + 2]):
            self.out.put("<")
            return place + 1
        window = self.held[place : place + LIMIT]
        blank = BLANK.search(window)
        window = window[: blank.start()] if blank else window
        if found := AUTOLINK.match(window):
            return self._autolink(place, found)
        if found := MAIL.match(window):
            self.out.replace(found.group(1))
            return place + found.end()
        if found := DECLARATION.match(window):
            if window.startswith(("<!--", "<![CDATA[")) and not found.group().endswith(("-->", "]]>")) and not blank:
                self._wait(place)
            self.out.gap = True
            return place + found.end()
        found = TAG.match(window)
        if not found and not blank:
            self._wait(place)
        if found := found or LOOSE_TAG.match(window):
            return self._tag(place, found)
        name = re.match(r"</?([A-Za-z][A-Za-z0-9-]*)", window)
        if not name or name.group(1).lower() in HTML:
            self.out.gap = True  # without its sign it is text
            return place + 1
        self.out.put("<")
        return place + 1

    def _autolink(self, place: int, found: re.Match[str]) -> int:
        raw = found.group(1)
        url = self._url(raw)
        if url:
            self.out.put(f"<{url}>" if self.out.last != "!" else f" <{url}>")
        else:
            self.out.replace(self._instead(raw) or self._removed())
        return place + found.end()

    def _tag(self, place: int, found: re.Match[str]) -> int:
        closing, name, attributes = found.group(1), found.group(2).lower(), found.group(3)
        after = place + found.end()
        known = name in HTML and not (len(name) == 1 and attributes.strip(" /") and "=" not in attributes)
        if not known and PLACEHOLDER.fullmatch(found.group()):
            # <your name> is text; but a line that begins with it is HTML to some, until an empty line
            self._doubtful = True
            self.out.put(found.group())
            return after
        if name == "a":
            self.out.replace(self._anchor) if self._anchor.startswith(" ") else self.out.put(self._anchor)
            self._anchor = ""
            if not closing and (href := HREF.search(attributes)):
                self._open(unescape(next(group for group in href.groups() if group is not None)))
        elif name in ("img", "image") and (alt := ALT.search(attributes)):
            self.out.replace(self._inner(next(group for group in alt.groups() if group is not None)))
        elif name == "br":
            self.out.put(" ")
        self.out.gap = True
        return after

    def _open(self, href: str) -> None:
        if url := self._url(href):
            self.out.put(" [" if self.out.last == "!" else "[")
            self._anchor = f"]({url})"
        elif shown := self._instead(href):
            self._anchor = f" ({shown})"


def clean(text: str, allowed: AllowedLinks, passages: str = "", language: str = "en") -> str:
    """What LinkFilter makes of a whole text."""
    links = LinkFilter(allowed, passages, language)
    return links.feed(text) + links.flush()
