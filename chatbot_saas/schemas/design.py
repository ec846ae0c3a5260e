"""A bot's chat window and launcher as the dashboard edits them."""

from chatbot_saas.schemas.base import Read


class DesignDraft(Read):
    """As it is typed, not checked yet. Where each part is kept: state.design_draft."""

    interface_language: str = "bot"
    """bot: that of its answers."""
    mode: str = "auto"
    radius: int = 18
    font: str = "sans"
    history: bool = True
    follow_ups: bool = True
    sound: bool = False
    attachments: bool = False
    rating: str = "stars"
    consent_text: str = ""
    consent_required: bool = True
    lead_name: str = "optional"
    lead_email: str = "required"
    lead_phone: str = "off"
    lead_company: str = "off"
    lead_message: str = "optional"
    lead_when: list[str] = ["no_answer"]
    lead_may_skip: bool = True
    handoff: bool = True
    handoff_note: str = ""
    notify_emails: str = ""
    """One a line."""
    texts: dict[str, str] = {}
    corner: str = "bottom-right"
    offset_x: str = "20"
    offset_y: str = "20"
    launcher_icon: str = "bubble"
    launcher_label: str = ""
    launcher_message: str = ""
    launcher_delay: str = "5"
    hidden_pages: str = ""
    """One a line."""


class WidgetText(Read):
    """One of the window's texts: ours in English, ours in the window's language, and the owner's, empty for ours."""

    key: str
    english: str
    ours: str
    own: str
    note: str = ""
    """What the owner's words lack."""
