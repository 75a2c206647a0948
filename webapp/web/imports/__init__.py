"""Importing a spreadsheet, for operators: the file, the preview, the progress and the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, make_response, render_template, request
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from webapp.contact import FIELDS, Contact, Field, FieldKind
from webapp.forms.definitions import FormDefinition
from webapp.imports import ImportGone, Imports
from webapp.imports.columns import sample_workbook
from webapp.imports.drafts import DraftReader
from webapp.imports.file import UnreadableFile, write_workbook
from webapp.imports.rows import importable
from webapp.imports.sheet_parser import MAX_FILE_BYTES, MAX_ROWS
from webapp.imports.tables import BEGUN, DuplicateRows, Import, ImportState, KnownRows
from webapp.messages import COMMA, MAN, NO, WOMAN, YES
from webapp.messages import imports as texts
from webapp.persian import jalali_slashes, persian_digits, persian_number
from webapp.portal import status_message
from webapp.web.imports import pages
from webapp.web.rendering import has_token, require_intranet, see_other, services
from webapp.web.rendering.content import csv_file, xlsx_file
from webapp.web.security import MAX_BODY_BYTES


class WrongRowsErased(NotFound):
    """There are no wrong rows, or they were erased."""

    text = texts.WRONG_ERASED


def cell_text(row: Field, contact: Contact) -> str:
    """Return a value as it can be read again."""
    value = contact[row.name]
    if value in (None, ""):
        return ""
    match row.kind:
        case FieldKind.DATE:
            return jalali_slashes(value)  # type: ignore[arg-type]  # a date, by its kind
        case FieldKind.GENDER:
            return MAN if value else WOMAN
        case FieldKind.LABELS:
            return COMMA.join(value)  # type: ignore[arg-type]  # a tuple, by its kind
        case FieldKind.ACTIVE:
            return YES if value else NO
        case _:
            return str(value)


def table_file(
    name: str, title: str, header: Sequence[str], lines: Iterable[Sequence[str]]
) -> Response:
    """Return rows as a workbook whose sheet has this title, or in CSV without XlsxWriter."""
    try:
        content = write_workbook(title, header, lines)
    except ImportError:  # XlsxWriter is an extra
        return csv_file(name, header, lines)
    return xlsx_file(name, content)


log = logging.getLogger(__name__)

blueprint = Blueprint("imports", __name__)
blueprint.before_request(require_intranet)

_PATH: Final = "/import"
_FORM_SLUG: Final = ":import"  # the form in these pages' tokens; no slug has a colon
_MEGABYTE: Final = 1024 * 1024
_MAX_PREVIEW_BYTES: Final = _MEGABYTE  # of its form: it holds the cells of wrong rows
MAX_NAME: Final = 100  # characters of a file's name that are kept
_NO_FAULTS: Final[Mapping[str, str]] = MappingProxyType({})

_Page = str | Response | tuple[str, HTTPStatus]


# The file


@blueprint.get(_PATH)
def start() -> str:
    """Ask for a file, and list the latest imports."""
    return _upload_page()


@blueprint.post(_PATH)
def upload() -> _Page:
    """Read a file, and show its preview."""
    # The rest of the form needs as much as any other form.
    request.max_content_length = MAX_FILE_BYTES + MAX_BODY_BYTES
    try:
        definition, data, name = _uploaded()
        draft = DraftReader(_imports(), definition).store_file(
            data, operator=_operator(), name=name
        )
    except RequestEntityTooLarge:
        size = persian_digits(MAX_FILE_BYTES // _MEGABYTE)
        error = texts.TOO_LARGE.format(size=size)
        return _upload_page(error), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except UnreadableFile as unreadable:
        return _upload_page(str(unreadable)), HTTPStatus.UNPROCESSABLE_ENTITY
    except ImportGone:
        return _upload_page(texts.GONE), HTTPStatus.UNPROCESSABLE_ENTITY
    log.info("import %s: stored", draft.reference)
    return see_other(_address(draft))


def _uploaded() -> tuple[FormDefinition, bytes, str]:
    """Return the form, the content and the name of an uploaded file.

    Raises:
        UnreadableFile: if there is none; the text says what is missing.
    """
    if not has_token(_FORM_SLUG):
        raise UnreadableFile(texts.PAGE_EXPIRED)
    forms = importable(services().definitions)
    slug = request.form.get("form") or next(iter(forms), "")
    if slug not in forms:
        raise UnreadableFile(texts.FORM_UNKNOWN)
    file = request.files.get("file")
    if not file:
        raise UnreadableFile(texts.NO_FILE)
    data = file.read()
    if len(data) > MAX_FILE_BYTES:
        raise RequestEntityTooLarge
    return forms[slug], data, (file.filename or "")[:MAX_NAME]


def _upload_page(error: str = "") -> str:
    return render_template(
        "imports/import.html",
        forms=importable(services().definitions),
        error=error,
        chosen=_chosen(),
        size=persian_digits(MAX_FILE_BYTES // _MEGABYTE),
        rows=persian_number(MAX_ROWS),
        recent=pages.recent(),
        token=_token(),
    )


def _chosen() -> str:
    """Return the slug of the form that was chosen before an error."""
    try:
        return request.form.get("form", "")
    except RequestEntityTooLarge:
        return ""


@blueprint.get(f"{_PATH}/sample")
def sample() -> Response:
    """Return a file to fill in."""
    forms = importable(services().definitions)
    definition = forms.get(request.args.get("form") or next(iter(forms), ""))
    if definition is None:
        abort(HTTPStatus.NOT_FOUND)
    try:
        content = sample_workbook(definition)
    except ImportError:  # XlsxWriter is an extra
        return csv_file("sample", [row.caption for row in definition.fields], ())
    return xlsx_file("sample", content)


# The preview, the progress and the report


@blueprint.get(f"{_PATH}/<name>")
def show(name: str) -> _Page:
    """Show the preview of a draft, or the progress of an import."""
    import_ = _find(name)
    if import_.state is ImportState.DRAFT:
        return _preview_page(_as_chosen(import_))
    return render_template("imports/progress.html", token=_token(), **pages.progress(import_))


@blueprint.get(f"{_PATH}/<name>/progress")
def progress(name: str) -> str:
    """Return the part of the page that the script renews."""
    import_ = _find(name)
    if import_.state is ImportState.DRAFT:
        return render_template("imports/draft.html", **pages.draft_numbers(import_))
    return render_template("imports/numbers.html", **pages.progress(import_))


@blueprint.get(f"{_PATH}/<name>/wrong")
def wrong(name: str) -> Response:
    """Return the wrong rows as they were as a file, with a column for what is wrong.

    Raises:
        WrongRowsErased: if there are none, or they were erased.
    """
    import_ = _find(name)
    rows = _imports().review.wrong_rows(import_.id, limit=MAX_ROWS)
    if not rows:
        raise WrongRowsErased
    header = import_.reading.header
    if header[-1] == texts.PROBLEM and not import_.reading.columns[-1]:
        header = header[:-1]  # of an earlier file of wrong rows
    lines = [
        [*row.cells[: len(header)], " ".join(message for *_, message in row.faults)] for row in rows
    ]
    return table_file(f"wrong-{import_.reference}", texts.PROBLEM, [*header, texts.PROBLEM], lines)


@blueprint.get(f"{_PATH}/<name>/refused")
def refused(name: str) -> Response:
    """Return the rows that need attention as a file, without those whose contacts were erased."""
    import_ = _find(name)
    definition = pages.definition_of(import_)
    rows = definition.fields if definition else tuple(FIELDS.values())
    lines = [
        [*(cell_text(row, submission.contact) for row in rows), status_message(submission.status)]
        for submission in _imports().review.refused(import_.id, limit=MAX_ROWS)
        if submission.contact
    ]
    header = [*(row.caption for row in rows), texts.PROBLEM]
    return table_file(f"refused-{import_.reference}", texts.PROBLEM, header, lines)


@blueprint.post(f"{_PATH}/<name>")
def change(name: str) -> _Page:
    """Read a draft in another way, send it; or pause, resume or cancel an import."""
    request.max_content_length = _MAX_PREVIEW_BYTES
    import_ = _find(name)
    if not has_token(_FORM_SLUG):
        return see_other(_address(import_))
    if (page := _read_again(import_)) is not None:
        return page
    is_confirmed = request.form.get("confirm") == "cancel"
    action = "cancel" if is_confirmed else next((it for it in _ACTIONS if it in request.form), "")
    if action == "cancel" and import_.state in BEGUN and not is_confirmed:
        return (
            _ask_before_cancelling(import_) if import_.left_rows else see_other(_address(import_))
        )
    if action and _ACTIONS[action](_imports(), import_):
        by = f" by {operator}" if (operator := _operator()) else ""
        log.info("import %s: %s%s", import_.reference, action, by)
    is_discarded = import_.state is ImportState.DRAFT and action == "cancel"
    return see_other(_PATH if is_discarded else _address(import_))


def _ask_before_cancelling(import_: Import) -> str:
    return render_template(
        "imports/cancel.html", import_=import_, n=persian_number(import_.left_rows), token=_token()
    )


def _choices() -> tuple[DuplicateRows, KnownRows]:
    """Return the choices of rows in the request; its address may hold older ones."""
    given = request.form or request.args
    duplicates, known = given.get("twice", ""), given.get("known", "")
    return (
        next((it for it in DuplicateRows if it == duplicates), DuplicateRows.FIRST),
        next((it for it in KnownRows if it == known), KnownRows.SKIP),
    )


def _as_chosen(draft: Import) -> Import:
    """Return a draft with the choices of the request."""
    duplicates, known = _choices()
    return replace(draft, twice=duplicates, known=known)


_ACTIONS: Final[Mapping[str, Callable[[Imports, Import], bool]]] = MappingProxyType(
    {
        "go": lambda imports, draft: imports.start(draft.id, *_choices()),
        "pause": lambda imports, import_: imports.pause(import_.id),
        "resume": lambda imports, import_: imports.resume(import_.id),
        "cancel": lambda imports, import_: imports.cancel(import_.id),
    }
)


def _read_again(draft: Import) -> _Page | None:
    """Read a draft as the request says; return `None` if that is not wanted.

    It is wanted by the page's own buttons, and before sending if the page has another reading than
    the stored one: rows are sent as the operator has seen them.
    """
    definition = pages.definition_of(draft)
    is_asked = not {"columns", "mend"}.isdisjoint(request.form)
    if draft.state is not ImportState.DRAFT or definition is None:
        return see_other(_address(draft)) if is_asked else None
    is_sent = "go" in request.form
    if not (is_asked or is_sent):
        return None
    sheet, mended = pages.chosen_sheet(draft.reading), pages.mended(draft)
    reading = draft.reading if sheet else pages.posted(draft.reading, definition)
    faults = {} if sheet else pages.faults(reading, definition, is_sent=is_sent)
    if is_sent and reading == draft.reading and not (sheet or mended or faults):
        return None
    reader = DraftReader(_imports(), definition)
    try:
        if sheet:
            reader.read_other_sheet(draft, *sheet, mended=mended)
        elif not faults:
            reader.read_again(draft, reading, mended=mended)
    except UnreadableFile as unreadable:
        faults = {"sheet" if sheet and sheet[1] is None else "header_row": str(unreadable)}
    except ImportGone:  # expired, sent, or read again by another request meanwhile
        return see_other(_address(draft))
    if faults:
        seen = replace(_as_chosen(draft), reading=reading)
        return _preview_page(seen, faults=faults), HTTPStatus.UNPROCESSABLE_ENTITY
    return _redirect_to_preview(draft)


def _redirect_to_preview(draft: Import) -> Response:
    """Redirect to a preview that was computed anew."""
    query: dict[str, str] = dict(zip(("twice", "known"), _choices(), strict=True))
    query |= {"unsent": "1"} if "go" in request.form else {}
    fragment = "#wrong" if "mend" in request.form else ""
    return see_other(f"{_address(draft)}?{urlencode(query)}{fragment}")


def _preview_page(draft: Import, *, faults: Mapping[str, str] = _NO_FAULTS) -> str:
    return render_template(
        "imports/preview.html",
        desk=True,
        token=_token(),
        faults=faults,
        failure=texts.NOT_SENT if "go" in request.form else texts.NOT_RENEWED,
        is_unsent="unsent" in request.args,
        **pages.preview(draft),
    )


def _find(name: str) -> Import:
    """Return an import.

    Raises:
        HTTPException: if there is none: the form for another file.
    """
    import_ = _imports().review.get(name)
    if import_ is None:
        abort(_gone())
    return import_


def _gone() -> Response:
    """Return the response to a link or a button of a draft that is gone."""
    if "cancel" in request.form:
        return see_other(_PATH)
    return make_response(_upload_page(texts.GONE), HTTPStatus.GONE)


def _imports() -> Imports:
    return services().delivery.imports


def _address(import_: Import) -> str:
    return f"{_PATH}/{import_.reference}"


def _operator() -> str | None:
    return services().basic_auth.operator


def _token() -> str:
    return services().tokens.issue(_FORM_SLUG)
