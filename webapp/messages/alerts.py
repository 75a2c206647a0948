"""The texts of the mails that tell when something needs a person.

Each line begins with a Persian letter: mail programs set it from right to left then.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ALARM_SUBJECT: Final = "هشدار: {problems}"
END_SUBJECT: Final = "رفع شد: {problems}"
# What a problem is called, by its kind.
PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queue": "توقف ارسال مخاطبان",
        "attention": "مخاطبان نیازمند رسیدگی",
        "codes": "نرسیدن کدهای تأیید",
        "suspects": "موارد بررسی‌نشدهٔ مشکوک به ربات",
    }
)

PAUSED: Final = "ارسال به سامانهٔ پیامک متوقف است."
LATE: Final = "مخاطبان در انتظار ارسال مانده‌اند و فرستاده نمی‌شوند."
OLDEST_MINUTES: Final = "قدیمی‌ترین مخاطب {n} دقیقه است که در انتظار ارسال است."
OLDEST_HOURS: Final = "قدیمی‌ترین مخاطب {n} ساعت است که در انتظار ارسال است."
ATTENTION: Final = "مخاطبانی نیازمند رسیدگی هستند:"
ONE_STATUS: Final = "{n} مورد: {message}"
STATUS: Final = "کد وضعیت: {status}"
REFERENCES: Final = "کدهای پیگیری: {references}"
MORE_REFERENCES: Final = "کدهای پیگیری قدیمی‌ترین موارد: {references}"
CODES: Final = "کدهای تأیید شماره پیامک نمی‌شوند:"
SUSPECTS: Final = (
    "{n} مورد مشکوک به ربات در انتظار بررسی است و دست‌کم یکی از آن‌ها بیش از یک روز مانده است."
)
OUTBOX: Final = "صف ارسال: {address}"
KEPT: Final = "مخاطبان ذخیره شده‌اند و گم نمی‌شوند."

# What is over, by its kind.
ENDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queue": "ارسال مخاطبان به سامانهٔ پیامک از سر گرفته شده است.",
        "attention": "مخاطبی نیازمند رسیدگی نیست.",
        "codes": "کدهای تأیید دوباره پیامک می‌شوند.",
        "suspects": "موارد مشکوک به رباتی که بیش از یک روز مانده بودند بررسی شده‌اند.",
    }
)
REMAINING: Final = "آنچه هنوز به رسیدگی نیاز دارد:"
FOOTER: Final = "این پیام به‌طور خودکار فرستاده شده است. در هر ساعت حداکثر یک هشدار فرستاده می‌شود."

TEST_SUBJECT: Final = "پیام آزمایشی فرم مخاطبان"
TEST_TEXT: Final = (
    "این پیام آزمایشی است و به اقدامی نیاز ندارد. هشدارهای برنامه به همین نشانی فرستاده می‌شود."
)
