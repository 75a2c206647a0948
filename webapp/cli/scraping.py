"""Exposes the metrics of `amoot-form deliver`, which serves nothing else."""

from __future__ import annotations

import hmac
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from webapp.observability.metrics import Metrics
from webapp.services import DeliveryServices, read_gauges

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

        class Handler(_Handler):
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


class _Handler(BaseHTTPRequestHandler):
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
