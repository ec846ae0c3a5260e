"""Makes our own JavaScript smaller for the way to the browser: no idle space or brackets, and short local names.

It knows the JavaScript that the widget is written in, not all there is: statements end in `;`, there are no classes and
no labels. A name that is declared somewhere is shortened in the whole statement of the file's top level, whatever its
scope in there, unless it is exported, imported or the browser's own; properties keep theirs. Pure.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from string import ascii_letters, ascii_uppercase

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n]+)
    |(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>\d[\w.]*)
    |(?P<word>[A-Za-z_$][\w$]*)
    |(?P<sign>\.\.\.|=>|\?\.(?!\d)|[&|?]{2}=|===|!==|\*\*|[=!<>+*/%&|^-]=|&&|\|\||\?\?|\+\+|--|[^\w\s])""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEYWORDS = _words(
    "async await break case catch class const continue default delete do else export extends false finally for "
    "function get if import in instanceof let new null of return set static super switch this throw true try typeof "
    "undefined var void while yield from as"
)
_BEFORE_REGEX = _words("return typeof case in of delete void throw new else do await yield")
BROWSERS = _words(
    "alert arguments atob blur btoa caches close closed confirm console crypto document event external fence fetch "
    "find focus frames history indexedDB innerHeight innerWidth length localStorage location matchMedia moveBy moveTo "
    "name navigation navigator open opener origin outerHeight outerWidth parent performance postMessage print "
    "prompt queueMicrotask reportError screen screenX screenY scroll scrollBy scrollTo scrollX scrollY self "
    "sessionStorage setInterval setTimeout status statusbar stop structuredClone styleMedia toolbar top window "
    "clearInterval clearTimeout addEventListener removeEventListener dispatchEvent isNaN parseInt parseFloat eval "
    "constructor requestAnimationFrame cancelAnimationFrame getComputedStyle getSelection visualViewport scheduler "
    "chrome"
)
"""Names of `window` that a file may use as such, while another has its own under the name."""
_OPENS, _CLOSES = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")
_GOES_ON = _words("; { ( [ , => = + - * && || ?? ? : . ! ... === !== < > += &= |= ??= ||= &&=")
_GOES_BACK = _words("} ) ] , ; . ?. ? : && || ?? = ===")

_BEFORE_OBJECT = _words("( , = const let return : [ ? && || ?? of ...")
_BEFORE_KEY = frozenset(("{", ",", "async", "get", "*"))
_SHORTER = {"const": "let", "true": "!0", "false": "!1"}
_HEADS = frozenset(("if", "for", "while"))
_ABOVE = ascii_uppercase[:3:-1]
"""Short names for what is used in many statements; the first letters are left to each of them."""
_IDLE = frozenset(("space", "line"))

Token = tuple[str, str]
"""Kind and text; `template` is a whole piece of one between its expressions."""


def minify(source: str) -> str:
    return "".join(_joined(_merged(_bare(_shortened(list(_tokens(source)))[0]))))


def renamed(source: str) -> set[str]:
    """The names that `minify` shortens."""
    return _shortened(list(_tokens(source)))[1]


def _tokens(source: str) -> Iterator[Token]:
    last, at = "", 0
    braces = [0]  # open ones, in the file and in each `${` that is open
    while at < len(source):
        if source[at] == "`" or (source[at] == "}" and len(braces) > 1 and braces[-1] == 0):
            stop = _template_end(source, at + 1)
            opened = source[stop - 1] == "{"
            if source[at] == "}":
                braces.pop()
            if opened:
                braces.append(0)
            last = source[at:stop]
            yield "template", last
            at = stop
            continue
        if source[at] == "/" and source[at + 1] not in "/*" and _starts_regex(last):
            found = _REGEX.match(source, at)
            kind = "text"
        else:
            found = _TOKEN.match(source, at)
            kind = str(found.lastgroup) if found else ""
        if not found:
            raise ValueError(f"This is not understood: {source[at : at + 40]!r}")
        text = found.group()
        at = found.end()
        if kind == "comment":
            continue
        if kind == "space":
            yield ("line" if "\n" in text else "space"), text
            continue
        if kind == "sign":
            braces[-1] += (text == "{") - (text == "}")
        last = text
        yield kind, text


def _template_end(source: str, at: int) -> int:
    """Behind the backtick that ends the template, or behind the `${` that interrupts it."""
    while source[at] != "`" and source[at : at + 2] != "${":
        at += 2 if source[at] == "\\" else 1
    return at + (1 if source[at] == "`" else 2)


def _starts_regex(last: str) -> bool:
    return last in _BEFORE_REGEX or not re.search(r"[\w$)\]\"'`]$", last)


def _shortened(tokens: list[Token]) -> tuple[list[Token], set[str]]:
    """The tokens with short names, and the names that were long."""
    places = [at for at, token in enumerate(tokens) if token[0] not in _IDLE]
    names = _Names([tokens[at] for at in places])
    short = names.short()
    for place, role, part in zip(places, names.roles, names.parts, strict=True):
        text = tokens[place][1]
        if role and text in short[part]:
            tokens[place] = ("word", f"{text}:{short[part][text]}" if role == "shorthand" else short[part][text])
    return tokens, set[str]().union(*short)


class _Names:
    """What each word is: a `name`, one that is its key as well (`shorthand`), or nothing that can be shortened."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.roles: list[str] = [""] * len(tokens)
        self.parts = [0] * len(tokens)
        """In which statement of the top level it stands."""
        self._tokens = tokens
        self._declared, self._above, self._kept = set[str](), set[str](), set(BROWSERS)
        brackets: list[int] = []
        part = 0
        for at, (kind, text) in enumerate(tokens):
            if (kind == "template" and text[0] == "}") or (kind == "sign" and text in _CLOSES):
                opened = brackets.pop()
                if kind == "sign" and self._declares(opened, at):
                    self._declared |= (bound := set(_bound(tokens[opened + 1 : at])))
                    if text != ")" and not brackets:
                        self._above |= bound
            if (kind == "template" and text.endswith("${")) or (kind == "sign" and text in _OPENS):
                brackets.append(at)
            if kind == "word" and text not in _KEYWORDS:
                self.roles[at] = self._role(at, brackets[-1] if brackets else None)
            self.parts[at] = part
            if not brackets and text in (";", "}"):
                part += 1

    def short(self) -> list[dict[str, str]]:
        """By statement: what is declared above all has one name everywhere, the rest begins anew in each."""
        uses = [Counter[str]() for _ in range(self.parts[-1] + 1)]
        words = [set(_KEYWORDS) for _ in uses]
        for (kind, text), role, part in zip(self._tokens, self.roles, self.parts, strict=True):
            uses[part][text] += bool(role)
            words[part] |= {text} if kind == "word" else set()
        may = {name for name in self._declared - self._kept if len(name) > 1}
        every = ["".join(letters) for size in (1, 2) for letters in product(ascii_letters, repeat=size)]
        everywhere = set[str]().union(*words)
        last = [name for name in (*_ABOVE, *reversed(every)) if name not in everywhere]
        often = sum(uses, Counter[str]())
        above = dict(
            zip(sorted(may & self._above, key=lambda name: (-often[name], name)), dict.fromkeys(last), strict=False)
        )
        found: list[dict[str, str]] = []
        for used, said in zip(uses, words, strict=True):
            free = (name for name in every if name not in said and name not in above.values())
            inside = (name for name, _ in used.most_common() if name in may - self._above)
            found.append(above | dict(zip(inside, free, strict=False)))
        return found

    def _text(self, at: int) -> str:
        return self._tokens[at][1] if 0 <= at < len(self._tokens) else ""

    def _role(self, at: int, bracket: int | None) -> str:
        text, before, after = self._text(at), self._text(at - 1), self._text(at + 1)
        if before in (".", "?."):
            return ""
        if before in ("const", "let", "function") or after == "=>" or (before == "," and self._in_list(at)):
            exported = any(self._text(earlier) == "export" for earlier in range(at - 4, at))
            (self._kept if exported else self._declared).add(text)
            if bracket is None and after != "=>":
                self._above.add(text)
            return "name"
        if bracket is None or self._text(bracket) != "{" or before not in _BEFORE_KEY:
            return "name"
        if self._text(bracket - 1) in ("import", "export"):
            self._kept.add(text)
        if self._text(bracket - 1) not in _BEFORE_OBJECT:
            return "name"
        if after in (",", "}", "="):
            if self._text(bracket - 1) in ("const", "let"):
                self._declared.add(text)
            return "shorthand"
        return "" if after in (":", "(") else "name"

    def _declares(self, opened: int, closed: int) -> bool:
        """Whether what these brackets hold are parameters, or the names of `const [...]`."""
        before, after = self._text(opened - 1), self._text(closed + 1)
        if self._text(opened) == "[":
            return before in ("const", "let")
        if self._text(opened) != "(":
            return False
        return after == "=>" or before == "catch" or (after == "{" and before not in ("if", "for", "while", "switch"))

    def _in_list(self, at: int) -> bool:
        """Whether this is a later name of `let a, b, c;`, where none before it has a value."""
        while self._text(at - 1) == "," and at > 1 and self._tokens[at - 2][0] == "word":
            at -= 2
        return self._text(at - 1) == "let"


def _bound(inside: Sequence[Token]) -> Iterator[str]:
    """The names that parameters or a pattern give, however deep: what follows a `=` is a value."""
    value_at: int | None = None
    depth = 0
    for at, (kind, text) in enumerate(inside):
        before = inside[at - 1][1] if at else ","
        after = inside[at + 1][1] if at + 1 < len(inside) else ","
        if kind == "sign":
            depth -= text in _CLOSES
            if value_at is not None and (depth < value_at or (text == "," and depth == value_at)):
                value_at = None
            if text == "=" and value_at is None:
                value_at = depth
            depth += text in _OPENS
        elif kind == "word" and value_at is None and after != ":" and before in (",", "...", "{", "[", ":"):
            yield text


def _bare(tokens: Sequence[Token]) -> list[Token]:
    """Without the brackets around the only parameter of an arrow function."""
    places = [at for at, token in enumerate(tokens) if token[0] not in _IDLE]
    idle = set[int]()
    for opened, name, closed, arrow in zip(places, places[1:], places[2:], places[3:], strict=False):
        around = (tokens[opened][1], tokens[closed][1], tokens[arrow][1])
        if around == ("(", ")", "=>") and tokens[name][0] == "word":
            idle |= {opened, closed}
    return [token for at, token in enumerate(tokens) if at not in idle]


def _merged(tokens: Sequence[Token]) -> list[Token]:
    """With one declaration where several stand behind each other, and nothing idle before a closing brace."""
    places = [at for at, token in enumerate(tokens) if token[0] not in _IDLE]
    made, idle = list(tokens), set[int]()
    declares = [""]
    """By open bracket, what the present statement declares, `;` where the one before it did."""
    opened: list[str] = []
    """By open bracket, the word before it."""
    before, head = "", ""
    for last, at in zip([0, *places], places, strict=False):
        kind, text = tokens[at]
        if kind == "word" and text in ("const", "let"):
            if before == ";" and declares[-1] == ";":
                made[last] = ("sign", ",")
                idle.add(at)
            declares[-1] = "" if before == "export" else text
        elif text == ";":
            declares[-1] = ";" if declares[-1] in ("const", "let") else ""
        elif before == ";":
            declares[-1] = ""
        # what stands behind the head of a loop may be a statement that does nothing
        if text == "}" and (before == "," or (before == ";" and head not in _HEADS)):
            idle.add(last)
        head = head if text == ";" else ""
        if (kind == "template" and text[0] == "}") or (kind == "sign" and text in _CLOSES):
            declares.pop()
            head = opened.pop()
        if (kind == "template" and text.endswith("${")) or (kind == "sign" and text in _OPENS):
            declares.append("")
            opened.append(before)
        before = text
    return [token for at, token in enumerate(made) if at not in idle]


def _joined(tokens: Sequence[Token]) -> Iterator[str]:
    last, idle = "", ""
    for kind, text in tokens:
        if kind in _IDLE:
            idle = kind if idle != "line" else idle
            continue
        if idle == "line" and last and last not in _GOES_ON and text not in _GOES_BACK:
            yield "\n"
        elif idle and re.fullmatch(r"[\w$]{2}|\+\+|--|//", last[-1:] + text[:1]):
            yield " "
        yield _SHORTER.get(text, text) if kind == "word" else text
        last, idle = text, ""
