"""Reads CSV: finds encoding and delimiter, and numbers the rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from .table import MAX_CELL_CHARACTERS, Unparsable

_DELIMITERS: Final = (",", ";", "\t", "|", "،", "؛")
_SAMPLE_CHARACTERS: Final = 65_536
_SAMPLE_ROWS: Final = 200
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF16_SHARE: Final = 0.95  # of the NUL bytes that stand on one side of the pairs
_UTF16_DENSITY: Final = 0.05  # of these among the bytes of that side: spaces, digits, line ends
# Control characters that no text has, but binary files have.
_BINARY: Final = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f]")
_UTF8_CHARACTER: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_EXCEL_HINT: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's line with the delimiter


def read_delimited(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each row; a row may have several lines.

    Raises:
        Unparsable: if it is no text, a quotation mark is not closed, or a cell is too long.
    """
    text = decode(data)
    hint = _EXCEL_HINT.match(text)
    delimiter = hint[1] if hint else _find_delimiter(text)
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 0 if hint else 1  # spreadsheet programs do not show the hint
    number = first - 1
    try:
        for number, cells in enumerate(reader, start=first):
            if number:
                yield number, cells
    except csv.Error as error:
        if "limit" in str(error):
            raise Unparsable("long-cell", n=number + 1, limit=MAX_CELL_CHARACTERS) from None
        raise Unparsable("quotes", n=number + 1) from None


def decode(data: bytes) -> str:
    """Return the text: UTF-8, UTF-16 or Windows-1256.

    Raises:
        Unparsable: if it is no text.
    """
    text = _decode(data)
    if _BINARY.search(text):
        raise Unparsable("no-sheet")
    return text


def _decode(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    if encoding := _utf16_without_bom(data):
        return data.decode(encoding, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    replaced = data.decode(errors="replace")
    # A few bad bytes in UTF-8: the field that has one says so.
    if len(_UTF8_CHARACTER.findall(data)) > 10 * replaced.count("\ufffd"):
        return replaced
    return data.decode("cp1256")


def _utf16_without_bom(data: bytes) -> str:
    """Return the encoding if nearly all NUL bytes stand on one side of the pairs."""
    first, second = data[::2].count(0), data[1::2].count(0)
    if max(first, second) <= _UTF16_DENSITY * len(data) / 2:
        return ""
    if second > _UTF16_SHARE * (first + second):
        return "utf-16-le"
    return "utf-16-be" if first > _UTF16_SHARE * (first + second) else ""


def _find_delimiter(text: str) -> str:
    """Return the delimiter that divides the rows most alike."""
    sample = text[:_SAMPLE_CHARACTERS]
    return max(_DELIMITERS, key=lambda delimiter: _score(sample, delimiter))


def _score(sample: str, delimiter: str) -> float:
    """Return how well a delimiter fits, from 0 to 1.

    Rows have as many cells as the first one, the header, and more cells are better: a semicolon
    within each of the labels divides rows as well.
    """
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        widths = [len(cells) for cells in islice(reader, _SAMPLE_ROWS) if cells]
    except csv.Error:  # a long cell
        return 0
    if not widths:
        return 0
    width, count = Counter(widths).most_common(1)[0]
    weight = 1 if widths[0] == width else 0.5
    return weight * count / len(widths) * (1 - 1 / width)
