"""Files as a spreadsheet program writes them: LibreOffice makes them of a source of ours."""

import os
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from webapp.contact import FIELDS, Contact
from webapp.forms.definitions import Access, DateInput, FormDefinition
from webapp.imports.columns import guess_columns
from webapp.imports.file import Sheet, read_file
from webapp.imports.rows import read_row

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

# The filter of each format. CSV: UTF-16, semicolons, cells as shown, the second sheet.
FILTERS = {
    "xlsx": ("Calc MS Excel 2007 XML", ""),
    "ods": ("calc8", ""),
    "xls": ("MS Excel 97", ""),
    "csv": ("Text - txt - csv (StarCalc)", "59,34,65535,1,,0,false,true,false,false,false,2"),
}
# Converts all files in one start of the program: a start takes seconds.
MACRO = """<?xml version="1.0" encoding="UTF-8"?>
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1"
  script:language="StarBasic">
Sub Convert(source, target, filter, options)
  Dim opening(0) As New com.sun.star.beans.PropertyValue
  opening(0).Name = "Hidden"
  opening(0).Value = True
  document = StarDesktop.loadComponentFromURL(source, "_blank", 0, opening())
  Dim storing(1) As New com.sun.star.beans.PropertyValue
  storing(0).Name = "FilterName"
  storing(0).Value = filter
  storing(1).Name = "FilterOptions"
  storing(1).Value = options
  document.storeToURL(target, storing())
  document.close(True)
End Sub
Sub Main
CALLS
End Sub
</script:module>
"""
NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in [
        ("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"),
        ("number", "datastyle"),
    ]
)  # fmt: skip
SOURCE = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {NAMESPACES} office:version="1.2"
  office:mimetype="application/vnd.oasis.opendocument.spreadsheet">
<office:automatic-styles>
<number:date-style style:name="iso"><number:year number:style="long"/><number:text>-</number:text>
<number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/>
</number:date-style>
<style:style style:name="date" style:family="table-cell" style:data-style-name="iso"/>
</office:automatic-styles>
<office:body><office:spreadsheet>
<table:calculation-settings><table:null-date table:date-value="EPOCH"/></table:calculation-settings>
<table:table table:name="خالی"/>
<table:table table:name="مشتریان">
ROWS
</table:table></office:spreadsheet></office:body></office:document>
"""
EMPTY_ROW = "<table:table-row><table:table-cell/></table:table-row>"
HEADER = ("تلفن همراه", "نام و نام خانوادگی", "تاریخ تولد", "سالگرد", "مخاطب فعال باشد", "آدرس")
FORM = FormDefinition(
    slug="all",
    title="همه",
    access=Access.INTRANET,
    fields=tuple(FIELDS.values()),
    required=frozenset({"Mobile"}),
    fixed={},
    dates=DateInput.TEXT,
)


def text(*lines: str) -> str:
    """Return a cell with a text."""
    inner = "".join(f"<text:p>{line}</text:p>" for line in lines)
    return f'<table:table-cell office:value-type="string">{inner}</table:table-cell>'


def number(value: object) -> str:
    """Return a cell with a number."""
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


def day(value: str) -> str:
    """Return a cell with a date."""
    kind = f'office:value-type="date" office:date-value="{value}"'
    return f'<table:table-cell table:style-name="date" {kind}/>'


def truth(value: str) -> str:
    """Return a cell with a boolean."""
    return f'<table:table-cell office:value-type="boolean" office:boolean-value="{value}"/>'


def source(epoch: str, serial: int) -> str:
    """Return a document whose dates count from a day; the last row has one without a format."""
    rows = [
        [text("فهرست مشتریان")],
        [text(caption) for caption in HEADER],
        [number(9121234567), text("علي كاظمي"), day("1990-10-07"), text("۱۳۹۵/۳/۲۴"),
         truth("false"), text("خیابان آزادی، پلاک ۱", "طبقهٔ ۲; واحد ۳")],
        [],
        [text("09121234568"), text("سارا"), number(serial), number(13950324), text("بله")],
    ]  # fmt: skip
    written = [f"<table:table-row>{''.join(it)}</table:table-row>" if it else EMPTY_ROW
               for it in rows]  # fmt: skip
    return SOURCE.replace("EPOCH", epoch).replace("ROWS", "\n".join(written))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convert the sources to each format."""
    folder = tmp_path_factory.mktemp("libreoffice")
    sources = [folder / "from1900.fods", folder / "from1904.fods"]
    sources[0].write_text(source("1899-12-30", 33153))
    sources[1].write_text(source("1904-01-01", 31691))
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless"]
    environment = os.environ | {"HOME": str(folder), "LC_ALL": "C.UTF-8"}
    # The first start makes the profile, with an empty macro; the second runs ours.
    macro = folder / "profile" / "user" / "basic" / "Standard" / "Module1.xba"
    for argument in ("--terminate_after_init", "macro:///Standard.Module1.Main"):
        subprocess.run(
            [*command, argument], check=True, capture_output=True, timeout=180, env=environment
        )
        macro.write_text(macro_for(sources))
    return folder


def macro_for(sources: Sequence[Path]) -> str:
    """Return a macro that converts the sources."""
    calls = [
        f'Convert("{source.as_uri()}", "{source.with_suffix(f".{ending}").as_uri()}", '
        f'"{name}", "{options}")'
        for source in sources
        for ending, (name, options) in FILTERS.items()
    ]
    return MACRO.replace("CALLS", "\n".join([*calls, "StarDesktop.terminate()"]))


def contacts(sheet: Sheet) -> list[Contact]:
    """Return the contacts of a sheet, as an import would read them."""
    columns = guess_columns(FORM, sheet)
    assert columns == ("Mobile", "LName", "BornDate", "AnniversaryDate", "Active", "AddressText")
    found = [read_row(FORM, columns, row, shared={}, epoch_1904=sheet.epoch_1904)
             for row in sheet.rows]  # fmt: skip
    assert all(isinstance(it, Contact) for it in found), found
    return [it for it in found if isinstance(it, Contact)]


# A CSV file does not say from which day its numbers count.
CASES = [("from1900", ending) for ending in FILTERS] + [
    ("from1904", ending) for ending in FILTERS if ending != "csv"
]


@pytest.mark.parametrize(("name", "ending"), CASES)
def test_file_of_a_spreadsheet_program_is_read(folder: Path, name: str, ending: str) -> None:
    """With the same contacts in each format, whatever day dates count from."""
    (path,) = folder.glob(f"{name}*.{ending}")  # CSV: with the name of the sheet
    sheet = read_file(path.read_bytes())
    assert sheet.header == HEADER
    assert [row.number for row in sheet.rows] == [3, 5]
    one, other = contacts(sheet)
    assert (one["Mobile"], one["LName"], one["Active"]) == ("09121234567", "علی کاظمی", False)
    assert (one["BornDate"], one["AnniversaryDate"]) == (date(1990, 10, 7), date(2016, 6, 13))
    assert one["AddressText"] == "خیابان آزادی، پلاک ۱\nطبقهٔ ۲; واحد ۳"
    assert (other["Mobile"], other["BornDate"]) == ("09121234568", date(1990, 10, 7))
    assert (other["AnniversaryDate"], other["Active"]) == (date(2016, 6, 13), True)
