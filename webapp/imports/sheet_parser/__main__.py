"""Reads a file from standard input, and writes lines of JSON to standard output.

The first line of the input is an object, the guide; the file follows. Each row is a line
`[number, [cell, …]]`. The last line is an object: the header, the width, the epoch and the sheets,
or the reason why there are no rows. Without it the process has ended early.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Final

from . import (
    MAX_FILE_BYTES,
    Guide,
    Table,
    Unparsable,
    limit_process,
    make_table,
    read_sheets,
)
from .text_files import read_delimited, read_markup, read_vcards
from .workbook import OLE_START, ZIP_START, read_workbook

_HEAD_BYTES: Final = 1_024
_NO_GUIDE: Final = Guide()
_SHOWN_CELLS, _SHOWN_LETTERS = 4, 20  # of the rows of which one may be the header
_MARKUP: Final = re.compile(
    rb"\s*<(?:!doctype|html|table|head|body|meta|style|\?xml)", re.IGNORECASE
)
_VCARD: Final = re.compile(rb"\s*BEGIN:VCARD", re.IGNORECASE)
_WEB_ARCHIVE: Final = re.compile(rb"MIME-Version:", re.IGNORECASE)  # a page in parts
# Other files that people choose by mistake: PDF, RTF, images, archives, JSON.
_NO_SHEET: Final = re.compile(
    rb"%PDF|\{\\rtf|\x89PNG|\xff\xd8\xff|GIF8|Rar!|7z\xbc\xaf|\x1f\x8b|\s*\[?\s*\{\s*\""
)


def parse(data: bytes, guide: Guide = _NO_GUIDE) -> tuple[Table, bool]:
    """Return the table in a file, and whether its dates count from 1904.

    Raises:
        Unparsable: if there is none, or it is too large.
    """
    head = data[:_HEAD_BYTES].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    if data.startswith((ZIP_START, OLE_START)):
        sheets, epoch_1904 = read_workbook(data)
        return read_sheets(sheets, guide), epoch_1904
    if _NO_SHEET.match(data):
        raise Unparsable("no-sheet")
    if _WEB_ARCHIVE.match(head):
        raise Unparsable("markup")
    reads = ((_MARKUP, read_markup), (_VCARD, read_vcards))
    read = next((it for pattern, it in reads if pattern.match(head)), read_delimited)
    return make_table(read(data), guide), False


def main() -> None:
    """Parse standard input."""
    limit_process()
    given = json.loads(sys.stdin.buffer.readline())
    guide = Guide(frozenset(given["captions"]), given["sheet"], given["header_row"])
    data = sys.stdin.buffer.read(MAX_FILE_BYTES)
    end: dict[str, object]
    try:
        table, epoch_1904 = parse(data, guide)
    except Unparsable as error:
        end = {"code": error.code, "numbers": error.numbers}
    except MemoryError:
        end = {"code": "too-heavy", "numbers": {}}
    else:
        for row in table.rows:
            _write(row)
        first = [(number, cells[:_SHOWN_CELLS]) for number, cells in table.first]
        end = {
            "header": table.header,
            "width": table.width,
            "epoch_1904": epoch_1904,
            "header_row": table.header_row,
            "first": first,
            "sheet": table.sheet,
            "sheets": table.sheets,
            "alike": table.alike,
        }
    _write(end)
    sys.stdout.buffer.flush()


def _write(value: object) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
