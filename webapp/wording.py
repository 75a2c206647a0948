"""Every text that a person can see, fields' labels and hints in `contact` apart.

Formal and short; each message says what to do. Places in braces are filled by `str.format`, numbers
in Persian digits. Templates read this module as `t`.
"""

from __future__ import annotations

from typing import Final

# Fields in general
TOO_LONG: Final = "{label} نباید بیش از {n} نویسه باشد."
REQUIRED: Final = "{label} را وارد کنید."
BAD_CHARACTER: Final = "{label} نویسهٔ نامجاز دارد."
BAD_CHOICE: Final = "{label} را از گزینه‌های موجود انتخاب کنید."

# Mobile
MOBILE_EMPTY: Final = "شمارهٔ همراه را وارد کنید."
MOBILE_SHORT: Final = "شمارهٔ همراه باید ۱۱ رقم باشد؛ {n} رقم وارد شده است."
MOBILE_LONG: Final = "شمارهٔ همراه بیش از ۱۱ رقم دارد."
MOBILE_LANDLINE: Final = (
    "این شماره تلفن ثابت است. شمارهٔ همراهی را وارد کنید که با ۰۹ آغاز می‌شود."
)
MOBILE_FOREIGN: Final = "در حال حاضر فقط شمارهٔ همراه ایران پذیرفته می‌شود."
MOBILE_LETTERS: Final = "شمارهٔ همراه را فقط با رقم وارد کنید."
MOBILE_SEVERAL: Final = "فقط یک شمارهٔ همراه وارد کنید."
MOBILE_EXTENSION: Final = "شمارهٔ همراه را بدون شمارهٔ داخلی وارد کنید."

# Email
EMAIL_SHAPE: Final = (
    "نشانی ایمیل کامل نیست یا نویسهٔ نادرست دارد. آن را مانند name@example.com وارد کنید."
)
EMAIL_NOT_LATIN: Final = "نشانی ایمیل را با حروف انگلیسی وارد کنید."

# Dates
DATE_SHAPE: Final = "تاریخ را به شکل ۱۳۶۹/۷/۱۵ وارد کنید."
DATE_PARTS_MISSING: Final = "{parts} را هم وارد کنید."
DATE_TWO_DIGIT_YEAR: Final = "سال را چهاررقمی وارد کنید؛ مانند ۱۳۶۹."
DATE_MONTH: Final = "ماه باید بین ۱ تا ۱۲ باشد."
DATE_DAY: Final = "{month} {year} روز {n} ندارد."
DATE_YEAR_RANGE: Final = "سال باید بین {first} تا {last} باشد."
DATE_FUTURE_BIRTH: Final = "تاریخ تولد نمی‌تواند در آینده باشد."
DAY: Final = "روز"
MONTH: Final = "ماه"
YEAR: Final = "سال"
AND: Final = " و "

# Labels
LABELS_TOO_MANY: Final = "حداکثر ۲۰ برچسب می‌توانید وارد کنید."
LABEL_TOO_LONG: Final = "برچسب «{label}» بیش از ۵۰ نویسه دارد."
