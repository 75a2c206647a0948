"""Drafts: a file is read, and its rows are stored with what is known of their numbers."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Final

from webapp.contact import MOBILE, Contact, Value
from webapp.database import DatabaseError
from webapp.forms.definitions import DuplicatePolicy, FormDefinition
from webapp.forms.reading import spelling_key
from webapp.imports import Imports
from webapp.imports.columns import date_orders, guess_columns, known_captions, targets
from webapp.imports.file import Row, Sheet, UnreadableFile, read_file
from webapp.imports.known import Differences, KnownNumber
from webapp.imports.rows import is_note, read_row, read_shared, shared_fields
from webapp.imports.tables import (
    UNKNOWN,
    ColumnMapping,
    DuplicatePosition,
    Import,
    Known,
    Search,
    StoredRow,
)
from webapp.messages import imports as texts
from webapp.outbox.rows import dump_contact, load_contact

# Reading rows takes the interpreter's lock for seconds; people's requests run in the pauses.
_ROWS_BETWEEN_PAUSES: Final = 50
_PAUSE_S: Final = 0.001
_MAX_WAIT_S: Final = 60.0  # for the file of another operator
_NOTHING: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType({})


class DraftReader:
    """Reads files into drafts of one form, one file at a time in each process.

    Each method raises a DatabaseError if the database fails, and ImportGone if storing took too
    long, or what it replaces is no draft any more.
    """

    def __init__(self, imports: Imports, definition: FormDefinition) -> None:
        """Store drafts of this form here."""
        self._imports = imports
        self._definition = definition

    def store_file(self, data: bytes, *, operator: str | None, name: str = "") -> Import:
        """Read a file of this name, and store its rows as a draft.

        Raises:
            UnreadableFile: if it cannot be read, or others are read for too long.
        """
        reading, rows = self._guessed(self._read_sheet(data), name)
        is_searched = self._definition.duplicates is not DuplicatePolicy.IGNORE
        draft = self._imports.create(
            form=self._definition.slug,
            operator=operator,
            digest=hashlib.sha256(data).hexdigest(),
            reading=reading,
            search=Search.RUNNING if is_searched else Search.NONE,
        )
        self._imports.keep_file(draft, data)
        return self._store(draft, rows)

    def read_other_sheet(
        self,
        draft: Import,
        name: str | None,
        header_row: int | None,
        *,
        mended: Mapping[int, tuple[str, ...]] = _NOTHING,
    ) -> Import:
        """Read another sheet of a draft's file, or another header; the columns are guessed anew.

        Below another header of the same sheet, rows that were mended stay so.

        Raises:
            UnreadableFile: as `store_file`, as if there are no rows below this header.
        """
        data = self._imports.kept_file(draft)
        sheet = self._read_sheet(data, name=name, header_row=header_row)
        if sheet.name == draft.reading.sheet:
            former = {row.number: row.cells for row in self._imports.review.all_rows(draft.id)}
            former |= mended
            rows = (replace(row, cells=former.get(row.number, row.cells)) for row in sheet.rows)
            sheet = replace(sheet, rows=tuple(rows))
        return self._replace(draft, *self._guessed(sheet, draft.reading.file))

    def read_again(
        self,
        draft: Import,
        reading: ColumnMapping,
        *,
        mended: Mapping[int, tuple[str, ...]] = _NOTHING,
    ) -> Import:
        """Read the rows of a draft in another way; until that is done, or if it fails, it stays.

        Args:
            draft: The draft.
            reading: How it is read now.
            mended: The new cells of rows, by their numbers.

        Raises:
            InvalidText: if a text for all rows is invalid.
        """
        self._shared_values(reading)
        former = list(self._imports.review.all_rows(draft.id))
        rows = [Row(row.number, mended.get(row.number, row.cells)) for row in former]
        return self._replace(draft, reading, rows, former)

    def _read_sheet(
        self, data: bytes, *, name: str | None = None, header_row: int | None = None
    ) -> Sheet:
        if not self._imports.parse_lock.acquire(timeout=_MAX_WAIT_S):
            raise UnreadableFile(texts.BUSY)
        try:
            captions = known_captions(self._definition)
            return read_file(data, captions, sheet=name, header_row=header_row)
        finally:
            self._imports.parse_lock.release()

    def _guessed(self, sheet: Sheet, file: str) -> tuple[ColumnMapping, list[Row]]:
        """Return how a sheet is read, by a guess, and its rows without totals and notes."""
        guessed = guess_columns(self._definition, sheet)
        columns = self._remembered(sheet) or guessed
        month_first, unproven = date_orders(sheet)
        reading = ColumnMapping(
            header=sheet.header,
            columns=columns,
            shared={},
            file=file,
            epoch_1904=sheet.epoch_1904,
            month_first=month_first,
            unproven=unproven,
            chosen="before" if columns != guessed else "",
            sheet=sheet.name,
            sheets=sheet.others,
            alike=sheet.alike,
            header_row=sheet.header_row,
            first=sheet.first,
        )
        rows = [row for row in sheet.rows if not is_note(reading, row)]
        return replace(reading, notes=len(sheet.rows) - len(rows)), rows

    def _remembered(self, sheet: Sheet) -> tuple[str, ...] | None:
        """Return the columns that an operator chose for the last file with this header and form."""
        if not sheet.header_row:
            return None
        header = [spelling_key(caption) for caption in sheet.header]
        known = targets(self._definition)
        for draft in sorted(self._imports.review.recent(), key=lambda it: it.id, reverse=True):
            reading = draft.reading
            is_chosen = draft.form == self._definition.slug and reading.chosen
            if is_chosen and reading.header_row and [*map(spelling_key, reading.header)] == header:
                return tuple(name if name in known else "" for name in reading.columns)
        return None

    def _replace(
        self,
        draft: Import,
        reading: ColumnMapping,
        rows: Iterable[Row],
        former: Iterable[StoredRow] = (),
    ) -> Import:
        again = self._imports.create(
            form=draft.form,
            operator=draft.operator,
            digest=draft.digest,
            reading=reading,
            search=Search.RUNNING if draft.search is Search.DONE else draft.search,
            replaces=draft,
        )
        opened = self._store(again, rows, replaces=draft, former=former)
        with suppress(DatabaseError):  # the purge deletes them, too
            self._imports.erase_rows(draft.id)
        return opened

    def _store(
        self,
        draft: Import,
        rows: Iterable[Row],
        *,
        replaces: Import | None = None,
        former: Iterable[StoredRow] = (),
    ) -> Import:
        """Read and store the rows of an import, and show it; leave nothing behind if that fails.

        Args:
            draft: The import.
            rows: Its rows.
            replaces: The draft in whose place it is shown.
            former: The rows as they were read before: what was searched is not searched again.
        """
        try:
            stored = self._known_rows(draft, list(self._read_rows(draft, rows)), former)
            self._imports.write_rows(draft.id, stored)
            places = Counter(row.place for row in stored if row.known in UNKNOWN)
            return self._imports.open_draft(
                draft,
                replaces=replaces,
                ready_rows=places[DuplicatePosition.ONLY] + places[DuplicatePosition.FIRST],
                wrong_rows=places[DuplicatePosition.NONE],
                twice_rows=places[DuplicatePosition.MIDDLE] + places[DuplicatePosition.LAST],
                known_rows=len(stored) - places.total(),
            )
        except BaseException:
            with suppress(DatabaseError):
                self._imports.cancel(draft.id)
            raise

    def _read_rows(
        self, draft: Import, rows: Iterable[Row]
    ) -> Iterator[tuple[StoredRow, Contact | None]]:
        """Yield each row with its contact; None for a wrong row."""
        reading = draft.reading
        shared = self._shared_values(reading)
        rest = iter(rows)
        while batch := list(islice(rest, _ROWS_BETWEEN_PAUSES)):
            for row in batch:
                read = read_row(
                    self._definition,
                    reading.columns,
                    row,
                    shared=shared,
                    epoch_1904=reading.epoch_1904,
                    month_first=reading.month_first,
                )
                contact, faults = (read, ()) if isinstance(read, Contact) else (None, read)
                text = dump_contact(contact) if contact else None
                stored = StoredRow(
                    number=row.number,
                    key=_key(draft.reference, row.number, text),
                    cells=row.cells,
                    contact=text,
                    faults=tuple((it.column, it.cell, it.field, it.message) for it in faults),
                )
                yield stored, contact
            time.sleep(_PAUSE_S)

    def _shared_values(self, reading: ColumnMapping) -> dict[str, Value]:
        """Return the values for all rows.

        Raises:
            InvalidText: if a text is invalid.
        """
        return {
            row.name: read_shared(self._definition, row, text)
            for row in shared_fields(self._definition)
            if (text := reading.shared.get(row.name, ""))
        }

    def _known_rows(
        self,
        draft: Import,
        rows: Sequence[tuple[StoredRow, Contact | None]],
        former: Iterable[StoredRow],
    ) -> list[StoredRow]:
        """Return rows with their places, and where their numbers are known from."""
        mobiles = [str(contact[MOBILE]) if contact else "" for _, contact in rows]
        known = self._imports.known.find(draft.form, {*mobiles} - {""})
        searched = {row.number: row for row in former if row.known in (Known.NEW, Known.PHONEBOOK)}
        stored = []
        for (row, contact), mobile, place in zip(rows, mobiles, _places(mobiles), strict=True):
            before = searched.get(row.number)
            source, differences = self._source(contact, known.get(mobile), before)
            stored.append(replace(row, place=place, known=source, differences=differences))
        return stored

    def _source(
        self, contact: Contact | None, number: KnownNumber | None, before: StoredRow | None
    ) -> tuple[Known, Differences]:
        """Return where a row's number is known from, and which values differ there.

        Args:
            contact: The row's contact; None if it is wrong.
            number: What the database knows of its number.
            before: The row as it was read before, if its number was searched in the phonebook.
        """
        if contact and number:
            differences = self._imports.known.differences(contact, number)
            if not (number.needs_attention and differences):
                return number.source, differences
        former = load_contact(before.contact) if before else None
        if before and former and contact and former[MOBILE] == contact[MOBILE]:
            return before.known, before.differences
        return Known.UNCHECKED, ()


def _key(reference: str, number: int, contact: str | None) -> str:
    """Return the key of a row's submission: each row of an import is sent once.

    That the same number is not sent again from another import is what its operator chooses.
    """
    return hashlib.sha256(f"{reference} {number} {contact}".encode()).hexdigest()


def _places(mobiles: Sequence[str]) -> Iterator[DuplicatePosition]:
    """Yield the place of each row among those with its mobile number; a wrong row has none."""
    totals, seen = Counter(mobiles), Counter[str]()
    for mobile in mobiles:
        seen[mobile] += 1
        if not mobile:
            yield DuplicatePosition.NONE
        elif totals[mobile] == 1:
            yield DuplicatePosition.ONLY
        elif seen[mobile] == 1:
            yield DuplicatePosition.FIRST
        else:
            is_last = seen[mobile] == totals[mobile]
            yield DuplicatePosition.LAST if is_last else DuplicatePosition.MIDDLE
