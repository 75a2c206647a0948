"""A submission as the outbox keeps it: the table, a row of it, and how both name a contact."""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text
from sqlalchemy import DateTime as Moment

from webapp.contact import FIELDS, Contact, Kind
from webapp.delivery.database import metadata

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping

_REFERENCE_BYTES: Final = 5  # eight characters of base32: short enough to read out on the phone
_KEY: Final = 64  # hexadecimal digits of SHA-256


class State(enum.StrEnum):
    """Where a submission is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    HELD = "held"


# Why an operator should look at a submission first.
HONEYPOT: Final = "honeypot"
UNPROVEN: Final = "proof"
SUSPECT_STATUSES: Final = (HONEYPOT, UNPROVEN)

WAITING: Final = (State.QUEUED, State.SENDING)
NEEDS_ATTENTION: Final = (State.REJECTED, State.HELD)

table: Final = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("key", String(_KEY), nullable=False, unique=True),
    Column("form", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("status", String(64), nullable=False),
    Column("contact", Text),
    Column("owner", String(32)),
    # When something is to be done about it: queued: sent; sending: taken from a dead owner;
    # all others: forgotten.
    Column("due", Moment, nullable=False),
    Column("give_up_at", Moment, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unexplained", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("portal_id", BigInteger),
    Column("created_at", Moment, nullable=False),
    Column("operator", Text),
    Index("outbox_due", "state", "due"),
    Index("outbox_portal_id", "portal_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A row of the outbox.

    Attributes:
        id: Its number, in the order of arrival; 0 if it was not read from the table.
        key: The submission's key, unique.
        form: The slug of its form.
        state: Where it is on its way.
        status: The last status name of the portal, or why it is doubtful; "" before the first.
        contact: What was submitted, or None once it is erased.
        owner: Who sends it, while it is being sent.
        due: When something is to be done about it, in UTC.
        uncertain: Whether the portal may have it: look before it is sent again.
        blind: Whether it was sent again without looking, because looking was impossible.
        attempts: How often sending it went wrong.
        unexplained: How often the portal gave no reason.
        looks: How often looking went wrong since it was last sent.
        created_at: When it came, in UTC.
        operator: Who submitted it, where operators log in.
        send_by: The monotonic second until which its owner may begin to send it.
    """

    id: int
    key: str
    form: str
    state: State
    status: str
    contact: Contact | None
    owner: str | None
    due: datetime
    uncertain: bool
    blind: bool
    attempts: int
    unexplained: int
    looks: int
    created_at: datetime
    operator: str | None
    send_by: float = 0.0

    @classmethod
    def read(cls, row: RowMapping, *, send_by: float = 0.0) -> Self:
        """Read a row."""
        values = {name: row[name] for name in _READ}
        values["contact"] = _read(row["contact"])
        return cls(**{**values, "state": State(row["state"])}, send_by=send_by)

    @property
    def reference(self) -> str:
        """Its short name, as the person saw it."""
        return reference(self.key)


_READ: Final = tuple(
    field.name for field in dataclasses.fields(Submission) if field.name != "send_by"
)
COLUMNS: Final = tuple(table.c[name] for name in _READ)


def reference(key: str) -> str:
    """Shorten a submission's key to what a person can read out, such as `K7QF3M2X`."""
    return base64.b32encode(bytes.fromhex(key)[:_REFERENCE_BYTES]).decode()


def by_reference(name: str) -> list[ColumnElement[bool]] | None:
    """Return what picks the entry of this reference out; None if it is no reference."""
    try:
        start = base64.b32decode(name, casefold=True).hex()
    except ValueError:
        return None
    if len(start) != 2 * _REFERENCE_BYTES:
        return None
    return [table.c.key.between(start.ljust(_KEY, "0"), start.ljust(_KEY, "f"))]


def write(contact: Contact) -> str:
    """Write a contact as a row holds it; its entry reads it."""
    return json.dumps(dict(contact.values), default=date.isoformat)


def _read(text: str | None) -> Contact | None:
    if text is None:
        return None
    values = json.loads(text)
    for name, value in values.items():
        if FIELDS[name].kind is Kind.DATE and value:
            values[name] = date.fromisoformat(value)
        if FIELDS[name].kind is Kind.LABELS:
            values[name] = tuple(value)
    return Contact(**values)
