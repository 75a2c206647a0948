"""Sends plain-text mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Final, Self

from webapp.observability import explain
from webapp.setting_values import MailServer, is_address, is_loopback, parse_smtp_url
from webapp.settings import Settings

TIMEOUT_S: Final = 10.0  # of each step: connecting, and each answer of the server


class MailError(Exception):
    """A mail was not sent, or not to everybody.

    Its text is only the class of the exception behind it, the codes of SMTP and what to do: the
    server's own words may quote addresses and the password.
    """

    has_safe_text = True


class Mailer:
    """Sends mails to the same recipients. A server may fork after this was created."""

    def __init__(self, server: MailServer, recipients: Sequence[str]) -> None:
        """Send by this server to these addresses."""
        self._server = server
        self._recipients = tuple(recipients)
        user = server.user if server.user and is_address(server.user) else None
        self._sender = server.sender or user or self._recipients[0]

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """Return what sends alerts; None if nobody is to be told."""
        if not settings.alert_email or settings.smtp_url is None:
            return None
        return cls(parse_smtp_url(settings.smtp_url), settings.alert_email)

    def send(self, subject: str, text: str) -> int:
        """Send a mail; return to how many addresses the server refused to send it.

        Raises:
            MailError: if the server accepted it for nobody, or did not answer.
        """
        message = self._message(subject, text)
        try:
            with closing(self._connect()) as smtp:
                self._log_in(smtp)
                refused = smtp.send_message(message, self._sender, self._recipients)
                with suppress(smtplib.SMTPException, OSError):  # it has accepted the mail
                    smtp.quit()
        except (OSError, ValueError) as error:  # SMTPException and SSLError are OSErrors
            raise MailError(explain(error, code=_codes(error), scheme="smtp")) from None
        return len(refused)

    def _message(self, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Subject"] = subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no reply from an absent reader
        # Without base64, the body would have eight bits, which not every server takes.
        message.set_content(text, cte="base64")
        message["Content-Language"] = "fa"
        return message

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.is_tls:
            return smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=_tls_context(server.host)
            )
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        """Switch to TLS where the server offers it, and log in where there is a user.

        Raises:
            MailError: if the password would travel in the clear.
        """
        server = self._server
        smtp.ehlo_or_helo_if_needed()
        if not server.is_tls and smtp.has_extn("starttls"):
            smtp.starttls(context=_tls_context(server.host))
        elif not server.is_tls and server.user and not is_loopback(server.host):
            raise MailError("NoStartTLS: the password would travel in the clear: use smtps://")
        if server.user is not None and server.password is not None:
            smtp.login(server.user, server.password)


def _tls_context(host: str) -> ssl.SSLContext:
    """Return a context that verifies certificates, except on loopback.

    There, nobody stands in between, and certificates bear the names that the world sees.
    """
    context = ssl.create_default_context()
    if is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _codes(error: Exception) -> str:
    """Return the server's codes, if it answered."""
    match error:
        case smtplib.SMTPResponseException():
            return str(error.smtp_code)
        case smtplib.SMTPRecipientsRefused():
            return " ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        case smtplib.SMTPServerDisconnected():  # or silent, as a port for TLS is at first
            return "ECONNRESET"
        case _:
            return ""
