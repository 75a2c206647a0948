"""The command `amoot-form`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from gunicorn.app.base import BaseApplication
from werkzeug.security import generate_password_hash

from webapp import create_app, definitions, logs, standin
from webapp.definitions import DefinitionError
from webapp.outbox import Held, Outbox, StoreError
from webapp.portal import Portal, payload
from webapp.settings import PORTAL_URL, Settings, SettingsError
from webapp.verdict import PortalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

_GRACE: Final = 10  # seconds beyond the portal's deadline for running requests to end


@click.group()
@click.version_option(package_name="amoot-contact-form")
def main() -> None:
    """A Persian contact form in front of the AmootSMS portal."""


@main.command()
def serve() -> None:
    """Serve the forms. Without AMOOT_TOKEN: in demo mode, with a stand-in portal."""
    settings = _settings()
    with _demo_portal(settings) as settings:
        _Server(settings).run()


@main.command()
def check() -> None:
    """Verify the settings and the forms and, with a token, ask the portal about the account."""
    settings = _settings()
    if settings.demo:
        click.echo("Settings and forms are fine. Demo mode: without AMOOT_TOKEN nothing is sent.")
        return
    try:
        account = _portal(settings).account_status()
    except PortalError as error:
        raise click.ClickException(
            f"Settings and forms are fine, but the portal said {error.status}: {error.message}"
        ) from None
    click.echo(
        f"Settings and forms are fine. The portal knows the token: "
        f"account {account.name}, credit {account.credit}."
    )


class _OutboxGroup(click.Group):
    """Commands that tell in one line that the store is out of reach."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as click's own
        try:
            return super().invoke(ctx)
        except StoreError as error:
            raise click.ClickException(f"the store cannot be opened: {error}") from None


@main.group(cls=_OutboxGroup)
def outbox() -> None:
    """Submissions that were held because a robot may have sent them."""


@outbox.command(name="list")
def list_() -> None:
    """Show what is held, oldest first."""
    for held in Outbox(_settings().outbox_url).held():
        click.echo(f"{held.reference}  {held.held_at:%Y-%m-%d %H:%M}Z  {held.form}  {held.reason}")
        for name, text in payload(held.contact):
            if text and name not in ("ContactGroupID", "Active"):
                click.echo(f"    {name}: {text}")


@outbox.command()
@click.argument("reference")
def send(reference: str) -> None:
    """Send a held contact to the portal after all, and forget it."""
    settings = _settings()
    if settings.demo:
        raise click.ClickException("demo mode: nothing is sent; set AMOOT_TOKEN")
    store = Outbox(settings.outbox_url)
    try:
        _portal(settings).create_contact(_held(store, reference).contact)
    except PortalError as error:
        raise click.ClickException(f"not sent, still held: {error.status}") from None
    store.erase(reference)
    click.echo("Sent.")


@outbox.command()
@click.argument("reference")
def discard(reference: str) -> None:
    """Forget a held contact."""
    store = Outbox(_settings().outbox_url)
    _held(store, reference)
    store.erase(reference)
    click.echo("Discarded.")


def _held(store: Outbox, reference: str) -> Held:
    for held in store.held():
        if held.reference == reference:
            return held
    raise click.ClickException("nothing is held under this reference")


@main.command(name="standin")
@click.option("--port", default=0, help="Of 127.0.0.1; by default any free one.")
@click.option("--token", default=standin.DEMO_TOKEN, help="The token to ask for.")
def standin_(port: int, token: str) -> None:
    """Run the stand-in portal alone, until the standard input ends."""
    standin.run(port=port, token=token)


@main.command(name="hash")
@click.argument("name")
@click.password_option(prompt=True, help="Asked for when it is not given.")
def hash_(name: str, password: str) -> None:
    """Print a name:hash pair for INTRANET_USERS."""
    click.echo(f"{name}:{generate_password_hash(password)}")


def _portal(settings: Settings) -> Portal:
    return Portal(
        url=settings.amoot_url or PORTAL_URL,
        token=settings.amoot_token or standin.DEMO_TOKEN,
        deadline=settings.amoot_deadline,
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
    with subprocess.Popen(  # noqa: S603  our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  for the type checker: it is a pipe
        url = process.stdout.readline().strip()
        try:
            yield replace(settings, amoot_url=url)
        finally:
            process.terminate()


class _Server(BaseApplication):
    """Gunicorn, set up from our settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in _gunicorn(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:  # type: ignore[override]  # Flask is a WSGI callable
        return create_app(self._settings)


def _gunicorn(settings: Settings) -> dict[str, Any]:
    return {
        "bind": settings.bind,
        "workers": settings.web_concurrency,
        "worker_class": "gthread",
        "threads": settings.threads,
        "graceful_timeout": int(settings.amoot_deadline) + _GRACE,
        "control_socket_disable": True,
        # ProxyFix alone decides whom to believe about the sender and the scheme.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        # The proxy that connects to a Unix socket runs under another name, in our group.
        "umask": 0o007 if settings.bind.startswith("unix:") else 0o077,
        "proc_name": "amoot-form",
        "logconfig_dict": logs.config(settings),
    }
