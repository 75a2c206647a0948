"""The content of a spreadsheet: a header, and rows of texts."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.messages import imports as texts
from webapp.persian import persian_digits
from webapp.spreadsheets.sheet_parser.limits import MAX_FILE_BYTES, MAX_ROWS

__all__ = ["MAX_FILE_BYTES", "MAX_ROWS", "Row", "Sheet", "column_name"]


def column_name(number: int) -> str:
    """Return the name of a column without a caption, «ستون ۱»; the first number is 1."""
    return texts.SHEET_COLUMN.format(n=persian_digits(number))


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """A row of a spreadsheet. Its repr shows no cell.

    Attributes:
        number: Its number in the spreadsheet program, from 1.
        cells: Its texts, as many as the header has.
    """

    number: int
    cells: tuple[str, ...]

    def __repr__(self) -> str:
        """Return the number."""
        return f"Row({self.number}, …)"


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """A sheet with data. Its repr shows no cell.

    Attributes:
        header: The captions of the columns; «ستون ۱» and so on where the file has none.
        rows: The other rows that are not empty, in the order of the file.
        epoch_1904: Whether serial numbers of dates count from 1904, as old Macs did.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    epoch_1904: bool

    def __repr__(self) -> str:
        """Return the size."""
        return f"Sheet({len(self.rows)} × {len(self.header)})"
