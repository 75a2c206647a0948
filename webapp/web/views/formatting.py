"""Formats contacts, times and durations for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from webapp import messages, persian
from webapp.contact import Kind, in_page_order
from webapp.messages import statistics as texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from webapp.contact import Field
    from webapp.forms.definitions import FormDefinition

_FORMATTERS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.MOBILE: persian.persian_digits,
    Kind.GENDER: lambda is_man: messages.MAN if is_man else messages.WOMAN,
    Kind.DATE: persian.date_in_words,
    Kind.LABELS: messages.COMMA.join,
    Kind.ACTIVE: lambda is_active: messages.YES if is_active else messages.NO,
}
_LTR_KINDS: Final = (Kind.MOBILE, Kind.EMAIL)

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class FormattedValue(NamedTuple):
    """A value with its label and its text direction."""

    label: str
    text: str
    dir: str


def format_values(values: Mapping[str, Any], rows: Iterable[Field]) -> list[FormattedValue]:
    """Return the values of a contact that are not empty, in the order of these rows."""
    return [
        FormattedValue(
            row.label,
            _FORMATTERS.get(row.kind, str)(values[row.name]),
            "ltr" if row.kind in _LTR_KINDS else "auto",
        )
        for row in rows
        if values[row.name] not in (None, "", ())
    ]


def all_fields(definition: FormDefinition | None) -> list[Field]:
    """Return the whole field table in the order of the page, with a form's own captions."""
    own = {row.name: row for row in definition.fields} if definition else {}
    return [own.get(row.name, row) for row in in_page_order()]


def duration(seconds: float, *, decimals: int = 1) -> str:
    """Return a duration in the unit that fits, «۱٫۲ ثانیه».

    Args:
        seconds: The duration.
        decimals: Of seconds; minutes and hours have one.
    """
    for text, unit_s in ((texts.HOURS, _HOUR_S), (texts.MINUTES, _MINUTE_S)):
        if seconds >= unit_s:
            return text.format(n=persian.persian_number(seconds / unit_s, decimals=1))
    return texts.SECONDS.format(n=persian.persian_number(seconds, decimals=decimals))


def local_time(value: datetime) -> str:
    """Return a UTC time as local date and time in Iran, in Persian."""
    local = persian.to_iran(value)
    day, time = persian.date_in_words(local.date()), persian.persian_digits(f"{local:%H:%M}")
    return messages.LOCAL_TIME.format(day=day, time=time)
