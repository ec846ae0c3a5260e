"""How the open bot looks: the part of its form about window, words and launcher, and what the preview shows of it."""

import json
from typing import Any

import reflex as rx

from chatbot_saas.core.colours import DARK_PAGE, LIGHT_PAGE, VISIBLE, contrast, is_colour, text_on
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import PICTURES, BotPatch
from chatbot_saas.schemas.dashboard import BotDraft
from chatbot_saas.schemas.design import WidgetText
from chatbot_saas.schemas.widget import INTERFACE_LANGUAGES
from chatbot_saas.services import bot_config, window_words
from chatbot_saas.state import design_draft
from chatbot_saas.state.bot_draft import patch_of, problems, tidied
from chatbot_saas.state.bot_form import BotFormState
from chatbot_saas.state.session import authorised

SHOWN = ("name", "welcome_message", "starter_questions", "color", *PICTURES, "language", *design_draft.NAMES)
"""What the preview shows."""
SECTIONS = {
    "look": ("color", "bubble", *PICTURES, "radius", "font", "mode"),
    "words": ("welcome_message", "starter_questions", "interface_language", "texts"),
    "launcher": tuple(name for name, place in design_draft.PLACES.items() if place[0] == "launcher"),
    "conversation": (
        *("history", "follow_ups", "sound", "attachments", "rating", "consent_text", "consent_required"),
        *("handoff", "handoff_note", "notify_emails"),
        *(name for name in design_draft.PLACES if name.startswith("lead_")),
    ),
}
MOMENTS = ("start", "intent", "no_answer")
_UNKNOWN = new_id()
"""Stands for the bot in what the preview is given; its address names the true one."""


class DesignState(BotFormState):
    section: str = "look"
    search: str = ""
    phone: bool = False
    dark: bool = False
    open: bool = True

    @rx.var
    def colour_note(self) -> str:
        """What text on the colour looks like."""
        return text_note(self.draft.color)

    @rx.var
    def bubble_note(self) -> str:
        return text_note(self.draft.bubble)

    @rx.var
    def colour_warning(self) -> str:
        return hard_to_see(self.draft.color, self.draft.mode)

    @rx.var
    def texts(self) -> list[WidgetText]:
        return window_texts(self.draft, self.search)

    @rx.var
    def replaced(self) -> int:
        """How many texts are the owner's."""
        return len([text for text in self.draft.texts.values() if text.strip()])

    @rx.var
    def faulty(self) -> list[str]:
        """Sections in which something is wrong."""
        return [name for name, fields in SECTIONS.items() if any(self.errors.get(field) for field in fields)]

    @rx.var
    def preview(self) -> str:
        """What assets/design.js hands to the preview, as JSON."""
        view = {"phone": self.phone, "dark": self.dark, "open": self.open}
        return json.dumps(preview_of(self.draft, self.saved) | view) if self.loaded else ""

    @authorised(Scope.BOTS_READ)
    async def choose_section(self, principal: Tenant, name: str):
        """The launcher is looked at while the window is closed."""
        if name in SECTIONS:
            self.section, self.open = name, name != "launcher"

    @authorised(Scope.BOTS_READ)
    async def look_for(self, principal: Tenant, text: str):
        self.search = str(text)[:80]

    @authorised(Scope.BOTS_READ)
    async def choose_device(self, principal: Tenant, value: str | list[str]):
        self.phone = value == "phone"

    @authorised(Scope.BOTS_READ)
    async def choose_scheme(self, principal: Tenant, value: str | list[str]):
        self.dark = value == "dark"

    @authorised(Scope.BOTS_READ)
    async def choose_opened(self, principal: Tenant, value: str | list[str]):
        self.open = value == "open"

    @authorised(Scope.BOTS_WRITE)
    async def change_text(self, principal: Tenant, key: str, text: str):
        """Empty: ours again."""
        if key not in window_words.words("en"):
            return
        texts = {**self.draft.texts, str(key): str(text)[:500]}
        self.draft = self.draft.model_copy(update={"texts": {key: own for key, own in texts.items() if own}})
        self._check("texts")

    @authorised(Scope.BOTS_WRITE)
    async def change_moment(self, principal: Tenant, moment: str, on: bool):
        """When the form for a message is shown."""
        chosen = {*self.draft.lead_when} - {moment} | ({moment} if on is True else set())
        kept = [known for known in MOMENTS if known in chosen]
        self.draft = self.draft.model_copy(update={"lead_when": kept})


def text_note(colour: str) -> str:
    """What text on a colour looks like; empty for what is none."""
    if not is_colour(colour):
        return ""
    on = text_on(colour)
    name = "white" if on == "#ffffff" else "black"
    return f"Text on it is {name}, {contrast(colour, on):.1f} to 1: well readable."


def hard_to_see(colour: str, mode: str) -> str:
    """Where a launcher of this colour does not stand out, and what helps. Advice only: pages have their own colours."""
    if not is_colour(colour):
        return ""
    pages = {"light": (LIGHT_PAGE, "darker"), "dark": (DARK_PAGE, "lighter")}
    for name, (page, better) in pages.items():
        found = contrast(colour, page)
        if mode in ("auto", name) and found < VISIBLE:
            return (
                f"On a {name} page the launcher is hard to see: {found:.1f} to 1, and it takes {VISIBLE:g} to 1. "
                f"A {better} colour stands out."
            )
    return ""


def window_texts(draft: BotDraft, search: str) -> list[WidgetText]:
    """Those that the search finds in our words, in the owner's or in the key."""
    language = draft.interface_language if draft.interface_language != "bot" else draft.language
    ours = window_words.words(language if language in INTERFACE_LANGUAGES else "en")
    wanted = search.strip().casefold()
    found: list[WidgetText] = []
    for key, english in window_words.words("en").items():
        own = draft.texts.get(key, "")
        if wanted in f"{english}\n{ours[key]}\n{own}\n{key}".casefold():
            lack = " and ".join(window_words.lacking(key, own))
            note = f"{lack} is filled in by the window: keep it." if lack else ""
            found.append(WidgetText(key=key, english=english, ours=ours[key], own=own, note=note))
    return found


def preview_of(draft: BotDraft, saved: BotDraft) -> dict[str, Any]:
    """The draft as visitors would get it. Where something in it is wrong, what is saved stands in."""
    draft = tidied(draft)
    whole = {key: own for key, own in draft.texts.items() if not window_words.lacking(key, own)}
    draft = draft.model_copy(update={"texts": whole})
    wrong = problems(patch_of(draft, SHOWN))
    mended = draft.model_copy(update={name: getattr(saved, name) for name in wrong})
    patch = patch_of(mended, SHOWN)
    if problems(patch):  # what is right by itself does not fit what was saved
        patch = patch_of(saved, SHOWN)
    config, settings = bot_config.drawn(_UNKNOWN, BotPatch.model_validate(patch))
    return {
        "config": config.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "pictures": {name: getattr(mended, name) for name in PICTURES},
        "fallback": mended.fallback_text,
    }
