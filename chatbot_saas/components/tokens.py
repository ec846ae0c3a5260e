"""Names that the look is made of. Colours and measures are in assets/tokens.css, shapes of single pages in
assets/pages.css, the theme's scales in rxconfig.py."""

PRODUCT = "Footnote"
PROMISE = "Answers your visitors can check."

STYLESHEETS = ["/tokens.css", "/pages.css"]
"""For the composition root: after Radix and Tailwind, so that tokens win."""
