"""The field table, with one row for each ContactCreate parameter, and the contact."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from webapp import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | bool | date | tuple[str, ...] | None


class Kind(enum.Enum):
    """The type of a field: it decides how the field is shown, validated and sent."""

    MOBILE = "mobile"
    TEXT = "text"
    LINES = "lines"
    EMAIL = "email"
    GENDER = "gender"
    DATE = "date"
    LABELS = "labels"
    ACTIVE = "active"


class Section(enum.Enum):
    """A section of a long form, in the order of the page; its value is its heading.

    `MAIN` has no heading: its fields, which operators use every time, come first.
    """

    MAIN = ""
    WORK = messages.GROUP_WORK
    ADDRESS = messages.GROUP_ADDRESS
    DATES = messages.GROUP_DATES
    CUSTOM = messages.GROUP_CUSTOM
    STATE = messages.GROUP_STATE


# The portal documents no maximum lengths: these are guesses, in code points after normalising. What
# it cuts or refuses, `amoot-form check --portal --create` shows.
_NAME_LENGTH: Final = 50
_TITLE_LENGTH: Final = 100
_TEXT_LENGTH: Final = 200
_ADDRESS_LENGTH: Final = 500
_EMAIL_LENGTH: Final = 254  # RFC 5321, section 4.5.3.1.3
# As typed; what is sent is shorter.
_MOBILE_LENGTH: Final = 40
_DATE_LENGTH: Final = 30

# The values of a field without input; `False` is an input.
EMPTY_VALUES: Final = (None, "", ())

EMPTY: Final[Mapping[Kind, Value]] = MappingProxyType(
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
    """A row of the field table: a parameter of ContactCreate, and its input.

    A new field needs only a row: other modules read the table and name no field.

    Attributes:
        name: The parameter's name in the portal's reference, and the input's.
        kind: Its type.
        label: The Persian label.
        section: Its section on a long form.
        hint: A Persian sentence or example below the label, or "".
        max_length: The maximum length of texts, in code points after normalising: our guess, as the
            portal documents none.
        autocomplete: The HTML autocomplete token, for visitors.
        in_past: Whether its date is in the past, such as a date of birth.
        can_be_kept: Whether an operator may keep its value for the next contact.
        is_shared: Whether colleagues share its value, so that one like another begins with it.
        identifies: Whether a stored contact without this parameter cannot be matched.
    """

    name: str
    kind: Kind
    label: str
    section: Section = Section.CUSTOM
    hint: str = ""
    max_length: int = _TEXT_LENGTH
    autocomplete: str = "off"
    in_past: bool = False
    can_be_kept: bool = False
    is_shared: bool = False
    identifies: bool = False


def _custom_text(number: int, digit: str) -> Field:
    return Field(name=f"CustomText{number}", kind=Kind.TEXT, label=f"فیلد سفارشی {digit}")


def _custom_date(number: int, digit: str) -> Field:
    return Field(
        name=f"CustomDate{number}",
        kind=Kind.DATE,
        label=f"تاریخ سفارشی {digit}",
        hint="مانند ۱۴۰۴/۰۵/۲۳",
        max_length=_DATE_LENGTH,
    )


# In the order of the portal's reference, in which they are sent.
_ROWS: Final = (
    Field(name="Active", kind=Kind.ACTIVE, label="مخاطب فعال باشد", section=Section.STATE),
    Field(
        name="Mobile",
        kind=Kind.MOBILE,
        label="شمارهٔ همراه",
        section=Section.MAIN,
        hint="مانند ۰۹۱۲۱۲۳۴۵۶۷",
        max_length=_MOBILE_LENGTH,
        autocomplete="tel",
    ),
    Field(
        name="FName",
        kind=Kind.TEXT,
        label="نام",
        section=Section.MAIN,
        max_length=_NAME_LENGTH,
        autocomplete="given-name",
        identifies=True,
    ),
    Field(
        name="LName",
        kind=Kind.TEXT,
        label="نام خانوادگی",
        section=Section.MAIN,
        max_length=_NAME_LENGTH,
        autocomplete="family-name",
        identifies=True,
    ),
    Field(
        name="GenderType",
        kind=Kind.GENDER,
        label="جنسیت",
        section=Section.MAIN,
        autocomplete="sex",
    ),
    Field(
        name="CompanyTitle",
        kind=Kind.TEXT,
        label="نام شرکت یا سازمان",
        section=Section.WORK,
        max_length=_TITLE_LENGTH,
        autocomplete="organization",
        is_shared=True,
    ),
    Field(
        name="JobTitle",
        kind=Kind.TEXT,
        label="سمت شغلی",
        section=Section.WORK,
        hint="مانند «مدیر فروش»",
        max_length=_TITLE_LENGTH,
        autocomplete="organization-title",
        is_shared=True,
    ),
    Field(
        name="Email",
        kind=Kind.EMAIL,
        label="نشانی ایمیل",
        section=Section.ADDRESS,
        hint="مانند name@example.com",
        max_length=_EMAIL_LENGTH,
        autocomplete="email",
    ),
    Field(
        name="CityName",
        kind=Kind.TEXT,
        label="شهر",
        section=Section.MAIN,
        max_length=_NAME_LENGTH,
        autocomplete="address-level2",
        can_be_kept=True,
        is_shared=True,
    ),
    Field(
        name="AddressText",
        kind=Kind.LINES,
        label="نشانی",
        section=Section.ADDRESS,
        hint="خیابان، کوچه، پلاک و واحد",
        max_length=_ADDRESS_LENGTH,
        autocomplete="street-address",
    ),
    Field(
        name="BornDate",
        kind=Kind.DATE,
        label="تاریخ تولد",
        section=Section.DATES,
        hint="به تقویم شمسی؛ مانند ۱۵ مهر ۱۳۶۹",
        max_length=_DATE_LENGTH,
        in_past=True,
    ),
    Field(
        name="AnniversaryDate",
        kind=Kind.DATE,
        label="تاریخ سالگرد",
        section=Section.DATES,
        hint="مانند ۲۴ خرداد ۱۳۹۵",
        max_length=_DATE_LENGTH,
    ),
    *(_custom_text(number, digit) for number, digit in enumerate("۱۲۳۴۵۶", start=1)),
    *(_custom_date(number, digit) for number, digit in enumerate("۱۲۳", start=1)),
    Field(
        name="Labels",
        kind=Kind.LABELS,
        label="برچسب‌ها",
        section=Section.MAIN,
        hint="برچسب‌ها را با ویرگول (،) از هم جدا کنید.",
        max_length=_NAME_LENGTH,
        can_be_kept=True,
        is_shared=True,
    ),
)

# The only parameters that other modules may name: the portal requires a mobile number, and groups
# contacts by labels.
MOBILE: Final = "Mobile"
LABELS: Final = "Labels"

_table: Final = {field.name: field for field in _ROWS}
FIELDS: Final[Mapping[str, Field]] = MappingProxyType(_table)
# The fields of a person's name, of which the portal may require one.
NAMES: Final = tuple(name for name, row in FIELDS.items() if row.identifies)


def in_page_order() -> tuple[Field, ...]:
    """Return the rows by section, and within a section in the order of the table."""
    sections = list(Section)
    return tuple(sorted(FIELDS.values(), key=lambda row: sections.index(row.section)))


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Contact:
    """A contact as it will be sent: a normalised value for every row of the field table.

    Its repr shows no personal data.
    """

    values: Mapping[str, Value]

    def __init__(self, **values: Value) -> None:
        """Set values by API name; missing ones are empty.

        Raises:
            TypeError: if a name is not in the field table.
        """
        unknown = values.keys() - FIELDS.keys()
        if unknown:
            raise TypeError(f"not a field: {', '.join(sorted(unknown))}")
        complete = {name: values.get(name, EMPTY[row.kind]) for name, row in FIELDS.items()}
        object.__setattr__(self, "values", MappingProxyType(complete))

    def __getitem__(self, name: str) -> Value:
        """Return the value of a field, by its API name."""
        return self.values[name]

    @property
    def names(self) -> list[str]:
        """The parts of its name, else its company, as lists name it; empty if it has neither."""
        names = [str(self[name]) for name in NAMES if self[name]]
        company = str(self["CompanyTitle"] or "")
        return names or [company] * bool(company)

    def __repr__(self) -> str:
        """Return the name of the class."""
        return "Contact(…)"
