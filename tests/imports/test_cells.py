"""Cells of spreadsheets: numbers and dates that programs spoiled, genders, yes and no."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate
from tables import each

from webapp.contact import FIELDS
from webapp.forms.reading import read_value
from webapp.imports.cells import as_typed
from webapp.messages import imports as texts
from webapp.persian import Check, InvalidText


def read(name: str, cell: str, *, check: Check | None = None, epoch_1904: bool = False) -> object:
    """Return the value of a cell."""
    row = FIELDS[name]
    typed = as_typed(row, cell, check=check, epoch_1904=epoch_1904)
    return read_value(row, typed, check=check)


SUBSCRIBER = st.integers(0, 999_999_999).map("{:09}".format)
SPOILERS = {
    "as-typed": "09{}",
    "without-zero": "9{}",
    "float": "9{}.0",
    "hundredths": "9{}.00",
    "plus": "+989{}",
    "plus-float": "989{}.0",
    "apostrophe": "'09{}",
    "apostrophe-plus": "'+989{}",
    "formula": '="09{}"',
}


@given(SUBSCRIBER, st.sampled_from(sorted(SPOILERS)), st.booleans())
def test_spoiled_mobile_number_is_understood(rest: str, spoiler: str, persian: bool) -> None:  # noqa: FBT001
    """Whatever its digits, as long as all are there."""
    cell = SPOILERS[spoiler].format(rest)
    cell = cell.translate({ord("0") + n: ord("۰") + n for n in range(10)}) if persian else cell
    assert read("Mobile", cell) == f"09{rest}"


@given(SUBSCRIBER, st.integers(0, 12), st.sampled_from(["E+", "e", "E+0"]), st.sampled_from(".,٫"))
def test_scientific_number_is_understood_only_with_all_digits(
    rest: str, digits: int, exponent: str, point: str
) -> None:
    """A guessed number would reach a stranger."""
    number = f"9{rest}"
    fraction = number[1 : 1 + digits]
    cell = f"9{point}{fraction}{exponent}9" if fraction else f"9{exponent}9"
    if digits >= 9:
        assert read("Mobile", cell) == f"0{number}"
    else:
        with pytest.raises(InvalidText, match=texts.DIGITS_LOST):
            read("Mobile", cell)


@each("cell", ["912123456.0", "912123456.5", "0912123456.0", "9.12E+09", "9E9"])
def test_number_with_lost_digits_is_refused(cell: str) -> None:
    """The digit behind the point is none of the number."""
    with pytest.raises(InvalidText):
        read("Mobile", cell)


@given(st.dates(date(1927, 6, 1), date(2026, 1, 1)), st.booleans())
def test_date_is_read_from_its_serial_number(day: date, epoch_1904: bool) -> None:  # noqa: FBT001
    """Counted from 1900, with the leap day that year did not have, or from 1904."""
    serial = (day - (date(1904, 1, 1) if epoch_1904 else date(1899, 12, 30))).days
    if serial >= 10_000:  # shorter ones may be years
        assert read("BornDate", str(serial), epoch_1904=epoch_1904) == day
        assert read("BornDate", f"{serial}.75", epoch_1904=epoch_1904) == day


def test_serial_numbers_are_those_of_excel() -> None:
    """7 October 1990, as Excel shows it in either system."""
    assert read("BornDate", "33153") == date(1990, 10, 7)
    assert read("BornDate", "31691", epoch_1904=True) == date(1990, 10, 7)


TIMES = ["", " 00:00:00", "T00:00:00", " 12:30", "T08:15:30.5Z", " 00:00:00+03:30", " 1:02:03 PM"]


@given(st.dates(date(1925, 1, 1), date(2026, 1, 1)), st.sampled_from(TIMES))
def test_time_behind_a_date_is_left_out(day: date, time: str) -> None:
    """As databases write it."""
    assert read("BornDate", f"{day.isoformat()}{time}") == day


@each(
    "cell",
    ["1369/7/15", "۱۵ مهر ۱۳۶۹", "13690715", "13690715.0", "'1369/07/15", "1369-07-15 00:00:00"],
)
def test_jalali_date_is_read_as_on_the_page(cell: str) -> None:
    """In each of its spellings."""
    assert read("BornDate", cell) == date(1990, 10, 7)


@each(
    ("cell", "jalali"),
    [("-193738", (1369, 7, 15)), ("-193933.0", (1369, 1, 1)), ("'-193206", (1370, 12, 29))],
)
def test_jalali_date_that_became_an_old_day_is_read_from_its_serial_number(
    cell: str, jalali: tuple[int, int, int]
) -> None:
    """As LibreOffice writes it into XLSX: a day of the Julian year 1369."""
    assert read("BornDate", cell) == JalaliDate(*jalali).to_gregorian()


def test_time_in_place_of_a_date_is_refused_with_its_own_message() -> None:
    """Nothing else is left of an old day in XLS."""
    with pytest.raises(InvalidText, match=texts.DATE_LOST):
        read("BornDate", "00:00:00")
    assert read("AddressText", "00:00:00") == "00:00:00"


def test_year_is_no_serial_number() -> None:
    """Nor is a short number."""
    for cell in ("1369", "1990", "690715", "123"):
        with pytest.raises(InvalidText):
            read("BornDate", cell)


def test_birth_in_the_future_is_refused_as_a_serial_number_too() -> None:
    """The same rules as on the page."""
    tomorrow = date.today() + timedelta(days=3)  # noqa: DTZ011  in any zone
    with pytest.raises(InvalidText):
        read("BornDate", str((tomorrow - date(1899, 12, 30)).days))


@each(
    ("cell", "gender"),
    [
        *(
            (word, False)
            for word in ("0", "خ", "زن", "خانم", "سركار خانم", "مونث", "Female", "F", "FALSE")
        ),
        *(
            (word, True)
            for word in ("مرد", "آقا", "اقا", "آقاي", "مذکر", "male", "M", "true", "Mr.")
        ),
        ("نمی خواهم بگویم", None),
        ("", None),
    ],
)
def test_gender_is_read_from_any_common_word(cell: str, gender: object) -> None:
    """In either language."""
    assert read("GenderType", cell) is gender


@each("cell", ["2", "x", "ز"])
def test_gender_that_cannot_be_told_is_refused(cell: str) -> None:
    """Numbers mean one thing here and another there."""
    with pytest.raises(InvalidText):
        read("GenderType", cell)


@each(
    ("cell", "active"),
    [
        *(
            (word, True)
            for word in ("بله", "بلي", "فعال", "yes", "1", "۱", "1.0", "TRUE", "", " ", '="1"')
        ),
        *(
            (word, False)
            for word in ("خیر", "نه", "غیر فعال", "غیر‌فعال", "No", "0", "0.0", "false")
        ),
    ],
)
def test_active_is_read_from_any_common_word(cell: str, active: object) -> None:
    """An empty cell is a contact like others."""
    assert read("Active", cell) is active


def test_active_that_cannot_be_told_is_refused() -> None:
    """The checkbox of the page has no such answer."""
    with pytest.raises(InvalidText, match=texts.BAD_ANSWER):
        read("Active", "شاید")


@each(
    ("check", "cell", "value"),
    [
        (Check.NATIONAL_CODE, "12345679", "0012345679"),
        (Check.NATIONAL_CODE, "12345679.0", "0012345679"),
        (Check.NATIONAL_CODE, "'0012345679", "0012345679"),
        (Check.LANDLINE, "2112345678", "02112345678"),
        (Check.DIGITS, "12.0", "12"),
        (Check.DIGITS, "007", "007"),
    ],
)
def test_checked_number_gets_its_zeros_back(check: Check, cell: str, value: str) -> None:
    """Its length, and a check digit, tell that they are missing."""
    assert read("CustomText1", cell, check=check) == value


@each(
    ("cell", "value"),
    [
        ("'=1+1", "=1+1"), ("'+98", "+98"), ("'-", "-"), ("'@ali", "@ali"), ("'007", "007"),
        ("'نام'", "'نام'"), ("=1+1", "=1+1"), ("1.0", "1.0"), ("9E3", "9E3"),
    ],
)  # fmt: skip
def test_text_is_as_it_stands_but_for_the_apostrophe_of_a_protected_cell(
    cell: str, value: str
) -> None:
    """Our own export writes it before a formula."""
    assert read("CompanyTitle", cell) == value


def test_several_labels_stand_in_one_cell() -> None:
    """Between any of the separators, line breaks too."""
    assert read("Labels", "مشتری، ویژه;VIP\n#تهران") == ("مشتری", "ویژه", "VIP", "تهران")


@each("name", ["Mobile", "FName", "AddressText", "BornDate", "Labels", "Active"])
@each("cell", ["#N/A", " #DIV/0! ", "#value!"])
def test_error_of_a_formula_is_refused_in_any_field(name: str, cell: str) -> None:
    """It would be sent as a name or a label."""
    with pytest.raises(InvalidText, match=texts.FORMULA_ERROR):
        read(name, cell)
    assert read("FName", "N/A") == "N/A"


@each(
    ("cell", "labels"),
    [
        ("* myContacts ::: دوستان", ("دوستان",)),
        ("دوستان ::: مشتری، همکار ::: * starred", ("دوستان", "مشتری", "همکار")),
        ("* myContacts", ()),
        ("* ویژه", ("* ویژه",)),
        ("a:::b", ("a:::b",)),
    ],
)
def test_labels_of_google_contacts_are_several_without_its_own_groups(
    cell: str, labels: tuple[str, ...]
) -> None:
    """What other programs write stays as it is."""
    assert read("Labels", cell) == labels
