"""The pages after the portal rejects what the person cannot correct."""

from flask.testing import FlaskClient
from support import Page

from webapp import messages
from webapp.demo import Simulator
from webapp.outbox.rows import NEEDS_ATTENTION
from webapp.web.rendering import EXTENSION

MOBILE = "09121234567"


def held(client: FlaskClient) -> list[str]:
    """Return the statuses of what an operator should look at."""
    outbox = client.application.extensions[EXTENSION].delivery.outbox
    return [row.status for row in outbox.review.page(NEEDS_ATTENTION)]


def test_visitor_whose_form_cannot_mend_a_rejection_hears_received(
    client: FlaskClient, portal: Simulator
) -> None:
    """On the page and in the frame; the status is the operators' matter."""
    for number, path in enumerate(("/f/signup", "/embed/signup"), 1):
        portal.answer("Title_Empty")
        page = Page(client, path)
        response = page.send(Mobile=MOBILE, FName="سارا", consent="true")
        assert response.status_code == 200
        assert page.html.outcome == "queued"
        assert messages.HELD_PUBLIC in page.html.text(role="status")
        assert "Title_Empty" not in response.text
        assert held(client) == ["Title_Empty"] * number


def test_visitor_whose_form_shows_the_rejected_field_corrects_it(
    client: FlaskClient, portal: Simulator
) -> None:
    """Nothing is kept of what they have before their eyes."""
    for status, field in (("Mobile_Invalid", "Mobile"), ("FirstNameOrLastName_Empty", "FName")):
        portal.answer(status)
        page = Page(client, "/embed/signup")
        assert page.send(Mobile=MOBILE, FName="سارا", consent="true").status_code == 422
        assert page.error(field)
        assert page.html.values["Mobile"] == [MOBILE]
    assert held(client) == []


def test_operator_hears_that_a_contact_is_held_and_not_that_it_will_be_sent(
    page: Page, portal: Simulator
) -> None:
    """With the portal's status, and the way to the outbox."""
    portal.answer("Title_Empty")
    page.send(Mobile=MOBILE)
    said = page.html.text(role="status")
    assert page.html.outcome == "queued"
    assert messages.HELD in said
    assert messages.QUEUED not in said
    assert "Title_Empty" in said
    assert messages.WAITING.format(n="۰") not in said
    assert held(page.client) == ["Title_Empty"]
