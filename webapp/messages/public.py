"""The texts of public forms that open, close or ask for a code by SMS, in Persian."""

from __future__ import annotations

from typing import Final

# To visitors
EARLY: Final = "ثبت در این فرم از {time} آغاز می‌شود."
LATE: Final = "مهلت ثبت در این فرم {time} تمام شد."
END_OF_DAY: Final = "در پایان روز {day}"
FULL: Final = "ظرفیت این فرم تکمیل شده است."
MAY_BE_FREE: Final = "اگر جایی خالی شود، فرم دوباره باز می‌شود."
NOT_RECORDED: Final = (
    "اطلاعات شما ثبت نشد. آنچه وارد کرده‌اید در زیر آمده است تا بتوانید آن را کپی کنید."
)
TYPED: Final = "آنچه وارد کرده‌اید"
AGAIN: Final = "بررسی دوباره"

# To operators
FORM: Final = "{title}:"
OPEN: Final = "این فرم باز است."
OPEN_UNTIL: Final = "این فرم باز است و {time} بسته می‌شود."
PLACES: Final = "{n} جا از {most} جا گرفته شده است."

# The step that asks for a code
TITLE: Final = "تأیید شماره: {title}"
# The number stands between these.
SENT: Final = ("برای تأیید شماره، کدی {n}‌رقمی به", "پیامک شد.")
NOT_SENT: Final = "کد تأیید هنوز فرستاده نشده است. دکمهٔ «ارسال دوبارهٔ کد» را بزنید."
ASK: Final = "کد را وارد کنید تا ثبت کامل شود."
LABEL: Final = "کد تأیید"
HINT: Final = "کد تا ده دقیقه معتبر است."
SUBMIT: Final = "تأیید و ثبت"
NOT_ARRIVED: Final = "پیامک نرسید؟"
RESEND: Final = "ارسال دوبارهٔ کد"
# The seconds stand in an element of their own, which counts down where there is script.
RESEND_IN: Final = ("پس از", "ثانیه می‌توانید کد جدیدی بخواهید.")
RESEND_NOW: Final = "اکنون می‌توانید کد جدیدی بخواهید."
RESEND_NO_MORE: Final = "کد دیگری فرستاده نمی‌شود."
REVIEW: Final = "ثبت بدون کد، پس از بررسی"
RESENT: Final = "کد جدید فرستاده شد."
NOT_RESENT: Final = "کد جدیدی فرستاده نشد؛ کد قبلی هنوز معتبر است."
CHANGE: Final = "اصلاح شماره"
CHANGE_HINT: Final = "بقیهٔ اطلاعات شما حفظ می‌شود."

# Errors
EMPTY: Final = "کد تأیید را وارد کنید."
WRONG: Final = "کد درست نیست."
LAST_CODE: Final = "آخرین کد پیامک‌شده را وارد کنید؛ {n} فرصت دیگر دارید."
SHAPE: Final = "کد تأیید {n} رقم دارد."
# Of a page that was sent again, by a reload or from another tab: its code may have been checked.
STALE: Final = "این صفحه قدیمی است."
# After these follows ASK_ANOTHER or NO_OTHER.
WRONG_LAST: Final = "دیگر نمی‌توان آن را وارد کرد."
USED_UP: Final = "این کد دیگر پذیرفته نمی‌شود."
EXPIRED: Final = "مهلت کد به پایان رسیده است."
ASK_ANOTHER: Final = "کد جدیدی بخواهید."
NO_OTHER: Final = "می‌توانید بدون کد ثبت کنید تا بررسی کنیم، یا شماره را اصلاح کنید."
TOO_EARLY: Final = "برای کد جدید {n} ثانیهٔ دیگر صبر کنید."
TOO_MANY: Final = "تعداد درخواست‌های کد زیاد است. لطفاً {n} دقیقهٔ دیگر دوباره امتحان کنید."
GONE: Final = "مهلت تأیید گذشته یا شماره تغییر کرده است. لطفاً فرم را دوباره پر کنید."
GONE_CLOSED: Final = "مهلت تأیید گذشته یا شماره تغییر کرده است."

# On receipts
NOT_VERIFIED_LABEL: Final = "تاییدنشده"
LINE_BLOCKED: Final = (
    "دریافت پیامک از خط ما برای این شماره لغو شده است و پیام‌ها نمی‌رسند. "
    "برای فعال‌سازی دوباره با ما تماس بگیرید."
)

# For operators
TROUBLE: Final = "کد تأیید شماره فرستاده نمی‌شود:"
DEMO_CODES: Final = "کدهای پیامک‌شده"
