"""Delivers contacts: stored before they are sent, each submission once, and says what became of it.

The promise: an accepted contact is never lost, and reaches the portal twice only if the portal
applies a call later than the settling time, or does not let us look.
"""

from __future__ import annotations

import enum
import hashlib
import json
import logging
import random
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from webapp.contact import LABELS, MOBILE
from webapp.delivery.database import StoreError
from webapp.delivery.submission import DOUBTS, HONEYPOT, UNPROVEN, Entry, State, reference
from webapp.portal import matching
from webapp.portal.base import (
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    Uncertain,
    Unexplained,
    Unreachable,
)
from webapp.portal.client import contact_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from webapp.contact import Contact
    from webapp.delivery.circuit_breaker import Breaker
    from webapp.delivery.outbox import Outbox
    from webapp.delivery.permits import Permits
    from webapp.delivery.timing import Timing
    from webapp.observability.metrics import Metrics
    from webapp.portal.client import Portal

    # A permit to call the portal; to close it is to give it back.
    _Permit = ExitStack

log = logging.getLogger(__name__)

# Our own statuses, in the portal's style.
BUSY: Final = "QueueBusy"
STORE_FAILED: Final = "StoreFailed"
LABELS_UNKNOWN: Final = "LabelsNotLookedUp"

# What is known when the store fails behind a call.
_UNKNOWN: Final = Uncertain("UnknownFault")

_GLANCE: Final = 0.05  # seconds between two looks at the same submission under way

_FIRST_PAUSE: Final = 1.0  # seconds; each is twice the one before
_LONGEST_PAUSE: Final = 15 * 60.0
_DOUBLINGS: Final = 10
# Asking again will not change an answer without a reason, nor a search that never works. That the
# token may not search counts for more: it is clear, but it may be a slip.
_UNEXPLAINED: Final = 5
_LOOKS: Final = 10
_NOT_ALLOWED: Final = 5
_MAY_NOT_LOOK: Final = ("Token_NotAllowMethod", "User_NotAllowMethod")


class Result(enum.StrEnum):
    """What the page may say of a submission; nothing it says is untrue, but to a robot."""

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
        status: The status name of what went wrong, the portal's or ours, or "".
    """

    result: Result
    reference: str
    status: str = ""


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


class Delivery:
    """Delivers contacts, for the person who waits and for the background alike."""

    def __init__(
        self,
        portal: Portal,
        outbox: Outbox,
        breaker: Breaker,
        timing: Timing,
        *,
        permits: Permits,
        metrics: Metrics | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            portal: Where contacts go.
            outbox: Where they wait.
            breaker: Whether they wait.
            timing: How long that takes.
            permits: How many people's contacts this process sends at once.
            metrics: Where submissions are counted, if anywhere.
        """
        self._portal = portal
        self._outbox = outbox
        self._breaker = breaker
        self._timing = timing
        self._permits = permits
        self._metrics = metrics
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def submit(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        operator: str | None = None,
        vet: Callable[[], str] | None = None,
    ) -> Outcome:
        """Store a submission, and send it at once unless the portal is known not to take it.

        The same submission sent again, as by a double click or a reload, has the same outcome.

        Args:
            contact: What to send.
            key: The submission's key, from `submission_key`.
            form: The slug of its form.
            operator: Who submitted it, if that is known; kept beside it, and never sent.
            vet: Asked once for each new submission, before it is stored: returns why an operator
                should look at it first, or "". What it raises is passed on.
        """
        with self._permit() as permit:
            store = partial(self._store, contact, key, form=form, operator=operator, permit=permit)
            try:
                entry, is_new = self._vetted(contact, key, form, vet, store) if vet else store()
            except StoreError as error:
                outcome = self._perhaps_stored(key, error)
                self._count(form, outcome.result)
                return outcome
            if not is_new:
                return _outcome(self._awaited(entry) if permit else entry)
            is_sent = entry.state is State.SENDING
            outcome = self._send_now(entry, permit, told=True) if is_sent else _outcome(entry)
            # A robot is told that it was delivered; an operator's metrics say better.
            self._count(form, entry.state if entry.state is State.HELD else outcome.result)
            return outcome

    def _count(self, form: str, outcome: str) -> None:
        if self._metrics:
            self._metrics.submitted(form, outcome)

    def _perhaps_stored(self, key: str, error: StoreError) -> Outcome:
        """Say what became of a submission whose storing failed: its answer may have been lost."""
        try:
            entry = self._outbox.find(key)
        except StoreError:
            entry = None  # as far as anybody can tell; sent again, the form is the same submission
        return _outcome(entry) if entry else _unstored(reference(key), error)

    def correct(self, name: str, contact: Contact) -> Outcome | None:
        """Send a corrected contact in the place of the one of this reference; as `submit`.

        One that the portal rejects stays in the outbox: the operator may walk away.

        Returns:
            The outcome, or None if there is nothing to correct any more.
        """
        with self._permit() as permit:
            status = self._obstacle(permit)
            try:
                entry = self._outbox.correct(name, contact, send=not status, status=status)
            except StoreError as error:
                return _unstored(name, error)
            if entry is None:
                return None
            if entry.state is State.QUEUED:
                return _outcome(entry)
            return self._send_now(entry, permit, told=False)

    def _send_now(self, entry: Entry, permit: _Permit | None, *, told: bool) -> Outcome:
        failure: PortalError | None = _UNKNOWN
        with _logged(entry):
            failure = self.attempt(entry, permit, told=told)
        return _told(entry, failure)

    @contextmanager
    def _permit(self) -> Iterator[_Permit | None]:
        """Take a permit to call the portal, waiting as long as a call may last.

        Nobody waits while the queue is paused. The permit is given back at the end, or when it is
        closed before; it is None where there was none.
        """
        timeout = self._timing.deadline.total_seconds()
        if not self._permits.acquire(timeout=timeout, may_wait=lambda: not self._breaker.pause):
            yield None
            return
        with ExitStack() as permit:
            permit.callback(self._permits.release)
            yield permit

    def _vetted(
        self,
        contact: Contact,
        key: str,
        form: str,
        vet: Callable[[], str],
        store: Callable[[], tuple[Entry, bool]],
    ) -> tuple[Entry, bool]:
        """Vet and store a submission, or find it stored; as `_store`."""
        # One of several at once is vetted and stored, the others find it.
        with self._turns.setdefault(key, threading.Lock()):
            if found := self._outbox.find(key):
                return found, False
            if doubt := vet():
                log.warning("submission %s: held, %s", reference(key), doubt)
                return self._outbox.hold(contact, key, form=form, reason=doubt)
            return store()

    def _store(
        self, contact: Contact, key: str, *, form: str, operator: str | None, permit: _Permit | None
    ) -> tuple[Entry, bool]:
        """Store a submission, or find it stored; return its entry, and whether it is new."""
        status = self._obstacle(permit)
        entry, is_new = self._outbox.add(
            contact, key, form=form, send=not status, status=status, operator=operator
        )
        if is_new and status:
            log.info("submission %s: queued, %s", entry.reference, status)
        return entry, is_new

    def _obstacle(self, permit: _Permit | None) -> str:
        """Return why a contact is not sent at once, or ""."""
        if pause := self._breaker.pause:
            return pause.status
        return "" if permit else BUSY

    def _awaited(self, entry: Entry) -> Entry:
        """Wait while another request or process sends this entry, as long as a call may last."""
        patience = time.monotonic() + self._timing.deadline.total_seconds()
        with _logged(entry):
            while entry.state is State.SENDING and time.monotonic() < patience:
                time.sleep(_GLANCE)
                entry = self._outbox.find(entry.key) or entry
        return entry

    def attempt(
        self, entry: Entry, permit: _Permit | None = None, *, told: bool = False
    ) -> PortalError | None:
        """Send an entry that the caller owns, or find that the portal has it; settle it.

        Args:
            entry: What to send.
            permit: Closed as soon as the portal has answered a sending.
            told: Whether the person who submitted it hears of the outcome at once.

        Returns:
            What went wrong, or None if the portal has the contact.
        """
        known: list[int | None] = []
        if entry.uncertain:
            try:
                entry, known = self._look(entry)
            except PortalError as error:
                looks = entry.looks + _weight(error)
                if looks < _LOOKS:
                    self._look_later(entry, error, looks)
                    return error
                log.warning("submission %s: sent again without looking", entry.reference)
                entry = replace(entry, blind=True)
        if known:
            self._delivered(entry, known[0])
            return None
        return self._send(entry, permit, told=told)

    def _look(self, entry: Entry) -> tuple[Entry, list[int | None]]:
        """Return the entry, and under which IDs the portal has its contact.

        The entry's status says when its labels could not be compared.
        """
        contact = _contact(entry)
        stored = self._portal.search_contacts(mobile=str(contact[MOBILE]))
        known = matching.find(contact, stored, since=entry.created_at)
        # The same person may have submitted the same before: that one is accounted for.
        others = self._outbox.delivered_as([number for number in known if number is not None])
        known = [number for number in known if number not in others]
        try:
            return entry, self._with_labels(entry, known)
        except SlowDown:
            raise
        except PortalError as error:
            log.warning("submission %s: labels not looked up, %s", entry.reference, error.status)
            return replace(entry, status=LABELS_UNKNOWN), known

    def _with_labels(self, entry: Entry, known: list[int | None]) -> list[int | None]:
        """Return those of these IDs whose contacts carry all of the entry's labels.

        The portal returns no labels, but searches by them: one call a label.
        """
        contact = _contact(entry)
        labels = contact[LABELS]
        for label in labels if isinstance(labels, tuple) and known else ():
            if time.monotonic() > entry.send_by:
                raise Uncertain("LeaseLost")  # so many slow calls: the lease is nearly over
            carriers = self._portal.search_contacts(mobile=str(contact[MOBILE]), label=label)
            numbers = {contact_id(record) for record in carriers}
            known = [number for number in known if number in numbers]
        return known

    def _send(self, entry: Entry, permit: _Permit | None, *, told: bool) -> PortalError | None:
        if time.monotonic() > entry.send_by:
            log.warning("submission %s: left to others, it took too long", entry.reference)
            return Uncertain("LeaseLost")
        try:
            portal_id = self._portal.create_contact(_contact(entry))
        except PortalError as error:
            # First: else the next in line, or another process, would try it at once.
            self._report(entry, error)
            self._settle(entry, error, told=told)
            return error
        finally:
            if permit:
                permit.close()
        self._delivered(entry, portal_id)
        with _logged(entry):
            self._breaker.succeeded()
        return None

    def _delivered(self, entry: Entry, portal_id: int | None) -> None:
        log.info("submission %s: delivered", entry.reference)
        with _logged(entry):
            self._outbox.deliver(entry, portal_id)

    def _settle(self, entry: Entry, error: PortalError, *, told: bool) -> None:
        """Settle an entry whose call went wrong, by what is to be done next."""
        doubts: dict[str, Any] = {"uncertain": True, "looks": 0}
        unexplained: dict[str, Any] = {"unexplained": entry.unexplained + 1}
        match error:
            case Rejected():
                log.info("submission %s: rejected, %s", entry.reference, error.status)
                with _logged(entry):
                    self._outbox.reject(entry, error.status, told=told)
            case Unexplained() if entry.unexplained + 1 >= _UNEXPLAINED:
                log.warning("submission %s: held, %s", entry.reference, error.status)
                with _logged(entry):
                    self._outbox.keep(entry, error.status, **doubts, **unexplained)
            case Unexplained():
                self._put_off(entry, error, self._settling(entry), **doubts, **unexplained)
            case Uncertain():
                self._put_off(entry, error, self._settling(entry), **doubts)
            case Refused() | SlowDown():  # not the contact's fault: no attempt of its own
                self._put_off(entry, error, timedelta(0), failed=False)
            case _:
                self._put_off(entry, error, _pause(entry.attempts))

    def _settling(self, entry: Entry) -> timedelta:
        """Return how long an entry waits before it is looked up."""
        return max(_pause(entry.attempts), self._timing.settle)

    def _look_later(self, entry: Entry, error: PortalError, looks: int) -> None:
        """Queue an entry again that could not be looked up."""
        if error.status not in _MAY_NOT_LOOK:
            self._report(entry, error)
        pause = self._settling(entry) if looks > entry.looks else timedelta(0)
        self._put_off(entry, error, pause, failed=False, looks=looks)

    def _report(self, entry: Entry, error: PortalError) -> None:
        with _logged(entry):
            self._breaker.failed(error)

    def _put_off(
        self,
        entry: Entry,
        error: PortalError,
        pause: timedelta,
        *,
        failed: bool = True,
        **changes: object,
    ) -> None:
        """Queue an entry again, or leave it to the operator if that went on for too long."""
        told = (entry.reference, type(error).__name__, error.status, error.cause)
        log.warning("submission %s: %s, %s %s", *told)
        with _logged(entry):
            state = self._outbox.postpone(
                entry, pause, failed=failed, status=error.status, **changes
            )
            if state is State.HELD:
                log.warning("submission %s: held, it was tried for too long", entry.reference)

    def ping(self) -> PortalError | None:
        """Ask the portal for something harmless; return why it gives no answer, or None."""
        try:
            self._portal.account_status()
        except PortalError as error:
            return None if error.is_answer else error
        return None


def _contact(entry: Entry) -> Contact:
    assert entry.contact is not None  # nosec B101  # noqa: S101  for the type checker: erased ones are not sent
    return entry.contact


def _weight(error: PortalError) -> int:
    """Return how much a failed look says of looking: other trouble would hit a sending as well."""
    if error.status in _MAY_NOT_LOOK:
        return _NOT_ALLOWED
    return 0 if isinstance(error, Refused | SlowDown | Unreachable) else 1


def _pause(failures: int) -> timedelta:
    """Return a growing pause, of a random length: what failed together is not sent together."""
    longest = min(_FIRST_PAUSE * 2 ** min(failures, _DOUBLINGS), _LONGEST_PAUSE)
    return timedelta(seconds=random.uniform(longest / 2, longest))  # nosec B311  # noqa: S311  no secret


def is_given_up(entry: Entry) -> bool:
    """Tell whether an entry is held because sending it went wrong for too long."""
    is_held = entry.state is State.HELD and entry.status not in DOUBTS
    return is_held and entry.unexplained < _UNEXPLAINED


def _unstored(name: str, error: StoreError) -> Outcome:
    log.error("submission %s: not stored, %s", name, error)
    return Outcome(result=Result.UNSTORED, reference=name, status=STORE_FAILED)


def _told(entry: Entry, error: PortalError | None) -> Outcome:
    """Return the outcome for the person who waited for it."""
    if error is None:
        return Outcome(result=Result.DELIVERED, reference=entry.reference)
    result = Result.REJECTED if isinstance(error, Rejected) else Result.QUEUED
    return Outcome(result=result, reference=entry.reference, status=error.status)


def _outcome(entry: Entry) -> Outcome:
    """Return the outcome of an entry as it stands."""
    name, status = entry.reference, entry.status
    is_baited = entry.state is State.HELD and status == HONEYPOT  # a robot learns nothing
    if entry.state is State.DELIVERED or is_baited:
        return Outcome(result=Result.DELIVERED, reference=name)
    if entry.state is State.REJECTED:
        return Outcome(result=Result.REJECTED, reference=name, status=status)
    if status == UNPROVEN:
        return Outcome(result=Result.QUEUED, reference=name)
    return Outcome(result=Result.QUEUED, reference=name, status=status or BUSY)


@contextmanager
def _logged(entry: Entry) -> Iterator[None]:
    """Go on without the store: the lease ends, and what is not settled is looked up and settled."""
    try:
        yield
    except StoreError as error:
        log.error("submission %s: not settled, %s", entry.reference, error)  # noqa: TRY400  no traceback
