"""Joins modules into one file: one request, and a tenth less to load than apart.

Their texts stand behind each other, so no two of them may have one name at their top level. Other files import from the
joined one what they imported from a part of it, so that there is one of each module.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_TOP = re.compile(r"^(?:export )?(?:(?:async )?function\*?|const|let) ([\[{][^\]}]*|[\w, ]+)", re.MULTILINE)
"""What is declared at the top level: one name, several, or a pattern of them."""


def bundled(texts: Mapping[str, str], entry: str) -> tuple[dict[str, str], frozenset[str]]:
    """The files with `entry` and what it imports joined, and the names of those that nobody asks for any more.

    Raises ValueError where two of them have one name.
    """
    order = _in_order(texts, entry)
    _require_own_names({name: texts[name] for name in order})
    inside = re.compile(rf'from "\./(?:{"|".join(map(re.escape, order))})"')
    rest = {name: inside.sub(f'from "./{entry}"', text) for name, text in texts.items() if name not in order}
    of_entry = re.compile(rf'import \{{([^}}]*)\}} from "\./{re.escape(entry)}"')
    needed = {name for text in rest.values() for names in of_entry.findall(text) for name in re.findall(r"\w+", names)}
    own = re.compile(rf"^export (?=(?:async )?(?:function\*?|const) (?!(?:{'|'.join(needed) or '-'})\b))", re.MULTILINE)
    joined = "".join(_IMPORT.sub("", texts[name]) for name in order)
    return rest | {entry: own.sub("", joined)}, frozenset(order)


def grouped(texts: Mapping[str, str], name: str, parts: Sequence[str]) -> dict[str, str]:
    """The files with `parts`, which are fetched on demand, joined as `name`, by which others know them.

    Raises ValueError where two of them have one name.
    """
    _require_own_names({part: texts[part] for part in parts})
    wanted: dict[str, set[str]] = {}
    for part in parts:
        for names, module in _IMPORT.findall(texts[part]):
            if module not in parts:
                wanted.setdefault(module, set()).update(re.findall(r"\w+", names))
    imports = [f'import {{ {", ".join(sorted(names))} }} from "./{module}";\n' for module, names in wanted.items()]
    joined = "".join([*imports, *(_IMPORT.sub("", texts[part]) for part in parts)])
    asked = re.compile(rf'(import\(|from )"\./(?:{"|".join(map(re.escape, parts))})"')
    others = {other: text for other, text in texts.items() if other not in parts}
    return {other: asked.sub(rf'\1"./{name}"', text) for other, text in (others | {name: joined}).items()}


def _in_order(texts: Mapping[str, str], entry: str) -> list[str]:
    """What `entry` imports, each after what it imports itself, and `entry` last."""
    found: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{name} imports itself, by {', '.join(above)}")
        if name not in found:
            for _, imported in _IMPORT.findall(texts[name]):
                visit(imported, (*above, name))
            found.append(name)

    visit(entry, ())
    return found


def _require_own_names(texts: Mapping[str, str]) -> None:
    declared = [set(re.findall(r"\w+", " ".join(_TOP.findall(text)))) for text in texts.values()]
    twice = sorted(name for name, count in Counter(chain(*declared)).items() if count > 1)
    if twice:
        raise ValueError(f"Two parts of one file have these names: {', '.join(twice)}")
