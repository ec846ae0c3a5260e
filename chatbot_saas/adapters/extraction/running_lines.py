"""Headers, footers and page numbers that a printed document repeats on its pages: noise after the first."""

import re
from collections import defaultdict

_EDGE = 2  # lines looked at, at the top and at the bottom of a page
_MIN_PAGES = 4
_SHARE = 0.4  # of the pages; headers often differ between left and right pages
_REST = 2  # lines that a page must have besides
_LONGEST = 200  # characters
_NUMBER = re.compile(r"\d+")
_Key = tuple[str, str]


def without_running_lines(pages: list[str]) -> list[str]:
    """The pages without lines that stand at the edge of many of them; the first page with such a line keeps it.

    A line is the same on two pages if its words are, or if they differ by a number that counts the pages. Data at the
    edge of a page ("Item 5: 12.00") counts nothing and stays.
    """
    if len(pages) < _MIN_PAGES:
        return pages
    lines = [page.split("\n") for page in pages]
    found: dict[_Key, dict[int, int]] = defaultdict(dict)
    for number, page in enumerate(lines):
        for line in _edges(page):
            for key, count in _keys(line):
                found[key].setdefault(number, count)
    filled = sum(map(bool, pages))
    running = {key for key, on in found.items() if len(on) >= max(_MIN_PAGES, _SHARE * filled) and _counts(key, on)}
    return ["\n".join(_kept(page, number, found, running)) for number, page in enumerate(lines)] if running else pages


def _edges(page: list[str]) -> list[str]:
    return page[:_EDGE] + page[_EDGE:][-_EDGE:] if len(page) >= _REST + 1 else []


def _keys(line: str) -> list[tuple[_Key, int]]:
    """What to compare: the whole line, and the line with its first or its last number left open."""
    if not line.strip() or len(line) > _LONGEST:
        return []
    numbers = list(_NUMBER.finditer(line))
    opened = {
        (line[: match.start()], line[match.end() :]): int(match[0][:9]) for match in (*numbers[:1], *numbers[-1:])
    }
    return [((line, ""), -1), *opened.items()]


def _counts(key: _Key, on: dict[int, int]) -> bool:
    """Whether the open number goes up with the pages, by the same distance on nearly all of them."""
    if -1 in on.values():
        return not key[1]
    distances = [count - number for number, count in on.items()]
    return max(map(distances.count, set(distances))) >= 0.8 * len(distances)


def _kept(page: list[str], number: int, found: dict[_Key, dict[int, int]], running: set[_Key]) -> list[str]:
    edges = set(_edges(page))
    gone = {
        line
        for line in edges
        for key, _ in _keys(line)
        if key in running and min(found[key]) != number and number in found[key]
    }
    if len(page) - sum(line in gone for line in page[:_EDGE] + page[_EDGE:][-_EDGE:]) < _REST:
        return page
    top = [line for line in page[:_EDGE] if line not in gone]
    middle = page[_EDGE : max(len(page) - _EDGE, _EDGE)]
    bottom = [line for line in page[max(len(page) - _EDGE, _EDGE) :] if line not in gone]
    return [*top, *middle, *bottom]
