"""Guesses which column of a spreadsheet holds which field of a form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Final

from webapp import messages
from webapp.contact import LABELS, MOBILE, Field, Kind
from webapp.forms.definitions import FormDefinition
from webapp.forms.reading import (
    ACTIVE_WORDS,
    GENDER_WORDS,
    read_value,
    spelling_key,
    without_brackets,
)
from webapp.imports.file import Sheet, column_name, unguarded_cell, write_workbook
from webapp.imports.sheet_parser.table import day_as_shown
from webapp.messages import imports as texts
from webapp.persian import Check, InvalidText
from webapp.persian.text import plain

_APOSTROPHE: Final = "'"  # makes a text of a cell
_FORMULA_OF_TEXT: Final = re.compile(r'\s*="([^"]*)"\s*')  # programs write it to keep zeros
_SCIENTIFIC: Final = re.compile(r"(\+?\d+)(?:[.,\u066b/](\d+))?e\+?(\d{1,3})", re.IGNORECASE)
_ZERO_FRACTION: Final = re.compile(r"(\+?\d+)[.\u066b]0{1,2}")
_FRACTION: Final = re.compile(r"\+?\d{9,}[.\u066b]\d{1,2}")  # no group of a number stands so
_CHECKED_LENGTHS: Final[Mapping[Check, tuple[int, int]]] = MappingProxyType(
    {Check.NATIONAL_CODE: (8, 10), Check.LANDLINE: (10, 11)}  # without zeros at least, with them
)

# From 1927, as a shorter one may be a year. A negative one, from 1078, is of a Jalali date that was
# taken for a day of that year.
_SERIAL: Final = re.compile(r"(\d{5}|-[12]\d{5})(?:[.\u066b]\d+)?")
# Serial 1 is 1 January 1900; those from 60 on count a 29 February that 1900 did not have.
_EPOCH_1900: Final = date(1899, 12, 30)
_EPOCH_1904: Final = date(1904, 1, 1)
_ONLY_TIME: Final = re.compile(r"\d{1,2}:\d{2}:\d{2}")  # what is left of an old day in XLS
_TIME_OF_DAY: Final = re.compile(
    r"(?<=\d)(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]m|z|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)

# The export of Google Contacts: «* myContacts ::: دوستان».
_BETWEEN_GROUPS: Final = " ::: "
_GOOGLE_GROUPS: Final = frozenset(
    {"* myContacts", "* starred", "* friends", "* family", "* coworkers"}
)

_ERRORS: Final = frozenset(
    {"#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"}
)  # what formulas result in


def as_typed(row: Field, cell: str, *, check: Check | None = None, epoch_1904: bool = False) -> str:
    """Return what a person would type in the form for a cell.

    Args:
        row: The field.
        cell: The text of the cell.
        check: The further check of a text field.
        epoch_1904: Whether serial numbers of dates count from 1904.

    Raises:
        InvalidText: if it holds the error of a formula, digits of a number or a date are lost, or
            yes and no cannot be told.
    """
    if cell.strip().upper() in _ERRORS:
        raise InvalidText(texts.FORMULA_ERROR)
    if formula := _FORMULA_OF_TEXT.fullmatch(cell):
        cell = formula[1]
    match row.kind:
        case Kind.GENDER:
            return GENDER_WORDS.get(spelling_key(cell), cell) if plain(cell) else ""
        case Kind.ACTIVE:
            return _active(cell)
        case Kind.LABELS:
            return _labels(_unprotected(cell))
        case Kind.TEXT | Kind.LINES if check is None:
            return _unprotected(cell)
    text = cell.strip().removeprefix(_APOSTROPHE)
    if row.kind is Kind.DATE:
        return _date(text, epoch_1904=epoch_1904)
    return _number_or_address(row, text, check)


def _number_or_address(row: Field, text: str, check: Check | None) -> str:
    if check:
        return _checked_number(_number(text), check)
    return _number(text) if row.kind is Kind.MOBILE else text


def _unprotected(cell: str) -> str:
    """Return a text without the apostrophes that keep programs from reading it otherwise."""
    rest = cell.removeprefix(_APOSTROPHE)
    return rest if rest[:1].isdigit() else unguarded_cell(cell)


def _labels(cell: str) -> str:
    """Return labels in lines, if Google Contacts wrote them; without the groups of its own."""
    groups = (group.strip() for group in cell.split(_BETWEEN_GROUPS))
    return "\n".join(group for group in groups if group not in _GOOGLE_GROUPS)


def _number(cell: str) -> str:
    """Return a number's digits, if a spreadsheet program wrote them in its own way.

    Raises:
        InvalidText: if some of its digits are lost.
    """
    spelled = plain(cell)
    if scientific := _SCIENTIFIC.fullmatch(spelled):
        return _all_digits(*scientific.groups(default=""))
    if whole := _ZERO_FRACTION.fullmatch(spelled):
        return whole[1]
    if _FRACTION.fullmatch(spelled):
        raise InvalidText(texts.DIGITS_LOST)
    return cell


def _all_digits(whole: str, fraction: str, exponent: str) -> str:
    """Return the digits of `9.121234567E+09`; of `9.12E+09` seven are lost."""
    places = int(exponent)
    if len(fraction) < places or fraction[places:].strip("0"):
        raise InvalidText(texts.DIGITS_LOST)
    return whole + fraction[:places]


def _checked_number(cell: str, check: Check) -> str:
    """Return a number with the zeros that it had in front."""
    shortest, full = _CHECKED_LENGTHS.get(check, (0, 0))
    spelled = plain(cell)
    is_shortened = spelled.isdigit() and shortest <= len(spelled) < full
    return spelled.zfill(full) if is_shortened else cell


def _date(cell: str, *, epoch_1904: bool) -> str:
    """Return a date without time of day, also of its serial number.

    Raises:
        InvalidText: if the file holds a time of day in place of the date.
    """
    spelled = plain(cell)
    if _ONLY_TIME.fullmatch(spelled):
        raise InvalidText(texts.DATE_LOST)
    if serial := _SERIAL.fullmatch(spelled):
        epoch = _EPOCH_1904 if epoch_1904 else _EPOCH_1900
        return day_as_shown(epoch.toordinal() + int(serial[1]))
    if whole := _ZERO_FRACTION.fullmatch(spelled):  # 13690715.0
        return whole[1]
    day, times = _TIME_OF_DAY.subn("", spelled)
    return day if times else cell


def _active(cell: str) -> str:
    if not plain(cell):
        return ""
    key = spelling_key(_number(cell))
    if key not in ACTIVE_WORDS:
        raise InvalidText(texts.BAD_ANSWER)
    return ACTIVE_WORDS[key]


_EXAMINED_CELLS: Final = 100  # of a column
_SHARE: Final = 0.8  # of them that must be readable as the field


def guess_columns(definition: FormDefinition, sheet: Sheet) -> tuple[str, ...]:
    """Return for each column the API name of the form's field that it holds, or "".

    By its caption: the form's own captions before the spellings of the field table, and these in
    their order; a field gets one column. Then by content: a column whose cells are mostly mobile
    numbers, email addresses or genders is taken for a field that has no column yet; one of dates
    only if it has no caption, as a caption of its own would say that they are other dates. A column
    with whole names goes to the family name: where a name ends and the other begins cannot be told.
    """
    found = _by_caption(definition, sheet)
    for row in definition.fields:
        if row.name not in found.values() and (column := _by_content(row, sheet, found)) >= 0:
            found[column] = row.name
    return tuple(found.get(column, "") for column in range(len(sheet.header)))


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


@cache
def _spelling_keys(row: Field) -> tuple[str, ...]:
    return tuple(map(spelling_key, (row.label, row.name, *row.spellings)))


def _rank(row: Field, caption: str) -> int | None:
    """Return how well a caption names a field, 0 is best; None if it does not."""
    keys = _spelling_keys(row)
    for key in (spelling_key(caption), spelling_key(without_brackets(caption))):
        if key and key in keys:
            return keys.index(key)
    return None


def _by_content(row: Field, sheet: Sheet, found: Mapping[int, str]) -> int:
    """Return the first column whose cells are mostly readable as this field, or -1."""
    is_birth = row.kind is Kind.DATE and row.in_past
    if not (is_birth or row.kind in (Kind.MOBILE, Kind.EMAIL, Kind.GENDER)):
        return -1
    for column, caption in enumerate(sheet.header):
        is_named = caption != column_name(column + 1)
        if column in found or (is_birth and is_named):
            continue
        cells = list(islice(_filled(sheet, column), _EXAMINED_CELLS))
        readable = sum(_is_readable(row, cell, epoch_1904=sheet.epoch_1904) for cell in cells)
        if cells and readable >= _SHARE * len(cells):
            return column
    return -1


def _filled(sheet: Sheet, column: int) -> Iterator[str]:
    return (cell for row in sheet.rows if (cell := row.cells[column]).strip())


def _is_readable(row: Field, cell: str, *, epoch_1904: bool) -> bool:
    if row.kind is Kind.GENDER and spelling_key(cell) in ("true", "false"):
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
