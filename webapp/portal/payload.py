"""The body of ContactCreate."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from webapp.contact import FIELDS

if TYPE_CHECKING:
    from webapp.contact import Contact, Value


def payload(contact: Contact) -> list[tuple[str, str]]:
    """Return the body of ContactCreate: every key of the table, an empty value where none is."""
    pairs = [("ContactGroupID", "0")]  # switched off by the portal; it groups by Labels
    for name in FIELDS:
        value = contact[name]
        texts = value or ("",) if isinstance(value, tuple) else (_text(value),)
        pairs.extend((name, text) for text in texts)
    return pairs


def _text(value: Value) -> str:
    """Write one value as the portal's samples do."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value or "")
