"""The texts of forms that open, close or have a limited number of places, in Persian."""

from __future__ import annotations

from typing import Final

# To visitors
EARLY: Final = "ثبت در این فرم از {moment} آغاز می‌شود."
LATE: Final = "مهلت ثبت در این فرم {moment} تمام شد."
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
OPEN_UNTIL: Final = "این فرم باز است و {moment} بسته می‌شود."
PLACES: Final = "{n} جا از {most} جا گرفته شده است."
