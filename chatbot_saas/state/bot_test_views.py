"""A run's answers as the page shows them: pure rules, without State."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from chatbot_saas.schemas.bot_tests import AnswerPart, BotTestResultRead, FactView, ResultView, SideAnswer, SideView

_WORD = re.compile(r"\s*\S+")
_LONGEST = 4000
"""Characters of an answer that are compared word by word."""
NOTHING = SideView(parts=[], answered=False, outcome="not_run", note="", sources=[])


def result_view(result: BotTestResultRead) -> ResultView | None:
    """None while the candidate has not answered."""
    candidate, baseline = result.candidate, result.baseline
    if candidate is None:
        return None
    ours, theirs = _parts(candidate.answer, baseline.answer if baseline else candidate.answer)
    missing, missing_before = set(candidate.missing), set(baseline.missing if baseline else ())
    return ResultView(
        test_id=result.test_id,
        question=result.question,
        outcome=result.outcome,
        refusal=result.expectation == "refusal",
        facts=[
            FactView(text=fact, held=fact not in missing, held_before=fact not in missing_before)
            for fact in result.facts
        ],
        candidate=_side(candidate, ours),
        baseline=_side(baseline, theirs) if baseline else NOTHING,
        compared=baseline is not None,
    )


def _side(side: SideAnswer, parts: list[AnswerPart]) -> SideView:
    titles = dict.fromkeys(
        f"{source.title}, page {source.page}" if source.page else source.title for source in side.sources
    )
    outcome = "passed" if side.passed else "unasked" if side.unasked else "failed"
    return SideView(parts=parts, answered=side.answered, outcome=outcome, note=_note(side), sources=list(titles))


def _note(side: SideAnswer) -> str:
    if not side.unasked:
        return ""
    if side.trace.get("fallback"):
        return "The model did not answer, so passages were quoted. This tells nothing about the settings."
    if side.trace.get("second_model"):
        return "The second model answered, since the first did not. This tells nothing about the settings."
    return "The embedding model did not answer, so words alone were searched. This tells nothing about the settings."


def _parts(ours: str, theirs: str) -> tuple[list[AnswerPart], list[AnswerPart]]:
    """Both answers, with the words marked that the other one does not say there."""
    if ours == theirs:
        return [AnswerPart(text=ours, differs=False)], [AnswerPart(text=theirs, differs=False)]
    if len(ours) > _LONGEST or len(theirs) > _LONGEST:
        return [AnswerPart(text=ours, differs=True)], [AnswerPart(text=theirs, differs=True)]
    mine, other = _WORD.findall(ours), _WORD.findall(theirs)
    left: list[AnswerPart] = []
    right: list[AnswerPart] = []
    matcher = SequenceMatcher(None, [word.strip() for word in mine], [word.strip() for word in other], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        _append(left, mine[a:b], kind != "equal")
        _append(right, other[c:d], kind != "equal")
    return left, right


def _append(parts: list[AnswerPart], words: Sequence[str], differs: bool) -> None:
    if words:
        parts.append(AnswerPart(text="".join(words), differs=differs))
