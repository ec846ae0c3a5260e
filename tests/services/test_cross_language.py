"""Questions and documents in different languages; a small dictionary stands for an embedder that knows both."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from chatbot_saas.adapters.embeddings import Embedded
from chatbot_saas.schemas.sources import TextSource
from chatbot_saas.services import answerability, bots, intake
from chatbot_saas.services.retrieval import BotIndex, retrieve
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import make_bot, settled
from tests.factories.people import Person

CONCEPTS = [
    "delivery|lieferung|送货|配送",
    "island|insel|岛",
    "long|dauert|takes|多久",
    "refund|rückzahlung|退款",
    "account|konto|账户",
    "breakfast|frühstück|早餐",
    "served|gibt|供应",
    "battery|akku|电池",
    "charge|laden|充电",
    "garden|garten|花园",
    "dogs|hunde|狗",
    "allowed|erlaubt|允许",
]
TEXTS = {
    "Delivery": "The delivery to the island takes seven working days, and the ferry brings it in the morning.",
    "Refunds": "We pay each refund to the account from which the customer has paid us.",
    "Breakfast": "Our breakfast is served between eight and ten in the small dining room.",
    "Machines": "The battery of the mower needs four hours to charge when it is empty.",
    "House rules": "In the garden dogs are allowed as long as they stay with their owners.",
}
NOISE = 0.05


class Bilingual:
    name, dimension, batch_size = "bilingual-stub", len(CONCEPTS) + 1, 32

    async def embed_documents(self, texts: Sequence[str]) -> Embedded:
        return Embedded([self._vector(text)[None, :] for text in texts], 0, self.name, 0.0, "offline")

    async def embed_query(self, text: str) -> Embedded:
        return await self.embed_documents([text])

    async def close(self) -> None: ...

    def _vector(self, text: str) -> np.ndarray:
        vector = [float(bool(re.search(concept, text.lower()))) for concept in CONCEPTS]
        made = np.array([*vector, NOISE], np.float32)
        return made / np.linalg.norm(made)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Wie lange dauert die Lieferung auf die Insel?", "Delivery"),
        ("Auf welches Konto kommt meine Rückzahlung?", "Refunds"),
        ("Wann gibt es bei Ihnen Frühstück?", "Breakfast"),
        ("Sind Hunde im Garten erlaubt?", "House rules"),
        ("送货到岛上需要多久？", "Delivery"),
        ("请问电池怎么充电？", "Machines"),
        ("花园里允许带狗吗？", "House rules"),
    ],
)
async def test_the_passage_in_another_language_comes_first_and_is_answered_from(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch, question: str, title: str
) -> None:
    index = await _reading(rt, owner, monkeypatch)
    found = await retrieve(rt, owner.principal, index, question)
    assert found.passages[0].title == title
    for quotes in (False, True):
        assert answerability.decide(found.answerability, "balanced", found.passages, quotes=quotes) == "answer"


async def test_what_no_passage_is_about_is_not_answered(
    rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = await _reading(rt, owner, monkeypatch)
    found = await retrieve(rt, owner.principal, index, "Wer hat die Weltmeisterschaft im Schach gewonnen?")
    assert answerability.decide(found.answerability, "balanced", found.passages, quotes=True) == "refuse"


async def _reading(rt: Runtime, owner: Person, monkeypatch: pytest.MonkeyPatch) -> BotIndex:
    monkeypatch.setattr(rt, "embedder", Bilingual())
    bot = await make_bot(rt, owner, language="auto")
    for title, text in TEXTS.items():
        source = await intake.add(rt, owner.principal, bot.id, TextSource(type="text", title=title, text=text))
        assert (await settled(rt, owner, source.id)).status == "ready"
    async with rt.db.tenant(owner.principal) as session:
        return BotIndex.of(await bots.load(session, owner.principal, bot.id))
