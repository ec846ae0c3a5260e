"""What is typed in a bot's settings before it is saved: pure rules, without State."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from chatbot_saas.core.errors import InvalidError
from chatbot_saas.core.origins import origin_pattern
from chatbot_saas.schemas.bots import PICTURES, BotPatch, BotRead
from chatbot_saas.schemas.dashboard import BotDraft
from chatbot_saas.services import window_words
from chatbot_saas.state import design_draft
from chatbot_saas.state.validation import problems_of

FIELDS = tuple(BotDraft.model_fields)
LABELS = {
    "name": "Name",
    "description": "Description",
    "instructions": "Instructions",
    "fallback_text": "Fallback text",
    "language": "Language",
    "max_tokens": "Longest answer",
    "model": "Model",
    "temperature": "Temperature",
    "top_p": "Top-p",
    "welcome_message": "Welcome message",
    "starter_questions": "Starter questions",
    "color": "Colour",
    "icon": "Logo",
    "avatar": "Avatar",
    "answer_mode": "How sure an answer must be",
    "fallback_model": "Second model",
    "link_hosts": "Links",
    "passage_limit": "Passages for an answer",
    "passage_tokens": "Length of all passages",
    "vector_weight": "Weight of meaning",
    "rerank": "Reranker",
    "chunk_tokens": "Length of a passage",
    "allowed_origins": "Allowed websites",
    "allow_localhost": "Also on localhost",
    "identity_required": "Only signed-in visitors",
    "page_context": "Questions know their page",
    "allow_tools": "Tools of programs",
    "hold_changes": "Hold changes",
    **design_draft.LABELS,
}
_APART = ("allowed_origins", "starter_questions", *PICTURES, *design_draft.APART)
"""What has handlers of its own."""
_NUMBERS = ("max_tokens", "passage_limit", "passage_tokens", "chunk_tokens")
_SWITCHES = (
    "rerank",
    "allow_tools",
    "hold_changes",
    "allow_localhost",
    "identity_required",
    "page_context",
    *design_draft.SWITCHES,
)
_LONGEST = 20_000
"""More than any field takes, so that the message about the true limit comes from the schema."""


def draft_of(bot: BotRead) -> BotDraft:
    settings = bot.model_dump()
    values: dict[str, Any] = {}
    for name in FIELDS:
        values[name] = design_draft.typed_form(name, design_draft.value_at(settings, name))
    numbers = {name: str(values[name]) for name in _NUMBERS}
    return BotDraft(**{**values, **numbers})


def typed(draft: BotDraft, name: str, value: Any) -> BotDraft:
    """The draft with one field as it was typed, valid or not. Unknown fields change nothing."""
    if name not in FIELDS or name in _APART:
        return draft
    if name in _SWITCHES:
        return draft.model_copy(update={name: value is True})
    if name == "vector_weight" and value is None:
        return draft.model_copy(update={name: None})
    if name == "radius":
        return draft.model_copy(update={name: int(value)}) if str(value).isdecimal() and len(str(value)) < 4 else draft
    if name in ("temperature", "top_p", "vector_weight"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return draft
        return draft.model_copy(update={name: round(float(value), 2)})
    return draft.model_copy(update={name: str(value)[:_LONGEST]})


def tidied(draft: BotDraft) -> BotDraft:
    """Without starter questions that were left empty."""
    kept = [question.strip() for question in draft.starter_questions if question.strip()]
    return draft.model_copy(update={"starter_questions": kept})


def changed(draft: BotDraft, saved: BotDraft) -> dict[str, Any]:
    """The fields that differ, as the service takes them."""
    return patch_of(draft, _differing(draft, saved))


def _differing(draft: BotDraft, saved: BotDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in FIELDS if getattr(draft, name) != getattr(saved, name)}


def together(name: str) -> list[str]:
    """The fields that are sent with this one, itself among them."""
    part = design_draft.part_of(name)
    return [other for other in FIELDS if design_draft.part_of(other) == part]


def patch_of(draft: BotDraft, names: Iterable[str]) -> dict[str, Any]:
    """These fields as the service takes them, and what must be sent with them."""
    patch: dict[str, Any] = {}
    for name in dict.fromkeys(other for one in names for other in together(one)):
        design_draft.put(patch, name, design_draft.kept_form(name, getattr(draft, name)))
    return patch


def problems(patch: dict[str, Any]) -> dict[str, str]:
    """What is wrong with these settings, in words, by the draft's names."""
    try:
        BotPatch.model_validate(patch)
        window_words.require_whole(patch.get("widget", {}).get("texts", {}))
    except ValidationError as error:
        return problems_of(error, design_draft.name_at)
    except InvalidError as error:
        return {"texts": error.message}
    return {}


def merged(draft: BotDraft, saved: BotDraft, theirs: BotDraft) -> tuple[BotDraft, list[str]]:
    """My draft on top of what somebody else saved meanwhile, and the fields that both of us changed.

    What I did not touch becomes theirs; what I touched stays as I typed it.
    """
    mine = _differing(draft, saved)
    both = [name for name in mine if getattr(theirs, name) not in (getattr(saved, name), mine[name])]
    return theirs.model_copy(update=mine), both


def website(text: str) -> str:
    """The origin that somebody means. `shop.example` gets https. Raises ValueError with words."""
    text = text.strip()
    if not text:
        raise ValueError("Write the address of a website, such as https://shop.example.")
    return origin_pattern(text if "://" in text else f"https://{text}")


def shown(name: str, value: Any) -> str:
    """A setting's value as a text for the history."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) if value else "none"  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return ", ".join(f"{key}: {text}" for key, text in value.items()) or "none"  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, bool):
        return "on" if value else "off"
    if name in PICTURES:
        return f"a picture of {len(value) * 3 // 4:,} bytes" if value else "none"
    if value is None:
        return "automatic"
    return str(value) if value != "" else "empty"
