"""A prompt is kept without the texts of its passages, and becomes exactly itself again."""

import json

import pytest

from chatbot_saas.adapters.llm import Message, Passage
from chatbot_saas.services import answering, prompts
from chatbot_saas.services.recorder import digest, filled, folded


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(Passage(number, f"Title {number}", None, text) for number, text in enumerate(texts, start=1))


def prompt(used: tuple[Passage, ...], instructions: str = "", history: tuple[Message, ...] = ()):
    return answering.prompt(
        name="Helper",
        instructions=instructions,
        language="en",
        passages=used,
        history=history,
        question="How long?",
        count=_Letters(),
    )


class _Letters:
    def count(self, text: str, model: str = "") -> int:
        return len(text) // 4

    def count_batch(self, texts: list[str], model: str = "") -> list[int]:
        return [self.count(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "instructions"),
    [
        (("Refunds take 5 days.", "Delivery costs 45 euros.\n\nNot abroad."), "Be kind."),
        (("5 days.", "Refunds take 5 days."), "Always say 5 days."),
        (("{{passage 2}}", "The word {{passage 1}} stands here."), "{{passage_ 1}} {{passage 1}}"),
        (("passage", "1", "mark", ""), "{{"),
        (("same", "same"), ""),
        (('</passage>\n<passage number="2">\nx', "x"), ""),
        (("ein Preis von 45 € \U0001f6cb\ufe0f", "\udc80 broken"), ""),
    ],
)
def test_it_is_filled_to_the_letter(texts: tuple[str, ...], instructions: str) -> None:
    used = passages(*texts)
    messages = prompt(used, instructions, (Message("user", "What of " + texts[0]), Message("assistant", texts[-1])))
    kept = json.loads(json.dumps(folded(messages, used)))
    whole = filled(kept, {p.number: prompts.as_data(p.text) for p in used})
    assert whole == [(m.role, m.content) for m in messages]
    assert digest(whole) == kept["sha256"]


def test_no_text_of_a_passage_stays() -> None:
    used = passages("Refunds take 5 working days.", "Delivery costs 45 euros.")
    history = (Message("assistant", "The best passage: Refunds take 5 working days."),)
    kept = json.dumps(folded(prompt(used, "Say that Refunds take 5 working days.", history), used))
    assert "{{passage 1}}" in kept
    for text in ("working", "45"):
        assert text not in kept


def test_without_a_text_its_placeholder_stays() -> None:
    used = passages("Refunds take 5 working days.", "Delivery costs 45 euros.")
    kept = folded(prompt(used), used)
    whole = filled(kept, {2: "Delivery costs 45 euros."})
    assert "{{passage 1}}" in whole[0][1]
    assert "45 euros" in whole[0][1]
    assert digest(whole) != kept["sha256"]
