"""What commands run with: the settings, their services, and the server of their metrics."""

from __future__ import annotations

import contextlib
import errno
import hmac
import os
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import click
from sqlalchemy import make_url

from webapp import demo
from webapp.database import Database, DatabaseError
from webapp.database.engine import is_unmade
from webapp.forms import definitions_file
from webapp.forms.definitions_file import DefinitionError
from webapp.observability import explain
from webapp.observability.metrics import Metrics
from webapp.services import DeliveryServices, Reencryption, read_gauges
from webapp.settings import PORTAL_URL, Settings, SettingsError
from webapp.web.security.rate_limits import redis_fault


class Commands(click.Group):
    """The group of all commands, which reports in one line that standard output is full."""

    def invoke(self, ctx: click.Context) -> object:
        """Invoke a command, and end with one line if the disk is full."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            with contextlib.suppress(OSError):
                sys.stdout.close()  # else Python would try again to write it, at the end
            raise click.ClickException(explain(error)) from None


def build_services(settings: Settings, metrics: Metrics | None = None) -> DeliveryServices:
    """Return the delivery services for these settings."""
    services = DeliveryServices.build(
        settings,
        portal_url=settings.amoot_url or PORTAL_URL,
        token=settings.amoot_token or demo.DEMO_TOKEN,
        metrics=metrics,
    )
    services.use(definitions_file.load(settings.forms_file, demo=settings.demo))
    return services


def has_outbox(settings: Settings) -> bool:
    """Return whether there is an outbox: a server, or the file that a server has made."""
    url = make_url(settings.outbox_url)
    return url.get_backend_name() != "sqlite" or not is_unmade(Path(url.database or ""))


def read_settings() -> Settings:
    """Read settings and forms; one message names all errors of both."""
    faults = []
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        faults.append(str(error))
    try:
        definitions_file.load(
            Path(os.environ["FORMS_FILE"]) if os.environ.get("FORMS_FILE") else None
        )
    except DefinitionError as error:
        faults.append(str(error))
    if faults:
        raise click.ClickException("\n".join(faults))
    return settings


def faults(settings: Settings) -> list[str]:
    """Return what is wrong with each service: its setting, the error's code, and what to do.

    No file and no table is made or changed; Redis keeps a count of its own for two seconds.
    """
    redis = settings.redis_url and redis_fault(settings.redis_url)
    return _database_faults(settings) + ([f"Redis cannot be used: {redis}"] if redis else [])


def _database_faults(settings: Settings) -> list[str]:
    database = Database.from_settings(settings)
    try:
        count = Reencryption(database).count_unreadable() if database.probe() else 0
    except DatabaseError as error:
        return [f"The database cannot be used: {error}"]
    if not count or not settings.secret_keys:  # the demo's key is in a file
        return []
    return [f"{count} rows cannot be decrypted: SECRET_KEY lacks the key that they are under."]


def count_older(settings: Settings) -> int:
    """Return how many rows are under an older key of `SECRET_KEY`; 0 if that is not known."""
    database = Database.from_settings(settings)
    with contextlib.suppress(DatabaseError):
        if database.probe():
            return Reencryption(database).count_older()
    return 0


_TIMEOUT_S: Final = 10.0  # for a request


class MetricsServer:
    """Answers `GET /metrics` in threads of its own, for Prometheus."""

    def __init__(
        self, bind: str, token: str | None, metrics: Metrics, delivery: DeliveryServices
    ) -> None:
        """Listen.

        Args:
            bind: `host:port`.
            token: What a scraper brings as a Bearer token; None if it brings none.
            metrics: The metrics of this process.
            delivery: Where the gauges of the queue are read.

        Raises:
            OSError: if the address is taken, or not of this machine.
        """
        host, _, port = bind.rpartition(":")
        is_ipv6 = host.startswith("[")

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if is_ipv6 else socket.AF_INET

        class Handler(_MetricsHandler):
            def expose(self) -> bytes:
                queue = read_gauges(delivery)
                return metrics.exposition(
                    queue.values, reason=queue.reason, codes_reason=queue.codes_reason
                )

        Handler.token, Handler.content_type = token, metrics.content_type
        self._server = Server((host.strip("[]"), int(port)), Handler)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer, until the process ends."""
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _MetricsHandler(BaseHTTPRequestHandler):
    timeout = _TIMEOUT_S
    token: str | None = None
    content_type = ""

    def expose(self) -> bytes:
        """Return the metrics."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a request."""
        sent = self.headers.get("Authorization", "").encode()
        if self.path != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND)
        elif self.token and not hmac.compare_digest(sent, f"Bearer {self.token}".encode()):
            self._answer(HTTPStatus.UNAUTHORIZED)
        else:
            self._answer(HTTPStatus.OK, self.expose())

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: there is no access log."""
