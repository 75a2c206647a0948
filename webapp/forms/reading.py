"""Reads the text of a field: a pure function of its row in the field table and the text.

The form's inputs call it, and so does everything else that takes contacts as text. Each function
raises `InvalidText`, whose message is finished Persian.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from webapp import messages, persian
from webapp.contact import EMPTY, EMPTY_VALUES, Field, Kind, Value
from webapp.persian import Check, InvalidText
from webapp.persian.text import plain

# The values of a gender's input, and what each one means.
GENDERS: Final[Mapping[str, bool | None]] = MappingProxyType(
    {"false": False, "true": True, "": None}
)
# The values of a checkbox that mean "not ticked", besides its absence.
FALSE_VALUES: Final = (False, "false", "False", "FALSE", "0", "off", "no", "")


def read_value(row: Field, text: str, *, check: Check | None = None) -> Value:
    """Return the value of a field's text; the empty value if there is no text.

    Args:
        row: The field.
        text: What was typed.
        check: A further check of a text field, by the form's definition.

    Raises:
        InvalidText: if the text is invalid.
    """
    if not persian.strip_invisible(text):
        return EMPTY[row.kind]
    match row.kind:
        case Kind.DATE:
            return read_date(row, text)
        case Kind.LABELS:
            return read_labels(row, (text,))
        case Kind.GENDER:
            return _read_gender(row, text)
        case Kind.ACTIVE:
            return text not in FALSE_VALUES
        case _:
            return read_text(row, text, check=check)


def read_text(row: Field, text: str, *, check: Check | None = None) -> str:
    """Return the normalised text of a mobile number, an email address or a text field.

    Raises:
        InvalidText: if it is invalid or too long.
    """
    read = _TEXT_READERS[row.kind](row, text)
    return _within_limit(row, persian.check_text(check, read, label=row.label)) if check else read


def _read_mobile(row: Field, text: str) -> str:
    mobile = persian.parse_mobile(text)
    _within_limit(row, text)  # last: its own message says more
    return mobile


_TEXT_READERS: Final[Mapping[Kind, Callable[[Field, str], str]]] = MappingProxyType(
    {
        Kind.MOBILE: _read_mobile,
        Kind.EMAIL: lambda row, text: persian.parse_email(
            _within_limit(row, persian.strip_invisible(text))
        ),
        Kind.TEXT: lambda row, text: _within_limit(row, persian.clean_line(text, label=row.label)),
        Kind.LINES: lambda row, text: _within_limit(
            row, persian.clean_lines(text, label=row.label)
        ),
    }
)


def read_date(row: Field, text: str) -> date:
    """Return the date of one text.

    Raises:
        InvalidText: if it is no date, or outside the range of this field.
    """
    return _within_range(row, persian.parse_date(_within_limit(row, text)))


def read_date_parts(row: Field, *, day: str, month: str, year: str) -> date:
    """Return the date of three texts; otherwise as `read_date`."""
    return _within_range(row, persian.parse_date_parts(day, month, year))


def read_labels(row: Field, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the labels in these texts.

    Raises:
        InvalidText: if there are too many, or one is invalid.
    """
    return persian.parse_labels(texts, label=row.label)


def _read_gender(row: Field, text: str) -> bool | None:
    if text not in GENDERS:
        raise InvalidText(messages.BAD_CHOICE.format(label=row.label))
    return GENDERS[text]


def require_value(row: Field, value: Value) -> None:
    """Check that a required field has a value.

    Raises:
        InvalidText: if it is empty.
    """
    if value in EMPTY_VALUES:
        message = messages.BAD_CHOICE if row.kind is Kind.GENDER else messages.REQUIRED
        raise InvalidText(message.format(label=row.label))


def today() -> date:
    """Return the current date in Iran."""
    return datetime.now(persian.IRAN).date()


def _within_limit(row: Field, text: str) -> str:
    if len(text) > row.max_length:
        limit = persian.persian_digits(row.max_length)
        raise InvalidText(messages.TOO_LONG.format(label=row.label, n=limit))
    return text


def _within_range(row: Field, value: date) -> date:
    persian.check_range(value, birth=row.in_past, today=today())
    return value


_IN_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^]]*\]|\{[^}]*\}")
_LETTERS: Final = str.maketrans("ةؤ", "هو")


def spelling_key(text: str) -> str:
    """Return a key that is equal for spellings of one word.

    It keeps letters and digits alone, without hamza and madda and without letter case.
    """
    letters = unicodedata.normalize("NFD", plain(text)).translate(_LETTERS).casefold()
    return "".join(char for char in letters if char.isalnum())


def without_brackets(text: str) -> str:
    """Return a caption without remarks in brackets, «موبایل (اجباری)»."""
    return _IN_BRACKETS.sub(" ", plain(text))


def _keys(words: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    found = {spelling_key(word): value for value, spelled in words.items() for word in spelled}
    return MappingProxyType(found)


# By `spelling_key`: the value of the form's input.
GENDER_WORDS: Final = _keys(
    {
        "false": (
            *("زن", "خانم", "خانوم", "بانو", "مؤنث", "دختر", "سرکار خانم"),
            *("false", "female", "f", "woman", "girl", "mrs", "ms", "miss"),
        ),
        "true": (
            *("مرد", "آقا", "آقای", "مذکر", "پسر", "جناب آقای"),
            *("true", "male", "m", "man", "boy", "mr"),
        ),
        "": ("نمی‌خواهم بگویم", "نامشخص", "نامعلوم", "unknown"),
    }
)
ACTIVE_WORDS: Final = _keys(
    {
        "true": (
            *("بله", "بلی", "آری", "فعال", "درست"),
            *("true", "yes", "y", "1", "on", "active", "enabled"),
        ),
        "false": (
            *("خیر", "نه", "غیرفعال", "نادرست"),
            *("false", "no", "n", "0", "off", "inactive", "disabled"),
        ),
    }
)
