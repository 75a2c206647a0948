"""Writes a workbook, XLSX, with XlsxWriter."""

from __future__ import annotations

import io
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from webapp.messages import imports as texts
from webapp.spreadsheets.sheet_parser.limits import MAX_CELL_CHARACTERS, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_COLUMN_WIDTH: Final = 20  # in characters, as spreadsheet programs count
_NOTES_WIDTH: Final = 90
_MAX_TITLE: Final = 31  # characters; Excel's limit
_NO_CHOICES: Final[Mapping[int, Sequence[str]]] = MappingProxyType({})
_NONCHARACTERS: Final = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}  # XML cannot hold them


def write_workbook(
    title_of_sheet: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    choices: Mapping[int, Sequence[str]] = _NO_CHOICES,
    notes: Sequence[str] = (),
) -> bytes:
    """Return a workbook with right-to-left sheets whose cells are all text.

    So leading zeros stay, also of what is typed into it later, and nothing is a formula.

    Args:
        title_of_sheet: The name of the first sheet.
        header: The captions of the columns.
        rows: The cells of each row.
        choices: By column, from 0: what a drop-down list offers; other texts are accepted as well.
        notes: Sentences on a second sheet.

    Raises:
        ImportError: if XlsxWriter, of the extra `spreadsheets`, is not installed.
    """
    import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415  an extra

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        text = workbook.add_format({"num_format": "@"})
        bold = workbook.add_format({"num_format": "@", "bold": True})
        sheet = _sheet(workbook, title_of_sheet[:_MAX_TITLE])
        sheet.set_column(0, max(len(header) - 1, 0), _COLUMN_WIDTH, text)
        sheet.freeze_panes(1, 0)
        _write_row(sheet, 0, header, bold)
        for number, cells in enumerate(rows, start=1):
            _write_row(sheet, number, cells, text)
        if notes:
            _write_notes(workbook, notes)
        if choices:
            _offer(workbook, sheet, choices)
    return file.getvalue()


def _sheet(workbook: Any, title: str) -> Any:  # noqa: ANN401  XlsxWriter has no types
    sheet = workbook.add_worksheet(title)
    sheet.right_to_left()
    return sheet


def _write_row(sheet: Any, number: int, cells: Sequence[str], style: Any) -> None:  # noqa: ANN401
    for column, cell in enumerate(cells):
        if cell:
            written = cell[:MAX_CELL_CHARACTERS].translate(_NONCHARACTERS)
            sheet.write_string(number, column, written, style)


def _write_notes(workbook: Any, notes: Sequence[str]) -> None:  # noqa: ANN401
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet = _sheet(workbook, texts.NOTES_TITLE)
    sheet.set_column(0, 0, _NOTES_WIDTH)
    for number, note in enumerate(notes):
        sheet.write_string(number, 0, note, wrapped)


def _offer(workbook: Any, sheet: Any, choices: Mapping[int, Sequence[str]]) -> None:  # noqa: ANN401
    """Add drop-down lists, which refer to a hidden sheet.

    A list written in the cell's own rule is divided by commas, and has 255 characters at most.
    """
    from xlsxwriter.utility import xl_range_abs  # type: ignore[import-untyped]  # noqa: PLC0415

    hidden = _sheet(workbook, texts.CHOICES_TITLE)
    hidden.hide()
    for place, (column, offered) in enumerate(choices.items()):
        for number, choice in enumerate(offered):
            hidden.write_string(number, place, choice)  # `write_column` writes formulas
        source = xl_range_abs(0, place, len(offered) - 1, place)
        options = {
            "validate": "list",
            "source": f"='{texts.CHOICES_TITLE}'!{source}",
            "show_error": False,
        }
        sheet.data_validation(1, column, MAX_ROWS, column, options)
