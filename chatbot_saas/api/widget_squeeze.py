"""Leaves out of the widget's files what only their readers need: comments, indentation, idle breaks and spaces.

No names are changed. It knows the language as our own files use it: a comment stands on a line of its own or holds no
quotation mark, a statement ends with a semicolon or a brace, and a regular expression follows a sign or `return`.
"""

import re

_COMMENT_LINE = re.compile(r"^\s*(?:(?://|/\*|(?<= )\*).*)?\n", re.MULTILINE)
_TRAILING = re.compile(r" // [^\"'`\n]*$", re.MULTILINE)  # no address has a space before it
_INDENT = re.compile(r"^ +", re.MULTILINE)
_JS_BREAK = re.compile(r"(?<=[{(\[;,])\n")  # behind these a statement goes on, or has ended by itself
_CSS_SPACE = re.compile(r"\s*([{};,])\s*|(?<=:) ")  # a space before a colon means something in a selector
_JS_SPACE = re.compile(r" ?([=<>?:,;{}()\[\]|&!*]+) ?")
_PIECE = re.compile(
    r"""
    (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    | (?P<pattern>(?:(?<=return\ )|(?<![\w)\]$])(?<![\w)\]$]\ ))
        /(?![/*\ ])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
    | (?P<code>[^"'`/]+|/)
    """,
    re.VERBOSE,
)
"""A template counts as a text as a whole: what is written in its `${}` stays as it is, and holds no other template."""


def squeeze(text: str, suffix: str) -> str:
    if suffix in (".js", ".css"):
        text = _COMMENT_LINE.sub("", text)
    if suffix == ".css":
        text = _CSS_SPACE.sub(r"\1", text).replace(";}", "}")
    if suffix == ".js":
        text = _TRAILING.sub("", text)
    text = _INDENT.sub("", text)
    return _without_spaces(_JS_BREAK.sub("", text)) if suffix == ".js" else text


def _without_spaces(text: str) -> str:
    return _PIECE.sub(lambda piece: _JS_SPACE.sub(r"\1", piece[0]) if piece["code"] else piece[0], text)
