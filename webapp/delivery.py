"""Delivers a contact and says what became of it."""

from __future__ import annotations

import base64
import enum
import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from webapp.verdict import PortalError, Rejected, Uncertain

if TYPE_CHECKING:
    from webapp.contact import Contact
    from webapp.outbox import Outbox
    from webapp.portal import Portal

log = logging.getLogger(__name__)

_REFERENCE_BYTES: Final = 5  # eight characters of base32: short enough to read out on the phone


class Result(enum.StrEnum):
    """What the page may say of a contact; nothing it says is untrue."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    QUEUED = "queued"
    UNSTORED = "unstored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one submission.

    Attributes:
        result: What the page may say.
        reference: A short name for the submission, without personal data.
        error: The portal's error, unless the contact was delivered.
    """

    result: Result
    reference: str
    error: PortalError | None = None

    @property
    def is_uncertain(self) -> bool:
        """Whether the portal may have the contact all the same."""
        return isinstance(self.error, Uncertain)


def submission_key(nonce: str, contact: Contact) -> str:
    """Name a submission: the same form sent twice with the same contact has the same key.

    Args:
        nonce: The nonce of the rendered form's token.
        contact: The contact, normalised.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    values = json.dumps([nonce, dict(contact.values)], default=str, sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()


def reference(key: str) -> str:
    """Shorten a submission's key to what a person can read out, such as `K7QF3M2X`."""
    return base64.b32encode(bytes.fromhex(key)[:_REFERENCE_BYTES]).decode()


class Delivery:
    """Sends contacts to the portal."""

    def __init__(self, portal: Portal, outbox: Outbox) -> None:
        """Deliver to this portal; what must wait goes into this outbox."""
        self._portal = portal
        self._outbox = outbox

    def submit(self, contact: Contact, key: str) -> Outcome:
        """Send a contact once.

        Args:
            contact: What to send.
            key: The submission's key, from `submission_key`.

        Returns:
            What became of it. A contact that did not arrive for certain is `unstored`.
        """
        name = reference(key)
        try:
            self._portal.create_contact(contact)
        except Rejected as error:
            log.info("submission %s: rejected, %s", name, error.status)
            return Outcome(result=Result.REJECTED, reference=name, error=error)
        except PortalError as error:
            told = (name, type(error).__name__, error.status, error.cause)
            log.warning("submission %s: %s, %s %s", *told)
            return Outcome(result=Result.UNSTORED, reference=name, error=error)
        log.info("submission %s: delivered", name)
        return Outcome(result=Result.DELIVERED, reference=name)

    def hold(self, contact: Contact, key: str, *, form: str, reason: str) -> Outcome:
        """Keep a doubtful contact for the operator, and answer like a success.

        A robot learns nothing from the answer, and a person's contact is not lost.

        Args:
            contact: What was submitted.
            key: The submission's key, from `submission_key`.
            form: The slug of its form.
            reason: Why it is doubtful.
        """
        name = reference(key)
        try:
            self._outbox.hold(contact, reference=name, form=form, reason=reason)
        except (SQLAlchemyError, OSError) as error:
            log.error("submission %s: cannot be stored, %s", name, type(error).__name__)  # noqa: TRY400  the text may quote it
            return Outcome(result=Result.UNSTORED, reference=name)
        log.info("submission %s: held, %s", name, reason)
        return Outcome(result=Result.DELIVERED, reference=name)
