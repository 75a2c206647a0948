"""A submission that is sent several times is counted once, and answered alike."""

import pytest
from flask.testing import FlaskClient
from support import SECRET, Page

from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.security.rate_limits import LimitReached, RateLimits

MOBILE, ADDRESS = "09121234567", "192.0.2.1"


def test_submission_that_is_sent_again_is_counted_once_and_another_one_is_refused() -> None:
    """Also while the first request has not stored it yet."""
    settings = Settings(secret_keys=(SECRET,), limit_mobile="1/hour", limit_form="2/hour")
    limits = RateLimits(settings)
    for _ in range(5):
        limits.count_form(form="club", address=ADDRESS, key="one")
        limits.count_mobile(mobile=MOBILE, key="one")
    for _ in range(5):  # what the number's limit refuses counts once against the form's
        limits.count_form(form="club", address=ADDRESS, key="two")
        with pytest.raises(LimitReached):
            limits.count_mobile(mobile=MOBILE, key="two")
    with pytest.raises(LimitReached):
        limits.count_form(form="club", address=ADDRESS, key="three")


def test_submission_whose_checks_fail_by_the_database_is_answered_alike_if_it_is_stored(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page does not say that it was not recorded."""
    page = Page(client, "/f/signup")
    data = {"csrf_token": page.token, "Mobile": MOBILE, "FName": "سارا", "consent": "true"}
    first, find = client.post("/f/signup", data=data), delivery.outbox.find

    def fail(_: str) -> None:
        monkeypatch.setattr(delivery.outbox, "find", find)
        raise DatabaseError("gone for a moment")

    monkeypatch.setattr(delivery.outbox, "find", fail)
    again = client.post("/f/signup", data=data)
    assert (first.status_code, first.location) == (again.status_code, again.location)
    assert len(portal.contacts) == 1
