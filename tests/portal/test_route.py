"""The way out of a corporate network: PORTAL_PROXY and PORTAL_CA_FILE."""

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
import trustme
from click.testing import CliRunner
from forward_proxy import ForwardProxy, tls_front
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.cli.configuration import build_services
from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.messages.alerts import STATUS_MESSAGES
from webapp.portal import PortalError, TimedOut, Unreachable
from webapp.portal.client import AmootPortal
from webapp.portal.transport import Route
from webapp.settings import Settings, SettingsError

HOST = "portal.example"  # only the proxy knows where it is
URL = f"https://{HOST}/rest/"
CONTACT = Contact(Mobile="09123456789", LName="Personal-Name")
GENEROUS = 20.0
HASTY = 1.0


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    """Return a private certificate authority, and its file."""
    made, path = trustme.CA(), tmp_path / "organisation.pem"
    made.cert_pem.write_to_path(path)
    return made, path


@pytest.fixture
def ca_file(authority: tuple[trustme.CA, Path]) -> Path:
    """Return the file of the authority."""
    return authority[1]


@pytest.fixture
def proxy(simulator: Simulator, authority: tuple[trustme.CA, Path]) -> Iterator[ForwardProxy]:
    """Return a proxy that leads to the portal, whose certificate is of `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert(HOST).configure_cert(context)
    plain = int(simulator.url.split(":")[2].split("/")[0])
    with tls_front(plain, context) as secure, ForwardProxy() as made:
        made.names = {HOST: secure.port}
        yield made


def client(
    proxy: str, ca_file: Path | None, *, url: str = URL, deadline: float = GENEROUS
) -> AmootPortal:
    """Return a client of the portal behind the proxy."""
    return AmootPortal(url=url, token=TOKEN, deadline=deadline, route=Route(proxy, ca_file))


def failure(portal: AmootPortal) -> PortalError:
    """Return the error of a call."""
    with pytest.raises(PortalError) as caught:
        portal.create_contact(CONTACT)
    return caught.value


def test_https_portal_is_called_through_a_tunnel_that_hides_everything(
    proxy: ForwardProxy, simulator: Simulator, ca_file: Path
) -> None:
    """Two calls, one tunnel; the proxy sees its own password and the portal's name only."""
    portal = client(proxy.url("sara:p%40ss"), ca_file)
    portal.create_contact(CONTACT)
    portal.account_status()
    assert len(simulator.requests) == 2
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {HOST}:443 ")
    assert "Proxy-Authorization: Basic c2FyYTpwQHNz" in head
    for secret in (TOKEN, "09123456789", "Personal-Name", "Authorization: t0ken"):
        assert secret.encode() not in proxy.seen
    assert all("Proxy-Authorization" not in it.headers for it in simulator.requests)


def test_http_portal_on_loopback_is_called_through_a_plain_proxy(
    proxy: ForwardProxy, simulator: Simulator
) -> None:
    """The proxy gets the whole address, and its password stays with it."""
    client(proxy.url("sara:x"), None, url=simulator.url).account_status()
    (head,) = proxy.heads
    assert head.startswith(f"POST {simulator.url}AccountStatus ")
    (request,) = simulator.requests
    assert "Proxy-Authorization" not in request.headers


def test_certificate_of_the_organisation_needs_its_setting(
    proxy: ForwardProxy, simulator: Simulator
) -> None:
    """The message names the setting, and nothing was sent."""
    error = failure(client(proxy.url(), None))
    assert type(error) is Unreachable
    assert error.status == "CertificateInvalid", error.cause
    assert "PORTAL_CA_FILE" in error.message
    assert not simulator.requests


def test_certificate_of_another_authority_is_refused(
    proxy: ForwardProxy, simulator: Simulator, tmp_path: Path
) -> None:
    """PORTAL_CA_FILE is what is trusted, and nothing else."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    assert failure(client(proxy.url(), other)).status == "CertificateInvalid"
    assert not simulator.requests


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"SSH-2.0-no-proxy\r\n",
        b"",
    ],
)
def test_proxy_that_opens_no_tunnel_is_named_and_nothing_was_sent(
    proxy: ForwardProxy, simulator: Simulator, ca_file: Path, answer: bytes
) -> None:
    """The contact is certainly not delivered, and the setting is what to look at."""
    proxy.answer = lambda connection: connection.sendall(answer)
    error = failure(client(proxy.url(), ca_file))
    assert type(error) is Unreachable
    assert error.status == "ProxyFailed"
    assert "PORTAL_PROXY" in STATUS_MESSAGES["ProxyFailed"]
    assert not simulator.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.invalid"])
def test_proxy_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, ca_file: Path, host: str
) -> None:
    """Nobody looks for the portal's name where the proxy's is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    if host != "127.0.0.1":
        unknown = Mock(side_effect=socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(client(f"http://{host}:{port}", ca_file))
    assert type(error) is Unreachable
    assert error.status == "ProxyFailed"


@pytest.mark.slow
def test_proxy_that_drips_its_answer_is_left_at_the_deadline(
    proxy: ForwardProxy, simulator: Simulator, ca_file: Path
) -> None:
    """Each byte comes in time; the call ends all the same, and was not sent."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in itertools.count():
                connection.sendall(b"X-%d: y\r\n" % number)
                ended.wait(0.02)
        finally:
            ended.set()

    proxy.answer = drip
    error = failure(client(proxy.url(), ca_file, deadline=HASTY))
    assert type(error) is Unreachable
    assert error.status == "ConnectTimeout"
    assert ended.wait(GENEROUS), "the connection to the proxy stayed open"
    assert not simulator.requests


@pytest.mark.slow
def test_portal_that_is_silent_behind_the_proxy_may_have_the_contact(
    proxy: ForwardProxy, simulator: Simulator, ca_file: Path
) -> None:
    """The tunnel does not change what a lost answer means."""
    simulator.answer(Fault.SILENT)
    assert type(failure(client(proxy.url(), ca_file, deadline=HASTY))) is TimedOut


def test_nothing_of_the_way_comes_from_the_environment(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a proxy that is meant for other programs, nor its certificates."""
    with ForwardProxy() as other:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url())
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
        AmootPortal(url=simulator.url, token=TOKEN, deadline=GENEROUS).account_status()
        assert not other.heads


def environment(proxy: ForwardProxy, ca_file: Path, tmp_path: Path) -> dict[str, str]:
    """Return the variables of an installation behind the proxy."""
    return {
        "AMOOT_TOKEN": TOKEN,
        "AMOOT_URL": URL,
        "SECRET_KEY": SECRET,
        "STATE_DIRECTORY": str(tmp_path),
        "PORTAL_PROXY": proxy.url("sara:p%40ss"),
        "PORTAL_CA_FILE": str(ca_file),
    }


def test_services_and_checks_take_the_way_of_the_settings(
    proxy: ForwardProxy, ca_file: Path, tmp_path: Path
) -> None:
    """Deliveries, and each call of both checks, even the one with a wrong token."""
    environ = environment(proxy, ca_file, tmp_path)
    settings = Settings.from_env(environ)
    assert "p%40ss" not in repr(settings)
    build_services(settings).portal.create_contact(CONTACT)
    checked = CliRunner().invoke(main, ["check"], env=environ)
    assert checked.exit_code == 0, checked.output
    assert "The portal knows the token" in checked.output
    table = CliRunner().invoke(main, ["check", "--portal", "--language", "en"], env=environ)
    assert "OK: 6. To know: 0. To change: 0. Wrong: 0." in table.output
    assert all(head.startswith(f"CONNECT {HOST}:443 ") for head in proxy.heads)


def test_demo_does_without_the_proxy(tmp_path: Path) -> None:
    """Its portal is a process of this machine."""
    settings = Settings(portal_proxy="http://proxy.example:3128", state_directory=tmp_path)
    services = build_services(settings)
    assert services.portal._transport._proxy is None  # noqa: SLF001


@pytest.mark.parametrize(
    "value",
    [
        *("", "proxy.example:3128", "https://proxy.example:3128", "socks5://proxy.example:1080"),
        *("http://proxy.example", "http://:3128", "http://proxy.example:3128/path"),
        *("http://proxy.example:99999", "http://sara:%D8%AF@proxy.example:3128"),
    ],
)
def test_wrong_proxy_is_named_and_not_quoted(value: str) -> None:
    """It may hold a password."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"AMOOT_TOKEN": TOKEN, "SECRET_KEY": SECRET, "PORTAL_PROXY": value})
    (fault,) = caught.value.faults
    assert fault.startswith("PORTAL_PROXY ")
    assert not value or value not in fault


def test_wrong_file_of_certificates_is_named(tmp_path: Path) -> None:
    """One that is missing, a folder, empty, or no certificate."""
    (tmp_path / "empty.pem").touch()
    (tmp_path / "text.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n")
    for name in ("missing.pem", "", "empty.pem", "text.pem"):
        path = str(tmp_path / name)
        with pytest.raises(SettingsError) as caught:
            Settings.from_env({"AMOOT_TOKEN": TOKEN, "SECRET_KEY": SECRET, "PORTAL_CA_FILE": path})
        (fault,) = caught.value.faults
        assert fault.startswith("PORTAL_CA_FILE must be the path"), name


def test_portal_without_tls_is_not_called_through_another_machine() -> None:
    """Its proxy would read the token."""
    environ = {"AMOOT_TOKEN": TOKEN, "SECRET_KEY": SECRET, "AMOOT_URL": "http://127.0.0.1:9/"}
    Settings.from_env(environ | {"PORTAL_PROXY": "http://127.0.0.1:3128"})
    with pytest.raises(SettingsError, match="PORTAL_PROXY needs"):
        Settings.from_env(environ | {"PORTAL_PROXY": "http://proxy.example:3128"})
