"""Mail by SMTP, in a thread: alarms are for persons who look at no dashboard."""

from __future__ import annotations

import json
import smtplib
import ssl
from email.message import EmailMessage

from twisted.internet.threads import deferToThread

from gateway.relay.caller import Make
from gateway.relay.calls import Outcome
from gateway.settings.models import Mail
from gateway.store.calls import CallRow

MAIL = ":mail"
"""By this name the mails that wait are stored and listed."""

PERMANENT = 500


def mailer(settings: Mail) -> Make:
    """What sends the mail of a call by these settings."""

    async def make(row: CallRow) -> Outcome:
        return await deferToThread(send, settings, row)

    return make


def letter(settings: Mail, row: CallRow) -> EmailMessage:
    """The mail of a stored call; sent twice, it has the same Message-ID."""
    said = json.loads(row.body)
    mail = EmailMessage()
    mail["Subject"] = said["subject"]
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    mail["Message-ID"] = f"<alarm-{row.created_at}-{abs(row.seq)}@{settings.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(said["text"])
    return mail


def send(settings: Mail, row: CallRow) -> Outcome:
    """Hand one mail to the server; whatever that does is an outcome. Takes as long as the server does."""
    try:
        with _connected(settings) as server:
            if settings.user and settings.password is not None:
                server.login(settings.user, settings.password.get_secret_value())
            refused = server.send_message(letter(settings, row))
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(error.recipients)
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
        return Outcome(f"it answers {error.smtp_code} {said}".strip(), reached=error.smtp_code >= PERMANENT)
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(f"{type(error).__name__}: {error}".rstrip(": "), reached=False)
    return _refused(refused) if len(refused) == len(settings.to) else Outcome()


def _connected(settings: Mail) -> smtplib.SMTP:
    if settings.tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.server, settings.port, timeout=settings.timeout, context=context)
    server = smtplib.SMTP(settings.server, settings.port, timeout=settings.timeout)
    if settings.tls == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _refused(recipients: dict[str, tuple[int, bytes]]) -> Outcome:
    said = "; ".join(
        f"{name}: {code} {text.decode('utf-8', 'replace')}" for name, (code, text) in recipients.items()
    )
    return Outcome(f"no recipient is taken: {said}")
