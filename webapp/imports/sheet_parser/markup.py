"""Reads the tables of a web page or of Excel 2003's XML: programs save both as `.xls`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from .delimited import decode
from .table import Unparsable

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
    tables.feed(_decode(data, declared[1].decode() if declared else ""))
    tables.close()
    if not any(tables.rows):
        raise Unparsable("markup")
    yield from enumerate(tables.rows, start=1)


def _decode(data: bytes, encoding: str) -> str:
    if encoding.lower() in ("windows-1256", "cp1256"):
        return data.decode("cp1256", "replace")
    return decode(data)
