"""Parses spreadsheets in a process of its own: rows of texts, their header, and the limits.

`python -m sheet_parser` in the folder above starts it. It imports no other module of this project,
so that it starts fast and has little to lose.
"""

from __future__ import annotations

import re
import resource
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Final

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 100
MAX_SHEETS: Final = 20
MAX_CELL_CHARACTERS: Final = 32_767  # Excel's own limit
MAX_CHARACTERS: Final = 12_000_000  # of all cells: one text may be shared by many of them
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024  # of the parts of a zip archive
MAX_PARTS: Final = 1_000

MAX_MEMORY_BYTES: Final = 512 * 1024 * 1024
MAX_CPU_S: Final = 20
MAX_WAIT_S: Final = 40  # the machine may be busy


def limit_process() -> None:
    """Limit memory and processor time of this process; it writes no file and dumps no core.

    The process sets its own limits: code that runs between fork and exec is not safe where the
    parent has threads.
    """
    for kind, limit in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lower, lower))


_LETTERS: Final = {0x64A: 0x6CC, 0x643: 0x6A9, 0x629: 0x647, 0x624: 0x648}  # Arabic, Persian
_WORD: Final = re.compile(r"[^\W_]+")
_LEAST_CAPTIONS: Final = 2  # that make a row a header
HEADER_ROWS: Final = 20  # of a sheet, of which one may be its header
_TITLE_ROWS: Final = 10  # rows above the header that may hold a title
_NUMBER_LENGTH: Final = 9  # digits that no caption has; a mobile number that lost its zero has ten
_SCIENTIFIC: Final = re.compile(r"\d[.,\u066b]\d+e\+?\d\d", re.IGNORECASE)  # 9.12E+09

_DATE: Final = re.compile(  # 1403/01/01, 29-12-1403; no part of a longer number
    r"(?<![\d/.-])(?:\d{4}([/.-])\d\d?\1\d\d?|\d\d?([/.-])\d\d?\2\d{4})(?!\d|[/.-]\d)"
)
_NUMBER_PREFIX: Final = "tel:"


class Unparsable(Exception):
    """A file that is not read.

    Attributes:
        code: Why: a key of `UNREADABLE` in `webapp.messages.imports`.
        numbers: Numbers for the message, by name.
    """

    def __init__(self, code: str, **numbers: int) -> None:
        """Set the reason and its numbers."""
        super().__init__(code)
        self.code = code
        self.numbers = numbers


Rows = Iterable[tuple[int, Sequence[str]]]


Sheets = Mapping[str, Callable[[], Rows]]  # by name

ALIKE: Final = "*"  # before the name of a sheet: those with its header, too; no name has it
SHEET_ROWS: Final = 2**24  # at most; read together, the next sheet is numbered from there on


@dataclass(frozen=True, slots=True)
class Guide:
    """What is known of a file beforehand.

    Attributes:
        captions: Known captions and words of captions: letters and digits, in lower case.
        sheet: The name of the sheet to read, after `ALIKE` if all that are alike; None to choose.
        header_row: The number of its header; 0 if it has none, None to find it.
    """

    captions: frozenset[str] = frozenset()
    sheet: str | None = None
    header_row: int | None = None

    def score(self, cells: Sequence[str]) -> int:
        """Return how many cells of a row are known captions; 0 if one is a long number."""
        if _has_number(cells):
            return 0
        return sum(not self.captions.isdisjoint(_caption_keys(cell)) for cell in cells)


def _caption_keys(cell: str) -> list[str]:
    spelled = unicodedata.normalize("NFKD", cell[:100].translate(_LETTERS)).casefold()
    words = _WORD.findall("".join(it for it in spelled if unicodedata.category(it) != "Mn"))
    return ["".join(words), *words]


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """The rows of a sheet that are not empty.

    Attributes:
        header: The captions, or None if the first row holds data.
        rows: Number and cells of each row.
        width: The number of columns.
        first: Number and cells of the first rows, of which one may be the header.
        header_row: The number of the header; 0 if there is none.
        sheet: The name of the sheet, in a workbook.
        sheets: The names of all sheets that could be read.
        alike: How many of them have the same header.
    """

    header: Sequence[str] | None
    rows: Sequence[tuple[int, Sequence[str]]]
    width: int
    first: Sequence[tuple[int, Sequence[str]]] = ()
    header_row: int = 0
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    alike: int = 1


def read_sheets(sheets: Sheets, guide: Guide) -> Table:
    """Return the table of the sheet that the guide names, or that is chosen, or of all like it.

    Alike are sheets with the same header among their first rows. Read together, the rows of the
    second sheet are numbered from `SHEET_ROWS` on, those of the third from twice that, and so on.

    Raises:
        Unparsable: as `make_table`.
    """
    name = _choose_sheet(sheets, guide)
    table = make_table(sheets[name](), guide)
    ends = _header_ends(sheets, table)
    if (guide.sheet or "").startswith(ALIKE) and ends:
        kept, count = _within_limits(
            (place * SHEET_ROWS + number, cells)
            for place, (one, rows) in enumerate(sheets.items())
            if one in ends
            for number, cells in islice(rows(), ends[one], None)
        )
        if count > MAX_ROWS:
            raise Unparsable("too-many-rows", n=count, limit=MAX_ROWS)
        width = max(table.width, *(len(cells) for _, cells in kept))
        table = replace(table, rows=kept, width=width)
        name = f"{ALIKE}{name}"
    return replace(table, sheet=name, sheets=tuple(sheets), alike=len(ends))


def _header_ends(sheets: Sheets, table: Table) -> dict[str, int]:
    """Return in which row the header of a table ends in each sheet that has it."""

    def key(cells: Sequence[str]) -> list[str]:
        return [_caption_keys(cell)[0] for cell in _without_empty_end(cells)]

    sought = key(table.header or ())
    found = {
        name: next((it for it, cells in islice(rows(), HEADER_ROWS) if key(cells) == sought), 0)
        for name, rows in sheets.items()
    }
    return {name: end for name, end in found.items() if end and sought}


def make_table(rows: Rows, guide: Guide = Guide()) -> Table:
    """Return the table of numbered rows.

    The header is the one that the guide names, or the first of the rows with the most known
    captions, if it has two.

    A first row with a number of nine or more digits is data: then there is no header. Dates, and
    digits beside letters, are no such number. Up to ten rows with only one cell above the header
    are a title, and left out.

    Raises:
        Unparsable: if there are no rows, or too many, or too many columns or characters.
    """
    kept, count = _within_limits(rows)
    if not kept:
        raise Unparsable("empty")
    width = max(len(cells) for _, cells in kept)
    start = _known_place(kept, guide)
    if start is None:
        start = _header_place(kept, width)
    if guide.header_row is None:
        has_header = not _has_number(kept[start][1])
    else:
        has_header = guide.header_row > 0
    header = kept[start][1] if has_header else None
    body = kept[start:] if header is None else kept[start + 1 :]
    if not body:
        raise Unparsable("empty")
    if len(body) > MAX_ROWS:
        above = len(kept) - len(body)  # the header, and a title
        raise Unparsable("too-many-rows", n=count - above, limit=MAX_ROWS)
    return Table(header, body, width, kept[:HEADER_ROWS], kept[start][0] if has_header else 0)


def _choose_sheet(sheets: Sheets, guide: Guide) -> str:
    """Return the name of the sheet that the guide names, or whose header has most captions.

    Of several alike, and if none has known captions, the first one.
    """
    named = (guide.sheet or "").removeprefix(ALIKE)
    if named in sheets:
        return named

    def score(name: str) -> int:
        first = islice(sheets[name](), HEADER_ROWS)
        return max((guide.score(cells) for _, cells in first), default=0)

    return max(sheets, key=score)


def _known_place(rows: Sequence[tuple[int, Sequence[str]]], guide: Guide) -> int | None:
    """Return the place of the header that the guide names, or finds by its captions."""
    if guide.header_row is not None:
        numbers = [number for number, _ in rows[:HEADER_ROWS]]
        return numbers.index(guide.header_row) if guide.header_row in numbers else 0
    scores = [guide.score(cells) for _, cells in rows[:HEADER_ROWS]]
    return scores.index(max(scores)) if max(scores) >= _LEAST_CAPTIONS else None


def _within_limits(
    rows: Iterable[tuple[int, Sequence[str]]],
) -> tuple[list[tuple[int, Sequence[str]]], int]:
    """Return the rows that are not empty, without empty cells at their ends, and their count.

    More rows than a file may have are counted, but not kept.
    """
    kept: list[tuple[int, Sequence[str]]] = []
    count = characters = 0
    for number, row in rows:
        cells = _without_empty_end(row)
        if not cells:
            continue
        count += 1
        if len(cells) > MAX_COLUMNS:
            raise Unparsable("too-many-columns", n=len(cells), limit=MAX_COLUMNS)
        if max(map(len, cells)) > MAX_CELL_CHARACTERS:
            raise Unparsable("long-cell", n=number, limit=MAX_CELL_CHARACTERS)
        characters += sum(map(len, cells))
        if characters > MAX_CHARACTERS:
            raise Unparsable("too-much-text", limit=MAX_CHARACTERS)
        if count <= MAX_ROWS + _TITLE_ROWS + 1:
            kept.append((number, cells))
    return kept, count


def _without_empty_end(row: Sequence[str]) -> Sequence[str]:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _header_place(rows: Sequence[tuple[int, Sequence[str]]], width: int) -> int:
    """Return the place of the header, or of the first row if there is none."""
    if width == 1:
        return 0
    for place, (_, cells) in enumerate(rows[:_TITLE_ROWS]):
        is_title = sum(bool(cell.strip()) for cell in cells) == 1 and not _has_number(cells)
        if not is_title:
            return place
    return 0


def _has_number(cells: Sequence[str]) -> bool:
    """Return whether one of the cells is a number that no caption is; letters make it a text."""
    return any(_SCIENTIFIC.search(cell) or _is_long_number(cell) for cell in cells)


def _is_long_number(cell: str) -> bool:
    rest = _DATE.sub("", cell.lower().replace(_NUMBER_PREFIX, ""))
    digits = sum(unicodedata.category(char) == "Nd" for char in rest)
    return digits >= _NUMBER_LENGTH and not any(map(str.isalpha, rest))


_FIRST_GREGORIAN: Final = date(1582, 10, 15).toordinal()
_JULIAN_DAY: Final = 1_721_425  # the Julian day number of the day before 1 January of the year 1


def day_as_shown(ordinal: int) -> str:
    """Return a day as yyyy-mm-dd.

    Args:
        ordinal: Its number as `date.toordinal` counts, by the Gregorian calendar of all years.
    """
    if ordinal >= _FIRST_GREGORIAN:
        return date.fromordinal(ordinal).isoformat()
    # The calendar's year begins in March, so that the leap day is the last of it.
    quarters = 4 * (ordinal + _JULIAN_DAY + 1401) + 3
    days = 5 * (quarters % 1461 // 4) + 2
    month = (days // 153 + 2) % 12 + 1
    year = quarters // 1461 - 4716 + (14 - month) // 12
    return f"{year:04}-{month:02}-{days % 153 // 5 + 1:02}"
