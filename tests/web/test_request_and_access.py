"""What stands in front of the views: headers, origins, networks, bodies, hosts, methods."""

import io
import ipaddress
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page, hashed
from tables import each

from webapp import messages
from webapp.demo import Simulator
from webapp.web.security import MAX_BODY_BYTES

MOBILE = "09121234567"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@each(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("POST", "/", 422),
        ("GET", "/nowhere", 404),
        ("PUT", "/", 405),
        ("DELETE", "/", 405),
        ("GET", "/static/site.css", 200),
    ],
)
def test_every_answer_carries_the_headers(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    """Errors too, the whole policy pinned."""
    with client.open(path, method=method) as response:
        assert response.status_code == status
        headers = response.headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers
    if not path.startswith("/static"):
        # A form that came back is kept for Back.
        kept = "private, no-cache" if method == "POST" and status >= 400 else "no-store"
        assert headers["Cache-Control"] == kept


def test_https_is_kept(make_app: Callable[..., Flask]) -> None:
    """On HTTPS the responses have HSTS, and the cookie is for HTTPS only."""
    client = make_app(public_url="https://form.example.ir").test_client()
    base = "https://form.example.ir"
    assert "Strict-Transport-Security" in client.get("/", base_url=base).headers
    token = next(Html(client.get("/", base_url=base).text).find("input", name="csrf_token"))[0]
    answer = client.post("/", base_url=base, data={"csrf_token": token["value"], "Mobile": MOBILE})
    assert "Secure" in answer.headers["Set-Cookie"]


@each(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "https://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_post_from_another_site_is_refused(
    page: Page, portal: Simulator, headers: dict[str, str]
) -> None:
    """A right token does not help another site's page."""
    data = {"csrf_token": page.token, "Mobile": MOBILE}
    response = page.client.post("/", data=data, headers=headers)
    assert response.status_code == 403
    assert messages.CROSS_SITE[0] in response.text
    assert not portal.requests


def test_flood_of_other_origins_does_not_fill_the_log(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The senders choose what it says, so each of them could be another one, and long."""
    for number in range(5):
        headers = {"Origin": f"https://{number}.{'x' * 5000}", "Host": f"h{number}.example"}
        assert client.post("/f/signup", headers=headers).status_code == 403
    (record,) = (it for it in caplog.records if "refused a POST" in it.message)
    assert "https://0.x" in record.message
    assert len(record.message) < 1000


@each("headers", [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}])
def test_post_from_our_own_page_passes(page: Page, headers: dict[str, str]) -> None:
    """Browsers on a plain-HTTP intranet send less than others."""
    data = {"csrf_token": page.token, "Mobile": MOBILE}
    assert page.client.post("/", data=data, headers=headers).status_code == 303


def test_with_a_public_url_other_origins_and_hosts_are_refused(
    make_app: Callable[..., Flask],
) -> None:
    """The origin and the host are the ones that people see."""
    client = make_app(public_url="http://form.example.ir:8080").test_client()
    base = "http://form.example.ir:8080"
    good, bad = {"Origin": base}, {"Origin": "http://form.example.ir"}
    assert client.post("/", base_url=base, headers=good).status_code == 422
    assert client.post("/", base_url=base, headers=bad).status_code == 403
    assert client.get("/", base_url="http://evil.example").status_code == 400


def test_host_that_public_url_does_not_name_is_logged_once_a_minute(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy that does not pass the host on, or a wrong PUBLIC_URL, refuses everybody."""
    client = make_app(public_url="http://form.example.ir").test_client()
    for host in ("127.0.0.1:8000", "evil.example"):
        client.get("/f/signup", base_url=f"http://{host}")
    (line,) = caplog.messages
    assert line == (
        "refused a request for the host '127.0.0.1:8000': PUBLIC_URL names another; does the proxy "
        "pass the host on?"
    )


@each("host", ["evil.example", "", "a b", "<script>", "[::1", "x" * 300, "é", ":"])
@each("method", ["GET", "POST"])
@each("public_url", [None, "http://form.example.ir"])
@pytest.mark.slow
def test_no_host_header_breaks_the_app(
    make_app: Callable[..., Flask], host: str, method: str, public_url: str | None
) -> None:
    """An evil or empty Host is answered below 500, and never echoed."""
    client = make_app(public_url=public_url).test_client()
    for path in ("/", "/f/signup", "/embed/signup"):
        response = client.open(path, method=method, headers={"Host": host})
        assert response.status_code < 500
        # A frame's page contains the origin under which it is read.
        assert path.startswith("/embed") or len(host) < 4 or host not in response.text


@each(
    ("body", "content_type", "status"),
    [
        (b'{"Mobile":"09121234567"}', "application/json", 400),
        (b"Mobile=09121234567", "text/plain", 400),
        (b"Mobile=09121234567", "multipart/form-data", 400),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 400),
        (b"Mobile=\xff", "application/x-www-form-urlencoded", 400),
        (b"FName=%FF", "application/x-www-form-urlencoded", 422),
        (b"FName=%00", "application/x-www-form-urlencoded", 422),
        (b"FName=%ED%A0%80", "application/x-www-form-urlencoded", 422),
        (b"&".join([b"f=1"] * 1000), "application/x-www-form-urlencoded", 422),
        (b"a" * 17_000, "application/x-www-form-urlencoded", 413),
        (b"a" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"a" * 70_000, "multipart/form-data; boundary=x", 413),
        (b"", "", 422),
    ],
)  # fmt: skip
def test_no_body_breaks_the_app(
    client: FlaskClient, portal: Simulator, body: bytes, content_type: str, status: int
) -> None:
    """A body that is no form is refused, not taken for an empty form."""
    response = client.post("/", data=body, content_type=content_type)
    assert response.status_code == status
    assert Html(response.text).text("h1")
    assert not portal.requests


@each("typed", ["a\0b", "a\ufffdb"])
@each("name", ["FName", "AddressText", "CustomText1"])
def test_bad_character_is_an_error_at_its_field(page: Page, name: str, typed: str) -> None:
    """A NUL or a broken byte is refused by name, not dropped silently."""
    assert page.send(Mobile=MOBILE, **{name: typed}).status_code == 422
    assert "پذیرفته نمی‌شود" in page.error(name)
    assert "\0" not in str(page.html.values)


def test_percent_encoded_lone_surrogate_is_an_error_at_its_field(page: Page) -> None:
    """What no text can hold is refused by name, and the rest stays."""
    body = f"csrf_token={page.token}&Mobile={MOBILE}&LName=%D8%A7&FName=%ED%A0%80"
    response = page.client.post("/", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 422
    html = Html(response.text)
    assert html.text(id="FName-error") == "نام نشانه‌ای دارد که پذیرفته نمی‌شود؛ آن را پاک کنید."
    assert html.values["LName"] == ["ا"]


def test_too_long_text_comes_back_to_be_shortened(page: Page, portal: Simulator) -> None:
    """413, nothing sent, everything typed still there, the field too long named."""
    response = page.send(Mobile=MOBILE, FName="علی", AddressText="ن" * 5000)
    assert response.status_code == 413
    assert page.html.values["FName"] == ["علی"]
    assert page.html.values["AddressText"] == ["ن" * 5000]
    assert page.error("AddressText")
    assert messages.TOO_LARGE in page.html.text(role="alert")
    assert not portal.requests


def test_body_without_its_length_or_its_end_is_refused(page: Page, portal: Simulator) -> None:
    """Cut off on the way, a contact would be stored without its last fields."""
    body = f"csrf_token={page.token}&Mobile={MOBILE}&FName=%D8%B9%D9%84%DB%8C".encode()
    kind = "application/x-www-form-urlencoded"
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answers = [
        page.client.post("/", input_stream=io.BytesIO(body), content_type=kind, **arguments)
        for arguments in (
            {"environ_overrides": chunked},
            {"environ_overrides": {"CONTENT_LENGTH": str(len(body) + 12)}},
        )
    ]
    assert [answer.status_code for answer in answers] == [411, 400]
    assert not portal.requests


def test_file_in_a_fields_place_is_no_text(page: Page) -> None:
    """It is ignored, and the field is empty."""
    data = {"csrf_token": page.token, "Mobile": (io.BytesIO(b"0912"), "mobile.txt")}
    assert page.client.post("/", data=data).status_code == 422


def test_limit_is_sixteen_kilobytes(client: FlaskClient) -> None:
    """A body at the limit is read, one byte more is not."""
    kind = "application/x-www-form-urlencoded"
    assert client.post("/", data=b"a" * MAX_BODY_BYTES, content_type=kind).status_code == 422
    assert client.post("/", data=b"a" * (MAX_BODY_BYTES + 1), content_type=kind).status_code == 413


@each("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_and_the_right_ones_named(
    client: FlaskClient, method: str
) -> None:
    """405 with Allow, on the designed page."""
    response = client.open("/", method=method)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert Html(response.text).text("h1") == "این کار در این نشانی ممکن نیست"


@each(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("192.168.1.7", 200),
        ("::1", 200),
        ("::ffff:10.0.0.1", 200),
        ("8.8.8.8", 403),
        ("2001:db8::1", 403),
        ("::ffff:8.8.8.8", 403),
        ("", 403),
        ("nonsense", 403),
    ],
)
def test_intranet_pages_open_from_known_networks_only(
    client: FlaskClient, address: str, status: int
) -> None:
    """A public form opens from anywhere."""
    sender = {"REMOTE_ADDR": address}
    assert client.get("/", environ_base=sender).status_code == status
    assert client.get("/f/contact", environ_base=sender).status_code == status
    assert client.get("/f/signup", environ_base=sender).status_code == 200


def test_unix_sockets_peers_are_on_this_machine(make_app: Callable[..., Flask]) -> None:
    """Behind a Unix socket there is no address; loopback must be allowed."""
    client = make_app(bind="unix:/run/form.sock").test_client()
    assert client.get("/", environ_base={"REMOTE_ADDR": ""}).status_code == 200


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP"]
)
def test_forwarded_request_is_not_from_the_intranet_without_a_trusted_proxy(
    client: FlaskClient, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why."""
    assert client.get("/", headers={header: "10.0.0.1"}).status_code == 403
    assert "TRUSTED_PROXIES" in caplog.text
    assert "TRUSTED_PROXIES" in client.get("/", headers={header: "10.0.0.1"}).text
    assert client.get("/f/signup", headers={header: "10.0.0.1"}).status_code == 200


def test_trusted_proxys_word_counts_and_no_other(make_app: Callable[..., Flask]) -> None:
    """The address that the nearest proxy added is believed; what a client wrote is not."""
    client = make_app(trusted_proxies=1).test_client()
    assert client.get("/", headers={"X-Forwarded-For": "8.8.8.8, 10.0.0.1"}).status_code == 200
    assert client.get("/", headers={"X-Forwarded-For": "10.0.0.1, 8.8.8.8"}).status_code == 403


@pytest.mark.parametrize(
    ("proxies", "headers"),
    [
        (2, {"X-Forwarded-For": "10.0.0.1"}),
        (1, {"X-Forwarded-For": ""}),
        (1, {"X-Real-IP": "10.0.0.1"}),
        (1, {"Forwarded": "for=10.0.0.1"}),
        (1, {"X-Forwarded-Proto": "https"}),
    ],
)
def test_proxy_that_does_not_name_the_sender_hides_it(
    make_app: Callable[..., Flask], proxies: int, headers: dict[str, str]
) -> None:
    """The address left over is the proxy's own, which is on the intranet."""
    response = make_app(trusted_proxies=proxies).test_client().get("/outbox", headers=headers)
    assert response.status_code == 403
    assert messages.FORWARDED[0] in response.text


@pytest.mark.slow
def test_users_log_in_where_any_are_set(make_app: Callable[..., Flask]) -> None:
    """HTTP Basic in front of intranet pages, on the designed page."""
    users = {"sara": hashed("رمز عبور")}
    client = make_app(intranet_users=users).test_client()
    refused = client.get("/")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    assert "ورود لازم است" in refused.text
    basic_auth: list[Any] = [("sara", "wrong"), ("nobody", "رمز عبور"), ("", "")]
    assert [client.get("/", auth=login).status_code for login in basic_auth] == [401] * 3
    assert client.get("/", headers={"Authorization": "Bearer x"}).status_code == 401
    assert client.get("/", auth=("sara", "رمز عبور")).status_code == 200
    assert client.get("/", auth=("sara", "رمز عبور")).status_code == 200  # known by now
    assert client.get("/", auth=("sara", "wrong")).status_code == 401
    assert client.get("/f/signup").status_code == 200


def test_other_networks_can_be_set(make_app: Callable[..., Flask]) -> None:
    """Only what the setting names is the intranet."""
    client = make_app(intranet_networks=(ipaddress.ip_network("10.8.0.0/16"),)).test_client()
    assert client.get("/", environ_base={"REMOTE_ADDR": "10.8.3.4"}).status_code == 200
    assert client.get("/").status_code == 403
