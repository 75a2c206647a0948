"""Reads and writes spreadsheets; it knows nothing of contacts."""

from webapp.spreadsheets.cells import BOM, safe_cell, unguarded_cell
from webapp.spreadsheets.file import UnreadableFile, read_file
from webapp.spreadsheets.sheet import MAX_FILE_BYTES, MAX_ROWS, Row, Sheet, column_name
from webapp.spreadsheets.sheet_parser.old_dates import day_as_shown
from webapp.spreadsheets.written import write_workbook

__all__ = [
    "BOM",
    "MAX_FILE_BYTES",
    "MAX_ROWS",
    "Row",
    "Sheet",
    "UnreadableFile",
    "column_name",
    "day_as_shown",
    "read_file",
    "safe_cell",
    "unguarded_cell",
    "write_workbook",
]
