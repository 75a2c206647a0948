"""The texts of the statistics page, in Persian."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TITLE: Final = "آمار ثبت مخاطبان"
PERIOD: Final = "دوره"
LAST_DAYS: Final = "{n} روز گذشته"
CSV_OF: Final = "دریافت فایل CSV {title}"
NOTHING: Final = "در این دوره چیزی ثبت نشده است."
NOTHING_HINT: Final = (
    "آنچه در فرم‌ها یا از فایل ثبت شود، اینجا به تفکیک روز، فرم و ساعت نشان داده می‌شود."
)
BEHIND: Final = (
    "بیش از {n} مخاطب در انتظار ارسال یا شمارش است و هنوز در عددهای روزها و فرم‌ها نیست. "
    "شمارش به‌طور خودکار ادامه دارد."
)

# Tiles

NOW: Final = "اکنون"
TODAY: Final = "امروز"
THIS_WEEK: Final = "این هفته، از شنبه"
MORE_THAN: Final = "بیش از {n}"
WEEK_MORE: Final = (
    "این هفته تا امروز {n} مخاطب بیشتر از همین روزهای هفتهٔ قبل ({before}) ثبت شده است."
)
WEEK_LESS: Final = (
    "این هفته تا امروز {n} مخاطب کمتر از همین روزهای هفتهٔ قبل ({before}) ثبت شده است."
)
WEEK_SAME: Final = "این هفته تا امروز به اندازهٔ همین روزهای هفتهٔ قبل ({before}) ثبت شده است."

# Charts and tables. U+2068 and U+2069 isolate what may be Latin.

BY_DAY: Final = "به تفکیک روز"
BY_WEEK: Final = "به تفکیک هفته"
BY_FORM: Final = "به تفکیک فرم"
CHART: Final = (
    "نمودار {title}، {period}: در مجموع {total}، بیشترین {most} (\u2068{caption}\u2069)؛ "
    "همین عددها در جدول زیر آمده است."
)
TABLE: Final = "جدول {title}، {period}"
SHOW_TABLE: Final = "جدول {title}"
MORE_TABLES: Final = "جدول‌های دیگر"
BAR: Final = "\u2068{caption}\u2069: {n}"
NOTHING_ON_DAYS: Final = "در {n} روز دیگر چیزی ثبت نشده است."
NOTHING_IN_WEEKS: Final = "در {n} هفتهٔ دیگر چیزی ثبت نشده است."

FORM: Final = "فرم"
FIRST_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {BY_DAY: "روز", BY_WEEK: "هفته", BY_FORM: FORM}
)
WEEK_FROM: Final = "هفتهٔ {day}"
FORM_GONE: Final = "فرم حذف‌شده: {slug}"
TOTAL: Final = "همه"

OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "delivered": "ثبت‌شده",
        "waiting": "در انتظار ارسال",
        "attention": "نیازمند رسیدگی",
        "rejected": "ردشده",
        "discarded": "حذف‌شده",
    }
)

SECONDS: Final = "{n} ثانیه"
MINUTES: Final = "{n} دقیقه"
HOURS: Final = "{n} ساعت"


# Steps and choices

FUNNEL: Final = "از دیدن تا ثبت"
FUNNEL_NOTE: Final = (
    "درصدها نسبت به تعداد دفعه‌هایی است که فرم دیده شده است. ربات‌ها هم فرم را باز می‌کنند؛ "
    "پس این تعداد از بازدیدهای واقعی بیشتر است."
)
STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shown": "دیده‌شده",
        "submitted": "فرستاده‌شده",
        "code_sent": "کد پیامک‌شده",
        "verified": "تأییدشده",
        "delivered": "ثبت‌شده",
    }
)
NO_STEP: Final = "–"
SHARE: Final = "{n} ({share} درصد)"

BY_CHOICE: Final = "به تفکیک گزینه"
CHOICE_NOTE: Final = (
    "انتخاب‌ها هنگام ثبت فرم شمرده می‌شوند، حتی اگر شماره تأیید نشود؛ سطرهای فایل هنگامی که به صف "
    "ارسال می‌روند."
)
FIELD: Final = "فیلد"
CHOICE: Final = "گزینه"
NUMBER: Final = "تعداد"

DELIVERED: Final = "ثبت‌شده"
OTHER_NAMES: Final = "سایر"
NO_SOURCE: Final = "بدون منبع"
NO_OPERATOR: Final = "—"
FROM_TO: Final = "{begin} تا {end}"
WAYS: Final[Mapping[str, str]] = MappingProxyType({"typed": "در فرم", "imported": "از فایل"})
# By what is counted: the title of the table, the caption of its first column, and a note.
BREAKDOWNS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "operator": (
            "به تفکیک ثبت‌کننده",
            "نام کاربری",
            "مخاطبانی که کارکنان در فرم وارد کرده‌اند؛ ثبت از فایل در آن نیست.",
        ),
        "way": ("به تفکیک روش ثبت", "روش ثبت", "در فرم، یا از فایل."),
        "source": (
            "به تفکیک منبع",
            "منبع",
            "منبع همان است که در نشانی صفحهٔ فرم آمده است؛ مخاطب چند ثانیه پس از ثبت شمرده می‌شود.",
        ),
        "hour": (
            "به تفکیک ساعت، بدون ثبت از فایل",
            "ساعت",
            "ساعت ثبت در فرم، به وقت تهران.",
        ),
        "delay": (
            "به تفکیک زمان تا ثبت",
            "زمان تا ثبت",
            "از ثبت در فرم تا رسیدن به سامانهٔ پیامک، همراه با انتظار در صف ارسال.",
        ),
    }
)
DELAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1": "حداکثر ۱ ثانیه",
        "2": "حداکثر ۲ ثانیه",
        "5": "حداکثر ۵ ثانیه",
        "10": "حداکثر ۱۰ ثانیه",
        "30": "حداکثر ۳۰ ثانیه",
        "60": "حداکثر ۱ دقیقه",
        "600": "حداکثر ۱۰ دقیقه",
        "3600": "حداکثر ۱ ساعت",
        "86400": "حداکثر ۱ روز",
        "*": "بیش از ۱ روز",
    }
)
TYPICAL_DELAY: Final = (
    "از {n} مخاطب، نیمی {half} و ۹۵ درصد {most} پس از ثبت به سامانهٔ پیامک رسیده است."
)

# The link of a form, its code and its poster

LINK_TITLE: Final = "پیوند و کد QR"
LINK_INTRO: Final = "با این پیوند یا کد، فرم در صفحهٔ خودش باز می‌شود و به وب‌سایت نیاز ندارد."
LINK: Final = "پیوند فرم"
LINK_QR: Final = "کد QR پیوند فرم «{title}»"
QR_SVG: Final = "دریافت کد به شکل SVG"
QR_PNG: Final = "دریافت کد به شکل PNG"
POSTER: Final = "پوستر چاپی"
SOURCE_INPUT: Final = "منبع ({key})"
SOURCE_HINT: Final = (
    "برای هر جایی که پیوند یا کد را می‌گذارید نامی وارد کنید؛ مانند «پوستر». آمار به تفکیک همین "
    "نام‌ها است."
)
SOURCE_CHOICE_HINT: Final = (
    "جایی را که پیوند یا کد را می‌گذارید انتخاب کنید. آمار به تفکیک همین‌ها است."
)
SOURCE_SUBMIT: Final = "ساختن پیوند"
SOURCE_MISSING: Final = (
    "برای اینکه آمار نشان دهد مخاطبان از کجا آمده‌اند، utm_source را در from_url این فرم وارد کنید."
)
POSTER_TITLE: Final = "پوستر «{title}»"
POSTER_SCAN: Final = "کد را با دوربین گوشی اسکن کنید."
POSTER_TYPE: Final = "یا این نشانی را در مرورگر وارد کنید:"
POSTER_HINT: Final = "این صفحه برای چاپ روی کاغذ A5 است. بخش بالای صفحه چاپ نمی‌شود."
POSTER_PRINT: Final = "چاپ"
POSTER_BACK: Final = "بازگشت به درج در وب‌سایت"
