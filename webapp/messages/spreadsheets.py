"""The texts about reading and writing spreadsheets, in Persian."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Why a file is not read
TOO_LARGE: Final = "حجم این فایل {n} مگابایت است و نباید بیش از {limit} مگابایت باشد."
UNREADABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "empty": "این فایل سطری برای خواندن ندارد.",
        "too-many-rows": (
            "این فایل {n} سطر دارد و نباید بیش از {limit} سطر داشته باشد. آن را به چند فایل "
            "تقسیم کنید."
        ),
        "too-many-columns": "این فایل {n} ستون دارد و نباید بیش از {limit} ستون داشته باشد.",
        "too-much-text": (
            "متن‌های این فایل بیش از {limit} نویسه دارد. آن را به چند فایل تقسیم کنید."
        ),
        "long-cell": (
            "متن یک خانه در سطر {n} بیش از {limit} نویسه دارد. شاید علامت نقل‌قول آن بسته نشده باشد."
        ),
        "quotes": (
            "علامت نقل‌قول در سطر {n} درست بسته نشده است. آن را اصلاح کنید یا فایل را با قالب XLSX "
            "ذخیره کنید."
        ),
        "encrypted": "این فایل رمز دارد. رمز آن را بردارید و دوباره امتحان کنید.",
        "broken": (
            "این فایل آسیب دیده است و خوانده نمی‌شود. آن را در برنامهٔ صفحه‌گسترده باز کنید و با قالب "
            "XLSX ذخیره کنید."
        ),
        "too-heavy": (
            "خواندن این فایل بیش از اندازه حافظه یا زمان می‌برد. سطرهای آن را در فایلی تازه رونوشت "
            "کنید و با قالب XLSX ذخیره کنید."
        ),
        "no-sheet": "این فایل صفحه‌گسترده نیست. فایلی با قالب XLSX یا CSV انتخاب کنید.",
        "markup": (
            "این فایل در اصل صفحهٔ وب است. آن را در برنامهٔ صفحه‌گسترده باز کنید و با قالب XLSX "
            "ذخیره کنید."
        ),
        "vcard": (
            "این فایل دفتر تلفن گوشی است و خوانده نمی‌شود. مخاطبان را با قالب CSV از گوشی یا حساب "
            "کاربری آن بگیرید."
        ),
        "no-reader": (
            "خواندن فایل‌های صفحه‌گسترده در این سرور نصب نشده است. فایل را با قالب CSV ذخیره کنید یا "
            "به مدیر سامانه خبر دهید."
        ),
    }
)
COLUMN: Final = "ستون {n}"

# Why a cell is not accepted, where a page could not go wrong
DIGITS_LOST: Final = (
    "برنامهٔ صفحه‌گسترده رقم‌های این شماره را کوتاه کرده است. قالب ستون را متن کنید و شماره را "
    "دوباره کامل وارد کنید."
)
DATE_LOST: Final = (
    "در این خانه به جای تاریخ ساعت آمده است و خود تاریخ در فایل نیست. قالب ستون را متن کنید و "
    "تاریخ را دوباره وارد کنید."
)
FORMULA_ERROR: Final = (
    "در این خانه به جای مقدار، خطای فرمول آمده است. آن را در برنامهٔ صفحه‌گسترده درست کنید."
)
BAD_ANSWER: Final = "در این خانه «بله» یا «خیر» بنویسید."
UNKNOWN_LABEL: Final = "برچسب «{label}» در این فرم نیست. برچسب‌های فرم: {choices}."
EXAMPLE_ROW: Final = "این سطر نمونه است. آن را پاک کنید."

# The sample file
SAMPLE_TITLE: Final = "مخاطبان"
NOTES_TITLE: Final = "راهنما"
CHOICES_TITLE: Final = "گزینه‌ها"
SAMPLE_NOTES: Final = (
    "هر سطر یک مخاطب است. نام ستون‌ها را تغییر ندهید؛ ستون‌هایی را که لازم ندارید خالی بگذارید.",
    "دو سطر نخست نمونه است. آنها را پاک کنید.",
    "خانه‌ها قالب متن دارند تا صفر آغاز شماره‌ها بماند.",
)
SAMPLE_REQUIRED: Final = "این ستون‌ها نباید خالی باشند: {labels}."
SAMPLE_DATES: Final = "تاریخ‌ها را به تقویم شمسی بنویسید؛ مانند ۱۳۶۹/۷/۱۵."
SAMPLE_LABELS: Final = "چند برچسب را با ویرگول (،) از هم جدا کنید."
# Two example rows: the values by API name, and of other fields by their kind or check.
EXAMPLES: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    MappingProxyType(
        {
            "Mobile": "۰۹۱۲۰۰۰۰۰۰۰",
            "FName": "سارا",
            "LName": "احمدی",
            "GenderType": "خانم",
            "CompanyTitle": "شرکت نمونه",
            "JobTitle": "مدیر فروش",
            "CityName": "تهران",
            "AddressText": "خیابان آزادی، پلاک ۱۲",
            "Active": "بله",
            "national-code": "۰۰۱۲۳۴۵۶۷۹",
            "postal-code": "۱۲۳۴۵۶۷۸۹۰",
            "landline": "۰۲۱۱۲۳۴۵۶۷۸",
            "digits": "۱۲۳۴",
            "email": "name@example.com",
            "date": "۱۳۶۹/۷/۱۵",
            "labels": "مشتری",
            "text": "نمونه",
        }
    ),
    MappingProxyType(
        {
            "Mobile": "۰۹۱۲۰۰۰۰۰۰۱",
            "FName": "علی",
            "LName": "کاظمی",
            "GenderType": "آقا",
            "CompanyTitle": "سازمان نمونه",
            "JobTitle": "کارشناس",
            "CityName": "شیراز",
            "AddressText": "خیابان زند، پلاک ۷",
            "Active": "خیر",
            "national-code": "۰۰۱۲۳۴۵۶۷۹",
            "postal-code": "۱۲۳۴۵۶۷۸۹۰",
            "landline": "۰۷۱۱۲۳۴۵۶۷۸",
            "digits": "۵۶۷۸",
            "email": "name@example.com",
            "date": "۱۳۵۵/۱۱/۲۰",
            "labels": "همکار",
            "text": "نمونه",
        }
    ),
)
