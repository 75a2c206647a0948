"""Reads rows of a spreadsheet as contacts, by the rules of a form, and stores them as a draft."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from webapp.contact import (
    EMPTY,
    EMPTY_VALUES,
    MOBILE,
    Contact,
    Field,
    Kind,
    Value,
)
from webapp.database import DatabaseError
from webapp.forms.definitions import Access, DuplicatePolicy, FormDefinition, make_contact
from webapp.forms.reading import read_value, require_value
from webapp.imports import Counts, Imports
from webapp.imports.cells import (
    FEW_VALUES,
    as_typed,
    cells_by_field,
    read_cell,
    read_repeated,
    row_labels,
)
from webapp.imports.columns import guess_columns, is_example, known_captions
from webapp.imports.columns import month_first as month_first_columns
from webapp.imports.file import Row, UnreadableFile, read_file
from webapp.imports.tables import (
    UNKNOWN,
    Import,
    Known,
    Place,
    Reading,
    Search,
    StoredRow,
)
from webapp.messages import imports as texts
from webapp.outbox.rows import dump_contact, load_contact
from webapp.persian import InvalidText

_Cells = Sequence[tuple[int, str]]


_LABELS_IN_BETWEEN: Final = "\n"  # separates labels, as a comma does


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """Why a row is not accepted. Its repr shows no personal data.

    Attributes:
        column: The column of the cell, from 0; None if the field has no column.
        cell: The cell as it stands in the file.
        field: The field's API name, or "" for the whole row.
        message: What to do, in Persian, as on the form's page.
    """

    column: int | None
    cell: str
    field: str
    message: str

    def __repr__(self) -> str:
        """Return column and field."""
        return f"Fault({self.column}, {self.field!r})"


def read_row(
    definition: FormDefinition,
    columns: Sequence[str],
    row: Row,
    *,
    shared: Mapping[str, Value],
    epoch_1904: bool,
    month_first: Sequence[int] = (),
) -> Contact | tuple[Fault, ...]:
    """Return the contact of a row, or all its faults in the order of the form.

    Args:
        definition: The form; its fixed values and labels are added.
        columns: The field of each column by API name, "" for none. Of several columns with one
            field, the first with a text counts; labels come from all of them.
        row: The row.
        shared: Values for all rows: where a row has none of its own; labels are added to its own.
        epoch_1904: Whether serial numbers of dates count from 1904.
        month_first: The columns whose dates are month, day and year.
    """
    cells = cells_by_field(columns, row, month_first)
    if is_example(definition, {name: it[0][1] for name, it in cells.items()}):
        return (Fault(None, "", "", texts.EXAMPLE_ROW),)
    values: dict[str, Value] = {}
    faults: list[Fault] = []
    for field in definition.fields:
        found = cells.get(field.name, [])
        is_required = field.name in definition.required
        if not (found or is_required or field.name in shared):
            continue
        try:
            own = _read(definition, field, found, epoch_1904=epoch_1904)
            values[field.name] = _with_shared(definition, field, own, found, shared)
            if is_required:
                require_value(field, values[field.name])
        except InvalidText as error:
            column, cell = found[0] if found else _first_column(columns, field.name)
            faults.append(Fault(column, cell, field.name, str(error)))
    return tuple(faults) or make_contact(definition, values)


def read_shared(definition: FormDefinition, field: Field, text: str) -> Value:
    """Return the value of a field for all rows, by the rules for a row's own.

    Raises:
        InvalidText: if the text is invalid.
    """
    if field.kind is Kind.LABELS:
        return row_labels(definition, field, text)
    return read_value(field, text, check=definition.checks.get(field.name))


def _first_column(columns: Sequence[str], name: str) -> tuple[int | None, str]:
    return (columns.index(name) if name in columns else None), ""


def _read(definition: FormDefinition, field: Field, cells: _Cells, *, epoch_1904: bool) -> Value:
    """Return the value of a field's cells; the empty one if there are none.

    Raises:
        InvalidText: if it is invalid.
    """
    if not cells:
        return EMPTY[field.kind]
    if field.kind is Kind.LABELS:
        text = _LABELS_IN_BETWEEN.join(as_typed(field, cell) for _, cell in cells)
        return row_labels(definition, field, text)
    check = definition.checks.get(field.name)
    if field.name == MOBILE:
        for _, cell in cells:  # the first usable one
            with suppress(InvalidText):
                return read_cell(field, cell, check, epoch_1904)
    is_repeated = field.is_shared or field.kind in FEW_VALUES
    read = read_repeated if is_repeated else read_cell
    return read(field, cells[0][1], check, epoch_1904)


def _with_shared(
    definition: FormDefinition, field: Field, own: Value, cells: _Cells, shared: Mapping[str, Value]
) -> Value:
    """Return the row's own value, or the one for all rows; of labels both.

    Raises:
        InvalidText: if these are too many labels.
    """
    for_all = shared.get(field.name)
    if for_all in EMPTY_VALUES:
        return own
    if isinstance(own, tuple) and isinstance(for_all, tuple):
        return row_labels(definition, field, _LABELS_IN_BETWEEN.join((*own, *for_all)))
    return for_all if own in EMPTY_VALUES or not cells else own


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
        operator: The login name of the operator.

    Raises:
        UnreadableFile: if it cannot be read, or others are read for too long.
        DatabaseError: if it cannot be stored.
        ImportGone: if storing took too long.
    """
    if not imports.reading.acquire(timeout=_MAX_WAIT_S):
        raise UnreadableFile(texts.BUSY)
    try:
        sheet = read_file(data, known_captions(definition))
    finally:
        imports.reading.release()
    reading = Reading(
        header=sheet.header,
        columns=guess_columns(definition, sheet),
        shared={},
        epoch_1904=sheet.epoch_1904,
        month_first=month_first_columns(sheet),
    )
    is_searched = definition.duplicates is not DuplicatePolicy.IGNORE
    draft = imports.create(
        form=definition.slug,
        operator=operator,
        digest=hashlib.sha256(data).hexdigest(),
        reading=reading,
        search=Search.RUNNING if is_searched else Search.NONE,
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
    former = list(imports.review.all_rows(draft.id))
    rows = [Row(row.number, row.cells) for row in former]
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
    mobiles = {row.mobile for row in read if row.mobile}
    known = imports.known.find(draft.form, mobiles)
    searched = {row.number: row for row in former if row.known in (Known.NEW, Known.PHONEBOOK)}

    def marked(row: _ReadRow, place: Place) -> StoredRow:
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

    stored = [marked(row, place) for row, place in zip(read, _places(read), strict=True)]
    imports.write_rows(draft.id, stored)
    places = Counter(row.place for row in stored if row.known in UNKNOWN)
    return Counts(
        ready_rows=places[Place.ONLY] + places[Place.FIRST],
        wrong_rows=places[Place.NONE],
        twice_rows=places[Place.MIDDLE] + places[Place.LAST],
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


def _shared_values(definition: FormDefinition, reading: Reading) -> dict[str, Value]:
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
