"""Reads Jalali and Gregorian dates, and formats them in Persian."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
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
_COMPACT_LENGTHS: Final = (6, 8)  # the former has a year of two digits
_YEAR_LENGTH: Final = 4
_MONTHS: Final = 12
FIRST_GREGORIAN_YEAR: Final = 1800
_FIRST_YEAR: Final = 1280
_LAST_YEAR: Final = 1500


def to_iran(time: datetime) -> datetime:
    """Return a time in UTC, without a time zone as databases hold it, as Iran's clocks show it."""
    return time.replace(tzinfo=UTC).astimezone(IRAN)


def parse_date(text: str) -> date:
    """Read a date from one text: «۱۳۶۹/۷/۱۵», `15/7/1369`, `13690715`, «یکشنبه ۱۵ مهر ۱۳۶۹».

    A year from 1800 on is Gregorian, one before it Jalali.

    Args:
        text: What was typed.

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

    Args:
        day: What was typed as the day.
        month: What was typed or chosen as the month.
        year: What was typed as the year; Gregorian from 1800 on, Jalali before.

    Raises:
        InvalidText: as `parse_date`, or if one or two of the parts are empty.
    """
    parts = {
        messages.DAY: _date_tokens(day),
        messages.MONTH: _date_tokens(month),
        messages.YEAR: _date_tokens(year),
    }
    missing = [name for name, tokens in parts.items() if not tokens]
    if 0 < len(missing) < len(parts):
        raise InvalidText(messages.DATE_PARTS_MISSING.format(parts=messages.AND.join(missing)))
    match list(parts.values()):
        case [[one_day], [one_month], [one_year]]:
            return _to_date(day=one_day, month=one_month, year=one_year)
        case _:
            raise InvalidText(messages.DATE_SHAPE)


def check_range(value: date, *, birth: bool, today: date) -> None:
    """Check a date's range: a birth from 1280 until today, another date from 1280 to 1500.

    Args:
        value: The date.
        birth: Whether it is a date of birth.
        today: The present day where the form is filled in.

    Raises:
        InvalidText: if the date lies outside.
    """
    if birth and value > today:
        raise InvalidText(messages.DATE_FUTURE_BIRTH)
    last_year = _jalali(today).year if birth else _LAST_YEAR
    if not _jalali_day(_FIRST_YEAR, 1, 1) <= value < _jalali_day(last_year + 1, 1, 1):
        first, last = persian_digits(_FIRST_YEAR), persian_digits(last_year)
        raise InvalidText(messages.DATE_YEAR_RANGE.format(first=first, last=last))


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
    named = month in _MONTH_NUMBERS
    # Length is checked before `int` sees the text: it refuses thousands of digits in its own way.
    if not (
        _DAY_OR_MONTH.fullmatch(day)
        and (named or _DAY_OR_MONTH.fullmatch(month))
        and _YEAR.fullmatch(year)
    ):
        raise InvalidText(messages.DATE_SHAPE)
    if len(year) < _YEAR_LENGTH:
        raise InvalidText(messages.DATE_TWO_DIGIT_YEAR)
    month_number = _MONTH_NUMBERS[month] if named else int(month)
    if not 1 <= month_number <= _MONTHS:
        raise InvalidText(messages.DATE_MONTH)
    if int(year) < FIRST_GREGORIAN_YEAR:
        return _jalali_day(int(year), month_number, int(day))
    if named:  # a Jalali month in a Gregorian year
        raise InvalidText(messages.DATE_JALALI_YEAR)
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
    return InvalidText(messages.DATE_DAY.format(month=month, **numbers))


@lru_cache(maxsize=4096)
def _jalali(value: date) -> JalaliDate:
    return JalaliDate(value)  # type: ignore[no-untyped-call] # as in `_jalali_day`
