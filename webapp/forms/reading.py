"""Reads the text of a field: a pure function of its row in the field table and the text.

The form's inputs and everything else that takes contacts as text call it. Each function raises
`InvalidText`, whose message is finished Persian.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from webapp import messages, persian
from webapp.contact import EMPTY, EMPTY_VALUES, Field, FieldKind, Value
from webapp.persian import Check, InvalidText, label_key, plain

# The values of a gender's input, and what each one means.
GENDERS: Final[Mapping[str, bool | None]] = MappingProxyType(
    {"false": False, "true": True, "": None}
)
# The values of a checkbox that mean "not ticked", besides its absence.
FALSE_VALUES: Final = (False, "false", "False", "FALSE", "0", "off", "no", "")


def read_value(row: Field, text: str, *, check: Check | None = None) -> Value:
    """Return the value of a field's text; the empty value if there is no text.

    Raises:
        InvalidText: if the text is invalid.
    """
    if not persian.strip_invisible(text):
        return EMPTY[row.kind]
    match row.kind:
        case FieldKind.DATE:
            return read_date(row, text)
        case FieldKind.LABELS:
            return read_labels(row, (text,))
        case FieldKind.GENDER:
            return _read_gender(row, text)
        case FieldKind.ACTIVE:
            return text not in FALSE_VALUES
        case _:
            return read_text(row, text, check=check)


def read_text(row: Field, text: str, *, check: Check | None = None) -> str:
    """Return the normalised text of a mobile number, an email address or a text field.

    Raises:
        InvalidText: if it is invalid or too long.
    """
    read = _TEXT_READERS[row.kind](row, text)
    if row.choices:
        return _chosen(row, read)
    if not check:
        return read
    return _within_limit(row, persian.check_text(check, read, caption=row.subject))


def _read_mobile(row: Field, text: str) -> str:
    mobile = persian.parse_mobile(text)
    _within_limit(row, text)  # last: its own message says more
    return mobile


_TEXT_READERS: Final[Mapping[FieldKind, Callable[[Field, str], str]]] = MappingProxyType(
    {
        FieldKind.MOBILE: _read_mobile,
        FieldKind.EMAIL: lambda row, text: persian.parse_email(
            _within_limit(row, persian.strip_invisible(text))
        ),
        FieldKind.TEXT: lambda row, text: _within_limit(
            row, persian.clean_line(text, caption=row.subject)
        ),
        FieldKind.LINES: lambda row, text: _within_limit(
            row, persian.clean_lines(text, caption=row.subject)
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
    return persian.parse_labels(texts, caption=row.subject)


def _chosen(row: Field, text: str) -> str:
    chosen = (choice for choice in row.choices if label_key(choice) == label_key(text))
    if choice := next(chosen, ""):
        return choice
    raise InvalidText(messages.BAD_CHOICE.format(caption=row.subject))


def _read_gender(row: Field, text: str) -> bool | None:
    if text not in GENDERS:
        raise InvalidText(messages.BAD_CHOICE.format(caption=row.subject))
    return GENDERS[text]


def require_value(row: Field, value: Value) -> None:
    """Check that a required field has a value.

    Raises:
        InvalidText: if it is empty.
    """
    if value in EMPTY_VALUES:
        is_chosen = row.kind in (FieldKind.GENDER, FieldKind.LABELS) or row.choices
        message = (
            messages.BAD_CHOICE
            if row.kind is FieldKind.GENDER or row.choices
            else messages.REQUIRED
        )
        if row.asks and is_chosen:
            message = messages.CHOOSE_SOME if row.kind is FieldKind.LABELS else messages.CHOOSE_ONE
        raise InvalidText(message.format(caption=row.subject))


def _within_limit(row: Field, text: str) -> str:
    if len(text) > row.max_length:
        limit = persian.persian_digits(row.max_length)
        raise InvalidText(messages.TOO_LONG.format(caption=row.subject, n=limit))
    return text


def _within_range(row: Field, value: date) -> date:
    persian.check_range(value, birth=row.in_past, today=persian.today())
    return value


_IN_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^]]*\]|\{[^}]*\}")
# Spaces, half-spaces, punctuation, and where a small letter stands before a capital one.
_WORD_ENDS: Final = re.compile(r"[\W_\u200c]+|(?<=[a-z])(?=[A-Z])")
_LETTERS: Final = str.maketrans("ةؤ", "هو")


def spelling_key(text: str) -> str:
    """Return a key that is equal for spellings of one word.

    It keeps only letters and digits, without hamza and madda and without letter case.
    """
    letters = unicodedata.normalize("NFD", plain(text)).translate(_LETTERS).casefold()
    return "".join(char for char in letters if char.isalnum())


def caption_words(caption: str) -> list[str]:
    """Return the words of a caption, each as `spelling_key` spells it: `full_name`, «ش.موبایل»."""
    apart = _WORD_ENDS.sub(" ", unicodedata.normalize("NFC", caption))
    return [key for word in apart.split() if (key := spelling_key(word))]


def without_brackets(text: str) -> str:
    """Return a caption without remarks in brackets, «موبایل (اجباری)»."""
    return _IN_BRACKETS.sub(" ", plain(text))


def _keys(words: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    keys = {spelling_key(word): value for value, spelled in words.items() for word in spelled}
    return MappingProxyType(keys)


# By `spelling_key`: the value of the form's input.
GENDER_WORDS: Final = _keys(
    {
        "false": (
            *("زن", "خانم", "خانوم", "بانو", "مؤنث", "دختر", "سرکار خانم", "خ"),
            *("false", "female", "f", "woman", "girl", "mrs", "ms", "miss"),
        ),
        "true": (
            *("مرد", "آقا", "آقای", "مذکر", "پسر", "جناب آقای", "آ"),
            *("true", "male", "m", "man", "boy", "mr"),
        ),
        "": ("نمی‌خواهم بگویم", "نامشخص", "نامعلوم", "unknown", "unspecified"),
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


@dataclass(frozen=True, slots=True)
class CaptionRule:
    """A rule for captions: words of which one occurs, none does, and one comes first."""

    some: frozenset[str]
    none: frozenset[str]
    first: frozenset[str] = frozenset()

    def fits(self, words: Sequence[str]) -> bool:
        """Return whether a caption of these words names the field."""
        starts = not self.first or (words[:1] and words[0] in self.first)
        return bool(starts and self.some.intersection(words)) and self.none.isdisjoint(words)


def _words(some: str, none: str = "", *, first: str = "") -> CaptionRule:
    def keys(text: str) -> frozenset[str]:
        return frozenset(map(spelling_key, text.split()))

    return CaptionRule(keys(some), keys(none), keys(first))


_OTHERS: Final = "کد شماره تلفن تماس code id number phone tel fax فکس نمابر"
_PERSONS: Final = (
    "مشترک خریدار مشتری مخاطب عضو بیمار متقاضی شخص فرد کاربر پرسنل کارمند دانشجو هنرجو "
    "دانشآموز کامل customer client contact buyer subscriber member user person full whole"
)
# Captions by their words, where no spelling fits: «شماره تلفن همراه مشترک».
CAPTION_RULES: Final[Mapping[str, tuple[CaptionRule, ...]]] = MappingProxyType(
    {
        "Mobile": (
            _words("موبایل همراه گوشی mobile cell cellphone", "نام تعداد مدل name model count"),
            _words("تلفن تماس phone tel", "ثابت منزل خانه محل فکس شرکت نام کد home work fax name"),
        ),
        "LName": (
            _words("خانوادگی فامیلی فامیل surname lastname last family", _OTHERS),
            _words(_PERSONS, f"{_OTHERS} کوچک شرکت first given", first="نام اسم name full whole"),
            _words("name", f"{_OTHERS} first given user company", first=_PERSONS),
        ),
        "FName": (_words("کوچک first given forename", f"{_OTHERS} خانوادگی last family"),),
        "GenderType": (_words("جنسیت gender sex"),),
        "Email": (_words("ایمیل رایانامه email mail الکترونیک الکترونیکی", "نام تأیید"),),
        "BornDate": (_words("تولد birth birthday birthdate", "محل شهر شماره place city"),),
        "AnniversaryDate": (_words("سالگرد anniversary"),),
        "CityName": (_words("شهر city", f"{_OTHERS} تولد birth"),),
        "AddressText": (
            _words(
                "آدرس نشانی address",
                f"{_OTHERS} ایمیل الکترونیک الکترونیکی سایت وب email web",
            ),
        ),
        "JobTitle": (_words("شغل شغلی سمت job", f"{_OTHERS} آدرس نشانی"),),
        "CompanyTitle": (
            _words("شرکت سازمان company organization", f"{_OTHERS} آدرس نشانی سمت address"),
        ),
        "Labels": (_words("برچسب گروه label labels group tag tags", f"{_OTHERS} خون blood"),),
    }
)

# First words of rows that are no contacts, as `spelling_key` spells them.
TOTAL_WORDS: Final = frozenset(
    spelling_key(word)
    for word in (
        *("جمع", "مجموع", "میانگین", "توضیح", "توضیحات", "یادداشت", "تذکر"),
        *("total", "sum", "note", "notes"),
    )
)
