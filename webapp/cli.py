"""The command `amoot-form`."""

from __future__ import annotations

import contextlib
import csv
import json
import logging.config
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from sqlalchemy import make_url
from werkzeug.security import generate_password_hash

from webapp.contact import FIELDS, LABELS, Contact
from webapp.delivery.database import StoreError
from webapp.delivery.intake import LABELS_UNKNOWN
from webapp.delivery.services import Dispatch
from webapp.delivery.submission import NEEDS_HAND, WAITING
from webapp.forms import definitions
from webapp.forms.definitions import DefinitionError
from webapp.messages import COMMA
from webapp.observability import logging as app_logging
from webapp.portal import simulator
from webapp.portal.base import PortalError
from webapp.portal.payload import payload
from webapp.server import Server
from webapp.settings import PORTAL_URL, Settings, SettingsError
from webapp.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from webapp.delivery.submission import Entry


@click.group()
@click.version_option(VERSION)
def main() -> None:
    """A Persian contact form in front of the AmootSMS portal."""


@main.command()
def serve() -> None:
    """Serve the forms. Without AMOOT_TOKEN: in demo mode, with a stand-in portal."""
    settings = _settings()
    with _demo_portal(settings) as settings:
        Server(settings).run()


@main.command()
def check() -> None:
    """Verify the settings and the forms and, with a token, ask the portal about the account."""
    settings = _settings()
    if settings.demo:
        click.echo("Settings and forms are fine. Demo mode: without AMOOT_TOKEN nothing is sent.")
        return
    try:
        account = _dispatch(settings).portal.account_status()
    except PortalError as error:
        raise click.ClickException(
            f"Settings and forms are fine, but the portal said {error.status}: {error.message}"
        ) from None
    click.echo(
        f"Settings and forms are fine. The portal knows the token: "
        f"account {account.name}, credit {account.credit}."
    )


@main.command()
def deliver() -> None:
    """Send what waits in the outbox, until SIGTERM; beside servers with DELIVERER=off."""
    settings = _settings()
    if settings.demo:
        raise click.ClickException("demo mode: nothing is sent; set AMOOT_TOKEN")
    logging.config.dictConfig(app_logging.config(settings))
    deliverer = _dispatch(settings).deliverer
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: deliverer.stop())
    deliverer.run()


class _OutboxGroup(click.Group):
    """Commands that tell in one line that the store is out of reach."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as click's own
        try:
            return super().invoke(ctx)
        except StoreError as error:
            raise click.ClickException(f"the store cannot be opened: {error}") from None


@main.group(cls=_OutboxGroup)
def outbox() -> None:
    """What waits to be sent, and what needs an operator's decision."""


@outbox.command(name="list")
def list_() -> None:
    """Show what waits or needs a hand, in the order of arrival, without personal data."""
    for entry in _entries():
        click.echo(_line(entry))


@outbox.command()
@click.argument("reference")
def show(reference: str) -> None:
    """Show one submission, with the contact."""
    entry = _own().outbox.get(reference)
    if entry is None:
        raise click.ClickException(_UNKNOWN)
    click.echo(_line(entry))
    if entry.uncertain:
        click.echo("    the portal may have it: it is looked up before it is sent again")
    if entry.blind:
        click.echo("    it was sent again without looking it up, which the portal did not allow")
    if entry.status == LABELS_UNKNOWN:
        click.echo("    the portal has it, but its labels could not be looked up")
    for name, text in payload(entry.contact) if entry.contact else ():
        if text and name != "ContactGroupID":
            click.echo(f"    {name}: {text}")


@outbox.command()
@click.argument("reference", required=False)
@click.option("--all", "everything", is_flag=True, help="All but what robots may have sent.")
def retry(reference: str | None, *, everything: bool) -> None:
    """Queue what was held or rejected again."""
    if (reference is None) is not everything:
        raise click.UsageError("give one reference, or --all")
    dispatch = _own()
    queued = dispatch.outbox.retry(reference)
    if not queued and not everything:
        raise click.ClickException(_UNKNOWN)
    dispatch.breaker.hasten()
    click.echo(f"Queued: {queued}.")


@outbox.command()
@click.argument("reference")
@click.confirmation_option(prompt="Erase it for good?")
def discard(reference: str) -> None:
    """Erase a submission that is not being sent."""
    if not _own().outbox.discard(reference):
        raise click.ClickException(_UNKNOWN)
    click.echo("Discarded.")


@outbox.command()
@click.option("--format", "file_format", type=click.Choice(["json", "csv"]), default="json")
def export(file_format: str) -> None:
    """Print what waits or needs a hand, by the portal's names: a JSON object a line, or CSV."""
    rows = (_exported(entry, entry.contact) for entry in _entries() if entry.contact)
    if file_format == "csv":
        _write_csv(rows)
        return
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))


_ABOUT: Final = ("reference", "state", "status", "operator")


def _exported(entry: Entry, contact: Contact) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _ABOUT} | _texts(contact)


def _write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows for a spreadsheet program, which takes UTF-8 for granted only after a BOM."""
    click.echo("\ufeff", nl=False)
    writer = csv.DictWriter(sys.stdout, [*_ABOUT, *_texts(Contact())])
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: str | list[str] | None) -> str:
    """Return a value as a cell; a spreadsheet program would run one that begins like a formula."""
    text = COMMA.join(value) if isinstance(value, list) else value or ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@outbox.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy an SQLite outbox to a new FILE, while it is used. PostgreSQL has pg_dump."""
    _sqlite_file(_own_settings())
    with _files():
        _own().store.backup(file)
    click.echo("Saved. The copy holds personal data.")


@outbox.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def restore(file: Path | None) -> None:
    """Put a backup in the place of an SQLite outbox that is gone, before the servers start.

    What waits in it may have been sent since: it is looked up first. Without FILE, have that done
    with an outbox that was restored by other means, as PostgreSQL's is.
    """
    with _files():
        waiting = _put_back(file, _sqlite_file(_own_settings())) if file else _own().outbox.doubt()
    click.echo(f"Waiting, to be looked up first: {waiting}.")


_SQLITE: Final = b"SQLite format 3\0"  # how every such file begins


def _put_back(file: Path, place: Path) -> int:
    """Put a backup, marked as such, in its place: whole, or not at all."""
    # A log of changes that is left there would be taken for the new one's.
    if found := sorted(path.name for path in place.parent.glob(f"{place.name}*")):
        raise click.ClickException(
            f"there is an outbox: stop the servers and move {', '.join(found)} away"
        )
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        copy, whole = Path(folder, "copy"), Path(folder, "whole")
        shutil.copyfile(file, copy)
        with copy.open("rb") as start:
            is_database = start.read(len(_SQLITE)) == _SQLITE
        if not is_database:
            raise click.ClickException(f"{file} is no backup: it is not a database of SQLite's")
        dispatch = _dispatch(replace(_settings(), database_url=f"sqlite:///{copy}"))
        waiting = dispatch.outbox.doubt()
        dispatch.store.backup(whole)
        place.hardlink_to(whole)  # which never replaces what is there by now
    return waiting


@contextlib.contextmanager
def _files() -> Iterator[None]:
    """Tell in one line what a file of the operator's prevents."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def _own() -> Dispatch:
    """Return the outbox that the server uses; the command makes none of its own."""
    settings = _own_settings()
    if _is_sqlite(settings) and not _sqlite_file(settings).exists():
        raise click.ClickException("there is no outbox: STATE_DIRECTORY is not the server's")
    return _dispatch(settings)


def _own_settings() -> Settings:
    settings = _settings()
    if settings.demo:
        raise click.ClickException("demo mode has an outbox of its own; set AMOOT_TOKEN")
    return settings


def _is_sqlite(settings: Settings) -> bool:
    return make_url(settings.outbox_url).get_backend_name() == "sqlite"


def _sqlite_file(settings: Settings) -> Path:
    """Return where the outbox lies; a ClickException tells that it is no file."""
    if not _is_sqlite(settings):
        raise click.ClickException("the outbox is in PostgreSQL, which has pg_dump and pg_restore")
    return Path(make_url(settings.outbox_url).database or "")


_UNKNOWN: Final = "nothing that waits or needs a hand has this reference"


def _entries() -> Iterator[Entry]:
    """Go through all that still holds a contact, page by page."""
    entries, last = _own().outbox, 0
    while page := entries.page((*WAITING, *NEEDS_HAND), after=last):
        yield from page
        last = page[-1].id


def _line(entry: Entry) -> str:
    told = (entry.reference, f"{entry.created_at:%Y-%m-%d %H:%M}Z", entry.state, entry.form)
    who = f"by {entry.operator}" if entry.operator else ""
    return "  ".join(filter(None, (*told, entry.status, who)))


def _texts(contact: Contact) -> dict[str, str | list[str]]:
    pairs = payload(contact)
    texts: dict[str, str | list[str]] = dict(pairs)
    return texts | {LABELS: [text for name, text in pairs if name == LABELS and text]}


@main.command(name="standin")
@click.option("--port", default=0, help="Of 127.0.0.1; by default any free one.")
@click.option("--token", default=simulator.DEMO_TOKEN, help="The token to ask for.")
@click.option(
    "--profile",
    type=click.Choice(list(simulator.PROFILES)),
    default="strict",
    help="How it answers where the portal's documents leave it open.",
)
def standin_(port: int, token: str, profile: str) -> None:
    """Run the stand-in portal alone, until the standard input ends."""
    simulator.run(port=port, token=token, extra=FIELDS, profile=simulator.PROFILES[profile])


@main.command()
@click.argument("name")
@click.password_option(
    help="Better not given, but asked for: an argument shows in process listings."
)
def hash_password(name: str, password: str) -> None:
    """Print a name:hash pair for INTRANET_USERS."""
    if not re.fullmatch(r"[^\s:]+", name):
        raise click.BadParameter("a name has neither blanks nor colons", param_hint="NAME")
    click.echo(f"{name}:{generate_password_hash(password)}")


def _dispatch(settings: Settings) -> Dispatch:
    return Dispatch.build(
        settings,
        portal_url=settings.amoot_url or PORTAL_URL,
        token=settings.amoot_token or simulator.DEMO_TOKEN,
    )


def _settings() -> Settings:
    """Read settings and forms, so that every fault of both is told before anything starts."""
    faults = []
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        faults.append(str(error))
    try:
        definitions.load(Path(os.environ["FORMS_FILE"]) if os.environ.get("FORMS_FILE") else None)
    except DefinitionError as error:
        faults.append(str(error))
    if faults:
        raise click.ClickException("\n".join(faults))
    return settings


@contextlib.contextmanager
def _demo_portal(settings: Settings) -> Iterator[Settings]:
    """Run the stand-in beside the server: one process, whatever the number of workers."""
    if not settings.demo or settings.amoot_url:
        yield settings
        return
    command = [sys.executable, "-m", "webapp", "standin"]
    with subprocess.Popen(  # nosec B603  # noqa: S603  our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # nosec B101  # noqa: S101  for the type checker: it is a pipe
        url = process.stdout.readline().strip()
        try:
            yield replace(settings, amoot_url=url)
        finally:
            process.terminate()
