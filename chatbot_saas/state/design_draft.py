"""Where each typed setting of the window and the launcher is kept: pure rules, without State."""

from collections.abc import Mapping
from typing import Any

from chatbot_saas.schemas.design import DesignDraft
from chatbot_saas.schemas.launcher import Launcher
from chatbot_saas.schemas.widget import WidgetSettings

Place = tuple[str, ...]

PLACES: dict[str, Place] = {
    "interface_language": ("widget", "language"),
    "mode": ("widget", "mode"),
    "radius": ("widget", "radius"),
    "font": ("widget", "font"),
    "history": ("widget", "history"),
    "follow_ups": ("widget", "follow_ups"),
    "sound": ("widget", "sound"),
    "attachments": ("widget", "attachments"),
    "rating": ("widget", "rating"),
    "consent_text": ("widget", "consent", "text"),
    "consent_required": ("widget", "consent", "required"),
    "lead_name": ("widget", "lead", "fields", "name"),
    "lead_email": ("widget", "lead", "fields", "email"),
    "lead_phone": ("widget", "lead", "fields", "phone"),
    "lead_company": ("widget", "lead", "fields", "company"),
    "lead_message": ("widget", "lead", "fields", "message"),
    "lead_when": ("widget", "lead", "when"),
    "lead_may_skip": ("widget", "lead", "may_skip"),
    "handoff": ("widget", "handoff", "enabled"),
    "handoff_note": ("widget", "handoff", "note"),
    "notify_emails": ("widget", "notify_emails"),
    "texts": ("widget", "texts"),
    "corner": ("launcher", "corner"),
    "offset_x": ("launcher", "x"),
    "offset_y": ("launcher", "y"),
    "launcher_icon": ("launcher", "icon"),
    "launcher_label": ("launcher", "label"),
    "launcher_message": ("launcher", "message"),
    "launcher_delay": ("launcher", "delay"),
    "hidden_pages": ("launcher", "hidden"),
}
"""By the draft's name, where the bot keeps it; every other field of the draft is kept under its own name."""
LABELS = {
    "interface_language": "Language of the window",
    "mode": "Light or dark",
    "radius": "Roundness",
    "font": "Font",
    "history": "Earlier conversations",
    "follow_ups": "Questions to ask next",
    "sound": "Sound",
    "attachments": "Files of visitors",
    "rating": "Rating at the end",
    "consent_text": "Consent",
    "consent_required": "Consent is needed",
    "lead_name": "Form: name",
    "lead_email": "Form: e-mail",
    "lead_phone": "Form: phone",
    "lead_company": "Form: company",
    "lead_message": "Form: message",
    "lead_when": "When the form is shown",
    "lead_may_skip": "Form may be skipped",
    "handoff": "Talk to a person",
    "handoff_note": "Words about a person",
    "notify_emails": "Who gets mails",
    "texts": "Texts of the window",
    "corner": "Corner",
    "offset_x": "Distance from the side",
    "offset_y": "Distance from top or bottom",
    "launcher_icon": "Launcher's icon",
    "launcher_label": "Launcher's label",
    "launcher_message": "Launcher's message",
    "launcher_delay": "Delay of the message",
    "hidden_pages": "Pages without the launcher",
}
WHOLES = {"widget": "Chat window", "launcher": "Launcher"}
"""Where a change is told as one."""
NUMBERS = ("offset_x", "offset_y", "launcher_delay")
LINES = ("notify_emails", "hidden_pages", "link_hosts")
SWITCHES = ("history", "follow_ups", "sound", "attachments", "consent_required", "lead_may_skip", "handoff")
APART = ("lead_when", "texts")
"""What has handlers of its own."""
NAMES = tuple(DesignDraft.model_fields)
_BOTH_OFF = ("widget", "lead", "fields")


def place_of(name: str) -> Place:
    return PLACES.get(name, (name,))


def part_of(name: str) -> Place:
    """What is sent as a whole: the launcher; of the window one of its parts."""
    place = place_of(name)
    return place[:2] if place[0] == "widget" else place[:1]


def name_at(place: tuple[int | str, ...]) -> str:
    """The draft's name for the place of a problem."""
    if place == _BOTH_OFF:
        return "lead_email"
    known = (name for name, kept in PLACES.items() if place[: len(kept)] == kept)
    return next(known, str(place[0]) if place else "")


def full(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with all of the window's and the launcher's, of which only what is not usual may be kept."""
    found = dict(settings)
    if isinstance(found.get("widget"), dict):
        found["widget"] = WidgetSettings.of(found["widget"]).model_dump()
    if isinstance(found.get("launcher"), dict):
        found["launcher"] = Launcher.model_validate(found["launcher"]).model_dump()
    return found


def value_at(settings: Mapping[str, Any], name: str) -> Any:
    """Of `full` settings, by the draft's name. KeyError where an old version has none."""
    found: Any = settings
    for key in place_of(name):
        found = found[key]
    return found


def put(patch: dict[str, Any], name: str, value: Any) -> None:
    *above, last = place_of(name)
    for key in above:
        patch = patch.setdefault(key, {})
    patch[last] = value


def typed_form(name: str, value: Any) -> Any:
    """What is kept, as it is typed."""
    if name == "interface_language":
        return value or "bot"
    if name in LINES:
        return "\n".join(value)
    return str(value) if name in NUMBERS else value


def kept_form(name: str, value: Any) -> Any:
    """What was typed, as it is kept."""
    if name == "interface_language":
        return "" if value == "bot" else value
    if name == "texts":
        return {key: text for key, text in value.items() if text.strip()}
    return value.split() if name in LINES else value
