"""The files that an import offers: wrong rows, and rows that the portal refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from webapp.contact import FIELDS, Kind
from webapp.imports.file import write_workbook
from webapp.imports.sheet_parser.table import MAX_ROWS
from webapp.messages import COMMA, MAN, WOMAN
from webapp.messages import imports as texts
from webapp.persian import jalali_slashes
from webapp.portal.base import status_message
from webapp.web.views import services
from webapp.web.views.downloads import csv_file, xlsx_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flask import Response

    from webapp.contact import Contact, Field
    from webapp.imports.tables import Import


class WrongRowsErased(NotFound):
    """There are no wrong rows, or they were erased."""

    text = texts.WRONG_ERASED


def wrong_rows(found: Import) -> Response:
    """Return the wrong rows as they were, and a column that says what is wrong.

    Raises:
        WrongRowsErased: if there are none any more.
    """
    rows = services().delivery.imports.review.wrong_rows(found.id, limit=MAX_ROWS)
    if not rows:
        raise WrongRowsErased
    header = found.reading.header
    is_remark = header[-1] == texts.PROBLEM and not found.reading.columns[-1]
    if is_remark:  # from such a file: what it says is out of date
        header = header[:-1]
    lines = [
        [*row.cells[: len(header)], " ".join(message for *_, message in row.faults)] for row in rows
    ]
    return _file(f"wrong-{found.reference}", [*header, texts.PROBLEM], lines)


def refused_rows(found: Import) -> Response:
    """Return the contacts that need attention, as far as they are still kept."""
    definition = services().definitions.get(found.form)
    rows = definition.fields if definition else tuple(FIELDS.values())
    submissions = services().delivery.imports.review.refused(found.id, limit=MAX_ROWS)
    lines = [
        [*(_text(row, one.contact) for row in rows), status_message(one.status)]
        for one in submissions
        if one.contact
    ]
    header = [*(row.label for row in rows), texts.PROBLEM]
    return _file(f"refused-{found.reference}", header, lines)


def _text(row: Field, contact: Contact) -> str:
    """Return a value as it can be read again."""
    value = contact[row.name]
    if value in (None, ""):
        return ""
    match row.kind:
        case Kind.DATE:
            return jalali_slashes(value)  # type: ignore[arg-type]  # a date, by its kind
        case Kind.GENDER:
            return MAN if value else WOMAN
        case Kind.LABELS:
            return COMMA.join(value)  # type: ignore[arg-type]  # a tuple, by its kind
        case Kind.ACTIVE:
            return "true" if value else "false"
        case _:
            return str(value)


def _file(name: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> Response:
    try:
        content = write_workbook(texts.PROBLEM, header, lines)
    except ImportError:  # XlsxWriter is an extra
        return csv_file(name, header, lines)
    return xlsx_file(name, content)
