"""Reads the cells of a spreadsheet: undoes what programs do to them, then the rules of the form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from webapp import messages
from webapp.contact import FIELDS, MOBILE, NAMES, Field, FieldKind, Value
from webapp.forms.definitions import FormDefinition
from webapp.forms.reading import ACTIVE_WORDS, GENDER_WORDS, read_labels, read_value, spelling_key
from webapp.imports.file import Row, unguarded_cell
from webapp.imports.sheet_parser import day_as_shown
from webapp.imports.tables import WHOLE_NAME
from webapp.messages import imports as texts
from webapp.persian import Check, InvalidText, divide_name, plain

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
_BETWEEN_GROUPS: Final = " ::: "  # and between several numbers
_NO_DATE: Final = re.compile(r"0/0/00|--\d\d-\d\d")  # in Outlook's export; Google's: no year
_GOOGLE_GROUPS: Final = frozenset(
    {"* myContacts", "* starred", "* friends", "* family", "* coworkers"}
)

# As the portal counts: False is a woman, True a man.
_GENDER_DIGITS: Final[Mapping[str, str]] = MappingProxyType({"0": "false", "1": "true"})

# «مشتری/ویژه», «#مشتری #ویژه»; a slash between digits is part of a label.
_LABEL_ENDS: Final = re.compile(r"(?<!\d)/|/(?!\d)|(?:^|\s)#")

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
        case FieldKind.GENDER:
            key = spelling_key(_number(cell))
            return {**GENDER_WORDS, **_GENDER_DIGITS}.get(key, cell) if plain(cell) else ""
        case FieldKind.ACTIVE:
            return _active(cell)
        case FieldKind.LABELS:
            return _labels(_unprotected(cell))
        case FieldKind.TEXT | FieldKind.LINES if check is None:
            return _unprotected(cell)
    text = cell.strip().removeprefix(_APOSTROPHE)
    if row.kind is FieldKind.DATE:
        return _date(text, epoch_1904=epoch_1904)
    return _number_or_address(row, text, check)


def _number_or_address(row: Field, text: str, check: Check | None) -> str:
    if check:
        return _checked_number(_number(text), check)
    return _number(text) if row.kind is FieldKind.MOBILE else text


def _unprotected(cell: str) -> str:
    """Return a text without the apostrophes that keep programs from reading it otherwise."""
    rest = cell.removeprefix(_APOSTROPHE)
    return rest if rest[:1].isdigit() else unguarded_cell(cell)


def _labels(cell: str) -> str:
    """Return labels in lines, if Google Contacts wrote them; without the groups of its own."""
    groups = (group.strip() for group in cell.split(_BETWEEN_GROUPS))
    lines = "\n".join(group for group in groups if group not in _GOOGLE_GROUPS)
    return _LABEL_ENDS.sub("\n", lines)


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
    if _NO_DATE.fullmatch(spelled):
        return ""
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


def day_first(cell: str) -> str:
    """Return a date of month, day and year as day, month and year."""
    found = SHORT_DATE.fullmatch(cell)
    return f"{found[3]}/{found[1]}/{found[4]}" if found else cell


SHORT_DATE: Final = re.compile(
    r"\s*(\d{1,2})([/.-])(\d{1,2})\2((?:1[89]|20)\d\d)(?:\s+\d\d?:.*)?\s*"
)
MONTHS: Final = 12


def read_cell(field: Field, cell: str, check: Check | None, epoch_1904: bool) -> Value:  # noqa: FBT001  for the cache
    """Return the value of a cell, by the rules of the form."""
    return read_value(field, as_typed(field, cell, check=check, epoch_1904=epoch_1904), check=check)


# Most rows of a file share these values. They tell nothing of a person; others are never kept.
FEW_VALUES: Final = (FieldKind.GENDER, FieldKind.ACTIVE)
read_repeated: Final = lru_cache(maxsize=4096)(read_cell)


@lru_cache(maxsize=4096)
def _read_labels(field: Field, text: str) -> tuple[str, ...]:
    return read_labels(field, (text,))


def row_labels(definition: FormDefinition, field: Field, text: str) -> tuple[str, ...]:
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


def cells_by_field(
    columns: Sequence[str], row: Row, month_first: Sequence[int]
) -> dict[str, list[tuple[int, str]]]:
    """Return column and text of the cells that are not empty, by the field's name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for column, (name, text) in enumerate(zip(columns, row.cells, strict=False)):
        cell = text
        if column in month_first and name in FIELDS and FIELDS[name].kind is FieldKind.DATE:
            cell = day_first(text)
        names = NAMES if name == WHOLE_NAME else (name,)
        parts = divide_name(cell) if name == WHOLE_NAME else (cell,)
        for one, part in zip(names, parts, strict=True):
            if one and part.strip():
                cut = part.split(_BETWEEN_GROUPS) if one == MOBILE else (part,)
                found.setdefault(one, []).extend((column, it) for it in cut)
    return found
