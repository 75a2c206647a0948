"""Tells somebody by mail when something needs a person, and when that is over.

`Alerts` compares the current problems (`problems`) with those of the last mail, and mails the
difference (`mail`). The last mail is a row that all workers share: a worker claims the row before
it sends the next one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
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
from webapp.observability import run_logged
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
        """Describe these problems; name the outbox below our origin, if that is known."""
        self._problems = problems
        self._public_url = public_url

    def alarm(self, current: Mapping[ProblemKind, str], ended: Collection[ProblemKind]) -> Mail:
        """Return the mail about these problems, and those that are over since the last mail."""
        return self._mail(texts.ALARM_SUBJECT, current, [*self._describe(current), *_ended(ended)])

    def end(self, ended: Collection[ProblemKind], current: Mapping[ProblemKind, str]) -> Mail:
        """Return the mail about problems that are over, and those that remain."""
        remaining = [texts.REMAINING, *self._describe(current)] if current else []
        return self._mail(texts.END_SUBJECT, ended, [*_ended(ended), *remaining])

    def _mail(
        self, subject: str, kinds: Collection[ProblemKind], paragraphs: Iterable[str]
    ) -> Mail:
        problems = messages.COMMA.join(texts.PROBLEMS[kind] for kind in kinds)
        text = "\n\n".join([*paragraphs, *self._closing()])
        return Mail(subject.format(problems=problems), f"{text}\n")

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
                    count = sum(self._problems.attention(suspects=True)[0].values())
                    yield texts.SUSPECTS.format(n=persian_digits(count))

    def _queue(self, status: str) -> Iterator[str]:
        if status := status or self._problems.pause_status():
            yield f"{texts.PAUSED} {status_message(status)}"
            yield texts.STATUS.format(status=status)
        else:
            yield texts.LATE
        count, minutes = self._problems.waiting()
        if not count:
            return
        text = messages.WAITING_MANY if count > COUNT_CAP else messages.WAITING
        yield text.format(n=persian_digits(min(count, COUNT_CAP)))
        if minutes >= _MANY_MINUTES:
            yield texts.OLDEST_HOURS.format(n=persian_digits(minutes // 60))
        elif minutes:
            yield texts.OLDEST_MINUTES.format(n=persian_digits(minutes))
        yield texts.KEPT

    def _attention(self) -> Iterator[str]:
        counts, references = self._problems.attention(suspects=False)
        yield texts.ATTENTION
        for status, count in counts.items():
            n = persian_digits(count)
            yield texts.ONE_STATUS.format(n=n, message=status_message(status))
            yield texts.STATUS.format(status=status)
        is_all = sum(counts.values()) == len(references)
        text = texts.REFERENCES if is_all else texts.MORE_REFERENCES
        yield text.format(references=messages.COMMA.join(references))

    def _closing(self) -> Iterator[str]:
        if self._public_url:
            yield texts.OUTBOX.format(address=f"{self._public_url}/outbox")
        yield texts.FOOTER


def _ended(kinds: Collection[ProblemKind]) -> list[str]:
    return [texts.ENDED[kind] for kind in kinds]


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
    Column("status", String(64), nullable=False),  # of the queue, in the last mail
    Column("due", DateTime, nullable=False),  # when the next mail may be tried
    Column("alarm_due", DateTime, nullable=False),
    Column("end_due", DateTime, nullable=False),
)
_c: Final = _alert.c


@dataclass(frozen=True, slots=True)
class _LastNotification:
    """What the last mail said.

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
    """A mail, and what is stored once it is sent.

    Attributes:
        mail: The mail.
        kinds: The kinds of problems, as the row stores them.
        status: The status for which the queue is paused, or "".
        limit: The column that says when such a mail may be sent.
        current: All kinds of problems that there are, also those whose alarm is not due yet.
    """

    mail: Mail
    kinds: str
    status: str
    limit: Column[Any]
    current: str


class Alerts:
    """Tells somebody what needs a person. It starts no thread before its first use."""

    def __init__(
        self, database: Database, problems: Problems, text: AlertText, mailer: Mailer
    ) -> None:
        """Send these texts about these problems; store the last mail in this database."""
        self._database = database
        self._problems = problems
        self._text = text
        self._mailer = mailer
        self._thread: threading.Thread | None = None

    @classmethod
    def from_settings(
        cls, settings: Settings, database: Database, breaker: CircuitBreaker
    ) -> Self | None:
        """Return the alerts; None without recipients, or in demo mode, which sends nothing."""
        mailer = Mailer.from_settings(settings)
        if mailer is None or settings.demo:
            return None
        problems = Problems(database, breaker)
        return cls(database, problems, AlertText(problems, settings.public_url), mailer)

    def start_check(self) -> None:
        """Check in a thread of its own, which a mail server may hang; unless it still does."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=run_logged, args=(log, self.check), name="alert", daemon=True
            )
            self._thread.start()

    def finish(self) -> None:
        """Wait for the mail that is being sent, but not for long."""
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def check(self) -> None:
        """Send the mail that is due, if any.

        Raises:
            DatabaseError: if the database fails.
        """
        last = self._read()
        step = self._next(last) if last else None
        if last is None or step is None or not self._claim(last, step):
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
        """Return the last notification, or None if no mail is due."""
        is_due = self._database.is_due
        wanted = select(_c.told, _c.status, is_due(_c.alarm_due), is_due(_c.end_due))
        with self._database.read() as connection:
            row = connection.execute(wanted.where(is_due(_c.due))).first()
        return _LastNotification(*row) if row else None

    def _next(self, last: _LastNotification) -> _MailStep | None:
        """Return the next mail: an alarm about new problems, or that reported ones are over."""
        current = self._problems.read(queue_was_reported=ProblemKind.QUEUE in last.kinds)
        status = current.get(ProblemKind.QUEUE, "")
        ended = sorted(last.kinds - current.keys())
        is_new = bool(current.keys() - last.kinds) or status not in ("", last.status)
        if is_new and last.may_alarm:
            mail = self._text.alarm(current, ended)
            return _MailStep(mail, _join(current), status, _c.alarm_due, _join(current))
        if ended and last.may_send_resolved:
            known = {kind: current[kind] for kind in current if kind in last.kinds}
            kept = last.status if ProblemKind.QUEUE in known else ""
            mail = self._text.end(ended, current)
            return _MailStep(mail, _join(known), kept, _c.end_due, _join(current))
        return None

    def _claim(self, last: _LastNotification, step: _MailStep) -> bool:
        """Return whether the caller sends this mail; nobody else does, until it may be retried."""
        is_due = self._database.is_due
        is_as_read = (_c.told == last.text, _c.status == last.status)
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
        sent = {"told": step.kinds, "status": step.status, "due": now_plus()}
        sent[step.limit.name] = now_plus(_MIN_INTERVAL)
        with self._database.write() as connection:
            connection.execute(update(_alert).values(sent))


def _join(kinds: Mapping[ProblemKind, str]) -> str:
    return " ".join(sorted(kinds))
