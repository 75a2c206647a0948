"""Reads rows of a spreadsheet as contacts, by the rules of a form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from webapp import messages
from webapp.contact import EMPTY, EMPTY_VALUES, Kind
from webapp.forms.cells import as_typed
from webapp.forms.definitions import make_contact
from webapp.forms.reading import read_labels, read_value, require_value
from webapp.forms.samples import is_example
from webapp.messages import imports as texts
from webapp.persian import InvalidText, spelling_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.contact import Contact, Field, Value
    from webapp.forms.definitions import FormDefinition
    from webapp.persian import Check
    from webapp.spreadsheets import Row

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
) -> Contact | tuple[Fault, ...]:
    """Return the contact of a row, or all its faults in the order of the form.

    Args:
        definition: The form; its fixed values and labels are added.
        columns: The field of each column by API name, "" for none. Of several columns with one
            field, the first with a text counts; labels come from all of them.
        row: The row.
        shared: Values for all rows: where a row has none of its own; labels are added to its own.
        epoch_1904: Whether serial numbers of dates count from 1904.
    """
    cells = _cells_by_field(columns, row)
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
        return _labels(definition, field, text)
    return read_value(field, text, check=definition.checks.get(field.name))


def _cells_by_field(columns: Sequence[str], row: Row) -> dict[str, list[tuple[int, str]]]:
    """Return column and text of the cells that are not empty, by the field's name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for column, (name, cell) in enumerate(zip(columns, row.cells, strict=False)):
        if name and cell.strip():
            found.setdefault(name, []).append((column, cell))
    return found


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
        return _labels(definition, field, text)
    check = definition.checks.get(field.name)
    is_repeated = field.is_shared or field.kind in _FEW_VALUES
    read_cell = _read_repeated if is_repeated else _read_cell
    return read_cell(field, cells[0][1], check, epoch_1904)


def _read_cell(field: Field, cell: str, check: Check | None, epoch_1904: bool) -> Value:  # noqa: FBT001  for the cache
    return read_value(field, as_typed(field, cell, check=check, epoch_1904=epoch_1904), check=check)


# Most rows of a file share these values. They tell nothing of a person; others are never kept.
_FEW_VALUES: Final = (Kind.GENDER, Kind.ACTIVE)
_read_repeated: Final = lru_cache(maxsize=4096)(_read_cell)


@lru_cache(maxsize=4096)
def _read_labels(field: Field, text: str) -> tuple[str, ...]:
    return read_labels(field, (text,))


def _labels(definition: FormDefinition, field: Field, text: str) -> tuple[str, ...]:
    """Return the labels of a text; without free ones, they are choices of the form.

    Raises:
        InvalidText: if one is invalid, or none of the choices.
    """
    labels = _read_labels(field, text)
    if definition.free_labels:
        return labels
    choices = {spelling_key(choice): choice for choice in definition.label_choices}
    for label in labels:
        if spelling_key(label) not in choices:
            offered = messages.COMMA.join(definition.label_choices)
            raise InvalidText(texts.UNKNOWN_LABEL.format(label=label, choices=offered))
    return tuple(dict.fromkeys(choices[spelling_key(label)] for label in labels))


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
        return _labels(definition, field, _LABELS_IN_BETWEEN.join((*own, *for_all)))
    return for_all if own in EMPTY_VALUES or not cells else own
