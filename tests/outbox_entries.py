"""Entries of the outbox, as tests of its pages make them."""

import hashlib
import itertools
from datetime import date, timedelta
from typing import Final

from flask.testing import FlaskClient

from webapp.contact import Contact
from webapp.outbox.rows import NUMBER_UNVERIFIED, Submission, Timing
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION

NOW: Final = timedelta(0)
# The time limits of an outbox in which what may still be on its way is looked up at once.
TIMING: Final = Timing(deadline=timedelta(seconds=8), settle=NOW)

# What a visitor of the built-in sign-up form sends, with what the form adds.
CONTACT: Final = Contact(
    Mobile="09121234567",
    FName="علی‌رضا",
    LName="کاظمی",
    BornDate=date(1990, 10, 7),
    CityName="تهران",
    Labels=("سایت",),
)
OTHER: Final = Contact(**{**CONTACT.values, "Mobile": "09351112233"})

numbers = itertools.count()


def key() -> str:
    """Return the key of a new submission."""
    return hashlib.sha256(str(next(numbers)).encode()).hexdigest()


def hold(
    delivery: DeliveryServices,
    contact: Contact = CONTACT,
    *,
    form: str = "signup",
    reason: str = NUMBER_UNVERIFIED,
) -> str:
    """Hold a submission for a review; return its reference."""
    return delivery.outbox.hold(contact, key(), form=form, reason=reason)[0].reference


def add(
    delivery: DeliveryServices, contact: Contact = CONTACT, *, form: str = "signup"
) -> Submission:
    """Store a submission that is being sent."""
    return delivery.outbox.add(contact, key(), form=form, send=True)[0]


def reject(
    delivery: DeliveryServices,
    contact: Contact = CONTACT,
    *,
    form: str = "signup",
    status: str = "Mobile_Invalid",
) -> str:
    """Have a submission rejected while nobody waits for it; return its reference."""
    submission = add(delivery, contact, form=form)
    delivery.outbox.reject(submission, status, erase=False)
    return submission.reference


def doubt(delivery: DeliveryServices, pause: timedelta = NOW, **changes: object) -> str:
    """Queue a submission that the portal may have, due after a pause; return its reference."""
    submission = add(delivery)
    delivery.outbox.postpone(submission, pause, status="Timeout", uncertain=True, **changes)
    return submission.reference


def found(delivery: DeliveryServices, reference: str) -> Submission:
    """Return an entry that is there."""
    submission = delivery.outbox.review.get(reference)
    assert submission is not None
    return submission


def token(client: FlaskClient) -> str:
    """Return a token as the screen's pages carry it."""
    issued: str = client.application.extensions[EXTENSION].tokens.issue(":outbox")
    return issued
