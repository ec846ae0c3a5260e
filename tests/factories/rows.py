"""A row of every table, straight into the database: for tests of what the database itself refuses.

What can be under way has ended: a worker beside the tests takes up what is lost, and ends it with all that it stored.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.security import new_token, token_hash
from chatbot_saas.models import (
    ApiKey,
    Attachment,
    AttachmentChunk,
    AuditEntry,
    Bot,
    BotTest,
    BotTestResult,
    BotTestRun,
    BotVersion,
    Chunk,
    Conversation,
    Document,
    EventRow,
    IdempotencyKey,
    IdentitySecret,
    Job,
    Lead,
    LoginSession,
    Membership,
    Message,
    RecordedPassage,
    RefreshToken,
    Source,
    TenantRow,
    UsageEvent,
    User,
    WebPage,
)


@dataclass
class Rows:
    """One tenant with one user, and a row of theirs in each table, by the table's name."""

    tenant_id: UUID
    user_id: UUID
    email: str
    api_key: str = field(default_factory=lambda: new_token("cb_"))
    cookie: str = field(default_factory=new_token)
    refresh_token: str = field(default_factory=lambda: new_token("rt_"))
    by_table: dict[str, SQLModel] = field(default_factory=dict)

    def __getitem__(self, table: str) -> SQLModel:
        return self.by_table[table]


async def one_of_each(session: AsyncSession) -> Rows:
    """Needs a session of the platform role. Parents are flushed before their children."""
    rows = Rows(new_id(), new_id(), f"{new_id().hex}@example.com")
    tenant, user, later = rows.tenant_id, rows.user_id, datetime.now(UTC) + timedelta(days=1)
    bot_id, source_id, document_id, conversation_id = new_id(), new_id(), new_id(), new_id()
    test_id, run_id, attachment_id = new_id(), new_id(), new_id()
    owned = {"tenant_id": tenant, "bot_id": bot_id}
    for generation in (
        [TenantRow(id=tenant, name="Tenant"), User(id=user, email=rows.email, password_hash="kept")],
        [
            Membership(tenant_id=tenant, user_id=user, role="owner"),
            Bot(id=bot_id, tenant_id=tenant, name="Bot"),
            ApiKey(tenant_id=tenant, name="k", prefix="cb_", key_hash=token_hash(rows.api_key), scopes=["chat"]),
            AuditEntry(tenant_id=tenant, user_id=user, action="bot.create"),
            LoginSession(user_id=user, tenant_id=tenant, token_hash=token_hash(rows.cookie), expires_at=later),
            RefreshToken(
                user_id=user,
                tenant_id=tenant,
                family_id=new_id(),
                token_hash=token_hash(rows.refresh_token),
                expires_at=later,
            ),
        ],
        [
            BotVersion(**owned, version=1, settings={}),
            UsageEvent(**owned, kind="chat", provider="offline", model="m"),
            Source(id=source_id, **owned, title="Source", status="ready"),
            Conversation(id=conversation_id, **owned, channel="widget"),
            BotTest(id=test_id, **owned, question="secret question"),
            BotTestRun(id=run_id, **owned, version=1, status="done"),
        ],
        [
            Job(**owned, source_id=source_id, kind="add", run=1, status="succeeded"),
            BotTestResult(**owned, run_id=run_id, test_id=test_id, side="candidate", question="secret question"),
            WebPage(**owned, source_id=source_id, url="https://secret.example/"),
            Document(id=document_id, **owned, source_id=source_id, title="Document", text="secret text"),
            Message(**owned, conversation_id=conversation_id, role="user", text="secret question"),
            IdentitySecret(tenant_id=tenant, secret="v1:secret"),
            IdempotencyKey(
                tenant_id=tenant,
                principal_id=user,
                key="secret key",
                fingerprint=b"secret",
                claim=new_id(),
                leased_until=later,
                answer="v1:secret",
                expires_at=later,
            ),
            Lead(**owned, conversation_id=conversation_id, email="secret@example.com", message="secret message"),
        ],
        [
            RecordedPassage(**owned, document_id=document_id, title="Document", start=0, end=6, text="secret"),
            Attachment(
                id=attachment_id,
                **owned,
                conversation_id=conversation_id,
                name="secret.txt",
                media_type="text/plain",
                size=6,
                sha256=b"secret",
                blob_key="",
                characters=6,
                tokens=1,
                text="secret",
            ),
        ],
        [
            AttachmentChunk(
                **owned,
                conversation_id=conversation_id,
                attachment_id=attachment_id,
                ordinal=0,
                start=0,
                end=6,
                text="secret",
                tokens=1,
                search="'secret':1",
            ),
            Chunk(
                **owned,
                source_id=source_id,
                document_id=document_id,
                ordinal=0,
                start=0,
                end=6,
                text="secret",
                tokens=1,
                search="'secret':1",
            ),
        ],
    ):
        session.add_all(generation)
        await session.flush()
        rows.by_table |= {str(row.__tablename__): row for row in generation}
    await _one_event(session, rows, bot_id)
    return rows


async def _one_event(session: AsyncSession, rows: Rows, bot_id: UUID) -> None:
    """In place of those that the triggers wrote of the rows above."""
    await session.execute(delete(EventRow).where(col(EventRow.tenant_id) == rows.tenant_id))
    event = EventRow(tenant_id=rows.tenant_id, bot_id=bot_id, transaction_id=1, type="bot.changed", data={})
    session.add(event)
    await session.flush()
    await session.refresh(event)
    rows.by_table[str(event.__tablename__)] = event
