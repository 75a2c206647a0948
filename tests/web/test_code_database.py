"""The code step while the database fails: no page says what did not happen."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection
from support import Html, Page

from webapp import messages
from webapp.database import Database, DatabaseError
from webapp.demo import Simulator
from webapp.messages import public as texts
from webapp.web.rendering import EXTENSION

pytestmark = pytest.mark.slow

FORMS = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
"""


class Failure:
    """A database that fails from some transaction on.

    Attributes:
        after: How many transactions succeed before; None, if none fails.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        """Let all succeed."""
        self.after: int | None = None
        for name in ("read", "write"):
            patch.setattr(Database, name, self._failing(getattr(Database, name)))

    def _failing(self, real: Callable[[Database], Any]) -> Callable[[Database], Any]:
        @contextmanager
        def transaction(database: Database) -> Iterator[Connection]:
            if self.after == 0:
                raise DatabaseError("OperationalError")
            if self.after:
                self.after -= 1
            with real(database) as connection:
                yield connection

        return transaction

    def begin(self, *_: object) -> str:
        """Fail from now on; return what the portal answers that is just asked."""
        self.after = 0
        return "Success"


@pytest.fixture
def failure(monkeypatch: pytest.MonkeyPatch) -> Failure:
    """Return what makes the database fail."""
    return Failure(monkeypatch)


@pytest.fixture
def client(make_app: Callable[..., Flask], failure: Failure) -> FlaskClient:
    """Return a browser without script."""
    assert failure.after is None
    return make_app(forms=FORMS, limit_code_unproven="99/hour").test_client()


def stored(client: FlaskClient) -> int:
    """Return how many submissions are stored."""
    database = client.application.extensions[EXTENSION].delivery.database
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM outbox").scalar())


def elapse(client: FlaskClient) -> None:
    """Let the pause before another code pass."""
    database = client.application.extensions[EXTENSION].delivery.database
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE codes SET resend_at = created_at")


def test_database_that_fails_once_a_code_is_out_leaves_the_code_step(
    client: FlaskClient, portal: Simulator, failure: Failure
) -> None:
    """The person has the code; what they typed is stored, and the code is right."""
    page = Page(client, "/f/club")
    portal.respond_with = failure.begin
    answer = page.send(follow=False, Mobile="09121234567")
    assert answer.status_code == 303
    url = answer.headers["Location"]
    broken = client.get(url)
    assert broken.status_code == 503
    assert messages.NOT_RECORDED not in broken.text
    assert next(Html(broken.text).find("a", _class="button"))[0]["href"] == url
    portal.respond_with = failure.after = None
    assert texts.SENT[1] in Html(client.get(url).text).text(role="status")
    code = portal.codes[-1]["Code"]
    assert "?r=" in client.post(url, data={"Code": code}).headers["Location"]
    assert len(portal.contacts) == len(portal.codes) == 1


def test_page_after_a_database_failure_at_any_step_is_true(
    client: FlaskClient, portal: Simulator, failure: Failure
) -> None:
    """Before it is stored: not recorded. Afterwards: the step, which says whether a code is out."""
    for after in itertools.count():
        page, rows, sent = Page(client, "/f/club"), stored(client), len(portal.codes)
        failure.after = after
        answer = page.send(follow=False, Mobile=f"0912000{after:04}")
        is_over, failure.after = bool(failure.after), None
        is_stored, is_out = stored(client) > rows, len(portal.codes) > sent
        assert answer.status_code == (303 if is_stored else 503), after
        if is_stored:
            url = answer.headers["Location"]
            said = Html(client.get(url).text).text(role="status")
            assert (texts.SENT[1] in said, texts.NOT_SENT in said) == (is_out, not is_out), after
            if not is_out:
                assert client.post(url, data={"resend": "1"}).status_code == 303, after
            code = {"Code": portal.codes[-1]["Code"]}
            assert "?r=" in client.post(url, data=code).headers["Location"], after
        else:
            assert messages.UNSTORED_PUBLIC in page.html.text(role="alert"), after
            assert not is_out, after
        if is_over:
            break
    assert after > 5


def test_code_that_was_not_sent_is_never_reported_as_sent(
    client: FlaskClient, portal: Simulator, failure: Failure
) -> None:
    """Wherever the database fails after the portal has refused to send it."""
    is_asked = False
    for after in itertools.count():
        page, rows = Page(client, "/f/club"), stored(client)
        portal.respond_with = "Failed".format
        failure.after = after
        answer = page.send(follow=False, Mobile=f"0912000{after:04}")
        is_over, failure.after, portal.respond_with = bool(failure.after), None, None
        assert answer.status_code == (303 if stored(client) > rows else 503), after
        if answer.status_code == 303:
            url = answer.headers["Location"]
            opened = Html(client.get(url, follow_redirects=True).text)
            said = opened.text(role="status")
            assert texts.SENT[1] not in said, after
            assert (texts.NOT_SENT if opened.outcome == "code" else messages.HELD_PUBLIC) in said
            is_asked = is_asked or opened.outcome == "code"
        if is_over:
            break
    assert is_asked


def test_second_code_that_was_sent_is_reported_although_the_database_fails(
    client: FlaskClient, portal: Simulator, failure: Failure
) -> None:
    """And the number that was corrected has its own step."""
    url = Page(client, "/f/club").send(follow=False, Mobile="09121234567").headers["Location"]
    elapse(client)
    portal.respond_with = failure.begin
    again = client.post(url, data={"resend": "1"})
    failure.after = None
    assert again.headers["Location"] == f"{url}&sent=1"
    page = Page(client, f"{url}&change=1")
    typed = {name: values[0] for name, values in page.html.values.items()}
    page.path = "/f/club"
    corrected = page.send(follow=False, **{**typed, "Mobile": "09120000000"})
    failure.after = None
    assert "/code?" in corrected.headers["Location"]
    assert len(portal.codes) == 3
