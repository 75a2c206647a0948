"""The log: one line an event, the request's id on each, and nothing of anybody."""

import json
import logging
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from serving import Server, environ_of, serve
from support import FULL_FORM, SECRET, TOKEN, Html
from tables import each

from webapp import observability
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.forms import HONEYPOT_INPUT

MADE = re.compile("[0-9a-f]{16}")
OLDER = "older-key-of-the-tests-of-32-characters"
ADDRESS = "192.168.1.77"
# Parts of what is submitted below, in the spellings that it has on its way.
PRIVATE = (
    *("912123", "912 123", "912-123", "۹۱۲", "9121231111", "0911555", "۰۹۱۱", "%DB%B9"),
    *("علی", "علي", "کاظمی", "كاظمي", "سارا", "%D8%B3", "u0633", "u0639", r"\xd8"),
    *("آزادی", "تهران", "شرکت", "1990-10", "۱۳۶۹", "Ali@", "Example.com"),
    *(ADDRESS, TOKEN, SECRET, OLDER),
)
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<levelname>[A-Z]+) (?P<request_id>[\w.-]+)"
    r" (?P<name>[\w.-]+) (?P<message>.*)"
)
REFERENCE = re.compile(r"(?<=^submission )[A-Z2-9]{8}(?=: )")
# What is logged under each request id, where anything is.
SAID = {
    "held.1": ["submission REF: held, honeypot"],
    "limit.1": ["LIMIT_MOBILE (1 per 1 day) is used up: refusing requests"],
    "delivered.1": ["submission REF: delivered"],
    "failed.0": ["submission REF: rejected, Mobile_Invalid"],
    "failed.1": ["submission REF: Uncertain, HTTP_502 "],
    "failed.2": ["the queue is paused: Token_Invalid", "submission REF: Refused, Token_Invalid "],
    "unstored.1": [
        (
            "submission REF: not stored, STATE_DIRECTORY: OperationalError SQLITE_BUSY: "
            "another program holds the lock: end it"
        )
    ],
}


class Person:
    """Somebody who submits forms through a proxy, which names the requests."""

    def __init__(self, server: Server) -> None:
        """Come to a server."""
        self._url = server.url
        self._session = requests.Session()
        self._session.headers["X-Forwarded-For"] = ADDRESS

    def open(self, path: str = "/") -> str:
        """Open a form; return its token."""
        html = Html(self._session.get(self._url + path, timeout=30).text)
        return str(next(html.find("input", name="csrf_token"))[0]["value"])

    def submit(self, name: str, token: str, path: str = "/", **fields: Any) -> str:
        """Submit a form under this request id; return the page's outcome."""
        sent = self._session.post(
            self._url + path,
            data={"csrf_token": token, **fields},
            headers={"X-Request-ID": name},
            allow_redirects=False,
            timeout=30,
        )
        assert sent.headers["X-Request-ID"] == name
        if sent.status_code == 303:
            sent = self._session.get(self._url + sent.headers["Location"], timeout=30)
        return str(Html(sent.text).outcome)


def read(line: str, log_format: str) -> dict[str, Any]:
    """Read a line of a log, which must be an event of its own."""
    if log_format == "json":
        event: dict[str, Any] = json.loads(line)
        return event
    found = LINE.fullmatch(line)
    assert found, line
    return found.groupdict()


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["text", pytest.param("json", marks=pytest.mark.nightly)])
def test_log_at_level_debug_knows_each_submission_and_nobody(
    simulator: Simulator, tmp_path: Path, log_format: str
) -> None:
    """At its most talkative, through all that can become of a submission."""
    environ = environ_of(simulator.url, tmp_path, SECRET_KEY=f"{SECRET} {OLDER}")
    environ |= {"DELIVERER": "off", "TRUSTED_PROXIES": "1", "LIMIT_MOBILE": "1/day"}
    environ |= {"LOG_FORMAT": log_format, "LOG_LEVEL": "debug"}
    signup: dict[str, Any] = {"path": "/f/signup", "FName": "سارا", "consent": "true"}
    with serve(tmp_path, **environ) as server:
        person = Person(server)
        robot, sender = (person.open("/f/signup") for _ in range(2))
        time.sleep(2.1)  # as long as a person takes
        bait = {"Mobile": "09121231111", HONEYPOT_INPUT: "http://spam.example"}
        outcomes = [
            person.submit("held.1", robot, **signup, **bait),
            person.submit("limit.1", sender, **signup, Mobile="+98 912 123 1111", LName="كاظمي"),
            person.submit("young.1", person.open("/f/signup"), **signup, Mobile="۰۹۱۱۵۵۵"),
            person.submit("delivered.1", person.open(), **FULL_FORM),
        ]
        for number, answer in enumerate(("Mobile_Invalid", Fault.HTTP_502, "Token_Invalid")):
            simulator.answer(answer)
            outcomes.append(person.submit(f"failed.{number}", person.open(), **FULL_FORM))
        outcomes.append(person.submit("invalid.1", person.open(), **{**FULL_FORM, "Mobile": "x"}))
        token = person.open()
        with closing(sqlite3.connect(tmp_path / "outbox.sqlite3")) as other:
            other.execute("BEGIN IMMEDIATE")
            outcomes.append(person.submit("unstored.1", token, **FULL_FORM))
    assert outcomes == [
        *("delivered", "invalid", "invalid", "delivered"),
        *("rejected", "queued", "queued", "invalid", "unstored"),
    ]
    text = server.log.read_text()
    assert [secret for secret in PRIVATE if secret in text] == []
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        event = read(line, log_format)
        if not event["message"].startswith("the database "):  # once, of whoever is first
            said.setdefault(event["request_id"], []).append(event["message"])
    for name, wanted in SAID.items():
        assert [REFERENCE.sub("REF", message) for message in said[name]] == wanted
    assert not {"young.1", "invalid.1"} & said.keys()
    assert all("submission" not in message for message in said["-"])


LOG_TWICE = """
import logging.config
from webapp import settings
from webapp import observability as app_logging
for log_format in ("text", "json"):
    logging.config.dictConfig(app_logging.config(settings.Settings(log_format=log_format)))
    try:
        raise ValueError("first\\nsecond")
    except ValueError:
        logging.exception("it broke")
    logging.info("it goes on")
"""


@pytest.mark.slow
def test_traceback_is_one_event() -> None:
    """Outside of a request, whose id is a dash."""
    done = subprocess.run(
        [sys.executable, "-c", LOG_TWICE], capture_output=True, check=True, text=True
    )
    *text, broke, went_on = done.stderr.splitlines()
    events = [*(read(line, "text") for line in text), read(broke, "json"), read(went_on, "json")]
    assert [event["levelname"] for event in events] == ["ERROR", "INFO"] * 2
    assert {event["request_id"] for event in events} == {"-"}
    assert "ValueError" in text[0]
    assert "ValueError" in broke


@pytest.fixture
def behind_a_proxy(make_app: Callable[..., Flask]) -> FlaskClient:
    """Return the only client of an app: its proxy."""
    return make_app(trusted_proxies=1).test_client()


@each("given", ["a", "Ab0._-", "f" * 64])
def test_proxy_names_the_request(behind_a_proxy: FlaskClient, given: str) -> None:
    """Its log and ours can be laid side by side."""
    response = behind_a_proxy.get("/healthz", headers={"X-Request-ID": given})
    assert response.headers.getlist("X-Request-ID") == [given]


@each("given", ["", "a b", "f" * 65, "سارا", "a,b", "a\x0b", '"', "a%0Ab"])
def test_what_is_no_name_is_replaced(behind_a_proxy: FlaskClient, given: str) -> None:
    """Nobody writes a line of his own into the log."""
    response = behind_a_proxy.get("/healthz", environ_overrides={"HTTP_X_REQUEST_ID": given})
    assert MADE.fullmatch(response.headers["X-Request-ID"])


def test_without_a_proxy_each_request_gets_a_name_of_its_own(client: FlaskClient) -> None:
    """A visitor does not choose it."""
    names = {
        client.get("/healthz", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"]
        for _ in range(3)
    }
    assert len(names) == 3
    assert all(map(MADE.fullmatch, names))


def test_every_answer_carries_it(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is, a broken page included."""
    app = make_app(public_url="http://localhost")
    client = app.test_client()
    foreign = {"Origin": "https://evil.example"}
    answers = [
        client.get("/"),
        client.get("/static/site.css"),
        client.get("/nothing"),
        client.get("/f/signup", base_url="http://other.example"),
        client.post("/", data={}, headers=foreign),
        client.post("/", data=b"x" * 100_000, content_type="application/x-www-form-urlencoded"),
        client.get("/embed/signup/done"),
        client.get("/outbox", environ_base={"REMOTE_ADDR": "203.0.113.7"}),
    ]
    monkeypatch.setitem(app.view_functions, "page.main", lambda: 1 / 0)
    answers.append(client.get("/"))
    for answer in answers:
        answer.close()
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 200, 404, 400, 403, 413, 303, 403, 500]
    assert all(MADE.fullmatch(answer.headers["X-Request-ID"]) for answer in answers)


def test_request_within_a_request_leaves_the_outer_ones_name(
    behind_a_proxy: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """And none stays when the request has ended."""
    app = behind_a_proxy.application
    caplog.handler.addFilter(observability.RequestIds())

    def nested() -> str:
        app.test_client().get("/healthz", headers={"X-Request-ID": "inner"})
        logging.getLogger("test").warning("outer line")
        return ""

    app.add_url_rule("/nested", view_func=nested)
    behind_a_proxy.get("/nested", headers={"X-Request-ID": "outer"})
    logging.getLogger("test").warning("later line")
    names = {record.getMessage(): vars(record)["request_id"] for record in caplog.records}
    assert names == {"outer line": "outer", "later line": "-"}
