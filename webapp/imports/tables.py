"""An import as the database stores it: the tables of imports and of their rows."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
)

from webapp.contact import EMPTY, EMPTY_VALUES, FIELDS, MOBILE, NAMES, Contact
from webapp.database.encryption import HASH_LENGTH, KEY_ID_LENGTH, Encryption, UnreadableText
from webapp.database.engine import metadata
from webapp.outbox.rows import contact_columns, load_contact


class ImportState(enum.StrEnum):
    """The state of an import."""

    STORING = "storing"  # its rows are being written; nobody sees it
    DRAFT = "draft"  # an operator looks at the preview
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # a draft that nobody sent; its rows are being deleted


class DuplicateRows(enum.StrEnum):
    """Which of several rows with one mobile number are sent."""

    FIRST = "first"
    LAST = "last"
    ALL = "all"


class DuplicatePosition(enum.StrEnum):
    """The place of a row among those with its mobile number."""

    NONE = ""  # a wrong row has no number
    ONLY = "only"
    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"


class Known(enum.StrEnum):
    """Where the mobile number of a row is known from."""

    UNCHECKED = ""  # nobody has asked the phonebook yet
    NEW = "new"
    OUTBOX = "outbox"  # a submission with it waits
    IMPORTED = "imported"  # an earlier import of the same form has sent it
    PHONEBOOK = "phonebook"


UNKNOWN: Final = (Known.UNCHECKED, Known.NEW)


class KnownRows(enum.StrEnum):
    """What becomes of the rows whose number is known."""

    SKIP = "skip"
    SEND = "send"


class Search(enum.StrEnum):
    """How far the search for a draft's numbers in the phonebook is."""

    NONE = ""  # the form does not ask about known numbers
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"  # the token may not search


# The places of the rows that are sent.
SENT_PLACES: Final = {
    DuplicateRows.FIRST: (DuplicatePosition.ONLY, DuplicatePosition.FIRST),
    DuplicateRows.LAST: (DuplicatePosition.ONLY, DuplicatePosition.LAST),
    DuplicateRows.ALL: (
        DuplicatePosition.ONLY,
        DuplicatePosition.FIRST,
        DuplicatePosition.MIDDLE,
        DuplicatePosition.LAST,
    ),
}

HIDDEN: Final = (ImportState.STORING, ImportState.EXPIRED)
BEGUN: Final = (ImportState.RUNNING, ImportState.PAUSED)
ENDED: Final = (ImportState.DONE, ImportState.CANCELLED)

REFERENCE_LENGTH: Final = 8

imports: Final = Table(
    "imports",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("reference", String(REFERENCE_LENGTH), nullable=False, unique=True),
    Column("form", String(40), nullable=False),
    Column("operator", Text),
    Column("state", String(16), nullable=False),
    # Ciphertext, with the digest: with that, numbers can be tried until one gives a row's key.
    Column("reading", Text, nullable=False),
    Column("encrypted_with", String(KEY_ID_LENGTH), nullable=False),
    Column("twice", String(8), nullable=False),
    Column("ready_rows", Integer, nullable=False),
    Column("wrong_rows", Integer, nullable=False),
    Column("twice_rows", Integer, nullable=False),
    Column("left_rows", Integer, nullable=False),
    Column("known_rows", Integer, nullable=False),
    Column("last_enqueued_row", Integer, nullable=False),
    Column("backlog", Integer, nullable=False),
    # The database may be an old copy: its rows are looked up before they are sent.
    Column("uncertain", Boolean, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("next_at", DateTime, nullable=False),
    Column("known", String(8), nullable=False, server_default=KnownRows.SKIP),
    Column("search", String(16), nullable=False, server_default=Search.NONE),
    # The keyed hash of the file's digest: the same file is found again.
    Column("file_hash", String(HASH_LENGTH)),
    Index("imports_state", "state"),
)

# The rows that were not fed into the outbox: personal data, deleted as soon as they are not needed.
# Cells, contact and faults are ciphertext; a contact opens in the outbox as well.
import_rows: Final = Table(
    "import_rows",
    metadata,
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False),
    Column("cells", Text, nullable=False),
    Column("contact", Text),
    Column("faults", Text),
    Column("encrypted_with", String(KEY_ID_LENGTH), nullable=False),
    Column("mobile_hash", String(HASH_LENGTH)),
    Column("place", String(8), nullable=False),
    Column("known", String(16), nullable=False, server_default=Known.UNCHECKED),
    Column("differences", Text),  # ciphertext
    Column("field_hashes", Text),
)


# The files of drafts, as ciphertext, so that another sheet of them can be read.
import_files: Final = Table(
    "import_files",
    metadata,
    Column("reference", String(REFERENCE_LENGTH), primary_key=True),
    Column("content", Text, nullable=False),
    Column("encrypted_with", String(KEY_ID_LENGTH), nullable=False),
)

_LISTS: Final = ("header", "columns", "month_first", "day_first", "unproven", "sheets")
WHOLE_NAME: Final = "+".join(NAMES)  # a column's field: its cells are divided


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """How a file is read.

    Attributes:
        file: The name of the file, where a browser sent one.
        header: The texts of its first row.
        columns: The API name of the field of each column; "" for a column that is left out.
        shared: What was typed for all rows, by API name.
        epoch_1904: Whether its dates count from 1904.
        month_first: The columns whose dates are month, day and year.
        day_first: Those whose dates are day, month and year because the operator says so.
        unproven: Those whose dates may be either.
        chosen: Who chose the columns: "" a guess, "now" the operator, "before" for a former file.
        notes: How many rows were left out, as totals and notes are no contacts.
        sheet: The sheet that was read, in a workbook; after `ALIKE`, all like it were.
        sheets: All its sheets that could be read.
        alike: How many of them have this header.
        header_row: The number of the header; 0 if there is none.
        first: Number and beginning of the first rows, of which one may be the header.
    """

    header: tuple[str, ...]
    columns: tuple[str, ...]
    shared: Mapping[str, str]
    file: str = ""
    epoch_1904: bool = False
    month_first: tuple[int, ...] = ()
    day_first: tuple[int, ...] = ()
    unproven: tuple[int, ...] = ()
    chosen: str = ""
    notes: int = 0
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    alike: int = 1
    header_row: int = 1
    first: tuple[tuple[int, str], ...] = ()

    def columns_in_table(
        self, digest: str, reference: str, encryption: Encryption
    ) -> dict[str, str]:
        """Return the columns that store it, with the digest of the file.

        Args:
            digest: The SHA-256 of the file.
            reference: Of the import.
            encryption: Encrypts them.
        """
        text = json.dumps({"digest": digest, **dataclasses.asdict(self)}, ensure_ascii=False)
        return {
            "reading": encryption.encrypt(text, f"reading {reference}"),
            "encrypted_with": encryption.key_ids[0],
        }

    @classmethod
    def from_row(cls, row: RowMapping, encryption: Encryption) -> tuple[Self, str]:
        """Return the reading of an import and its file's digest, both empty if it is unreadable."""
        try:
            context = f"reading {row['reference']}"
            text = encryption.decrypt(row["reading"], row["encrypted_with"], context)
        except UnreadableText:
            return cls(header=(), columns=(), shared={}), ""
        values: dict[str, Any] = json.loads(text)
        digest = values.pop("digest")
        lists = {name: tuple(values.get(name, ())) for name in _LISTS}  # JSON has no tuples
        first = tuple((number, text) for number, text in values.get("first", ()))
        return cls(**{**values, **lists, "first": first}), digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import.

    Attributes:
        id: The primary key, and the `batch` of its submissions in the outbox.
        reference: Its short name in addresses.
        form: The slug of its form.
        operator: The operator's login name, where operators log in.
        digest: The SHA-256 of the file, in hexadecimal digits.
        state: Its state.
        reading: How the file is read.
        twice: Which rows with one number are sent.
        ready_rows: The number of rows with a new number that are sent, if one of each number is.
        wrong_rows: The number of rows with an error.
        twice_rows: Of a draft, the number of further rows with the new number of another one;
            later, of those that are not sent because another row has their number.
        left_rows: The number of rows that are not fed into the outbox yet.
        known_rows: Of a draft, the number of rows whose number is known; later, of those that are
            not sent for it.
        last_enqueued_row: The number of the last row in the outbox.
        backlog: How many rows waited in the outbox after the last were fed.
        uncertain: Whether the portal may have rows that are not fed yet.
        created_at: When the file was brought, in UTC.
        next_at: When the next rows may be fed, or searched for, in UTC.
        known: What becomes of the rows whose number is known.
        search: How far the search for their numbers in the phonebook is.
    """

    id: int
    reference: str
    form: str
    operator: str | None
    digest: str
    state: ImportState
    reading: ColumnMapping
    twice: DuplicateRows
    ready_rows: int
    wrong_rows: int
    twice_rows: int
    left_rows: int
    known_rows: int
    last_enqueued_row: int
    backlog: int
    uncertain: bool
    created_at: datetime
    next_at: datetime
    known: KnownRows
    search: Search

    @classmethod
    def from_row(cls, row: RowMapping, encryption: Encryption) -> Self:
        """Return the import of a row."""
        names = {field.name for field in dataclasses.fields(cls)} - {"digest"}
        values = {name: row[name] for name in names}
        values["state"] = ImportState(row["state"])
        values["reading"], values["digest"] = ColumnMapping.from_row(row, encryption)
        values["twice"] = DuplicateRows(row["twice"])
        values["known"], values["search"] = KnownRows(row["known"]), Search(row["search"])
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A row of a file, as it was read.

    Attributes:
        number: Its number in the file.
        key: The key of its submission.
        cells: Its texts.
        contact: Its contact, as JSON; None if it is wrong.
        faults: What is wrong: for each fault the column, the cell, the field and the message.
        place: Its place among the rows with its mobile number.
        known: Where its mobile number is known from.
        differences: What differs there: for each field the API name, and the text that it has
            there, or None if that is not known any more.
    """

    number: int
    key: str
    cells: tuple[str, ...]
    contact: str | None
    faults: tuple[tuple[int | None, str, str, str], ...] = ()
    place: DuplicatePosition = DuplicatePosition.NONE
    known: Known = Known.UNCHECKED
    differences: tuple[tuple[str, str | None], ...] = ()

    def values(self, import_id: int, encryption: Encryption) -> dict[str, object]:
        """Return the values of its columns in the table."""
        texts = {
            "cells": self.cells,
            "faults": self.faults or None,
            "differences": self.differences or None,
        }
        sealed = {
            name: encryption.encrypt(json.dumps(value), f"{name} {self.key}")
            for name, value in texts.items()
            if value is not None
        }
        contact: dict[str, object] = dict.fromkeys(
            ("contact", "mobile_hash", "faults", "differences", "field_hashes")
        )
        if found := load_contact(self.contact):
            contact |= contact_columns(encryption, found, self.key)
            contact["field_hashes"] = json.dumps(field_hashes(encryption, found))
        return {
            "import_id": import_id,
            "number": self.number,
            "key": self.key,
            "encrypted_with": encryption.key_ids[0],
            "place": self.place,
            "known": self.known,
            **contact,
            **sealed,
        }

    @classmethod
    def from_row(cls, row: RowMapping, encryption: Encryption) -> Self:
        """Return the row of the file that this row of the table holds.

        Raises:
            UnreadableText: if it cannot be decrypted.
        """
        texts = {
            name: encryption.decrypt(row[name], row["encrypted_with"], f"{name} {row['key']}")
            for name in ("cells", "contact", "faults", "differences")
            if row[name]
        }
        faults = json.loads(texts.get("faults", "[]"))
        return cls(
            number=row["number"],
            key=row["key"],
            cells=tuple(json.loads(texts["cells"])),
            contact=texts.get("contact"),
            faults=tuple((one[0], one[1], one[2], one[3]) for one in faults),
            place=DuplicatePosition(row["place"]),
            known=Known(row["known"]),
            differences=tuple((it[0], it[1]) for it in json.loads(texts.get("differences", "[]"))),
        )


FIELD_HASH_LENGTH: Final = 8  # hexadecimal digits: enough to tell a changed value


def field_hashes(encryption: Encryption, contact: Contact) -> dict[str, str]:
    """Return a short keyed hash of each value that is not empty, bound to the number."""
    texts = bound_texts(contact).items()
    return {name: encryption.hash(text)[:FIELD_HASH_LENGTH] for name, text in texts}


def bound_texts(contact: Contact) -> dict[str, str]:
    """Return the text of each value that is not empty, bound to the number, for its hash."""
    return {
        name: f"{contact[MOBILE]} {name} {value}"
        for name, value in contact.values.items()
        if name != MOBILE and value not in (*EMPTY_VALUES, EMPTY[FIELDS[name].kind])
    }
