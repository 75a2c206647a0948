"""What people write in spreadsheets: captions of columns, genders, yes and no."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from webapp.persian.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^]]*\]|\{[^}]*\}")
_LETTERS: Final = str.maketrans("ةؤ", "هو")

# By API name, the best spelling first. The captions of the form itself come before them.
HEADER_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Active": ("فعال", "وضعیت", "Active", "Is Active", "Enabled", "Status"),
        "Mobile": (
            *("موبایل", "شماره موبایل", "شماره همراه", "تلفن همراه", "شماره تلفن همراه", "همراه"),
            *("گوشی", "شماره گوشی", "موبایل ۱", "شماره موبایل ۱"),
            *("Mobile", "Mobile Number", "Mobile Phone", "Mobile No", "Cell", "Cell Phone"),
            *("Cellphone Number", "Phone 1 - Value", "شماره", "شماره تماس", "تلفن تماس", "تلفن"),
            *("شماره تلفن", "Phone", "Phone Number", "Tel", "Telephone"),
        ),
        "FName": (
            *("نام", "نام کوچک", "اسم", "First Name", "Given Name", "FName", "Forename", "Name"),
        ),
        "LName": (
            *("نام خانوادگی", "فامیلی", "فامیل", "نام فامیلی", "نام فامیل", "شهرت"),
            *("Last Name", "Family Name", "Family", "Surname", "LName"),
            *(
                "نام و نام خانوادگی",
                "نام و فامیلی",
                "نام و فامیل",
                "نام خانوادگی و نام",
                "نام کامل",
            ),
            *("نام مشتری", "نام مخاطب", "مشتری", "Full Name", "Contact Name", "Customer Name"),
        ),
        "GenderType": ("جنسیت", "جنس", "Gender", "Gender Type", "Sex"),
        "CompanyTitle": (
            *("شرکت", "نام شرکت", "سازمان", "نام سازمان", "عنوان شرکت", "شرکت یا سازمان", "مؤسسه"),
            *("Company", "Company Name", "Company Title", "Organization", "Organization Name"),
            *("Organisation", "Organization 1 - Name"),
        ),
        "JobTitle": (
            *("سمت", "شغل", "عنوان شغلی", "عنوان سمت", "سمت سازمانی", "پست سازمانی", "حرفه"),
            *("Job Title", "Job", "Position", "Title", "Role", "Occupation", "Organization Title"),
            *("Organization 1 - Title",),
        ),
        "Email": (
            *("ایمیل", "آدرس ایمیل", "پست الکترونیکی", "پست الکترونیک", "رایانامه"),
            *("Email", "Email Address", "Mail", "E-mail 1 - Value"),
        ),
        "CityName": (
            *("شهر", "نام شهر", "شهرستان", "شهر محل سکونت"),
            *("City", "City Name", "Town", "Home City", "Business City", "Address 1 - City"),
        ),
        "AddressText": (
            *("نشانی", "آدرس", "نشانی پستی", "آدرس پستی", "نشانی منزل", "آدرس منزل"),
            *("نشانی محل کار", "آدرس محل کار", "محل سکونت"),
            *("Address", "Address Text", "Street", "Street Address", "Postal Address"),
            *("Address 1 - Formatted", "Home Address", "Home Street", "Business Street"),
        ),
        "BornDate": (
            *("تاریخ تولد", "تولد", "ت تولد", "متولد", "روز تولد", "زادروز"),
            *("Birthday", "Birth Date", "Date of Birth", "Born Date", "DOB"),
        ),
        "AnniversaryDate": (
            *("تاریخ سالگرد", "سالگرد", "سالگرد ازدواج", "تاریخ ازدواج"),
            *("Anniversary", "Anniversary Date", "Wedding Anniversary", "Marriage Date"),
        ),
        **{
            f"CustomText{number}": (
                *(f"فیلد سفارشی {digit}", f"متن سفارشی {digit}", f"فیلد دلخواه {digit}"),
                *(f"Custom Text {number}", f"Custom Field {number}", f"Custom {number}"),
            )
            for number, digit in enumerate("۱۲۳۴۵۶", start=1)
        },
        **{
            f"CustomDate{number}": (
                *(f"تاریخ سفارشی {digit}", f"تاریخ دلخواه {digit}", f"Custom Date {number}"),
            )
            for number, digit in enumerate("۱۲۳", start=1)
        },
        "Labels": (
            *("برچسب‌ها", "برچسب", "گروه", "گروه‌ها", "گروه مخاطب", "گروه‌بندی", "دسته", "دسته‌بندی"),
            *("Labels", "Label", "Groups", "Group", "Group Membership", "Tags", "Tag"),
            *("Categories", "Category"),
        ),
    }
)


def spelling_key(text: str) -> str:
    """Return a key that is equal for spellings of one word.

    It keeps letters and digits alone, without hamza and madda and without letter case.
    """
    letters = unicodedata.normalize("NFD", plain(text)).translate(_LETTERS).casefold()
    return "".join(char for char in letters if char.isalnum())


def without_brackets(text: str) -> str:
    """Return a caption without remarks in brackets, «موبایل (اجباری)»."""
    return _IN_BRACKETS.sub(" ", plain(text))


def _keys(words: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    found = {spelling_key(word): value for value, spelled in words.items() for word in spelled}
    return MappingProxyType(found)


# By `spelling_key`: the value of the form's input.
GENDER_WORDS: Final = _keys(
    {
        "false": (
            *("زن", "خانم", "خانوم", "بانو", "مؤنث", "دختر", "سرکار خانم"),
            *("false", "female", "f", "woman", "girl", "mrs", "ms", "miss"),
        ),
        "true": (
            *("مرد", "آقا", "آقای", "مذکر", "پسر", "جناب آقای"),
            *("true", "male", "m", "man", "boy", "mr"),
        ),
        "": ("نمی‌خواهم بگویم", "نامشخص", "نامعلوم", "unknown"),
    }
)
ACTIVE_WORDS: Final = _keys(
    {
        "true": (
            *("بله", "بلی", "آری", "فعال", "درست"),
            *("true", "yes", "y", "1", "on", "active", "enabled"),
        ),
        "false": (
            *("خیر", "نه", "غیرفعال", "نادرست"),
            *("false", "no", "n", "0", "off", "inactive", "disabled"),
        ),
    }
)
