"""Compares stored contacts with what was sent, and reads them for operators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from webapp.contact import EMPTY_VALUES, FIELDS, MOBILE, NAMES, Contact, FieldKind, Value
from webapp.persian import comparison_key
from webapp.portal import KnownContact
from webapp.portal.answers import contact_id, is_same_number

_DAY_LENGTH: Final = 10  # characters of a date; the portal adds a time
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def find_matches(
    contact: Contact, stored: Iterable[Mapping[str, Any]], *, since: datetime
) -> list[int | None]:
    """Return the IDs of the stored contacts with the values that we sent; None for a missing ID.

    A field that was sent empty is not compared: the portal may store anything for it, such as
    `false` for no gender. All other values must be equal, apart from spelling. Labels are not
    compared, because the portal does not return them.

    Args:
        contact: What was sent.
        stored: The contacts with its mobile number, as ContactSearch returns them. A missing value
            is not compared.
        since: When it was submitted, in UTC. A contact that the portal changed last before that is
            an older one of the same person.
    """
    # A day earlier: the portal's clock may differ, and be in another time zone.
    first = (since - timedelta(days=1)).date().isoformat()
    return [
        contact_id(record)
        for record in stored
        if _is_same(contact, record) and _changed(record, first) >= first
    ]


def describe(stored: Iterable[Mapping[str, Any]], *, mobile: str) -> Iterator[KnownContact]:
    """Yield what an operator is told of stored contacts, without those in the portal's bin.

    Args:
        stored: The contacts, as ContactSearch returns them.
        mobile: The number that was searched for. A contact with another one is not to be changed.
    """
    for record in stored:
        if record.get("Deleted"):
            continue
        day = _changed(record, "")
        yield KnownContact(
            names=[text for name in NAMES if (text := _stored_text(record, name))],
            company=_stored_text(record, "CompanyTitle"),
            city=_stored_text(record, "CityName"),
            changed_on=date.fromisoformat(day) if day else None,
            values={
                name: _stored_value(row.kind, record[name])
                for name, row in FIELDS.items()
                if name in record and row.kind not in _NOT_COMPARED
            },
            id=contact_id(record) if _is_editable(record, mobile) else None,
        )


# The portal returns no labels; the number is the same.
_NOT_COMPARED: Final = (FieldKind.MOBILE, FieldKind.LABELS)
# A contact without a gender may come back without this parameter.
_OMISSIBLE: Final = (FieldKind.LABELS, FieldKind.GENDER)


def _is_editable(record: Mapping[str, Any], mobile: str) -> bool:
    """Return whether a record has this number, and all that ContactEdit overwrites."""
    needed = {name for name, row in FIELDS.items() if row.kind not in _OMISSIBLE}
    has_state = all(
        isinstance(record.get(name), bool)
        for name, row in FIELDS.items()
        if row.kind is FieldKind.ACTIVE
    )
    return needed <= record.keys() and has_state and is_same_number(mobile, record[MOBILE])


def _stored_value(kind: FieldKind, stored: object) -> Value:
    """Return a stored value as a contact has it; None if it is empty or cannot be read."""
    if kind in (FieldKind.GENDER, FieldKind.ACTIVE):
        return stored if isinstance(stored, bool) else None
    if not isinstance(stored, str):
        return None
    if kind is not FieldKind.DATE:
        return stored.strip()
    try:
        return date.fromisoformat(stored[:_DAY_LENGTH])
    except ValueError:
        return None


def _stored_text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _changed(record: Mapping[str, Any], unknown: str) -> str:
    """Return the day on which the portal changed a contact last, in ISO 8601."""
    changed_at = record.get("UpdateDateTime")
    is_day = isinstance(changed_at, str) and _DATE.match(changed_at)
    return changed_at[:_DAY_LENGTH] if is_day and isinstance(changed_at, str) else unknown


def _is_same(contact: Contact, record: Mapping[str, Any]) -> bool:
    has_identity = all(row.name in record for row in FIELDS.values() if row.identifies)
    if record.get("Deleted") or not has_identity:
        return False
    return all(
        _is_same_value(row.kind, contact[name], record[name])
        for name, row in FIELDS.items()
        if name in record and contact[name] not in EMPTY_VALUES
    )


def _is_same_value(kind: FieldKind, sent: Any, stored: object) -> bool:  # noqa: ANN401  a Value
    """Return whether a stored value equals the one sent, which is not empty."""
    if kind is FieldKind.LABELS:
        return True
    if isinstance(sent, bool):
        return isinstance(stored, str | bool) and str(stored).casefold() == str(sent).casefold()
    if not isinstance(stored, str | int) or isinstance(stored, bool):
        return False
    if kind is FieldKind.MOBILE:
        return is_same_number(sent, stored)
    if kind is FieldKind.DATE:
        return _is_same_day(sent, str(stored))
    texts = {comparison_key(str(text)) for text in (sent, stored)}
    return len({text.casefold() for text in texts} if kind is FieldKind.EMAIL else texts) == 1


def _is_same_day(sent: date, stored: str) -> bool:
    """Return whether a stored date is this one, or the day before or after in another zone."""
    try:
        day = date.fromisoformat(comparison_key(stored)[:_DAY_LENGTH])
    except ValueError:
        return False
    return abs(day - sent) <= timedelta(days=1)
