"""The body of ContactCreate."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from webapp.contact import FIELDS

if TYPE_CHECKING:
    from webapp.contact import Contact, Value


def payload(contact: Contact) -> list[tuple[str, str]]:
    """Return the fields of ContactCreate: every row of the table, with empty values as well."""
    pairs = [("ContactGroupID", "0")]  # disabled by the portal, which groups by Labels
    for name in FIELDS:
        value = contact[name]
        texts = value or ("",) if isinstance(value, tuple) else (_text(value),)
        pairs.extend((name, text) for text in texts)
    return pairs


def _text(value: Value) -> str:
    """Return a value as the portal's samples write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value or "")
