"""What a question finds in a bot's knowledge, and why it does not find the rest."""

from typing import Any

import reflex as rx
from pydantic import TypeAdapter, ValidationError

from chatbot_saas.core.errors import DomainError, InvalidError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.chat import Question
from chatbot_saas.schemas.inspection import (
    Condition,
    ExplainRequest,
    InspectedPassage,
    Inspection,
    KnowledgeChoice,
    Surroundings,
    WhyNot,
)
from chatbot_saas.schemas.workbench import Fact, InspectionView, OutsidePassage, RankedPassage, WhyNotView
from chatbot_saas.services import inspection
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.ids import uuid_of
from chatbot_saas.state.records import rank, share
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.trouble import told
from chatbot_saas.state.validation import problem_words

_QUESTION = TypeAdapter[str](Question)
DECISIONS = {
    "answer": "The bot would answer from these passages",
    "pair": "Your own answer would be given",
    "courtesy": "The bot would answer out of courtesy, without its sources",
    "clarify": "The bot would ask back, with a choice of topics",
    "refuse": "The bot would say that its sources do not hold it",
}
USES = {
    "prompt": "",
    "budget": "Cut by the budget of tokens",
    "limit": "Below the number of passages that an answer is made from",
}


class RetrievalState(rx.State):
    question: str = ""
    busy: bool = False
    ask_problem: str = ""
    """Why the question could not be searched for."""
    problem: str = ""
    """Why there are no documents to choose from."""
    found: InspectionView | None = None
    search: str = ""
    choices: list[KnowledgeChoice] = []
    choices_loaded: bool = False
    choice: str = ""
    """The id of the document that is asked about, or of the source that has none."""
    why_busy: bool = False
    why: WhyNotView | None = None
    around: dict[str, Surroundings] = {}
    """Passages that were opened in their documents, by id."""
    _bot_id: str = ""

    @authorised(Scope.SOURCES_READ, opens=True)
    async def load(self, principal: Tenant):
        self._open()
        await self._choose(principal)

    @authorised(Scope.SOURCES_READ)
    async def change_search(self, principal: Tenant, text: str):
        self.search = str(text)[:80]
        await self._choose(principal)

    @authorised(Scope.CHAT)
    async def ask(self, principal: Tenant, form_data: dict[str, Any]):
        try:
            question = _QUESTION.validate_python(form_data.get("question", ""))
        except ValidationError as error:
            self.ask_problem = problem_words(error)
            return
        self._open()  # whoever is quick asks before the page is loaded
        self.question, self.busy, self.ask_problem = question, True, ""
        self.found, self.why, self.choice, self.around = None, None, "", {}
        yield
        try:
            request = ExplainRequest(query=question)
            result = await inspection.explain(get_runtime(), principal, route_id(self, "bot_id"), request)
            self.found = inspection_view(result, self._bot_id)
        except DomainError as error:
            self.ask_problem = error.message
        finally:
            self.busy = False

    @authorised(Scope.CHAT, Scope.SOURCES_READ)
    async def ask_why(self, principal: Tenant, choice: str):
        """`choice`: the id of a document, or of a source without one."""
        wanted = uuid_of(choice)
        if not self.question:
            raise InvalidError("Ask a question first.")
        is_document = any(item.document_id == wanted for item in self.choices)
        request = ExplainRequest(query=self.question, **{"document_id" if is_document else "source_id": wanted})
        self.choice, self.why, self.why_busy = str(wanted), None, True
        yield
        try:
            result = await inspection.explain(get_runtime(), principal, route_id(self, "bot_id"), request)
            self.why = why_view(result.why_not, self._bot_id) if result.why_not else None
        finally:
            self.why_busy = False

    @authorised(Scope.SOURCES_READ)
    async def toggle_around(self, principal: Tenant, chunk_id: str):
        """Show or hide a passage in its document."""
        wanted = uuid_of(chunk_id)
        if str(wanted) in self.around:
            self.around = {key: value for key, value in self.around.items() if key != str(wanted)}
            return
        async with get_runtime().db.tenant(principal) as session:
            shown = await inspection.surroundings(session, principal, wanted)
        self.around = {**self.around, str(wanted): shown}

    def _open(self) -> None:
        """Forget what was asked of another bot."""
        bot_id = str(route_id(self, "bot_id"))
        if self._bot_id != bot_id:
            self.reset()
            self._bot_id = bot_id

    async def _choose(self, principal: Tenant) -> None:
        with told(self):
            async with get_runtime().db.tenant(principal) as session:
                bot_id = route_id(self, "bot_id")
                self.choices = await inspection.choices(session, principal, bot_id, self.search.strip())
            self.choices_loaded = True


def inspection_view(found: Inspection, bot_id: str) -> InspectionView:
    best = max((passage.lexical_score or 0.0 for passage in found.passages), default=0.0)
    used = [passage for passage in found.passages if passage.use == "prompt"]
    verdict = found.verdict
    conditions = [_condition(condition) for condition in verdict.conditions]
    if verdict.probability is not None:
        conditions.insert(0, Fact(label="Likely to hold the answer", value=f"{verdict.probability:.0%}"))
    return InspectionView(
        question=found.question,
        words=", ".join(found.words),
        decision=verdict.decision,
        title=DECISIONS[verdict.decision],
        reason=verdict.reason,
        conditions=[*conditions, Fact(label="Mode", value=verdict.mode.capitalize())],
        passages=[_ranked(passage, best, bot_id) for passage in found.passages],
        in_prompt=len(used),
        budget=f"{found.budget_used:,} of {found.budget:,} tokens, {len(used)} of at most {found.limit} passages",
        problem=found.embedding_problem,
    )


def _condition(condition: Condition) -> Fact:
    return Fact(label=condition.name, value=f"{condition.value:.0%}", note=f"from {condition.needed:.0%} on")


def _ranked(passage: InspectedPassage, best: float, bot_id: str) -> RankedPassage:
    words = passage.lexical_score
    return RankedPassage(
        id=str(passage.chunk_id),
        number=passage.rank,
        title=passage.title,
        page=passage.page,
        headings=" › ".join(passage.headings),
        text=passage.text,
        href=f"/bots/{bot_id}/knowledge/{passage.source_id}",
        mark="prompt" if passage.use == "prompt" else "out",
        note=USES[passage.use],
        cited=False,
        meaning=share(passage.vector_score),
        meaning_rank=rank(passage.vector_rank),
        words=share(words / best if words is not None and best else None),
        words_rank=rank(passage.lexical_rank),
        covered=share(passage.coverage) or 0,
        fused=f"{passage.score:.4f}",
    )


def why_view(why: WhyNot, bot_id: str) -> WhyNotView:
    return WhyNotView(
        title=why.title,
        href=f"/bots/{bot_id}/knowledge/{why.source_id}",
        verdict=why.verdict,
        found=any(passage.used for passage in why.passages),
        passages=[
            OutsidePassage(
                id=str(passage.chunk_id),
                page=passage.page,
                headings=" › ".join(passage.headings),
                text=passage.text,
                meaning=share(passage.similarity),
                meaning_rank=rank(passage.vector_rank),
                words_rank=rank(passage.lexical_rank) or "–",
                shared=", ".join(passage.shared),
                used=passage.used,
                reasons=passage.reasons,
            )
            for passage in why.passages
        ],
    )
