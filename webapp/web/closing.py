"""What a public form says before it opens, after it has closed, and while it is full."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import render_template, request

from webapp import messages
from webapp.contact import EMPTY_VALUES
from webapp.database import DatabaseError
from webapp.forms import ContactForm
from webapp.forms.definitions import FormDefinition
from webapp.messages import public as texts
from webapp.outbox.submit import waits_for_code
from webapp.persian import DATE_PARTS, IRAN, date_in_words, persian_number
from webapp.web.rendering import services
from webapp.web.rendering.content import FormattedValue, format_values, local_time


class Reason(enum.StrEnum):
    """Why a form takes no submission."""

    EARLY = "early"
    LATE = "late"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a form takes no submission: the reason, and a Persian sentence."""

    reason: Reason
    text: str


FULL: Final = Closure(Reason.FULL, texts.FULL)


def now() -> datetime:
    """Return the current time in Iran."""
    return datetime.now(IRAN)


def closure(definition: FormDefinition) -> Closure | None:
    """Return why a form takes no submission now; None if it does, as far as is known.

    Places are counted as of some seconds ago: whether one is left, storing decides.
    """
    current = now()
    if definition.opens and current < definition.opens:
        return Closure(Reason.EARLY, texts.EARLY.format(time=_in_words(definition.opens)))
    if definition.closes and current >= definition.closes:
        return Closure(Reason.LATE, texts.LATE.format(time=_end(definition.closes)))
    places = services().delivery.places
    if definition.capacity and places.taken(definition.slug) >= definition.capacity:
        return FULL
    return None


def takes_another(definition: FormDefinition) -> bool:
    """Return whether a form takes another submission: its last place may just have been taken."""
    if definition.capacity:
        services().delivery.places.read_taken(definition.slug)
    return closure(definition) is None


def closure_for(form: ContactForm, replaces: str) -> Closure | None:
    """Return why a submitted form is not accepted.

    One that corrects a submission came in time, and has its place, while that submission waits.

    `replaces` is the key of the corrected submission, or "".
    """
    reason = closure(form.definition)
    if not (reason and replaces):
        return reason
    try:
        replaced = services().delivery.outbox.find(replaces)
    except DatabaseError:
        return reason
    return None if replaced and waits_for_code(replaced) else reason


def page(
    definition: FormDefinition,
    why: Closure,
    form: ContactForm | None = None,
    *,
    note: str = "",
    **context: Any,
) -> tuple[str, HTTPStatus]:
    """Render the page of a form that takes no submission.

    Args:
        definition: The form.
        why: The reason.
        form: What was submitted: it is not stored, and the page shows it again. None for a GET.
        note: A sentence above the reason, or "".
        context: Further variables of the template: `embed` in a frame.
    """
    answers = request.method == "POST"  # a form, or a code
    title = messages.TITLE_ERROR.format(title=definition.title) if answers else definition.title
    html = render_template(
        "contact/closed.html",
        definition=definition,
        closure=why,
        title=title,
        values=_typed(form) if form else [],
        submitted=form is not None,
        answers=answers,
        note=note,
        **context,
    )
    return html, HTTPStatus.CONFLICT if form else HTTPStatus.OK


def for_operators(definition: FormDefinition) -> list[str]:
    """Return for operators whether a form is open, and how many places are taken."""
    if not (definition.opens or definition.closes or definition.capacity):
        return []
    # First: `closure` decides by the number that this reads anew.
    taken = services().delivery.places.read_taken(definition.slug) if definition.capacity else 0
    why, closes = closure(definition), definition.closes
    until = texts.OPEN_UNTIL.format(time=_end(closes)) if closes else texts.OPEN
    lines = [why.text if why else until]
    if definition.capacity:
        numbers = persian_number(taken), persian_number(definition.capacity)
        lines.append(texts.PLACES.format(n=numbers[0], most=numbers[1]))
    return lines


def _in_words(value: datetime) -> str:
    return local_time(value.astimezone(UTC).replace(tzinfo=None))


def _end(closes: datetime) -> str:
    """Return when a form closes: midnight is the end of a day, not the beginning of the next."""
    if closes.time() != time.min:
        return _in_words(closes)
    return texts.END_OF_DAY.format(day=date_in_words(closes.date() - timedelta(days=1)))


def _typed(form: ContactForm) -> list[FormattedValue]:
    """Return the typed values; those that could not be read, as they were sent."""
    values: list[FormattedValue] = []
    for row, field in zip(form.definition.fields, form.contact_fields, strict=True):
        if field.errors or field.data in EMPTY_VALUES:
            names = (row.name, *(f"{row.name}-{part}" for part in DATE_PARTS))
            sent = [text for name in names for text in request.form.getlist(name) if text.strip()]
            values += [FormattedValue(row.caption, " ".join(sent), "auto")] if sent else []
        else:
            values += format_values({row.name: field.data}, [row])
    return values
