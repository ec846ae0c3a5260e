"""Sends mails. The port, the real one and the offline one."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from chatbot_saas.core.errors import UnavailableError
from chatbot_saas.core.logging import get_logger

log = get_logger(__name__)
TIMEOUT = 15.0
"""Seconds for each step of the connection."""
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Mail:
    to: tuple[str, ...]
    subject: str
    text: str
    message_id: str
    """Of our own making: should a mail be sent twice, a reader's program sees one."""
    reply_to: str = ""


class MailError(UnavailableError):
    """The mail could not be sent."""


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Raises MailError."""
        ...


class LoggedMailer:
    """Where there is no server: notes that there would have been a mail, and nothing of what it says."""

    async def send(self, mail: Mail) -> None:
        log.info("mail_not_sent", receivers=len(mail.to), message_id=mail.message_id, reason="SMTP_URL is not set")


class SmtpMailer:
    """Over `smtp://user:password@host:587?from=chat@example.com` (with TLS where the server offers it, and always with
    a password) or `smtps://`. By the standard library, in a thread: a mail takes a second, and nobody waits for it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587?from=chat@example.com")
        self._secure = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        given = parse_qs(parts.query).get("from", [""])[0]
        self._from = given or (self._user if "@" in self._user else f"chat@{self._host}")

    async def send(self, mail: Mail) -> None:
        try:
            await asyncio.to_thread(self._send, self._message(mail))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailError(f"The mail server did not take it: {type(error).__name__}.") from error

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._from, ", ".join(mail.to), mail.subject
        message["Message-ID"] = f"<{mail.message_id}@{self._from.rpartition('@')[2]}>"
        if mail.reply_to:
            message["Reply-To"] = mail.reply_to
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self._secure:
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT)
        with server:
            server.ehlo()
            if not self._secure and (server.has_extn("starttls") or self._password):
                server.starttls(context=context)
                server.ehlo()
            if self._password:
                server.login(self._user, self._password)
            server.send_message(message)


def make_mailer(url: str) -> Mailer:
    return SmtpMailer(url) if url else LoggedMailer()
