"""What the pages of an import show: recent imports, the preview, known numbers, progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from flask import request

from webapp.contact import LABELS, MOBILE, NAMES, Contact, Field, FieldKind
from webapp.forms.definitions import FormDefinition
from webapp.forms.reading import read_value
from webapp.imports.columns import named_columns
from webapp.imports.review import Progress
from webapp.imports.rows import shared_fields
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
from webapp.portal.base import status_message
from webapp.web.rendering import (
    FormattedValue,
    all_fields,
    duration,
    format_values,
    local_time,
    services,
)

MAX_SHOWN: Final = 50  # rows of each list
_MAX_CELL: Final = 120  # characters of a cell that is shown
_EXAMPLES: Final = 3
_ROWS_WITH_EXAMPLES: Final = 20

_EMPTY: Final = FormattedValue("", "", "auto")


def recent() -> list[dict[str, Any]]:
    """Return drafts, running imports and those of the last thirty days, for a list."""
    review = services().delivery.imports.review
    return [
        {
            "reference": found.reference,
            "title": _title(found),
            "file": found.reading.file,
            "operator": found.operator or "",
            "came": local_time(found.created_at),
            "kind": found.state,
            "state": texts.STATES[found.state],
            **_numbers(review.progress(found)),
        }
        for found in review.recent()
    ]


def preview(found: Import) -> dict[str, Any]:
    """Return what the page of a draft shows."""
    review, definition = services().delivery.imports.review, _definition(found)
    rows = all_fields(definition)
    first = review.rows(found.id, limit=_ROWS_WITH_EXAMPLES)
    ready = [_contact(row) for row in review.ready_rows(found.id, limit=MAX_SHOWN)]
    wrong = review.wrong_rows(found.id, limit=MAX_SHOWN) if found.wrong_rows else []
    repeated = review.repeated_rows(found.id, limit=MAX_SHOWN) if found.twice_rows else []
    mobile = next(row for row in rows if row.name == MOBILE)
    return {
        **draft_numbers(found),
        "known": _known(found, rows) if found.known_rows else (),
        "same_file": _same_file(found),
        "title": _title(found, in_title=bool(found.reading.file)),
        "columns": [_column(found, number, first) for number in range(len(found.reading.columns))],
        "fields": _targets(definition) if definition else {},
        "left_out": _left_out(found, definition, first) if definition else (),
        "shared": _shared(found, definition),
        "no_mobile": "" if MOBILE in found.reading.columns else mobile.label,
        "wrong": [_wrong(found, row) for row in wrong],
        "repeated": [(row.number, *_who(_contact(row))) for row in repeated],
        "ready": _table(ready, rows),
    }


def draft_numbers(found: Import) -> dict[str, Any]:
    """Return the numbers of a draft, and how far the search in the phonebook is."""
    searched, total = services().delivery.imports.review.count_searched(found.id)
    is_searching = found.search is Search.RUNNING and searched < total
    progress = {"n": persian_number(searched), "total": persian_number(total)}
    return {
        "found": found,
        "number": persian_number,
        "is_searching": is_searching,
        "quarter": 4 * searched // total if is_searching else 4,
        "searched": texts.SEARCHING.format(**progress) if is_searching else "",
    }


def _targets(definition: FormDefinition) -> dict[str, str]:
    """Return what a column can hold, and its caption: a field, or a whole name."""
    fields = {row.name: row.label for row in definition.fields}
    if not fields.keys() >= set(NAMES):
        return fields
    place = max(list(fields).index(name) for name in NAMES) + 1
    items = list(fields.items())
    return dict([*items[:place], (WHOLE_NAME, texts.WHOLE_NAME), *items[place:]])


def _left_out(
    found: Import, definition: FormDefinition, rows: Sequence[StoredRow]
) -> Iterator[str]:
    """Yield sentences on what of the file is not sent: columns, and names."""
    header, columns = found.reading.header, found.reading.columns
    has_cells = {it for row in rows for it, cell in enumerate(row.cells) if cell.strip()}
    left = [it for it, name in enumerate(columns) if not name and it in has_cells]
    if left:
        titles = COMMA.join(f"«{_short(header[it])}»" for it in left)
        yield texts.LEFT_OUT_COLUMNS.format(n=persian_number(len(left)), titles=titles)
    misleading = [it for it in named_columns(definition, header) if it in left]
    if misleading:
        titles = COMMA.join(f"«{_short(header[it])}»" for it in misleading)
        yield texts.MISLEADING_COLUMNS.format(titles=titles)
    if found.reading.notes:
        yield texts.LEFT_OUT_ROWS.format(n=persian_number(found.reading.notes))
    has_names = definition.shown.intersection(NAMES)
    if has_names and not {*NAMES, WHOLE_NAME}.intersection(columns):
        yield texts.NO_NAME_COLUMN


def _known(found: Import, rows: Sequence[Field]) -> list[tuple[int, list[str], str, str, str]]:
    """Return row, name, number, source and differences of the rows with a known number."""
    by_name = {row.name: row for row in rows}
    known = services().delivery.imports.review.known_rows(found.id, limit=MAX_SHOWN)
    return [
        (
            row.number,
            *_who(_contact(row)),
            texts.KNOWN_SOURCES[row.known],
            COMMA.join(_difference(by_name[name], old) for name, old in row.differences)
            or texts.NO_DIFFERENCE,
        )
        for row in known
    ]


def _difference(row: Field, old: str | None) -> str:
    """Return what is known of a field that differs: the former text, or only its label."""
    if old is None or row.kind in (FieldKind.GENDER, FieldKind.ACTIVE, FieldKind.DATE):
        return row.label
    return texts.DIFFERENCE.format(label=row.label, text=_short(old) or texts.NOTHING)


def _same_file(found: Import) -> dict[str, str] | None:
    """Return the import that sent the same file before, if one did."""
    former = services().delivery.imports.review.with_same_file(found)
    if former is None:
        return None
    return {
        "text": texts.SAME_FILE.format(time=local_time(former.created_at)),
        "reference": former.reference,
    }


def _column(found: Import, number: int, rows: Sequence[StoredRow]) -> dict[str, Any]:
    """Return a column with its title and its first examples."""
    cells = (row.cells[number] for row in rows)
    examples = [cell for cell in cells if cell.strip()][:_EXAMPLES]
    return {
        "title": found.reading.header[number],
        "examples": examples,
        "field": found.reading.columns[number],
    }


def _shared(found: Import, definition: FormDefinition | None) -> list[dict[str, Any]]:
    """Return the fields that may have one value for all rows, and what was typed."""
    return [
        {
            "row": row,
            "text": found.reading.shared.get(row.name, ""),
            "is_gender": row.kind is FieldKind.GENDER,
        }
        for row in (shared_fields(definition) if definition else ())
    ]


def _wrong(found: Import, row: StoredRow) -> dict[str, Any]:
    """Return a wrong row, with the column, the cell and the message of each fault."""
    faults = [
        (_short("" if column is None else found.reading.header[column]), _short(cell), message)
        for column, cell, _, message in row.faults
    ]
    return {"number": row.number, "faults": faults}


def _short(text: str) -> str:
    """Return a text as a cell of a table shows it: a file's cell may have 32,767 characters."""
    return text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}…"


def _table(
    contacts: Sequence[Contact], rows: Sequence[Field]
) -> tuple[list[str], list[list[FormattedValue]]]:
    """Return contacts as a table: the labels of fields that have values, and a line for each."""
    active = next(row for row in rows if row.kind is FieldKind.ACTIVE)
    if all(one[active.name] for one in contacts):  # as almost everywhere: it says nothing
        rows = [row for row in rows if row is not active]
    lines = [{it.label: it for it in format_values(one.values, rows)} for one in contacts]
    labels = [row.label for row in rows if any(row.label in line for line in lines)]
    return labels, [[line.get(label, _EMPTY) for label in labels] for line in lines]


def progress(found: Import) -> dict[str, Any]:
    """Return what the page of an import that was sent shows."""
    delivery = services().delivery
    review = delivery.imports.review
    now = review.progress(found)
    is_over = found.state in ENDED
    total = now.sent + now.waiting + now.refused + now.known
    erased = found.left_rows if found.state is ImportState.CANCELLED else 0
    refused = review.refused(found.id, limit=MAX_SHOWN) if is_over and now.refused else []
    return {
        "found": found,
        "title": _title(found, in_title=bool(found.reading.file)),
        "number": persian_number,
        "now": now,
        "total": total + erased,
        "settled": total - now.waiting,
        "renews": found.state is ImportState.RUNNING or now.queued > 0,
        "left": _time_left(now) if found.state is ImportState.RUNNING else "",
        "is_held_up": found.state is ImportState.RUNNING and bool(delivery.breaker.pause),
        "is_over": is_over,
        "refused": [_refused(submission) for submission in refused],
        "has_wrong": found.wrong_rows > 0 and bool(review.wrong_rows(found.id, limit=1)),
    }


def _refused(submission: Submission) -> dict[str, Any]:
    contact = submission.contact or Contact()
    names, mobile = _who(contact)
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
    seconds = max(1, now.waiting / now.rows_per_s)
    return texts.LEFT.format(time=duration(seconds, decimals=0))


def _numbers(now: Progress) -> dict[str, str]:
    names = ("sent", "waiting", "refused", "known")
    numbers = {name: getattr(now, name) for name in names}
    return {name: persian_number(value) for name, value in numbers.items()}


def _who(contact: Contact) -> tuple[list[str], str]:
    """Return the names and the mobile number of a contact, as a list shows them."""
    return contact.names or [texts.NAMELESS], persian_digits(str(contact[MOBILE] or ""))


def _contact(row: StoredRow) -> Contact:
    return load_contact(row.contact) or Contact()


def _definition(found: Import) -> FormDefinition | None:
    return services().definitions.get(found.form)


def _title(found: Import, *, in_title: bool = False) -> str:
    definition = _definition(found)
    title = definition.title if definition else found.form
    return texts.FILE_OF.format(title=title, file=found.reading.file) if in_title else title


_COLUMN: Final = "column-"
_FOR_ALL: Final = "all-"


def posted(old: ColumnMapping, definition: FormDefinition) -> ColumnMapping:
    """Return the reading of the request; what it does not contain stays as it was."""
    columns = (
        request.form.get(f"{_COLUMN}{number}", given) for number, given in enumerate(old.columns)
    )
    shared = {
        row.name: request.form.get(f"{_FOR_ALL}{row.name}", old.shared.get(row.name, ""))
        for row in shared_fields(definition)
    }
    given = {name: text for name, text in shared.items() if text}
    return replace(old, columns=tuple(columns), shared=given)


def chosen_sheet(old: ColumnMapping) -> tuple[str | None, int | None] | None:
    """Return another sheet or header row that the request names; `None` if it names none.

    The header of another sheet is found anew.
    """
    sheet = request.form.get("sheet", old.sheet)
    row = request.form.get("header_row", str(old.header_row))
    if sheet != old.sheet and sheet in old.sheets:
        return sheet, None
    numbers = {str(number): number for number in (0, *(number for number, _ in old.first))}
    if row in numbers and numbers[row] != old.header_row:
        return old.sheet or None, numbers[row]
    return None


def faults(reading: ColumnMapping, definition: FormDefinition) -> dict[str, str]:
    """Return what is wrong with a reading: a message by the name of its input."""
    labels = _targets(definition)
    found = {}
    taken: set[str] = set()
    for number, name in enumerate(reading.columns):
        names = {*NAMES} if name == WHOLE_NAME else {name}
        if name and name not in labels:
            found[f"{_COLUMN}{number}"] = texts.COLUMN_UNKNOWN
        elif names & taken:
            found[f"{_COLUMN}{number}"] = texts.FIELD_TWICE.format(label=labels[name])
        taken |= names - {"", LABELS, MOBILE}  # of several numbers, the first usable one counts
    for row in shared_fields(definition):
        try:
            read_value(row, reading.shared.get(row.name, ""))
        except InvalidText as error:
            found[f"{_FOR_ALL}{row.name}"] = str(error)
    return found
