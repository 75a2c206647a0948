"""What the portal knows: labels, contacts with the same number, and blocked lines.

`LabelList` fetches the labels in the background, and keeps them while the portal is down;
operators' forms suggest them. `Duplicates` finds contacts with a number; an `OptionalQuestion`,
such as whether a number has cancelled a line's messages, stays open if the portal does not answer
soon. `Corrections` changes a contact that the portal has.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from webapp.contact import EMPTY_VALUES, MOBILE, NAMES, Contact, Value
from webapp.database import DatabaseError
from webapp.observability import log_exception
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import Submission
from webapp.outbox.submit import Intake
from webapp.persian import InvalidText, parse_labels, spelling_key, to_iran
from webapp.portal import (
    KnownContact,
    MethodNotAllowed,
    Portal,
    PortalError,
    Refused,
    SlowDown,
    Unreachable,
)

log = logging.getLogger(__name__)

_RETRY_INTERVAL_S: Final = 60.0  # after a failed call
_PAUSE_CHECK_INTERVAL_S: Final = 5.0  # while the circuit breaker is open
_LABELS_NOT_ALLOWED_INTERVAL_S: Final = 6 * 3600.0  # a person must change the token in the portal


class KnownLabels:
    """Labels that exist; without those that nobody can type: too long, or with a separator.

    Attributes:
        names: The labels as the portal writes them, most used first.
        version: Another number for each change of the list.
    """

    def __init__(self, names: Iterable[str] = (), *, version: int = 0) -> None:
        """Index these labels, most used first."""
        self.version = version
        self._spellings: dict[str, tuple[str, ...]] = {}
        keys = {name: key for name in names if (key := _key(name))}
        self.names = tuple(keys)
        for name, key in keys.items():
            self._spellings[key] = (*self._spellings.get(key, ()), name)

    def spellings(self, label: str) -> tuple[str, ...]:
        """Return the known labels that people read as this one, most used first."""
        return self._spellings.get(spelling_key(label), ())


def _key(name: str) -> str:
    """Return the key of a label's spelling as it is read from a form; "" if it cannot be."""
    try:
        read = parse_labels((name,), caption=name)
    except InvalidText:
        return ""
    return spelling_key(read[0]) if len(read) == 1 else ""


class LabelList:
    """Keeps the list of a portal's labels up to date.

    It starts no thread before `start`, so a server may fork after building it.
    """

    def __init__(self, portal: Portal, breaker: CircuitBreaker, *, interval_s: float) -> None:
        """Set up the list, empty.

        Args:
            portal: Where the labels are.
            breaker: While it is open, they are not fetched.
            interval_s: Seconds between two fetches; 0 for none.
        """
        self._portal = portal
        self._breaker = breaker
        self._interval_s = interval_s
        self._known = KnownLabels()
        self._failure = ""  # the status of the last fetch, "" if it succeeded
        self._stopped = threading.Event()

    def known(self) -> KnownLabels:
        """Return the labels as last fetched. Never calls the portal."""
        return self._known

    def start(self) -> None:
        """Fetch in a thread, now and at intervals. Call it in the process that serves."""
        if self._interval_s:
            threading.Thread(target=self._run, name="labels", daemon=True).start()

    def stop(self) -> None:
        """Start no further fetch. One under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            try:
                pause_s = self.refresh()
            except Exception as error:  # noqa: BLE001  the thread goes on, whatever happens
                log_exception(log, error)
                pause_s = self._interval_s

    def refresh(self) -> float:
        """Fetch the list once, unless the queue is paused; return the seconds until the next time.

        If that fails, the last list stays.
        """
        if self._breaker.pause:
            return min(self._interval_s, _PAUSE_CHECK_INTERVAL_S)
        try:
            labels = self._portal.labels()
        except PortalError as error:
            return self._failed(error)
        self._failure = ""
        ranked = sorted(labels, key=lambda label: -label.contacts)
        fresh = KnownLabels((label.name for label in ranked), version=self._known.version + 1)
        if fresh.names != self._known.names:
            self._known = fresh
        return self._interval_s

    def _failed(self, error: PortalError) -> float:
        """Log a failure once; return the seconds until the next fetch."""
        if error.status != self._failure:
            log.info("the portal's labels are not fetched: %s", error.status)
        self._failure = error.status
        if isinstance(error, MethodNotAllowed):
            return max(self._interval_s, _LABELS_NOT_ALLOWED_INTERVAL_S)
        if isinstance(error, SlowDown):
            return max(self._interval_s, error.retry_after or 0)
        return min(self._interval_s, _RETRY_INTERVAL_S)


DEADLINE_S: Final = 0.5  # of a question, for which a person waits
_LABELS_DEADLINE_S: Final = 1.0  # of all searches by labels together: none starts later
_MAX_LABELS: Final = 8
_NOT_ALLOWED_INTERVAL_S: Final = 600.0  # between two questions with a token that may not ask

Answer = TypeVar("Answer")


class OptionalQuestion(Generic[Answer]):
    """A question to the portal for which nobody waits long.

    It is not asked while the circuit breaker is open, nor for a while if the token may not ask it.
    """

    def __init__(self, method: Callable[..., Answer], breaker: CircuitBreaker) -> None:
        """Set the portal's method, whose calls end within `DEADLINE_S`."""
        self._method = method
        self._breaker = breaker
        self._ask_at = 0.0

    def ask(self, *values: str, **options: str) -> Answer | None:
        """Return the portal's answer; None if there is none."""
        if self._breaker.pause or time.monotonic() < self._ask_at:
            return None
        try:
            return self._method(*values, **options)
        except MethodNotAllowed as error:
            log.warning("%s: the token may not ask, %s", self._method.__name__, error)
            self._ask_at = time.monotonic() + _NOT_ALLOWED_INTERVAL_S
        except PortalError as error:
            log.info("%s: not found out, %s", self._method.__name__, error)
        return None


class Duplicates:
    """Asks the portal and the outbox. What cannot be found out in time counts as unknown."""

    def __init__(self, portal: Portal, outbox: Outbox, breaker: CircuitBreaker) -> None:
        """Search in this portal, whose calls end within `DEADLINE_S`, and in this outbox."""
        self._outbox = outbox
        self._search = OptionalQuestion(portal.known_contacts, breaker)

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
        return others or self._search.ask(mobile) or []

    def with_labels(
        self, known: Sequence[KnownContact], mobile: str, labels: Iterable[str]
    ) -> list[KnownContact]:
        """Return these contacts with what the portal says of these labels: one call for each.

        Some are left out if there are many, or the portal is slow.

        Args:
            known: Contacts that `find` or `with_mobile` returned.
            mobile: Their number.
            labels: The labels in question, the most important first.
        """
        until = time.monotonic() + _LABELS_DEADLINE_S
        carried: dict[str, set[int | None]] = {}
        if any(contact.id for contact in known):
            for label in list(dict.fromkeys(labels))[:_MAX_LABELS]:
                is_late = time.monotonic() >= until
                found = None if is_late else self._search.ask(mobile, label=label)
                if found is None:
                    break
                carried[label] = {contact.id for contact in found}
        return [
            replace(it, labels={label: it.id in ids for label, ids in carried.items() if it.id})
            for it in known
        ]


def _describe(submission: Submission) -> KnownContact:
    values = submission.contact.values if submission.contact else {}
    return KnownContact(
        names=[str(values[name]) for name in NAMES if values.get(name)],
        company=str(values.get("CompanyTitle") or ""),
        city=str(values.get("CityName") or ""),
        changed_on=to_iran(submission.created_at).date(),
        values=values,
    )


class Corrected(enum.Enum):
    """What became of a correction that the portal has answered."""

    DONE = "corrected"
    CHANGED = "changed"  # by somebody else, since it was shown: nothing was sent
    GONE = "gone"  # the contact was deleted, or has another number


@dataclass(frozen=True, slots=True)
class Correction:
    """The outcome of a correction.

    Attributes:
        result: What became of it.
        stored: The contact as the portal had it before the change; empty if it is gone.
    """

    result: Corrected
    stored: Contact = field(default_factory=Contact)


class Corrections:
    """Changes contacts that the portal has. A person waits, with one of the intake's permits."""

    def __init__(self, portal: Portal, intake: Intake) -> None:
        """Change contacts in this portal, while this intake would send one at once."""
        self._portal = portal
        self._intake = intake

    def look_up(
        self, mobiles: Iterable[str], number: int = 0
    ) -> tuple[str, Sequence[KnownContact]]:
        """Return a contact and its number; if it is not there, all with the first number.

        Args:
            mobiles: The numbers that it may have; empty ones are passed over.
            number: Its ID; 0 if that is not known.

        Raises:
            PortalError: if that could not be found out.
        """
        with self._calling():
            return self._look_up(mobiles, number)

    def correct(self, number: int, *, shown: Contact, changes: Mapping[str, Value]) -> Correction:
        """Change a contact, unless somebody else has changed it since it was shown.

        A change that is made already is not sent again, as after a double click.

        Args:
            number: Its ID.
            shown: What the operator was shown.
            changes: The values that they have changed.

        Raises:
            PortalError: by what became of the change: none for certain, but for Uncertain.
        """
        with self._calling():
            mobiles = (str(shown[MOBILE]), str(changes.get(MOBILE, "")))
            mobile, known = self._look_up(mobiles, number)
            if number not in [it.id for it in known]:
                return Correction(Corrected.GONE)
            stored = stored_contact(known[0], mobile)
            is_done = {name for name, value in changes.items() if is_equal(stored[name], value)}
            if _differing(stored, shown) - is_done:
                return Correction(Corrected.CHANGED, stored)
            wanted = Contact(**{**stored.values, **changes})
            if _differing(wanted, stored):
                try:
                    self._portal.edit_contact(number, wanted)
                except Refused as error:
                    if error.status == _NO_SUCH_CONTACT:
                        return Correction(Corrected.GONE)
                    raise
            return Correction(Corrected.DONE, stored)

    def _look_up(self, mobiles: Iterable[str], number: int) -> tuple[str, Sequence[KnownContact]]:
        known: dict[str, Sequence[KnownContact]] = {}
        for mobile in dict.fromkeys(filter(None, mobiles)):
            known[mobile] = [it for it in self._portal.known_contacts(mobile) if it.id]
            if same := [it for it in known[mobile] if it.id == number]:
                return mobile, same
        return next(iter(known.items()))

    @contextmanager
    def _calling(self) -> Iterator[None]:
        with self._intake.permit() as has_permit:
            if reason := self._intake.reason_not_to_send(has_permit=has_permit):
                raise Unreachable(reason)
            yield


_NO_SUCH_CONTACT: Final = "ContactID_Invalid"


def stored_contact(known: KnownContact, mobile: str) -> Contact:
    """Return what the portal has of a contact with this number."""
    return Contact(**{**known.values, MOBILE: mobile})


def _differing(one: Contact, other: Contact) -> set[str]:
    """Return the names of the fields in which two contacts differ."""
    return {name for name, value in one.values.items() if not is_equal(value, other[name])}


def is_equal(one: Value, other: Value) -> bool:
    """Return whether two values are the same; all empty ones are."""
    return one == other or (one in EMPTY_VALUES and other in EMPTY_VALUES)
