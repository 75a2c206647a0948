"""The texts of the statistics page, in Persian."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE: Final = "آمار ثبت مخاطبان"
PERIOD: Final = "دوره"
LAST_DAYS: Final = "{n} روز گذشته"
CSV: Final = "دریافت برای صفحه‌گسترده"
NOW: Final = "اکنون"
ATTENTION_NOW: Final = "{n} مخاطب نیازمند رسیدگی است."
ATTENTION_NOW_MANY: Final = "بیش از {n} مخاطب نیازمند رسیدگی است."
NOTHING: Final = "در این دوره چیزی ثبت نشده است."

BY_DAY: Final = "روز به روز"
BY_WEEK: Final = "هفته به هفته"
BY_FORM: Final = "فرم به فرم"
CHART: Final = "نمودار {title}، {period}؛ همین عددها در جدول زیر آمده است."
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
