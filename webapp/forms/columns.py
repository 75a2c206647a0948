"""Guesses which column of a spreadsheet holds which field of a form."""

from __future__ import annotations

from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from webapp.contact import Kind
from webapp.forms.cells import as_typed
from webapp.forms.reading import read_value
from webapp.forms.spellings import HEADER_SPELLINGS, spelling_key, without_brackets
from webapp.persian import InvalidText
from webapp.spreadsheets import column_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from webapp.contact import Field
    from webapp.forms.definitions import FormDefinition
    from webapp.spreadsheets import Sheet

__all__ = ["HEADER_SPELLINGS", "guess_columns"]

_EXAMINED_CELLS: Final = 100  # of a column
_SHARE: Final = 0.8  # of them that must be readable as the field
_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: (spelling_key(name), *map(spelling_key, it)) for name, it in HEADER_SPELLINGS.items()}
)


def guess_columns(definition: FormDefinition, sheet: Sheet) -> tuple[str, ...]:
    """Return for each column the API name of the form's field that it holds, or "".

    By its caption: the form's own captions before `HEADER_SPELLINGS`, and these in their order; a
    field gets one column. Then by content: a column whose cells are mostly mobile numbers, email
    addresses or genders is taken for a field that has no column yet; one of dates only if it has no
    caption, as a caption of its own would say that they are other dates. A column with whole names
    goes to the family name: where a name ends and the other begins cannot be told.
    """
    found = _by_caption(definition, sheet)
    for row in definition.fields:
        if row.name not in found.values() and (column := _by_content(row, sheet, found)) >= 0:
            found[column] = row.name
    return tuple(found.get(column, "") for column in range(len(sheet.header)))


def _by_caption(definition: FormDefinition, sheet: Sheet) -> dict[int, str]:
    """Return the fields by column; of several candidates the best spelling wins."""
    candidates = sorted(
        (rank, column, row.name)
        for column, caption in enumerate(sheet.header)
        for row in definition.fields
        if (rank := _rank(row, caption)) is not None
    )
    found: dict[int, str] = {}
    for _, column, name in candidates:
        if column not in found and name not in found.values():
            found[column] = name
    return found


def _rank(row: Field, caption: str) -> int | None:
    """Return how well a caption names a field, 0 is best; None if it does not."""
    keys = (spelling_key(row.label), *_KEYS.get(row.name, ()))
    for key in (spelling_key(caption), spelling_key(without_brackets(caption))):
        if key and key in keys:
            return keys.index(key)
    return None


def _by_content(row: Field, sheet: Sheet, found: Mapping[int, str]) -> int:
    """Return the first column whose cells are mostly readable as this field, or -1."""
    is_birth = row.kind is Kind.DATE and row.in_past
    if not (is_birth or row.kind in (Kind.MOBILE, Kind.EMAIL, Kind.GENDER)):
        return -1
    for column, caption in enumerate(sheet.header):
        is_named = caption != column_name(column + 1)
        if column in found or (is_birth and is_named):
            continue
        cells = list(islice(_filled(sheet, column), _EXAMINED_CELLS))
        readable = sum(_is_readable(row, cell, epoch_1904=sheet.epoch_1904) for cell in cells)
        if cells and readable >= _SHARE * len(cells):
            return column
    return -1


def _filled(sheet: Sheet, column: int) -> Iterator[str]:
    return (cell for row in sheet.rows if (cell := row.cells[column]).strip())


def _is_readable(row: Field, cell: str, *, epoch_1904: bool) -> bool:
    if row.kind is Kind.GENDER and spelling_key(cell) in ("true", "false"):
        return False  # as an answer to anything
    try:
        read_value(row, as_typed(row, cell, epoch_1904=epoch_1904))
    except InvalidText:
        return False
    return True
