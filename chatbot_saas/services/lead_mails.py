"""Mails to owners about what visitors left: by a job that becomes visible with the row, once for each."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chatbot_saas.adapters.jobs import MAIL
from chatbot_saas.adapters.mail import Mail
from chatbot_saas.core.tenancy import tenant_for_job
from chatbot_saas.models import Bot, Lead
from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services.runtime import Runtime

NOTIFY = "notify_owner"
_SUBJECTS = {
    "message": "{bot}: a visitor left a message",
    "person": "{bot}: a visitor asks for a person",
    "rating": "{bot}: a visitor rated a conversation",
}
_LABELS = {"name": "Name", "email": "E-mail", "phone": "Phone", "company": "Company"}


async def announce(session: AsyncSession, rt: Runtime, bot: Bot, lead: Lead) -> None:
    """Have the owner told, if the bot names anybody to tell."""
    if WidgetSettings.of(bot.widget).notify_emails:
        await rt.jobs.defer(session, NOTIFY, MAIL, tenant_id=lead.tenant_id, lead_id=lead.id)


async def send(rt: Runtime, tenant_id: UUID, lead_id: UUID) -> bool:
    """The job. Whether a mail was sent: not for what was deleted meanwhile, or was told of before."""
    principal = tenant_for_job(tenant_id)
    async with rt.db.tenant(principal) as session:
        lead = await session.get(Lead, lead_id)
        if lead is None or lead.notified_at is not None:
            return False
        bot = await session.get_one(Bot, lead.bot_id)
        mail = _mail(rt, bot, lead)
    if not mail.to:
        return False
    await rt.mailer.send(mail)
    async with rt.db.tenant(principal) as session:
        lead = await session.get(Lead, lead_id, with_for_update=True)
        if lead is not None:
            lead.notified_at = datetime.now(UTC)
    return True


def _mail(rt: Runtime, bot: Bot, lead: Lead) -> Mail:
    said = [f"{label}: {value}" for name, label in _LABELS.items() if (value := getattr(lead, name))]
    said += [f"Rating: {lead.rating} of 5"] if lead.rating is not None else []
    said += ["", lead.message] if lead.message else []
    page = f"{rt.settings.public_url}/conversations/{lead.conversation_id}"
    return Mail(
        to=tuple(WidgetSettings.of(bot.widget).notify_emails),
        subject=_SUBJECTS[lead.kind].format(bot=" ".join(bot.name.split())),
        text="\n".join([*said, "", f"The conversation: {page}", ""]),
        message_id=str(lead.id),
        reply_to=lead.email,
    )
