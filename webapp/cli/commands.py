"""The commands of `amoot-form`: serve, check, deliver, standin, hash-password."""

from __future__ import annotations

import contextlib
import logging.config
import os
import re
import secrets
import signal
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from sqlalchemy import make_url
from werkzeug.security import generate_password_hash

from webapp import demo
from webapp import observability as app_logging
from webapp.alerts.mail import Mailer, MailError
from webapp.cli import configuration
from webapp.cli.configuration import MetricsServer, build_services, has_outbox, read_settings
from webapp.cli.imports import import_rows
from webapp.cli.outbox import outbox
from webapp.cli.portal_check import CheckTable
from webapp.cli.portal_check.creating import Trial
from webapp.cli.portal_check.reading import check_reading
from webapp.database import Database, DatabaseError
from webapp.demo.faults import PROFILES
from webapp.forms import definitions_file
from webapp.messages import alerts
from webapp.observability import explain
from webapp.observability.metrics import Metrics
from webapp.persian import InvalidText, parse_mobile
from webapp.portal import PortalError, code_status_message
from webapp.server import GunicornServer, bind_fault
from webapp.settings import VERSION, Settings, warnings
from webapp.verification.sender import new_code

log = logging.getLogger(__name__)

_TEST_CODE_LENGTH: Final = 5


@click.group(cls=configuration.Commands)
@click.version_option(VERSION)
def main() -> None:
    """A Persian contact form in front of the AmootSMS portal."""
    # Without a configuration, Python would print what the commands print themselves.
    logging.getLogger(Database.__module__).addHandler(logging.NullHandler())


main.add_command(outbox)
main.add_command(import_rows)


@main.command()
@click.option("--strict", is_flag=True, help="Do not start where `check` would warn.")
def serve(*, strict: bool) -> None:
    """Serve the forms. Without AMOOT_TOKEN: in demo mode, with a simulated portal."""
    settings = read_settings()
    if strict and (texts := warnings(settings)):
        raise click.ClickException("\n".join(texts))
    if fault := bind_fault(settings.bind):
        raise click.ClickException(fault)
    with _demo_portal(settings) as settings:
        GunicornServer(settings).run()


@main.command()
@click.option("--alert", is_flag=True, help="Send a test mail to ALERT_EMAIL, too.")
@click.option("--verify", metavar="MOBILE", help="Send a code by SMS to this number, too.")
@click.option(
    "--portal", is_flag=True, help="Ask the portal how it answers; nothing is stored. See docs."
)
@click.option(
    "--create",
    metavar="MOBILE",
    help="The same, and create a test contact with this number of your own; delete it again.",
)
@click.option(
    "--language",
    type=click.Choice(["fa", "en"]),
    help="Of the table of --portal; by default LANG's, else English.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the table of --portal to this file, without token and personal data.",
)
def check(
    *,
    alert: bool,
    verify: str | None,
    portal: bool,
    create: str | None,
    language: str | None,
    report: Path | None,
) -> None:
    """Check the settings and the forms; with a token, ask the portal about the account.

    With --portal or --create, it ends with 1 if something is wrong or to be changed.
    """
    if report is not None and not (portal or create):
        raise click.UsageError("--report goes with --portal or --create")
    if portal or create:
        if alert or verify:
            raise click.UsageError("--portal and --create go without --alert and --verify")
        _check_portal(create or "", language or _language_of_environment(), report)
        return
    _check_account(alert=alert, verify=verify)


def _check_portal(typed: str, language: str, report: Path | None) -> None:
    """Print the table of the portal's answers; end with 1 if something is wrong or to be changed.

    With a typed number of the administrator's own, a contact is created; the table goes to `report`
    as well.
    """
    settings = read_settings()
    mobile = _own_mobile(typed, "--create") if typed else ""
    if settings.demo:
        raise click.ClickException("demo mode: there is no portal to ask; set AMOOT_TOKEN")
    if report is not None:
        try:
            report.touch()
        except OSError as error:
            raise click.BadParameter(str(error.strerror), param_hint="--report") from None
    forms = definitions_file.load(settings.forms_file).values()
    lines = tuple(dict.fromkeys(form.line for form in forms if form.line))
    portal, token = build_services(settings).portal, settings.amoot_token or ""
    wrong = portal.with_token(wrong_token(token))
    table = CheckTable(language)
    table.begin()
    try:
        with _end_on_sigterm():
            empty = check_reading(portal, wrong, table, lines=lines, empty=portal.empty)
            if mobile and empty:
                Trial(portal, table, mobile, empty=empty, settle_s=settings.amoot_settle).run()
            elif mobile:
                table.say("not-created")
    finally:
        table.end()
        if report is not None:
            private = [token, *lines, *({mobile, mobile[1:]} if mobile else ())]
            report.write_text(table.report(_report_head(settings), private), encoding="utf-8")
    if table.has_faults:
        sys.exit(1)


def _report_head(settings: Settings) -> dict[str, str]:
    return {
        "amoot-form": VERSION,
        "UTC": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "AMOOT_DEADLINE": f"{settings.amoot_deadline:g}",
        "AMOOT_SETTLE": f"{settings.amoot_settle:g}",
        "AMOOT_EMPTY_GENDER": settings.amoot_empty_gender,
        "AMOOT_EMPTY": settings.amoot_empty,
        "AMOOT_EDIT": "on" if settings.amoot_edit else "off",
    }


def _language_of_environment() -> str:
    """Return the language of messages by the environment: "fa", or "en" for any other."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "fa" if locale.startswith("fa") else "en"


def wrong_token(token: str) -> str:
    """Return a random token of the same form: length, kinds of characters, punctuation."""
    kinds = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    made = "".join(
        secrets.choice(next((kind for kind in kinds if letter in kind), letter)) for letter in token
    )
    return made if made not in {token, ""} else secrets.token_hex(16)


@contextlib.contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the check as Ctrl-C does: it deletes the contacts that it has created."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_account(*, alert: bool, verify: str | None) -> None:
    settings = read_settings()
    faults = configuration.faults(settings)
    code = ""
    try:
        code = _test_code(settings, verify) if verify else ""
    except PortalError as error:
        said = code_status_message(error.status)
        faults.append(f"The code was not sent: the portal said {error.status}: {said}")
    try:
        portal = _ask_portal(settings)
    except PortalError as error:
        said = "The portal said" if faults else "Settings and forms are fine, but the portal said"
        faults.append(f"{said} {error.status}: {error.message}")
    try:
        mail = _test_alerts(settings) if alert else _describe_alerts(settings)
    except MailError as error:
        faults.append(f"The test mail was not sent: {error}")
    older = configuration.count_older(settings)
    under_older = [f"{older} rows are under an older key of SECRET_KEY: leave it."] if older else []
    for text in warnings(settings) + under_older:
        click.echo(f"Warning: {text}", err=True)
    if faults:
        raise click.ClickException("\n".join(faults))
    connections = _describe_connections(settings)
    new = "" if has_outbox(settings) else "The outbox is empty, and will be set up at the start."
    texts = ("Settings and forms are fine.", portal, mail, code, connections, new)
    click.echo(" ".join(filter(None, texts)))


def _ask_portal(settings: Settings) -> str:
    if settings.demo:
        return "Demo mode: without AMOOT_TOKEN nothing is sent."
    account = build_services(settings).portal.account_status()
    return f"The portal knows the token: account {account.name}, credit {account.credit}."


def _test_code(settings: Settings, typed: str) -> str:
    """Send a code to a number, whatever the limits; return a sentence on the answer.

    Raises:
        PortalError: if it was not sent.
    """
    mobile = _own_mobile(typed, "--verify")
    if settings.demo:
        return "No code was sent: this is the demo."
    services = build_services(settings)
    code = new_code(_TEST_CODE_LENGTH)
    sent = services.portal.send_code(mobile, code)
    if has_outbox(settings):  # a check makes none
        with contextlib.suppress(DatabaseError):
            services.codes.trouble.clear()
    return f"The portal has sent the code {sent}."


def _own_mobile(typed: str, option: str) -> str:
    try:
        return parse_mobile(typed)
    except InvalidText:
        raise click.BadParameter("this is no Iranian mobile number", param_hint=option) from None


def _describe_connections(settings: Settings) -> str:
    """Return how many connections to PostgreSQL this machine opens at most."""
    if make_url(settings.outbox_url).get_backend_name() == "sqlite":
        return ""
    pool, workers = settings.database_pool, settings.web_concurrency
    return (
        f"Connections to PostgreSQL, at most: {pool} × {workers} web workers = {pool * workers} "
        f"from this machine, and {pool} from each `amoot-form deliver`."
    )


def _describe_alerts(settings: Settings) -> str:
    if Mailer.from_settings(settings) is None:
        return "No alerts: ALERT_EMAIL and SMTP_URL are not set."
    return f"Alerts are set up; addresses: {len(settings.alert_email)}."


def _test_alerts(settings: Settings) -> str:
    """Send a test mail; return a sentence on the answer.

    Raises:
        MailError: if it was not accepted for each address.
    """
    mailer = Mailer.from_settings(settings)
    if mailer is None:
        raise MailError("ALERT_EMAIL and SMTP_URL are not set")
    addresses = len(settings.alert_email)
    if refused := mailer.send(alerts.TEST_SUBJECT, alerts.TEST_TEXT):
        raise MailError(f"the mail server refused {refused} of {addresses} addresses")
    return f"The mail server accepted the test mail; addresses: {addresses}."


@main.command()
def deliver() -> None:
    """Send what waits in the outbox, until SIGTERM; beside servers with DELIVERER=off."""
    settings = read_settings()
    if settings.demo:
        raise click.ClickException("demo mode: nothing is sent; set AMOOT_TOKEN")
    logging.config.dictConfig(app_logging.config(settings))
    metrics = _metrics(settings)
    services = build_services(settings, metrics)
    worker = services.worker
    signal.signal(signal.SIGHUP, lambda *_: log.warning("SIGHUP: nothing is read anew; restart"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    if settings.deliverer_metrics:
        try:
            server = MetricsServer(
                settings.deliverer_metrics, settings.metrics_token, metrics, services
            )
        except OSError as error:
            raise click.ClickException(f"DELIVERER_METRICS: {explain(error)}") from None
        server.start()
    worker.run()


def _metrics(settings: Settings) -> Metrics:
    from webapp.observability.metrics import Metrics  # noqa: PLC0415  as in `create_app`

    forms = definitions_file.load(settings.forms_file)
    return Metrics(forms, deadline=settings.amoot_deadline)


@main.command(name="standin")
@click.option("--port", default=0, help="Of 127.0.0.1; by default any free one.")
@click.option("--token", default=demo.DEMO_TOKEN, help="The token to ask for.")
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="strict",
    help="How it answers where the portal's reference is silent.",
)
def standin_(port: int, token: str, profile: str) -> None:
    """Run only the simulated portal, until standard input ends."""
    demo.run(port=port, token=token, profile=PROFILES[profile])


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


@contextlib.contextmanager
def _demo_portal(settings: Settings) -> Iterator[Settings]:
    """Run the simulator in a process of its own, which all web workers share."""
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
