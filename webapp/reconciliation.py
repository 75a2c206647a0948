"""Whether the portal has a contact after all, by the values that we sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from webapp.contact import FIELDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from webapp.contact import Contact, Value

_DAY: Final = 10  # characters of a date; the portal adds a time

# Without these an answer shows too little to recognise anybody by.
_NEEDED: Final = ("FName", "LName")


def find(contact: Contact, stored: Iterable[Mapping[str, Any]]) -> list[int | None]:
    """Return the IDs of the stored contacts that have the values we sent, None where one has none.

    Args:
        contact: What was sent.
        stored: The contacts with its mobile number, as ContactSearch returns them. It does not
            return labels, nor every field; what it leaves out is not compared.
    """
    return [_id(record) for record in stored if _is_same(contact, record)]


def _is_same(contact: Contact, record: Mapping[str, Any]) -> bool:
    if record.get("Deleted") or not all(name in record for name in _NEEDED):
        return False
    return all(
        _sent(contact[name]) == _stored(record[name], row.kind)
        for name, row in FIELDS.items()
        if name in record and row.kind not in (Kind.MOBILE, Kind.LABELS)
    )


def _id(record: Mapping[str, Any]) -> int | None:
    number = record.get("ID")
    return number if isinstance(number, int) and not isinstance(number, bool) else None


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
