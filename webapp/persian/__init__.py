"""Reads Persian labels, names, email addresses and codes; and formats text, numbers and dates."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from email_validator import EmailNotValidError, validate_email

from webapp import messages
from webapp.messages import COMMA
from webapp.persian.dates import (
    DATE_PARTS,
    FIRST_GREGORIAN_YEAR,
    IRAN,
    JALALI_MONTHS,
    check_range,
    date_in_words,
    day_and_month,
    first_of_week,
    jalali_iso,
    jalali_slashes,
    midnight,
    parse_date,
    parse_date_parts,
    to_iran,
    today,
)
from webapp.persian.text import (
    ZWNJ,
    InvalidText,
    clean_line,
    clean_lines,
    comparison_key,
    fold_digits,
    is_punctuation,
    parse_mobile,
    persian_digits,
    persian_number,
    plain,
    search_key,
    sort_key,
    strip_invisible,
    without,
)

__all__ = [
    "CITIES",
    "DATE_PARTS",
    "FIRST_GREGORIAN_YEAR",
    "IRAN",
    "JALALI_MONTHS",
    "MAX_LABELS",
    "Check",
    "InvalidText",
    "check_range",
    "check_text",
    "clean_line",
    "clean_lines",
    "comparison_key",
    "date_in_words",
    "day_and_month",
    "divide_line",
    "divide_name",
    "first_of_week",
    "fold_digits",
    "jalali_iso",
    "jalali_slashes",
    "label_key",
    "labels_as_typed",
    "midnight",
    "parse_date",
    "parse_date_parts",
    "parse_email",
    "parse_labels",
    "parse_mobile",
    "persian_digits",
    "persian_number",
    "plain",
    "search_key",
    "sort_key",
    "spelling_key",
    "strip_invisible",
    "suggest_email",
    "to_iran",
    "today",
]


_LABEL_SEPARATOR: Final = re.compile("[,;|،؛，；｜﹐﹔]")
_LABEL_MARKS: Final = "#＃﹟ "
MAX_LABELS: Final = 20
_MAX_LABEL_LENGTH: Final = 50


def label_key(label: str) -> str:
    """Return a key that is equal for labels that count as the same."""
    return label.replace(ZWNJ, "").casefold()


def spelling_key(label: str) -> str:
    """Return a key that is equal for labels that people read as the same.

    They differ only in letter case, white space, ZWNJ and other invisible characters, or in the
    forms of letters and digits.
    """
    return comparison_key(label).casefold()


def labels_as_typed(texts: Iterable[str]) -> frozenset[str]:
    """Return the labels in texts as they were typed, without normalising them."""
    lines = (line for text in texts for line in text.splitlines())
    return frozenset(piece.strip() for line in lines for piece in _LABEL_SEPARATOR.split(line))


def parse_labels(texts: Iterable[str], *, caption: str) -> tuple[str, ...]:
    """Read labels from texts, divided by separators or line ends.

    Each one is normalised as by `clean_line`, without leading `#`. Of labels that differ only in
    case or ZWNJ, the first one counts.

    Raises:
        InvalidText: if there are more than 20 labels, one has more than 50 code points, or a
            character is bad.
    """
    labels: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            # Cleaned first: normalising turns some characters, such as U+037E, into separators.
            for piece in _LABEL_SEPARATOR.split(clean_line(line, caption=caption)):
                if name := piece.strip(" ").lstrip(_LABEL_MARKS):
                    labels.setdefault(label_key(name), name)
    if too_long := next((name for name in labels.values() if len(name) > _MAX_LABEL_LENGTH), None):
        raise InvalidText(messages.LABEL_TOO_LONG.format(label=too_long))
    if len(labels) > MAX_LABELS:
        raise InvalidText(messages.LABELS_TOO_MANY)
    return tuple(labels.values())


def divide_name(name: str) -> tuple[str, str]:
    """Return first and family name of a whole name: «سید علی», «محمد رضا» stay together."""
    words = name.split()
    count = 1
    while count < len(words) - 1 and (
        words[count - 1] in _BEFORE_NAMES or (words[count - 1], words[count]) in _DOUBLE_NAMES
    ):
        count += 1
    return " ".join(words[:count]), " ".join(words[count:])


_BEFORE_NAMES: Final = frozenset(
    {
        *("سید", "سیده", "میر", "حاج", "حاجی", "شیخ", "دکتر", "مهندس"),
        *("خانم", "آقا", "آقای", "جناب", "سرکار"),
    }
)
_DOUBLE_NAMES: Final = frozenset(
    {
        *(("محمد", it) for it in ("رضا", "علی", "حسین", "حسن", "مهدی", "امین", "جواد", "صادق")),
        *(("امیر", it) for it in ("حسین", "علی", "رضا", "محمد", "عباس", "مهدی")),
        *(("علی", it) for it in ("رضا", "اکبر", "اصغر", "محمد")),
        *(("غلام", it) for it in ("رضا", "حسین", "علی")),
        *(
            ("عبد", "الله"),
            ("حسین", "علی"),
            ("فاطمه", "زهرا"),
            ("ام", "البنین"),
            ("نازنین", "زهرا"),
        ),
    }
)


class DividedLine(NamedTuple):
    """The parts of a line: the mobile number, first and family name, and what else it has."""

    mobile: str
    names: tuple[str, str]
    rest: str


# With spaces, signs and direction marks between the digits.
_MARKS: Final = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NUMBER: Final = re.compile(rf"[+(]*\d(?:[\d\s()+./_\-\u2010-\u2015{_MARKS}]*[\d)+])?")
_MAX_LINE: Final = 200  # characters: it takes quadratic time
_SEPARATOR: Final = re.compile(r"[\t\r\n,;:|()\[\]،؛]|\s[-\u2010-\u2015]\s")
_EDGES: Final = f" \u00a0-\u2010\u2011\u2012\u2013\u2014\u2015/{_MARKS}"


def divide_line(text: str) -> DividedLine | None:
    """Return the parts of a line such as «سارا احمدی ۰۹۱۲۱۲۳۴۵۶۷»; None if it is no such line.

    It has one mobile number, no other digit, and a name before the number or after it.
    """
    if len(text) > _MAX_LINE:
        return None
    numbers = list(_NUMBER.finditer(fold_digits(text)))
    if len(numbers) != 1:
        return None
    try:
        mobile = parse_mobile(numbers[0][0])
    except InvalidText:
        return None
    before, after = _parts(text[: numbers[0].start()]), _parts(text[numbers[0].end() :])
    parts, rest = (before, after) if before else (after, before)
    if not parts or "@" in parts[0]:
        return None
    # Two cells: «علی», «رضایی»; or a whole name and something else: «علی رضایی», «تهران».
    names, count = divide_name(" ".join(parts[:2])), 2
    if names[0] != parts[0]:
        names, count = divide_name(parts[0]), 1
    return DividedLine(mobile, names, COMMA.join([*parts[count:], *rest]))


def _parts(text: str) -> list[str]:
    parts = (part.strip(_EDGES) for part in _SEPARATOR.split(text))
    return [part for part in parts if strip_invisible(part)]


# Those with some 150,000 inhabitants and more, and the capitals of the provinces.
CITIES: Final = (
    *("تهران", "مشهد", "اصفهان", "کرج", "شیراز", "تبریز", "قم", "اهواز", "کرمانشاه"),
    *("ارومیه", "رشت", "زاهدان", "همدان", "کرمان", "یزد", "اردبیل", "بندرعباس", "اراک"),
    *("اسلام‌شهر", "زنجان", "سنندج", "قزوین", "خرم‌آباد", "گرگان", "ساری", "شهریار", "قدس"),
    *("کاشان", "ملارد", "دزفول", "نیشابور", "بابل", "خمینی‌شهر", "سبزوار", "آمل", "پاکدشت"),
    *("نجف‌آباد", "بروجرد", "آبادان", "قرچک", "بجنورد", "ورامین", "بوشهر", "ساوه"),
    *("قائم‌شهر", "سیرجان", "خوی", "مهاباد", "ایلام", "شهرکرد", "سمنان", "یاسوج", "بیرجند"),
    *("شاهرود", "مرودشت", "بندر ماهشهر", "مراغه", "رفسنجان", "گنبد کاووس", "شاهین‌شهر"),
)


class Check(enum.StrEnum):
    """The name of a check, as `forms.toml` has it."""

    NATIONAL_CODE = "national-code"
    POSTAL_CODE = "postal-code"
    LANDLINE = "landline"
    DIGITS = "digits"


_NATIONAL_CODE: Final = re.compile(r"(?!(\d)\1{9})\d{10}")  # ten equal digits are no code
_POSTAL_CODE: Final = re.compile(r"[1-9]\d{9}")
_LANDLINE: Final = re.compile(r"0[1-8]\d{9}")
_MODULUS: Final = 11


def check_text(check: Check, text: str, *, caption: str) -> str:
    """Check a text, and return its digits as ASCII without separators.

    Raises:
        InvalidText: if it does not pass.
    """
    digits = without(is_punctuation, plain(text))
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidText(messages.DIGITS_ONLY.format(caption=caption))
    is_right, message = _CHECKS[check]
    if not is_right(digits):
        raise InvalidText(message.format(caption=caption))
    return digits


def _is_national_code(digits: str) -> bool:
    """Return whether the tenth digit is the check digit of the nine before it."""
    if not _NATIONAL_CODE.fullmatch(digits):
        return False
    weighted = sum(
        int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)
    )
    rest = weighted % _MODULUS
    return int(digits[-1]) == (rest if rest < 2 else _MODULUS - rest)  # noqa: PLR2004  the rule's own


_CHECKS: Final[Mapping[Check, tuple[Callable[[str], object], str]]] = MappingProxyType(
    {
        Check.NATIONAL_CODE: (_is_national_code, messages.NATIONAL_CODE_WRONG),
        Check.POSTAL_CODE: (_POSTAL_CODE.fullmatch, messages.POSTAL_CODE_WRONG),
        Check.LANDLINE: (_LANDLINE.fullmatch, messages.LANDLINE_WRONG),
        Check.DIGITS: (bool, ""),
    }
)


# Typing errors for "com"; none of them is a top-level domain.
_COM_TYPOS: Final = frozenset({"con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cpm", "clm"})
# Where most people in Iran have their mail.
_MAIL_DOMAINS: Final = (
    *("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com"),
    *("ymail.com", "protonmail.com", "chmail.ir", "mihanmail.ir"),
)
_LIKENESS: Final = 0.84  # of "gmial.com", "gmail.co" and "yaho.com" at least
_DIFFERENT: Final = frozenset({"mail.com", "email.com", "mail.ir", "cloud.com"})


def parse_email(text: str) -> str:
    """Return the address, with a Persian domain in its ASCII form.

    Raises:
        InvalidText: if it is no address, or its local part is not Latin.
    """
    text = strip_invisible(text)
    local, _, _ = text.rpartition("@")
    if not local.isascii():
        raise InvalidText(messages.EMAIL_NOT_LATIN)
    try:
        checked = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError:
        raise InvalidText(messages.EMAIL_SHAPE) from None
    return str(checked.ascii_email)


def suggest_email(address: str) -> str:
    """Return the address that was perhaps meant, by its domain; "" if nothing is conspicuous."""
    local, _, domain = address.rpartition("@")
    rest, _, ending = domain.rpartition(".")
    meant = f"{rest}.com" if ending in _COM_TYPOS else domain
    if meant not in _DIFFERENT:
        close = difflib.get_close_matches(meant, _MAIL_DOMAINS, n=1, cutoff=_LIKENESS)
        meant = next(iter(close), meant)
    return "" if meant == domain else f"{local}@{meant}"
