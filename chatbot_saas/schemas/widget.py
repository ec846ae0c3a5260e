"""What a bot's owner decides about the chat window; `bots.widget` keeps what differs from the defaults here."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from chatbot_saas.schemas.auth import Email
from chatbot_saas.schemas.base import Read, Request, Storable

INTERFACE_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "ar", "he", "zh", "ja")
"""Those that the window has words in: widget/texts-*.js and widget/more-*.js."""
MAX_TEXTS = 100

FieldUse = Literal["off", "optional", "required"]
LeadMoment = Literal["start", "intent", "no_answer"]
Plain = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Storable]
TextKey = Annotated[str, StringConstraints(pattern=r"^[a-z_]{2,20}$")]


def _language(value: str) -> str:
    if value and value not in INTERFACE_LANGUAGES:
        raise ValueError(f"Choose one of {', '.join(INTERFACE_LANGUAGES)}, or leave it empty.")
    return value


class ConsentSettings(Request):
    """Shown before the first message."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), Storable] = ""
    """Empty: nobody is asked. Links are written as Markdown."""
    required: bool = True
    """Whether a conversation begins only once it was accepted; else it is only shown."""

    @property
    def version(self) -> str:
        """Another one for each text; empty where nobody is asked."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12] if self.text else ""


class LeadFields(Request):
    name: FieldUse = "optional"
    email: FieldUse = "required"
    phone: FieldUse = "off"
    company: FieldUse = "off"
    message: FieldUse = "optional"

    @model_validator(mode="after")
    def _somebody_can_be_reached(self) -> Self:
        if self.email == "off" and self.phone == "off":
            raise ValueError("Ask for an e-mail address or a phone number, else nobody can answer.")
        return self


class LeadSettings(Request):
    """The form in which visitors leave a message."""

    fields: LeadFields = LeadFields()
    when: Annotated[list[LeadMoment], Field(max_length=3)] = ["no_answer"]
    """start: before the first message; intent: who asks to be contacted; no_answer: where the bot has none."""
    may_skip: bool = True
    """Whether a visitor may write without having filled in the form of the start."""


class HandoffSettings(Request):
    enabled: bool = True
    """Whether a visitor can ask for a person."""
    note: Plain = ""
    """Said after it was asked for, such as when somebody answers."""


class WidgetSettings(Request):
    language: Annotated[str, AfterValidator(_language)] = ""
    """Of the window's own words; empty for the bot's, or the visitor's where the bot speaks any."""
    mode: Literal["auto", "light", "dark"] = "auto"
    radius: Annotated[int, Field(ge=0, le=24)] = 18
    """Of bubbles, in pixels."""
    font: Literal["sans", "system", "serif", "rounded", "mono"] = "sans"
    history: bool = True
    """Whether a visitor sees their earlier conversations."""
    follow_ups: bool = True
    """Whether questions to ask next stand under an answer: of the bot's own, which it can answer."""
    sound: bool = False
    """Whether a visitor can turn on a tone for answers."""
    rating: Literal["off", "thumbs", "stars"] = "stars"
    """How a visitor rates a conversation that they end."""
    consent: ConsentSettings = ConsentSettings()
    lead: LeadSettings = LeadSettings()
    handoff: HandoffSettings = HandoffSettings()
    notify_emails: Annotated[list[Email], Field(max_length=5)] = []
    """Who gets a mail of what visitors leave."""
    attachments: bool = False
    """Whether a visitor can give the bot a file and ask about it."""
    texts: Annotated[dict[TextKey, Plain], Field(max_length=MAX_TEXTS)] = {}
    """The window's words by their keys, in place of ours."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """As they are stored, perhaps by another version of this program: what is not known any more is left out."""
        return cls.model_validate({name: value for name, value in stored.items() if name in cls.model_fields})

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)

    def merged(self, stored: Mapping[str, Any]) -> Self:
        """These where they were sent, else the stored ones."""
        return self.of({**stored, **self.model_dump(mode="json", exclude_unset=True)})


class PublicConsent(Read):
    text: str
    version: str
    required: bool


class PublicFrameSettings(Read):
    """What the chat window needs beyond the loader's configuration, once a visitor opens it or its menu."""

    history: bool
    sound: bool
    rating: str
    consent: PublicConsent
    lead: LeadSettings
    handoff: HandoffSettings
    attachments: bool
    texts: dict[str, str]

    @classmethod
    def of(cls, settings: WidgetSettings) -> Self:
        consent = PublicConsent(
            text=settings.consent.text, version=settings.consent.version, required=settings.consent.required
        )
        names = ("history", "sound", "rating", "lead", "handoff", "attachments", "texts")
        return cls(consent=consent, **{name: getattr(settings, name) for name in names})
