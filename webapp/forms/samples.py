"""A sample file for imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.spreadsheets import write_workbook

if TYPE_CHECKING:
    from webapp.forms.definitions import FormDefinition


def sample_workbook(definition: FormDefinition) -> bytes:
    """Return a workbook with a column for each field of the form."""
    return write_workbook(definition.title, [row.label for row in definition.fields], [])
