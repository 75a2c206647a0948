"""Persian text as people type and paste it: digits, text, mobile numbers, Jalali dates, labels.

Functions without side effects. One that cannot make sense of its text raises `InvalidText`, whose
message is finished Persian for the person who typed it.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import date
from functools import lru_cache
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final

from persiantools import digits
from persiantools.jdatetime import MONTH_NAMES_FA, WEEKDAY_NAMES_FA, JalaliDate

from webapp import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class InvalidText(ValueError):
    """A text that cannot be taken; `args[0]` tells the person why, in Persian."""


# --- Digits ---------------------------------------------------------------------------------------

_DIGIT: Final = re.compile(r"\d")


def fold_digits(text: str) -> str:
    """Return the text with the decimal digits of every script as ASCII digits."""
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def persian_digits(value: object) -> str:
    """Return `str(value)` with its ASCII digits as Persian ones, for prose."""
    return digits.en_to_fa(str(value))


# --- Text -----------------------------------------------------------------------------------------

_ZWNJ: Final = "\u200c"

# NUL, lone surrogates, and what a decoder puts in place of bytes that are no text.
_BAD_CHARACTER: Final = re.compile("[\0\ud800-\udfff\ufffd]")

# Contextual letter shapes, as old PDF files and systems store them. The block from U+FC00 is left
# out: its ligatures, ﷺ among them, stand for whole phrases.
_PRESENTATION_FORMS: Final = re.compile("[\ufb50-\ufbff\ufe70-\ufefc]+")

# Tatweel, soft hyphen, bidi controls, zero-width space and joiner, word joiner and its kin, BOM.
_INVISIBLE: Final = re.compile(
    "[\u0640\u00ad\u061c\u200b\u200d-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_MEANINGLESS_CATEGORIES: Final = frozenset({"Cc", "Co", "Cn"})  # control, private use, unassigned

# This block is set aside for emoji; what Python takes for unassigned here is a newer emoji.
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff]")

# Unicode's stream-safe bound on the marks of one letter (UAX 15); beyond it lies no language.
_MOST_MARKS: Final = 30

_PERSIAN_LETTERS: Final = str.maketrans("يىك", "ییک")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def clean_line(text: str, *, label: str) -> str:
    """Normalise a text of one line: a name, a company, a city.

    Letters become Persian ones, invisible characters go, white space is one space.

    Args:
        text: What was typed.
        label: The field's label, for the message.

    Raises:
        InvalidText: if the text has a NUL, a lone surrogate or the mark of a broken encoding.
    """
    return " ".join(_checked(text, label).split())


def clean_lines(text: str, *, label: str) -> str:
    r"""Normalise a text of several lines: an address.

    Each line is treated as by `clean_line`. Lines end in `\n`; at most one blank line stays between
    two others, none at the ends.

    Args:
        text: What was typed.
        label: The field's label, for the message.

    Raises:
        InvalidText: as `clean_line`.
    """
    lines = (" ".join(line.split()) for line in _checked(text, label).splitlines())
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def strip_invisible(text: str) -> str:
    """Drop what cannot be seen, fold digits to ASCII, trim: for email, mobile and dates.

    NUL and broken characters stay, for the field's own check to refuse.
    """
    if not text:
        return text  # as most of what a form asks for
    return fold_digits(_without_invisible(text).replace(_ZWNJ, "")).strip()


def comparison_key(text: str) -> str:
    """Return what texts have in common that differ in spelling alone.

    White space, invisible characters, and the form of letters and digits do not count.
    """
    return "".join(_plain(text).split())


def _checked(text: str, label: str) -> str:
    if _BAD_CHARACTER.search(text):
        raise InvalidText(messages.BAD_CHARACTER.format(label=label))
    return _normalised(text)


def _normalised(text: str) -> str:
    """Normalise everything but white space, in the one order that works.

    What is dropped goes before NFC, as it may stand between a letter and its hamza. Letters are
    folded after NFC: «ی» for «ي» no longer joins its hamza to «ئ».
    """
    text = _PRESENTATION_FORMS.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    text = _without_invisible(text).replace("¬", _ZWNJ)
    text = _composed(_with_joiners_between_letters(text))
    return text.translate(_PERSIAN_LETTERS)


def _without_invisible(text: str) -> str:
    return _without(_is_invisible, text)


@lru_cache(maxsize=4096)  # a text has few different characters, and so have all texts
def _is_invisible(char: str) -> bool:
    """Tell whether a character is dropped; white space and bad characters have own rules."""
    if char.isspace() or _BAD_CHARACTER.match(char) or _EMOJI.match(char):
        return False
    return bool(_INVISIBLE.match(char)) or unicodedata.category(char) in _MEANINGLESS_CATEGORIES


def _without(unwanted: Callable[[str], bool], text: str) -> str:
    """Drop the unwanted characters, asking once about each that occurs."""
    return text.translate({ord(char): None for char in set(text) if unwanted(char)})


def _with_joiners_between_letters(text: str) -> str:
    """Keep one ZWNJ between two letters, none elsewhere; a letter's marks belong to the letter."""
    if _ZWNJ not in text:
        return text
    kept: list[str] = []
    after_letter = joiner = False
    for char in text:
        if char == _ZWNJ:
            joiner = True
            continue
        if joiner and after_letter and char.isalpha():
            kept.append(_ZWNJ)
        joiner = False
        kept.append(char)
        if not _is_mark(char):
            after_letter = char.isalpha()
    return "".join(kept)


def _composed(text: str) -> str:
    """Return the text in NFC, whose time is quadratic in the marks that stand in a row.

    The marks are counted again after it: it takes some of them apart.
    """
    return _with_few_marks(unicodedata.normalize("NFC", _with_few_marks(text)))


def _with_few_marks(text: str) -> str:
    if len(text) <= _MOST_MARKS:
        return text
    runs = groupby(text, key=_is_mark)
    return "".join(
        char for marks, run in runs for char in islice(run, _MOST_MARKS if marks else None)
    )


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


# --- What mobile numbers and dates share ----------------------------------------------------------

# Dashes, brackets, quotes, underscores; then what shares its category with other signs: dots,
# commas, slashes, the Arabic date separator, the minus sign.
_PUNCTUATION_CATEGORIES: Final = frozenset({"Pd", "Ps", "Pe", "Pi", "Pf", "Pc"})
_PUNCTUATION: Final = frozenset(".·•۔,،٫٬/\\⁄∕؍−⁃'\"")
_FULL_WIDTH: Final = {ord("！") + offset: ord("!") + offset for offset in range(94)}


def _plain(text: str) -> str:
    """Return the text normalised, with ASCII digits and ASCII punctuation, nothing invisible."""
    return strip_invisible(_normalised(text)).translate(_FULL_WIDTH)


def _is_punctuation(char: str) -> bool:
    """Tell whether people put this character between the groups of a number or a date."""
    return (
        char.isspace()
        or char in _PUNCTUATION
        or unicodedata.category(char) in _PUNCTUATION_CATEGORIES
    )


# --- Mobile numbers -------------------------------------------------------------------------------

_MOBILE_LENGTH: Final = 11
_MOBILE: Final = re.compile(r"09\d{9}")
# With the area's code, with it but without its zero, and without it.
_LANDLINE: Final = re.compile(r"0[1-8]\d{6,9}|[1-8]\d{9}|[2-8]\d{7}")
_INTERNATIONAL: Final = re.compile(r"(?:\++(?:00)?|00)(?P<rest>[1-9]\d*)")
_IRAN: Final = "98"
_EXTENSION: Final = re.compile(r"(?<=[\d+])(?:;?ext(?:n|ension)?|x|#|داخلی?)[:=#]?\d+$")
_DIGITS: Final = re.compile(r"\d+")
_WHOLE_NUMBER: Final = 8  # digits in a row: a landline's, the shortest number people write
_TWO_NUMBERS: Final = 20  # digits: no number has more than 15 (E.164), and two mobiles have 20


def parse_mobile(text: str) -> str:
    """Read an Iranian mobile number in any spelling that people and phone books use.

    Any `09` and nine digits will do: lists of operators' prefixes age and refuse real people.

    Args:
        text: What was typed.

    Returns:
        The number as `09xxxxxxxxx`.

    Raises:
        InvalidText: if it is empty, several numbers, not a number, foreign, a landline, of the
            wrong length, or has an extension.
    """
    spelled = _plain(text).casefold().removeprefix("tel:")
    if _holds_several(spelled):
        raise InvalidText(messages.MOBILE_SEVERAL)
    compact = _without(_is_punctuation, spelled)
    number = _EXTENSION.sub("", compact)
    mobile = _checked_mobile(_national(number))
    if number != compact:
        raise InvalidText(messages.MOBILE_EXTENSION)
    return mobile


def _holds_several(text: str) -> bool:
    """Tell several numbers from the groups of one, whatever stands between them."""
    lengths = [len(run) for run in _DIGITS.findall(text)]
    whole = sum(length >= _WHOLE_NUMBER for length in lengths)
    return whole > 1 or (len(lengths) > 1 and sum(lengths) >= _TWO_NUMBERS)


def _national(number: str) -> str:
    """Return the number as it is dialled within Iran, from digits and perhaps a plus."""
    if number.endswith("+"):  # pasted into right-to-left text, a plus moves to the end
        number = "+" + number.strip("+")
    local = number.lstrip("+")
    if not local:
        raise InvalidText(messages.MOBILE_EMPTY)
    if not _DIGITS.fullmatch(local):
        raise InvalidText(messages.MOBILE_LETTERS)
    if international := _INTERNATIONAL.fullmatch(number):
        return _without_country_code(international["rest"])
    if local.startswith(_IRAN) and len(local) >= _MOBILE_LENGTH:
        return _without_country_code(local)
    if local.startswith("9") and len(local) == _MOBILE_LENGTH - 1:
        return "0" + local
    return local


def _without_country_code(number: str) -> str:
    if not number.startswith(_IRAN):
        raise InvalidText(messages.MOBILE_FOREIGN)
    rest = number.removeprefix(_IRAN)
    if not rest:
        raise InvalidText(messages.MOBILE_EMPTY)
    return "0" + rest.removeprefix("0")


def _checked_mobile(number: str) -> str:
    if _MOBILE.fullmatch(number):
        return number
    if _LANDLINE.fullmatch(number):
        raise InvalidText(messages.MOBILE_LANDLINE)
    if len(number) < _MOBILE_LENGTH:
        raise InvalidText(messages.MOBILE_SHORT.format(n=persian_digits(len(number))))
    if len(number) > _MOBILE_LENGTH:
        raise InvalidText(messages.MOBILE_LONG)
    raise InvalidText(messages.MOBILE_FOREIGN)  # eleven digits that begin as no Iranian number does


# --- Dates ----------------------------------------------------------------------------------------

JALALI_MONTHS: Final[tuple[str, ...]] = tuple(name for name in MONTH_NAMES_FA if name)

_MONTH_NUMBERS: Final = {name: number for number, name in enumerate(JALALI_MONTHS, start=1)} | {
    "امرداد": 5,
    "ابان": 8,
    "اذر": 9,
}
_MONTH_WORD: Final = "ماه"  # as in «مهرماه» and «مهر ماه»
_IDLE_WORDS: Final = {name.replace(_ZWNJ, "") for name in WEEKDAY_NAMES_FA} | {"سال"}
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
    """Refuse a date that no field means: a birth before 1280 or to come, another beyond 1280-1500.

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
    """Return a date in figures, «۱۳۶۹/۷/۱۵».

    Raises:
        ValueError: as `date_in_words`.
    """
    jalali = _jalali(value)
    return persian_digits(f"{jalali.year}/{jalali.month}/{jalali.day}")


def _date_tokens(text: str) -> list[str]:
    """Return a date's numbers and its month's name, without what else people write in a date."""
    plain = _SPACE_WITHIN_NAME.sub("", _plain(text))
    if not all(map(_is_punctuation, _DATE_TOKEN.sub("", plain))):
        raise InvalidText(messages.DATE_SHAPE)
    tokens = (token.removesuffix(_MONTH_WORD) for token in _DATE_TOKEN.findall(plain))
    return [token for token in tokens if token and token not in _IDLE_WORDS]


def _to_date(*, day: str, month: str, year: str) -> date:
    """Return the day that two numbers and a month's number or name stand for."""
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
    figures = {"year": persian_digits(year), "n": persian_digits(day)}
    return InvalidText(messages.DATE_DAY.format(month=month, **figures))


def _jalali(value: date) -> JalaliDate:
    return JalaliDate(value)  # type: ignore[no-untyped-call] # as in `_jalali_day`


# --- Labels ---------------------------------------------------------------------------------------

_LABEL_SEPARATOR: Final = re.compile("[,;|،؛，；｜﹐﹔]")
_LABEL_MARKS: Final = "#＃﹟ "
MOST_LABELS: Final = 20
_LONGEST_LABEL: Final = 50


def label_key(label: str) -> str:
    """Return what labels that count as the same have in common."""
    return label.replace(_ZWNJ, "").casefold()


def split_labels(text: str, *, label: str) -> tuple[str, ...]:
    """Read labels from one text, as `parse_labels` does from several."""
    return parse_labels((text,), label=label)


def parse_labels(texts: Iterable[str], *, label: str) -> tuple[str, ...]:
    """Read labels from texts in which separators or line ends part them.

    Each is normalised as by `clean_line` and loses its leading `#`. Of labels that differ in case
    or ZWNJ alone, the first stays.

    Args:
        texts: What was ticked and typed.
        label: The field's label, for the message.

    Raises:
        InvalidText: if there are more than 20 labels, one has more than 50 code points, or a
            character is bad.
    """
    found: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            # Cleaned first: normalising turns some characters, such as U+037E, into separators.
            for piece in _LABEL_SEPARATOR.split(clean_line(line, label=label)):
                if name := piece.strip(" ").lstrip(_LABEL_MARKS):
                    found.setdefault(label_key(name), name)
    if too_long := next((name for name in found.values() if len(name) > _LONGEST_LABEL), None):
        raise InvalidText(messages.LABEL_TOO_LONG.format(label=too_long))
    if len(found) > MOST_LABELS:
        raise InvalidText(messages.LABELS_TOO_MANY)
    return tuple(found.values())
