"""The widget's weight, as a visitor pays for it: the gzipped bytes that the router sends."""

import re

from chatbot_saas.api.widget import LOADER, load_assets

KILOBYTE = 1024
ON_DEMAND = re.compile(r"passage\.(?:js|css)|texts-\w\w\.js|offer\.js|demo\.html|gone\.html")
"""One language at most, an opened source, what only some answers need, and pages that no website loads."""


def test_loader_is_at_most_3_kb() -> None:
    assert len(load_assets()[1][LOADER].packed) <= 3 * KILOBYTE


def test_all_that_a_first_answer_needs_is_at_most_15_kb() -> None:
    sizes = {name: len(asset.packed) for name, asset in load_assets()[1].items() if not ON_DEMAND.fullmatch(name)}
    assert {LOADER, "frame.html", "frame.css", "frame.js"} <= sizes.keys()
    assert sum(sizes.values()) <= 15 * KILOBYTE, sizes


def test_a_language_costs_less_than_a_kilobyte() -> None:
    sizes = [len(asset.packed) for name, asset in load_assets()[1].items() if name.startswith("texts-")]
    assert sizes
    assert max(sizes) < KILOBYTE
