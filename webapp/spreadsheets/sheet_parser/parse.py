"""Finds the kind of a file by its content, and parses it."""

from __future__ import annotations

import re
from typing import Final

from .delimited import read_delimited
from .table import Table, Unparsable, make_table
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
