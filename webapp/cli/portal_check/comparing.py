"""The contact that the check creates, and how a stored one differs from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from webapp.contact import EMPTY_VALUES, FIELDS, LABELS, MOBILE, Contact, Kind
from webapp.messages.portal_check import SAMPLE, SAMPLE_LABELS
from webapp.persian import comparison_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from webapp.contact import Field, Value

BORN: Final = date(1990, 3, 21)
# The first two hold what tells one contact of the check from the next; the others are left empty.
CREATED_AGAIN, EDITED, BLANKED, OMITTED = "CustomText1", "CustomText2", "CityName", "JobTitle"
_HOST: Final = "example.com"
_LONGEST_PART: Final = 63  # of a host name, and of what stands before the at sign
_DAY_LENGTH: Final = 10
_HALF_SPACE: Final = "\u200c"
_QUARTER: Final = timedelta(minutes=15)


def sample(mobile: str, *, is_long: bool) -> Contact:
    """Return a contact with a text in each field, a date, two labels and no gender.

    Args:
        mobile: Its number.
        is_long: Whether each text is as long as the form allows.
    """
    values: dict[str, Value] = {
        name: _text(row, is_long=is_long)
        for name, row in FIELDS.items()
        if row.kind in {Kind.TEXT, Kind.LINES, Kind.EMAIL}
    }
    born = next(name for name, row in FIELDS.items() if row.in_past)
    labels = tuple(label(number, is_long=is_long) for number in range(2))
    return Contact(**values | {MOBILE: mobile, born: BORN, LABELS: labels})


def label(number: int, *, is_long: bool) -> str:
    """Return a label of the check: 0 and 1 are the contact's, 2 is no contact's."""
    return _fill(SAMPLE_LABELS[number], FIELDS[LABELS].max_length if is_long else 0)


def changed(contact: Contact, values: Mapping[str, Value]) -> Contact:
    """Return a contact with some values changed."""
    return Contact(**{**contact.values, **values})


def _text(row: Field, *, is_long: bool) -> str:
    if row.kind is Kind.EMAIL:
        return _email(row.max_length if is_long else 0)
    text = _fill(SAMPLE, row.max_length if is_long else 0)
    return text.replace(" ", "\n", 1) if row.kind is Kind.LINES else text


def _fill(text: str, length: int) -> str:
    """Return a text repeated up to this length, which ends in a letter; once if it is 0."""
    if not length:
        return text
    filled = (f"{text} " * length)[:length]
    return filled[:-1] + SAMPLE[0] if filled[-1] in f" {_HALF_SPACE}" else filled


def _email(length: int) -> str:
    host = _HOST
    while (room := length - len(host) - _LONGEST_PART - 3) > 0:
        host = f"{'b' * min(room, _LONGEST_PART)}.{host}"
    return f"{'a' * min(max(length - len(host) - 1, 1), _LONGEST_PART)}@{host}"


class Change(NamedTuple):
    """What the portal has changed of a field, without the value."""

    name: str
    text: str
    is_cut: bool = False


def differences(sent: Contact, stored: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what the portal has changed of the fields that were sent, but for number and labels."""
    for name, row in FIELDS.items():
        value = sent[name]
        if row.kind in {Kind.LABELS, Kind.MOBILE} or value in EMPTY_VALUES:
            continue
        if name not in stored:
            yield Change(name, "not returned")
        elif isinstance(value, date):
            if str(stored[name])[:_DAY_LENGTH] != value.isoformat():
                yield Change(name, "another day")
        elif isinstance(value, str) and stored[name] != value:
            yield _difference(name, value, stored[name])


def grouped(changes: Iterable[Change]) -> list[str]:
    """Return changes by what they are, with the names of the fields."""
    names: dict[str, list[str]] = {}
    for change in changes:
        names.setdefault(change.text, []).append(change.name)
    return [f"{text}: {', '.join(fields)}" for text, fields in names.items()]


def _difference(name: str, sent: str, stored: object) -> Change:
    if not isinstance(stored, str):
        return Change(name, "null" if stored is None else "no text")
    key, stored_key = comparison_key(sent), comparison_key(stored)
    if stored_key != key and stored_key and key.startswith(stored_key):
        return Change(name, f"cut from {len(sent)} to {len(stored)}", is_cut=True)
    if stored_key.casefold() != key.casefold():
        return Change(name, "another text")
    lost = _HALF_SPACE in sent and _HALF_SPACE not in stored
    return Change(name, "no half-spaces" if lost else "other letters or spaces")


def time_zone(stored: Mapping[str, Any]) -> timedelta | None:
    """Return the portal's time minus UTC, by a contact that it has just stored; None if unknown."""
    try:
        told = datetime.fromisoformat(str(stored.get("UpdateDateTime")))
    except ValueError:
        return None
    now = datetime.now(UTC)
    offset = told - now if told.tzinfo else told.replace(tzinfo=UTC) - now
    return round(offset / _QUARTER) * _QUARTER


def zone_name(offset: timedelta | None) -> str:
    """Return an offset from UTC as hours and minutes."""
    if offset is None:
        return "no time"
    sign, minutes = "-" if offset < timedelta(0) else "+", abs(offset) // timedelta(minutes=1)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"


def number_shape(stored: Mapping[str, Any]) -> str:
    """Return how a stored number is written: its type, and what stands before ten digits."""
    number = stored.get(MOBILE)
    kind = "text" if isinstance(number, str) else "number"
    return f"{MOBILE}: {kind} {str(number)[:-10]}9..."
