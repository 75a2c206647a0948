"""Feeds the rows of imports into the outbox, no faster than the setting says.

One transaction moves some rows, so that a crash loses and doubles none. Any number of workers may
call `feed`: the time at which the next rows are due stands in the database, and only one of them
finds it due, so the rate holds for all of them together.

The claims of the outbox are in the order of arrival. So that people's submissions do not wait
behind thousands of rows, only as many rows wait there as the portal has taken in a second.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from webapp.database import Database
from webapp.imports.known import is_known_elsewhere
from webapp.imports.tables import (
    BEGUN,
    SENT_PLACES,
    UNKNOWN,
    DuplicateRows,
    Import,
    ImportState,
    KnownRows,
    import_rows,
    imports,
)
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import (
    COLUMNS,
    INITIAL_VALUES,
    MAX_RETRY_AGE,
    WAITING,
    State,
    Submission,
    Timing,
    table,
)
from webapp.persian import today
from webapp.statistics.funnel import choices_table

log = logging.getLogger(__name__)

FEED_INTERVAL_S: Final = 0.1  # between two calls of `enqueue_due_rows` by one worker
_STEP_S: Final = 0.5  # between two steps of all workers
_MIN_BACKLOG: Final = 8  # rows that may always wait in the outbox: else no rate could be measured

_i: Final = imports.c
_r: Final = import_rows.c
_c: Final = table.c


def is_sent(import_id: int, duplicates: DuplicateRows, known: KnownRows) -> ColumnElement[bool]:
    """Return the SQL condition that a row of an import is sent, by what its operator chose."""
    chosen = (_r.import_id == import_id) & _r.contact.is_not(None)
    chosen &= _r.place.in_(SENT_PLACES[duplicates])
    return chosen & _r.known.in_(UNKNOWN) if known is KnownRows.SKIP else chosen


class Feeder:
    """Moves rows of running imports into the outbox, one import after the other.

    Attributes:
        choices: By the slug of a form, the choices of its fields that have some, by API name.
    """

    def __init__(
        self, database: Database, breaker: CircuitBreaker, timing: Timing, *, rate: int
    ) -> None:
        """Feed up to `rate` rows a second by all workers; none while the breaker is open."""
        self.choices: dict[str, Mapping[str, Collection[str]]] = {}
        self._database = database
        self._breaker = breaker
        self._timing = timing
        self._max_backlog = max(rate, _MIN_BACKLOG)
        self._step_rows = math.ceil(rate * _STEP_S)
        self._interval = timedelta(seconds=self._step_rows / rate)

    def enqueue_due_rows(self) -> None:
        """Feed the rows that are due, and end imports that have nothing left, paused ones too."""
        is_due = self._database.is_due(_i.next_at).label("is_due")
        is_fed = (_i.state == ImportState.RUNNING).label("is_fed")
        begun = select(_i.id, _i.left_rows, is_due, is_fed).where(_i.state.in_(BEGUN))
        with self._database.read() as connection:
            rows = connection.execute(begun.order_by(_i.id)).all()
        if any(row.left_rows <= 0 for row in rows):
            self._end()
        # The oldest first: two at a time would double the rate.
        first = next((row for row in rows if row.is_fed and row.left_rows > 0), None)
        if first and first.is_due and not self._breaker.pause:
            self._feed(first.id)

    def _feed(self, import_id: int) -> None:
        chosen = (
            select(*_i, self._database.now_plus().label("now"))
            .where(_i.id == import_id, _i.state == ImportState.RUNNING)
            .where(self._database.is_due(_i.next_at))
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            row = connection.execute(chosen).mappings().first()
            if row is None:
                return  # another worker was faster
            running = Import.from_row(row, self._database.encryption)
            queued = self._queued(connection)
            most = min(self._step_rows, self._backlog(running.backlog, queued) - queued)
            moved = self._move(connection, running, most) if most > 0 else {}
            changes = {
                "backlog": queued + running.left_rows - moved.get("left_rows", running.left_rows),
                "next_at": self._next_at(running.next_at, row["now"]),
                **moved,
            }
            connection.execute(update(imports).where(_i.id == import_id).values(changes))

    def _queued(self, connection: Connection) -> int:
        """Count the imports' rows that are being sent, or could be."""
        begun = select(_i.id).where(_i.state.in_(BEGUN))
        is_due = and_(_c.state == State.QUEUED, self._database.is_due(_c.due))
        waiting = select(func.count()).where(
            _c.batch.in_(begun), _c.state.in_(WAITING), or_(_c.state == State.SENDING, is_due)
        )
        return connection.execute(waiting.select_from(table)).scalar_one()

    def _backlog(self, before: int, queued: int) -> int:
        """Return how many rows may wait: what was taken in the last step, for a whole second.

        Args:
            before: How many waited after the last step.
            queued: How many of them wait still.
        """
        taken = before - queued
        allowed = 2 * before if queued == 0 else math.ceil(taken / _STEP_S)
        return min(max(allowed, _MIN_BACKLOG), self._max_backlog)

    def _next_at(self, before: datetime, now: datetime) -> datetime:
        """Return when the next rows are due; a late step is caught up on, but only one."""
        return min(max(before, now - self._interval), now) + self._interval

    def _move(self, connection: Connection, running: Import, most: int) -> dict[str, int]:
        """Move up to `most` rows; return what changes in the import."""
        left = is_sent(running.id, running.twice, running.known) & (
            _r.number > running.last_enqueued_row
        )
        next_rows = select(_r.number).where(left).order_by(_r.number).limit(most).subquery()
        last, count = connection.execute(
            select(func.max(next_rows.c.number), func.count()).select_from(next_rows)
        ).one()
        if not count:
            return {"left_rows": 0}
        moved = and_(left, _r.number <= last)
        values = self._values(running)
        moved_as_they_are = (
            *(_r.key, _r.contact, _r.encrypted_with, _r.mobile_hash),
            *(_r.mobile_hash.label("number_hash"), _r.field_hashes),
        )
        columns = {**{column.name: column for column in moved_as_they_are}, **values}
        rows = select(*columns.values()).where(moved).order_by(_r.number)
        if running.known is KnownRows.SKIP:
            rows = rows.where(~is_known_elsewhere(running.id, running.form))
        added = connection.execute(self._database.insert_or_ignore_from(table, list(columns), rows))
        new = added.scalars().all()
        self._count_choices(connection, running.form, new)
        connection.execute(delete(import_rows).where(moved))
        return {
            "left_rows": running.left_rows - count,
            "known_rows": running.known_rows + count - len(new),
            "last_enqueued_row": last,
        }

    def _count_choices(self, connection: Connection, form: str, ids: Sequence[int]) -> None:
        """Count for statistics what rows hold of the choices of their form.

        A field may have got them after its rows were read: other texts may be personal data.
        """
        if not (offered := self.choices.get(form)):
            return
        day = today()
        rows = connection.execute(select(*COLUMNS).where(_c.id.in_(ids))).mappings()
        contacts = (Submission.from_row(row, self._database.encryption).contact for row in rows)
        chosen = Counter(
            (day, form, name, contact[name])
            for contact in filter(None, contacts)
            for name, choices in offered.items()
            if contact[name] in choices
        )
        self._database.upsert_increment(connection, choices_table, chosen)

    def _values(self, running: Import) -> dict[str, Any]:
        """Return the values that all rows share in the outbox."""
        now, pause = self._database.now_plus(), timedelta(0)
        values: dict[str, Any] = {
            **INITIAL_VALUES,
            "form": running.form,
            "operator": running.operator,
            "batch": running.id,
            "state": State.QUEUED,
            "status": "",
            "uncertain": running.uncertain,
        }
        if running.uncertain:
            pause = self._timing.settle
            now = literal(running.created_at, _c.created_at.type)  # they may be as old as that
        shared = {name: literal(value, _c[name].type) for name, value in values.items()}
        return {
            **shared,
            "created_at": now,
            "due": self._database.now_plus(pause),
            "give_up_at": self._database.now_plus(MAX_RETRY_AGE),
        }

    def _end(self) -> None:
        """End the imports whose rows have all settled."""
        waits = exists().where(_c.batch == _i.id, _c.state.in_(WAITING))
        is_over = and_(_i.state.in_(BEGUN), _i.left_rows <= 0, ~waits)
        ended = (
            update(imports).where(is_over).values(state=ImportState.DONE).returning(_i.reference)
        )
        with self._database.read() as connection:
            if connection.execute(select(_i.id).where(is_over)).first() is None:
                return
        with self._database.write() as connection:
            for reference in connection.execute(ended).scalars():
                log.info("import %s: done", reference)
