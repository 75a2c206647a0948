"""Finds contacts with the same mobile number, before an operator creates another one."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from webapp.contact import MOBILE
from webapp.database import DatabaseError
from webapp.persian import to_iran
from webapp.portal.base import KnownContact, MethodNotAllowed, PortalError

if TYPE_CHECKING:
    from collections.abc import Collection

    from webapp.contact import Contact
    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.delivery.outbox import Outbox
    from webapp.delivery.submission import Submission
    from webapp.portal.base import Portal

log = logging.getLogger(__name__)

DEADLINE_S: Final = 0.5  # of the search, for which an operator waits
_MAX_SEARCHED: Final = 20  # numbers of a file
_SEARCHES_TIMEOUT_S: Final = 2.0  # for all of them
_NOT_ALLOWED_INTERVAL_S: Final = 600.0  # between two searches with a token that may not search


class Duplicates:
    """Asks the portal and the outbox. What cannot be found out in time counts as unknown."""

    def __init__(self, portal: Portal, outbox: Outbox, breaker: CircuitBreaker) -> None:
        """Search in this portal, whose calls end within `DEADLINE_S`, and in this outbox."""
        self._portal = portal
        self._outbox = outbox
        self._breaker = breaker
        self._search_at = 0.0

    def find(self, contact: Contact, key: str) -> list[KnownContact]:
        """Return the contacts with the same number.

        Args:
            contact: What is to be submitted.
            key: Its submission's key. A submission that is stored already has no duplicates: its
                form was sent twice.
        """
        try:
            if self._outbox.find(key):
                return []
        except DatabaseError:
            return []
        return self.with_mobile(str(contact[MOBILE]))

    def with_mobile(self, mobile: str, *, but: str = "") -> list[KnownContact]:
        """Return the contacts with this normalised mobile number.

        Args:
            mobile: The number.
            but: The reference of a submission that is none of them: it is being corrected.
        """
        try:
            waiting = self._outbox.review.waiting_for(mobile)
        except DatabaseError:
            return []
        others = [_describe(submission) for submission in waiting if submission.reference != but]
        return others or self._search(mobile) or []

    def among(self, mobiles: Collection[str]) -> tuple[set[str], bool]:
        """Return which of these numbers are known, and whether the phonebook was asked about all.

        Of many numbers it is not: each takes a call.
        """
        known = self._outbox.review.waiting_among(mobiles)
        rest = set(mobiles) - known
        if len(rest) > _MAX_SEARCHED:
            return known, False
        expires = time.monotonic() + _SEARCHES_TIMEOUT_S
        for mobile in rest:
            found = self._search(mobile) if time.monotonic() < expires else None
            if found is None:
                return known, False
            if found:
                known.add(mobile)
        return known, True

    def _search(self, mobile: str) -> list[KnownContact] | None:
        """Return the portal's contacts with a number; None if that could not be found out."""
        if self._breaker.pause or time.monotonic() < self._search_at:
            return None
        try:
            return self._portal.known_contacts(mobile)
        except MethodNotAllowed as error:
            log.warning("duplicates are not found: the token may not search, %s", error)
            self._search_at = time.monotonic() + _NOT_ALLOWED_INTERVAL_S
        except PortalError as error:
            log.info("duplicates were not looked for: %s", error)
        return None


def _describe(submission: Submission) -> KnownContact:
    values = submission.contact.values if submission.contact else {}
    names = (str(values.get(name) or "") for name in ("FName", "LName"))
    return KnownContact(
        name=" ".join(filter(None, names)),
        company=str(values.get("CompanyTitle") or ""),
        city=str(values.get("CityName") or ""),
        changed_on=to_iran(submission.created_at).date(),
    )
