"""Files that an operator downloads, for spreadsheet programs."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from flask import Response

from webapp.imports.file import BOM, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def xlsx_file(name: str, content: bytes) -> Response:
    """Return a workbook as a download."""
    return _download(content, f"{name}.xlsx", _XLSX)


def csv_file(name: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> Response:
    """Return rows as a download in CSV."""
    file = io.StringIO()
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in line] for line in lines)
    return _download(file.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")


def _download(content: bytes | str, name: str, mimetype: str) -> Response:
    response = Response(content, content_type=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
