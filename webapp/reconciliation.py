"""Whether the portal has a contact after all, by the values that we sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from webapp.contact import FIELDS, Kind
from webapp.portal import contact_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from webapp.contact import Contact, Value

_DAY: Final = 10  # characters of a date; the portal adds a time
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Without these an answer shows too little to recognise anybody by.
_NEEDED: Final = ("FName", "LName")


def find(
    contact: Contact, stored: Iterable[Mapping[str, Any]], *, since: datetime
) -> list[int | None]:
    """Return the IDs of the stored contacts that have the values we sent, None where one has none.

    Args:
        contact: What was sent.
        stored: The contacts with its mobile number, as ContactSearch returns them. It does not
            return labels, nor every field; what it leaves out is not compared.
        since: When it was submitted, in UTC. What the portal last changed long before is another
            entry of the same person, perhaps with other labels.
    """
    # Its clock is not ours, and may be of any time zone.
    first = (since - timedelta(days=1)).date().isoformat()
    return [
        contact_id(record)
        for record in stored
        if _is_same(contact, record) and _changed(record, first) >= first
    ]


def _changed(record: Mapping[str, Any], unknown: str) -> str:
    """Return the day on which the portal last changed a contact."""
    moment = record.get("UpdateDateTime")
    is_day = isinstance(moment, str) and _DATE.match(moment)
    return moment[:_DAY] if is_day and isinstance(moment, str) else unknown


def _is_same(contact: Contact, record: Mapping[str, Any]) -> bool:
    if record.get("Deleted") or not all(name in record for name in _NEEDED):
        return False
    return all(
        _sent(contact[name]) == _stored(record[name], row.kind)
        for name, row in FIELDS.items()
        if name in record and row.kind not in (Kind.MOBILE, Kind.LABELS)
    )


def _sent(value: Value) -> object:
    if value is None or value == "":
        return None
    return value if isinstance(value, bool | str) else str(value)


def _stored(value: object, kind: Kind) -> object:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        # A text area's lines may come back with either ending.
        return value[:_DAY] if kind is Kind.DATE else value.replace("\r\n", "\n")
    return value
