"""Reads files of text: CSV, the tables of web pages and of Excel 2003's XML, and vCards."""

from __future__ import annotations

import codecs
import csv
import io
import quopri
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice
from typing import Final

from . import MAX_CELL_CHARACTERS, Unparsable

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
_BINARY: Final = re.compile("[\x01-\x08\x0e-\x19\x1c-\x1f]")
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
    """Return the text, without NULs: UTF-8, UTF-16 or Windows-1256.

    Raises:
        Unparsable: if it is no text.
    """
    text = _decode(data).replace("\0", "")  # databases fill columns of a fixed width with them
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


_CHARSET = re.compile(rb"charset=[\"']?\s*([\w-]+)", re.IGNORECASE)
_CELLS = ("td", "th", "cell")


def _number(text: str | None, default: int) -> int:
    """Return a small number, as a cell's attribute has it."""
    return int(text) if text and text.isdecimal() and len(text) < 3 else default  # noqa: PLR2004


class _Tables(HTMLParser):
    """Collects the cells of all rows, `<tr><td>` or `<Row><Cell>`; a table within one is text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("tr", "row"):
            self._end_cell()
            self.rows.append([])
        elif tag in _CELLS:
            self._end_cell()
            self._cell = []
            given = dict(attrs)
            self._span = _number(given.get("colspan"), 1) + _number(given.get("ss:mergeacross"), 0)
            if self.rows:
                missing = _number(given.get("ss:index"), 0) - 1 - len(self.rows[-1])
                self.rows[-1] += [""] * missing
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in (*_CELLS, "tr", "row", "table"):
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(re.sub(r"\s+", " ", data))

    def _end_cell(self) -> None:
        if self._cell is not None:
            if not self.rows:
                self.rows.append([])
            self.rows[-1] += ["".join(self._cell).strip(), *[""] * (self._span - 1)]
            self._cell = None


def read_markup(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each row of the tables in a page.

    Raises:
        Unparsable: if it has no table, as a page with an error, or XML of another kind.
    """
    tables = _Tables()
    declared = _CHARSET.search(data[:4096])
    encoding = declared[1].decode().lower() if declared else ""
    is_1256 = encoding in ("windows-1256", "cp1256")
    tables.feed(data.decode("cp1256", "replace") if is_1256 else decode(data))
    tables.close()
    if not any(tables.rows):
        raise Unparsable("markup")
    yield from enumerate(tables.rows, start=1)


# A column for each of them, by captions that are known.
_HEADER = ("First Name", "Last Name", "Mobile", "Mobile 2", "Mobile 3", "Email", "Company",
           "Job Title", "City", "Address", "Birthday", "Labels")  # fmt: skip
_FOLDED = re.compile(r"\r?\n[ \t]")
_SOFT_BREAK = re.compile(r"=\r?\n")
_PART = re.compile(r"(?<!\\);")
_ESCAPED = re.compile(r"\\(.)")
_YEAR_MONTH_DAY = re.compile(r"(?!1604)(\d{4})-?(\d\d)-?(\d\d)(?:T.*)?")  # iPhone: no year
_MAX_NUMBERS = 3


def read_vcards(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield a header, and a row for each card, numbered as it stands in the file."""
    text = _FOLDED.sub("", _SOFT_BREAK.sub("", decode(data)))
    yield 1, [*_HEADER]
    for number, card in enumerate(re.split(r"(?i)BEGIN:VCARD", text)[1:], start=2):
        yield number, _cells(card)


def _cells(card: str) -> list[str]:
    found: dict[str, list[list[str]]] = {}
    for line in card.splitlines():
        name, colon, value = line.partition(":")
        key, *parameters = name.upper().split(";")
        if colon:
            parts = [_plain(part, parameters) for part in _PART.split(value)]
            is_mobile = any("CELL" in it for it in parameters)
            found.setdefault("CELL" if is_mobile else key.rpartition(".")[2], []).append(parts)
    last, first = [*_first(found, "N"), "", ""][:2]
    if not (first or last):
        last = " ".join(_first(found, "FN"))
    numbers = [it[0].removeprefix("tel:") for key in ("CELL", "TEL") for it in found.get(key, [])]
    numbers = [*dict.fromkeys(numbers), *[""] * _MAX_NUMBERS][:_MAX_NUMBERS]
    address = [*_first(found, "ADR"), *[""] * 7]
    street = ", ".join(filter(None, (address[2], address[1], address[0])))
    birthday = _YEAR_MONTH_DAY.fullmatch("".join(_first(found, "BDAY")).strip())
    return [
        *(first, last, *numbers),
        *("".join(_first(found, name)[:1]) for name in ("EMAIL", "ORG", "TITLE")),
        *(address[3], street, "-".join(birthday.groups()) if birthday else ""),
        "".join(_first(found, "CATEGORIES")[:1]),
    ]


def _first(found: dict[str, list[list[str]]], name: str) -> list[str]:
    return next(iter(found.get(name, [])), [])


def _plain(part: str, parameters: list[str]) -> str:
    if any("QUOTED-PRINTABLE" in it for it in parameters):
        part = quopri.decodestring(part.encode()).decode(errors="replace")
    return _ESCAPED.sub(lambda it: "\n" if it[1] in "nN" else it[1], part).strip()
