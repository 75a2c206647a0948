"""Writes the mails that tell what needs a person, or that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from webapp import messages
from webapp.delivery.problems import COUNT_CAP, Kind
from webapp.messages import alerts as texts
from webapp.persian import persian_digits
from webapp.portal.base import code_status_message, status_message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from webapp.delivery.problems import Problems

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

    def alarm(self, current: Mapping[Kind, str], ended: Collection[Kind]) -> Mail:
        """Return the mail that tells of these problems, and what is over since the last mail."""
        parts = [*self._describe(current), *_ended(ended), *self._closing()]
        return Mail(_subject(texts.ALARM_SUBJECT, current), _join(parts))

    def end(self, ended: Collection[Kind], current: Mapping[Kind, str]) -> Mail:
        """Return the mail that tells what is over, and which problems remain."""
        remaining = [texts.REMAINING, *self._describe(current)] if current else []
        parts = [*_ended(ended), *remaining, *self._closing()]
        return Mail(_subject(texts.END_SUBJECT, ended), _join(parts))

    def _describe(self, current: Mapping[Kind, str]) -> Iterator[str]:
        for kind, status in current.items():
            match kind:
                case Kind.QUEUE:
                    yield "\n".join(self._queue(status))
                case Kind.ATTENTION:
                    yield "\n".join(self._attention())
                case Kind.CODES:
                    yield f"{texts.CODES} {code_status_message(status)}"
                    yield texts.STATUS.format(status=status)
                case Kind.SUSPECTS:
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


def _subject(text: str, kinds: Collection[Kind]) -> str:
    return text.format(problems=messages.COMMA.join(texts.PROBLEMS[kind] for kind in kinds))


def _ended(kinds: Collection[Kind]) -> list[str]:
    return [texts.ENDED[kind] for kind in kinds]


def _join(paragraphs: Collection[str]) -> str:
    return "\n\n".join(paragraphs) + "\n"
