"""Reads a file from standard input, and writes lines of JSON to standard output.

Each row is a line `[number, [cell, …]]`. The last line is an object: the header, the width and the
epoch, or the reason why there are no rows. Without it the process has ended early.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Final

from .delimited import read_delimited
from .table import MAX_FILE_BYTES, Table, Unparsable, limit_process, make_table
from .workbook import OLE_START, ZIP_START, read_workbook

_HEAD_BYTES: Final = 1_024
_MARKUP: Final = re.compile(
    rb"\s*<(?:!doctype|html|table|head|body|meta|style|\?xml)", re.IGNORECASE
)
_VCARD: Final = re.compile(rb"\s*BEGIN:VCARD", re.IGNORECASE)
# Other files that people choose by mistake: PDF, RTF, images, archives.
_NO_SHEET: Final = re.compile(rb"%PDF|\{\\rtf|\x89PNG|\xff\xd8\xff|GIF8|Rar!|7z\xbc\xaf|\x1f\x8b")


def parse(data: bytes) -> tuple[Table, bool]:
    """Return the table in a file, and whether its dates count from 1904.

    Raises:
        Unparsable: if there is none, or it is too large.
    """
    head = data[:_HEAD_BYTES].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    if data.startswith((ZIP_START, OLE_START)):
        rows, epoch_1904 = read_workbook(data)
        return make_table(rows), epoch_1904
    if _NO_SHEET.match(data):
        raise Unparsable("no-sheet")
    if _MARKUP.match(head):
        raise Unparsable("markup")
    if _VCARD.match(head):
        raise Unparsable("vcard")
    return make_table(read_delimited(data)), False


def main() -> None:
    """Parse standard input."""
    limit_process()
    data = sys.stdin.buffer.read(MAX_FILE_BYTES)
    end: dict[str, object]
    try:
        table, epoch_1904 = parse(data)
    except Unparsable as error:
        end = {"code": error.code, "numbers": error.numbers}
    except MemoryError:
        end = {"code": "too-heavy", "numbers": {}}
    else:
        for row in table.rows:
            _write(row)
        end = {"header": table.header, "width": table.width, "epoch_1904": epoch_1904}
    _write(end)
    sys.stdout.buffer.flush()


def _write(value: object) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
