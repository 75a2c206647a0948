"""Writing a workbook: texts stay texts."""

import io
import zipfile

from webapp.imports.file import write_workbook
from webapp.imports.sheet_parser.__main__ import parse

ROW = ["09121234567", "=1+1", "1369/07/15", "", "خط یک\nخط دو", "http://example.com", "\ufffe"]


def part(data: bytes, name: str) -> str:
    """Return a part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name).decode()


def test_cells_are_written_as_texts() -> None:
    """None is a number, a date, a link or a formula; XML has no place for some characters."""
    data = write_workbook("مخاطبان", ["a", "b", "c", "d", "e", "f", "g"], [ROW])
    table, _ = parse(data)
    assert list(table.rows[0][1]) == [*ROW[:-1], "\ufffd"]
    sheet = part(data, "xl/worksheets/sheet1.xml")
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert 'rightToLeft="1"' in sheet


def test_workbook_offers_choices_and_has_notes() -> None:
    """The choices on a hidden sheet; other texts are accepted as well."""
    data = write_workbook("x", ["a", "b"], [], choices={1: ["خانم", "آقا, و دیگران"]}, notes=["یک"])
    sheet = part(data, "xl/worksheets/sheet1.xml")
    assert 'sqref="B2:B20001"' in sheet
    assert "$A$1:$A$2" in sheet
    assert "showErrorMessage" not in sheet
    assert 'state="hidden"' in part(data, "xl/workbook.xml")
    assert "آقا, و دیگران" in part(data, "xl/sharedStrings.xml")
    assert 'rightToLeft="1"' in part(data, "xl/worksheets/sheet2.xml")
