from datetime import datetime
from uuid import UUID

from chatbot_saas.schemas.base import Read

ACTIONS = {
    "tenant.create": "Account created",
    "tenant.rename": "Account renamed",
    "tenant.limit": "Limit of requests changed",
    "tenant.suspend": "Account suspended",
    "tenant.resume": "Account resumed",
    "bot.create": "Bot created",
    "bot.change": "Bot settings changed",
    "bot.publish": "Bot published",
    "bot.publish_override": "Bot published in spite of its tests",
    "bot.pause": "Bot paused",
    "bot.roll_back": "Bot settings rolled back",
    "bot.delete": "Bot deleted",
    "bot_test.create": "Test added",
    "bot_test.change": "Test changed",
    "bot_test.delete": "Test deleted",
    "source.create": "Document uploaded",
    "source.change": "Document changed",
    "source.reindex": "Document indexed again",
    "source.cancel": "Document cancelled",
    "source.delete": "Document deleted",
    "document.delete": "Page deleted",
    "api_key.create": "API key created",
    "api_key.revoke": "API key revoked",
    "identity_secret.create": "Identity secret made",
    "conversation.delete": "Conversation deleted",
    "lead.delete": "Message of a visitor deleted",
}
"""What each action is called where people read it; one that is missing here is shown as it is stored."""


class AuditRead(Read):
    id: UUID
    action: str
    """noun.verb, as it is stored."""
    label: str
    """The action in words."""
    who: str
    """An e-mail address, the name of an API key, or who else it was."""
    about: str
    """The name of what was changed, and how; empty if that is not known."""
    created_at: datetime
    has_receipt: bool
    """A deletion, whose receipt can be shown."""
