"""Spreadsheets: reads and writes their files."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.messages import imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BOM: Final = "\ufeff"  # they expect UTF-8 only after it

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_ROWS: Final = 20_000

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class UnreadableFile(Exception):
    """The file cannot be read; the text is a finished Persian sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first sheet of a file."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    epoch_1904: bool = False


def safe_cell(text: str) -> str:
    """Return a cell's text; spreadsheet programs would run one that begins like a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def read_file(data: bytes) -> Sheet:
    """Return the sheet of a file."""
    if data[:2] == b"PK":
        from python_calamine import CalamineWorkbook  # noqa: PLC0415

        book = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        lines = [[str(cell) for cell in line] for line in book.to_python()]
    else:
        try:
            lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
        except UnicodeDecodeError:
            raise UnreadableFile(imports.UNREADABLE) from None
    if not lines:
        raise UnreadableFile(imports.EMPTY)
    rows = tuple(
        Row(number, tuple(cells)) for number, cells in enumerate(lines[1:], start=2) if any(cells)
    )
    return Sheet(tuple(lines[0]), rows)


def write_workbook(
    title_of_sheet: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    choices: Mapping[int, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> bytes:
    """Return an XLSX file."""
    import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415

    del choices, notes
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(title_of_sheet)
        for number, cells in enumerate([header, *rows]):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)
    return file.getvalue()
