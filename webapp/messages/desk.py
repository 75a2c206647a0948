"""The texts around an operator's form and in the lists of the outbox, in Persian; `text.desk`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# A number that the phonebook has already
DUPLICATE_TITLE: Final = "این شماره پیش‌تر ثبت شده است."
DUPLICATE_ASK: Final = "هنوز چیزی ثبت نشده است. آیا این مخاطب هم ثبت شود؟"
DUPLICATE_CHANGED: Final = "آخرین تغییر: {day}"
DUPLICATE_DIFFERENCE: Final = "{caption}: ثبت‌شده «{stored}»، در این فرم «{typed}»"
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

# The lists of the outbox
SUSPECTS: Final = "مشکوک به ربات"
SUSPECTS_NONE: Final = "مورد مشکوک به رباتی نیست."
SUSPECTS_LIST: Final = "فهرست {n} مورد مشکوک به ربات"
FOUND: Final = "نتیجهٔ جست‌وجو"
FOUND_NONE: Final = "موردی با این مشخصات پیدا نشد."
LISTS: Final = "فهرست‌ها"

# Search and filters
SEARCH: Final = "جست‌وجو"
SEARCH_TEXT: Final = "نام، شمارهٔ همراه یا کد پیگیری"
REASON: Final = "علت"
FORM: Final = "فرم"
SOURCE: Final = "منبع"
DAY: Final = "روز"
SORT: Final = "ترتیب"
ANY: Final = "همه"
CLEAR: Final = "نمایش همهٔ فهرست"
OPTION: Final = "{caption} ({n})"
SORTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "oldest": "قدیمی‌ترین",
        "newest": "جدیدترین",
        "name": "نام",
        "reason": "علت",
        "form": "فرم",
    }
)
TOO_MANY_TO_SORT: Final = (
    "این فهرست بیش از {n} مورد دارد و به ترتیب نام مرتب نمی‌شود. آن را با علت، فرم، روز یا "
    "جست‌وجو کوتاه کنید."
)
TOO_MANY_TO_SEARCH: Final = (
    "نام فقط در {n} مورد تازه‌تر جست‌وجو شد. برای موردهای قدیمی‌تر، فهرست را با علت، فرم یا روز "
    "کوتاه کنید."
)

# The table
TOTAL: Final = "{n} مورد"
PAGE: Final = "صفحهٔ {n} از {pages}"
PREVIOUS_PAGE: Final = "صفحهٔ قبل"
SELECT: Final = "انتخاب \u2068{name}\u2069"
SELECT_ALL: Final = "همهٔ {n} مورد این فهرست"
NAME: Final = "نام"
NAMELESS: Final = "بدون نام"
MOBILE: Final = "شمارهٔ همراه"
WHEN: Final = "زمان"
WHO: Final = "ثبت‌کننده"
TIME: Final = "{day}، {time}"
WAITS: Final = "در انتظار نخستین ارسال"

# Actions on several
RETRY_GROUP: Final = "ارسال دوبارهٔ {n} مورد"
RETRY_EXCEPTIONS: Final = (
    "شماره‌های تأییدنشده و مواردی که شاید ثبت شده باشند فقط با انتخاب تک‌تک دوباره ارسال می‌شوند."
)
GROUPS: Final = "به تفکیک علت"
EXPORT_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {"csv": "دریافت فایل CSV", "xlsx": "دریافت فایل XLSX"}
)
DISCARD_MANY: Final = "حذف {n} مورد برای همیشه"
DISCARD_ALL: Final = "حذف هر {n} مورد"
DISCARD_MANY_WARNING: Final = (
    "داده‌های {n} مخاطب برای همیشه پاک می‌شود و به سامانهٔ پیامک فرستاده نمی‌شود."
)
DISCARD_MORE: Final = "هنوز چیزی حذف نشده است: در این میان این فهرست طولانی‌تر شده است."
REFERENCE: Final = "کد پیگیری"
SHEET: Final = "صف ارسال"

# A contact that the operator has just recorded, and that the portal has
DELIVERED_TITLE: Final = "اصلاح مخاطب ثبت‌شده"
DELIVERED: Final = "این مخاطب در سامانهٔ پیامک ثبت شده است و داده‌های آن دیگر در این برنامه نیست."
DELIVERED_STEPS: Final = (
    "در پنل سامانهٔ پیامک، بخش دفتر تلفن را باز کنید.",
    "شمارهٔ همراه مخاطب را جست‌وجو کنید.",
    "مخاطب را همان‌جا ویرایش کنید. ثبت دوبارهٔ او در این فرم، مخاطب دیگری می‌سازد.",
)
AS_STORED: Final = (
    "این مخاطب اکنون در سامانهٔ پیامک چنین ثبت است. آنچه را تغییر دهید همان‌جا اصلاح می‌شود."
)
LABELS_SENT: Final = (
    "برچسب‌هایی که فرستاده شده بود: {labels}. سامانهٔ پیامک برچسب‌ها را برنمی‌گرداند؛ این اصلاح آن‌ها "
    "را تغییر نمی‌دهد."
)
LABELS_UNKNOWN: Final = (
    "سامانهٔ پیامک برچسب‌ها را برنمی‌گرداند؛ این اصلاح آن‌ها را تغییر نمی‌دهد. برچسب‌ها را در پنل سامانهٔ "
    "پیامک ببینید."
)
CORRECT_STORED: Final = "ثبت اصلاح"
LOOK_AGAIN: Final = "دیدن مقدارهای کنونی"
CHOOSE: Final = "چند مخاطب با این شماره در سامانهٔ پیامک ثبت است. کدام اصلاح شود؟"
CHOOSE_ONE: Final = "اصلاح این مخاطب"
NOT_FOUND: Final = (
    "سامانهٔ پیامک اکنون مخاطبی با این شماره نشان نمی‌دهد که از اینجا اصلاح شود: شاید هنوز در جست‌وجو "
    "دیده نمی‌شود، حذف شده است یا شمارهٔ دیگری دارد."
)
NOT_LOOKED_UP: Final = "جست‌وجو در سامانهٔ پیامک انجام نشد و چیزی تغییر نکرد."
GONE: Final = (
    "این مخاطب دیگر با این شماره در سامانهٔ پیامک پیدا نمی‌شود: شاید در این میان حذف شده باشد یا "
    "شمارهٔ دیگری گرفته باشد."
)
NOTHING_CHANGED: Final = "چیزی تغییر نکرد."
NOT_CORRECTED: Final = "چیزی در سامانهٔ پیامک تغییر نکرد. آنچه وارد کرده‌اید در همین صفحه مانده است."
PERHAPS_CORRECTED: Final = (
    "پاسخ سامانهٔ پیامک نرسید یا روشن نبود: شاید این اصلاح انجام شده باشد. «دیدن مقدارهای کنونی» را "
    "بزنید یا در پنل سامانهٔ پیامک ببینید."
)
CHANGED_MEANWHILE: Final = (
    "هنوز چیزی اصلاح نشده است: پس از باز شدن این صفحه، این مخاطب تغییر کرده است. فرم "
    "مقدارهای کنونی را با تغییرهای شما نشان می‌دهد؛ آن را بررسی کنید و دکمه را دوباره بزنید."
)
CHANGED_FIELD: Final = "{caption}: پیش‌تر «{before}»، اکنون «{now}»"
EMPTY: Final = "خالی"
