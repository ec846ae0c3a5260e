"""The flight recorder: what an answer was made from is kept, so that it opens to its exact prompt months later.

A chunk's id follows from what it holds, so each is kept once, whatever number of answers were made from it. It outlives
a change of its document and goes when the document is deleted: a prompt is kept without the texts of its passages.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatbot_saas.adapters.llm import Message, Passage
from chatbot_saas.services import prompts

KEEP_PASSAGES = """
    INSERT INTO recorded_passages (id, tenant_id, bot_id, document_id, title, url, headings, page, pages, start, "end",
                                   text, question)
    SELECT c.id, c.tenant_id, c.bot_id, c.document_id, d.title, d.url, c.headings, c.page, c.pages, c.start, c."end",
           c.text, c.question
    FROM chunks c JOIN documents d ON d.id = c.document_id
    WHERE c.id = ANY(%(ids)s) AND NOT EXISTS (SELECT 1 FROM recorded_passages r WHERE r.id = c.id)
    FOR KEY SHARE OF d
    ON CONFLICT DO NOTHING
    """
"""Keeps the chunks `ids` (a list of UUIDs) that are not kept yet. To be run before the answer's row is written: it
waits for a deletion that is under way, which may be about to take that row too. What was deleted meanwhile is left
out, without an error."""


def folded(messages: Sequence[Message], passages: Sequence[Passage]) -> dict[str, Any]:
    """A prompt to be kept: {"messages": [{"role", "content"}], "mark", "sha256"}.

    Wherever the text of a passage stands, a placeholder stands instead, such as {{passage 1}}; `mark` is the first word
    of placeholders, another one where the prompt itself holds such words. `sha256` is that of the prompt as it was.
    """
    mark = "passage"
    while any(f"{{{{{mark} " in message.content for message in messages):
        mark += "_"
    texts = {passage.number: prompts.as_data(passage.text) for passage in passages}
    return {
        "messages": [{"role": m.role, "content": _fold(m.content, texts, mark)} for m in messages],
        "mark": mark,
        "sha256": digest([(m.role, m.content) for m in messages]),
    }


def _fold(content: str, texts: Mapping[int, str], mark: str) -> str:
    """Each place of each text, from left to right; of two at the same place the longer one."""
    left = {number: text for number, text in texts.items() if text}
    parts: list[str] = []
    at = 0
    while left:
        places = [(content.find(text, at), -len(text), number) for number, text in left.items()]
        left = {number: left[number] for place, _, number in places if place >= 0}
        if left:
            place, _, number = min(found for found in places if found[0] >= 0)
            parts += content[at:place], f"{{{{{mark} {number}}}}}"
            at = place + len(left[number])
    return "".join([*parts, content[at:]])


def digest(messages: Sequence[tuple[str, str]]) -> str:
    """Of (role, content) each, in order."""
    whole = hashlib.sha256()
    for role, content in messages:
        for part in (role, content):
            data = part.encode("utf-8", "surrogatepass")
            whole.update(len(data).to_bytes(8))
            whole.update(data)
    return whole.hexdigest()


def filled(kept: Mapping[str, Any], texts: Mapping[int, str]) -> list[tuple[str, str]]:
    """(role, content) of what `folded` kept, with the passages' texts by number; where one is missing, its placeholder
    stays."""
    placeholder = re.compile(r"\{\{" + re.escape(kept["mark"]) + r" (\d+)\}\}")

    def text(found: re.Match[str]) -> str:
        return texts.get(int(found.group(1)), found.group())

    return [(message["role"], placeholder.sub(text, message["content"])) for message in kept["messages"]]
