"""Reads and writes spreadsheets; it knows nothing of contacts."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from webapp.imports.sheet_parser import (
    MAX_CELL_CHARACTERS,
    MAX_FILE_BYTES,
    MAX_ROWS,
    MAX_WAIT_S,
)
from webapp.messages import imports as texts
from webapp.persian import persian_digits, persian_number


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
        name: The name of the sheet, where the file has several.
        others: The names of the sheets that can be read, this one included.
        header_row: The number of the header; 0 if there is none.
        first: Number and beginning of the first rows, of which one may be the header.
        alike: How many of the sheets have this header.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    epoch_1904: bool
    name: str = ""
    others: tuple[str, ...] = ()
    header_row: int = 1
    first: tuple[tuple[int, str], ...] = ()
    alike: int = 1

    def __repr__(self) -> str:
        """Return the size."""
        return f"Sheet({len(self.rows)} × {len(self.header)})"


# It is started in its own folder: importing `webapp` would take ten times as long. The environment
# holds secrets; the parser needs only what Python itself needs to start.
_COMMAND: Final = (sys.executable, "-B", "-E", "-s", "-X", "utf8", "-m", "sheet_parser")
_FOLDER: Final = Path(__file__).parent
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH")
_MEGABYTE: Final = 1024 * 1024


class UnreadableFile(Exception):
    """A file that is not read; `str` of it is a finished Persian sentence without its content."""


def read_file(
    data: bytes,
    captions: Collection[str] = (),
    *,
    sheet: str | None = None,
    header_row: int | None = None,
) -> Sheet:
    """Read a sheet of a CSV, XLSX, XLS, ODS, HTML or vCard file; its content tells which.

    The sheet and its header are those with most known captions, else the first sheet with data and
    its first row with more than one cell. If one of the header's cells is a number of nine or more
    digits, the file has no header: columns are named by their numbers, and the row is data.

    Args:
        data: The file, at most `MAX_FILE_BYTES`.
        captions: Known captions and words of captions, as `spelling_key` spells them.
        sheet: The sheet to read, where it is not to be guessed; after `ALIKE`, all like it.
        header_row: The number of its header, likewise; 0 if it has none.

    Raises:
        UnreadableFile: if it is no such file, is broken, encrypted or too large, or the parser
            took more memory or time than it may. Takes at most 40 seconds.
    """
    if len(data) > MAX_FILE_BYTES:
        size, limit = len(data) / _MEGABYTE, MAX_FILE_BYTES // _MEGABYTE
        raise UnreadableFile(_sentence(texts.FILE_TOO_LARGE, n=size, limit=limit))
    guide = {"captions": [*captions], "sheet": sheet, "header_row": header_row}
    lines = _parse(json.dumps(guide).encode() + b"\n" + data).splitlines()
    if not lines:
        raise _unreadable("broken")
    end = json.loads(lines.pop())
    if "code" in end:
        raise _unreadable(end["code"], **end["numbers"])
    width = end["width"]
    # Line by line: other threads get their turn in between.
    rows = tuple(_row(json.loads(line), width) for line in lines)
    return Sheet(
        header=_header(end["header"] or [], width),
        rows=rows,
        epoch_1904=end["epoch_1904"],
        name=end["sheet"],
        others=tuple(end["sheets"]),
        header_row=end["header_row"],
        alike=end["alike"],
        first=tuple((number, " | ".join(filter(None, cells))) for number, cells in end["first"]),
    )


def _parse(data: bytes) -> bytes:
    """Return what the parser wrote; nothing if it failed."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(  # nosec B603  # noqa: S603  a fixed command
            _COMMAND,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the file
            cwd=_FOLDER,
            env=environment,
            timeout=MAX_WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable("too-heavy") from None
    if done.returncode < 0:  # a signal: out of memory or processor time
        raise _unreadable("too-heavy")
    return done.stdout if done.returncode == 0 else b""


def _unreadable(code: str, **numbers: int) -> UnreadableFile:
    return UnreadableFile(_sentence(texts.UNREADABLE[code], **numbers))


def _sentence(text: str, **numbers: float) -> str:
    """Return a sentence; numbers with a fraction get one decimal."""
    written = {
        name: persian_number(number, decimals=0 if number == int(number) else 1)
        for name, number in numbers.items()
    }
    return text.format(**written)


def _row(parsed: list[Any], width: int) -> Row:
    number, cells = parsed
    return Row(number, (*cells, *[""] * (width - len(cells))))


def _header(captions: list[str], width: int) -> tuple[str, ...]:
    """Return the captions; columns without one are named by their numbers."""
    complete = [*captions, *[""] * (width - len(captions))]
    return tuple(
        " ".join(caption.split()) or column_name(number)
        for number, caption in enumerate(complete, start=1)
    )


BOM: Final = "\ufeff"  # they expect UTF-8 only after it

_GUARD: Final = "'"
# A program may divide a file by another separator than it was written with, and then reads quotes
# and line ends otherwise, too: a formula may begin behind any of these.
_SEPARATORS: Final = frozenset(",;|\t\r\n")
_RUN: Final = r'(?<![,;|\s"])[,;|\s"]*+'
_STARTS: Final = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"  # full-width ones as well
_UNGUARDED: Final = re.compile(f"{_RUN}(?={_STARTS})")
_GUARDED: Final = re.compile(f"({_RUN}){_GUARD}(?={_STARTS})")
# Programs drop them at the start of a cell.
_DROPPED: Final = ("\t", "\r")


def safe_cell(text: str) -> str:
    """Return a cell's text with an apostrophe wherever a program would begin to read a formula."""
    guarded = _UNGUARDED.sub(
        lambda run: run[0] + _GUARD if _begins_cell(run, run[0]) else run[0], text
    )
    return f"{_GUARD}{guarded}" if guarded.startswith(_DROPPED) else guarded


def unguarded_cell(text: str) -> str:
    """Return the text of which `safe_cell` has made this one."""
    rest = text.removeprefix(_GUARD)
    return _GUARDED.sub(
        lambda run: run[1] if _begins_cell(run, run[1]) else run[0],
        rest if rest.startswith(_DROPPED) else text,
    )


def _begins_cell(found: re.Match[str], run: str) -> bool:
    return found.start() == 0 or not _SEPARATORS.isdisjoint(run)


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
