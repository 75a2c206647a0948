"""What operators see and change in the outbox; and what a failover of the database leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    case,
    false,
    func,
    not_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import NotSupportedError, ProgrammingError

from webapp.contact import Contact
from webapp.database import Database
from webapp.database.engine import state_table
from webapp.outbox.rows import (
    COLUMNS,
    ERASED,
    MAX_RETRY_AGE,
    NEEDS_ATTENTION,
    RESET_COUNTERS,
    RETENTION,
    REVIEW_STATUSES,
    WAITING,
    State,
    Submission,
    Timing,
    by_reference,
    contact_columns,
    new_owner,
    reference,
    table,
)

_CHANGEABLE_STATES: Final = (State.QUEUED, *NEEDS_ATTENTION)

_BATCH_ROWS: Final = 5_000
_FEW: Final = 1_000  # rows
_MAX_KNOWN: Final = 3  # shown of the submissions with one number

_c: Final = table.c


class Review:
    """The operators' side of the outbox. Each method raises a DatabaseError if the database fails.

    A submission that is being sent is never changed. One that no key opens is not shown.

    Attributes:
        on_mark_uncertain: Called before all rows are marked, in a transaction of its own.
    """

    def __init__(self, database: Database, timing: Timing) -> None:
        """Use the outbox in this database, and these time limits."""
        self._database = database
        self._encryption = database.encryption
        self._has_key = _c.encrypted_with.in_(self._encryption.key_ids)  # for the index
        self._timing = timing
        self.on_mark_uncertain: list[Callable[[Connection], None]] = []

    def count(self, states: Sequence[State], *, most: int, but: Sequence[str] = ()) -> int:
        """Count the submissions that hold a contact, up to one more than `most`.

        Args:
            states: Their states.
            most: The highest number that matters.
            but: Statuses that are not counted.
        """
        chosen = select(_c.id).where(self._with_contact(states)).limit(most + 1)
        if but:
            chosen = chosen.where(_c.status.not_in(but))
        if most < _FEW:
            # In the order of the index: else PostgreSQL would search the table from its beginning.
            # For many rows it takes the index in any case, and would only sort them.
            chosen = chosen.order_by(_c.state, _c.due)
        some = chosen.subquery()
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(some)).scalar_one()

    def waiting_for(self, mobile: str) -> list[Submission]:
        """Return some of the submissions with this mobile number that wait to be sent."""
        has_mobile = _c.mobile_hash.in_(self._encryption.hashes(mobile))
        waiting = select(*COLUMNS).where(_c.state.in_(WAITING), self._has_key, has_mobile)
        waiting = waiting.limit(_MAX_KNOWN)
        with self._database.read() as connection:
            rows = connection.execute(waiting).mappings().all()
        return self._submissions(rows)

    def _submissions(self, rows: Iterable[RowMapping]) -> list[Submission]:
        """Return the submissions of rows, without those whose contact is damaged."""
        found = (Submission.from_row(row, self._encryption) for row in rows)
        return [submission for submission in found if submission.contact]

    def states(self, references: Sequence[str]) -> dict[str, State]:
        """Return the states of the submissions with these references; of none that is discarded."""
        conditions = [by_reference(name) for name in references]
        chosen = or_(false(), *(condition for condition in conditions if condition is not None))
        is_left = or_(_c.contact.is_not(None), _c.state == State.DELIVERED)
        with self._database.read() as connection:
            rows = connection.execute(select(_c.key, _c.state).where(chosen, is_left)).all()
        return {reference(row.key): State(row.state) for row in rows}

    def oldest(self) -> datetime | None:
        """Return when the oldest waiting submission arrived, in UTC."""
        return self._oldest()[0]

    def oldest_age(self) -> timedelta:
        """Return for how long the oldest has waited, by the database's clock; 0 without one."""
        arrived_at, now = self._oldest()
        return max(now - arrived_at, timedelta(0)) if arrived_at else timedelta(0)

    def _oldest(self) -> tuple[datetime | None, datetime]:
        waiting = select(func.min(_c.created_at)).where(self._with_contact(WAITING))
        oldest = waiting.scalar_subquery()
        with self._database.read() as connection:
            found = connection.execute(select(oldest, self._database.now_plus())).one()
        return found[0], found[1]

    def page(self, states: Sequence[State], *, after: int = 0, limit: int = 50) -> list[Submission]:
        """Return submissions that hold a contact, in the order of arrival.

        Args:
            states: Their states.
            after: The id of the last submission of the previous page.
            limit: The maximum number.
        """
        wanted = select(*COLUMNS).where(self._with_contact(states), _c.id > after)
        wanted = wanted.order_by(_c.id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        return self._submissions(rows)

    def get(self, reference: str) -> Submission | None:
        """Return the submission of this reference; None while its number is not verified."""
        chosen = by_reference(reference)
        if chosen is None:
            return None
        with self._database.read() as connection:
            accepted = select(*COLUMNS).where(chosen, _c.state != State.UNVERIFIED)
            row = connection.execute(accepted).mappings().first()
        return Submission.from_row(row, self._encryption) if row else None

    def retry(
        self, reference: str | None = None, *, progress: Callable[[int], object] = int
    ) -> int:
        """Queue again what needs attention; return the number of submissions.

        Args:
            reference: Of one submission; None for all but those that are reviewed one by one.
            progress: Called with the number that is queued so far.
        """
        everything = _c.status.not_in(REVIEW_STATUSES)
        chosen = everything if reference is None else by_reference(reference)
        return 0 if chosen is None else _sum(self.queue_again(chosen), progress)

    def queue_again(self, chosen: ColumnElement[bool]) -> Iterator[int]:
        """Queue what of these rows needs attention again; yield the number of each batch."""
        return change_in_batches(
            self._database,
            and_(self._with_contact(NEEDS_ATTENTION), chosen),
            state=State.QUEUED,
            due=due_after_settling(self._database, self._timing.settle),
            give_up_at=self._database.now_plus(MAX_RETRY_AGE),
            **RESET_COUNTERS,
        )

    def correct(
        self,
        reference: str,
        contact: Contact,
        *,
        send: bool,
        status: str = "",
        shown: Contact | None = None,
    ) -> Submission | Contact | None:
        """Replace the contact of a submission.

        If the portal may still apply an earlier call, it stays queued until the settling time.

        Args:
            reference: Of the submission.
            contact: The corrected contact.
            send: Whether the caller sends it now, as its owner; else it is queued.
            status: Why it is queued.
            shown: What the operator was shown, if that is known.

        Returns:
            The submission; None if it cannot be corrected any more; or, if another correction is
            stored since it was shown, that contact.
        """
        chosen = by_reference(reference)
        if chosen is None:
            return None
        now_plus = self._database.now_plus
        waits = and_(_c.state == State.QUEUED, _c.uncertain, not_(self._database.is_due(_c.due)))
        changeable = select(*COLUMNS, _c.number_hash, waits.label("waits")).where(
            self._with_contact(_CHANGEABLE_STATES), chosen
        )
        values: dict[str, object] = {**RESET_COUNTERS, "give_up_at": now_plus(MAX_RETRY_AGE)}
        moved = (
            {"state": State.SENDING, "owner": new_owner(), "due": now_plus(self._timing.lease)}
            if send
            else {"state": State.QUEUED, "due": now_plus()}
        )
        send_by = self._timing.send_by()
        with self._database.write() as connection:
            old = connection.execute(changeable.with_for_update()).mappings().first()
            if old is None:
                return None
            stored = Submission.from_row(old, self._encryption).contact
            if shown and stored and stored not in (shown, contact):
                return stored
            if not old["waits"]:
                values |= {**moved, "status": status}
            values |= contact_columns(self._encryption, contact, old["key"])
            if old["number_hash"]:  # of an import: the number may be another one now
                values |= {"number_hash": values["mobile_hash"], "field_hashes": None}
            corrected = update(table).where(chosen).values(values).returning(*COLUMNS)
            row = connection.execute(corrected).mappings().one()
        return Submission.from_row(row, self._encryption, send_by=send_by)

    def discard(self, reference: str) -> bool:
        """Erase the contact of a submission, damaged ones too; return whether there was one.

        The row stays: the same submission sent again gets the same answer, and is not sent.
        """
        chosen = by_reference(reference)
        return chosen is not None and any(self.erase(chosen))

    def erase(self, chosen: ColumnElement[bool]) -> Iterator[int]:
        """Erase the contacts of these rows, but of none that is being sent; otherwise as above."""
        return change_in_batches(
            self._database,
            and_(_c.contact.is_not(None), _c.state.in_(_CHANGEABLE_STATES), chosen),
            **ERASED,
            state=case((_c.state == State.QUEUED, State.HELD), else_=_c.state),
            due=self._database.now_plus(RETENTION),
            discarded_at=self._database.now_plus(),
        )

    def mark_uncertain(self, *, progress: Callable[[int], object] = int) -> int:
        """Have everything looked up before it is sent: the outbox may be an old copy.

        To be called while nothing is claimed.

        Args:
            progress: Called with the number that is marked so far.

        Returns:
            The number of queued submissions.
        """
        with self._database.write() as connection:
            for work in self.on_mark_uncertain:
                work(connection)
        now_plus = self._database.now_plus
        settled: dict[str, object] = {"uncertain": True, "failed_lookups": 0, "owner": None}
        settled["give_up_at"] = now_plus(MAX_RETRY_AGE)
        others = and_(_c.contact.is_not(None), _c.state.not_in(WAITING))
        for _ in change_in_batches(self._database, others, **settled):
            pass
        waiting = change_in_batches(
            self._database,
            and_(_c.contact.is_not(None), _c.state.in_(WAITING)),
            state=State.QUEUED,
            due=now_plus(self._timing.settle),
            **settled,
        )
        return _sum(waiting, progress)

    def _with_contact(self, states: Sequence[State]) -> ColumnElement[bool]:
        return and_(_c.state.in_(states), self._encryption.is_readable(_c.encrypted_with))


def _sum(batches: Iterable[int], progress: Callable[[int], object]) -> int:
    total = 0
    for count in batches:
        total += count
        progress(total)
    return total


def change_in_batches(
    database: Database, condition: ColumnElement[bool], **values: object
) -> Iterator[int]:
    """Change rows in transactions of their own, so that a long queue exceeds no time limit.

    Rows that another process has locked are left out: it is changing them.

    Args:
        database: Where the rows are.
        condition: Which ones.
        values: Their new values.

    Yields:
        The number of rows of each batch, once it is committed.
    """
    last = bindparam("last", type_=_c.id.type)
    batch = select(_c.id).where(condition, _c.id > last).order_by(_c.id).limit(_BATCH_ROWS)
    chosen = batch.with_for_update(skip_locked=True).cte("chosen")
    changed = update(table).where(_c.id.in_(select(chosen.c.id))).values(**values)
    highest = 0
    while True:
        with database.write() as connection:
            found = connection.execute(changed.returning(_c.id), {"last": highest}).scalars().all()
        if not found:
            return
        highest = max(found)
        yield len(found)


def due_after_settling(database: Database, settle: timedelta) -> Any:  # noqa: ANN401  SQL
    """Return the SQL for the time a row is due at the earliest: uncertain rows settle first."""
    return case((_c.uncertain, database.now_plus(settle)), else_=database.now_plus())


log = logging.getLogger(__name__)

FAILOVER_INTERVAL_S: Final = 1.0  # between two calls of `check` by one worker

# The cluster's identifier, and the timeline, which a promotion changes. The name of the log file
# has the new timeline at once, pg_control_checkpoint() only after the next checkpoint.
_SERVERS: Final = text(
    "SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8),"
    " (SELECT server FROM database_state) FROM pg_control_system()"
)
_server: Final = state_table.c.server


class Failover:
    """Compares the server with the one before. A DatabaseError says that the database fails."""

    def __init__(self, database: Database, review: Review) -> None:
        """Compare this database's server; mark what waits in this outbox."""
        self._database = database
        self._review = review
        self._is_told: bool | None = None  # whether the server says which one it is

    def is_other_server(self, connection: Connection) -> bool:
        """Return whether the server of this transaction is not the one before."""
        current, former = self._servers(connection)
        return former is not None and former != current

    def check(self) -> None:
        """If it is another server, mark what waits; any number of workers may do so at once."""
        with self._database.read() as connection:
            current, former = self._servers(connection)
        if current == former:
            return
        with self._database.write() as connection:
            # One worker marks. Its lock ends with it, and claims go on only after its commit.
            locked = select(_server).where(_server.is_distinct_from(current))
            if connection.execute(locked.with_for_update(skip_locked=True)).first() is None:
                return
            if former is not None:
                log.warning("PostgreSQL is another server now: what waits is looked up first")
                # Each batch is a transaction of its own. This one must not seem idle meanwhile.
                self._review.mark_uncertain(progress=lambda _: connection.execute(select(1)))
            connection.execute(update(state_table).values(server=current))

    def _servers(self, connection: Connection) -> tuple[str | None, str | None]:
        """Return which server it is, and was; twice None if it does not tell, and on SQLite."""
        if connection.dialect.name != "postgresql" or self._is_told is False:
            return None, None
        try:
            # An error would end the caller's transaction.
            with nullcontext() if self._is_told else connection.begin_nested():
                current, former = connection.execute(_SERVERS).one()
        except (ProgrammingError, NotSupportedError):  # not allowed, or no such function
            self._is_told = False
            log.warning(
                "a failover of PostgreSQL will not be noticed: its user may not call "
                "pg_control_system, pg_walfile_name and pg_current_wal_lsn"
            )
            return None, None
        self._is_told = True
        return current, former
