"""All tables. Importing this module fills `SQLModel.metadata`."""

from chatbot_saas.models.api_keys import ApiKey
from chatbot_saas.models.attachments import Attachment, AttachmentChunk
from chatbot_saas.models.audit import AuditEntry
from chatbot_saas.models.bot_tests import BotTest, BotTestResult, BotTestRun
from chatbot_saas.models.bots import Bot, BotVersion
from chatbot_saas.models.conversations import Conversation, Message
from chatbot_saas.models.events import EventRow
from chatbot_saas.models.idempotency import IdempotencyKey
from chatbot_saas.models.identity import IdentitySecret
from chatbot_saas.models.jobs import Job
from chatbot_saas.models.leads import Lead
from chatbot_saas.models.recordings import RecordedPassage
from chatbot_saas.models.sources import Chunk, Document, Source
from chatbot_saas.models.tenants import TenantRow
from chatbot_saas.models.usage import UsageEvent
from chatbot_saas.models.users import LoginSession, Membership, RefreshToken, User
from chatbot_saas.models.web_pages import WebPage

__all__ = [
    "ApiKey",
    "Attachment",
    "AttachmentChunk",
    "AuditEntry",
    "Bot",
    "BotTest",
    "BotTestResult",
    "BotTestRun",
    "BotVersion",
    "Chunk",
    "Conversation",
    "Document",
    "EventRow",
    "IdempotencyKey",
    "IdentitySecret",
    "Job",
    "Lead",
    "LoginSession",
    "Membership",
    "Message",
    "RecordedPassage",
    "RefreshToken",
    "Source",
    "TenantRow",
    "UsageEvent",
    "User",
    "WebPage",
]
