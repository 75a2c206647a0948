"""A mail server for tests, which keeps what it gets."""

import email
import ssl
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from servers import free_port

REFUSED = "gone@example.ir"  # the one address that it does not know


class MailServer:
    """An SMTP server on a free port of loopback.

    Attributes:
        port: Its port, also while it is closed.
        mails: What it has accepted.
        recipients: For whom, a list for each mail.
        logins: Who logged in, and whether over TLS.
    """

    def __init__(
        self, *, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Start it.

        Args:
            login: The user and the password without which it takes nothing.
            tls: Its side of STARTTLS, which it does not offer without.
        """
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[str, bool]] = []
        self._login = login
        self._options: dict[str, Any] = {"tls_context": tls, "authenticator": self._authenticate}
        if login:
            self._options |= {"auth_required": True, "auth_require_tls": tls is not None}
        self.start()

    def start(self) -> None:
        """Start, also after a stop."""
        self._controller = Controller(_Handler(self), "127.0.0.1", self.port, **self._options)
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections."""
        self._controller.stop()

    @property
    def url(self) -> str:
        """Its SMTP_URL, without a login."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def subjects(self) -> list[str]:
        """The decoded subjects of all mails."""
        return [str(mail["Subject"]) for mail in self.mails]

    @property
    def text(self) -> str:
        """The text of the last mail."""
        return str(self.mails[-1].get_content())

    def __enter__(self) -> Self:
        """Return itself, started."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def _authenticate(
        self, _: object, session: Any, __: object, ___: str, found: LoginPassword
    ) -> AuthResult:
        given = (found.login.decode(), found.password.decode())
        self.logins.append((given[0], session.ssl is not None))
        return AuthResult(success=given == self._login, handled=False)


class _Handler:
    """What aiosmtpd calls; it looks at every attribute."""

    def __init__(self, server: MailServer) -> None:
        """Keep mails in this server."""
        self._server = server

    async def handle_RCPT(  # noqa: N802  as aiosmtpd names it
        self, _: object, __: object, envelope: Any, address: str, ___: object
    ) -> str:
        """Take the mail for this address, or not."""
        if address == REFUSED:
            return f"550 no {address} here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: object, __: object, envelope: Any) -> str:  # noqa: N802
        """Keep a mail."""
        assert envelope.content.isascii()
        self._server.mails.append(email.message_from_bytes(envelope.content, policy=default))
        self._server.recipients.append(envelope.rcpt_tos)
        return "250 OK"
