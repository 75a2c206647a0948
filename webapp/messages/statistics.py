"""The texts of the statistics page, in Persian."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TITLE: Final = "آمار ثبت مخاطبان"
PERIOD: Final = "دوره"
LAST_DAYS: Final = "{n} روز گذشته"
CSV: Final = "دریافت فایل CSV"
NOW: Final = "اکنون"
ATTENTION_NOW: Final = "{n} مخاطب نیازمند رسیدگی است."
ATTENTION_NOW_MANY: Final = "بیش از {n} مخاطب نیازمند رسیدگی است."
NOTHING: Final = "در این دوره چیزی ثبت نشده است."

BY_DAY: Final = "به تفکیک روز"
BY_WEEK: Final = "به تفکیک هفته"
BY_FORM: Final = "به تفکیک فرم"
CHART: Final = (
    "نمودار {title}، {period}: در مجموع {total}، بیشترین {most} ({label})؛ "
    "همین عددها در جدول زیر آمده است."
)
TABLE: Final = "جدول {title}، {period}"
BAR: Final = "{label}: {n}"

DAY: Final = "روز"
WEEK: Final = "هفته"
WEEK_FROM: Final = "هفتهٔ {day}"
FORM: Final = "فرم"
FORM_UNKNOWN: Final = "فرم نامشخص"
TOTAL: Final = "همه"
MEAN: Final = "میانگین زمان تا ثبت"
NO_MEAN: Final = "–"

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


# In the statistics

FUNNEL: Final = "از دیدن تا ثبت"
FUNNEL_TABLE: Final = "جدول از دیدن تا ثبت، {period}"
FUNNEL_NOTE: Final = (
    "درصدها نسبت به تعداد دفعه‌هایی است که فرم دیده شده است. ربات‌ها هم فرم را باز می‌کنند؛ "
    "پس این تعداد از بازدیدهای واقعی بیشتر است."
)
FUNNEL_CSV: Final = "دریافت فایل CSV مرحله‌ها"
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
CHOICE_TABLE: Final = "جدول انتخاب‌ها، {period}"
CHOICE_NOTE: Final = "انتخاب‌ها هنگام فرستادن فرم شمرده می‌شوند، حتی اگر شماره تأیید نشود."
FIELD: Final = "فیلد"
CHOICE: Final = "گزینه"
NUMBER: Final = "تعداد"

BY_SOURCE: Final = "به تفکیک منبع"
SOURCE_TABLE: Final = "جدول ثبت‌شده‌ها به تفکیک منبع، {period}"
SOURCE_NOTE: Final = (
    "منبع همان است که در نشانی صفحهٔ فرم آمده است. هر مخاطب چند ثانیه پس از ثبت در این جدول می‌آید."
)
SOURCE_CSV: Final = "دریافت فایل CSV منبع‌ها"
SOURCE: Final = "منبع"
DELIVERED: Final = "ثبت‌شده"
NO_SOURCE: Final = "بدون منبع"
OTHER_SOURCES: Final = "سایر"

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
