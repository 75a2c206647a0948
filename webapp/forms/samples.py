"""The sample spreadsheet of a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp import messages
from webapp.contact import LABELS, MOBILE, Kind
from webapp.messages import imports as texts
from webapp.spreadsheets import write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.contact import Field
    from webapp.forms.definitions import FormDefinition


def sample_workbook(definition: FormDefinition) -> bytes:
    """Return a workbook with the form's captions, two example rows, choices and instructions.

    Raises:
        ImportError: if XlsxWriter, of the extra `spreadsheets`, is not installed.
    """
    offered = {
        column: choices
        for column, row in enumerate(definition.fields)
        if (choices := _choices(definition, row))
    }
    return write_workbook(
        texts.SAMPLE_TITLE,
        [row.label for row in definition.fields],
        [[_example(definition, row, it) for row in definition.fields] for it in texts.EXAMPLES],
        choices=offered,
        notes=_notes(definition),
    )


def is_example(definition: FormDefinition, cells: Mapping[str, str]) -> bool:
    """Return whether a row is one of the examples, left as it was: it is no contact.

    Args:
        definition: The form.
        cells: The texts of the row that are not empty, by API name.
    """
    return MOBILE in cells and any(
        all(
            cells[row.name] == _example(definition, row, example)
            for row in definition.fields
            if row.name in cells
        )
        for example in texts.EXAMPLES
        if cells[MOBILE] == example[MOBILE]
    )


def _example(definition: FormDefinition, row: Field, example: Mapping[str, str]) -> str:
    """Return the example of a field: its own, that of its check, or that of its kind."""
    if row.name == LABELS and definition.label_choices:
        return definition.label_choices[0]
    check = definition.checks.get(row.name)
    names = (check.value,) if check else (row.name, row.kind.value)
    return next((example[name] for name in names if name in example), example["text"])


def _choices(definition: FormDefinition, row: Field) -> Sequence[str]:
    match row.kind:
        case Kind.GENDER:
            return (messages.WOMAN, messages.MAN)
        case Kind.ACTIVE:
            return (messages.YES, messages.NO)
        case Kind.LABELS:
            return definition.label_choices
        case _:
            return ()


def _notes(definition: FormDefinition) -> list[str]:
    required = [row.label for row in definition.fields if row.name in definition.required]
    kinds = {row.kind for row in definition.fields}
    return [
        *texts.SAMPLE_NOTES,
        texts.SAMPLE_REQUIRED.format(labels=messages.COMMA.join(required)),
        *([texts.SAMPLE_DATES] if Kind.DATE in kinds else []),
        *([texts.SAMPLE_LABELS] if Kind.LABELS in kinds else []),
    ]
