"""Parsing a file, without a process of its own: kind, encoding, delimiter, header and limits."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import each
from xlsxwriter import Workbook

from webapp.imports import sheet_parser as limits
from webapp.imports.sheet_parser import Unparsable
from webapp.imports.sheet_parser import workbook as workbook_module
from webapp.imports.sheet_parser.__main__ import parse
from webapp.imports.sheet_parser.workbook import read_workbook
from webapp.messages.imports import UNREADABLE

HEADER = ["نام", "شماره همراه", "نشانی"]
PERSON = ["علی", "09121234567", "تهران، خیابان آزادی; پلاک ۱, طبقهٔ ۲"]
OTHER = ["ژاله گلچین", "09350000000", "خط یک\nخط دو"]
ROWS = [HEADER, PERSON, OTHER]


def written(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    """Return rows as CSV."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


def workbook(cells: Mapping[str, object], **options: object) -> bytes:
    """Return an XLSX file with these cells."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "default_date_format": "dd/mm/yyyy", **options}) as it:
        sheet = it.add_worksheet()
        for place, value in cells.items():
            sheet.write(place, value)
    return file.getvalue()


NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:{prefix}"' if prefix == "calcext" else
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
    for prefix in ("office", "table", "text", "calcext")
)  # fmt: skip
ODS = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document-content {NAMESPACES} office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="x"><table:table-row>CELLS</table:table-row></table:table>
</office:spreadsheet></office:body></office:document-content>"""


def ods(*cells: str) -> bytes:
    """Return an ODS file with one row of cells, as LibreOffice writes them."""
    row = "".join(f"<table:table-cell {cell}</table:table-cell>" for cell in cells)
    return zipped({
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": ODS.replace("CELLS", row).encode(),
        "META-INF/manifest.xml": b"<x/>",
    })  # fmt: skip


def only_row(data: bytes) -> list[str]:
    """Return the cells of a file's first row, whether it is taken for a header or not."""
    return list(next(iter(next(iter(read_workbook(data)[0].values()))()))[1])


def code(data: bytes) -> str:
    """Return why a file is not read."""
    with pytest.raises(Unparsable) as caught:
        parse(data)
    return caught.value.code


@each("delimiter", [",", ";", "\t", "|", "؛"])
@each("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_csv_in_any_encoding_and_with_any_delimiter_is_read(encoding: str, delimiter: str) -> None:
    """Other delimiters within the cells, and line breaks, belong to the cells."""
    table, _ = parse(written(ROWS, delimiter).encode(encoding))
    assert table.header == HEADER
    assert list(table.rows) == [(2, PERSON), (3, OTHER)]


def test_csv_in_windows_1256_is_read() -> None:
    """As Excel on a Persian Windows saves it, with the Arabic ي."""
    rows = [[cell.replace("ی", "ي").translate({0x06F1: "1", 0x06F2: "2", 0x0654: None})
             for cell in row] for row in ROWS]  # fmt: skip
    table, _ = parse(written(rows, ";").encode("cp1256"))
    assert [table.header, *(cells for _, cells in table.rows)] == rows


def test_broken_bytes_in_utf8_spoil_only_their_cell() -> None:
    """The rest is not read in another encoding."""
    data = written([*ROWS] * 10).encode()
    table, _ = parse(data + "شیراز".encode()[:-1] + b",x\n")
    assert table.header == HEADER
    assert list(table.rows[-1][1]) == ["شیرا\ufffd", "x"]


def test_csv_with_nul_bytes_is_read_without_them() -> None:
    """As databases export columns of a fixed width."""
    table, _ = parse("نام,شهر\nسارا\0\0\0,تهران\0\n".encode())
    assert (table.header, table.rows) == (["نام", "شهر"], [(2, ["سارا", "تهران"])])


def test_excels_line_that_names_the_delimiter_is_no_row() -> None:
    """Nor does it count for the numbers of the others, as it is not shown."""
    table, _ = parse(("sep=;\r\n" + written(ROWS, ";")).encode())
    assert table.header == HEADER
    assert [number for number, _ in table.rows] == [2, 3]
    with pytest.raises(Unparsable) as caught:
        parse('sep=;\nنام;شهر\n"علی;تهران\n'.encode())
    assert (caught.value.code, caught.value.numbers["n"]) == ("quotes", 2)


CELLS = st.text(st.sampled_from('ab,;"\t\n۱'), max_size=5)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_cells_of_csv_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    """Whatever stands in them."""
    body = [["x", *row, "y"] for row in rows]
    table, _ = parse(written([["a", "b", "c", "d", "e"], *body, *[["1", "2", "3", "4", "5"]] * 20])
                     .encode())  # fmt: skip
    assert [list(cells) for _, cells in table.rows[: len(body)]] == body


def test_cells_of_a_workbook_become_texts() -> None:
    """Whole numbers without a fraction, dates in the order of ISO 8601."""
    cells = {
        "A1": "سرستون", "B1": "دو", "A2": 9121234567, "B2": 1.5, "C2": True, "D2": False,
        "E2": datetime(1990, 10, 7, 12, 30, tzinfo=UTC),
        "F2": date(1990, 10, 7), "G2": "007", "H2": "=1+1x",
        "I2": 0, "J2": 9.8912e15,
    }  # fmt: skip
    data = workbook(cells, strings_to_formulas=False, remove_timezone=True)
    table, epoch_1904 = parse(data)
    assert list(table.rows[0][1]) == [
        "9121234567", "1.5", "true", "false", "1990-10-07", "1990-10-07", "007", "=1+1x", "0",
        "9891200000000000",
    ]  # fmt: skip
    assert not epoch_1904
    assert parse(workbook({"A1": "a", "A2": 1, "B1": time(1)}, date_1904=True))[1]


@each(
    ("stored", "typed"),
    [
        ("1369-07-23", "1369-07-15"),
        ("1369-01-09", "1369-01-01"),
        ("1371-01-06", "1370-12-29"),
        ("1300-03-08", "1300-02-29"),
        ("1582-10-14", "1582-10-04"),
        ("1582-10-15", "1582-10-15"),
        ("1990-10-07", "1990-10-07"),
    ],
)
def test_jalali_date_that_became_an_old_day_in_ods_is_as_it_was_typed(
    stored: str, typed: str
) -> None:
    """LibreOffice shows days before 1582 by the Julian calendar, but stores Gregorian ones."""
    value = f'office:value-type="date" office:date-value="{stored}"'
    cells = [f"{value}>", f'{value.removesuffix(chr(34))}T10:30:00">']
    assert only_row(ods(*cells)) == [typed, typed]


def test_day_before_1900_in_xlsx_is_its_serial_number() -> None:
    """Beside other cells, which stay as they are."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as it:
        sheet = it.add_worksheet()
        day = it.add_format({"num_format": "yyyy-mm-dd"})
        for column, number in enumerate((-193738, -5, 33153)):
            sheet.write_number(0, column, number, day)
        sheet.write_number(0, 3, -5)
        sheet.write_string(0, 4, '<c s="1"><v>-7')
    assert only_row(file.getvalue()) == ["-193738", "-5", "1990-10-07", "-5", '<c s="1"><v>-7']


def test_error_of_a_formula_is_the_text_that_is_shown() -> None:
    """In XLSX and ODS; python-calamine tells nothing of it."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as it:
        sheet = it.add_worksheet()
        for column, error in enumerate(("#N/A", "#DIV/0!")):
            sheet.write_formula(0, column, "=1/0", None, error)
    assert only_row(file.getvalue()) == ["#N/A", "#DIV/0!"]
    value = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
    assert only_row(ods(f"{value}><text:p>#N/A</text:p>")) == ["#N/A"]


def test_first_sheet_with_data_is_read() -> None:
    """Not an empty one before it, nor a hidden one."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as it:
        it.add_worksheet("خالی").activate()
        hidden = it.add_worksheet("پنهان")
        hidden.hide()
        hidden.write_column("A1", ["پنهان", "x"])
        it.add_worksheet("داده").write_column("A1", ["نام", "علی"])
    table, _ = parse(file.getvalue())
    assert table.header == ["نام"]


def test_rows_keep_their_numbers_if_empty_ones_stand_between() -> None:
    """And if the sheet does not begin in its corner."""
    table, _ = parse(workbook({"B3": "نام", "C3": "شهر", "B5": "علی", "C5": "تهران", "B9": "سارا"}))
    assert [number for number, _ in table.rows] == [5, 9]
    table, _ = parse("\n\nنام,شهر\n\n ,\nعلی,تهران\n".encode())
    assert [number for number, _ in table.rows] == [6]


def test_title_above_the_header_is_left_out() -> None:
    """One cell in rows that have several; with a number, it is data."""
    table, _ = parse(written([["فهرست مشتریان", ""], ["", ""], *ROWS]).encode())
    assert table.header == HEADER
    table, _ = parse("09121234567,\n09121234568,علی\n".encode())
    assert len(table.rows) == 2


@each(
    "title", ["گزارش 1403/01/01 تا 1403/12/29", "۱۴۰۳/۰۱/۰۱ - ۱۴۰۳/۱۲/۲۹", "01-01-1403 29-12-1403"]
)
def test_title_with_dates_is_left_out(title: str) -> None:
    """They are no number of a person, however many digits they have together."""
    table, _ = parse(written([[title, "", ""], *ROWS], ";").encode())
    assert table.header == HEADER


@each("caption", ["موبایل (مثال 09123456789)", "موبایل مانند ۰۹۱۲۳۴۵۶۷۸۹"])
def test_caption_with_an_example_is_a_caption(caption: str) -> None:
    """A number with letters is none that could be sent."""
    table, _ = parse(written([["نام", caption], ["علی", "09121234567"]]).encode())
    assert table.header == ["نام", caption]


@each(
    "first",
    [
        *("۰۹۱۲۱۲۳۴۵۶۷", "+98 912 123 4567", "9.12E+09", "9121234567", '="09121234567"'),
        *("0912/1234567", "0912-12-34-567", "Tel:09121234567"),
    ],
)
def test_first_row_with_a_number_is_data(first: str) -> None:
    """Then there is no header."""
    table, _ = parse(written([["علی", first], ["سارا", "0935"]]).encode())
    assert table.header is None
    assert len(table.rows) == 2


def test_file_beyond_a_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the number of its rows, without the header and a title."""
    header, row = "فهرست\nنام,شهر\n", "علی,تهران\n"
    for count in (20_001, 20_050):
        with pytest.raises(Unparsable) as caught:
            parse((header + row * count).encode())
        assert (caught.value.code, caught.value.numbers["n"]) == ("too-many-rows", count)
    assert len(parse((header + row * 20_000).encode())[0].rows) == 20_000
    assert code(b"a," * 101 + b"b\n") == "too-many-columns"
    assert code(b"a,b\n" + b"x" * 40_000) == "long-cell"
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 1_000)
    assert code(b"abcdefghij,b\n" * 100) == "too-much-text"


@each(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b" \n,,\n", "empty"),
        ("نام,شهر\n".encode(), "empty"),
        (b"\0" * 1000, "empty"),
        (bytes(range(256)) * 10, "no-sheet"),
        (b"a,b\n" * 10 + b"1,\1\n", "no-sheet"),
        (b"%PDF-1.7\n", "no-sheet"),
        (b"\x89PNG\r\n", "no-sheet"),
        (b'[{"Mobile": "09121234567"}]', "no-sheet"),
        (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\n\r\n<table><tr><td>x", "markup"),
        (b"\xef\xbb\xbf<html><table>", "markup"),
        ('<?xml version="1.0"?><Workbook>'.encode("utf-16"), "markup"),
        ('نام,شهر\n"علی,تهران\n"سارا,x\n'.encode(), "quotes"),
        (b"PK\x03\x04" + b"x" * 100, "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 1000, "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    ],
)
def test_file_that_is_no_spreadsheet_is_refused(data: bytes, expected: str) -> None:
    """Each with its own reason, for which there is a sentence."""
    assert code(data) == expected
    assert expected in UNREADABLE


def test_archive_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of a word processor, an encrypted ODS, a truncated workbook, a bomb."""
    assert code(zipped({"word/document.xml": b"<x/>"})) == "no-sheet"
    manifest = {"content.xml": b"", "META-INF/manifest.xml": b"<manifest:encryption-data/>"}
    assert code(zipped(manifest)) == "encrypted"
    assert code(workbook({"A1": "نام", "A2": "علی"})[:-200]) == "broken"
    monkeypatch.setattr(workbook_module, "MAX_UNPACKED_BYTES", 1_000_000)
    assert code(zipped({"xl/workbook.xml": b" " * 1_000_001})) == "too-heavy"
    assert (
        code(zipped({"xl/workbook.xml": b"", **{str(n): b"" for n in range(1_001)}})) == "too-heavy"
    )


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
