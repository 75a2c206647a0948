"""The body of ContactCreate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from webapp.contact import EMPTY_VALUES, FIELDS, Kind

if TYPE_CHECKING:
    from webapp.contact import Contact, Value


@dataclass(frozen=True, slots=True)
class Empty:
    """What is sent for fields without input.

    The portal's reference marks each parameter mandatory, and `GenderType` as a Bool; none of its
    pages says what an empty one means.

    Attributes:
        gender: The value of `GenderType`; "" for an empty one, None to omit it.
        is_sent: Whether other empty fields are sent.
    """

    gender: str | None = ""
    is_sent: bool = True


SENT_EMPTY: Final = Empty()


def payload(contact: Contact, empty: Empty = SENT_EMPTY) -> list[tuple[str, str]]:
    """Return the fields of ContactCreate, in the order of the table.

    Args:
        contact: What is sent.
        empty: What is sent for its empty fields.
    """
    pairs = [("ContactGroupID", "0")]  # disabled by the portal, which groups by Labels
    for name, row in FIELDS.items():
        value = contact[name]
        if value not in EMPTY_VALUES:
            texts = value if isinstance(value, tuple) else (_text(value),)
            pairs.extend((name, text) for text in texts)
        elif row.kind is Kind.GENDER:
            pairs += [] if empty.gender is None else [(name, empty.gender)]
        elif empty.is_sent:
            pairs.append((name, ""))
    return pairs


def _text(value: Value) -> str:
    """Return a value as the portal's samples write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
