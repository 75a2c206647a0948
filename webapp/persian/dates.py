"""Reads Jalali and Gregorian dates, and formats them in Persian."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from persiantools.jdatetime import MONTH_NAMES_FA, WEEKDAY_NAMES_FA, JalaliDate

from webapp import messages
from webapp.persian.text import (
    ZWNJ,
    InvalidText,
    is_punctuation,
    persian_digits,
    plain,
)

# Iran has kept this offset all year round since 1401.
IRAN: Final = timezone(timedelta(hours=3, minutes=30))

DATE_PARTS: Final = ("day", "month", "year")

JALALI_MONTHS: Final[tuple[str, ...]] = tuple(name for name in MONTH_NAMES_FA if name)

_MONTH_NUMBERS: Final = {name: number for number, name in enumerate(JALALI_MONTHS, start=1)} | {
    "امرداد": 5,
    "ابان": 8,
    "اذر": 9,
}
_MONTH_WORD: Final = "ماه"  # as in «مهرماه» and «مهر ماه»
_IGNORED_WORDS: Final = {name.replace(ZWNJ, "") for name in WEEKDAY_NAMES_FA} | {"سال"}
_SPACE_WITHIN_NAME: Final = re.compile(
    r"(?<=اردی)\s+(?=بهشت)|(?:(?<=یک|دو|سه)|(?<=پنج)|(?<=چهار))\s+(?=شنبه)"
)
_DATE_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+")
_DAY_OR_MONTH: Final = re.compile(r"\d{1,2}")
_YEAR: Final = re.compile(r"\d{1,3}|(?!0000)\d{4}")
# Length is checked before `int` sees a text: it refuses thousands of digits in its own way.
_SHAPES: Final[Mapping[str, Callable[[str], object]]] = MappingProxyType(
    {
        "day": _DAY_OR_MONTH.fullmatch,
        "month": lambda text: text in _MONTH_NUMBERS or _DAY_OR_MONTH.fullmatch(text),
        "year": _YEAR.fullmatch,
    }
)
_COMPACT_LENGTHS: Final = (6, 8)  # the former has a year of two digits
_YEAR_LENGTH: Final = 4
_MONTHS: Final = 12
FIRST_GREGORIAN_YEAR: Final = 1800
_FIRST_YEAR: Final = 1280
_LAST_YEAR: Final = 1500


def to_iran(time: datetime) -> datetime:
    """Return a time in UTC, without a time zone as databases hold it, as Iran's clocks show it."""
    return time.replace(tzinfo=UTC).astimezone(IRAN)


def today() -> date:
    """Return the current day in Iran."""
    return datetime.now(IRAN).date()


def midnight(day: date) -> datetime:
    """Return when a day begins in Iran, in UTC, without a time zone."""
    begin = datetime.combine(day, datetime.min.time(), IRAN)
    return begin.astimezone(UTC).replace(tzinfo=None)


def parse_date(text: str) -> date:
    """Read a date from one text: «۱۳۶۹/۷/۱۵», `15/7/1369`, `13690715`, «یکشنبه ۱۵ مهر ۱۳۶۹».

    A year from 1800 on is Gregorian, one before it Jalali.

    Raises:
        InvalidText: if it has no such shape, a year of two digits, or names no day there is.
    """
    match _date_tokens(text):
        case [run] if len(run) in _COMPACT_LENGTHS:
            return _to_date(day=run[-2:], month=run[-4:-2], year=run[:-4])
        case [_, _, _] as tokens:
            named = [place for place, token in enumerate(tokens) if token in _MONTH_NUMBERS]
            month = tokens.pop(named[0] if named else 1)
            year, day = sorted(tokens, key=len, reverse=True)  # of two alike, the first is the year
            return _to_date(day=day, month=month, year=year)
        case _:
            raise InvalidText(messages.DATE_SHAPE)


def parse_date_parts(day: str, month: str, year: str) -> date:
    """Read a date from three inputs; the month is a number or a Persian name.

    A year from 1800 on is Gregorian, one before it Jalali.

    Raises:
        InvalidText: as `parse_date`, or if parts are empty; with the parts that are wrong.
    """
    parts = dict(zip(DATE_PARTS, map(_part_token, (day, month, year)), strict=True))
    missing = [part for part, typed in parts.items() if typed == ""]
    if 0 < len(missing) < len(parts):
        raise _wrong_parts(messages.DATE_PARTS_MISSING, missing)
    wrong = [part for part, token in parts.items() if not _SHAPES[part](token)]
    if wrong:
        raise _wrong_parts(messages.DATE_PARTS_WRONG, wrong)
    return _to_date(**parts)


def _part_token(text: str) -> str:
    """Return the number or name in one part of a date; "" if it is empty, "?" if it is another."""
    try:
        tokens = _date_tokens(text)
    except InvalidText:
        return "?"
    return "?" if len(tokens) > 1 else "".join(tokens)


def _wrong_parts(message: str, parts: Sequence[str]) -> InvalidText:
    names = {"day": messages.DAY, "month": messages.MONTH, "year": messages.YEAR}
    named = messages.AND.join(names[part] for part in parts)
    return InvalidText(message.format(parts=named), parts=tuple(parts))


def check_range(value: date, *, birth: bool, today: date) -> None:
    """Check a date's range: a birth from 1280 until today, another date from 1280 to 1500.

    Raises:
        InvalidText: if the date lies outside.
    """
    if birth and value > today:
        raise InvalidText(messages.DATE_FUTURE_BIRTH, parts=(_first_later_part(value, today),))
    last_year = _jalali(today).year if birth else _LAST_YEAR
    if not _jalali_day(_FIRST_YEAR, 1, 1) <= value < _jalali_day(last_year + 1, 1, 1):
        first, last = persian_digits(_FIRST_YEAR), persian_digits(last_year)
        message = messages.DATE_YEAR_RANGE.format(first=first, last=last)
        raise InvalidText(message, parts=("year",))


def _first_later_part(value: date, today: date) -> str:
    """Return which part of a later date, as people read it, makes it the later one."""
    # Of two years the number does not matter, and JalaliDate knows none far away.
    one, other = _jalali(min(value, today + timedelta(days=400))), _jalali(today)
    if one.year != other.year:
        return "year"
    return "month" if one.month != other.month else "day"


def date_in_words(value: date) -> str:
    """Return a date in words, «یکشنبه ۱۵ مهر ۱۳۶۹».

    Raises:
        ValueError: outside the Jalali years 1 to 9377; `check_range` keeps dates well within.
    """
    jalali = _jalali(value)
    weekday, month = WEEKDAY_NAMES_FA[jalali.weekday()], JALALI_MONTHS[jalali.month - 1]
    return persian_digits(f"{weekday} {jalali.day} {month} {jalali.year}")


def jalali_slashes(value: date) -> str:
    """Return a date in digits, «۱۳۶۹/۷/۱۵».

    Raises:
        ValueError: as `date_in_words`.
    """
    jalali = _jalali(value)
    return persian_digits(f"{jalali.year}/{jalali.month}/{jalali.day}")


def day_and_month(value: date) -> str:
    """Return a date without its year, «۱۵ مهر».

    Raises:
        ValueError: as `date_in_words`.
    """
    jalali = _jalali(value)
    return persian_digits(f"{jalali.day} {JALALI_MONTHS[jalali.month - 1]}")


def jalali_iso(value: date) -> str:
    """Return a Jalali date for programs, in the shape of ISO 8601: `1369-07-15`.

    Raises:
        ValueError: as `date_in_words`.
    """
    return _jalali(value).isoformat()


def first_of_week(value: date) -> date:
    """Return the Saturday on or before a date: weeks in Iran begin on it."""
    return value - timedelta(days=_jalali(value).weekday())


def _date_tokens(text: str) -> list[str]:
    """Return the numbers and the month's name of a date, without weekday and punctuation."""
    words = _SPACE_WITHIN_NAME.sub("", plain(text))
    if not all(map(is_punctuation, _DATE_TOKEN.sub("", words))):
        raise InvalidText(messages.DATE_SHAPE)
    tokens = (token.removesuffix(_MONTH_WORD) for token in _DATE_TOKEN.findall(words))
    return [token for token in tokens if token and token not in _IGNORED_WORDS]


def _to_date(*, day: str, month: str, year: str) -> date:
    """Return the date of a day, a month's number or name, and a year."""
    parts = {"day": day, "month": month, "year": year}
    if not all(fits(parts[part]) for part, fits in _SHAPES.items()):
        raise InvalidText(messages.DATE_SHAPE)
    named = month in _MONTH_NUMBERS
    if len(year) < _YEAR_LENGTH:
        raise InvalidText(messages.DATE_TWO_DIGIT_YEAR, parts=("year",))
    month_number = _MONTH_NUMBERS[month] if named else int(month)
    if not 1 <= month_number <= _MONTHS:
        raise InvalidText(messages.DATE_MONTH, parts=("month",))
    if int(year) < FIRST_GREGORIAN_YEAR:
        return _jalali_day(int(year), month_number, int(day))
    if named:  # a Jalali month in a Gregorian year
        raise InvalidText(messages.DATE_JALALI_YEAR, parts=("year",))
    return _gregorian_day(int(year), month_number, int(day))


@lru_cache(maxsize=4096)
def _jalali_day(year: int, month: int, day: int) -> date:
    if not 1 <= day <= JalaliDate.days_in_month(month, year):
        raise _no_such_day(JALALI_MONTHS[month - 1], year, day)
    # persiantools types its methods, not its constructor.
    return JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]


def _gregorian_day(year: int, month: int, day: int) -> date:
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise _no_such_day(messages.GREGORIAN_MONTHS[month - 1], year, day)
    return date(year, month, day)


def _no_such_day(month: str, year: int, day: int) -> InvalidText:
    numbers = {"year": persian_digits(year), "n": persian_digits(day)}
    return InvalidText(messages.DATE_DAY.format(month=month, **numbers), parts=("day",))


@lru_cache(maxsize=4096)
def _jalali(value: date) -> JalaliDate:
    return JalaliDate(value)  # type: ignore[no-untyped-call] # as in `_jalali_day`
