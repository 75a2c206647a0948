"""Files of other programs: which sheet and header they have, and what their rows hold."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import pytest
from definitions import ALL
from xlsxwriter import Workbook

from webapp.contact import Contact
from webapp.imports.columns import guess_columns, known_captions
from webapp.imports.file import Row, Sheet
from webapp.imports.rows import is_note, read_row
from webapp.imports.sheet_parser import Guide
from webapp.imports.sheet_parser.__main__ import parse
from webapp.imports.sheet_parser.workbook import _with_parts
from webapp.imports.tables import ColumnMapping

GUIDE = Guide(frozenset(known_captions(ALL)))
GOOGLE = (
    "First Name,Middle Name,Last Name,Birthday,Gender,Group Membership,E-mail 1 - Value,"
    "Phone 1 - Label,Phone 1 - Value,Phone 2 - Value,Organization Name\n"
    "سارا,,احمدی,1990-10-07,,* myContacts ::: مشتری,a@example.com,Mobile,"
    "021 8877 6655 ::: 0912 123 4567,,آموت\n"
)
OUTLOOK = (
    "Title,First Name,Last Name,Company,Job Title,Business City,Mobile Phone,Birthday,Gender,"
    "Anniversary,E-mail Address\n"
    ",سارا,احمدی,آموت,مدیر,تهران,09121234567,0/0/00,Unspecified,0/0/00,a@example.com\n"
)
CARD = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\n"
    "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D8=A7=D8=AD=D9=85=D8=AF=DB=8C;=D8=B3=\r\n"
    "=D8=A7=D8=B1=D8=A7;;;\r\nTEL;HOME:02188776655\r\nTEL;CELL:+98 912 123 4567\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:علی کاظمی\r\nitem1.TEL;type=CELL:0912-765-4321\r\n"
    "BDAY:1990-10-07\r\nADR:;;خیابان آزادی\\, پلاک ۱;تهران;;;\r\nEND:VCARD\r\n"
)
HTML = (
    '<html><head><meta charset="utf-8"><style>td{}</style></head><body><table>'
    "<tr><td colspan=3>فهرست مشترکین</td></tr>"
    "<tr><th>ردیف</th><th>نام مشترک</th><th>شماره تلفن همراه</th></tr>"
    "<tr><td>1</td><td>سارا&nbsp;احمدی</td><td>09121234567</td></tr></table></body></html>"
)


def contacts(data: bytes, guide: Guide = GUIDE) -> list[Contact]:
    """Return the contacts of a file; a wrong row fails."""
    table, epoch_1904 = parse(data, guide)
    width = table.width
    rows = [Row(number, (*it, *[""] * (width - len(it)))) for number, it in table.rows]
    header = (*(table.header or ()), *[""] * (width - len(table.header or ())))
    sheet = Sheet(tuple(header), tuple(rows), epoch_1904=epoch_1904)
    columns = guess_columns(ALL, sheet)
    read = [read_row(ALL, columns, row, shared={}, epoch_1904=epoch_1904) for row in rows]
    assert not [it for it in read if isinstance(it, tuple)], read
    return [it for it in read if not isinstance(it, tuple)]


def book(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Return a workbook."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return file.getvalue()


def test_files_of_other_programs_are_read_as_their_contacts() -> None:
    """Google's and Outlook's exports, phones' vCards, and web pages that are named `.xls`."""
    names = ("FName", "LName", "Mobile")
    sara = ("سارا", "احمدی", "09121234567")
    ali = ("", "علی کاظمی", "09127654321")
    expected = {
        GOOGLE: [sara],
        OUTLOOK: [sara],
        CARD: [sara, ali],
        HTML: [("", "سارا احمدی", "09121234567")],
    }
    for text, people in expected.items():
        found = [tuple(it[name] for name in names) for it in contacts(text.encode())]
        assert found == people, text[:40]
    (google,) = contacts(GOOGLE.encode())
    assert (google["Labels"], google["CompanyTitle"]) == (("مشتری",), "آموت")
    (outlook,) = contacts(OUTLOOK.encode())
    assert (outlook["BornDate"], outlook["GenderType"]) == (None, None)
    (_, card) = contacts(CARD.encode())
    assert (card["CityName"], str(card["BornDate"])) == ("تهران", "1990-10-07")


def test_sheet_and_header_with_the_most_known_captions_are_chosen() -> None:
    """A cover sheet and a title of several cells are neither."""
    cover = [["گزارش", "1405"], ["واحد", "فروش"]]
    people = [
        ["گزارش مشترکین", "", "تاریخ", "1405/01/01"],
        ["واحد", "فروش"],
        ["ردیف", "نام مشترک", "شماره تلفن همراه", "شهر"],
        [1, "سارا احمدی", "09121234567", "تهران"],
    ]
    table, _ = parse(book({"جلد": cover, "مشترکین": people}), GUIDE)
    assert (table.sheet, table.header_row, table.sheets) == ("مشترکین", 3, ("جلد", "مشترکین"))
    assert table.header == people[2]
    assert len(table.rows) == 1


def test_sheet_and_header_that_are_named_are_read() -> None:
    """Whatever they hold; row 0 says that there is no header."""
    rows = [["نام", "موبایل"], ["سارا", "09121234567"], ["علی", "09127654321"]]
    data = book({"a": rows, "b": [["x", "y"], *rows]})
    other, _ = parse(data, Guide(GUIDE.captions, sheet="b", header_row=1))
    assert (other.header, len(other.rows)) == (["x", "y"], 3)
    none, _ = parse(data, Guide(GUIDE.captions, sheet="a", header_row=0))
    assert (none.header, len(none.rows)) == (None, 3)


# As Excel 2003 and the programs of shops save it: XML, named `.xls`.
XML_2003 = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook '
    'xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table>'
    "<Row><Cell><Data>نام</Data></Cell><Cell><Data>تلفن</Data></Cell><Cell><Data>موبایل</Data></Cell>"
    '</Row><Row><Cell><Data>سارا</Data></Cell><Cell ss:Index="3"><Data ss:Type="Number">9121234567'
    "</Data></Cell></Row></Table></Worksheet></Workbook>"
)


def test_xml_of_excel_2003_is_read() -> None:
    """A cell may say in which column it stands."""
    (found,) = contacts(XML_2003.encode())
    assert (found["FName"], found["Mobile"]) == ("سارا", "09121234567")


def test_cells_that_are_merged_downwards_hold_their_value_in_each_row() -> None:
    """A city for two rows; a header of two rows. Rows without other cells stay empty."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.merge_range(0, 0, 1, 0, "نام")
        sheet.merge_range(0, 1, 0, 2, "تماس")
        sheet.write_row(1, 1, ["موبایل", "شهر"])
        sheet.write_row(2, 0, ["سارا", "09121234567"])
        sheet.write_row(3, 0, ["علی", "09127654321"])
        sheet.merge_range(2, 2, 6, 2, "قم")
    found = contacts(file.getvalue())
    assert [(it["FName"], it["CityName"]) for it in found] == [("سارا", "قم"), ("علی", "قم")]


@pytest.mark.parametrize("empty", [b"<v></v>", b"<v />", b"<v/>"])
def test_formula_without_a_result_is_no_empty_cell(empty: bytes) -> None:
    """As programs write it that do not compute: opening and saving the file in Excel mends it."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["نام", "موبایل"])
        sheet.write_formula(1, 1, '="0"&9121234567', None, 77)
        sheet.write_formula(1, 0, '=""', None, 78)
    with zipfile.ZipFile(file) as archive:
        part = archive.read("xl/worksheets/sheet1.xml").replace(b"<v>77</v>", empty)
        computed = b'<c r="A2" t="str"><f>""</f><v></v>'  # as Excel writes an empty text
        part = part.replace(b'<c r="A2"><f>""</f><v>78</v>', computed)
        data = _with_parts(archive, {"xl/worksheets/sheet1.xml": part})
    (row,) = parse(data, GUIDE)[0].rows
    assert row == (2, ["", "#VALUE!"])


def test_birthday_without_a_year_is_none() -> None:
    """A phone writes 1604 for it."""
    card = CARD.replace("BDAY:1990-10-07", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-10-07")
    (_, found) = contacts(card.encode())
    assert found["BornDate"] is None


def test_birthday_without_a_year_in_the_export_of_google_is_none() -> None:
    """With a space in front: the row was wrong."""
    export = f"{GOOGLE}سارا,,احمدی, --10-07,,,,,0912 123 4568,,\n"
    assert contacts(export.encode())[-1]["BornDate"] is None


def test_mobile_number_of_a_card_comes_before_its_others() -> None:
    """Phones write them in any order."""
    card = CARD.replace("TEL;", "TEL;TYPE=WORK:0912 000 0000\nTEL;", 1)
    assert contacts(card.encode())[0]["Mobile"] == "09121234567"


def test_total_that_stands_below_the_numbers_is_no_contact() -> None:
    """Whatever was counted; a person whose number is wrong is one."""
    reading = ColumnMapping(header=("نام", "موبایل"), columns=("FName", "Mobile"), shared={})
    assert is_note(reading, Row(9, ("جمع کل", "12")))
    assert not is_note(reading, Row(9, ("سارا", "12")))
    assert not is_note(reading, Row(9, ("جمع", "09121234567")))
