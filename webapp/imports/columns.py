"""Guesses which column of a spreadsheet holds which field of a form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Final

from webapp import messages
from webapp.contact import FIELDS, LABELS, MOBILE, NAMES, Field, FieldKind
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
from webapp.imports.tables import WHOLE_NAME, ColumnMapping
from webapp.messages import imports as texts
from webapp.persian import InvalidText

_EXAMINED_CELLS: Final = 100  # of a column
_SHARE: Final = 0.8  # of them that must be readable as the field
_LEAST_SHARE: Final = 0.5  # below a caption, else it has misled
_LEAST_VARIETY: Final = 0.3  # different cells of a column of names
_NAME: Final = re.compile(r"[^\W\d_]{2,20}(?:[ \u200c-][^\W\d_]{1,20}){0,3}")  # up to four words
_FINAL_DIGITS: Final = re.compile(r"\s*\d+\s*$")
_ANYTHING: Final = (FieldKind.TEXT, FieldKind.LINES, FieldKind.LABELS)
# Genders only below a caption of genders: they answer other questions as well.
_ANSWERS: Final = ("true", "false", "0", "1", *(it for it in GENDER_WORDS if len(it) == 1))
_FIRST_RANK_OF_RULES: Final = 1000  # after all spellings
_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: (spelling_key(name), *map(spelling_key, row.spellings)) for name, row in FIELDS.items()}
)


def guess_columns(definition: FormDefinition, sheet: Sheet) -> tuple[str, ...]:
    """Return for each column the API name of the form's field that it holds, or "".

    1. By captions: the form's own before the table's spellings, then by words of them; an empty
       column only where no other fits. A column whose cells mostly are not readable as its field is
       left out.
    2. By content, for fields without a column: mobile numbers, email addresses and genders; dates
       of birth only without a caption, which would say that they are other dates.
    3. Further columns of mobile numbers, for rows in which the first is empty: as the first usable
       number counts, none in front of the one with the best caption, nor of a second table.
    4. Without a header, a column of known cities, and columns of names: the first two, or one with
       whole names, which are divided. Below a caption, an operator chooses to divide them.
    """
    guessed = _by_caption(definition, sheet)
    fields = {row.name: row for row in definition.fields}
    found = {
        column: name
        for column, name in guessed.items()
        if _share(fields[name], sheet, column) >= _LEAST_SHARE
    }
    for row in definition.fields:
        column = None if row.name in found.values() else _by_content(row, sheet, found)
        if column is not None:
            found[column] = row.name
    if MOBILE not in found.values():  # its rows say what is wrong with the numbers
        found |= {column: name for column, name in guessed.items() if name == MOBILE}
    if MOBILE in found.values():
        found |= _further_mobiles(fields[MOBILE], sheet, guessed, found)
    if all(it == column_name(number) for number, it in enumerate(sheet.header, start=1)):
        found |= _by_words(fields, sheet, found)
    return tuple(found.get(column, "") for column in range(len(sheet.header)))


def targets(definition: FormDefinition) -> dict[str, str]:
    """Return what a column can hold, and its caption: a field, or a whole name."""
    fields = {row.name: row.caption for row in definition.fields}
    if not fields.keys() >= set(NAMES):
        return fields
    place = max(list(fields).index(name) for name in NAMES) + 1
    items = list(fields.items())
    return dict([*items[:place], (WHOLE_NAME, texts.WHOLE_NAME), *items[place:]])


def known_captions(definition: FormDefinition) -> set[str]:
    """Return captions and words of captions, by which a header is found."""
    labels = {spelling_key(row.caption) for row in definition.fields}
    words = {word for rules in CAPTION_RULES.values() for rule in rules for word in rule.some}
    return labels | words | {key for keys in _KEYS.values() for key in keys} - {""}


def named_columns(definition: FormDefinition, header: Sequence[str]) -> list[int]:
    """Return the columns whose captions name a field, whatever their cells are."""
    return list(_by_caption(definition, Sheet(tuple(header), (), epoch_1904=False)))


def date_orders(sheet: Sheet) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the columns whose dates can only be month, day and year, and those that may be either.

    7/25/1990 proves that the month comes first, 25/7/1990 the day; 5/5/1990 is the same in both.
    """
    month_first, unproven = [], []
    for column in range(len(sheet.header)):
        dates = map(SHORT_DATE.fullmatch, _filled(sheet, column))
        pairs = [(int(it[1]), int(it[3])) for it in dates if it]
        if any(first > MONTHS for first, _ in pairs):
            continue
        if any(second > MONTHS for _, second in pairs):
            month_first.append(column)
        elif any(first != second for first, second in pairs):
            unproven.append(column)
    return tuple(month_first), tuple(unproven)


def undecided_dates(reading: ColumnMapping) -> list[int]:
    """Return the columns of dates of which an operator has to say whether the month comes first."""
    decided = {*reading.month_first, *reading.day_first}
    return [column for column in asked_dates(reading) if column not in decided]


def asked_dates(reading: ColumnMapping) -> list[int]:
    """Return the columns of dates that may be read in either order, decided or not."""
    dates = {name for name, row in FIELDS.items() if row.kind is FieldKind.DATE}
    return [column for column in reading.unproven if reading.columns[column] in dates]


def _by_caption(definition: FormDefinition, sheet: Sheet) -> dict[int, str]:
    """Return the fields by column; of several candidates a filled one with the best spelling."""
    candidates = sorted(
        (not any(_filled(sheet, column)), rank, column, row.name)
        for column, caption in enumerate(sheet.header)
        for row in definition.fields
        if (rank := _rank(row, caption)) is not None
    )
    found: dict[int, str] = {}
    for *_, column, name in candidates:
        if column not in found and name not in found.values():
            found[column] = name
    return found


def _rank(row: Field, caption: str) -> int | None:
    """Return how well a caption names a field, 0 is best; None if it does not."""
    keys = (spelling_key(row.caption), *_KEYS[row.name])
    for key in (spelling_key(caption), spelling_key(without_brackets(caption))):
        if key and key in keys:
            return keys.index(key)
    words = caption_words(without_brackets(caption))
    rules = enumerate(CAPTION_RULES.get(row.name, ()), start=_FIRST_RANK_OF_RULES)
    return next((rank for rank, rule in rules if rule.fits(words)), None)


def _by_content(row: Field, sheet: Sheet, found: Mapping[int, str]) -> int | None:
    """Return the first column whose cells are mostly readable as this field, or None."""
    is_birth = row.kind is FieldKind.DATE and row.in_past
    if not (is_birth or row.kind in (FieldKind.MOBILE, FieldKind.EMAIL, FieldKind.GENDER)):
        return None
    for column, caption in enumerate(sheet.header):
        is_named = caption != column_name(column + 1)
        if column in found or (is_birth and is_named):
            continue
        if any(_filled(sheet, column)) and _share(row, sheet, column) >= _SHARE:
            return column
    return None


def _by_words(
    fields: Mapping[str, Field], sheet: Sheet, found: Mapping[int, str]
) -> dict[int, str]:
    """Return the columns of a sheet without a header that hold known values, or names."""
    left = [column for column in range(len(sheet.header)) if column not in found]
    cells = {column: list(islice(_filled(sheet, column), _EXAMINED_CELLS)) for column in left}
    by_words: dict[int, str] = {}
    for row in fields.values():
        known = {*map(spelling_key, row.known_values)}
        fits = (it for it in left if _mostly(spelling_key(cell) in known for cell in cells[it]))
        if known and row.name not in found.values() and (column := next(fits, None)) is not None:
            by_words[column] = row.name
    names = [it for it in left if it not in by_words and _are_names(cells[it])]
    if not names or not fields.keys() >= {*NAMES} or {*NAMES} & {*found.values()}:
        return by_words
    if _mostly(" " in cell.strip() for cell in cells[names[0]]):
        return by_words | {names[0]: WHOLE_NAME}
    return by_words | (dict(zip(names, NAMES, strict=False)) if len(names) > 1 else {})


def _mostly(answers: Iterable[bool]) -> bool:
    given = list(answers)
    return bool(given) and sum(given) / len(given) >= _SHARE


def _are_names(cells: Sequence[str]) -> bool:
    """Return whether these are a few short words each, and seldom the same."""
    is_varied = len(set(cells)) >= _LEAST_VARIETY * len(cells)
    return is_varied and _mostly(bool(_NAME.fullmatch(cell.strip())) for cell in cells)


def _share(row: Field, sheet: Sheet, column: int) -> float:
    """Return the share of a column's cells that can be read as a field; 1 if all are empty."""
    cells = list(islice(_filled(sheet, column), _EXAMINED_CELLS))
    if row.kind in _ANYTHING or not cells:
        return 1
    is_named = spelling_key(sheet.header[column]) in _KEYS[row.name]
    read = partial(_is_readable, row, epoch_1904=sheet.epoch_1904, is_named=is_named)
    return sum(map(read, cells)) / len(cells)


def _further_mobiles(
    row: Field, sheet: Sheet, guessed: Mapping[int, str], found: Mapping[int, str]
) -> dict[int, str]:
    """Return the columns without a field that are called mobile numbers, if some of them are.

    If other captions come twice as well, those that do are of a second table beside the first.
    """
    keys = [spelling_key(caption) for caption in sheet.header]
    repeated = {key for key, count in Counter(keys).items() if count > 1}
    first = next(column for column, name in found.items() if name == MOBILE)
    return {
        column: MOBILE
        for column, caption in enumerate(sheet.header)
        if column not in found
        and (column > first or guessed.get(first) != MOBILE)
        and not (len(repeated) > 1 and keys[column] in repeated)
        and _rank(row, _FINAL_DIGITS.sub("", caption)) is not None
        and any(_filled(sheet, column))
        and _share(row, sheet, column) > 0
    }


def _filled(sheet: Sheet, column: int) -> Iterator[str]:
    return (cell for row in sheet.rows if (cell := row.cells[column]).strip())


def _is_readable(row: Field, cell: str, *, epoch_1904: bool, is_named: bool) -> bool:
    if row.kind is FieldKind.GENDER and spelling_key(cell) in _ANSWERS:
        return is_named
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
        [row.caption for row in definition.fields],
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
    required = [row.caption for row in definition.fields if row.name in definition.required]
    kinds = {row.kind for row in definition.fields}
    return [
        *texts.SAMPLE_NOTES,
        texts.SAMPLE_REQUIRED.format(labels=messages.COMMA.join(required)),
        *([texts.SAMPLE_DATES] if FieldKind.DATE in kinds else []),
        *([texts.SAMPLE_LABELS] if FieldKind.LABELS in kinds else []),
    ]
