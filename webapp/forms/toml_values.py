"""Readers of the values in `forms.toml`: each returns the value, or raises `ReadError`."""

from __future__ import annotations

import difflib
import enum
import math
import operator
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote

from webapp.contact import FIELDS, LABELS, Field, FieldKind, Section, Value
from webapp.persian import (
    FIRST_GREGORIAN_YEAR,
    IRAN,
    Check,
    InvalidText,
    check_range,
    clean_line,
    clean_lines,
    fold_digits,
    label_key,
    parse_date,
    parse_labels,
)
from webapp.setting_values import parse_origin

_T = TypeVar("_T")
_Choice = TypeVar("_Choice", bound=enum.StrEnum)

Reader = Callable[[object], _T]
Keys = tuple[str, ...]
TomlFault = tuple[Keys, str]  # its keys, and what is wrong

_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_LINE_NUMBER: Final = re.compile(r"[0-9]{4,20}|OTP")
_MIN_CHOICES: Final = 2
_DATE_AND_TIME: Final = re.compile(r"(\S+)(?:\s+([01]?\d|2[0-3]):([0-5]\d))?")
_ADDRESS: Final = re.compile(r"(https?://[^/?#]*)((?:[/?#]\S*)?)")
_MIN_CONTRAST: Final = 4.5  # WCAG 2.2, success criterion 1.4.3, text of ordinary size


class ReadError(ValueError):
    """A value is invalid: its errors, and the parts that are valid."""

    def __init__(self, faults: Iterable[TomlFault], *, kept: object = None) -> None:
        """Set the errors, and the valid parts."""
        self.faults = tuple(faults)
        self.kept = kept


def fault(reason: str) -> ReadError:
    """Return the error of a value that is invalid for this reason."""
    return ReadError([((), reason)])


def unknown(what: str, name: str, known: Iterable[str]) -> ReadError:
    """Return the error of an unknown name; it suggests a similar one."""
    close = difflib.get_close_matches(name, known, n=1)
    return fault(f'unknown {what} "{name}"' + "".join(f'; did you mean "{it}"?' for it in close))


class TomlFaults(list[TomlFault]):
    """Collects errors to report all of them."""

    @contextmanager
    def at(self, *keys: str, kept: dict[str, Any] | None = None) -> Iterator[None]:
        """Add the errors of the block under these keys, and valid parts to `kept`."""
        try:
            yield
        except ReadError as error:
            self += (((*keys, *rest), reason) for rest, reason in error.faults)
            if kept is not None and error.kept is not None:
                kept[keys[-1]] = error.kept

    def check(self, kept: _T) -> _T:
        """Return the value, or raise a `ReadError` if there are errors."""
        if self:
            raise ReadError(self, kept=kept)
        return kept


def read_switch(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise fault("must be true or false")
    return value


def text_reader(longest: int, clean: Callable[..., str] = clean_line) -> Reader[str]:
    """Return a reader of texts up to this length, normalised."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise fault("must be a text in quotes")
        try:
            text = clean(value, caption="")
        except InvalidText:
            raise fault("has a character that is not allowed") from None
        if not text:
            raise fault("is empty")
        if len(text) > longest:
            raise fault(f'"{text[:20]}…" is longer than {longest} characters')
        return text

    return read


def whole_number_reader(lowest: int, highest: int) -> Reader[int]:
    """Return a reader of whole numbers in this range."""

    def read(value: object) -> int:
        if type(value) is not int or not lowest <= value <= highest:  # a bool is an int too
            raise fault(f"must be a whole number from {lowest} to {highest}")
        return value

    return read


def read_line_number(value: object) -> str:
    """Read the number of a line, or "OTP"."""
    if not isinstance(value, str) or not _LINE_NUMBER.fullmatch(value):
        raise fault('must be a line\'s number in quotes, such as "30001234", or "OTP"')
    return value


def choice_reader(kind: type[_Choice]) -> Reader[_Choice]:
    """Return a reader of one of the values of an enumeration."""

    def read(value: object) -> _Choice:
        for choice in kind:
            if value == choice:
                return choice
        raise fault("must be " + " or ".join(f'"{choice}"' for choice in kind))

    return read


def check_reader(row: Field) -> Reader[Check]:
    """Return a reader of the name of a check for this field, which must hold a line of text."""
    if row.kind is not FieldKind.TEXT:
        raise fault("has a check of its own: only text fields take another one")
    return choice_reader(Check)


def choices_reader(row: Field) -> Reader[tuple[str, ...]]:
    """Return a reader of the choices of this field, which must hold a line of text."""
    if row.kind is not FieldKind.TEXT:
        instead = 'the key "label_choices" does it' if row.name == LABELS else "only text fields do"
        raise fault(f"takes no choices: {instead}")
    read_list = list_reader(text_reader(row.max_length), alike=label_key)

    def read(value: object) -> tuple[str, ...]:
        choices = read_list(value)
        if len(choices) < _MIN_CHOICES:
            raise fault("needs two choices at least")
        return choices

    return read


def list_reader(item: Reader[str], *, alike: Callable[[str], str] = str) -> Reader[tuple[str, ...]]:
    """Return a reader of lists, of which no two items are alike."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise fault("must be a list")
        faults = TomlFaults()
        items: dict[str, str] = {}
        for raw in value:
            with faults.at():
                text = item(raw)
                if alike(text) in items:
                    raise fault(f'"{text}" is repeated')
                items[alike(text)] = text
        return faults.check(tuple(items.values()))

    return read


def mapping_reader(reader: Callable[[Field], Reader[_T]]) -> Reader[Mapping[str, _T]]:
    """Return a reader of tables whose keys are fields."""

    def read(value: object) -> Mapping[str, _T]:
        if not isinstance(value, dict):
            raise fault("must be a table")
        faults = TomlFaults()
        values: dict[str, _T] = {}
        for name, raw in value.items():
            with faults.at(name):
                values[name] = reader(FIELDS[read_field_name(name)])(raw)
        return faults.check(MappingProxyType(values))

    return read


def read_field_name(value: object) -> str:
    """Read the name of a field."""
    if not isinstance(value, str):
        raise fault("must be a field's name in quotes")
    if value not in FIELDS:
        raise unknown("field", value, FIELDS)
    return value


read_field_names: Final = list_reader(read_field_name)


def read_fields(value: object) -> tuple[str, ...] | Literal["all"]:
    """Read "all", or a list of fields."""
    if value == "all":
        return "all"
    if not isinstance(value, list):
        raise fault('must be "all" or a list')
    return read_field_names(value)


def read_custom_text(value: object) -> str:
    """Read the name of a custom text."""
    row = FIELDS[read_field_name(value)]
    if row.kind is not FieldKind.TEXT or row.section is not Section.CUSTOM:
        raise fault(f'"{row.name}" is none of CustomText1 to CustomText6')
    return row.name


def read_label(value: object) -> str:
    """Read one label."""
    label = text_reader(FIELDS[LABELS].max_length)(value)
    if parse_labels((label,), caption="") != (label,):
        raise fault(f'"{label}" is not one label: it has a separator or begins with #')
    return label


read_labels: Final = list_reader(read_label, alike=label_key)


def read_origin(value: object) -> str:
    """Read an origin."""
    with suppress(ValueError):
        if isinstance(value, str):
            return parse_origin(value)
    raise fault(f'"{value}" is not an origin such as "https://example.ir"')


def read_address(value: object) -> str:
    """Read an absolute address."""
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    with suppress(ReadError):
        if match is not None and match[2].isprintable():
            return read_origin(match[1]) + quote(match[2], safe=string.punctuation)
    raise fault(f'"{value}" is not an address such as "https://example.ir/thanks"')


def read_accent(value: object) -> str:
    """Read a colour on which white text is legible."""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise fault('must be a colour such as "#0b6b57"')
    on_white = contrast(value, "#ffffff")
    if on_white < _MIN_CONTRAST:
        shown = math.floor(on_white * 10) / 10
        raise fault(f"white text on {value} has a contrast of {shown}:1; 4.5:1 is the least")
    return value.lower()


_DARK: Final = 0.04045  # WCAG 2.2, "relative luminance": up to here sRGB is linear


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours `#rrggbb`, 1 to 21, by WCAG 2.2's definition."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1, by WCAG 2.2's definition."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (
        math.pow((part + 0.055) / 1.055, 2.4) if part > _DARK else part / 12.92 for part in parts
    )
    return math.fsum(map(operator.mul, linear, (0.2126, 0.7152, 0.0722)))


def read_date(value: object) -> date:
    """Read a date, Gregorian or Jalali."""
    if type(value) is date and value.year >= FIRST_GREGORIAN_YEAR:  # a datetime is a date too
        value = value.isoformat()
    if isinstance(value, str):
        with suppress(InvalidText):
            day = parse_date(value)
            check_range(day, birth=False, today=day)
            return day
    raise fault('must be a date such as 2025-08-14 or "1404/05/23"')


def datetime_reader(*, is_end: bool) -> Reader[datetime]:
    """Return a reader of times in Iran; a day without a time means its beginning, or its end."""

    def read(value: object) -> datetime:
        match = (
            _DATE_AND_TIME.fullmatch(fold_digits(value).strip()) if isinstance(value, str) else None
        )
        with suppress(ReadError):
            if match:
                day = read_date(match[1])
                at = time(int(match[2] or 0), int(match[3] or 0), tzinfo=IRAN)
                ends_day = timedelta(days=is_end and match[2] is None)
                return datetime.combine(day, at) + ends_day
        raise fault('must be a day and a time in Iran, such as "1405/10/01 08:00"')

    return read


def refusing_reader(reason: str) -> Reader[Value]:
    """Return a reader that refuses every value for this reason."""

    def read(_: object) -> Value:
        raise fault(reason)

    return read


def fixed_value_reader(row: Field) -> Reader[Value]:
    """Return a reader of values of this field."""
    return _FIXED[row.kind](row)


_FIXED: Final[Mapping[FieldKind, Callable[[Field], Reader[Value]]]] = MappingProxyType(
    {
        FieldKind.MOBILE: lambda _: refusing_reader("cannot be fixed: each contact has its own"),
        FieldKind.EMAIL: lambda _: refusing_reader("cannot be fixed: each contact has its own"),
        FieldKind.LABELS: lambda _: refusing_reader(
            'cannot be fixed here: the key "labels" does it'
        ),
        FieldKind.TEXT: lambda row: text_reader(row.max_length),
        FieldKind.LINES: lambda row: text_reader(row.max_length, clean_lines),
        FieldKind.GENDER: lambda _: read_switch,
        FieldKind.ACTIVE: lambda _: read_switch,
        FieldKind.DATE: lambda _: read_date,
    }
)


# A TOML key, and the two kinds of lines that begin with one.
_KEY_PART: Final = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY: Final = rf"\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*"
_HEADER_LINE: Final = re.compile(rf"\s*\[+{_KEY}\]")
_VALUE_LINE: Final = re.compile(rf"{_KEY}=")


def _lines(text: str) -> Mapping[Keys, int]:
    """Return the line on which each key occurs first; approximate, since tomllib has no lines."""
    lines: dict[Keys, int] = {}
    header: Keys = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _HEADER_LINE.match(line):
            path = header = _split(match[1])
        elif match := _VALUE_LINE.match(line):
            path = (*header, *_split(match[1]))
        else:
            continue
        for depth in range(1, len(path) + 1):
            lines.setdefault(path[:depth], number)
    return lines


def _split(keys: str) -> Keys:
    return tuple(part.strip("\"'") for part in re.findall(_KEY_PART, keys))


def format_faults(faults: Iterable[TomlFault], text: str, source: str) -> Iterator[str]:
    """Yield the errors in the order of the file, each with its line, form and key."""
    lines = _lines(text)

    def line(path: Keys) -> int:
        return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 0)

    for path, reason in sorted(faults, key=lambda fault: line(fault[0])):
        place = f"{source}:{line(path)}" if line(path) else source
        message = ": ".join(filter(None, (place, ".".join(path), reason)))
        yield " ".join(message.split())  # a quoted value may contain line ends
