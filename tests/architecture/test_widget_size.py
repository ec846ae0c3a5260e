"""The widget's weight, as a visitor pays for it: the gzipped bytes that the router sends."""

import re

from chatbot_saas.api.widget import LOADER, load_assets

KILOBYTE = 1024
FIRST = {LOADER, "panel.js", "frame.html", "frame.css", "frame.js"}
"""All that a first answer in English needs."""
PAGES = {"demo.html", "gone.html"}
"""Which no website loads."""


def weight(*names: str) -> int:
    assets = load_assets()[1]
    return sum(len(assets[name].packed) for name in names)


def test_loader_is_at_most_3_kb() -> None:
    assert weight(LOADER) <= 3 * KILOBYTE


def test_all_that_a_first_answer_needs_is_at_most_15_kb() -> None:
    assert weight(*FIRST) <= 15 * KILOBYTE, {name: weight(name) for name in FIRST}


def test_nothing_that_a_first_answer_needs_is_fetched_beside_it() -> None:
    """What is imported at once is in FIRST, or inside frame.js."""
    for name in FIRST:
        text = load_assets()[1][name].plain.decode()
        assert not re.findall(r'^import |from *"', text, re.MULTILINE)
        parts = set(re.findall(r'(?:src|href)="([\w-]+\.\w+)', text))
        assert parts <= FIRST


def test_all_that_there_is_in_one_language_is_at_most_30_kb() -> None:
    names = load_assets()[1].keys() - PAGES
    languages = {name for name in names if name.startswith("texts-")}
    assert weight(*(names - languages)) + max(map(weight, languages)) <= 30 * KILOBYTE


def test_a_language_costs_less_than_a_kilobyte() -> None:
    sizes = [len(asset.packed) for name, asset in load_assets()[1].items() if name.startswith("texts-")]
    assert sizes
    assert max(sizes) < KILOBYTE
