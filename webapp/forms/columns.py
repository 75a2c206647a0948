"""Guesses which field each column of a sheet holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.forms.definitions import FormDefinition
    from webapp.spreadsheets import Sheet


def guess_columns(definition: FormDefinition, sheet: Sheet) -> tuple[str, ...]:
    """Return the API name of the field of each column, "" for a column that is left out."""
    known = {row.label: row.name for row in definition.fields}
    known |= {row.name: row.name for row in definition.fields}
    return tuple(known.get(title.strip(), "") for title in sheet.header)
