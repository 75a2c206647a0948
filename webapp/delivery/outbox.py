"""The outbox: every submission, from before its first call until it is forgotten.

A row is `queued`, then `sending` by an owner for the length of a lease, and ends as `delivered`,
`rejected` or `held`. Whoever claims a row names itself its owner, and none but the owner settles
it. What a dead owner leaves behind is queued again when its lease is over, marked as uncertain:
the portal may have it.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Integer,
    and_,
    bindparam,
    case,
    delete,
    func,
    not_,
    or_,
    select,
    update,
)

from webapp.delivery.database import DatabaseError, from_batch
from webapp.delivery.submission import (
    COLUMNS,
    NEEDS_ATTENTION,
    SUSPECT_STATUSES,
    WAITING,
    State,
    Submission,
    by_reference,
    reference,
    table,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.sql.dml import ReturningUpdate

    from webapp.contact import Contact
    from webapp.delivery.database import Database
    from webapp.delivery.timing import Timing

MAX_RETRY_AGE: Final = timedelta(days=3)  # then a contact is held for the operator
RETENTION: Final = timedelta(
    days=30
)  # personal data that no operator asked for; and delivered keys

_PURGE_BATCH_ROWS: Final = 5_000  # rows, deleted in a transaction that nobody feels

_CHANGEABLE_STATES: Final = (State.QUEUED, *NEEDS_ATTENTION)

_c: Final = table.c


class Outbox:
    """The table of submissions. Each method raises a DatabaseError as the store does."""

    def __init__(self, database: Database, timing: Timing) -> None:
        """Keep the table in this store; a claim is good for the lease."""
        self._database = database
        self._lease = timing.lease
        self._settling = timing.settle
        self._margin = (timing.lease - timing.deadline).total_seconds()
        # What runs with every submission is made once: making it takes longer than running it.
        self._pauses = {
            State.QUEUED: timedelta(0),
            State.SENDING: timing.lease,
            State.HELD: RETENTION,
        }
        added = {state: self._added(state, pause) for state, pause in self._pauses.items()}
        self._inserts = {
            state: database.insert_or_ignore(table, **row) for state, row in added.items()
        }
        self._batch_inserts = {
            state: database.insert_batch(table, _BATCH_COLUMNS, **row)
            for state, row in added.items()
        }
        self._claiming = {probe: self._claim(probe=probe) for probe in (False, True)}
        self._ending = {
            state: _OWN.values(state=state, due=database.now_plus(RETENTION))
            for state in (State.DELIVERED, *NEEDS_ATTENTION)
        }
        # Only SQLite runs this, and what adds many.
        self._delivering_many = _DELIVERED.values(due=database.now_plus(RETENTION))

    # A person's submission

    def add(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        send: bool,
        status: str = "",
        operator: str | None = None,
    ) -> tuple[Submission, bool]:
        """Store a submission; it is on the disk when this returns.

        Args:
            contact: What was submitted.
            key: Its key.
            form: The slug of its form.
            send: Whether the caller sends it now, as its owner; else it is queued.
            status: Why it is queued.
            operator: Who submitted it.

        Returns:
            The entry, and whether it is new; else it stands as the first submission left it.
        """
        state = State.SENDING if send else State.QUEUED
        row = {"key": key, "form": form, "status": status, "operator": operator}
        return self._add(contact, state, row)

    def hold(
        self, contact: Contact, key: str, *, form: str, reason: str
    ) -> tuple[Submission, bool]:
        """Store a doubtful submission for the operator; as `add`."""
        row = {"key": key, "form": form, "status": reason, "operator": None}
        return self._add(contact, State.HELD, row)

    def _add(
        self, contact: Contact, state: State, row: Mapping[str, object]
    ) -> tuple[Submission, bool]:
        send_by = self._send_by()
        row = {
            **row,
            "contact": write(contact),
            "owner": _owner() if state is State.SENDING else None,
        }
        if self._database.write_batched(self._batch_inserts[state], row):
            return self._fresh(contact, state, row, send_by), True
        with self._database.write() as connection:
            added = connection.execute(self._inserts[state], row).mappings().first()
            found = added or connection.execute(_WITH_KEY, {"wanted": row["key"]}).mappings().one()
        return Submission.read(found, send_by=send_by), added is not None

    def _added(self, state: State, pause: timedelta) -> dict[str, object]:
        now_plus = self._database.now_plus
        moments = {
            "due": now_plus(pause),
            "give_up_at": now_plus(MAX_RETRY_AGE),
            "created_at": now_plus(),
        }
        return {"state": state, **moments, **_INITIAL_VALUES}

    def _fresh(
        self, contact: Contact, state: State, row: Mapping[str, Any], send_by: float
    ) -> Submission:
        """Return the entry of a row that was just added, which nobody has read yet."""
        now = datetime.now(UTC).replace(tzinfo=None)
        values = {**_INITIAL_VALUES, **row, "contact": contact, "state": state}
        due = now + self._pauses[state]
        return Submission(id=0, due=due, created_at=now, send_by=send_by, **values)

    def find(self, key: str) -> Submission | None:
        """Return the submission of this key."""
        with self._database.read() as connection:
            row = connection.execute(_WITH_KEY, {"wanted": key}).mappings().first()
        return Submission.read(row) if row else None

    # Sending

    def claim(self, limit: int, *, probe: bool = False) -> list[Submission]:
        """Take on what is due, at most so many; no other process takes it on for the lease.

        A probe takes what waits for a later attempt, too; what is uncertain waits in any case.
        """
        send_by, taken = self._send_by(), {"most": limit, "owner": _owner()}
        with self._database.write() as connection:
            rows = connection.execute(self._claiming[probe], taken).mappings().all()
        return [Submission.read(row, send_by=send_by) for row in rows]

    def _claim(self, *, probe: bool) -> Any:  # noqa: ANN401  an update, whose type names every column
        is_due = self._database.is_due(_c.due)
        may_go = or_(_c.uncertain.is_(False), is_due) if probe else is_due
        ready = (
            select(_c.id)
            .where(_c.state == State.QUEUED, may_go)
            .order_by(_c.due)
            .limit(bindparam("most", type_=Integer))
            .with_for_update(skip_locked=True)
            .cte("ready")
        )
        return (
            update(table)
            .where(_c.id.in_(select(ready.c.id)))
            .values(state=State.SENDING, due=self._database.now_plus(self._lease))
            .returning(*COLUMNS)
        )

    def deliver(self, submission: Submission, portal_id: int | None) -> None:
        """Settle: the portal has it. The contact is erased, at once or, in a rush, in a second."""
        own: dict[str, Any] = {
            "key": submission.key,
            "owner": submission.owner,
            "blind": submission.blind,
        }
        found = {"portal_id": portal_id, "status": submission.status}
        if not self._database.write_batched(self._delivering_many, own | found):
            self._settle(submission, self._ending[State.DELIVERED], contact=None, **found)
        self._wipe()

    def reject(self, submission: Submission, status: str, *, told: bool) -> None:
        """Settle: the contact is bad. It is erased if the person was told, who still has it."""
        changes = {"contact": None} if told else {}
        self._settle(submission, self._ending[State.REJECTED], status=status, **changes)
        if told:
            self._wipe()

    def hold_after_attempt(self, submission: Submission, status: str, **changes: object) -> None:
        """Settle: an operator must decide."""
        self._settle(submission, self._ending[State.HELD], status=status, **changes)

    def postpone(
        self, submission: Submission, pause: timedelta, *, failed: bool = False, **changes: object
    ) -> State | None:
        """Settle: it is queued again, due after a pause.

        Args:
            submission: The caller's own.
            pause: How long it waits.
            failed: Whether an attempt went wrong. What fails for three days is held instead; they
                begin with the first failure, not while nobody tried.
            changes: What else changes in its row.

        Returns:
            Its new state, or None if the caller did not own it any more.
        """
        now, due = self._database.now_plus(), self._database.now_plus(pause)
        if not failed:
            return self._settle(submission, _OWN.values(state=State.QUEUED, due=due), **changes)
        is_late = and_(_c.attempts > 0, _c.give_up_at <= now)
        postponed = _OWN.values(
            state=case((is_late, State.HELD), else_=State.QUEUED),
            due=case((is_late, self._database.now_plus(RETENTION)), else_=due),
            attempts=_c.attempts + 1,
        )
        if submission.attempts == 0:
            postponed = postponed.values(give_up_at=self._database.now_plus(MAX_RETRY_AGE))
        return self._settle(submission, postponed, **changes)

    def _settle(
        self, submission: Submission, settled: ReturningUpdate[Any], **changes: object
    ) -> State | None:
        own = {"entry": submission.key, "entry_owner": submission.owner, "blind": submission.blind}
        with self._database.write() as connection:
            found = connection.execute(settled, {**own, **changes}).scalar()
        return State(found) if found else None

    def _wipe(self) -> None:
        """Wipe what was erased, at once or, in a rush, in a second."""
        with suppress(DatabaseError):  # the deliverer does so again and again
            self._database.truncate_wal(every=1)

    def delivered_as(self, portal_ids: Collection[int]) -> set[int]:
        """Return which of these contacts of the portal are submissions known as delivered."""
        known = select(_c.portal_id).where(_c.portal_id.in_(portal_ids))
        with self._database.read() as connection:
            return set(connection.execute(known).scalars())

    # What time brings

    def requeue_expired_leases(self) -> int:
        """Queue again what dead owners left behind, due after the settling time."""
        swept = (
            update(table)
            .where(_c.state == State.SENDING, self._database.is_due(_c.due))
            .values(
                state=State.QUEUED,
                owner=None,
                due=self._database.now_plus(self._settling),
                uncertain=True,
                attempts=_c.attempts + 1,
            )
        )
        return len(self._change(swept))

    def make_due_now(self) -> None:
        """Let all that waits go out: the portal is back. What it may have settles first.

        Nobody could do better meanwhile: the days for which a contact is tried begin anew.
        """
        waiting = update(table).where(_c.state == State.QUEUED)
        soonest = self._soonest()
        due = case((_c.due > soonest, soonest), else_=_c.due)
        with self._database.write() as connection:
            connection.execute(
                waiting.values(due=due, give_up_at=self._database.now_plus(MAX_RETRY_AGE))
            )

    def _soonest(self) -> ColumnElement[datetime]:
        return case(
            (_c.uncertain, self._database.now_plus(self._settling)), else_=self._database.now_plus()
        )

    def truncate_wal(self) -> None:
        """Wipe what the database's log of changes holds of erased contacts."""
        self._database.truncate_wal()

    def purge(self) -> list[str]:
        """Erase what is over, some thousand rows at a time.

        Returns:
            The references of contacts that no operator asked for in thirty days.
        """
        over = (State.DELIVERED, *NEEDS_ATTENTION)
        old = select(_c.id, _c.key, _c.contact.is_not(None).label("is_lost"))
        old = old.where(_c.state.in_(over), _c.due <= self._database.now_plus()).limit(
            _PURGE_BATCH_ROWS
        )
        with self._database.write() as connection:
            rows = connection.execute(old).all()
            if rows:
                connection.execute(delete(table).where(_c.id.in_([row.id for row in rows])))
        return [reference(row.key) for row in rows if row.is_lost]

    def _change(self, statement: Any) -> list[str]:  # noqa: ANN401  an update or a deletion
        with self._database.write() as connection:
            keys = connection.execute(statement.returning(_c.key)).scalars().all()
        return [reference(key) for key in keys]

    # The operator

    def count(self, states: Sequence[State], *, most: int) -> int:
        """Count what is in these states and still holds a contact, to one more than `most`."""
        some = select(_c.id).where(_in(states)).limit(most + 1).subquery()
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(some)).scalar_one()

    def oldest(self) -> datetime | None:
        """Return since when the longest waits, in UTC."""
        with self._database.read() as connection:
            return connection.execute(select(func.min(_c.created_at)).where(_in(WAITING))).scalar()

    def page(self, states: Sequence[State], *, after: int = 0, limit: int = 50) -> list[Submission]:
        """Return entries that still hold a contact, in the order of arrival.

        Args:
            states: In which states.
            after: The id of the last entry of the page before.
            limit: How many.
        """
        wanted = select(*COLUMNS).where(_in(states), _c.id > after).order_by(_c.id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [Submission.read(row) for row in rows]

    def get(self, name: str) -> Submission | None:
        """Return the entry of this reference."""
        if not (named := by_reference(name)):
            return None
        with self._database.read() as connection:
            row = connection.execute(select(*COLUMNS).where(*named)).mappings().first()
        return Submission.read(row) if row else None

    def retry(self, name: str | None = None) -> int:
        """Queue again what needs a hand; return how many.

        Args:
            name: The reference of one; without it all but the doubtful, which robots may have sent.
        """
        chosen = [_c.status.not_in(SUSPECT_STATUSES)] if name is None else by_reference(name)
        if chosen is None:
            return 0
        again = (
            update(table)
            .where(_in(NEEDS_ATTENTION), *chosen)
            .values(
                state=State.QUEUED,
                give_up_at=self._database.now_plus(MAX_RETRY_AGE),
                **_RESET_COUNTERS,
            )
            .values(due=self._soonest())
        )
        return len(self._change(again))

    def correct(
        self, name: str, contact: Contact, *, send: bool, status: str = ""
    ) -> Submission | None:
        """Put a corrected contact in the place of one that is not being sent.

        While the portal may still be applying a call, the row stays queued as it was: nobody looks
        before the settling time.

        Args:
            name: The reference.
            contact: What is to be sent instead.
            send: Whether the caller sends it now, as its owner; else it is queued.
            status: Why it is queued.

        Returns:
            The entry, or None if nothing of this reference can be corrected any more.
        """
        if not (named := by_reference(name)):
            return None
        send_by, now_plus = self._send_by(), self._database.now_plus
        moved = (
            {"state": State.SENDING, "owner": _owner(), "due": now_plus(self._lease)}
            if send
            else {"state": State.QUEUED, "due": now_plus()}
        )
        corrected = (
            update(table)
            .where(_in(_CHANGEABLE_STATES), *named)
            .values(contact=write(contact), give_up_at=now_plus(MAX_RETRY_AGE), **_RESET_COUNTERS)
            .returning(*COLUMNS)
        )
        unsettled = and_(
            _c.state == State.QUEUED, _c.uncertain, not_(self._database.is_due(_c.due))
        )
        at_once = corrected.where(not_(unsettled)).values(**moved, status=status)
        with self._database.write() as connection:
            row = connection.execute(at_once).mappings().first()
            row = row or connection.execute(corrected.where(unsettled)).mappings().first()
        return Submission.read(row, send_by=send_by) if row else None

    def discard(self, name: str) -> bool:
        """Erase the contact of an entry that is not being sent.

        The row stays: the same submission sent again is answered as before, and not sent.
        """
        if not (named := by_reference(name)):
            return False
        ended = case((_c.state == State.QUEUED, State.HELD), else_=_c.state)
        values = {"contact": None, "state": ended, "due": self._database.now_plus(RETENTION)}
        erased = self._change(update(table).where(_in(_CHANGEABLE_STATES), *named).values(**values))
        with suppress(DatabaseError):
            self._database.truncate_wal()
        return bool(erased)

    def mark_uncertain(self) -> int:
        """Have all that is kept looked up before it is sent: this may be an old copy of the outbox.

        Nobody sends any of it at this moment, and the days for which it is tried begin anew.

        Returns:
            How many wait.
        """
        waits, now_plus = _c.state.in_(WAITING), self._database.now_plus
        doubted = (
            update(table)
            .where(_c.contact.is_not(None))
            .values(uncertain=True, looks=0, owner=None, give_up_at=now_plus(MAX_RETRY_AGE))
            .values(
                state=case((waits, State.QUEUED), else_=_c.state),
                due=case((waits, now_plus(self._settling)), else_=_c.due),
            )
            .returning(_c.state)
        )
        with self._database.write() as connection:
            return connection.execute(doubted).scalars().all().count(State.QUEUED)

    def _send_by(self) -> float:
        return time.monotonic() + self._margin


_RESET_COUNTERS: Final[Mapping[str, object]] = {"attempts": 0, "unexplained": 0, "looks": 0}
_INITIAL_VALUES: Final[Mapping[str, object]] = {
    "uncertain": False,
    "blind": False,
    **_RESET_COUNTERS,
}
_BATCH_COLUMNS: Final = ("key", "form", "status", "operator", "contact", "owner")

_WITH_KEY: Final = select(*COLUMNS).where(_c.key == bindparam("wanted"))
# None but the owner settles an entry.
_OWN: Final = (
    update(table)
    .where(
        _c.key == bindparam("entry"),
        _c.owner == bindparam("entry_owner"),
        _c.state == State.SENDING,
    )
    .values(owner=None)
    .returning(_c.state)
)
# The same for many that the portal has.
_DELIVERED: Final = (
    update(table)
    .where(
        _c.key == from_batch("key"),
        _c.owner == from_batch("owner"),
        # An expression: by the index of states, SQLite would compare all that are sent with all.
        _c.state + "" == State.SENDING,
    )
    .values(
        state=State.DELIVERED,
        owner=None,
        contact=None,
        blind=from_batch("blind"),
        portal_id=from_batch("portal_id"),
        status=from_batch("status"),
    )
)


def _in(states: Sequence[State]) -> ColumnElement[bool]:
    return and_(_c.state.in_(states), _c.contact.is_not(None))


def _owner() -> str:
    return secrets.token_hex(8)
