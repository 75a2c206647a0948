"""A submission as the outbox stores it: the table, a row of it, and its reference."""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    false,
    or_,
    select,
    update,
)
from sqlalchemy import DateTime as SqlDateTime

from webapp.contact import FIELDS, MOBILE, Contact, FieldKind
from webapp.database.encryption import HASH_LENGTH, KEY_ID_LENGTH, Encryption, UnreadableText
from webapp.database.engine import metadata
from webapp.database.sqlite import from_batch
from webapp.persian import fold_digits

MAX_RETRY_AGE: Final = timedelta(days=3)  # of failing attempts; then the submission is held
UNVERIFIED_LIFETIME: Final = timedelta(hours=1)  # of contacts whose number nobody has verified
RETENTION: Final = timedelta(days=30)  # of contacts that need attention, and of delivered keys

MAX_SOURCE_LENGTH: Final = 40  # code points

_REFERENCE_BYTES: Final = 5  # eight characters of base32: short enough to read out on the phone
# I and O look like 1 and 0. Base32 has neither 8 nor 9, which stand in their place.
_TO_READABLE: Final = str.maketrans("IO", "89")
_FROM_READABLE: Final = str.maketrans("89", "IO")
_KEY_LENGTH: Final = 64  # hexadecimal digits of SHA-256


class State(enum.StrEnum):
    """The state of a submission."""

    UNVERIFIED = "unverified"
    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    HELD = "held"


# Statuses of submissions that an operator should review before they are sent.
HONEYPOT: Final = "honeypot"
UNPROVEN: Final = "proof"
SUSPECT_STATUSES: Final = (HONEYPOT, UNPROVEN)
# No code could be sent to its number. Our own status, named like the portal's.
NUMBER_UNVERIFIED: Final = "NumberNotVerified"
# It was sent a second time; neither the answers nor the portal's search show whether it arrived.
PERHAPS_RECORDED: Final = "PerhapsRecorded"
# What only an operator's decision about this one submission sends.
REVIEW_STATUSES: Final = (*SUSPECT_STATUSES, NUMBER_UNVERIFIED, PERHAPS_RECORDED)

# An unverified submission is none of these: nobody but its sender knows of it.
WAITING: Final = (State.QUEUED, State.SENDING)
NEEDS_ATTENTION: Final = (State.REJECTED, State.HELD)

RESET_COUNTERS: Final[Mapping[str, object]] = MappingProxyType(
    {"resent_without_lookup": False, "attempts": 0, "unexplained": 0, "failed_lookups": 0}
)
INITIAL_VALUES: Final[Mapping[str, object]] = MappingProxyType(
    {"uncertain": False, **RESET_COUNTERS}
)
# The columns of a contact, when it is erased.
ERASED: Final[Mapping[str, None]] = MappingProxyType(
    dict.fromkeys(("contact", "encrypted_with", "mobile_hash"))
)

table: Final = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("key", String(_KEY_LENGTH), nullable=False, unique=True),
    Column("form", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("status", String(64), nullable=False),
    Column("contact", Text),
    # The id of the key of that ciphertext, and of the hash of the contact's mobile number.
    Column("encrypted_with", String(KEY_ID_LENGTH)),
    Column("mobile_hash", String(HASH_LENGTH)),
    Column("owner", String(32)),
    # When a queued row is sent, the lease of a sending row expires, any other row is purged.
    Column("due", SqlDateTime, nullable=False),
    Column("give_up_at", SqlDateTime, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("resent_without_lookup", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unexplained", Integer, nullable=False),
    Column("failed_lookups", Integer, nullable=False),
    # When it was first and last sent without a clear answer.
    Column("first_sent_at", SqlDateTime),
    Column("last_sent_at", SqlDateTime),
    Column("portal_id", BigInteger),
    Column("created_at", SqlDateTime, nullable=False),
    Column("operator", Text),
    # Where the visitor came from, as the address of the form's page said; "" if it did not.
    Column("source", String(MAX_SOURCE_LENGTH), nullable=False, server_default=""),
    # Whether `statistics` has added it to the daily counts: then it never changes any more.
    Column("counted", Boolean, nullable=False, server_default=false()),
    # The import that it belongs to, if any.
    Column("batch", BigInteger),
    # Of a row of an import: keyed hashes of its number and its values. They stay when the contact
    # is erased, so that the same numbers in another file are found.
    Column("number_hash", String(HASH_LENGTH)),
    Column("field_hashes", Text),
    # None as well if a former version has delivered it.
    Column("delivered_at", SqlDateTime),
    # When an operator discarded it; None as well if they did in a former version.
    Column("discarded_at", SqlDateTime),
    # A process of 1.0.0 that still runs stores no plain text.
    CheckConstraint("(contact IS NULL) = (encrypted_with IS NULL)", name="outbox_encrypted"),
    Index("outbox_due", "state", "due"),
    Index("outbox_portal_id", "portal_id"),
)
is_uncounted: Final = table.c.counted.is_(False)
# It begins with a column that is always false in it: else SQLite would read each row to make sure.
Index(
    "outbox_uncounted",
    *(table.c.counted, table.c.state, table.c.form, table.c.created_at),
    sqlite_where=is_uncounted,
    postgresql_where=is_uncounted,
)
_is_encrypted: Final = table.c.encrypted_with.is_not(None)
Index(
    "outbox_mobile_hash",
    *(table.c.encrypted_with, table.c.mobile_hash),
    sqlite_where=_is_encrypted,
    postgresql_where=_is_encrypted,
)
_has_batch: Final = table.c.batch.is_not(None)
Index(
    "outbox_batch",
    *(table.c.batch, table.c.state),
    sqlite_where=_has_batch,
    postgresql_where=_has_batch,
)
_is_imported: Final = table.c.number_hash.is_not(None)
Index(
    "outbox_number_hash",
    table.c.number_hash,
    sqlite_where=_is_imported,
    postgresql_where=_is_imported,
)


class NoRoom(Exception):
    """A submission is not stored: its form has no place left."""


# Called in the transaction that has just stored a submission, which a `NoRoom` rolls back.
Guard = Callable[[Connection], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """The submitter, as a row stores it.

    Attributes:
        operator: An operator's login name, where operators log in.
        source: Where a visitor came from, for statistics; "" if that is not known.
        replaces: The key of their submission whose place this one takes, or ""; not stored.
    """

    operator: str | None = None
    source: str = ""
    replaces: str = ""


ANONYMOUS: Final = Submitter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A row of the outbox.

    Attributes:
        id: The primary key, in the order of arrival; 0 if the row was not read from the table.
        key: The submission's unique key.
        form: The slug of its form.
        state: Its state.
        status: The portal's last status name, or why it is suspect; "" before the first attempt.
        contact: What was submitted; None once it is erased, or if it cannot be decrypted.
        owner: The name of its sender (`new_owner`), while it is being sent.
        due: When the next step is due, in UTC.
        uncertain: Whether the portal may have the contact: look it up before sending again.
        resent_without_lookup: Whether it was sent again without a lookup, because lookups fail.
        attempts: The number of failed attempts.
        unexplained: The number of answers that gave no reason, or could not be read.
        failed_lookups: The number of failed lookups since it was last sent.
        created_at: When it was submitted, in UTC.
        operator: The operator's login name, where operators log in.
        source: Where the visitor came from, for statistics; "" if that is not known.
        first_sent_at: When it was first sent without a clear answer, in UTC; None if it never was.
        last_sent_at: When that happened last, in UTC.
        send_by: The monotonic time (s) after which its owner must not start to send.
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
    resent_without_lookup: bool
    attempts: int
    unexplained: int
    failed_lookups: int
    created_at: datetime
    operator: str | None
    source: str = ""
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    send_by: float = 0.0

    @classmethod
    def from_row(cls, row: RowMapping, encryption: Encryption, *, send_by: float = 0.0) -> Self:
        """Return the submission of a row with `COLUMNS`."""
        values = {name: row[name] for name in _COLUMN_NAMES}
        if row["contact"] is not None:
            key_id, context = row["encrypted_with"], f"contact {row['key']}"
            try:
                values["contact"] = load_contact(
                    encryption.decrypt(row["contact"], key_id, context)
                )
            except UnreadableText:
                values["contact"] = None
        return cls(**{**values, "state": State(row["state"])}, send_by=send_by)

    @property
    def reference(self) -> str:
        """Its short name, which the person was shown."""
        return reference(self.key)


def load_submissions(rows: Iterable[RowMapping], encryption: Encryption) -> list[Submission]:
    """Return the submissions of rows with `COLUMNS`, without those whose contact is damaged."""
    return [it for row in rows if (it := Submission.from_row(row, encryption)).contact]


_COLUMN_NAMES: Final = tuple(
    field.name for field in dataclasses.fields(Submission) if field.name != "send_by"
)
COLUMNS: Final = (*(table.c[name] for name in _COLUMN_NAMES), table.c.encrypted_with)


def new_owner() -> str:
    """Return a new name for an owner of submissions."""
    return secrets.token_hex(8)


def reference(key: str) -> str:
    """Shorten a submission's key to what a person can read out, such as `K7QF3M2X`."""
    encoded = base64.b32encode(bytes.fromhex(key)[:_REFERENCE_BYTES]).decode()
    return encoded.translate(_TO_READABLE)


def by_reference(name: str) -> ColumnElement[bool] | None:
    """Return the condition for the row of this reference; None if it is not a reference.

    It may be spelled as a person types it, in two groups and with any digits, or with I and O as
    former versions wrote it.
    """
    typed = "".join(fold_digits(name).split()).translate(_FROM_READABLE)
    try:
        prefix = base64.b32decode(typed, casefold=True).hex()
    except ValueError:
        return None
    if len(prefix) != 2 * _REFERENCE_BYTES:
        return None
    return table.c.key.between(prefix.ljust(_KEY_LENGTH, "0"), prefix.ljust(_KEY_LENGTH, "f"))


def delete_replaced(key: str) -> Delete:
    """Return the DELETE of a submission that another one replaces, while `waits_for_code`."""
    in_honeypot = and_(table.c.state == State.HELD, table.c.status == HONEYPOT)
    waits = or_(table.c.state == State.UNVERIFIED, in_honeypot)
    return delete(table).where(table.c.key == key, waits)


def contact_columns(encryption: Encryption, contact: Contact, key: str) -> dict[str, str]:
    """Return the columns that store a contact, of the outbox and of imports."""
    return {
        "contact": encryption.encrypt(dump_contact(contact), f"contact {key}"),
        "encrypted_with": encryption.key_ids[0],
        "mobile_hash": encryption.hash(str(contact[MOBILE])),
    }


def dump_contact(contact: Contact) -> str:
    """Return a contact as JSON."""
    # Escaped, Persian letters would take three times as long to store, decrypt and parse.
    return json.dumps(dict(contact.values), default=date.isoformat, ensure_ascii=False)


def load_contact(text: str | None) -> Contact | None:
    """Return the contact that `dump_contact` has written; None for an erased one."""
    if text is None:
        return None
    values = json.loads(text)
    for name, value in values.items():
        if FIELDS[name].kind is FieldKind.DATE and value:
            values[name] = date.fromisoformat(value)
        if FIELDS[name].kind is FieldKind.LABELS:
            values[name] = tuple(value)
    return Contact(**values)


@dataclass(frozen=True, slots=True)
class Timing:
    """The time limits of delivery.

    Attributes:
        deadline: The maximum duration of one call to the portal, headers and body included.
        settle: How long the portal may still apply a call whose response was lost.
    """

    deadline: timedelta
    settle: timedelta

    @property
    def lease(self) -> timedelta:
        """How long an owner keeps a submission: one lookup, one call, and one more as reserve."""
        return 3 * self.deadline

    def send_by(self) -> float:
        """Return the monotonic time (s) after which an owner must not start to send.

        A call that starts by then ends within the lease.
        """
        return time.monotonic() + (self.lease - self.deadline).total_seconds()


# Statements of every submission.

_c: Final = table.c

BATCH_COLUMNS: Final = (
    *("key", "form", "status", "operator", "owner", "source"),
    *("contact", "mobile_hash"),
)

PURGED_COLUMNS: Final = [it for it in _c if it.name != "contact"]

WITH_KEY: Final = select(*COLUMNS).where(_c.key == bindparam("wanted"))
# Only its owner settles a submission.
IS_OWN: Final = (
    _c.key == bindparam("own_key"),
    _c.owner == bindparam("own_owner"),
    _c.state == State.SENDING,
)
OWN: Final = update(table).where(*IS_OWN).values(owner=None).returning(_c.state)
BATCH_DELIVERED: Final = (
    update(table)
    .where(
        _c.key == from_batch("key"),
        _c.owner == from_batch("owner"),
        # An expression keeps SQLite off the index of states, which would compare all rows being
        # sent with each row of the batch.
        _c.state + "" == State.SENDING,
    )
    .values(
        state=State.DELIVERED,
        owner=None,
        **ERASED,
        resent_without_lookup=from_batch("resent_without_lookup"),
        portal_id=from_batch("portal_id"),
        status=from_batch("status"),
    )
)
