"""The command `amoot-form import`."""

from __future__ import annotations

import json
import logging.config
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import IO, Any, Final

import click

from webapp import observability as app_logging
from webapp.cli.configuration import build_services, read_settings
from webapp.database import DatabaseError
from webapp.forms import definitions_file
from webapp.forms.definitions import FormDefinition
from webapp.imports import ImportGone, Imports
from webapp.imports.columns import undecided_dates
from webapp.imports.drafts import DraftReader
from webapp.imports.file import UnreadableFile
from webapp.imports.review import Progress
from webapp.imports.rows import importable
from webapp.imports.sheet_parser import MAX_FILE_BYTES
from webapp.imports.tables import DuplicateRows, Import, ImportState, KnownRows
from webapp.services import DeliveryServices
from webapp.settings import Settings

_MAX_SHOWN: Final = 20  # wrong rows
_MAX_CELL: Final = 60  # characters
_POLL_INTERVAL_S: Final = 0.3


@click.command(name="import")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--form", "slug", help="The form that the rows belong to, if there are several.")
@click.option(
    "--twice",
    type=click.Choice([str(it) for it in DuplicateRows]),
    default=str(DuplicateRows.FIRST),
    help="Which of several rows with one mobile number are sent.",
)
@click.option(
    "--known",
    type=click.Choice([str(it) for it in KnownRows]),
    default=str(KnownRows.SKIP),
    help="What becomes of rows whose number waits in the outbox, or came from an earlier import.",
)
@click.option(
    "--dates",
    type=click.Choice(["day", "month"]),
    help="What comes first in dates as 3/4/1990, in columns that prove neither.",
)
@click.option("--resume", metavar="REFERENCE", help="Go on with an import, instead of a FILE.")
@click.option("--yes", is_flag=True, help="Send without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, at the end.")
def import_rows(
    file: IO[bytes] | None, resume: str | None, *, as_json: bool, **options: Any
) -> None:
    """Import the rows of a spreadsheet FILE, and send them; with or without a running server."""
    if (file is None) is (resume is None):
        raise click.UsageError("give a FILE, or --resume REFERENCE")
    settings = read_settings()
    if settings.demo:
        raise click.ClickException("demo mode: nothing is sent; set AMOOT_TOKEN")
    logging.config.dictConfig(app_logging.config(settings))
    logging.getLogger("webapp").setLevel(logging.WARNING)  # the bar says what is sent
    delivery = build_services(settings)
    try:
        if file is None:
            import_ = _resumed(delivery.imports, resume or "")
        else:
            definition = _definition(settings, options.pop("slug"))
            dates = options.pop("dates")
            import_ = _stored(delivery.imports, definition, file, dates, as_json=as_json)
            _start(delivery.imports, import_, **options)
        now = _deliver(delivery, import_, as_json=as_json)
        _report(delivery.imports, import_, now, as_json=as_json)
    except DatabaseError as error:
        raise click.ClickException(f"the store cannot be opened: {error}") from None


def _definition(settings: Settings, slug: str | None) -> FormDefinition:
    """Return the form that the rows belong to."""
    forms = importable(definitions_file.load(settings.forms_file))
    if slug is None and len(forms) == 1:
        return next(iter(forms.values()))
    if slug in forms:
        return forms[slug]
    names = ", ".join(forms) or "none"
    raise click.UsageError(f"say by --form which form the rows belong to; there are: {names}")


def _stored(
    imports: Imports,
    definition: FormDefinition,
    file: IO[bytes],
    dates: str | None,
    *,
    as_json: bool,
) -> Import:
    """Store the rows of a file as a draft, and print what is in it."""
    data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise click.ClickException("the file is larger than 10 MB")
    reader = DraftReader(imports, definition)
    try:
        draft = reader.store_file(data, operator=None)
        draft = _with_dates(imports, reader, draft, dates)
    except (UnreadableFile, ImportGone) as error:
        raise click.ClickException(str(error) or "the draft has expired") from None
    _print_preview(imports, draft, is_error=as_json)
    return draft


def _with_dates(imports: Imports, reader: DraftReader, draft: Import, dates: str | None) -> Import:
    """Return a draft whose dates have an order; without the option, erase it."""
    reading, undecided = draft.reading, undecided_dates(draft.reading)
    if not undecided:
        return draft
    if dates is None:
        imports.cancel(draft.id)
        names = ", ".join(_quoted(reading.header[it]) for it in undecided)
        raise click.ClickException(f"say by --dates what comes first, day or month, in: {names}")
    if dates == "month":
        decided = replace(reading, month_first=(*reading.month_first, *undecided))
    else:
        decided = replace(reading, day_first=(*reading.day_first, *undecided))
    return reader.read_again(draft, decided)


def _print_preview(imports: Imports, draft: Import, *, is_error: bool) -> None:
    """Print what is in a file; on standard error if standard output is for JSON."""
    say = partial(click.echo, err=is_error)
    say(
        f"Ready: {draft.ready_rows}. Wrong: {draft.wrong_rows}. "
        f"With the number of another row: {draft.twice_rows}. With a known number: "
        f"{draft.known_rows}; the phonebook is not searched."
    )
    for caption, field in _columns(draft):
        say(f"    {_quoted(caption)} → {field or 'left out'}")
    for row in imports.review.wrong_rows(draft.id, limit=_MAX_SHOWN):
        for _, cell, field, message in row.faults:
            place = f", {field}" if field else ""  # else the whole row
            value = f" {_quoted(cell)}" if cell else ""
            say(f"    row {row.number}{place}{value}: {message}")
    if draft.wrong_rows > _MAX_SHOWN:
        say(f"    and {draft.wrong_rows - _MAX_SHOWN} more")


def _columns(import_: Import) -> list[tuple[str, str]]:
    """Return caption and field of each column; "" for a column that is left out."""
    return list(zip(import_.reading.header, import_.reading.columns, strict=True))


def _quoted(text: str) -> str:
    """Return a text of the file for the terminal: short, and without control characters."""
    return repr(text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 1]}…")


def _start(imports: Imports, draft: Import, *, twice: str, known: str, yes: bool) -> None:
    """Start to send a draft, after asking; erase it if it is not to be sent.

    Raises:
        ClickException, Abort: if it is not sent.
    """
    chosen = DuplicateRows(twice), KnownRows(known)
    count = imports.review.count_sent(draft.id, *chosen)
    if not count and not draft.known_rows:  # else the report says that all of them are known
        imports.cancel(draft.id)
        raise click.ClickException("no row can be sent")
    try:
        if not yes:
            click.confirm(f"Send {count} contacts?", abort=True, err=True)
    except click.Abort:
        imports.cancel(draft.id)
        raise
    imports.start(draft.id, *chosen)


def _resumed(imports: Imports, name: str) -> Import:
    import_ = imports.review.get(name)
    if import_ is None or import_.state is ImportState.DRAFT:
        raise click.ClickException("there is no import with this reference")
    imports.resume(import_.id)
    return import_


def _state(imports: Imports, import_: Import) -> ImportState | None:
    """Return the state of an import now; None if it is gone."""
    now = imports.review.get(import_.reference)
    return now.state if now else None


def _deliver(delivery: DeliveryServices, import_: Import, *, as_json: bool) -> Progress:
    """Send what waits, beside servers if some run, until the import has ended."""
    review, worker = delivery.imports.review, delivery.worker
    now = review.progress(import_)
    total, done = now.total, 0
    with _interrupted() as interrupted:
        worker.start()
        # Not on standard output, which may be a file.
        with click.progressbar(length=total, file=sys.stderr, hidden=as_json) as bar:
            while _state(delivery.imports, import_) is ImportState.RUNNING:
                if interrupted.wait(_POLL_INTERVAL_S):
                    delivery.imports.pause(import_.id)
                    break
                now = review.progress(import_)
                bar.update(total - now.waiting - done)
                done = total - now.waiting
        worker.stop()
        worker.join()
    return review.progress(import_)


@contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C or SIGTERM sets."""
    event = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: event.set()) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(imports: Imports, import_: Import, now: Progress, *, as_json: bool) -> None:
    """Print the result of an import; exit with an error unless it is done."""
    state = _state(imports, import_)
    if as_json:
        numbers = {
            "reference": import_.reference,
            "state": state,
            "columns": [{"caption": it, "field": field} for it, field in _columns(import_)],
            "ready": import_.ready_rows,
            "wrong": import_.wrong_rows,
            "twice": import_.twice_rows,
            "sent": now.sent,
            "waiting": now.waiting,
            "refused": now.refused,
            "known": now.known,
        }
        click.echo(json.dumps(numbers))
    else:
        click.echo(
            f"Sent: {now.sent}. Need attention: {now.refused}. "
            f"Known before, and not sent: {now.known}."
        )
    if state is ImportState.PAUSED:
        raise click.ClickException(
            f"paused, {now.waiting} wait; "
            f"go on with: amoot-form import --resume {import_.reference}"
        )
    if state is not ImportState.DONE:
        raise click.ClickException("it was cancelled; what was not sent is erased")
