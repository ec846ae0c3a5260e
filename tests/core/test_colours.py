"""Colours, and what can be read on them."""

import itertools

from chatbot_saas.core.colours import READABLE, contrast, text_on


def test_text_can_be_read_on_every_colour() -> None:
    """So that no colour has to be refused."""
    steps = range(0, 256, 15)
    for red, green, blue in itertools.product(steps, steps, steps):
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        assert contrast(colour, text_on(colour)) >= READABLE, colour


def test_contrast_is_the_same_both_ways() -> None:
    assert round(contrast("#000000", "#ffffff"), 1) == round(contrast("#ffffff", "#000000"), 1) == 21.0
