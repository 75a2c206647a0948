"""The texts around an operator's form, in Persian; `text.workbench` in templates."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# A number that the phonebook has already
DUPLICATE_TITLE: Final = "این شماره پیش‌تر ثبت شده است."
DUPLICATE_ASK: Final = "هنوز چیزی ثبت نشده است. آیا این مخاطب هم ثبت شود؟"
DUPLICATE_CHANGED: Final = "آخرین تغییر: {day}"
DUPLICATE_DIFFERENCE: Final = "{caption}: ثبت‌شده «{stored}»، در این فرم «{typed}»"
DUPLICATE_EMPTY: Final = "خالی"
DUPLICATE_NAMELESS: Final = "بدون نام"
DUPLICATE_CREATE: Final = "باز هم ثبت شود"
DUPLICATE_KEEP: Final = "همان مخاطب ثبت‌شده بماند"
DUPLICATE_UPDATE: Final = "مخاطب ثبت‌شده با این مقدارها اصلاح شود"
DUPLICATE_LABELS: Final = "برچسب‌هایی که دارد: {labels}"
DUPLICATE_NO_LABELS: Final = "برچسب‌هایی که ندارد: {labels}"
# Receipts of what created no contact, and the titles of their pages
RECEIPTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "corrected": "مخاطب در سامانهٔ پیامک اصلاح شد.",
        "kept": "مخاطب ثبت‌شده بدون تغییر ماند و مخاطب جدیدی ثبت نشد.",
    }
)
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {"corrected": "اصلاح شد: {title}", "kept": "بدون تغییر: {title}"}
)

# The list of an operator's last submissions
RECORDED: Final = "ثبت شد."
RECENT_TITLE: Final = "آخرین ثبت‌های شما"
RECENT_INTRO: Final = "این فهرست فقط در همین مرورگر است و تا پایان امروز می‌ماند."
RECENT_TIME: Final = "ساعت"
RECENT_WHO: Final = "مخاطب"
RECENT_STATE: Final = "نتیجه"
RECENT_LIKE: Final = "ثبت مشابه"
RECENT_CORRECT: Final = "اصلاح"
RECENT_DELIVERED: Final = "ثبت‌شده"
RECENT_QUEUED: Final = "در انتظار ارسال"
WHY_QUEUED: Final = "علت"
RECENT_GONE: Final = "حذف‌شده"
RECENT_FORGET: Final = "حذف این فهرست"

# The header of operators' pages, and their help
CODES: Final = "کد تأیید"
BRAND: Final = "دفتر تلفن"
MENU: Final = "فهرست"
SKIP_TO_MAIN: Final = "رفتن به محتوای صفحه"
ATTENTION: Final = "({n} نیازمند رسیدگی)"
ATTENTION_MANY: Final = "(بیش از {n} نیازمند رسیدگی)"
LOGGED_IN_AS: Final = "کاربر:"
STATISTICS: Final = "آمار"
HELP: Final = "راهنما"
HELP_OUTCOMES: Final = "معنی هر نتیجه"
HELP_OUTCOME_TEXTS: Final = (
    ("ثبت شد", "مخاطب در سامانهٔ پیامک ثبت شده است."),
    (
        "در انتظار ارسال",
        (
            "مخاطب ذخیره شده است و به‌محض پاسخ سامانهٔ پیامک به‌طور خودکار فرستاده می‌شود. آن "
            "را دوباره ثبت نکنید."
        ),
    ),
    ("نیازمند رسیدگی", "سامانهٔ پیامک آن را نپذیرفته است. در «صف ارسال» آن را اصلاح یا حذف کنید."),
    (
        "ثبت نشد",
        ("هیچ چیز ذخیره نشده است. آنچه وارد کرده‌اید در صفحه می‌ماند؛ دکمهٔ ثبت را دوباره بزنید."),
    ),
)
HELP_PUBLIC: Final = "فرم‌های وب‌سایت"
INSTALL_LINK: Final = "درج در وب‌سایت"
KEYS: Final = "میان‌برهای صفحه‌کلید"
CLOSE: Final = "بستن"
KEYS_INTRO: Final = "میان‌برها در فرم‌ها و فهرست‌ها کار می‌کنند و کلیدهای تکی فقط بیرون از فیلدها."
KEY_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Ctrl + Enter": "ثبت فرم، از هر فیلدی",
        "Esc": "بیرون آمدن از فیلد فرم",
        "N": "فرم خالی برای مخاطب بعدی",
        "L": "فرمی مانند آخرین ثبت",
        "O": "صف ارسال",
        "J / K": "سطر بعدی و قبلی فهرست",
        "Enter": "باز کردن سطر",
        "X": "انتخاب سطر",
        "?": "نمایش همین فهرست",
    }
)
KEYS_SWITCH: Final = "کلیدهای تکی روشن باشند"
