"""Drafts: a file is read, and its rows are stored with what is known of their numbers."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Final

from webapp.contact import (
    MOBILE,
    Contact,
    Value,
)
from webapp.database import DatabaseError
from webapp.forms.definitions import DuplicatePolicy, FormDefinition
from webapp.forms.reading import spelling_key
from webapp.imports import Counts, Imports
from webapp.imports.columns import date_orders, guess_columns, known_captions, targets
from webapp.imports.file import Row, Sheet, UnreadableFile, read_file
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


def store_file(
    imports: Imports,
    definition: FormDefinition,
    data: bytes,
    *,
    operator: str | None,
    name: str = "",
) -> Import:
    """Read a file, and store its rows as a draft; one file at a time in each process.

    Args:
        imports: Where to.
        definition: The form that the rows belong to.
        data: The content of the file.
        operator: The login name of who brought it.
        name: The name of the file.

    Raises:
        UnreadableFile: if it cannot be read, or others are read for too long.
        DatabaseError: if it cannot be stored.
        ImportGone: if storing took too long.
    """
    sheet = _read_sheet(imports, definition, data)
    reading, rows = _guessed(imports, definition, sheet, name)
    is_searched = definition.duplicates is not DuplicatePolicy.IGNORE
    draft = imports.create(
        form=definition.slug,
        operator=operator,
        digest=hashlib.sha256(data).hexdigest(),
        reading=reading,
        search=Search.RUNNING if is_searched else Search.NONE,
    )
    if sheet.first:
        imports.keep_file(draft, data)
    return _store(imports, definition, draft, rows)


def _read_sheet(
    imports: Imports,
    definition: FormDefinition,
    data: bytes,
    *,
    name: str | None = None,
    header_row: int | None = None,
) -> Sheet:
    if not imports.reading.acquire(timeout=_MAX_WAIT_S):
        raise UnreadableFile(texts.BUSY)
    try:
        captions = known_captions(definition)
        return read_file(data, captions, sheet=name, header_row=header_row)
    finally:
        imports.reading.release()


def _guessed(
    imports: Imports, definition: FormDefinition, sheet: Sheet, file: str
) -> tuple[ColumnMapping, list[Row]]:
    """Return how a sheet is read, by a guess, and its rows without totals and notes."""
    guessed = guess_columns(definition, sheet)
    columns = _remembered(imports, definition, sheet) or guessed
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


def _remembered(
    imports: Imports, definition: FormDefinition, sheet: Sheet
) -> tuple[str, ...] | None:
    """Return the columns that an operator chose for the last file with this header and form."""
    header = [spelling_key(caption) for caption in sheet.header]
    recent = sorted(imports.review.recent(), key=lambda it: it.id, reverse=True)
    readings = (it.reading for it in recent if it.form == definition.slug and it.reading.chosen)
    alike = (it for it in readings if it.header_row and [*map(spelling_key, it.header)] == header)
    former = next(alike, None)
    if former is None or not sheet.header_row:
        return None
    known = targets(definition)
    return tuple(name if name in known else "" for name in former.columns)


def read_other_sheet(
    imports: Imports,
    definition: FormDefinition,
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
        DatabaseError: if it cannot be stored.
        ImportGone: if it is no draft any more.
    """
    data = imports.kept_file(draft)
    sheet = _read_sheet(imports, definition, data, name=name, header_row=header_row)
    if sheet.name == draft.reading.sheet:
        former = {row.number: row.cells for row in imports.review.all_rows(draft.id)}
        former |= mended
        rows = (replace(row, cells=former.get(row.number, row.cells)) for row in sheet.rows)
        sheet = replace(sheet, rows=tuple(rows))
    reading, kept = _guessed(imports, definition, sheet, draft.reading.file)
    return _replace(imports, definition, draft, reading, kept)


def read_again(
    imports: Imports,
    definition: FormDefinition,
    draft: Import,
    reading: ColumnMapping,
    *,
    mended: Mapping[int, tuple[str, ...]] = _NOTHING,
) -> Import:
    """Read the rows of a draft in another way; until that is done, or if it fails, it stays.

    Args:
        imports: Where it is.
        definition: Its form.
        draft: The draft.
        reading: How it is read now.
        mended: The new cells of rows, by their numbers.

    Raises:
        InvalidText: if a text for all rows is invalid.
        DatabaseError: if they cannot be stored.
        ImportGone: if it is no draft any more.
    """
    _shared_values(definition, reading)
    former = list(imports.review.all_rows(draft.id))
    rows = [Row(row.number, mended.get(row.number, row.cells)) for row in former]
    return _replace(imports, definition, draft, reading, rows, former)


def _replace(
    imports: Imports,
    definition: FormDefinition,
    draft: Import,
    reading: ColumnMapping,
    rows: Iterable[Row],
    former: Iterable[StoredRow] = (),
) -> Import:
    again = imports.create(
        form=draft.form,
        operator=draft.operator,
        digest=draft.digest,
        reading=reading,
        search=Search.RUNNING if draft.search is Search.DONE else draft.search,
        replaces=draft,
    )
    opened = _store(imports, definition, again, rows, replaces=draft, former=former)
    with suppress(DatabaseError):  # the purge deletes them, too
        imports.erase_rows(draft.id)
    return opened


def _store(
    imports: Imports,
    definition: FormDefinition,
    draft: Import,
    rows: Iterable[Row],
    *,
    replaces: Import | None = None,
    former: Iterable[StoredRow] = (),
) -> Import:
    """Read and store the rows of an import, and show it; leave nothing behind if that fails."""
    try:
        counts = _write_rows(imports, draft, list(_read_rows(definition, draft, rows)), former)
        return imports.open_draft(draft, counts, replaces=replaces)
    except BaseException:
        with suppress(DatabaseError):
            imports.cancel(draft.id)
        raise


def _write_rows(
    imports: Imports, draft: Import, read: list[_ReadRow], former: Iterable[StoredRow]
) -> Counts:
    """Store rows with their places, and where their numbers are known from.

    Args:
        imports: Where to.
        draft: Their import.
        read: The rows.
        former: The rows as they were read before: what was searched is not searched again.
    """
    mobiles = [row.mobile for row in read]
    known = imports.known.find(draft.form, {*mobiles} - {""})
    searched = {row.number: row for row in former if row.known in (Known.NEW, Known.PHONEBOOK)}

    def marked(row: _ReadRow, place: DuplicatePosition) -> StoredRow:
        if row.contact and (number := known.get(row.mobile)):
            differences = imports.known.differences(row.contact, number)
            if not (number.needs_attention and differences):
                known_at = number.source
                return replace(row.stored, place=place, known=known_at, differences=differences)
        before = searched.get(row.stored.number)
        contact = load_contact(before.contact) if before else None
        if before and contact and contact[MOBILE] == row.mobile:
            known_from, differences = before.known, before.differences
            return replace(row.stored, place=place, known=known_from, differences=differences)
        return replace(row.stored, place=place)

    stored = [marked(row, place) for row, place in zip(read, _places(mobiles), strict=True)]
    imports.write_rows(draft.id, stored)
    places = Counter(row.place for row in stored if row.known in UNKNOWN)
    return Counts(
        ready_rows=places[DuplicatePosition.ONLY] + places[DuplicatePosition.FIRST],
        wrong_rows=places[DuplicatePosition.NONE],
        twice_rows=places[DuplicatePosition.MIDDLE] + places[DuplicatePosition.LAST],
        known_rows=len(stored) - places.total(),
    )


@dataclass(frozen=True, slots=True)
class _ReadRow:
    """A row that was read, and its contact; None for a wrong row."""

    stored: StoredRow
    contact: Contact | None

    @property
    def mobile(self) -> str:
        return str(self.contact[MOBILE]) if self.contact else ""


def _read_rows(
    definition: FormDefinition, draft: Import, rows: Iterable[Row]
) -> Iterator[_ReadRow]:
    shared, reading = _shared_values(definition, draft.reading), draft.reading
    rest = iter(rows)
    while some := list(islice(rest, _ROWS_BETWEEN_PAUSES)):
        for row in some:
            found = read_row(
                definition,
                reading.columns,
                row,
                shared=shared,
                epoch_1904=reading.epoch_1904,
                month_first=reading.month_first,
            )
            contact = dump_contact(found) if isinstance(found, Contact) else None
            faults = () if isinstance(found, Contact) else found
            stored = StoredRow(
                number=row.number,
                key=_key(draft.reference, row.number, contact),
                cells=row.cells,
                contact=contact,
                faults=tuple((it.column, it.cell, it.field, it.message) for it in faults),
            )
            yield _ReadRow(stored, found if isinstance(found, Contact) else None)
        time.sleep(_PAUSE_S)


def _shared_values(definition: FormDefinition, reading: ColumnMapping) -> dict[str, Value]:
    """Return the values for all rows.

    Raises:
        InvalidText: if a text is invalid.
    """
    texts = ((row, reading.shared.get(row.name, "")) for row in shared_fields(definition))
    return {row.name: read_shared(definition, row, text) for row, text in texts if text}


def _key(reference: str, number: int, contact: str | None) -> str:
    """Return the key of a row's submission: each row of an import is sent once.

    That the same number is not sent again from another import is what its operator chooses.
    """
    return hashlib.sha256(f"{reference} {number} {contact}".encode()).hexdigest()


def _places(mobiles: Sequence[str]) -> list[DuplicatePosition]:
    """Return the place of each row among those with its mobile number; a wrong row has none."""
    totals = Counter(mobiles)
    seen: Counter[str] = Counter()
    places = []
    for mobile in mobiles:
        seen[mobile] += 1
        nth = {1: DuplicatePosition.FIRST, totals[mobile]: DuplicatePosition.LAST}.get(
            seen[mobile], DuplicatePosition.MIDDLE
        )
        places.append(
            DuplicatePosition.NONE
            if not mobile
            else DuplicatePosition.ONLY
            if totals[mobile] == 1
            else nth
        )
    return places
