"""Divides whole names, and lines with a name and a number; and the big cities of Iran."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from webapp.messages import COMMA
from webapp.persian.mobile import parse_mobile
from webapp.persian.text import InvalidText, fold_digits, strip_invisible


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
    found = (part.strip(_EDGES) for part in _SEPARATOR.split(text))
    return [part for part in found if strip_invisible(part)]


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
