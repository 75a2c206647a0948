"""Mail by SMTP: what is sent, how it logs in, and what its errors tell."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from mail_server import REFUSED, MailServer
from tables import each

from webapp.alerts import mail as module
from webapp.alerts.mail import Mailer, MailError
from webapp.messages import alerts
from webapp.setting_values import MailServer as Address
from webapp.setting_values import parse_smtp_url

# As aiosmtpd puts it; on loopback it does not matter.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

PASSWORD = "p@ss:w/rd %"
LOGIN = "sara%40example.ir:p%40ss%3Aw%2Frd%20%25@"


@pytest.fixture
def authority() -> trustme.CA:
    """Return an authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """Return the server's side of TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def server() -> Iterator[MailServer]:
    """Run a server that takes everything."""
    with MailServer() as server:
        yield server


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loopback be as far away as any other host."""
    monkeypatch.setattr(module, "is_loopback", lambda _: False)


def send(url: str, *recipients: str) -> int:
    """Send the test mail."""
    mailer = Mailer(parse_smtp_url(url), recipients or ("ops@example.ir",))
    return mailer.send(alerts.TEST_SUBJECT, alerts.TEST_TEXT)


def failure(url: str, *recipients: str) -> str:
    """Return why the test mail is not sent."""
    with pytest.raises(MailError) as caught:
        send(url, *recipients)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


@each(
    ("url", "address"),
    [
        ("smtp://mail.example.ir", Address(host="mail.example.ir", port=587, is_tls=False)),
        ("smtps://mail", Address(host="mail", port=465, is_tls=True)),
        ("smtp://[::1]:25/", Address(host="::1", port=25, is_tls=False)),
        (
            f"smtps://{LOGIN}m.ir:2465?from=form%2Ba@m.ir",
            Address(
                host="m.ir",
                port=2465,
                is_tls=True,
                user="sara@example.ir",
                password=PASSWORD,
                sender="form+a@m.ir",
            ),
        ),
    ],
)
def test_url_names_the_server(url: str, address: Address) -> None:
    """Ports have their usual values; the login is percent-encoded."""
    assert parse_smtp_url(url) == address
    assert PASSWORD not in repr(parse_smtp_url(url))


def test_mail_arrives_in_persian_at_every_address(server: MailServer) -> None:
    """Subject and text decode to what was meant; seven bits suffice on the way."""
    assert send(server.url, "ops@example.ir", "root@localhost") == 0
    (mail,) = server.mails
    assert server.recipients == [["ops@example.ir", "root@localhost"]]
    assert server.subjects == [alerts.TEST_SUBJECT]
    assert server.text == alerts.TEST_TEXT + "\n"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content_charset() == "utf-8"
    assert mail["Content-Language"] == "fa"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@example.ir>")
    assert mail["Date"].datetime.tzinfo is not None


@each(
    ("url", "sender"),
    [
        ("smtp://{}", "ops@example.ir"),
        ("smtp://sara%40m.ir:x@{}", "sara@m.ir"),
        ("smtp://sara:x@{}", "ops@example.ir"),
        ("smtp://sara%40m.ir:x@{}?from=form@m.ir", "form@m.ir"),
    ],
)
def test_sender_is_the_one_of_the_url_or_the_user_or_the_first_address(
    url: str, sender: str
) -> None:
    """Servers refuse senders that they do not know."""
    user = "sara@m.ir" if "%40" in url else "sara"
    with MailServer(login=(user, "x") if ":x@" in url else None) as server:
        send(url.format(f"127.0.0.1:{server.port}"))
    assert [str(mail["From"]) for mail in server.mails] == [sender]


def test_login_goes_over_starttls_where_it_is_offered(
    tls: ssl.SSLContext, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The certificate is verified against what the machine trusts."""
    monkeypatch.setattr(module, "is_loopback", lambda _: False)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with MailServer(login=("sara@example.ir", PASSWORD), tls=tls) as server:
        send(f"smtp://{LOGIN}127.0.0.1:{server.port}")
    assert server.logins == [("sara@example.ir", True)]
    assert len(server.mails) == 1


@pytest.mark.usefixtures("far_away")
def test_certificate_of_a_stranger_gets_no_password(tls: ssl.SSLContext) -> None:
    """Nor a mail."""
    with MailServer(login=("sara@example.ir", PASSWORD), tls=tls) as server:
        told = failure(f"smtp://{LOGIN}127.0.0.1:{server.port}")
    assert told.startswith("SSLCertVerificationError CERTIFICATE_VERIFY_FAILED: the certificate")
    assert "mail: SSL_CERT_FILE" in told
    assert (server.logins, server.mails) == ([], [])


@pytest.mark.usefixtures("far_away")
def test_password_never_travels_in_the_clear() -> None:
    """Somebody on the way may have removed the offer of STARTTLS."""
    with MailServer(login=("sara@example.ir", PASSWORD)) as server:
        told = failure(f"smtp://{LOGIN}127.0.0.1:{server.port}")
    assert told == "NoStartTLS: the password would travel in the clear: use smtps://"
    assert (server.logins, server.mails) == ([], [])


def test_server_on_loopback_may_have_any_certificate(tls: ssl.SSLContext) -> None:
    """It bears the name that others know the machine by."""
    with MailServer(login=("sara@example.ir", PASSWORD), tls=tls) as server:
        send(f"smtp://{LOGIN}127.0.0.1:{server.port}")
    assert server.logins == [("sara@example.ir", True)]


def test_wrong_password_is_told_by_its_code() -> None:
    """The server's words are not."""
    with MailServer(login=("sara@example.ir", "other")) as server:
        told = failure(f"smtp://{LOGIN}127.0.0.1:{server.port}")
    assert told == "SMTPAuthenticationError 535: the user or the password is wrong: correct it"


def test_refused_address_is_counted_and_the_others_get_the_mail(server: MailServer) -> None:
    """If all are refused, it is an error, which does not name them."""
    assert send(server.url, "ops@example.ir", REFUSED) == 1
    assert server.recipients == [["ops@example.ir"]]
    told = failure(server.url, REFUSED)
    assert told == "SMTPRecipientsRefused 550: the server takes none of the addresses: correct them"


def test_server_that_is_down_is_told(server: MailServer) -> None:
    """With what to do, as for the database and Redis."""
    server.stop()
    told = failure(server.url)
    server.start()
    assert told.startswith("ConnectionRefusedError ECONNREFUSED: nothing listens there: ")


def test_host_that_nobody_knows_is_told() -> None:
    """Without quoting it."""
    told = failure("smtp://mail.invalid")
    assert told.startswith("gaierror EAI_NONAME: the host's name is not known: ")


@pytest.mark.usefixtures("far_away")
def test_server_without_tls_is_told_with_the_scheme_of_mail(server: MailServer) -> None:
    """Not with that of Redis."""
    told = failure(f"smtps://127.0.0.1:{server.port}")
    assert told == "SSLError TLS_HANDSHAKE: TLS gets no answer: use smtp://, or switch TLS on there"


def test_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time-out."""
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = failure(f"smtp://127.0.0.1:{silent.getsockname()[1]}")
    assert told.startswith("SMTPServerDisconnected ECONNRESET: ")
    assert told.endswith("if it asks for TLS, use smtps://")
