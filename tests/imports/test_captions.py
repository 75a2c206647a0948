"""Captions, names, numbers and dates of real files: no name is lost silently."""

from datetime import date

from definitions import ALL

from webapp.contact import Contact
from webapp.imports.columns import date_orders, guess_columns
from webapp.imports.file import Row, Sheet
from webapp.imports.rows import read_row
from webapp.imports.tables import WHOLE_NAME
from webapp.persian import divide_name

CAPTIONS = {
    "نام و نام خانوادگی مشترک": "LName",
    "نام/نام خانوادگی": "LName",
    "نام خریدار": "LName",
    "نام و نام‌خانوادگی دانشجو": "LName",
    "نام کامل مشتری": "LName",
    "full_name": "LName",
    "customerFullName": "LName",
    "Buyer Last Name": "LName",
    "نام خانوادگی عضو": "LName",
    "نام کوچک مشترک": "FName",
    "first_name_fa": "FName",
    "شماره تلفن همراه مشترک": "Mobile",
    "ش.موبایل": "Mobile",
    "تلفن همراه (ضروری)": "Mobile",
    "شماره همراه خریدار": "Mobile",
    "mobile_phone_number": "Mobile",
    "تلفن تماس مشتری": "Mobile",
    "آدرس پست الکترونیک مشترک": "Email",
    "آدرس دقیق محل سکونت": "AddressText",
    "نام شهر محل سکونت": "CityName",
    "تاریخ تولد (شمسی)": "BornDate",
    "عنوان شغلی فعلی": "JobTitle",
}
OTHERS = (
    "نام پدر",
    "کد مشتری",
    "تلفن ثابت",
    "محل تولد",
    "تعداد همراه",
    "شماره شناسنامه",
    "کد پستی",
)


def guess(*header: str, rows: tuple[tuple[str, ...], ...] = ()) -> tuple[str, ...]:
    """Return the guess for a sheet."""
    numbered = tuple(Row(number, cells) for number, cells in enumerate(rows, start=2))
    return guess_columns(ALL, Sheet(header, numbered, epoch_1904=False))


def test_realistic_captions_name_their_fields() -> None:
    """Twenty-two of them, and others that name none."""
    found = {caption: guess(caption)[0] for caption in CAPTIONS}
    assert found == CAPTIONS
    assert {caption: guess(caption)[0] for caption in OTHERS} == dict.fromkeys(OTHERS, "")


def contact(columns: tuple[str, ...], *cells: str, month_first: tuple[int, ...] = ()) -> Contact:
    """Return the contact of a row."""
    row = Row(2, cells)
    read = read_row(ALL, columns, row, shared={}, epoch_1904=False, month_first=month_first)
    assert isinstance(read, Contact), read
    return read


def test_whole_name_is_divided_where_the_operator_chooses_so() -> None:
    """Double first names and titles stay together; a single word is a first name."""
    divided = {
        "سارا احمدی": ("سارا", "احمدی"),
        "محمد رضا کاظمی نژاد": ("محمد رضا", "کاظمی نژاد"),
        "سید علی حسینی": ("سید علی", "حسینی"),
        "خانم دکتر مریم رضایی": ("خانم دکتر مریم", "رضایی"),
        "مریم": ("مریم", ""),
        "امیر حسین": ("امیر", "حسین"),
    }
    assert {name: divide_name(name) for name in divided} == divided
    read = contact((WHOLE_NAME, "Mobile"), "سارا احمدی", "09121234567")
    assert (read["FName"], read["LName"]) == ("سارا", "احمدی")


def test_of_two_columns_with_mobile_numbers_the_first_usable_one_counts() -> None:
    """A landline in the first one is no reason to lose the row."""
    header = ("موبایل ۱", "موبایل ۲", "نام")
    rows = (("09121234567", "", "a"), ("09121234568", "09121234569", "b"), ("02188776655", "", "c"))
    columns = guess(*header, rows=rows)
    assert columns == ("Mobile", "Mobile", "FName")
    assert contact(columns, "02188776655", "09121234567", "a")["Mobile"] == "09121234567"


def test_further_mobile_numbers_stand_behind_the_best_caption() -> None:
    """A telephone of the office in front of it would get what is meant for the person."""
    header = ("تلفن", "موبایل", "موبایل ۲", "تلفن ۲")
    rows = (
        ("09121234567", "09121234568", "09121234569", "02188776655"),
        ("09121234567", "", "02188776655", "02188776655"),
    )
    assert guess(*header, rows=rows) == ("", "Mobile", "Mobile", "")


def test_columns_of_telephones_of_which_few_are_mobile_numbers_all_count() -> None:
    """Where a program exports the numbers of a person in any order."""
    rows = (("02188776655", "09121234567"), ("02188776655", "09121234568"))
    rows += (("09121234569", "02188776655"),) * 2 + (("02188776655", "02188776656"),)
    assert guess("Phone 1 - Value", "Phone 2 - Value", rows=rows) == ("Mobile", "Mobile")


def test_empty_column_takes_no_field_from_a_filled_one() -> None:
    """Names were lost where a program writes empty columns for their parts."""
    header = ("نام", "نام خانوادگی", "نام و نام خانوادگی", "موبایل", "شغل", "سمت")
    rows = (("", "", "سارا احمدی", "09121234567", " ", "مدیر"),)
    assert guess(*header, rows=rows) == ("FName", "", "LName", "Mobile", "", "JobTitle")


def test_column_whose_cells_its_caption_does_not_fit_is_left_out() -> None:
    """It was an error in each row."""
    rows = (("09121234567", "تهران", "مشتری"), ("09121234568", "قم", "همکار"))
    assert guess("موبایل", "تاریخ تولد", "جنسیت", rows=rows) == ("Mobile", "", "")
    numbers = (("1", "09121234567"), ("2", "09121234568"))
    assert guess("شماره", "تلفن", rows=numbers) == ("", "Mobile")


def test_column_that_proves_month_first_decides_for_its_other_dates() -> None:
    """One that proves nothing is asked about; one with dates of both orders is read day first."""
    cells = [("7/25/1990", "7/5/1990", "25/7/1990"), ("3/4/1985", "3/4/1985", "3/4/1985")]
    sheet = Sheet(("a", "b", "c"), tuple(Row(2, it) for it in cells), epoch_1904=False)
    assert date_orders(sheet) == ((0,), (1,))
    columns = ("BornDate", "AnniversaryDate", "", "Mobile")
    read = contact(columns, *cells[1], "09121234567", month_first=(0,))
    assert (read["BornDate"], read["AnniversaryDate"]) == (date(1985, 3, 4), date(1985, 4, 3))


def test_labels_are_divided_by_slashes_and_hashes() -> None:
    """But not a slash between digits."""
    columns = ("Mobile", "Labels")
    for cell, labels in {
        "مشتری/ویژه": ("مشتری", "ویژه"),
        "#مشتری #ویژه": ("مشتری", "ویژه"),
        "سال ۱۴۰۳/۱۴۰۴": ("سال ۱۴۰۳/۱۴۰۴",),
    }.items():
        assert contact(columns, "09121234567", cell)["Labels"] == labels, cell
