"""The field table, with one row for each ContactCreate parameter, and the contact."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from webapp import messages
from webapp.persian import CITIES

Value = str | bool | date | tuple[str, ...] | None


class FieldKind(enum.Enum):
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


QUESTION_MARKS: Final = ("؟", "?")  # at the end of a caption that asks

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

EMPTY: Final[Mapping[FieldKind, Value]] = MappingProxyType(
    {
        FieldKind.MOBILE: "",
        FieldKind.TEXT: "",
        FieldKind.LINES: "",
        FieldKind.EMAIL: "",
        FieldKind.GENDER: None,
        FieldKind.DATE: None,
        FieldKind.LABELS: (),
        FieldKind.ACTIVE: True,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A row of the field table: a parameter of ContactCreate, and its input.

    A new field needs only a row: other modules read the table and name no field.

    Attributes:
        name: The parameter's name in the portal's reference, and the input's.
        kind: Its type.
        caption: In Persian.
        spellings: What columns of spreadsheets with its values are called, the best spelling first;
            the caption and the name come before them.
        section: Its section on a long form.
        hint: A Persian sentence or example below the caption, or "".
        choices: The texts of which it holds one, by the form's definition; none: any text.
        known_values: Common values, by which a column without a header is recognised.
        max_length: The maximum length of texts, in code points after normalising: our guess, as the
            portal documents none.
        autocomplete: The HTML autocomplete token, for visitors.
        in_past: Whether its date is in the past, such as a date of birth.
        can_be_kept: Whether an operator may keep its value for the next contact.
        is_shared: Whether colleagues share its value: a similar contact begins with it.
        identifies: Whether a stored contact without this parameter cannot be matched.
    """

    name: str
    kind: FieldKind
    caption: str
    spellings: tuple[str, ...] = ()
    section: Section = Section.CUSTOM
    hint: str = ""
    choices: tuple[str, ...] = ()
    known_values: tuple[str, ...] = ()
    max_length: int = _TEXT_LENGTH
    autocomplete: str = "off"
    in_past: bool = False
    can_be_kept: bool = False
    is_shared: bool = False
    identifies: bool = False

    @property
    def subject(self) -> str:
        """What messages call it: its caption, unless that is a question."""
        return messages.ANSWER if self.asks else self.caption

    @property
    def asks(self) -> bool:
        """Whether its caption is a question."""
        return self.caption.endswith(QUESTION_MARKS)


def _custom_text(number: int, digit: str) -> Field:
    return Field(
        name=f"CustomText{number}",
        kind=FieldKind.TEXT,
        caption=f"فیلد سفارشی {digit}",
        spellings=(
            *(f"فیلد سفارشی {digit}", f"متن سفارشی {digit}", f"فیلد دلخواه {digit}"),
            *(f"Custom Text {number}", f"Custom Field {number}", f"Custom {number}"),
        ),
    )


def _custom_date(number: int, digit: str) -> Field:
    return Field(
        name=f"CustomDate{number}",
        kind=FieldKind.DATE,
        caption=f"تاریخ سفارشی {digit}",
        hint="مانند ۱۴۰۴/۰۵/۲۳",
        max_length=_DATE_LENGTH,
        spellings=(f"تاریخ سفارشی {digit}", f"تاریخ دلخواه {digit}", f"Custom Date {number}"),
    )


# In the order of the portal's reference, in which they are sent.
_ROWS: Final = (
    Field(
        name="Active",
        kind=FieldKind.ACTIVE,
        caption="مخاطب فعال باشد",
        section=Section.STATE,
        spellings=("فعال", "وضعیت", "Active", "Is Active", "Enabled", "Status"),
    ),
    Field(
        name="Mobile",
        kind=FieldKind.MOBILE,
        caption="شمارهٔ همراه",
        section=Section.MAIN,
        hint="مانند ۰۹۱۲۱۲۳۴۵۶۷",
        max_length=_MOBILE_LENGTH,
        autocomplete="tel",
        spellings=(
            *("موبایل", "شماره موبایل", "شماره همراه", "تلفن همراه", "شماره تلفن همراه", "همراه"),
            *("گوشی", "شماره گوشی", "موبایل ۱", "شماره موبایل ۱"),
            *("Mobile", "Mobile Number", "Mobile Phone", "Mobile No", "Cell", "Cell Phone"),
            *("Cellphone Number", "Phone 1 - Value", "شماره", "شماره تماس", "تلفن تماس", "تلفن"),
            *("شماره تلفن", "Phone", "Phone Number", "Tel", "Telephone"),
        ),
    ),
    Field(
        name="FName",
        kind=FieldKind.TEXT,
        caption="نام",
        section=Section.MAIN,
        max_length=_NAME_LENGTH,
        autocomplete="given-name",
        identifies=True,
        spellings=("نام", "نام کوچک", "اسم", "First Name", "Given Name", "Forename", "Name"),
    ),
    Field(
        name="LName",
        kind=FieldKind.TEXT,
        caption="نام خانوادگی",
        section=Section.MAIN,
        max_length=_NAME_LENGTH,
        autocomplete="family-name",
        identifies=True,
        spellings=(
            *("نام خانوادگی", "فامیلی", "فامیل", "نام فامیلی", "نام فامیل", "شهرت"),
            *("Last Name", "Family Name", "Family", "Surname", "LName"),
            *("نام و نام خانوادگی", "نام و فامیلی", "نام و فامیل", "نام خانوادگی و نام"),
            *("نام کامل", "نام مشتری", "نام مخاطب", "مشتری", "Full Name", "Contact Name"),
            *("Customer Name",),
        ),
    ),
    Field(
        name="GenderType",
        kind=FieldKind.GENDER,
        caption="جنسیت",
        section=Section.MAIN,
        autocomplete="sex",
        spellings=("جنسیت", "جنس", "Gender", "Gender Type", "Sex"),
    ),
    Field(
        name="CompanyTitle",
        kind=FieldKind.TEXT,
        caption="نام شرکت یا سازمان",
        section=Section.WORK,
        max_length=_TITLE_LENGTH,
        autocomplete="organization",
        is_shared=True,
        spellings=(
            *("شرکت", "نام شرکت", "سازمان", "نام سازمان", "عنوان شرکت", "شرکت یا سازمان", "مؤسسه"),
            *("Company", "Company Name", "Company Title", "Organization", "Organization Name"),
            *("Organisation", "Organization 1 - Name"),
        ),
    ),
    Field(
        name="JobTitle",
        kind=FieldKind.TEXT,
        caption="سمت شغلی",
        section=Section.WORK,
        hint="مانند «مدیر فروش»",
        max_length=_TITLE_LENGTH,
        autocomplete="organization-title",
        is_shared=True,
        spellings=(
            *("سمت", "شغل", "عنوان شغلی", "عنوان سمت", "سمت سازمانی", "پست سازمانی", "حرفه"),
            *("Job Title", "Job", "Position", "Title", "Role", "Occupation", "Organization Title"),
            *("Organization 1 - Title",),
        ),
    ),
    Field(
        name="Email",
        kind=FieldKind.EMAIL,
        caption="نشانی ایمیل",
        section=Section.ADDRESS,
        hint="مانند name@example.com",
        max_length=_EMAIL_LENGTH,
        autocomplete="email",
        spellings=(
            *("ایمیل", "آدرس ایمیل", "پست الکترونیکی", "پست الکترونیک", "رایانامه"),
            *("Email", "Email Address", "Mail", "E-mail 1 - Value"),
        ),
    ),
    Field(
        name="CityName",
        kind=FieldKind.TEXT,
        caption="شهر",
        section=Section.MAIN,
        max_length=_NAME_LENGTH,
        autocomplete="address-level2",
        can_be_kept=True,
        is_shared=True,
        spellings=(
            *("شهر", "نام شهر", "شهرستان", "شهر محل سکونت"),
            *("City", "City Name", "Town", "Home City", "Business City", "Address 1 - City"),
        ),
        known_values=CITIES,
    ),
    Field(
        name="AddressText",
        kind=FieldKind.LINES,
        caption="نشانی",
        section=Section.ADDRESS,
        hint="خیابان، کوچه، پلاک و واحد",
        max_length=_ADDRESS_LENGTH,
        autocomplete="street-address",
        spellings=(
            *("نشانی", "آدرس", "نشانی پستی", "آدرس پستی", "نشانی منزل", "آدرس منزل"),
            *("نشانی محل کار", "آدرس محل کار", "محل سکونت"),
            *("Address", "Address Text", "Street", "Street Address", "Postal Address"),
            *("Address 1 - Formatted", "Home Address", "Home Street", "Business Street"),
        ),
    ),
    Field(
        name="BornDate",
        kind=FieldKind.DATE,
        caption="تاریخ تولد",
        section=Section.DATES,
        hint="به تقویم شمسی؛ مانند ۱۵ مهر ۱۳۶۹",
        max_length=_DATE_LENGTH,
        in_past=True,
        spellings=(
            *("تاریخ تولد", "تولد", "ت تولد", "متولد", "روز تولد", "زادروز"),
            *("Birthday", "Birth Date", "Date of Birth", "Born Date", "DOB"),
        ),
    ),
    Field(
        name="AnniversaryDate",
        kind=FieldKind.DATE,
        caption="تاریخ سالگرد",
        section=Section.DATES,
        hint="مانند ۲۴ خرداد ۱۳۹۵",
        max_length=_DATE_LENGTH,
        spellings=(
            *("تاریخ سالگرد", "سالگرد", "سالگرد ازدواج", "تاریخ ازدواج"),
            *("Anniversary", "Anniversary Date", "Wedding Anniversary", "Marriage Date"),
        ),
    ),
    *(_custom_text(number, digit) for number, digit in enumerate("۱۲۳۴۵۶", start=1)),
    *(_custom_date(number, digit) for number, digit in enumerate("۱۲۳", start=1)),
    Field(
        name="Labels",
        kind=FieldKind.LABELS,
        caption="برچسب‌ها",
        section=Section.MAIN,
        hint="برچسب‌ها را با ویرگول (،) از هم جدا کنید.",
        max_length=_NAME_LENGTH,
        can_be_kept=True,
        is_shared=True,
        spellings=(
            *("برچسب‌ها", "برچسب", "گروه", "گروه‌ها", "گروه مخاطب", "گروه‌بندی", "دسته", "دسته‌بندی"),
            *("Labels", "Label", "Groups", "Group", "Group Membership", "Tags", "Tag"),
            *("Categories", "Category"),
        ),
    ),
)

# The only parameters that other modules may name: the portal requires a mobile number, and groups
# contacts by labels.
MOBILE: Final = "Mobile"
CITY: Final = "CityName"
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

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels."""
        labels = self[LABELS]
        return labels if isinstance(labels, tuple) else ()

    def __repr__(self) -> str:
        """Return the name of the class."""
        return "Contact(…)"
