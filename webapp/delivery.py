"""Delivers a contact and says what became of it."""

from __future__ import annotations

import base64
import enum
import hashlib
import json
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from webapp.outbox import StoreError
from webapp.tokens import LIFETIME
from webapp.verdict import PortalError, Rejected, Uncertain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.contact import Contact
    from webapp.outbox import Outbox
    from webapp.portal import Portal

log = logging.getLogger(__name__)

_GLANCE: Final = 0.05  # seconds between two looks at the same submission under way

_REFERENCE_BYTES: Final = 5  # eight characters of base32: short enough to read out on the phone


class Result(enum.StrEnum):
    """What the page may say of a contact; nothing it says is untrue, `Delivery.hold` apart."""

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
    """Sends contacts to the portal, each submission once."""

    def __init__(self, portal: Portal, outbox: Outbox, *, deadline: float) -> None:
        """Deliver to this portal, whose calls last so many seconds; remember in this outbox."""
        self._portal = portal
        self._outbox = outbox
        self._deadline = deadline

    def submit(self, contact: Contact, key: str) -> Outcome:
        """Send a contact once: `take` the submission on, then `send` it.

        Args:
            contact: What to send.
            key: The submission's key, from `submission_key`.

        Returns:
            What became of it. A contact that did not arrive for certain is `unstored`.
        """
        return self.take(key) or self.send(contact, key)

    def take(self, key: str) -> Outcome | None:
        """Take a submission on, or return the outcome of the same one, sent before.

        The same submission sent again, as by a double click or a reload, waits for the first one.
        Who takes it on ends it with `send`, `hold` or `release`.
        """
        lease = timedelta(seconds=2 * self._deadline)
        patience = time.monotonic() + self._deadline
        with _logged(key):  # without the store it is sent all the same: rather twice than never
            while not self._outbox.claim(key, lease=lease):
                if result := self._outbox.result(key):
                    return Outcome(result=Result(result), reference=reference(key))
                if time.monotonic() > patience:
                    error = Uncertain("Timeout")
                    return Outcome(result=Result.UNSTORED, reference=reference(key), error=error)
                time.sleep(_GLANCE)
        return None

    def release(self, key: str) -> None:
        """Give a submission up that was taken on: it may be tried again."""
        with _logged(key):
            self._outbox.release(key)

    def send(self, contact: Contact, key: str) -> Outcome:
        """Send a contact whose submission was taken on."""
        outcome = self._send(contact, reference(key))
        if outcome.result is Result.DELIVERED:
            self._settle(key, outcome)
        else:
            self.release(key)
        return outcome

    def _send(self, contact: Contact, name: str) -> Outcome:
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

    def _settle(self, key: str, outcome: Outcome) -> None:
        with _logged(key):
            self._outbox.settle(key, outcome.result, until=datetime.now(UTC) + LIFETIME)

    def hold(self, contact: Contact, key: str, *, form: str, reason: str) -> Outcome:
        """Keep a doubtful contact, whose submission was taken on, for the operator.

        The outcome is `delivered`, the one thing that is not what it says: a robot learns nothing
        from it, and a visitor is told no more than that the contact was received.

        Args:
            contact: What was submitted.
            key: The submission's key, from `submission_key`.
            form: The slug of its form.
            reason: Why it is doubtful.
        """
        name = reference(key)
        try:
            self._outbox.hold(contact, reference=name, form=form, reason=reason)
        except StoreError as error:
            log.error("submission %s: cannot be held, %s", name, error)  # noqa: TRY400  no traceback
            self.release(key)
            return Outcome(result=Result.UNSTORED, reference=name)
        log.warning("submission %s: held for the operator, %s", name, reason)
        outcome = Outcome(result=Result.DELIVERED, reference=name)
        self._settle(key, outcome)
        return outcome


@contextmanager
def _logged(key: str) -> Iterator[None]:
    """Go on without the store, and say so in the log."""
    try:
        yield
    except StoreError as error:
        log.error("submission %s: the store does not answer, %s", reference(key), error)  # noqa: TRY400  no traceback
