"""Access to operators' pages, names of operators in records, and docs/security.md's promises."""

import ast
import base64
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from serving import serve
from support import SECRET, TOKEN, Html, Page, hashed
from tables import each

from webapp import messages
from webapp.cli import main
from webapp.demo import Simulator
from webapp.outbox.rows import NEEDS_ATTENTION, Submission
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION

ROOT = Path(__file__).parents[2]
MOBILE = "09121234567"
USERS = {"sara": hashed("گذرواژه"), "reza": hashed("x")}
LOGIN = ("sara", "گذرواژه")


# Hosts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("192.168.1.7", 200),
        ("[::1]:8000", 200),
        ("[fd00::7]", 200),
        ("evil.example", 403),
        ("evil.example:8000", 403),
        ("phonebook", 200),
        ("phonebook:8000", 200),
        ("phonebook.local", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.1", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_what_others_typed_opens_under_an_address_or_a_name_of_the_network(
    client: FlaskClient, host: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A name may be a stranger's that leads here; the page and the log say what to set."""
    response = client.get("/outbox", headers={"Host": host})
    assert response.status_code == status
    if status != 200:
        assert messages.UNCERTAIN_HOST[0] in response.text
        assert "PUBLIC_URL" in response.text
        assert "PUBLIC_URL" in caplog.text
        assert not host or host not in caplog.text


def test_visitors_forms_open_under_any_name(client: FlaskClient) -> None:
    """An empty form shows no personal data."""
    for path in ("/f/signup", "/embed/signup"):
        assert client.get(path, base_url="http://form.example.ir").status_code == 200


def test_name_is_certain_once_it_is_set_or_a_login_is_asked_for(
    make_app: Callable[..., Flask],
) -> None:
    """No browser keeps a login for another's name."""
    ours = "http://phonebook.example.ir"
    client = make_app(public_url=ours).test_client()
    assert client.get("/outbox", base_url=ours).status_code == 200
    client = make_app(intranet_users=USERS).test_client()
    assert client.get("/outbox", base_url=ours).status_code == 401
    assert client.get("/outbox", base_url=ours, auth=LOGIN).status_code == 200


# Every operator's page

# Only public forms have the step that asks for a code.
_OPEN_TO_ALL = re.compile("/(static|embed|accent|healthz|readyz|f/<slug>/code)")


@pytest.fixture
def operators_pages(make_app: Callable[..., Flask]) -> list[tuple[str, str]]:
    """Return method and path of all pages that are not public, the demo's page included."""
    rules = make_app(amoot_token=None).url_map.iter_rules()
    pages = [
        (method, re.sub("<.*?>", "contact", rule.rule))
        for rule in rules
        for method in sorted({"GET", "POST"} & (rule.methods or set()))
        if not _OPEN_TO_ALL.match(rule.rule)
    ]
    known = {"/", "/f/contact", "/outbox", "/outbox/contact", "/install/contact", "/demo"}
    assert known <= {path for _, path in pages}
    return [*pages, ("GET", "/metrics")]  # which is answered in place of the router


@pytest.mark.parametrize(
    ("status", "text", "request_"),
    [
        (403, messages.FORWARDED[0], {"headers": {"X-Forwarded-For": "10.0.0.1"}}),
        (403, messages.FORWARDED[0], {"headers": {"Forwarded": "for=10.0.0.1"}}),
        (403, messages.ERRORS[403][0], {"environ_base": {"REMOTE_ADDR": "8.8.8.8"}}),
    ],
    ids=["proxy", "another proxy", "outside"],
)
def test_every_operators_page_is_closed_to_strangers(
    make_app: Callable[..., Flask],
    operators_pages: list[tuple[str, str]],
    status: int,
    text: str,
    request_: dict[str, object],
) -> None:
    """Future pages too: behind a proxy that is not configured, and from outside."""
    client = make_app(amoot_token=None).test_client()
    for method, path in operators_pages:
        response = client.open(path, method=method, **request_)
        assert (path, response.status_code) == (path, status)
        assert text in response.text


def test_every_operators_page_is_closed_to_a_strangers_name(
    make_app: Callable[..., Flask], operators_pages: list[tuple[str, str]]
) -> None:
    """A page under that name, which leads here, could read it: the labels, a token, the rest."""
    client = make_app(amoot_token=None).test_client()
    answers = [
        (method, path, client.open(path, method=method, base_url="http://evil.example"))
        for method, path in operators_pages
    ]
    opened = [
        (method, path, response.status_code)
        for method, path, response in answers
        if response.status_code != 403 or messages.UNCERTAIN_HOST[0] not in response.text
    ]
    assert not opened


def test_every_operators_page_asks_for_a_login_where_any_is_set(
    make_app: Callable[..., Flask], operators_pages: list[tuple[str, str]]
) -> None:
    """None is forgotten."""
    client = make_app(amoot_token=None, intranet_users=USERS).test_client()
    for method, path in operators_pages:
        assert (path, client.open(path, method=method).status_code) == (path, 401)


# Logins


@pytest.mark.slow
def test_failed_login_is_logged_without_address_and_password(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown name may be a password that was typed in its place."""
    client = make_app(intranet_users=USERS).test_client()
    sender = {"REMOTE_ADDR": "192.168.77.7"}
    for login in (("sara", "wr0ng"), ("گذرواژه", "sara"), LOGIN):
        client.get("/", auth=login, environ_base=sender)
    lines = [record.message for record in caplog.records if record.name == "webapp.web.security"]
    assert lines == ["a login failed: sara", "a login failed: an unknown name"]
    assert not any(text in caplog.text for text in ("wr0ng", "گذرواژه", "192.168"))


@pytest.fixture
def staffed(make_app: Callable[..., Flask], portal: Simulator) -> Flask:
    """Return an app whose operators log in, and whose portal is out of credit."""
    portal.answer("CreditNotEnough", times=9)
    return make_app(intranet_users=USERS)


def logged_in(app: Flask, login: tuple[str, str] = LOGIN) -> FlaskClient:
    """Return an operator's browser."""
    client = app.test_client()
    said = base64.b64encode(":".join(login).encode()).decode()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Basic {said}"
    return client


def only(delivery: DeliveryServices) -> Submission:
    """Return the only entry that waits."""
    (submission,) = delivery.outbox.review.page(("queued",))
    return submission


@pytest.mark.slow
def test_operators_name_is_stored_with_their_submission(
    staffed: Flask, portal: Simulator, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the screen and in the shell, whoever corrects it; the portal never gets it."""
    page = Page(logged_in(staffed))
    page.send(Mobile=MOBILE)
    delivery = staffed.extensions[EXTENSION].delivery
    submission = only(delivery)
    assert submission.operator == "sara"
    assert f"{messages.OPERATOR} sara" in Html(page.client.get("/outbox?waiting=1").text).text(
        "article"
    )
    told = _shell(monkeypatch, portal, settings)
    assert told("list").splitlines()[0].endswith("CreditNotEnough  by sara")
    assert told("show", submission.reference).splitlines()[0].endswith("by sara")
    assert '"operator": "sara"' in told("export")
    correction = Page(logged_in(staffed, ("reza", "x")), f"/outbox/{submission.reference}")
    correction.send(**{**correction.html.values, "FName": "سارا"})
    assert only(delivery).operator == "sara"
    assert "sara" not in repr(portal.requests)
    assert portal.requests


def _shell(
    monkeypatch: pytest.MonkeyPatch, portal: Simulator, settings: object
) -> Callable[..., str]:
    environ = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": portal.url, "SECRET_KEY": SECRET}
    environ["STATE_DIRECTORY"] = str(getattr(settings, "state_directory"))  # noqa: B009  any settings
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(main, ["outbox", *arguments]).output


def test_visitor_gives_no_name(staffed: Flask) -> None:
    """What a browser says on a public form was never checked."""
    Page(logged_in(staffed), "/f/signup").send(Mobile=MOBILE, consent="true")
    assert only(staffed.extensions[EXTENSION].delivery).operator is None


def test_without_logins_there_is_no_name(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """What a browser says of its own accord was never checked either."""
    portal.answer("CreditNotEnough")
    client.environ_base["HTTP_AUTHORIZATION"] = "Basic c2FyYTp4"
    Page(client).send(Mobile=MOBILE)
    assert only(delivery).operator is None


# Injections


@pytest.mark.parametrize("text", ["'; DROP TABLE outbox; --", '" OR 1=1 --', "%s %(key)s ? :key"])
def test_sql_is_text_like_any_other(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator, text: str
) -> None:
    """In a field, in a reference and in a page's number."""
    portal.answer("CreditNotEnough")
    Page(client).send(Mobile=MOBILE, LName=text)
    kept = only(delivery)
    assert kept.contact is not None
    assert kept.contact["LName"] == text
    assert client.get("/outbox", query_string={"after": text}).status_code == 200
    for path in (f"/outbox/{text}", f"/outbox/{text}/discard"):
        assert client.get(path).status_code == 404
    assert not delivery.outbox.review.discard(text)
    assert not delivery.outbox.review.retry(text)
    assert delivery.outbox.review.page(NEEDS_ATTENTION) == []
    assert only(delivery) == kept


@each("place", ["//evil.example", "/\\evil.example", "https://evil.example", "\r\nX-Evil: 1"])
def test_redirect_never_leads_to_another_site(client: FlaskClient, place: str) -> None:
    """Nor does a line break in an address become a header."""
    paths = [place, f"{place}/", f"/embed/{place}", f"/embed/{place}/done", "/embed/signup/done"]
    # As a server hands them on; the client would read a host of its own out of them.
    answers = [client.get("/", environ_overrides={"PATH_INFO": path}) for path in paths]
    asked = {"r": place, "next": place, "after": place}
    asked_at = ["/embed/signup/done", "/f/signup", "/outbox", "/"]
    answers += [client.get(path, query_string=asked) for path in asked_at]
    led = [answer.headers["Location"] for answer in answers if "Location" in answer.headers]
    assert led
    for location in led:
        assert urljoin("http://localhost/", location).startswith("http://localhost/")
    assert not any("X-Evil" in answer.headers for answer in answers)


# Secrets


@pytest.mark.slow
def test_no_secret_is_in_the_process_listing(tmp_path: Path, portal: Simulator) -> None:
    """Every user of the machine reads there how a program was started."""
    secrets = {"AMOOT_TOKEN": "t0ken-nobody-sees", "SECRET_KEY": "key-nobody-sees-of-32-characters"}
    with serve(tmp_path, AMOOT_URL=portal.url, WEB_CONCURRENCY="1", **secrets) as server:
        started = list(_command_lines(server.process.pid))
    assert len(started) > 1
    assert not any(secret in line for secret in secrets.values() for line in started)


def _command_lines(pid: int) -> Iterator[str]:
    """Yield how a process and all that it started were started."""
    process = Path("/proc", str(pid))
    yield (process / "cmdline").read_text()
    for child in (process / "task" / str(pid) / "children").read_text().split():
        yield from _command_lines(int(child))


def test_password_is_asked_for_unseen() -> None:
    """Twice, and not as an argument."""
    typed = CliRunner().invoke(main, ["hash-password", "sara"], input="گذر\nگذر\n")
    assert typed.exit_code == 0
    assert "گذر" not in typed.output
    assert re.search(r"^sara:scrypt:", typed.output, re.MULTILINE)


# The promises


def test_every_promise_names_a_test_that_exists() -> None:
    """The page says which test proves what, as pytest names it."""
    promises = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[^`]*?\.py)::([^`]*)`", promises)
    assert len(named) > 20
    for path, name in named:
        assert name in _tests(ROOT / path), f"{path}::{name}"
    rows = [line for line in promises.splitlines() if line.startswith("| ")][1:]
    assert all("`tests/" in row for row in rows)


@functools.cache
def _tests(path: Path) -> frozenset[str]:
    """Return the names of a file's tests, as pytest spells them."""
    return frozenset(_names(path))


def _names(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{it.name}" for it in node.body if hasattr(it, "name"))
