"""The commands `amoot-form outbox …`."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import make_url

from webapp.cli.configuration import build_services, has_outbox, read_settings
from webapp.contact import LABELS, Contact
from webapp.database import DatabaseError
from webapp.imports.file import BOM, safe_cell
from webapp.messages import COMMA
from webapp.outbox.rows import NEEDS_ATTENTION, PERHAPS_RECORDED, WAITING, State, Submission
from webapp.outbox.sender import LABELS_UNKNOWN
from webapp.portal.client import payload
from webapp.services import DeliveryServices
from webapp.settings import Settings


class _OutboxGroup(click.Group):
    """Commands that report a database error in one line."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as click's own
        try:
            return super().invoke(ctx)
        except DatabaseError as error:
            raise click.ClickException(f"the store cannot be opened: {error}") from None


@click.group(cls=_OutboxGroup)
def outbox() -> None:
    """Submissions that wait to be sent, or need an operator's decision."""


@outbox.command(name="list")
def list_() -> None:
    """List what waits or needs attention, in the order of arrival, without personal data."""
    for submission in _submissions():
        click.echo(_line(submission))


@outbox.command()
@click.argument("reference")
def show(reference: str) -> None:
    """Show one submission, with the contact."""
    submission = _build_own_services().outbox.review.get(reference)
    if submission is None:
        raise click.ClickException(_UNKNOWN)
    click.echo(_line(submission))
    if submission.uncertain:
        click.echo("    the portal may have it: it is looked up before it is sent again")
    if submission.resent_without_lookup:
        click.echo("    it was sent again without looking it up, which the portal did not allow")
    if submission.status == PERHAPS_RECORDED:
        sent = " and ".join(
            f"{sent_at:%Y-%m-%d %H:%M:%S} UTC" if sent_at else "an unknown time"
            for sent_at in (submission.first_sent_at, submission.last_sent_at)
        )
        click.echo(f"    it was sent twice, at {sent}: look into the portal's panel")
    if submission.status == LABELS_UNKNOWN:
        click.echo("    the portal has it, but its labels could not be looked up")
    for name, text in payload(submission.contact) if submission.contact else ():
        if text and name != "ContactGroupID":
            click.echo(f"    {name}: {text}")


@outbox.command()
@click.argument("reference", required=False)
@click.option("--all", "everything", is_flag=True, help="All but what robots may have sent.")
def retry(reference: str | None, *, everything: bool) -> None:
    """Queue what was held or rejected again."""
    if (reference is None) is not everything:
        raise click.UsageError("give one reference, or --all")
    delivery = _build_own_services()
    with _progress("Queued") as progress:
        queued = delivery.outbox.review.retry(reference, progress=progress)
    submission = delivery.outbox.review.get(reference) if reference and not queued else None
    message = f"Queued: {queued}."
    if submission and submission.state in _NO_RETRY:
        message = _NO_RETRY[submission.state]
    elif not queued and not everything:
        raise click.ClickException(_UNKNOWN)
    delivery.breaker.probe_now()
    click.echo(message)


_NO_RETRY: Final = {
    State.QUEUED: "It is queued already, and is sent without a retry.",
    State.SENDING: "It is being sent at this moment.",
    State.DELIVERED: "It was delivered.",
}


@outbox.command()
@click.argument("reference")
@click.confirmation_option(prompt="Erase it for good?")
def discard(reference: str) -> None:
    """Erase a submission that is not being sent."""
    if not _build_own_services().outbox.review.discard(reference):
        raise click.ClickException(_UNKNOWN)
    click.echo("Discarded.")


@outbox.command()
@click.option("--format", "file_format", type=click.Choice(["json", "csv"]), default="json")
def export(file_format: str) -> None:
    """Print what waits or needs attention, with the portal's names: JSON lines, or CSV."""
    rows = (
        _exported(submission, submission.contact)
        for submission in _submissions()
        if submission.contact
    )
    if file_format == "csv":
        _write_csv(rows)
        return
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))


_ABOUT: Final = ("reference", "state", "status", "operator")


def _exported(submission: Submission, contact: Contact) -> dict[str, Any]:
    return {name: getattr(submission, name) for name in _ABOUT} | _texts(contact)


def _write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows for spreadsheet programs, which expect UTF-8 only after a BOM."""
    click.echo(BOM, nl=False)
    writer = csv.DictWriter(sys.stdout, [*_ABOUT, *_texts(Contact())])
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: str | list[str] | None) -> str:
    return safe_cell(COMMA.join(value) if isinstance(value, list) else value or "")


@outbox.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy an SQLite outbox to a new FILE, while it is used. PostgreSQL has pg_dump."""
    _sqlite_file(_own_settings())
    with _file_errors():
        _build_own_services().database.backup(file)
    click.echo("Saved. The copy holds personal data.")


@outbox.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def restore(file: Path | None) -> None:
    """Restore a backup of an SQLite outbox that is gone, before the servers start.

    Its submissions may have been sent since the backup: they are looked up first. Without FILE,
    mark an outbox that was restored by other means, such as PostgreSQL's.
    """
    with _file_errors(), _progress("Marked") as progress:
        if file:
            waiting = _restore(file, _sqlite_file(_own_settings()), progress)
        else:
            waiting = _build_own_services().outbox.review.mark_uncertain(progress=progress)
    click.echo(f"Waiting, to be looked up first: {waiting}.")


_SQLITE: Final = b"SQLite format 3\0"  # the first bytes of such a file


def _restore(file: Path, place: Path, progress: Callable[[int], object]) -> int:
    """Mark a copy of the backup as uncertain, and move it into place atomically."""
    # SQLite would apply an old write-ahead log to the new file.
    if files := sorted(path.name for path in place.parent.glob(f"{place.name}*")):
        raise click.ClickException(
            f"there is an outbox: stop the servers and move {', '.join(files)} away"
        )
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        copy, whole = Path(folder, "copy"), Path(folder, "whole")
        shutil.copyfile(file, copy)
        with copy.open("rb") as start:
            is_database = start.read(len(_SQLITE)) == _SQLITE
        if not is_database:
            raise click.ClickException(f"{file} is no backup: it is not a database of SQLite's")
        delivery = build_services(replace(read_settings(), database_url=f"sqlite:///{copy}"))
        waiting = delivery.outbox.review.mark_uncertain(progress=progress)
        delivery.database.backup(whole)
        place.hardlink_to(whole)  # fails if a file exists there
    return waiting


@contextlib.contextmanager
def _progress(done: str) -> Iterator[Callable[[int], object]]:
    """Print how far a command has come, also if the database fails on the way."""
    reached = 0

    def progress(count: int) -> None:
        nonlocal reached
        if reached:
            click.echo(f"{done}: {reached} …", err=True)
        reached = count

    try:
        yield progress
    except DatabaseError as error:
        if not reached:
            raise
        message = f"{done}: {reached}, the rest is not: {error}. Run the command again"
        raise click.ClickException(message) from None


@contextlib.contextmanager
def _file_errors() -> Iterator[None]:
    """Report a file error in one line."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def _build_own_services() -> DeliveryServices:
    """Return the services with the server's outbox; the commands never create one."""
    settings = _own_settings()
    if not has_outbox(settings):
        raise click.ClickException("there is no outbox: STATE_DIRECTORY is not the server's")
    services = build_services(settings)
    if count := services.reencryption.count_unreadable():
        click.echo(f"{count} rows cannot be decrypted: is SECRET_KEY the server's?", err=True)
    return services


def _own_settings() -> Settings:
    settings = read_settings()
    if settings.demo:
        raise click.ClickException("demo mode has an outbox of its own; set AMOOT_TOKEN")
    return settings


def _sqlite_file(settings: Settings) -> Path:
    """Return the path of the outbox; raise a ClickException if it is not in SQLite."""
    url = make_url(settings.outbox_url)
    if url.get_backend_name() != "sqlite":
        raise click.ClickException("the outbox is in PostgreSQL, which has pg_dump and pg_restore")
    return Path(url.database or "")


_UNKNOWN: Final = "no submission that waits or needs attention has this reference"


def _submissions() -> Iterator[Submission]:
    """Yield all submissions that hold a contact, page by page."""
    review, last = _build_own_services().outbox.review, 0
    while page := review.page((*WAITING, *NEEDS_ATTENTION), after=last):
        yield from page
        last = page[-1].id


def _line(submission: Submission) -> str:
    columns = (
        submission.reference,
        f"{submission.created_at:%Y-%m-%d %H:%M}Z",
        submission.state,
        submission.form,
    )
    operator = f"by {submission.operator}" if submission.operator else ""
    return "  ".join(filter(None, (*columns, submission.status, operator)))


def _texts(contact: Contact) -> dict[str, str | list[str]]:
    pairs = payload(contact)
    texts: dict[str, str | list[str]] = dict(pairs)
    return texts | {LABELS: [text for name, text in pairs if name == LABELS and text]}
