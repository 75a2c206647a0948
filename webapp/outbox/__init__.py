"""The outbox: stores each submission before its first call, until it is purged.

`Outbox` holds the rows; `submit.Intake` takes a person's submission, and `worker.Worker` sends what
waits. A row is `queued` (where a form verifies the number, `unverified` before), then `sending` by
an owner for the length of a lease, and ends as `delivered`, `rejected` or `held`. The process that
claims a row owns it, and only the owner settles it. When a lease expires, its owner has died: the
row is queued again and marked uncertain, because the portal may have the contact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from webapp.contact import Contact
from webapp.database import Database
from webapp.database.encryption import DAMAGED
from webapp.database.sqlite import insert_batch
from webapp.outbox.listing import Listing
from webapp.outbox.review import Failover, Review, change_in_batches, due_after_settling
from webapp.outbox.rows import (
    ANONYMOUS,
    BATCH_COLUMNS,
    BATCH_DELIVERED,
    COLUMNS,
    ERASED,
    INITIAL_VALUES,
    IS_OWN,
    MAX_RETRY_AGE,
    NEEDS_ATTENTION,
    OWN,
    PURGED_COLUMNS,
    RETENTION,
    WITH_KEY,
    Guard,
    State,
    Submission,
    Submitter,
    Timing,
    contact_columns,
    delete_replaced,
    new_owner,
    reference,
    table,
)

log = logging.getLogger(__name__)

_PURGE_BATCH_ROWS: Final = 5_000  # deleted in one short transaction
_USUAL_LENGTH: Final = 800  # of a contact as it is stored

_c: Final = table.c


class Outbox:
    """The table of submissions. Each method raises a DatabaseError if the database fails.

    Attributes:
        review: The operators' side of it.
        listing: Its lists.
        failover: Whether the database's server is still the same.
        guards: By the slug of a form, what may refuse to store its submissions.
        on_purge: Called with the rows that are purged and not counted, in the same transaction.
    """

    def __init__(self, database: Database, timing: Timing) -> None:
        """Use the table in this database, and these time limits."""
        self._encryption = database.encryption
        self.guards: dict[str, Guard] = {}
        self.review = Review(database, timing)
        self.listing = Listing(database, self.review)
        self.failover = Failover(database, self.review)
        self.on_purge: list[Callable[[Connection, Iterable[Row[*tuple[Any, ...]]]], None]] = []
        self._database = database
        self._timing = timing
        # Statements of every submission are built once: building takes longer than running.
        at_once = timedelta(0)
        pauses = {State.QUEUED: at_once, State.SENDING: timing.lease, State.HELD: RETENTION}
        self._first_due = pauses
        shared = {state: self._shared_values(state, pause) for state, pause in pauses.items()}
        self._inserts = {
            state: database.insert_or_ignore(table, **row) for state, row in shared.items()
        }
        self._batch_inserts = {
            state: insert_batch(table, BATCH_COLUMNS, **row) for state, row in shared.items()
        }
        is_due = database.is_due(_c.due)
        is_queued = and_(_c.state == State.QUEUED, self._encryption.is_readable(_c.encrypted_with))
        due = and_(is_queued, is_due)
        probed = and_(is_queued, or_(_c.uncertain.is_(False), is_due))
        self._claimable = {False: due, True: probed}
        self._claims = {probe: self._claim_statement(it) for probe, it in self._claimable.items()}
        retained_until = database.now_plus(RETENTION)
        self._final = {
            state: OWN.values(state=state, due=retained_until) for state in NEEDS_ATTENTION
        }
        delivered = {"due": retained_until, "delivered_at": database.now_plus()}
        self._delivered = OWN.values(state=State.DELIVERED, **ERASED, **delivered)
        self._batch_delivered = BATCH_DELIVERED.values(**delivered)

    # Adding

    def add(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        send: bool,
        status: str = "",
        by: Submitter = ANONYMOUS,
    ) -> tuple[Submission, bool]:
        """Store a submission; it is on the disk when this returns.

        Args:
            contact: What was submitted.
            key: The submission's key.
            form: The slug of its form.
            send: Whether the caller sends it now, as its owner; else it is queued.
            status: Why it is queued.
            by: The submitter.

        Returns:
            The submission, and whether it is new; else as it was stored before.

        Raises:
            NoRoom: if the form's guard refuses it.
        """
        state = State.SENDING if send else State.QUEUED
        return self._add(contact, state, {"key": key, "form": form, "status": status}, by)

    def hold(
        self, contact: Contact, key: str, *, form: str, reason: str, by: Submitter = ANONYMOUS
    ) -> tuple[Submission, bool]:
        """Store a suspect submission for an operator's review; otherwise as `add`."""
        return self._add(contact, State.HELD, {"key": key, "form": form, "status": reason}, by)

    def check_writable(self) -> None:
        """Check that a submission could be stored.

        It writes all that a submission does and rolls that back, then commits a value that is
        there already: only that finds a full disk, or a standby server.
        """
        row = {"key": f"probe {new_owner()}", "form": "", "status": "", "owner": None}
        row |= {"operator": None, "source": "", "contact": " " * _USUAL_LENGTH, "mobile_hash": ""}
        with self._database.write() as connection:
            with connection.begin_nested() as added:
                connection.execute(self._inserts[State.HELD], row)
                added.rollback()
            self._database.touch(connection)

    def _add(
        self, contact: Contact, state: State, row: Mapping[str, object], by: Submitter
    ) -> tuple[Submission, bool]:
        send_by = self._timing.send_by()
        own = {"owner": new_owner() if state is State.SENDING else None, "source": by.source}
        row = {**row, **own, "operator": by.operator}
        stored = {**row, **contact_columns(self._encryption, contact, str(row["key"]))}
        guard = self.guards.get(str(row["form"]))
        if not guard and self._database.write_batched(self._batch_inserts[state], stored):
            return self._as_added(contact, state, row, send_by), True
        with self._database.write() as connection:
            added = connection.execute(self._inserts[state], stored).mappings().first()
            if guard and added:
                connection.execute(delete_replaced(by.replaces))
                guard(connection)
            found = added or connection.execute(WITH_KEY, {"wanted": row["key"]}).mappings().one()
        return Submission.from_row(found, self._encryption, send_by=send_by), added is not None

    def _shared_values(self, state: State, pause: timedelta) -> dict[str, object]:
        now_plus = self._database.now_plus
        times = {"due": now_plus(pause), "give_up_at": now_plus(MAX_RETRY_AGE)}
        key_id = {"encrypted_with": self._encryption.key_ids[0]}
        return {"state": state, "created_at": now_plus(), **times, **INITIAL_VALUES, **key_id}

    def _as_added(
        self, contact: Contact, state: State, row: Mapping[str, Any], send_by: float
    ) -> Submission:
        """Return the submission of a row that was just inserted, without reading it back."""
        now = datetime.now(UTC).replace(tzinfo=None)
        values = {**INITIAL_VALUES, **row, "contact": contact, "state": state}
        due = now + self._first_due[state]
        return Submission(id=0, due=due, created_at=now, send_by=send_by, **values)

    def find(self, key: str) -> Submission | None:
        """Return the submission of this key."""
        with self._database.read() as connection:
            row = connection.execute(WITH_KEY, {"wanted": key}).mappings().first()
        return Submission.from_row(row, self._encryption) if row else None

    # Claiming and settling

    def claim(self, limit: int, *, probe: bool = False) -> list[Submission]:
        """Claim up to `limit` submissions that are due; no other process does, for the lease.

        A probe claims those due later as well, except uncertain ones. After a failover nothing is
        claimed before it is marked uncertain. A contact that no key opens is not claimed.
        """
        # A worker without work asks twice a second: it must not take the lock for writing.
        if not self._has_any(self._claimable[probe]):
            return []
        send_by, values = self._timing.send_by(), {"most": limit, "owner": new_owner()}
        with self._database.write() as connection:
            if self.failover.is_other_server(connection):
                return []
            rows = connection.execute(self._claims[probe], values).mappings().all()
        claimed = [Submission.from_row(row, self._encryption, send_by=send_by) for row in rows]
        for submission in claimed:
            if submission.contact is None:
                self.set_aside(submission)
        return [submission for submission in claimed if submission.contact]

    def set_aside(self, submission: Submission) -> None:
        """Queue a submission whose contact is damaged, so that nobody claims it again."""
        log.error("submission %s: its contact cannot be decrypted", submission.reference)
        self._settle(submission, OWN.values(state=State.QUEUED, encrypted_with=DAMAGED))

    def _has_any(self, condition: ColumnElement[bool]) -> bool:
        """Return whether there is such a row, without the lock for writing."""
        some = select(_c.id).where(condition).order_by(_c.due).limit(1)  # by the index
        with self._database.read() as connection:
            return connection.execute(some).first() is not None

    def _claim_statement(self, claimable: ColumnElement[bool]) -> Any:  # noqa: ANN401  its type names every column
        claimed = (
            select(_c.id)
            .where(claimable)
            .order_by(_c.due)
            .limit(bindparam("most", type_=Integer))
            .with_for_update(skip_locked=True)
            .cte("claimed")
        )
        return (
            update(table)
            .where(_c.id.in_(select(claimed.c.id)))
            .values(state=State.SENDING, due=self._database.now_plus(self._timing.lease))
            .returning(*COLUMNS)
        )

    def deliver(self, submission: Submission, portal_id: int | None) -> None:
        """Settle as delivered, and erase the contact."""
        own = {
            name: getattr(submission, name) for name in ("key", "owner", "resent_without_lookup")
        }
        changes = {"portal_id": portal_id, "status": submission.status}
        if not self._database.write_batched(self._batch_delivered, own | changes):
            self._settle(submission, self._delivered, **changes)

    def reject(self, submission: Submission, status: str, *, erase: bool) -> None:
        """Settle as rejected; erase the contact if the person who waits still has it."""
        changes = ERASED if erase else {}
        self._settle(submission, self._final[State.REJECTED], status=status, **changes)

    def mark_resent(self, submission: Submission) -> Submission | None:
        """Record that a submission is sent a second time without a look-up, before it is.

        Returns:
            The submission, or None if the caller was not its owner any more.
        """
        now = datetime.now(UTC).replace(tzinfo=None)
        own = {"own_key": submission.key, "own_owner": submission.owner}
        marked = update(table).where(*IS_OWN).values(resent_without_lookup=True, last_sent_at=now)
        with self._database.write() as connection:
            if connection.execute(marked.returning(_c.id), own).first() is None:
                return None
        return replace(submission, resent_without_lookup=True, last_sent_at=now)

    def hold_after_attempt(self, submission: Submission, status: str, **changes: object) -> None:
        """Settle as held: an operator decides what happens next."""
        self._settle(submission, self._final[State.HELD], status=status, **changes)

    def postpone(
        self,
        submission: Submission,
        pause: timedelta,
        *,
        failed: bool = False,
        **changes: object,
    ) -> State | None:
        """Settle as queued again, due after a pause.

        Args:
            submission: The caller's own.
            pause: How long it waits.
            failed: Whether an attempt failed. What fails for `MAX_RETRY_AGE` since its first
                failure is held instead.
            changes: Further values of its row.

        Returns:
            Its new state, or None if the caller was not its owner any more.
        """
        now, due = self._database.now_plus(), self._database.now_plus(pause)
        if not failed:
            return self._settle(submission, OWN.values(state=State.QUEUED, due=due), **changes)
        is_late = and_(_c.attempts > 0, _c.give_up_at <= now)
        postponed = OWN.values(
            state=case((is_late, State.HELD), else_=State.QUEUED),
            due=case((is_late, self._database.now_plus(RETENTION)), else_=due),
            attempts=_c.attempts + 1,
        )
        if submission.attempts == 0:
            postponed = postponed.values(give_up_at=self._database.now_plus(MAX_RETRY_AGE))
        return self._settle(submission, postponed, **changes)

    def _settle(
        self, submission: Submission, statement: ReturningUpdate[Any], **changes: object
    ) -> State | None:
        own = {"own_key": submission.key, "own_owner": submission.owner}
        values = {**own, "resent_without_lookup": submission.resent_without_lookup, **changes}
        with self._database.write() as connection:
            found = connection.execute(statement, values).scalar()
        return State(found) if found else None

    def delivered_as(self, portal_ids: Collection[int]) -> set[int]:
        """Return which of these portal IDs belong to delivered submissions."""
        known = select(_c.portal_id).where(_c.portal_id.in_(portal_ids))
        with self._database.read() as connection:
            return set(connection.execute(known).scalars())

    # Maintenance

    def requeue_expired_leases(self) -> int:
        """Queue submissions of dead owners again; return their number.

        They are marked uncertain, and due after the settling time.
        """
        expired = and_(_c.state == State.SENDING, self._database.is_due(_c.due))
        if not self._has_any(expired):
            return 0
        requeued = (
            update(table)
            .where(expired)
            .values(
                state=State.QUEUED,
                owner=None,
                due=self._database.now_plus(self._timing.settle),
                uncertain=True,
                attempts=_c.attempts + 1,
                # Its lease began, and a call perhaps with it, less than a minute before its end.
                first_sent_at=func.coalesce(_c.first_sent_at, _c.due),
                last_sent_at=func.coalesce(_c.last_sent_at, _c.due),
            )
            .returning(_c.id)
        )
        with self._database.write() as connection:
            return len(connection.execute(requeued).all())

    def make_due_now(self) -> None:
        """Make all queued submissions due: the portal is back. Uncertain ones settle first."""
        soonest = due_after_settling(self._database, self._timing.settle)
        is_later = and_(_c.state == State.QUEUED, _c.due > soonest)
        for _ in change_in_batches(self._database, is_later, due=soonest):
            pass

    def purge(self) -> list[str]:
        """Delete some thousand rows whose retention has ended, but no contact that no key opens.

        Returns:
            The references of those that still held a contact: no operator looked after them.
        """
        expired = (
            select(_c.id)
            .where(
                _c.state.in_((State.DELIVERED, *NEEDS_ATTENTION)),
                _c.due <= self._database.now_plus(),
                or_(_c.contact.is_(None), self._encryption.is_readable(_c.encrypted_with)),
            )
            .limit(_PURGE_BATCH_ROWS)
            .with_for_update(skip_locked=True)
            .cte("expired")
        )
        # No IS NULL: SQLite 3.40 gets it wrong in the RETURNING of a DELETE.
        contact_length = func.length(_c.contact).label("contact_length")
        purged = delete(table).where(_c.id.in_(select(expired.c.id)))
        with self._database.write() as connection:
            rows = connection.execute(purged.returning(*PURGED_COLUMNS, contact_length)).all()
            uncounted = [row for row in rows if not row.counted]
            for use in self.on_purge:
                use(connection, uncounted)
        return [reference(row.key) for row in rows if row.contact_length]
