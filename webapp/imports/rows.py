"""Reads rows of a spreadsheet as contacts, by the rules of a form, and stores them as a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from webapp.contact import EMPTY, EMPTY_VALUES, MOBILE, Contact, Field, FieldKind, Value
from webapp.forms.definitions import Access, FormDefinition, make_contact
from webapp.forms.reading import TOTAL_WORDS, caption_words, read_value, require_value
from webapp.imports.cells import (
    FEW_VALUES,
    as_typed,
    cells_by_field,
    read_cell,
    read_repeated,
    row_labels,
)
from webapp.imports.columns import is_example
from webapp.imports.file import Row
from webapp.imports.sheet_parser import ALIKE, SHEET_ROWS
from webapp.imports.tables import ColumnMapping
from webapp.messages import imports as texts
from webapp.persian import InvalidText, persian_digits

_Cells = Sequence[tuple[int, str]]

_LABELS_IN_BETWEEN: Final = "\n"  # separates labels, as a comma does


@dataclass(frozen=True, slots=True, repr=False)
class RowFault:
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
        return f"RowFault({self.column}, {self.field!r})"


def read_row(
    definition: FormDefinition,
    columns: Sequence[str],
    row: Row,
    *,
    shared: Mapping[str, Value],
    epoch_1904: bool,
    month_first: Sequence[int] = (),
) -> Contact | tuple[RowFault, ...]:
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
        return (RowFault(None, "", "", texts.EXAMPLE_ROW),)
    values: dict[str, Value] = {}
    faults: list[RowFault] = []
    for field in definition.fields:
        own_cells = cells.get(field.name, [])
        is_required = field.name in definition.required
        if not (own_cells or is_required or field.name in shared):
            continue
        try:
            own = _read(definition, field, own_cells, epoch_1904=epoch_1904)
            values[field.name] = _with_shared(definition, field, own, own_cells, shared)
            if is_required:
                require_value(field, values[field.name])
        except InvalidText as error:
            column = columns.index(field.name) if field.name in columns else None
            column, cell = own_cells[0] if own_cells else (column, "")
            faults.append(RowFault(column, cell, field.name, str(error)))
    return tuple(faults) or make_contact(definition, values)


def read_shared(definition: FormDefinition, field: Field, text: str) -> Value:
    """Return the value of a field for all rows, by the rules for a row's own.

    Raises:
        InvalidText: if the text is invalid.
    """
    if field.kind is FieldKind.LABELS:
        return row_labels(definition, field, text)
    return read_value(field, text, check=definition.checks.get(field.name))


def _read(definition: FormDefinition, field: Field, cells: _Cells, *, epoch_1904: bool) -> Value:
    """Return the value of a field's cells; the empty one if there are none.

    Raises:
        InvalidText: if it is invalid.
    """
    if not cells:
        return EMPTY[field.kind]
    if field.kind is FieldKind.LABELS:
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


def importable(definitions: Mapping[str, FormDefinition]) -> dict[str, FormDefinition]:
    """Return the forms that rows may belong to; nobody can consent for somebody else."""
    return {
        slug: form
        for slug, form in definitions.items()
        if form.access is Access.INTRANET and not form.consent
    }


def shared_fields(definition: FormDefinition) -> list[Field]:
    """Return the fields of a form that may have one value for all rows."""
    return [row for row in definition.fields if row.can_be_kept or row.kind is FieldKind.GENDER]


_FEW_COLUMNS: Final = 3
_SENTENCE: Final = 5  # words
_NUMBER: Final = 9  # characters of a mobile number at least


def is_note(reading: ColumnMapping, row: Row) -> bool:
    """Return whether a row is no contact: a total, a note, or the header once more.

    It has no mobile number, and begins as totals do, or has one cell, which belongs to no field or
    is a sentence. In the column of mobile numbers, a total is a shorter one.
    """
    if row.cells == reading.header:
        return True
    cells = [(it, cell) for it, cell in enumerate(row.cells) if cell.strip()]
    mobiles = [cell for it, cell in cells if reading.columns[it] == MOBILE]
    if MOBILE not in reading.columns or any(len(it.strip()) >= _NUMBER for it in mobiles):
        return False
    column, text = cells[0]
    if not TOTAL_WORDS.isdisjoint(caption_words(text)[:1]):
        return True
    if mobiles:
        return False
    is_single = len(cells) == 1 and len(row.cells) >= _FEW_COLUMNS
    return is_single and (not reading.columns[column] or len(text.split()) >= _SENTENCE)


def row_name(reading: ColumnMapping, number: int) -> str:
    """Return the number of a row as the spreadsheet program shows it, with its sheet if need be."""
    if not reading.sheet.startswith(ALIKE):
        return persian_digits(number)
    sheet, row = divmod(number, SHEET_ROWS)
    return texts.ROW_OF_SHEET.format(sheet=reading.sheets[sheet], row=persian_digits(row))
