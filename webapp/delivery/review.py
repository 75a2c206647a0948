"""What operators see of the outbox, and what they change in it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, case, false, func, not_, or_, select, update

from webapp.contact import MOBILE
from webapp.delivery.database import DatabaseError
from webapp.delivery.import_tables import imports
from webapp.delivery.submission import (
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
    by_reference,
    load_contact,
    new_owner,
    reference,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from webapp.contact import Contact
    from webapp.delivery.database import Database
    from webapp.delivery.mobile_hashes import MobileHashes
    from webapp.delivery.submission import Timing

_CHANGEABLE_STATES: Final = (State.QUEUED, *NEEDS_ATTENTION)

_BATCH_ROWS: Final = 5_000
_MAX_KNOWN: Final = 3  # shown of the submissions with one number
_MAX_WAITING: Final = 20_000  # compared with the rows of a file

_c: Final = table.c


class Review:
    """The operators' side of the outbox. Each method raises a DatabaseError if the database fails.

    A submission that is being sent is never changed.
    """

    def __init__(self, database: Database, timing: Timing, mobile_hashes: MobileHashes) -> None:
        """Use the outbox in this database, and these hashes."""
        self._database = database
        self._timing = timing
        self._mobile_hashes = mobile_hashes

    def count(self, states: Sequence[State], *, most: int) -> int:
        """Count the submissions in these states that hold a contact, up to one more than `most`."""
        some = select(_c.id).where(_with_contact(states)).limit(most + 1).subquery()
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(some)).scalar_one()

    def waiting_for(self, mobile: str) -> list[Submission]:
        """Return some of the submissions with this mobile number that wait to be sent."""
        has_mobile = self._mobile_hashes.has_mobile(mobile)
        waiting = select(*COLUMNS).where(_with_contact(WAITING), has_mobile).limit(_MAX_KNOWN)
        with self._database.read() as connection:
            rows = connection.execute(waiting).mappings().all()
        found = map(Submission.from_row, rows)
        return [it for it in found if it.contact and it.contact[MOBILE] == mobile]

    def waiting_mobiles(self) -> set[str]:
        """Return the mobile numbers of the oldest submissions that wait to be sent."""
        waiting = select(_c.contact).where(_with_contact(WAITING)).order_by(_c.id)
        with self._database.read() as connection:
            found = connection.execute(waiting.limit(_MAX_WAITING)).scalars().all()
        contacts = (load_contact(text) for text in found)
        return {str(contact[MOBILE]) for contact in contacts if contact}

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
        oldest = select(func.min(_c.created_at)).where(_with_contact(WAITING)).scalar_subquery()
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
        wanted = select(*COLUMNS).where(_with_contact(states), _c.id > after)
        wanted = wanted.order_by(_c.id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [Submission.from_row(row) for row in rows]

    def get(self, reference: str) -> Submission | None:
        """Return the submission of this reference; None while its number is not verified."""
        chosen = by_reference(reference)
        if chosen is None:
            return None
        with self._database.read() as connection:
            accepted = select(*COLUMNS).where(chosen, _c.state != State.UNVERIFIED)
            row = connection.execute(accepted).mappings().first()
        return Submission.from_row(row) if row else None

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
        if chosen is None:
            return 0
        batches = change_in_batches(
            self._database,
            and_(_with_contact(NEEDS_ATTENTION), chosen),
            state=State.QUEUED,
            due=due_after_settling(self._database, self._timing.settle),
            give_up_at=self._database.now_plus(MAX_RETRY_AGE),
            **RESET_COUNTERS,
        )
        return _sum(batches, progress)

    def correct(
        self, reference: str, contact: Contact, *, send: bool, status: str = ""
    ) -> Submission | None:
        """Replace the contact of a submission.

        If the portal may still apply an earlier call, it stays queued until the settling time.

        Args:
            reference: Of the submission.
            contact: The corrected contact.
            send: Whether the caller sends it now, as its owner; else it is queued.
            status: Why it is queued.

        Returns:
            The submission, or None if it cannot be corrected any more.
        """
        chosen = by_reference(reference)
        if chosen is None:
            return None
        now_plus = self._database.now_plus
        moved = (
            {"state": State.SENDING, "owner": new_owner(), "due": now_plus(self._timing.lease)}
            if send
            else {"state": State.QUEUED, "due": now_plus()}
        )
        corrected = (
            update(table)
            .where(_with_contact(_CHANGEABLE_STATES), chosen)
            .values(**self._mobile_hashes.columns(contact), **RESET_COUNTERS)
            .values(give_up_at=now_plus(MAX_RETRY_AGE))
            .returning(*COLUMNS)
        )
        is_due = self._database.is_due(_c.due)
        is_settling = and_(_c.state == State.QUEUED, _c.uncertain, not_(is_due))
        settled = corrected.where(not_(is_settling)).values(**moved, status=status)
        send_by = self._timing.send_by()
        with self._database.write() as connection:
            row = connection.execute(settled).mappings().first()
            row = row or connection.execute(corrected.where(is_settling)).mappings().first()
        return Submission.from_row(row, send_by=send_by) if row else None

    def discard(self, reference: str) -> bool:
        """Erase the contact of a submission; return whether there was one.

        The row stays: the same submission sent again gets the same answer, and is not sent.
        """
        chosen = by_reference(reference)
        if chosen is None:
            return False
        discarded = (
            update(table)
            .where(_with_contact(_CHANGEABLE_STATES), chosen)
            .values(
                **ERASED,
                state=case((_c.state == State.QUEUED, State.HELD), else_=_c.state),
                due=self._database.now_plus(RETENTION),
            )
            .returning(_c.id)
        )
        with self._database.write() as connection:
            found = connection.execute(discarded).first() is not None
        with suppress(DatabaseError):  # the worker truncates the log again
            self._database.truncate_wal()
        return found

    def mark_uncertain(self, *, progress: Callable[[int], object] = int) -> int:
        """Have everything looked up before it is sent: the outbox may be an old copy.

        To be called while nothing is claimed.

        Args:
            progress: Called with the number that is marked so far.

        Returns:
            The number of queued submissions.
        """
        with self._database.write() as connection:
            connection.execute(update(imports).values(uncertain=True))
        now_plus = self._database.now_plus
        settled: dict[str, object] = {"uncertain": True, "looks": 0, "owner": None}
        settled["give_up_at"] = now_plus(MAX_RETRY_AGE)
        others = and_(_c.contact.is_not(None), _c.state.not_in(WAITING))
        for _ in change_in_batches(self._database, others, **settled):
            pass
        waiting = change_in_batches(
            self._database,
            _with_contact(WAITING),
            state=State.QUEUED,
            due=now_plus(self._timing.settle),
            **settled,
        )
        return _sum(waiting, progress)


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


def _with_contact(states: Sequence[State]) -> ColumnElement[bool]:
    return and_(_c.state.in_(states), _c.contact.is_not(None))
