"""Reads workbooks, XLSX, XLS and ODS, with python-calamine."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final

from . import MAX_PARTS, MAX_SHEETS, MAX_UNPACKED_BYTES, Sheets, Unparsable, day_as_shown

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_SHEET_PART: Final = re.compile(r"xl/worksheets/[^/]+\.xml|content\.xml")
# By a text that rewritten parts contain, which is found fast: what is sought, and what replaces it.
_CHANGES: Final = (
    # XLSX: as the result of a formula, an error is a text.
    (b't="e"', re.compile(rb"(<(?:\w+:)?c\s[^<>]*?\bt=\")e(?=\")"), rb"\1str"),
    # XLSX: a formula that no program has computed; an empty text as a result has a type.
    (
        b"</f><v",
        re.compile(rb"(<c\b(?![^<>]*\bt=)[^<>]*)(><f\b[^<]*</f>)<v(?:></v>| ?/>)"),
        rb'\1 t="str"\2<v>#VALUE!</v>',
    ),
    # XLSX: without its style, a day before 1900 is a negative number.
    (b"v>-", re.compile(rb"(<(?:\w+:)?c\b[^<>]*?)\ss=\"\d+\"([^<>]*><(?:\w+:)?v>-)"), rb"\1\2"),
    # ODS: without an empty value, an error is the text that is shown.
    (
        b'calcext:value-type="error"',
        re.compile(rb"office:string-value=\"\"(?=\s+calcext:value-type=\"error\")"),
        b"",
    ),
)


def with_hidden_cells(data: bytes) -> bytes:
    """Return a workbook whose errors are texts, and whose days before 1900 are numbers.

    A file without such cells is returned as it is.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if _SHEET_PART.fullmatch(name)]
        contents = ((name, archive.read(name)) for name in sheets)
        changed = {
            name: _rewritten(it)
            for name, it in contents
            if any(sign in it for sign, _, _ in _CHANGES)
        }
        return _with_parts(archive, changed) if changed else data


def _rewritten(content: bytes) -> bytes:
    for _, sought, replacement in _CHANGES:
        content = sought.sub(replacement, content)
    return content


def _with_parts(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    """Return an archive with other content of some parts; in memory, so nothing is compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as other:
        for name in archive.namelist():
            other.writestr(name, changed[name] if name in changed else archive.read(name))
    return file.getvalue()


ZIP_START: Final = b"PK\x03\x04"
OLE_START: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_ENCRYPTED_PART: Final = "EncryptedPackage".encode("utf-16-le")  # an XLSX with a password
_WORKBOOK_PART: Final = "xl/workbook.xml"
_ODS_PARTS: Final = ("content.xml", "META-INF/manifest.xml")
_DATE_1904: Final = re.compile(rb"<(?:\w+:)?workbookPr\b[^>]*\bdate1904=[\"'](?:1|true|on)[\"']")
_NULL_DATE_1904: Final = re.compile(rb"<table:null-date\b[^>]*=[\"']1904-01-01[\"']")
_MAX_HEAD_BYTES: Final = 1_048_576  # of the part that says from when dates count

# Records of an XLS file: their ids, and the longest way to the one that is sought.
_BOF: Final = b"\x09\x08\x10\x00\x00\x06\x05\x00"
_EOF: Final = 0x0A
_DATEMODE: Final = 0x22
_MAX_RECORDS: Final = 2_000


def read_workbook(data: bytes) -> tuple[Sheets, bool]:
    """Return the sheets with data, and whether dates count from 1904.

    Raises:
        Unparsable: if the workbook is encrypted, broken, none at all, or too large.
    """
    try:
        import python_calamine as calamine  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise Unparsable("no-reader") from None
    if data.startswith(ZIP_START):
        epoch_1904 = _check_zip(data)
        data = _readable(data)
    else:
        epoch_1904 = _check_ole(data)
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = _with_data(workbook)
    except calamine.PasswordError:
        raise Unparsable("encrypted") from None
    except calamine.CalamineError:
        raise Unparsable("broken") from None
    return {sheet.name: partial(_numbered_rows, sheet) for sheet in sheets}, epoch_1904


def _with_data(workbook: CalamineWorkbook) -> list[CalamineSheet]:
    """Return the first sheets with data that are shown; the first hidden one if there is none."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415

    sheets = [it for it in workbook.sheets_metadata if it.typ == SheetTypeEnum.WorkSheet]
    with_data = []
    for is_shown in (True, False):
        for metadata in sheets:
            if (metadata.visible == SheetVisibleEnum.Visible) is is_shown:
                sheet = workbook.get_sheet_by_name(metadata.name)
                with_data += [sheet] if sheet.start is not None else []
            if len(with_data) >= (MAX_SHEETS if is_shown else 1):
                return with_data
    if not with_data:
        raise Unparsable("empty")
    return with_data


def _numbered_rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows; a cell that is merged downwards has its value in each row with others."""
    merged = sorted(
        (top, column, bottom) for (top, column), (bottom, _) in sheet.merged_cell_ranges or ()
    )
    places = iter(merged)
    next_merged = next(places, None)
    open_cells: dict[int, tuple[int, str]] = {}  # by column: the last row, and the text
    for number, row in enumerate(sheet.iter_rows()):
        cells = [_text(value) for value in row]
        if any(cells):
            for column, (bottom, text) in open_cells.items():
                if number <= bottom and column < len(cells):
                    cells[column] = cells[column] or text
        while next_merged and next_merged[0] <= number:
            _, column, bottom = next_merged
            if column < len(cells):
                open_cells[column] = bottom, cells[column]
            next_merged = next(places, None)
        yield number + 1, cells


def _text(value: object) -> str:
    """Return a cell's text: no `.0`, dates as yyyy-mm-dd, booleans as true and false."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case date():  # or a datetime
            return day_as_shown(value.toordinal())
        case _:
            return str(value)


def _check_zip(data: bytes) -> bool:
    """Check the parts of an XLSX or ODS file; return whether its dates count from 1904."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        parts = archive.infolist()
        names = {part.filename for part in parts}
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES:
            raise Unparsable("too-heavy")
        if _WORKBOOK_PART in names:
            return bool(_DATE_1904.search(_head(archive, _WORKBOOK_PART)))
        if not names.issuperset(_ODS_PARTS):
            raise Unparsable("no-sheet")
        if b"encryption-data" in _head(archive, _ODS_PARTS[1]):
            raise Unparsable("encrypted")
        return bool(_NULL_DATE_1904.search(_head(archive, _ODS_PARTS[0])))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, ValueError):
        raise Unparsable("broken") from None
    except (NotImplementedError, RuntimeError):  # other compression, or encrypted by a zip program
        raise Unparsable("encrypted") from None


def _readable(data: bytes) -> bytes:
    """Return an XLSX or ODS file that was checked, with the cells that would be lost."""
    try:
        return with_hidden_cells(data)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError):
        raise Unparsable("broken") from None
    except (NotImplementedError, RuntimeError):
        raise Unparsable("encrypted") from None


def _head(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(_MAX_HEAD_BYTES)


def _check_ole(data: bytes) -> bool:
    """Check an XLS file; return whether its dates count from 1904."""
    if _ENCRYPTED_PART in data:
        raise Unparsable("encrypted")
    place = data.find(_BOF)
    for _ in range(_MAX_RECORDS):
        if place < 0 or place + 4 > len(data):
            break
        kind = int.from_bytes(data[place : place + 2], "little")
        if kind == _DATEMODE:
            return data[place + 4 : place + 5] == b"\x01"
        if kind == _EOF:
            break
        place += 4 + int.from_bytes(data[place + 2 : place + 4], "little")
    return False
