"""The field table, one row a ContactCreate parameter, and the contact that we deliver."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | bool | date | tuple[str, ...] | None


class Kind(enum.Enum):
    """What a field holds, and with it how it is asked for, checked and sent."""

    MOBILE = "mobile"
    TEXT = "text"
    LINES = "lines"
    EMAIL = "email"
    GENDER = "gender"
    DATE = "date"
    LABELS = "labels"
    ACTIVE = "active"


BLANK: Final[Mapping[Kind, Value]] = MappingProxyType(
    {
        Kind.MOBILE: "",
        Kind.TEXT: "",
        Kind.LINES: "",
        Kind.EMAIL: "",
        Kind.GENDER: None,
        Kind.DATE: None,
        Kind.LABELS: (),
        Kind.ACTIVE: True,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter of ContactCreate, and the input that asks for it.

    Attributes:
        name: The parameter's name in the portal's reference, and the input's.
        kind: What it holds.
        label: The Persian label.
        hint: A Persian sentence or example below the label, or "".
        longest: The greatest length in code points after normalising; 0 where it has no meaning.
        autocomplete: The HTML token with which a visitor's browser may fill it in.
    """

    name: str
    kind: Kind
    label: str
    hint: str = ""
    longest: int = 0
    autocomplete: str = "off"


def _custom_text(number: int, digit: str) -> Field:
    return Field(
        name=f"CustomText{number}", kind=Kind.TEXT, label=f"فیلد سفارشی {digit}", longest=200
    )


def _custom_date(number: int, digit: str) -> Field:
    return Field(
        name=f"CustomDate{number}",
        kind=Kind.DATE,
        label=f"تاریخ سفارشی {digit}",
        hint="مانند ۱۴۰۴/۰۵/۲۳",
        longest=30,
    )


_ROWS: Final = (
    Field(
        name="Mobile",
        kind=Kind.MOBILE,
        label="شمارهٔ همراه",
        hint="مانند ۰۹۱۲۱۲۳۴۵۶۷",
        longest=40,
        autocomplete="tel",
    ),
    Field(name="FName", kind=Kind.TEXT, label="نام", longest=50, autocomplete="given-name"),
    Field(
        name="LName",
        kind=Kind.TEXT,
        label="نام خانوادگی",
        longest=50,
        autocomplete="family-name",
    ),
    Field(name="GenderType", kind=Kind.GENDER, label="جنسیت", autocomplete="sex"),
    Field(
        name="CompanyTitle",
        kind=Kind.TEXT,
        label="نام شرکت یا سازمان",
        longest=100,
        autocomplete="organization",
    ),
    Field(
        name="JobTitle",
        kind=Kind.TEXT,
        label="سمت شغلی",
        hint="مانند «مدیر فروش»",
        longest=100,
        autocomplete="organization-title",
    ),
    Field(
        name="Email",
        kind=Kind.EMAIL,
        label="نشانی ایمیل",
        hint="مانند name@example.com",
        longest=254,
        autocomplete="email",
    ),
    Field(name="CityName", kind=Kind.TEXT, label="شهر", longest=50, autocomplete="address-level2"),
    Field(
        name="AddressText",
        kind=Kind.LINES,
        label="نشانی",
        hint="خیابان، کوچه، پلاک و واحد",
        longest=500,
        autocomplete="street-address",
    ),
    Field(
        name="BornDate",
        kind=Kind.DATE,
        label="تاریخ تولد",
        hint="به تقویم شمسی؛ مانند ۱۵ مهر ۱۳۶۹",
        longest=30,
    ),
    Field(
        name="AnniversaryDate",
        kind=Kind.DATE,
        label="تاریخ سالگرد",
        hint="مانند ۲۴ خرداد ۱۳۹۵",
        longest=30,
    ),
    *(_custom_text(number, digit) for number, digit in enumerate("۱۲۳۴۵۶", start=1)),
    *(_custom_date(number, digit) for number, digit in enumerate("۱۲۳", start=1)),
    Field(
        name="Labels",
        kind=Kind.LABELS,
        label="برچسب‌ها",
        hint="برچسب‌ها را با ویرگول (،) از هم جدا کنید.",
        longest=50,
    ),
    Field(name="Active", kind=Kind.ACTIVE, label="مخاطب فعال باشد"),
)

FIELDS: Final[Mapping[str, Field]] = MappingProxyType({field.name: field for field in _ROWS})


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Contact:
    """A contact as it will be sent: normalised, typed, one value for every field of the table.

    Its repr shows no value: it is personal data.
    """

    values: Mapping[str, Value]

    def __init__(self, **values: Value) -> None:
        """Take values by API name; what is not given is blank.

        Raises:
            TypeError: if a name is not in the field table.
        """
        unknown = values.keys() - FIELDS.keys()
        if unknown:
            raise TypeError(f"not a field: {', '.join(sorted(unknown))}")
        complete = {name: values.get(name, BLANK[row.kind]) for name, row in FIELDS.items()}
        object.__setattr__(self, "values", MappingProxyType(complete))

    def __getitem__(self, name: str) -> Value:
        """Return the value of a field, by its API name."""
        return self.values[name]

    def __repr__(self) -> str:
        """Name the class alone."""
        return "Contact(…)"
