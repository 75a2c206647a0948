"""A gunicorn worker whose threads and loop do not wait for idle connections and slow clients.

Gunicorn's threaded worker gives each new connection a thread for up to five seconds, whether it
sends anything or not, lets a half-sent request or a client that does not read its response keep
their thread for ever, and waits for the end of each closed connection on the loop that serves all
others. Browsers open connections in advance: without a proxy, a few dozen visitors would block all
others.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final, NamedTuple

from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

IDLE_TIMEOUT_S: Final = 10.0  # for the first byte of a new connection
READ_TIMEOUT_S: Final = 10.0  # for a whole request, from its first byte
WRITE_TIMEOUT_S: Final = 30.0  # for a whole response, from its first byte
# The only address that reads a large body, and only of operators: 10 MB at 90 KB/s.
UPLOAD_PATH: Final = "/import"
UPLOAD_TIMEOUT_S: Final = 120.0
# The liveness probe has a thread of its own: a database that hangs may block all others, and a
# restart would not help.
_LIVENESS: Final = (b"GET /healthz ", b"HEAD /healthz ")
_MAX_HEAD_BYTES: Final = 4096
# What a client sends behind a request that was its last is read and dropped: a reset would overtake
# the response.
LINGER_TIMEOUT_S: Final = 2.0
_LINGER_BYTES: Final = 65_536


class _Deadline(NamedTuple):
    """Until when a thread may wait for a client.

    Attributes:
        at: The monotonic time (s).
        how: What ends then, as `socket.shutdown` names it.
        request: The request, once its head was read.
    """

    at: float
    how: int
    request: Request | None = None


class HttpWorker(ThreadWorker):
    """Gives a thread to a connection that has data, and bounds the time to read and to write."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Create the worker; the arguments are gunicorn's."""
        super().__init__(*args, **kwargs)
        self._deadlines: dict[socket.socket, _Deadline] = {}
        self._deadlines_lock = threading.Lock()
        self._handled = 0  # connections that have a thread, or wait for one
        self._lingering: dict[TConn, int] = {}  # how many bytes more are read

    def load_wsgi(self) -> None:
        """Load the app."""
        super().load_wsgi()
        self.wsgi = partial(self._respond, self.wsgi)

    def _respond(self, app: Any, environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401  WSGI's
        """Run the app; what follows is the writing of its response."""
        response = app(environ, start_response)
        with self._deadlines_lock:
            expires = time.monotonic() + WRITE_TIMEOUT_S
            self._deadlines[environ["gunicorn.socket"]] = _Deadline(expires, socket.SHUT_RDWR)
        return response

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the threads that handle requests, all but one."""
        self._liveness_pool = ThreadPoolExecutor(max_workers=1)
        pool: ThreadPoolExecutor = super().get_thread_pool()
        return pool

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection to a thread; a new one waits for its first data without a thread."""
        now = time.monotonic()
        if conn.initialized or conn.data_ready:
            with self._deadlines_lock:
                self._deadlines[conn.sock] = _Deadline(now + READ_TIMEOUT_S, socket.SHUT_RD)
            self._handled += 1
            # Reading ahead releases the GIL, which takes a tenth of the time of a page.
            is_probe = self._handled > self.cfg.threads and _asks_for_liveness(conn.sock)
            pool = self._liveness_pool if is_probe else self.tpool
            call = pool.submit(self.handle, conn)
            call.add_done_callback(
                lambda ended: self.method_queue.defer(self.finish_request, conn, ended)
            )
            return
        conn.timeout = now + IDLE_TIMEOUT_S
        self.pending_conns.append(conn)
        callback = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, callback)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Handle a request whose head was read; a file may take longer to arrive."""
        with self._deadlines_lock:
            deadline = self._deadlines.get(conn.sock)
            if deadline is None:  # nothing more is read from this connection
                req.force_close()
            else:
                is_upload = req.path == UPLOAD_PATH
                expires = time.monotonic() + UPLOAD_TIMEOUT_S if is_upload else deadline.at
                self._deadlines[conn.sock] = deadline._replace(at=expires, request=req)
        handled: bool = super().handle_request(req, conn)
        return handled

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """Handle the end of a request."""
        self._handled -= 1
        with self._deadlines_lock:
            self._deadlines.pop(conn.sock, None)
        if not fs.cancelled() and not fs.exception() and fs.result():
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def _linger(self, conn: TConn) -> None:
        """End a connection, and close it when its client has, without waiting for that."""
        self._lingering[conn] = _LINGER_BYTES
        conn.timeout = time.monotonic() + LINGER_TIMEOUT_S
        try:
            conn.sock.settimeout(0.0)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))
        except OSError:  # the client was faster
            self._close(conn)

    def _drain(self, conn: TConn, _: object) -> None:
        """Drop what the client of an ended connection has sent."""
        try:
            dropped = len(conn.sock.recv(_LINGER_BYTES))
        except BlockingIOError:
            return
        except OSError:
            dropped = 0
        self._lingering[conn] -= dropped
        if not dropped or self._lingering[conn] <= 0:
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        del self._lingering[conn]
        with contextlib.suppress(KeyError, ValueError):  # it was closed before it was registered
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close connections without data, and end requests and responses that take too long.

        Gunicorn calls it at least once a second.
        """
        now = time.monotonic()
        if not self.alive:  # stopping: no response is due on them
            for conn in self.pending_conns:
                conn.timeout = now
        super().murder_pending()
        for conn in [it for it in self._lingering if (it.timeout or 0.0) <= now]:
            self._close(conn)
        with self._deadlines_lock:
            for sock in [sock for sock, it in self._deadlines.items() if it.at <= now]:
                self._end(sock, self._deadlines.pop(sock))

    def _end(self, sock: socket.socket, deadline: _Deadline) -> None:
        """End what a thread may be waiting for: it finds the end of the stream, or cannot write.

        A request that was read is answered all the same, as its connection's last one.
        """
        if deadline.request:
            deadline.request.force_close()
        with contextlib.suppress(OSError):
            sock.shutdown(deadline.how)


def _asks_for_liveness(sock: socket.socket) -> bool:
    """Return whether the whole head of a liveness probe has arrived, without reading it."""
    try:
        head = sock.recv(_MAX_HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return head.startswith(_LIVENESS) and head.endswith(b"\r\n\r\n")
