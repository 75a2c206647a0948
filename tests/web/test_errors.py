"""Error pages: one design, Persian, nothing of what happened inside."""

from http import HTTPStatus

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from support import Html, Page
from tables import each

from webapp import messages

MOBILE = "09121234567"
STATUSES = [400, 401, 403, 404, 405, 413, 418, 422, 429, 500, 503]


@pytest.fixture
def failing(app: Flask) -> FlaskClient:
    """Return a browser for an app with addresses that fail on demand."""
    app.add_url_rule("/fail/<int:code>", view_func=abort)

    def crash() -> str:
        raise RuntimeError(MOBILE)

    app.add_url_rule("/crash", view_func=crash)
    return app.test_client()


@each("status", STATUSES)
def test_every_error_has_a_page_that_says_what_to_do(failing: FlaskClient, status: int) -> None:
    """A heading, an advice, the number in Persian digits, and no English."""
    response = failing.get(f"/fail/{status}")
    assert response.status_code == status
    heading, advice = messages.ERRORS.get(status, messages.OTHER_ERROR)
    html = Html(response.text)
    assert html.text("h1") == html.text("title") == heading
    assert advice in html.text("main")
    assert HTTPStatus(status).phrase not in response.text


def test_page_of_an_unexpected_error_has_no_details(
    failing: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the page nor the log quotes an exception's text; the log says where it happened."""
    response = failing.get("/crash")
    assert response.status_code == 500
    assert "RuntimeError" not in response.text
    assert "RuntimeError" in caplog.text
    assert "test_errors.py" in caplog.text
    assert MOBILE not in caplog.text + response.text


def test_redirect_of_the_router_is_no_error(app: Flask) -> None:
    """A missing slash is mended, not reported."""
    app.add_url_rule("/slash/", view_func=lambda: "")
    assert app.test_client().get("/slash").status_code == 308


def test_fault_in_a_service_is_answered_with_500(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page does not claim that nothing happened."""
    monkeypatch.setattr("webapp.outbox.submit.Intake.submit", lambda *_, **__: 1 / 0)
    response = page.client.post("/", data={"csrf_token": page.token, "Mobile": MOBILE})
    assert response.status_code == 500
    assert "شاید" in response.text
