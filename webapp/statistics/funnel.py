"""Counts how far visitors go in each public form, and what is chosen, without personal data.

A page that is shown must not wait for the database, so each process counts in memory and a thread
writes the sums every few seconds. A process that is killed loses what it counted since then.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import BigInteger, Column, Date, String, Table, func, select

from webapp.database import Database
from webapp.database.engine import metadata
from webapp.observability import log_exception
from webapp.observability.metrics import Metrics
from webapp.persian import today

log = logging.getLogger(__name__)

FLUSH_INTERVAL_S: Final = 5.0
_JOIN_TIMEOUT_S: Final = 10.0  # a write ends sooner, even if the database is locked

table: Final = Table(
    "funnel_counts",
    metadata,
    Column("day", Date, primary_key=True),  # in Iran
    Column("form", String(40), primary_key=True),
    Column("step", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
_c: Final = table.c

choices_table: Final = Table(
    "choice_counts",
    metadata,
    Column("day", Date, primary_key=True),  # in Iran
    Column("form", String(40), primary_key=True),
    Column("field", String(16), primary_key=True),
    Column("choice", String(200), primary_key=True),
    Column("count", BigInteger, nullable=False),
)


class FunnelStep(enum.StrEnum):
    """A step of a visitor; the last one, the delivery, is in the daily counts."""

    SHOWN = "shown"
    SUBMITTED = "submitted"
    CODE_SENT = "code_sent"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often visitors took a step on one day in Iran, in the form of this slug."""

    day: date
    form: str
    step: FunnelStep
    count: int


class Funnel:
    """The counts of this process, and those of all processes in the database.

    It starts no thread before `start`, so a server may fork after building it.
    """

    def __init__(self, database: Database) -> None:
        """Use the table in this database."""
        self._database = database
        self._counts: Counter[tuple[date, str, FunnelStep]] = Counter()
        self._choices: Counter[tuple[date, str, str, str]] = Counter()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def count(self, form: str, step: FunnelStep) -> None:
        """Count a step in the form of this slug. Does not touch the database."""
        key = today(), form, step
        with self._lock:
            self._counts[key] += 1

    def count_choices(self, form: str, chosen: Mapping[str, str]) -> None:
        """Count what was chosen in the form of this slug, by field. Does not touch the database."""
        day = today()
        with self._lock:
            self._choices.update((day, form, field, choice) for field, choice in chosen.items())

    def flush(self) -> None:
        """Write what was counted since the last time; keep it for the next time if that fails.

        Raises:
            DatabaseError: if the database fails.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
            choices, self._choices = self._choices, Counter()
        if not (counts or choices):
            return
        try:
            with self._database.write() as connection:
                self._database.upsert_increment(connection, table, counts)
                self._database.upsert_increment(connection, choices_table, choices)
        except Exception:
            with self._lock:
                self._counts += counts
                self._choices += choices
            raise

    def counts(self, first: date, last: date) -> list[StepCount]:
        """Return what is in the database of these days and all between, by day, form and step.

        Raises:
            DatabaseError: if the database fails.
        """
        rows = select(*_c).where(_c.day.between(first, last)).order_by(*table.primary_key)
        with self._database.read() as connection:
            return [
                StepCount(day, form, FunnelStep(step), number)
                for day, form, step, number in connection.execute(rows)
            ]

    def choices(self, first: date, last: date) -> dict[tuple[str, str, str], int]:
        """Return the sums of these days and all between, by form, field and choice.

        Raises:
            DatabaseError: if the database fails.
        """
        one = choices_table.c
        names = (one.form, one.field, one.choice)
        sums = select(*names, func.sum(one["count"])).where(one.day.between(first, last))
        with self._database.read() as connection:
            rows = connection.execute(sums.group_by(*names).order_by(*names))
            return {(form, field, choice): int(number) for form, field, choice, number in rows}

    def daily_choices(self, first: date, last: date) -> list[tuple[date, str, str, str, int]]:
        """Return the counts of these days and all between: day, form, field, choice and number.

        Raises:
            DatabaseError: if the database fails.
        """
        chosen = select(*choices_table.c).where(choices_table.c.day.between(first, last))
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(*choices_table.primary_key))
            return [(day, form, field, choice, number) for day, form, field, choice, number in rows]

    def start(self) -> None:
        """Flush in a thread, at intervals. Call it in the process that serves, after a fork."""
        self._thread = threading.Thread(target=self._run, name="funnel", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Flush once more, and end the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_JOIN_TIMEOUT_S)

    def _run(self) -> None:
        failed = False
        while True:
            stopped = self._stopped.wait(FLUSH_INTERVAL_S)
            try:
                self.flush()
                failed = False
            except Exception as error:  # noqa: BLE001  the thread goes on, whatever happens
                if not failed:
                    log_exception(log, error)
                failed = True
            if stopped:
                return


class CodeEvent(enum.StrEnum):
    """What happens to a code."""

    SENT = "sent"
    FAILED = "failed"  # it could not be sent
    WRONG = "wrong"  # another one was typed
    VERIFIED = "verified"


class CodeCounts:
    """The counters of codes."""

    def __init__(self, funnel: Funnel, metrics: Metrics | None = None) -> None:
        """Count visitors' steps in this funnel, and everything in the metrics, if there are any."""
        self._funnel = funnel
        self._metrics = metrics

    def count(self, form: str, event: CodeEvent) -> None:
        """Count an event of the form of this slug."""
        if self._metrics:
            self._metrics.count_code(form, event)
        if event is CodeEvent.VERIFIED:
            self.count_step(form, FunnelStep.VERIFIED)

    def count_step(self, form: str, step: FunnelStep) -> None:
        """Count a visitor's step in the form of this slug."""
        self._funnel.count(form, step)

    def count_limit(self, setting: str) -> None:
        """Count that a limit of codes, named by its setting, is used up for somebody."""
        if self._metrics:
            self._metrics.count_refusal(setting)
