"""What the pages of an import show: recent imports, the preview, known numbers, progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from flask import request

from webapp.contact import LABELS, MOBILE, NAMES, Contact, Field, FieldKind
from webapp.forms.definitions import FormDefinition
from webapp.forms.reading import read_value
from webapp.imports.columns import asked_dates, named_columns, targets, undecided_dates
from webapp.imports.review import Progress
from webapp.imports.rows import row_name, shared_fields
from webapp.imports.sheet_parser import ALIKE
from webapp.imports.tables import (
    ENDED,
    WHOLE_NAME,
    ColumnMapping,
    Import,
    ImportState,
    Search,
    StoredRow,
)
from webapp.messages import COMMA
from webapp.messages import imports as texts
from webapp.outbox.rows import Submission, load_contact
from webapp.persian import InvalidText, persian_digits, persian_number
from webapp.portal import status_message
from webapp.web.rendering import services
from webapp.web.rendering.content import (
    FormattedValue,
    all_fields,
    duration,
    format_values,
    local_time,
)

MAX_SHOWN: Final = 50  # rows of each list
MAX_MENDED: Final = 20  # wrong rows whose cells are inputs
_MAX_CELL: Final = 120  # characters of a cell that is shown
_EXAMPLES: Final = 3
_ROWS_WITH_EXAMPLES: Final = 20

_EMPTY: Final = FormattedValue("", "", "auto")


def recent() -> list[dict[str, Any]]:
    """Return running imports, drafts and imports of the last thirty days, for a list."""
    review = services().delivery.imports.review
    return [
        {
            "reference": import_.reference,
            "title": _title(import_),
            "file": import_.reading.file,
            "operator": import_.operator or "",
            "came": local_time(import_.created_at),
            "kind": import_.state,
            "state": texts.STATES[import_.state],
            **_numbers(review.progress(import_)),
        }
        for import_ in review.recent()
    ]


def preview(draft: Import) -> dict[str, Any]:
    """Return what the page of a draft shows."""
    review, definition = services().delivery.imports.review, definition_of(draft)
    rows = all_fields(definition)
    first = review.rows(draft.id, limit=_ROWS_WITH_EXAMPLES)
    ready = [_contact(row) for row in review.ready_rows(draft.id, limit=MAX_SHOWN)]
    wrong = review.wrong_rows(draft.id, limit=MAX_SHOWN) if draft.wrong_rows else []
    repeated = review.repeated_rows(draft.id, limit=MAX_SHOWN) if draft.twice_rows else []
    mobile = next(row for row in rows if row.name == MOBILE)
    columns = [_column(draft, number, first) for number in range(len(draft.reading.columns))]
    return {
        **draft_numbers(draft),
        **_left_out(draft, definition, columns),
        "known": _known(draft, rows) if draft.known_rows else (),
        "same_file": _same_file(draft),
        "title": _title(draft, in_title=bool(draft.reading.file)),
        "shown_columns": [it for it in columns if it["field"]],
        "other_columns": [it for it in columns if not it["field"]],
        "fields": targets(definition) if definition else {},
        "row_name": partial(row_name, draft.reading),
        "alike": f"{ALIKE}{draft.reading.sheet.removeprefix(ALIKE)}",
        "shared": _shared(draft, definition),
        "undecided": _undecided(draft.reading),
        "no_mobile": "" if MOBILE in draft.reading.columns else mobile.caption,
        "wrong": [_wrong(draft, row, place) for place, row in enumerate(wrong)],
        "most_mended": MAX_MENDED,
        "repeated": [(row.number, *_names_and_mobile(_contact(row))) for row in repeated],
        "ready": _table(ready, rows),
    }


def draft_numbers(draft: Import) -> dict[str, Any]:
    """Return the numbers of a draft, and how far the search in the phonebook is."""
    searched, total = services().delivery.imports.review.count_searched(draft.id)
    is_searching = draft.search is Search.RUNNING and searched < total
    progress = {"n": persian_number(searched), "total": persian_number(total)}
    return {
        "draft": draft,
        "number": persian_number,
        "is_searching": is_searching,
        "quarter": 4 * searched // total if is_searching else 4,
        "searched": texts.SEARCHING.format(**progress) if is_searching else "",
    }


def _left_out(
    draft: Import, definition: FormDefinition | None, columns: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return sentences on what of the file is not sent: by columns, and all in one line."""
    reading = draft.reading
    left = [it for it, column in enumerate(columns) if not column["field"] and column["examples"]]
    named = named_columns(definition, reading.header) if definition else []
    has_names = definition and definition.shown.intersection(NAMES)
    is_nameless = has_names and not {*NAMES, WHOLE_NAME}.intersection(reading.columns)
    other_sheets = len(reading.sheets) - (reading.alike if reading.sheet.startswith(ALIKE) else 1)
    counts = {texts.LEFT_OUT_ROWS: reading.notes, texts.LEFT_OUT_SHEETS: max(other_sheets, 0)}
    sentences = [text.format(n=persian_number(count)) for text, count in counts.items() if count]
    left_out_columns = _named(texts.LEFT_OUT_COLUMNS, reading, left)
    nameless = [texts.NO_NAME_COLUMN] if is_nameless else []
    return {
        "left_out": " ".join(filter(None, [*nameless, *sentences, left_out_columns])),
        "left_out_columns": left_out_columns,
        "misleading": _named(texts.MISLEADING_COLUMNS, reading, [it for it in named if it in left]),
    }


def _named(sentence: str, reading: ColumnMapping, columns: Sequence[int]) -> str:
    """Return a sentence on columns, with their number and titles; "" if there are none."""
    titles = COMMA.join(f"«\u2068{_short(reading.header[it])}\u2069»" for it in columns)
    return sentence.format(n=persian_number(len(columns)), titles=titles) if columns else ""


def _known(draft: Import, rows: Sequence[Field]) -> list[tuple[int, list[str], str, str, str]]:
    """Return row, name, number, source and differences of the rows with a known number."""
    by_name = {row.name: row for row in rows}
    known = services().delivery.imports.review.known_rows(draft.id, limit=MAX_SHOWN)
    return [
        (
            row.number,
            *_names_and_mobile(_contact(row)),
            texts.KNOWN_SOURCES[row.known],
            COMMA.join(_difference(by_name[name], old) for name, old in row.differences)
            or texts.NO_DIFFERENCE,
        )
        for row in known
    ]


def _difference(row: Field, old: str | None) -> str:
    """Return what is known of a field that differs: the former text, or only its caption."""
    if old is None or row.kind in (FieldKind.GENDER, FieldKind.ACTIVE, FieldKind.DATE):
        return row.caption
    return texts.DIFFERENCE.format(caption=row.caption, text=_short(old) or texts.NOTHING)


def _same_file(draft: Import) -> dict[str, str] | None:
    """Return the earlier import of the same file, if there is one."""
    former = services().delivery.imports.review.with_same_file(draft)
    if former is None:
        return None
    text = texts.SAME_FILE.format(time=local_time(former.created_at))
    return {"text": text, "reference": former.reference}


def _column(draft: Import, number: int, rows: Sequence[StoredRow]) -> dict[str, Any]:
    """Return a column with its title and its first examples."""
    cells = (row.cells[number] for row in rows)
    examples = [cell for cell in cells if cell.strip()][:_EXAMPLES]
    reading = draft.reading
    return {
        "name": f"{_COLUMN}{number}",
        "title": reading.header[number],
        "examples": examples,
        "field": reading.columns[number],
        "order_name": f"{_ORDER}{number}" if number in asked_dates(reading) else "",
        "order": _order(reading, number),
    }


def _shared(draft: Import, definition: FormDefinition | None) -> list[tuple[Field, str]]:
    """Return the fields that may have one value for all rows, and what was typed."""
    rows = shared_fields(definition) if definition else ()
    return [(row, draft.reading.shared.get(row.name, "")) for row in rows]


def _wrong(draft: Import, row: StoredRow, place: int) -> dict[str, Any]:
    """Return a wrong row, with its faults; the cells of the first ones can be mended."""
    faults: list[dict[str, str]] = []
    for column, cell, _, message in row.faults:
        title = "" if column is None else draft.reading.header[column]
        name = f"{_CELL}{row.number}-{column}"
        whole = "" if column is None else row.cells[column]
        # An input of one line sends the cell as it is.
        fits = column is not None and len(whole) <= _MAX_CELL and len(whole.splitlines()) <= 1
        is_input = place < MAX_MENDED and fits and name not in {it["name"] for it in faults}
        faults.append(
            {
                "title": _short(title),
                "cell": _short(cell),
                "typed": request.form.get(name, whole),
                "message": message,
                "name": name if is_input else "",
            }
        )
    return {"number": row.number, "faults": faults}


def mended(draft: Import) -> dict[int, tuple[str, ...]]:
    """Return the cells of the wrong rows that the request changes, by their numbers."""
    changed = {}
    rows = services().delivery.imports.review.wrong_rows(draft.id, limit=MAX_MENDED)
    for row in rows if draft.wrong_rows else ():
        cells = list(row.cells)
        for column, *_ in row.faults:
            if column is not None:
                cells[column] = request.form.get(f"{_CELL}{row.number}-{column}", cells[column])
        if tuple(cells) != row.cells:
            changed[row.number] = tuple(cells)
    return changed


def _short(text: str) -> str:
    """Return a text as a cell of a table shows it: a file's cell may have 32,767 characters."""
    return text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}…"


def _table(
    contacts: Sequence[Contact], rows: Sequence[Field]
) -> tuple[list[str], list[list[FormattedValue]]]:
    """Return contacts as a table: the captions of fields that have values, and a line for each."""
    active = next(row for row in rows if row.kind is FieldKind.ACTIVE)
    if all(one[active.name] for one in contacts):  # as in almost every file
        rows = [row for row in rows if row is not active]
    lines = [{it.caption: it for it in format_values(one.values, rows)} for one in contacts]
    captions = [row.caption for row in rows if any(row.caption in line for line in lines)]
    return captions, [[line.get(caption, _EMPTY) for caption in captions] for line in lines]


def progress(import_: Import) -> dict[str, Any]:
    """Return what the page of an import that was sent shows."""
    delivery = services().delivery
    review = delivery.imports.review
    now = review.progress(import_)
    is_over = import_.state in ENDED
    erased = import_.left_rows if import_.state is ImportState.CANCELLED else 0
    refused = review.refused(import_.id, limit=MAX_SHOWN) if is_over and now.refused else []
    return {
        "import_": import_,
        "title": _title(import_, in_title=bool(import_.reading.file)),
        "number": persian_number,
        "now": now,
        "total": now.total + erased,
        "settled": now.total - now.waiting,
        "renews": import_.state is ImportState.RUNNING or now.queued > 0,
        "left": _time_left(now) if import_.state is ImportState.RUNNING else "",
        "is_held_up": import_.state is ImportState.RUNNING and bool(delivery.breaker.pause),
        "is_over": is_over,
        "refused": [_refused(submission) for submission in refused],
        "has_wrong": import_.wrong_rows > 0 and bool(review.wrong_rows(import_.id, limit=1)),
    }


def _refused(submission: Submission) -> dict[str, Any]:
    names, mobile = _names_and_mobile(submission.contact or Contact())
    return {
        "reference": submission.reference,
        "names": names,
        "mobile": mobile,
        "why": status_message(submission.status),
    }


def _time_left(now: Progress) -> str:
    """Return the time until all is sent, as a Persian sentence; "" if it is not known."""
    if not now.waiting or not now.rows_per_s:
        return ""
    return texts.LEFT.format(time=duration(max(1, now.waiting / now.rows_per_s), decimals=0))


def _numbers(now: Progress) -> dict[str, str]:
    names = ("sent", "waiting", "refused", "known")
    return {name: persian_number(getattr(now, name)) for name in names}


def _names_and_mobile(contact: Contact) -> tuple[list[str], str]:
    """Return the names and the mobile number of a contact, as a list shows them."""
    return contact.names or [texts.NAMELESS], persian_digits(str(contact[MOBILE] or ""))


def _contact(row: StoredRow) -> Contact:
    return load_contact(row.contact) or Contact()


def definition_of(import_: Import) -> FormDefinition | None:
    """Return the form of an import, unless it was removed."""
    return services().definitions.get(import_.form)


def _title(import_: Import, *, in_title: bool = False) -> str:
    definition = definition_of(import_)
    title = definition.title if definition else import_.form
    return texts.FILE_OF.format(title=title, file=import_.reading.file) if in_title else title


_COLUMN: Final = "column-"
_FOR_ALL: Final = "all-"
_ORDER: Final = "order-"  # of dates
_CELL: Final = "row-"


def posted(old: ColumnMapping, definition: FormDefinition) -> ColumnMapping:
    """Return the reading of the request; what it does not contain stays as it was."""
    columns = tuple(
        request.form.get(f"{_COLUMN}{number}", given) for number, given in enumerate(old.columns)
    )
    shared = {
        row.name: request.form.get(f"{_FOR_ALL}{row.name}", old.shared.get(row.name, ""))
        for row in shared_fields(definition)
    }
    orders = {
        number: request.form.get(f"{_ORDER}{number}", _order(old, number))
        for number in old.unproven
    }
    proven = tuple(it for it in old.month_first if it not in orders)
    return replace(
        old,
        columns=columns,
        shared={name: text for name, text in shared.items() if text},
        chosen=old.chosen if columns == old.columns else "now",
        month_first=(*proven, *(it for it, order in orders.items() if order == "month")),
        day_first=tuple(it for it, order in orders.items() if order == "day"),
    )


def _undecided(reading: ColumnMapping) -> dict[str, str]:
    """Return a question for each column of dates in an unknown order, by the name of its input."""
    return {
        f"{_ORDER}{it}": texts.DATE_ORDER_ASKED.format(title=_short(reading.header[it]))
        for it in undecided_dates(reading)
    }


def _order(reading: ColumnMapping, column: int) -> str:
    """Return the order that an operator has chosen for the dates of a column, or ""."""
    if column in reading.month_first:
        return "month"
    return "day" if column in reading.day_first else ""


def chosen_sheet(old: ColumnMapping) -> tuple[str | None, int | None] | None:
    """Return another sheet or header row that the request names; `None` if it names none.

    The header row of another sheet is detected again.
    """
    sheet = request.form.get("sheet", old.sheet)
    row = request.form.get("header_row", str(old.header_row))
    if sheet != old.sheet and sheet.removeprefix(ALIKE) in old.sheets:
        return sheet, None
    numbers = {str(number): number for number in (0, *(number for number, _ in old.first))}
    if row in numbers and numbers[row] != old.header_row:
        return old.sheet or None, numbers[row]
    return None


def faults(reading: ColumnMapping, definition: FormDefinition, *, is_sent: bool) -> dict[str, str]:
    """Return what is wrong with a reading: a message by the name of its input.

    Before it is sent, the order of each date has to be known.
    """
    captions = targets(definition)
    faults = {}
    taken: set[str] = set()
    for number, name in enumerate(reading.columns):
        names = {*NAMES} if name == WHOLE_NAME else {name}
        if name and name not in captions:
            faults[f"{_COLUMN}{number}"] = texts.COLUMN_UNKNOWN
        elif names & taken:
            faults[f"{_COLUMN}{number}"] = texts.FIELD_TWICE.format(caption=captions[name])
        taken |= names - {"", LABELS, MOBILE}  # of several numbers, the first usable one counts
    faults |= _undecided(reading) if is_sent else {}
    for row in shared_fields(definition):
        try:
            read_value(row, reading.shared.get(row.name, ""))
        except InvalidText as error:
            faults[f"{_FOR_ALL}{row.name}"] = str(error)
    return faults
