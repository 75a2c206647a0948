"""The HTTP server of the simulator: captures requests, and sends the planned answers."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from webapp.demo.faults import BrokenAnswer, Ending, SimulatedAnswer


@dataclass(frozen=True, slots=True)
class Captured:
    """A request as it arrived, `at` in UTC; `peer` identifies its connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    pairs: tuple[tuple[str, str], ...]
    peer: tuple[str, int]
    at: dt.datetime


def utc_now() -> dt.datetime:
    """Return the time in UTC, without a time zone, as the portal writes it."""
    return dt.datetime.now(tz=dt.UTC).replace(tzinfo=None)


# Not `http.server.HTTPServer`, which resolves its own host name, and hangs without a name server.
class HttpServer(socketserver.ThreadingTCPServer):
    """A server on loopback that answers what `respond` returns."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        respond: Callable[[Captured], SimulatedAnswer | BrokenAnswer],
    ) -> None:
        """Bind this address."""
        super().__init__(address, _RequestHandler)
        self.respond = respond
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()

    def stop(self) -> None:
        """Stop serving, and end every call under way."""
        self.stopping.set()
        self.shutdown()
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its parent
        """Report only errors that are no client's: a connection may end at any time."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _pairs(body: bytes, content_type: str) -> Iterable[tuple[str, str]]:
    """Return the form in a body, multipart or urlencoded; nothing if it is neither."""
    kind, options = parse_options_header(content_type)
    if kind == "multipart/form-data":
        _, form, _ = FormDataParser().parse(io.BytesIO(body), kind, len(body), options)
        return form.items(multi=True)
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:  # no urlencoded UTF-8
        return []


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection: socket.socket
    server: HttpServer

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Log nothing: a request line is noise in a demo, and bodies are personal."""

    def _handle(self) -> None:
        request = self._capture()
        answer = self.server.respond(request)
        if isinstance(answer, SimulatedAnswer):
            self.wfile.write(answer.encode())
        else:
            self._write_broken(answer)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server's own names

    def _capture(self) -> Captured:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return Captured(
            method=self.command,
            path=urlsplit(self.path).path,
            headers=dict(self.headers.items()),
            body=body,
            pairs=tuple(_pairs(body, self.headers.get("Content-Type", ""))),
            peer=self.client_address,
            at=utc_now(),
        )

    def _write_broken(self, broken: BrokenAnswer) -> None:
        self.close_connection = True
        for piece in broken.pieces():
            self.wfile.write(piece)
            if self.server.stopping.wait(broken.pause):
                return
        if broken.ending is Ending.HANG:
            self.connection.recv(1)  # returns when the client closes, or `stop` ends it
        if broken.ending is Ending.RESET:
            # Without lingering, closing sends a reset. Not by `socketserver`, which would shut the
            # connection down first.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.open.discard(self.connection)
            socket.close(self.connection.detach())
