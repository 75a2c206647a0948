"""What the pages of the outbox show: a list as its address asks for it, and its entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import request

from webapp import messages, persian
from webapp.contact import MOBILE
from webapp.forms.definitions import FormDefinition, main_form
from webapp.messages import desk as texts
from webapp.outbox.listing import SORTS, ListKind, Query, ReasonGroup
from webapp.outbox.rows import (
    MAX_RETRY_AGE,
    PERHAPS_RECORDED,
    REVIEW_STATUSES,
    SUSPECT_STATUSES,
    State,
    Submission,
)
from webapp.outbox.sender import is_given_up
from webapp.persian import InvalidText, persian_digits, persian_number
from webapp.portal import status_message
from webapp.web.rendering import services
from webapp.web.rendering.content import all_fields, format_values, local_time

PATH: Final = "/outbox"

_FILTERS: Final = ("q", "reason", "form", "source", "day")
_ARGUMENTS: Final = ("waiting", "suspects", *_FILTERS, "sort", "page")
_MAX_ARGUMENT: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class View:
    """A list as an address asks for it.

    Attributes:
        arguments: The arguments of the address that say something.
        query: Which submissions.
        sort: Their order.
        page: The number of the page.
        day_error: What is wrong with the day, in Persian, or "".
    """

    arguments: Mapping[str, str]
    query: Query
    sort: str
    page: int
    day_error: str

    @property
    def is_filtered(self) -> bool:
        """Whether the list is a part of a whole one."""
        return any(name in self.arguments for name in _FILTERS)

    def address(self, path: str = PATH, **changes: object) -> str:
        """Return this address with some arguments changed; an empty one is left out."""
        arguments = {**self.arguments, **{name: str(value) for name, value in changes.items()}}
        query = urlencode({name: value for name, value in arguments.items() if value})
        return f"{path}?{query}" if query else path


def read_view() -> View:
    """Return the list that this request asks for, by its address or by fields of its form.

    The forms of a list's page send its arguments along, to return to the same list.
    """
    given = {
        name: request.values.get(name, "").replace("\0", "")[:_MAX_ARGUMENT].strip()
        for name in _ARGUMENTS
    }
    arguments = {name: value for name, value in given.items() if value}
    day, day_error = _day(given["day"])
    query = Query(
        kind=_kind(arguments),
        text=given["q"],
        reason=given["reason"],
        form=given["form"],
        source=given["source"],
        day=day,
    )
    sort = given["sort"] if given["sort"] in SORTS else SORTS[0]
    page = request.values.get("page", 1, type=int)
    return View(arguments, query, sort, max(page, 1), day_error)


def _kind(arguments: Mapping[str, str]) -> ListKind:
    if "waiting" in arguments:
        return ListKind.WAITING
    if "suspects" in arguments or arguments.get("reason") in SUSPECT_STATUSES:
        return ListKind.SUSPECTS
    # An operator who searches does not know the state of the submission.
    return ListKind.ALL if "q" in arguments else ListKind.ATTENTION


def _day(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    try:
        day = persian.parse_date(text)
        persian.check_range(day, birth=False, today=datetime.now(UTC).date())
    except InvalidText as error:
        return None, str(error)
    return day, ""


# The filters


def filters(view: View, groups: list[ReasonGroup]) -> dict[str, Any]:
    """Return what the filters of a list offer, each with its number."""
    titles = {slug: form.title for slug, form in services().definitions.items()}
    filters: dict[str, tuple[str, Callable[[str], str]]] = {
        "reason": (texts.REASON, reason_text),
        "form": (texts.FORM, lambda slug: titles.get(slug, slug)),
        "source": (texts.SOURCE, str),
    }
    selects = []
    for name, (caption, text_of) in filters.items():
        chosen = view.arguments.get(name, "")
        options = {
            value: texts.OPTION.format(caption=text_of(value), n=persian_number(count))
            for value, count in _counts(groups, name).items()
            if value
        }
        if chosen and chosen not in options:
            options[chosen] = text_of(chosen)
        if len(options) > 1 or chosen:
            selects.append((name, caption, options))
    return {"selects": selects, "sorts": texts.SORTS}


def reasons(view: View, groups: list[ReasonGroup]) -> list[dict[str, Any]]:
    """Return the groups of a list by reason, each with its number and the address of its list."""
    return [
        {
            "reason": reason,
            "text": reason_text(reason),
            "status": "" if reason in messages.SUSPECT_STATUSES else reason,
            "count": persian_number(count),
            "address": view.address(reason=reason, page=""),
            "can_retry": reason not in REVIEW_STATUSES,
        }
        for reason, count in _counts(groups, "reason").most_common()
        if reason
    ]


def _counts(groups: list[ReasonGroup], name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for group in groups:
        counts[getattr(group, name)] += group.count
    return counts


def reason_text(status: str) -> str:
    """Return what a status says of a group of submissions, in Persian."""
    if not status:
        return texts.WAITS
    return messages.SUSPECT_STATUSES.get(status) or status_message(status)


# Entries


def card(submission: Submission) -> dict[str, Any]:
    """Return an entry with all its values."""
    definition = services().definitions.get(submission.form)
    values = submission.contact.values if submission.contact else {}
    local = persian.to_iran(submission.created_at)
    reasons = _reasons(submission)
    return {
        "reference": submission.reference,
        "names": (submission.contact and submission.contact.names) or [texts.NAMELESS],
        "mobile": persian_digits(values.get(MOBILE, "")),
        "reason": reasons[0] if reasons else texts.WAITS,
        "when": texts.TIME.format(
            day=persian.day_and_month(local.date()), time=persian_digits(f"{local:%H:%M}")
        ),
        "who": submission.operator or submission.source,
        "came": local_time(submission.created_at),
        "form": definition.title if definition else "",
        "slug": submission.form,
        "operator": submission.operator,
        "reasons": reasons,
        "status": "" if submission.status in messages.SUSPECT_STATUSES else submission.status,
        "values": format_values(values, all_fields(definition_of(submission))),
        "is_idle": submission.state is not State.SENDING,
        "needs_attention": submission.state in (State.REJECTED, State.HELD),
    }


def _reasons(submission: Submission) -> list[str]:
    """Return why a submission waits or needs attention, as Persian sentences."""
    status = submission.status
    applies = {
        messages.BEING_SENT: submission.state is State.SENDING,
        messages.SUSPECT_STATUSES.get(status) or status_message(status): status,
        messages.GIVEN_UP.format(n=persian_digits(MAX_RETRY_AGE.days)): is_given_up(submission),
        messages.PERHAPS_THERE: submission.uncertain and not submission.resent_without_lookup,
        messages.PERHAPS_TWICE: submission.resent_without_lookup and status != PERHAPS_RECORDED,
        _sent_twice(submission): status == PERHAPS_RECORDED,
    }
    return [text for text, is_so in applies.items() if is_so]


def _sent_twice(submission: Submission) -> str:
    """Return when a submission was sent twice without a clear answer."""
    first, last = (
        local_time(sent_at) if sent_at else messages.UNKNOWN_TIME
        for sent_at in (submission.first_sent_at, submission.last_sent_at)
    )
    return messages.SENT_TWICE.format(first=first, last=last)


def definition_of(submission: Submission) -> FormDefinition | None:
    """Return the form of a submission; the main form if that one was removed."""
    definitions = services().definitions
    return definitions.get(submission.form) or main_form(definitions)
