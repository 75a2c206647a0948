"""How an operator wants a file to be read, as the preview's form posts it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flask import request

from webapp.contact import LABELS
from webapp.forms.reading import read_value
from webapp.imports.rows import shared_fields
from webapp.messages import imports as texts
from webapp.persian import InvalidText

if TYPE_CHECKING:
    from webapp.forms.definitions import FormDefinition
    from webapp.imports.tables import Reading

_COLUMN: Final = "column-"
_FOR_ALL: Final = "all-"


def posted(old: Reading, definition: FormDefinition) -> Reading:
    """Return the reading of the request; what it does not contain stays as it was."""
    columns = (
        request.form.get(f"{_COLUMN}{number}", given) for number, given in enumerate(old.columns)
    )
    shared = {
        row.name: request.form.get(f"{_FOR_ALL}{row.name}", old.shared.get(row.name, ""))
        for row in shared_fields(definition)
    }
    given = {name: text for name, text in shared.items() if text}
    return replace(old, columns=tuple(columns), shared=given)


def faults(reading: Reading, definition: FormDefinition) -> dict[str, str]:
    """Return what is wrong with a reading: a message by the name of its input."""
    labels = {row.name: row.label for row in definition.fields}
    found = {}
    for number, name in enumerate(reading.columns):
        if name and name not in labels:
            found[f"{_COLUMN}{number}"] = texts.COLUMN_UNKNOWN
        elif name and name != LABELS and name in reading.columns[:number]:
            found[f"{_COLUMN}{number}"] = texts.FIELD_TWICE.format(label=labels[name])
    for row in shared_fields(definition):
        try:
            read_value(row, reading.shared.get(row.name, ""))
        except InvalidText as error:
            found[f"{_FOR_ALL}{row.name}"] = str(error)
    return found
