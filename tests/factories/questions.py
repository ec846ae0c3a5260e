"""Bots with questions that have answers of their own."""

from uuid import UUID

from chatbot_saas.schemas.sources import QaSource, QuestionPair, SourceRead
from chatbot_saas.services import intake
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import settled
from tests.factories.people import Person

HOURS = QuestionPair(
    question="What are your opening hours?",
    answer="We are open **Monday to Friday**, 9 to 17.\n\n- Closed on [public holidays](https://shop.example/holidays)",
)
REFUND = QuestionPair(
    question="How long does a refund take?", answer="A refund takes 5 working days. It goes to the account that paid."
)
PAIRS = [HOURS, REFUND]


async def add_pairs(
    rt: Runtime, person: Person, bot_id: UUID, pairs: list[QuestionPair] | None = None, **fields: str
) -> SourceRead:
    """A list of questions, waited for until it is ready or failed."""
    body = QaSource(type="qa", pairs=pairs or PAIRS, **fields)
    source = await intake.add(rt, person.principal, bot_id, body)
    return await settled(rt, person, source.id)
