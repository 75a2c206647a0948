"""Files of other programs: which sheet and header they have, and what their rows hold."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from definitions import ALL
from xlsxwriter import Workbook

from webapp.imports.columns import guess_columns, known_captions
from webapp.imports.file import Row, Sheet
from webapp.imports.rows import read_row
from webapp.imports.sheet_parser.__main__ import parse
from webapp.imports.sheet_parser.table import Guide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.contact import Contact

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
