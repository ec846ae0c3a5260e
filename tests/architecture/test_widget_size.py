"""The widget's weight, as a visitor pays for it: the gzipped bytes that the router sends."""

import re

import pytest

from chatbot_saas.api.widget import ENTRY, FOLDER, LOADER, load_assets
from chatbot_saas.api.widget_bundle import bundled, grouped

KILOBYTE = 1024
LANGUAGE = re.compile(r"(texts|more)-(\w\w)\.js")
PAGES = {"demo.html", "gone.html"}
"""Pages that no website loads."""
SIZES = {name: len(asset.packed) for name, asset in load_assets()[1].items() if name not in PAGES}
PARTS = bundled({path.name: path.read_text("utf-8") for path in FOLDER.glob("*.js")}, ENTRY)[1] - {ENTRY}
"""Files that are in ENTRY, so that nobody fetches them."""
FIRST = {LOADER, "panel.js", "frame.html", "frame.css", ENTRY}
"""All that a first answer needs, beside the words of a language."""


def languages() -> dict[str, int]:
    """What each language weighs, its first words and the others."""
    found: dict[str, int] = {}
    for name, size in SIZES.items():
        if known := LANGUAGE.fullmatch(name):
            found[known[2]] = found.get(known[2], 0) + size
    return found


def test_loader_is_at_most_3_kb() -> None:
    assert SIZES[LOADER] <= 3 * KILOBYTE


def test_the_frame_loads_no_more_than_its_two_files() -> None:
    page = load_assets()[1]["frame.html"].plain.decode()
    assert set(re.findall(r'(?:src|href)="([\w-]+\.(?:js|css))\?', page)) == {"frame.css", ENTRY}
    assert {"client.js", "view.js", "markdown.js", "texts.js", "stream.js"} <= PARTS


def test_all_that_a_first_answer_needs_is_at_most_15_kb() -> None:
    first = {name: size for name, size in SIZES.items() if name in FIRST}
    worst = max(size for name, size in SIZES.items() if name.startswith("texts-"))
    assert sum(first.values()) + worst <= 15 * KILOBYTE, first


def test_all_together_is_at_most_30_kb() -> None:
    used = {name: size for name, size in SIZES.items() if name not in PARTS and not LANGUAGE.fullmatch(name)}
    assert sum(used.values()) + max(languages().values()) <= 30 * KILOBYTE, used


def test_nothing_that_a_first_answer_needs_is_fetched_beside_it() -> None:
    for name in FIRST:
        assert not re.findall(r"^import |from *[\"']", load_assets()[1][name].plain.decode(), re.MULTILINE), name


def test_two_parts_of_one_file_may_not_have_one_name() -> None:
    texts = {
        "frame.js": 'import { a } from "./a.js";\nlet one, two;\n',
        "a.js": "export const a = 1;\nconst [b, two] = [];\n",
    }
    with pytest.raises(ValueError, match="two"):
        bundled(texts, "frame.js")


def test_parts_that_are_sent_together_import_once_and_are_asked_for_by_one_name() -> None:
    texts = {
        "frame.js": 'const open = () => import("./a.js");\n',
        "a.js": 'import { make, icon } from "./frame.js";\nexport const a = () => import("./b.js");\n',
        "b.js": 'import { a } from "./a.js";\nimport { make } from "./frame.js";\nexport const b = 2;\n',
    }
    joined = grouped(texts, "parts.js", ("a.js", "b.js"))
    assert joined == {
        "frame.js": 'const open = () => import("./parts.js");\n',
        "parts.js": 'import { icon, make } from "./frame.js";\n'
        'export const a = () => import("./parts.js");\nexport const b = 2;\n',
    }


def test_a_language_costs_less_than_a_kilobyte_a_file() -> None:
    sizes = {name: size for name, size in SIZES.items() if LANGUAGE.fullmatch(name)}
    assert len(languages()) == 14
    assert max(sizes.values()) < KILOBYTE, sizes
