"""From a spreadsheet to a draft: reads each row as its form does, and stores what it found."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from webapp.contact import MOBILE, Contact, Kind
from webapp.database import DatabaseError
from webapp.delivery.import_tables import Place, Reading, StoredRow
from webapp.delivery.imports import Counts
from webapp.forms.columns import guess_columns
from webapp.forms.definitions import Access
from webapp.forms.rows import read_row, read_shared
from webapp.messages import imports as texts
from webapp.outbox.rows import dump_contact
from webapp.spreadsheets import Row, UnreadableFile, read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from webapp.contact import Field, Value
    from webapp.delivery.import_tables import Import
    from webapp.delivery.imports import Imports
    from webapp.forms.definitions import FormDefinition

# Reading rows takes the interpreter's lock for seconds; people's requests run in the pauses.
_ROWS_BETWEEN_PAUSES: Final = 50
_PAUSE_S: Final = 0.001
_MAX_WAIT_S: Final = 60.0  # for the file of another operator


def importable(definitions: Mapping[str, FormDefinition]) -> dict[str, FormDefinition]:
    """Return the forms that rows may belong to; nobody can consent for somebody else."""
    return {
        slug: form
        for slug, form in definitions.items()
        if form.access is Access.INTRANET and not form.consent
    }


def shared_fields(definition: FormDefinition) -> list[Field]:
    """Return the fields of a form that may have one value for all rows."""
    return [row for row in definition.fields if row.can_be_kept or row.kind is Kind.GENDER]


def store_file(
    imports: Imports, definition: FormDefinition, data: bytes, *, operator: str | None
) -> Import:
    """Read a file, and store its rows as a draft; one file at a time in each process.

    Args:
        imports: Where to.
        definition: The form that the rows belong to.
        data: The content of the file.
        operator: The login name of who brought it.

    Raises:
        UnreadableFile: if it cannot be read, or others are read for too long.
        DatabaseError: if it cannot be stored.
        ImportGone: if storing took too long.
    """
    if not imports.reading.acquire(timeout=_MAX_WAIT_S):
        raise UnreadableFile(texts.BUSY)
    try:
        sheet = read_file(data)
    finally:
        imports.reading.release()
    reading = Reading(
        header=sheet.header,
        columns=guess_columns(definition, sheet),
        shared={},
        epoch_1904=sheet.epoch_1904,
    )
    draft = imports.create(
        form=definition.slug,
        operator=operator,
        digest=hashlib.sha256(data).hexdigest(),
        reading=reading,
    )
    return _store(imports, definition, draft, sheet.rows)


def read_again(
    imports: Imports, definition: FormDefinition, draft: Import, reading: Reading
) -> Import:
    """Read the rows of a draft in another way; until that is done, or if it fails, it stays.

    Raises:
        InvalidText: if a text for all rows is invalid.
        DatabaseError: if they cannot be stored.
        ImportGone: if it is no draft any more.
    """
    _shared_values(definition, reading)
    rows = [Row(row.number, row.cells) for row in imports.review.all_rows(draft.id)]
    again = imports.create(
        form=draft.form,
        operator=draft.operator,
        digest=draft.digest,
        reading=reading,
        replaces=draft,
    )
    opened = _store(imports, definition, again, rows, replaces=draft)
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
) -> Import:
    """Read and store the rows of an import, and show it; leave nothing behind if that fails."""
    try:
        counts = _write_rows(imports, definition, draft, rows)
        return imports.open_draft(draft, counts, replaces=replaces)
    except BaseException:
        with suppress(DatabaseError):
            imports.cancel(draft.id)
        raise


def _write_rows(
    imports: Imports, definition: FormDefinition, draft: Import, rows: Iterable[Row]
) -> Counts:
    read = list(_read_rows(definition, draft, rows))
    places = _places(read)
    stored = (replace(row.stored, place=place) for row, place in zip(read, places, strict=True))
    imports.write_rows(draft.id, stored)
    numbers = Counter(places)
    return Counts(
        ready_rows=numbers[Place.ONLY] + numbers[Place.FIRST],
        wrong_rows=numbers[Place.NONE],
        twice_rows=numbers[Place.MIDDLE] + numbers[Place.LAST],
    )


@dataclass(frozen=True, slots=True)
class _ReadRow:
    """A row that was read, and its mobile number; "" for a wrong row."""

    stored: StoredRow
    mobile: str


def _read_rows(
    definition: FormDefinition, draft: Import, rows: Iterable[Row]
) -> Iterator[_ReadRow]:
    shared, reading = _shared_values(definition, draft.reading), draft.reading
    rest = iter(rows)
    while some := list(islice(rest, _ROWS_BETWEEN_PAUSES)):
        for row in some:
            found = read_row(
                definition, reading.columns, row, shared=shared, epoch_1904=reading.epoch_1904
            )
            contact = dump_contact(found) if isinstance(found, Contact) else None
            faults = () if isinstance(found, Contact) else found
            stored = StoredRow(
                number=row.number,
                key=_key(draft.digest, row.number, contact),
                cells=row.cells,
                contact=contact,
                faults=tuple((it.column, it.cell, it.field, it.message) for it in faults),
            )
            mobile = str(found[MOBILE]) if isinstance(found, Contact) else ""
            yield _ReadRow(stored, mobile)
        time.sleep(_PAUSE_S)


def _shared_values(definition: FormDefinition, reading: Reading) -> dict[str, Value]:
    """Return the values for all rows.

    Raises:
        InvalidText: if a text is invalid.
    """
    texts = ((row, reading.shared.get(row.name, "")) for row in shared_fields(definition))
    return {row.name: read_shared(definition, row, text) for row, text in texts if text}


def _key(digest: str, number: int, contact: str | None) -> str:
    """Return the key of a row's submission: the same row of the same file is sent once."""
    return hashlib.sha256(f"{digest} {number} {contact}".encode()).hexdigest()


def _places(rows: list[_ReadRow]) -> list[Place]:
    """Return the place of each row among those with its mobile number."""
    totals = Counter(row.mobile for row in rows)
    seen: Counter[str] = Counter()
    places = []
    for row in rows:
        seen[row.mobile] += 1
        places.append(_place(row.mobile, seen[row.mobile], totals[row.mobile]))
    return places


def _place(mobile: str, nth: int, total: int) -> Place:
    if not mobile:
        return Place.NONE
    if total == 1:
        return Place.ONLY
    return {1: Place.FIRST, total: Place.LAST}.get(nth, Place.MIDDLE)
