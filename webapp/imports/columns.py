"""Guesses which column of a spreadsheet holds which field of a form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final

from webapp import messages
from webapp.contact import FIELDS, LABELS, MOBILE, Field, FieldKind
from webapp.forms.definitions import FormDefinition
from webapp.forms.reading import (
    CAPTION_RULES,
    GENDER_WORDS,
    caption_words,
    read_value,
    spelling_key,
    without_brackets,
)
from webapp.imports.cells import MONTHS, SHORT_DATE, as_typed
from webapp.imports.file import Sheet, column_name, write_workbook
from webapp.messages import imports as texts
from webapp.persian import InvalidText

_EXAMINED_CELLS: Final = 100  # of a column
_SHARE: Final = 0.8  # of them that must be readable as the field
_FIRST_RANK_OF_RULES: Final = 1000  # after all spellings
_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: (spelling_key(name), *map(spelling_key, row.spellings)) for name, row in FIELDS.items()}
)


def guess_columns(definition: FormDefinition, sheet: Sheet) -> tuple[str, ...]:
    """Return for each column the API name of the form's field that it holds, or "".

    By its caption: the form's own captions before the table's spellings, in their order, then by
    words; a field gets one column. A column whose cells mostly are not readable as its field is
    left out. Then by content: a column whose cells are mostly mobile numbers, email addresses or
    genders is taken for a field that has no column yet; one of dates only if it has no caption, as
    a caption of its own would say that they are other dates. Further columns of mobile numbers
    serve where the first has none. A column with whole names goes to the family name, undivided:
    the operator chooses to divide it.
    """
    guessed = _by_caption(definition, sheet)
    fields = {row.name: row for row in definition.fields}
    found = {
        column: name
        for column, name in guessed.items()
        if _share(fields[name], sheet, column) >= _LEAST_SHARE
    }
    for row in definition.fields:
        if row.name not in found.values() and (column := _by_content(row, sheet, found)) >= 0:
            found[column] = row.name
    if MOBILE not in found.values():  # its rows say what is wrong with the numbers
        found |= {column: name for column, name in guessed.items() if name == MOBILE}
    elif MOBILE in fields:
        found |= _further_mobiles(fields[MOBILE], sheet, found)
    return tuple(found.get(column, "") for column in range(len(sheet.header)))


def known_captions(definition: FormDefinition) -> set[str]:
    """Return captions and words of captions, by which a header is found."""
    labels = {spelling_key(row.label) for row in definition.fields}
    words = {word for rules in CAPTION_RULES.values() for rule in rules for word in rule.some}
    return labels | words | {key for keys in _KEYS.values() for key in keys} - {""}


def named_columns(definition: FormDefinition, header: Sequence[str]) -> list[int]:
    """Return the columns whose captions name a field, whatever their cells are."""
    return list(_by_caption(definition, Sheet(tuple(header), (), epoch_1904=False)))


def month_first(sheet: Sheet) -> tuple[int, ...]:
    """Return the columns with dates that can only be month, day and year, as 7/25/1990."""

    def is_proven(column: int) -> bool:
        dates = map(SHORT_DATE.fullmatch, _filled(sheet, column))
        pairs = [(int(it[1]), int(it[3])) for it in dates if it]
        return any(day > MONTHS for _, day in pairs) and all(month <= MONTHS for month, _ in pairs)

    return tuple(column for column in range(len(sheet.header)) if is_proven(column))


def _by_caption(definition: FormDefinition, sheet: Sheet) -> dict[int, str]:
    """Return the fields by column; of several candidates the best spelling wins."""
    candidates = sorted(
        (rank, column, row.name)
        for column, caption in enumerate(sheet.header)
        for row in definition.fields
        if (rank := _rank(row, caption)) is not None
    )
    found: dict[int, str] = {}
    for _, column, name in candidates:
        if column not in found and name not in found.values():
            found[column] = name
    return found


def _rank(row: Field, caption: str) -> int | None:
    """Return how well a caption names a field, 0 is best; None if it does not."""
    keys = (spelling_key(row.label), *_KEYS.get(row.name, ()))
    for key in (spelling_key(caption), spelling_key(without_brackets(caption))):
        if key and key in keys:
            return keys.index(key)
    words = caption_words(without_brackets(caption))
    rules = enumerate(CAPTION_RULES.get(row.name, ()), start=_FIRST_RANK_OF_RULES)
    return next((rank for rank, rule in rules if rule.fits(words)), None)


def _by_content(row: Field, sheet: Sheet, found: Mapping[int, str]) -> int:
    """Return the first column whose cells are mostly readable as this field, or -1."""
    is_birth = row.kind is FieldKind.DATE and row.in_past
    if not (is_birth or row.kind in (FieldKind.MOBILE, FieldKind.EMAIL, FieldKind.GENDER)):
        return -1
    for column, caption in enumerate(sheet.header):
        is_named = caption != column_name(column + 1)
        if column in found or (is_birth and is_named):
            continue
        if any(_filled(sheet, column)) and _share(row, sheet, column) >= _SHARE:
            return column
    return -1


def _share(row: Field, sheet: Sheet, column: int) -> float:
    """Return the share of a column's cells that can be read as a field; 1 if all are empty."""
    cells = list(islice(_filled(sheet, column), _EXAMINED_CELLS))
    if row.kind in _ANYTHING or not cells:
        return 1
    is_named = (
        row.kind is FieldKind.GENDER and spelling_key(sheet.header[column]) in _KEYS[row.name]
    )
    return sum(
        (is_named and spelling_key(cell) in _NO_GENDERS)
        or _is_readable(row, cell, epoch_1904=sheet.epoch_1904)
        for cell in cells
    ) / len(cells)


def _further_mobiles(row: Field, sheet: Sheet, found: Mapping[int, str]) -> dict[int, str]:
    """Return the columns without a field that are called mobile numbers, and mostly are."""
    return {
        column: MOBILE
        for column, caption in enumerate(sheet.header)
        if column not in found
        and _rank(row, _FINAL_DIGITS.sub("", caption)) is not None
        and any(_filled(sheet, column))
        and _share(row, sheet, column) >= _SHARE
    }


# As answers to anything.
_NO_GENDERS: Final = ("true", "false", "0", "1", *(it for it in GENDER_WORDS if len(it) == 1))
_FINAL_DIGITS: Final = re.compile(r"\s*\d+\s*$")
_LEAST_SHARE: Final = 0.5  # of the cells, else a caption has misled
_ANYTHING: Final = (FieldKind.TEXT, FieldKind.LINES, FieldKind.LABELS)


def _filled(sheet: Sheet, column: int) -> Iterator[str]:
    return (cell for row in sheet.rows if (cell := row.cells[column]).strip())


def _is_readable(row: Field, cell: str, *, epoch_1904: bool) -> bool:
    if row.kind is FieldKind.GENDER and spelling_key(cell) in _NO_GENDERS:
        return False  # as an answer to anything
    try:
        read_value(row, as_typed(row, cell, epoch_1904=epoch_1904))
    except InvalidText:
        return False
    return True


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
        case FieldKind.GENDER:
            return (messages.WOMAN, messages.MAN)
        case FieldKind.ACTIVE:
            return (messages.YES, messages.NO)
        case FieldKind.LABELS:
            return definition.label_choices
        case _:
            return ()


def _notes(definition: FormDefinition) -> list[str]:
    required = [row.label for row in definition.fields if row.name in definition.required]
    kinds = {row.kind for row in definition.fields}
    return [
        *texts.SAMPLE_NOTES,
        texts.SAMPLE_REQUIRED.format(labels=messages.COMMA.join(required)),
        *([texts.SAMPLE_DATES] if FieldKind.DATE in kinds else []),
        *([texts.SAMPLE_LABELS] if FieldKind.LABELS in kinds else []),
    ]
