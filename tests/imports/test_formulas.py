"""No text of a visitor, a host page or an operator becomes a formula in a file of ours."""

import csv
import io
import re
import zipfile

import pytest

from webapp.imports.file import safe_cell, unguarded_cell, write_workbook

FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")  # as programs find it, who may drop white space
HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "\t=1",
    " =1",
    "insta;=1+1",
    "insta; =1+1",
    "insta;;＝1+1",
    "insta,=1",
    "insta\t=1",
    "insta|=1",
    "یک\n=1+1",
    "یک\r\n@SUM(A1)",
    'x;"=1+1"',
    'x";"=1+1',
    'x"\n"=1+1',
    '";"=1',
    '"=1',
)
HARMLESS = (
    "خیابان آزادی - کوچهٔ ۲",
    "a=b",
    "name@example.com",
    "a-b;c-d",
    "یک\nدو",
    "it's",
    "'quoted'",
    "",
    "۱+۱",
)


def read_by(separator: str, line: list[str]) -> list[str]:
    """Return the cells that a program reads, by its separator, from a line that we have written."""
    file = io.StringIO(newline="")
    csv.writer(file).writerow([safe_cell(cell) for cell in line])
    rows = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=separator)
    return [cell for row in rows for cell in row]


def test_no_cell_of_a_csv_file_is_a_formula_whichever_separator_a_program_reads_it_with() -> None:
    """In the first column, in which quotes hold, and in the next, in which others do not."""
    cells = {
        (text, separator, cell)
        for text in HOSTILE
        for separator in ",;\t|"
        for line in ([text, "x"], ["x", text, "x"])
        for cell in read_by(separator, line)
    }
    assert [it for it in cells if FORMULA.match(it[2].replace('"', ""))] == []


def test_harmless_text_is_written_as_it_is() -> None:
    """A dash between words, an address, an apostrophe."""
    assert [safe_cell(text) for text in HARMLESS] == list(HARMLESS)


def test_guarded_text_is_read_again_as_it_was() -> None:
    """A file of wrong rows is mended and brought again."""
    texts = (*HOSTILE, *HARMLESS)
    assert [unguarded_cell(safe_cell(text)) for text in texts] == list(texts)


@pytest.mark.parametrize("character", ["\n", '"', ";", " ", "="])
def test_guarding_a_long_text_takes_a_time_that_grows_no_faster_than_the_text(
    character: str,
) -> None:
    """A cell of a file may have 32,767 characters; with backtracking it would take minutes."""
    assert len(safe_cell(character * 500_000)) <= 500_001


def test_no_part_of_a_workbook_is_a_formula() -> None:
    """Not even what a drop-down list offers."""
    data = write_workbook(
        "=1+1", ["=a", "b"], [["=1", "+1"]], choices={1: ["=1+1", "{=1}", "@x"]}, notes=["=1"]
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 3
        assert [name for name in sheets if b"<f>" in archive.read(name)] == []
        assert b"=1+1" in archive.read("xl/sharedStrings.xml")
