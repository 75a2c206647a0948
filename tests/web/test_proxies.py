"""Access to operators' pages, by the proxies in front and their headers on the sender."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from flask import Flask
from support import Page, hashed

from webapp import observability

PAGES: Final = ("/outbox", "/import", "/statistics.csv", "/metrics", "/", "/f/signup")
OPERATORS: Final = PAGES[:-1]
STRANGER = "203.0.113.7"
METRICS_TOKEN = "a-token-for-the-scraper-of-32-chars"

# What comes in over loopback: proxies in front, headers, the answer to operators' pages, to others.
SET_UPS: Final[tuple[tuple[str, int, dict[str, str], int, int], ...]] = (
    ("no proxy", 0, {}, 200, 200),
    ("a proxy that nobody told us of", 0, {"X-Forwarded-For": "10.0.0.1"}, 403, 200),
    ("a proxy that sets nothing", 1, {}, 403, 200),
    ("a proxy that sets the host alone", 1, {"X-Forwarded-Host": "localhost"}, 403, 200),
    ("a proxy that sets the scheme alone", 1, {"X-Forwarded-Proto": "http"}, 403, 200),
    ("a proxy with another header", 1, {"X-Real-IP": "10.0.0.1"}, 403, 200),
    ("a proxy with RFC 7239 alone", 1, {"Forwarded": "for=10.0.0.1"}, 403, 200),
    ("an empty header", 1, {"X-Forwarded-For": ""}, 403, 200),
    ("nothing but commas", 1, {"X-Forwarded-For": " , ,"}, 403, 200),
    ("an empty quoted address", 1, {"X-Forwarded-For": '""'}, 403, 200),
    ("no address", 1, {"X-Forwarded-For": "unknown"}, 403, 200),
    ("an address with a port", 1, {"X-Forwarded-For": "10.0.0.1:4711"}, 403, 200),
    ("an operator", 1, {"X-Forwarded-For": "10.0.0.1"}, 200, 200),
    ("an operator, IPv6", 1, {"X-Forwarded-For": "fd00::1"}, 200, 200),
    ("a stranger", 1, {"X-Forwarded-For": STRANGER}, 403, 200),
    ("a stranger who lies", 1, {"X-Forwarded-For": f"10.0.0.1, {STRANGER}"}, 403, 200),
    ("an operator who lies", 1, {"X-Forwarded-For": f"{STRANGER}, 10.0.0.1"}, 200, 200),
    ("one proxy of two", 2, {"X-Forwarded-For": "10.0.0.1"}, 403, 200),
    ("an operator behind two", 2, {"X-Forwarded-For": "10.0.0.1, 10.9.9.9"}, 200, 200),
    ("a stranger behind two", 2, {"X-Forwarded-For": f"{STRANGER}, 10.9.9.9"}, 403, 200),
    ("an unclosed quote", 1, {"X-Forwarded-For": '"10.0.0.1'}, 400, 400),
    ("a stranger's unclosed quote", 1, {"X-Forwarded-For": f'", {STRANGER}'}, 400, 400),
    ("an unclosed quote of the host", 1, {"X-Forwarded-Host": '"localhost'}, 400, 400),
    ("an unclosed quote, no proxy", 0, {"X-Forwarded-For": '"10.0.0.1'}, 403, 200),
)


@pytest.fixture(autouse=True)
def _interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no clock decide how often a warning is repeated."""
    monkeypatch.setattr(observability, "_INTERVAL_S", 1e9)


def test_each_page_is_closed_to_senders_that_no_proxy_names(make_app: Callable[..., Flask]) -> None:
    """Each set-up of proxies, each page, one table; only /metrics says 403 to a broken header."""
    expected, found = {}, {}
    clients = {count: make_app(trusted_proxies=count).test_client() for count in range(3)}
    for name, proxies, headers, operators, public in SET_UPS:
        for path in PAGES:
            status = operators if path in OPERATORS else public
            is_early = path == "/metrics" and operators == 400
            expected[name, path] = 403 if is_early else status
            with clients[proxies].get(path, headers=headers) as answer:
                found[name, path] = answer.status_code
    wrong = {key: (found[key], status) for key, status in expected.items() if found[key] != status}
    assert wrong == {}


def test_log_says_once_why_a_sender_without_a_name_is_refused(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """However many requests come."""
    client = make_app(trusted_proxies=1).test_client()
    for path in (*OPERATORS, *OPERATORS):
        assert client.get(path).status_code == 403
    lines = [line for line in caplog.messages if "X-Forwarded-For" in line]
    assert len(lines) == 1
    assert "TRUSTED_PROXIES is 1" in lines[0]


def test_log_says_once_that_visitors_share_the_limits_of_one_network(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Where there are fewer proxies than TRUSTED_PROXIES says."""
    client = make_app(trusted_proxies=2).test_client()
    for mobile, named in {
        "09120000001": f"{STRANGER}, 10.0.0.1",
        "09120000002": STRANGER,
        "09120000003": STRANGER,
    }.items():
        client.environ_base["HTTP_X_FORWARDED_FOR"] = named
        Page(client, "/f/signup").send(FName="سارا", LName="احمدی", Mobile=mobile, consent="true")
        lines = [line for line in caplog.messages if "share the limits" in line]
        assert len(lines) == (named == STRANGER)
    assert "TRUSTED_PROXIES is 2" in lines[0]


def test_warning_comes_again_after_its_interval(
    make_app: Callable[..., Flask],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as it is true."""
    monkeypatch.setattr(observability, "_INTERVAL_S", 0.0)
    client = make_app(trusted_proxies=1).test_client()
    for _ in range(3):
        client.get("/outbox")
    assert len([line for line in caplog.messages if "X-Forwarded-For" in line]) == 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Authorization": f"Bearer {METRICS_TOKEN}"}, 200),
        ({"Authorization": f"bearer {METRICS_TOKEN}"}, 200),
        ({"Authorization": f"Bearer {METRICS_TOKEN[:-1]}"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer \u00e9"}, 401),
        ({"Authorization": f"Basic {METRICS_TOKEN}"}, 403),
    ],
)
def test_metrics_open_only_to_a_scraper_with_the_token(
    make_app: Callable[..., Flask], headers: dict[str, str], status: int
) -> None:
    """Past the proxy, by the machine's address or a name of its own, without a login."""
    users = {"sara": hashed("x")}
    app = make_app(
        trusted_proxies=1,
        metrics_token=METRICS_TOKEN,
        public_url="https://form.example.ir",
        intranet_users=users,
    )
    for base_url in ("http://10.0.0.5:8000", "https://form.example.ir"):
        answer = app.test_client().get("/metrics", headers=headers, base_url=base_url)
        assert answer.status_code == status, base_url
        assert ("amoot_form_" in answer.text) == (status == 200)
    if status == 401:
        assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


def test_token_for_metrics_opens_nothing_else(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a page of operators, nor the metrics where no token is set; the log has none."""
    header = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    changes: dict[str, Any] = {"trusted_proxies": 1, "metrics_token": METRICS_TOKEN}
    client = make_app(**changes).test_client()
    assert client.get("/outbox", headers=header).status_code == 403
    client = make_app(trusted_proxies=1).test_client()
    assert client.get("/metrics", headers=header).status_code == 403
    assert METRICS_TOKEN not in caplog.text
