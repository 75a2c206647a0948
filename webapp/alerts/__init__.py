"""Tells somebody by mail when something needs a person, and when that is over.

`Alerts` compares the problems of now (`problems`) with those that were told, and mails the
difference (`mail`). What was told, and when, is a row that all workers share: a worker claims the
row before it sends a mail, and the others find it claimed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import Column, DateTime, Integer, String, Table, select, update

from webapp import messages
from webapp.alerts.mail import Mailer, MailError
from webapp.alerts.problems import COUNT_CAP, ProblemKind, Problems
from webapp.database import Database
from webapp.database.engine import metadata
from webapp.messages import alerts as texts
from webapp.observability import log_exception
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.persian import persian_digits
from webapp.portal import code_status_message, status_message
from webapp.settings import Settings

_MANY_MINUTES: Final = 120  # texts say hours then


class Mail(NamedTuple):
    """A mail's subject and text."""

    subject: str
    text: str


class AlertText:
    """Writes mails. The methods raise a DatabaseError if the database fails."""

    def __init__(self, problems: Problems, public_url: str | None) -> None:
        """Take counts and references from here.

        Args:
            problems: What needs a person.
            public_url: Our origin, for the address of the outbox; None if it is not known.
        """
        self._problems = problems
        self._public_url = public_url

    def alarm(self, current: Mapping[ProblemKind, str], ended: Collection[ProblemKind]) -> Mail:
        """Return the mail that tells of these problems, and what is over since the last mail."""
        parts = [*self._describe(current), *_ended(ended), *self._closing()]
        return Mail(_subject(texts.ALARM_SUBJECT, current), _joined(parts))

    def end(self, ended: Collection[ProblemKind], current: Mapping[ProblemKind, str]) -> Mail:
        """Return the mail that tells what is over, and which problems remain."""
        remaining = [texts.REMAINING, *self._describe(current)] if current else []
        parts = [*_ended(ended), *remaining, *self._closing()]
        return Mail(_subject(texts.END_SUBJECT, ended), _joined(parts))

    def _describe(self, current: Mapping[ProblemKind, str]) -> Iterator[str]:
        for kind, status in current.items():
            match kind:
                case ProblemKind.QUEUE:
                    yield "\n".join(self._queue(status))
                case ProblemKind.ATTENTION:
                    yield "\n".join(self._attention())
                case ProblemKind.CODES:
                    yield f"{texts.CODES} {code_status_message(status)}"
                    yield texts.STATUS.format(status=status)
                case ProblemKind.SUSPECTS:
                    count = sum(self._problems.attention(suspects=True).counts.values())
                    yield texts.SUSPECTS.format(n=persian_digits(count))

    def _queue(self, status: str) -> Iterator[str]:
        if status := status or self._problems.pause_status():
            yield f"{texts.PAUSED} {status_message(status)}"
            yield texts.STATUS.format(status=status)
        else:
            yield texts.LATE
        waiting = self._problems.waiting()
        if not waiting.count:
            return
        text = messages.WAITING_MANY if waiting.count > COUNT_CAP else messages.WAITING
        yield text.format(n=persian_digits(min(waiting.count, COUNT_CAP)))
        if waiting.minutes >= _MANY_MINUTES:
            yield texts.OLDEST_HOURS.format(n=persian_digits(waiting.minutes // 60))
        elif waiting.minutes:
            yield texts.OLDEST_MINUTES.format(n=persian_digits(waiting.minutes))
        yield texts.KEPT

    def _attention(self) -> Iterator[str]:
        attention = self._problems.attention(suspects=False)
        yield texts.ATTENTION
        for status, count in attention.counts.items():
            n = persian_digits(count)
            yield texts.ONE_STATUS.format(n=n, message=status_message(status))
            yield texts.STATUS.format(status=status)
        is_all = sum(attention.counts.values()) == len(attention.references)
        text = texts.REFERENCES if is_all else texts.MORE_REFERENCES
        yield text.format(references=messages.COMMA.join(attention.references))

    def _closing(self) -> Iterator[str]:
        if self._public_url:
            yield texts.OUTBOX.format(address=f"{self._public_url}/outbox")
        yield texts.FOOTER


def _subject(text: str, kinds: Collection[ProblemKind]) -> str:
    return text.format(problems=messages.COMMA.join(texts.PROBLEMS[kind] for kind in kinds))


def _ended(kinds: Collection[ProblemKind]) -> list[str]:
    return [texts.ENDED[kind] for kind in kinds]


def _joined(paragraphs: Collection[str]) -> str:
    return "\n\n".join(paragraphs) + "\n"


log = logging.getLogger(__name__)

CHECK_INTERVAL_S: Final = 5.0

# Between two alarms, and between two mails that say that something is over.
_MIN_INTERVAL: Final = timedelta(hours=1)
# After a mail that was not sent; and how long a claim lasts whose owner has died.
_RETRY_PAUSE: Final = timedelta(minutes=5)
# A stopped worker waits so long for a mail that is being sent; if that is lost, it is sent again.
_STOP_TIMEOUT_S: Final = 5.0

_alert: Final = Table(
    "alert",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1; the row is always there
    Column("told", String(64), nullable=False),  # kinds, separated by spaces
    Column("status", String(64), nullable=False),  # the status that was told, of the queue
    Column("due", DateTime, nullable=False),  # when the next mail may be tried
    Column("alarm_due", DateTime, nullable=False),
    Column("end_due", DateTime, nullable=False),
)
_c: Final = _alert.c


@dataclass(frozen=True, slots=True)
class _LastNotification:
    """What was told last.

    Attributes:
        text: The kinds of problems, as the row stores them.
        status: The status for which the queue was paused then, or "".
        may_alarm: Whether an alarm may be sent now.
        may_send_resolved: Whether a mail may say now that something is over.
    """

    text: str
    status: str
    may_alarm: bool
    may_send_resolved: bool

    @property
    def kinds(self) -> set[ProblemKind]:
        """The kinds of problems."""
        return set(map(ProblemKind, self.text.split()))


@dataclass(frozen=True, slots=True)
class _MailStep:
    """A mail, and what was told once it is sent.

    Attributes:
        mail: The mail.
        told: The kinds of problems, as the row stores them.
        status: The status for which the queue is paused, or "".
        limit: The column that says when such a mail may be sent.
        current: All kinds of problems that there are, also those whose alarm is not due yet.
    """

    mail: Mail
    told: str
    status: str
    limit: Column[Any]
    current: str


class Alerts:
    """Tells somebody what needs a person. It starts no thread before its first use."""

    def __init__(
        self, database: Database, problems: Problems, text: AlertText, mailer: Mailer
    ) -> None:
        """Send these texts about these problems; keep in this database what was told."""
        self._database = database
        self._problems = problems
        self._text = text
        self._mailer = mailer
        self._thread: threading.Thread | None = None

    @classmethod
    def from_settings(
        cls, settings: Settings, database: Database, breaker: CircuitBreaker
    ) -> Self | None:
        """Return the alerts; None if nobody is to be told, or in demo mode, which sends nothing."""
        mailer = Mailer.from_settings(settings)
        if mailer is None or settings.demo:
            return None
        problems = Problems(database, breaker)
        return cls(database, problems, AlertText(problems, settings.public_url), mailer)

    def start_check(self) -> None:
        """Check in a thread of its own, which a mail server may hang; unless it still does."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._check_logged, name="alert", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for the mail that is being sent, but not for long."""
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def _check_logged(self) -> None:
        try:
            self.check()
        except Exception as error:  # noqa: BLE001  the next check may work
            log_exception(log, error)

    def check(self) -> None:
        """Send the mail that is due, if any.

        Raises:
            DatabaseError: if the database fails.
        """
        told = self._read()
        step = self._next(told) if told else None
        if told is None or step is None or not self._claim(told, step):
            return
        try:
            refused = self._mailer.send(*step.mail)
        except MailError as error:
            log.warning("alert: not sent, %s; it is tried again", error)
            return
        if refused:
            log.warning("alert: %d addresses were refused by the mail server", refused)
        log.info("alert: sent, %s", step.current or "nothing needs a person")
        self._record(step)

    def _read(self) -> _LastNotification | None:
        """Return what was told, or None if it is not the time to tell anything."""
        is_due = self._database.is_due
        wanted = select(_c.told, _c.status, is_due(_c.alarm_due), is_due(_c.end_due))
        with self._database.read() as connection:
            found = connection.execute(wanted.where(is_due(_c.due))).first()
        return _LastNotification(*found) if found else None

    def _next(self, told: _LastNotification) -> _MailStep | None:
        """Return the next mail: an alarm of what is new, or the end of what was told."""
        current = self._problems.read(queue_was_told=ProblemKind.QUEUE in told.kinds)
        status = current.get(ProblemKind.QUEUE, "")
        ended = sorted(told.kinds - current.keys())
        is_new = bool(current.keys() - told.kinds) or status not in ("", told.status)
        if is_new and told.may_alarm:
            mail = self._text.alarm(current, ended)
            return _MailStep(mail, _join(current), status, _c.alarm_due, _join(current))
        if ended and told.may_send_resolved:
            known = {kind: current[kind] for kind in current if kind in told.kinds}
            kept = told.status if ProblemKind.QUEUE in known else ""
            mail = self._text.end(ended, current)
            return _MailStep(mail, _join(known), kept, _c.end_due, _join(current))
        return None

    def _claim(self, told: _LastNotification, step: _MailStep) -> bool:
        """Return whether the caller sends this mail; nobody else does, until it may be retried."""
        is_due = self._database.is_due
        is_as_read = (_c.told == told.text, _c.status == told.status)
        claim = (
            update(_alert)
            .where(is_due(_c.due), is_due(step.limit), *is_as_read)
            .values(due=self._database.now_plus(_RETRY_PAUSE))
            .returning(_c.id)
        )
        with self._database.write() as connection:
            return connection.execute(claim).first() is not None

    def _record(self, step: _MailStep) -> None:
        now_plus = self._database.now_plus
        told = {"told": step.told, "status": step.status, "due": now_plus()}
        with self._database.write() as connection:
            connection.execute(
                update(_alert).values(**told, **{step.limit.name: now_plus(_MIN_INTERVAL)})
            )


def _join(kinds: Mapping[ProblemKind, str]) -> str:
    return " ".join(sorted(kinds))
