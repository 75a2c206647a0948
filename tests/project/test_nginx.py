"""nginx as `deploy/nginx.conf` sets it up, in front of the real server."""

import http.client
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from servers import NginxServer, free_port
from serving import Server, environ_of, serve
from support import SECRET, TOKEN, Html
from tables import each

from webapp import messages
from webapp.demo import Simulator

pytestmark = pytest.mark.slow

MOBILE = "09121234567"
THREADS = 4  # of the only worker
SLOW = 64
PROMPT = 30  # seconds; a thread that a slow client holds is held for a minute


@dataclass(frozen=True)
class Site:
    """A running app, and the nginx before it."""

    nginx: NginxServer
    app: Server
    folder: Path

    def browser(self) -> requests.Session:
        """Return a browser that keeps cookies and connections."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.nginx.authority)
        return session

    def ask(
        self, path: str, *, sender: str = "127.0.0.1", **headers: str
    ) -> http.client.HTTPResponse:
        """Ask for a page from this address of loopback, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = self.nginx.connect(sender=sender)
        connection.request("GET", path, headers={"Connection": "close", **headers})
        with connection.getresponse() as response:
            response.read()
        connection.close()
        return response

    def wait_for_log(self, part: str) -> None:
        """Wait for a line with this part: nginx writes it after the answer."""
        until = time.monotonic() + 10
        while part not in (self.folder / "access.log").read_text():
            assert time.monotonic() < until, f"no {part!r} in the log"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def site(running: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run both, for operators at 127.0.0.1 alone."""
    folder = tmp_path_factory.mktemp("site")
    address = f"127.0.0.1:{free_port()}"
    nginx = NginxServer(folder, address)
    with serve(
        folder,
        BIND=address,
        PUBLIC_URL=nginx.url,
        TRUSTED_PROXIES="1",
        INTRANET_NETWORKS="127.0.0.1/32",
        AMOOT_TOKEN=TOKEN,
        AMOOT_URL=running.url,
        SECRET_KEY=SECRET,
        WEB_CONCURRENCY="1",
        THREADS=str(THREADS),
    ) as app:
        nginx.start()
        with closing(nginx):
            yield Site(nginx, app, folder)


def form_token(text: str) -> str:
    """Return the token of a form as it stands."""
    return str(next(Html(text).find("input", name="csrf_token"))[0]["value"])


def filled_in(browser: requests.Session, url: str, **fields: Any) -> requests.Response:
    """Open a form, fill it in and send it, as the page does: its address is the Origin."""
    data = {"csrf_token": form_token(browser.get(url).text), "Mobile": MOBILE, **fields}
    origin = "/".join(url.split("/")[:3])
    return browser.post(url, data=data, headers={"Origin": origin}, allow_redirects=False)


def test_nginx_accepts_the_file(site: Site) -> None:
    """With no warning but of the older word for HTTP/2, which every nginx knows."""
    tested = subprocess.run(
        [*site.nginx.command, "-t"], check=False, capture_output=True, text=True
    )
    said = tested.stderr + (site.folder / "start.log").read_text()
    assert tested.returncode == 0, said
    assert "test is successful" in said
    assert not [line for line in said.splitlines() if "[warn]" in line and "http2" not in line]


def test_operator_submits(site: Site, simulator: Simulator) -> None:
    """Origin, redirect and cookie fit the public address."""
    browser = site.browser()
    sent = filled_in(browser, f"{site.nginx.url}/", FName="سارا")
    assert sent.status_code == 303
    cookie = sent.headers["Set-Cookie"]
    assert all(flag in cookie for flag in ("Secure", "HttpOnly", "SameSite=Lax"))
    page = browser.get(requests.compat.urljoin(sent.url, sent.headers["Location"]))
    assert page.url.startswith(site.nginx.url)
    assert Html(page.text).outcome == "delivered"
    assert [contact["FName"] for contact in simulator.contacts] == ["سارا"]


@each("origin", ["https://evil.example", "http://127.0.0.1", "null"])
def test_post_of_another_origin_is_refused(site: Site, simulator: Simulator, origin: str) -> None:
    """Our own address without TLS is another one, too."""
    browser = site.browser()
    data = {"csrf_token": form_token(browser.get(f"{site.nginx.url}/").text), "Mobile": MOBILE}
    refused = browser.post(f"{site.nginx.url}/", data=data, headers={"Origin": origin})
    assert refused.status_code == 403
    assert not simulator.contacts


@each("path", ["/", "/embed/signup", "/embed.js", "/nowhere"])
def test_headers_come_once(site: Site, path: str) -> None:
    """What the app says of security is not repeated, and nginx tells no version."""
    headers = site.ask(path).headers
    assert headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    assert len(headers.get_all("Content-Security-Policy", [])) == 1
    assert headers.get_all("Server") == ["nginx"]


def test_only_the_operators_network_opens_their_pages(site: Site) -> None:
    """The sender's own address counts, whatever it says of itself."""
    assert site.ask("/outbox").status == 200
    stranger = "127.0.0.2"
    assert site.ask("/f/signup", sender=stranger).status == 200
    for path in ("/", "/outbox", "/install/signup"):
        assert site.ask(path, sender=stranger).status == 403
    claims = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Real-IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1",
    }
    for name, value in claims.items():
        assert site.ask("/outbox", sender=stranger, **{name: value}).status == 403
        assert site.ask("/outbox", **{name: value.replace("127", "10")}).status == 200


def test_strangers_file_is_refused_before_its_body_is_read(site: Site) -> None:
    """Eleven megabytes for each connection would fill nginx's memory; operators may bring them."""
    head = (
        f"POST /import HTTP/1.1\r\nHost: {site.nginx.url.removeprefix('https://')}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    )
    with site.nginx.connect(sender="127.0.0.2") as connection:
        connection.sendall(head.format(length=11 * 1024 * 1024 - 1).encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 403")  # though no byte of it came
    with site.nginx.connect() as connection:
        connection.sendall(head.format(length=3).encode() + b"a=b")
        # What it lacks is the app's to say: a same-origin form with a token.
        assert not connection.recv(4096).startswith((b"HTTP/1.1 403", b"HTTP/1.1 413"))


def test_form_of_an_import_with_a_thousand_cells_reaches_the_app(site: Site) -> None:
    """Its form holds the cells of twenty wrong rows; the app takes a megabyte."""
    cells = {f"cell-{number}": "ن" * 120 for number in range(1_000)}
    origin = {"Origin": site.nginx.url}
    answer = site.browser().post(f"{site.nginx.url}/import/ABCDEFGH", cells, headers=origin)
    assert answer.status_code == 410, answer.text


# What an operator may do to our configuration, and the answers to a stranger and an operator.
FORWARDING = re.compile("proxy_set_header (?:Host|X-Forwarded|Forwarded).*\n")
CARELESS: dict[str, tuple[Callable[[str], str], int, int]] = {
    "as shipped": (lambda text: text, 403, 200),
    "a bare proxy_pass": (lambda text: FORWARDING.sub("", text), 403, 403),
    "a header of its own in a location": (
        lambda text: text.replace("location / {\n        proxy_pass", "location / {\n"
        "        proxy_set_header X-Own 1;\n        proxy_pass"), 403, 403),
    "added to what the client says": (
        lambda text: text.replace("X-Forwarded-For $remote_addr", "X-Forwarded-For "
        "$proxy_add_x_forwarded_for"), 403, 200),
    "another header alone": (
        lambda text: text.replace("X-Forwarded-For $remote_addr", "X-Real-IP $remote_addr"),
        403, 403),
}  # fmt: skip


def test_careless_nginx_opens_no_page_of_operators(running: Simulator, tmp_path: Path) -> None:
    """Whatever it forgets to say, a stranger is refused, and the log says why; visitors are not."""
    address = f"127.0.0.1:{free_port()}"
    settings = {"BIND": address, "TRUSTED_PROXIES": "1", "INTRANET_NETWORKS": "127.0.0.1/32"}
    settings |= {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": running.url, "SECRET_KEY": SECRET}
    expected, found = {}, {}
    with serve(tmp_path, **settings, WEB_CONCURRENCY="1") as app:
        for number, (name, (change, stranger, operator)) in enumerate(CARELESS.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            nginx = NginxServer(folder, address)
            config = folder / "site.conf"
            before = config.read_text()
            config.write_text(change(before))
            assert name == "as shipped" or config.read_text() != before, name
            nginx.start()
            with closing(nginx):
                site = Site(nginx, app, folder)
                for path in ("/outbox", "/statistics.csv", "/metrics", "/"):
                    expected[name, path] = stranger, operator
                    statuses = [site.ask(path, sender=f"127.0.0.{it}").status for it in (2, 1)]
                    found[name, path] = tuple(statuses)
                assert site.ask("/f/signup", sender="127.0.0.2").status == 200, name
    assert found == expected
    reasons = [line for line in app.log.read_text().splitlines() if "X-Forwarded-For" in line]
    assert 1 <= len(reasons) < len(CARELESS)  # once a minute, not for each request


def test_another_host_is_refused(site: Site) -> None:
    """Whatever a client says that it was forwarded for."""
    assert site.ask("/", Host="evil.example").status == 400
    lie = site.ask("/embed/signup/done", **{"X-Forwarded-Host": "evil.example"})
    assert lie.status == 303
    assert "evil" not in lie.headers["Location"]


def test_frame_sets_no_cookie(site: Site) -> None:
    """Only the definition's sites may show it."""
    page = site.ask("/embed/signup")
    assert page.status == 200
    assert "Set-Cookie" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors https://example.ir 'self'" in policy


def test_plain_http_leads_to_https(site: Site) -> None:
    """At the name that the certificate is for, whichever was asked for."""
    answer = requests.get(
        f"{site.nginx.plain_url}/f/signup?a=b",
        headers={"Host": "evil.example"},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{site.nginx.url}/f/signup?a=b"


def test_form_that_is_too_long_comes_back_with_what_was_typed(site: Site) -> None:
    """The app answers, up to its own bound."""
    text = "ن" * 500
    long = filled_in(site.browser(), f"{site.nginx.url}/", FName="سارا", AddressText=text * 7)
    assert 16 * 1024 < int(long.request.headers["Content-Length"]) < 64 * 1024
    assert long.status_code == 413
    html = Html(long.text)
    assert html.outcome == "invalid"
    assert html.values["FName"] == ["سارا"]
    assert html.text("textarea", name="AddressText") == text * 7


def test_more_is_refused(site: Site) -> None:
    """In Persian as far as that is likely to be a person, by nginx beyond."""
    browser = site.browser()
    page = filled_in(browser, f"{site.nginx.url}/", AddressText="a" * 100 * 1024)
    assert page.status_code == 413
    assert Html(page.text).text("h1") == messages.ERRORS[413][0]
    with site.nginx.connect() as connection:
        request = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")


def test_what_is_served_is_compressed_once(site: Site) -> None:
    """By the app: nginx neither compresses nor strips it."""
    page = site.ask("/f/signup", **{"Accept-Encoding": "gzip"})
    assert page.headers.get_all("Content-Encoding") == ["gzip"]
    assert page.headers.get_all("Vary") == ["Accept-Encoding"]
    assert "Content-Encoding" not in site.ask("/f/signup").headers


def test_http_2_is_offered(site: Site) -> None:
    """And HTTP/1.1 to those who know no other; TLS 1.3 to both."""
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
        with site.nginx.connect(alpn=offered) as connection:
            assert connection.selected_alpn_protocol() == chosen
            assert connection.version() == "TLSv1.3"


def test_connections_are_kept(site: Site) -> None:
    """Two pages over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = socket = site.nginx.connect()
    for _ in range(2):
        connection.request("GET", "/f/signup")
        with connection.getresponse() as response:
            assert response.status == 200
            response.read()
        assert connection.sock is socket
    connection.close()


def test_slow_clients_hold_nobody_up(site: Site) -> None:
    """Sixteen times as many as the app has threads drip their forms."""
    start = (
        f"POST /f/signup HTTP/1.1\r\nHost: {site.nginx.url.removeprefix('https://')}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nMobile="
    )
    with ExitStack() as stack:
        slow = [stack.enter_context(site.nginx.connect()) for _ in range(SLOW)]
        for connection in slow:
            connection.sendall(start.encode())
        for _ in range(3):
            for connection in slow:
                connection.sendall(b"0")
            began = time.monotonic()
            assert site.ask("/f/signup").status == 200
            assert time.monotonic() - began < PROMPT


def test_request_has_one_number(site: Site) -> None:
    """Made by nginx, and in its log, in the app's and in the answer."""
    answer = site.ask("/nowhere", **{"X-Request-ID": "of-the-client"})
    number = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", number)
    site.wait_for_log(number)


def test_logs_name_no_visitor(site: Site, simulator: Simulator) -> None:
    """Neither an address, nor what stands behind a question mark, nor a body in a file."""
    log = site.folder / "access.log"
    sent = filled_in(site.browser(), f"{site.nginx.url}/", FName="سارا")
    assert sent.status_code == 303
    assert simulator.contacts
    answer = site.ask(f"/f/signup/?{MOBILE}")
    site.wait_for_log(f" GET /f/signup/ {answer.status} ")
    text = log.read_text() + (site.folder / "error.log").read_text()
    assert not re.search(rf"127\.0\.0|{MOBILE}", text)
    assert not (site.folder / "everything.log").read_text()
    bodies = [path for name in ("body", "proxy") for path in (site.folder / name).rglob("*")]
    assert not [path for path in bodies if path.is_file()]


def test_app_that_is_away_is_asked_again(running: Simulator, tmp_path: Path) -> None:
    """Right after it is back, though nginx saw it fail."""
    address = f"127.0.0.1:{free_port()}"
    nginx = NginxServer(tmp_path, address)
    nginx.start()
    url = f"{nginx.url}/f/signup"
    more = {"BIND": address, "PUBLIC_URL": nginx.url, "TRUSTED_PROXIES": "1"}
    with closing(nginx):
        assert requests.get(url, verify=str(nginx.authority), timeout=30).status_code == 502
        with serve(tmp_path, **environ_of(running.url, tmp_path, **more)):
            assert requests.get(url, verify=str(nginx.authority), timeout=30).status_code == 200
    assert "127.0.0.1" not in (tmp_path / "error.log").read_text()


def test_machine_that_cannot_store_is_passed_over(simulator: Simulator, tmp_path: Path) -> None:
    """Everybody is recorded by the other one: a form that is sent to both is one submission."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    nginx = NginxServer(tmp_path, *addresses)
    (tmp_path / "file").touch()
    settings = {"PUBLIC_URL": nginx.url, "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1"}
    settings |= {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": simulator.url, "SECRET_KEY": SECRET}
    broken = {"DATABASE_URL": f"sqlite:///{tmp_path}/file/x"}
    with ExitStack() as stack:
        for address, more in zip(addresses, ({}, broken), strict=True):
            folder = tmp_path / address.rpartition(":")[2]
            folder.mkdir()
            app = stack.enter_context(serve(folder, BIND=address, **settings, **more))
        nginx.start()
        stack.enter_context(closing(nginx))
        site = Site(nginx, app, tmp_path)
        for number in range(8):
            mobile = f"0912123456{number}"
            sent = filled_in(site.browser(), f"{nginx.url}/", Mobile=mobile)
            assert sent.status_code == 303, f"{number}: {sent.status_code}"
        site.wait_for_log("503, 303")
    assert len(simulator.contacts) == 8
