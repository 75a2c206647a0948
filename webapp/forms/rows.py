"""Reads a row of a sheet as a contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.contact import EMPTY_VALUES, LABELS, Contact
from webapp.forms.reading import read_value, require_value
from webapp.messages import MAN, WOMAN
from webapp.persian import InvalidText

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.contact import Value
    from webapp.forms.definitions import FormDefinition
    from webapp.spreadsheets import Row


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row."""

    column: int | None
    cell: str
    field: str
    message: str


def read_row(
    definition: FormDefinition,
    columns: Sequence[str],
    row: Row,
    *,
    shared: Mapping[str, Value],
    epoch_1904: bool,
) -> Contact | tuple[Fault, ...]:
    """Return the contact of a row, or what is wrong with it."""
    del epoch_1904
    values: dict[str, Value] = dict(shared)
    faults = []
    rows = {field.name: field for field in definition.fields}
    genders = {MAN: "true", WOMAN: "false"}
    for column, name in enumerate(columns):
        cell = row.cells[column] if column < len(row.cells) else ""
        if not name:
            continue
        try:
            value = read_value(rows[name], genders.get(cell, cell))
        except InvalidText as error:
            faults.append(Fault(column, cell, name, str(error)))
            continue
        if value not in EMPTY_VALUES or name not in values:
            values[name] = value
    for name in definition.required:
        if not any(fault.field == name for fault in faults):
            try:
                require_value(rows[name], values.get(name))
            except InvalidText as error:
                column_ = columns.index(name) if name in columns else None
                faults.append(Fault(column_, "", name, str(error)))
    if faults:
        return tuple(faults)
    values |= definition.fixed
    labels = values.get(LABELS) or ()
    assert isinstance(labels, tuple)  # nosec B101  # noqa: S101
    return Contact(**values | {LABELS: (*definition.labels, *labels)})
