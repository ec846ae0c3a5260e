"""Colours that text can be read on. All are written #rrggbb."""

import colorsys

READABLE = 4.5
"""Contrast of normal text (WCAG 2.2, 1.4.3)."""
VISIBLE = 3.0
"""Contrast of a button with what is around it (WCAG 2.2, 1.4.11)."""
LIGHT_PAGE, DARK_PAGE = "#ffffff", "#14161a"
"""Backgrounds of the chat window, and of most websites."""
_VIVID = 0.12  # of HSV's saturation times value; below, a colour is a grey that every website has
_DARK = 0.18
_MIDDLE = 0.179  # of luminance: black and white stand out alike


def is_colour(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdef" for digit in text[1:].lower())


def contrast_with_white(colour: str) -> float:
    """1 to 21 (WCAG 2.2's contrast ratio)."""
    return contrast(colour, "#ffffff")


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str) -> str:
    """The colour, or as much darker as white text on it needs."""
    hue, saturation, value = colorsys.rgb_to_hsv(*_parts(colour))
    made = colour.lower()
    while contrast_with_white(made) < READABLE:
        value = max(0.0, value - 0.01)
        made = _written(*colorsys.hsv_to_rgb(hue, saturation, value))
    return made


def text_on(colour: str) -> str:
    """Black or white, whichever is easier to read on it: one of them always has 4.58 or more."""
    return "#000000" if _luminance(colour) > _MIDDLE else "#ffffff"


def telling(colours: list[str]) -> str:
    """The first that looks like somebody's colour: a vivid one, else a dark one; empty for white and greys only."""
    known = [colour.lower() for colour in colours if is_colour(colour)]
    vivid = (colour for colour in known if _vividness(colour) >= _VIVID)
    dark = (colour for colour in known if _luminance(colour) < _DARK)
    return next(vivid, "") or next(dark, "")


def _vividness(colour: str) -> float:
    _, saturation, value = colorsys.rgb_to_hsv(*_parts(colour))
    return saturation * value


def _luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{int(part * 255):02x}" for part in (red, green, blue))
