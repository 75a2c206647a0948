"""Contacts and moments as a person reads them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from webapp import messages, persian
from webapp.contact import Kind
from webapp.forms.fields import IRAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from webapp.contact import Field

_TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.MOBILE: persian.persian_digits,
    Kind.GENDER: lambda is_man: messages.MAN if is_man else messages.WOMAN,
    Kind.DATE: persian.date_in_words,
    Kind.LABELS: messages.COMMA.join,
    Kind.ACTIVE: lambda is_active: messages.YES if is_active else messages.NO,
}
_LEFT_TO_RIGHT: Final = (Kind.MOBILE, Kind.EMAIL)


class Shown(NamedTuple):
    """A value with its label, and which way it is written."""

    label: str
    text: str
    dir: str


def format_values(values: Mapping[str, Any], rows: Iterable[Field]) -> list[Shown]:
    """Return what a contact holds of these rows of the field table."""
    return [
        Shown(
            row.label,
            _TEXTS.get(row.kind, str)(values[row.name]),
            "ltr" if row.kind in _LEFT_TO_RIGHT else "auto",
        )
        for row in rows
        if values[row.name] not in (None, "", ())
    ]


def local_time(value: datetime) -> str:
    """Return a moment in UTC as calendars and clocks in Iran show it."""
    local = value.replace(tzinfo=UTC).astimezone(IRAN)
    day, time = persian.date_in_words(local.date()), persian.persian_digits(f"{local:%H:%M}")
    return messages.MOMENT.format(day=day, time=time)
