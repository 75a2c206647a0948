"""Divides whole names of persons; and the big cities of Iran."""

from __future__ import annotations

from typing import Final


def divided_name(name: str) -> tuple[str, str]:
    """Return first and family name of a whole name: «سید علی», «محمد رضا» stay together."""
    words = name.split()
    count = 1
    while count < len(words) - 1 and (
        words[count - 1] in _BEFORE_NAMES or (words[count - 1], words[count]) in _DOUBLE_NAMES
    ):
        count += 1
    return " ".join(words[:count]), " ".join(words[count:])


_BEFORE_NAMES: Final = frozenset({"سید", "سیده", "میر", "حاج", "حاجی", "شیخ", "دکتر", "مهندس"})
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
