"""A gunicorn worker whose threads do not wait for idle connections and slow clients.

Gunicorn's threaded worker gives each new connection a thread for up to five seconds, whether it
sends anything or not, and lets a half-sent request keep its thread for ever. Browsers open
connections in advance, so that without a proxy a few dozen visitors would block all others.
"""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, Final

from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from concurrent.futures import Future

    from gunicorn.http.message import Request
    from gunicorn.workers.gthread import TConn

IDLE_TIMEOUT_S: Final = 10.0  # for the first byte of a new connection
READ_TIMEOUT_S: Final = 10.0  # for a whole request, from its first byte
# The only address that reads a large body, and only of operators: 10 MB at 90 KB/s.
UPLOAD_PATH: Final = "/import"
UPLOAD_TIMEOUT_S: Final = 120.0
# Whether the process is alive has a thread of its own: a database that hangs may take all others,
# and a restart would not help it.
_LIVENESS: Final = (b"GET /healthz ", b"HEAD /healthz ")
_MAX_HEAD_BYTES: Final = 4096


class Worker(ThreadWorker):
    """Gives a thread to a connection that has data, and bounds the time to read a request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Create the worker; the arguments are gunicorn's."""
        super().__init__(*args, **kwargs)
        self._read_deadlines: dict[TConn, float] = {}

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the threads that handle requests, all but one."""
        self._liveness_pool = ThreadPoolExecutor(max_workers=1)
        pool: ThreadPoolExecutor = super().get_thread_pool()
        return pool

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection to a thread; a new one waits for its first data without a thread."""
        now = time.monotonic()
        if conn.initialized or conn.data_ready:
            self._read_deadlines[conn] = now + READ_TIMEOUT_S
            pool = self._liveness_pool if _asks_for_liveness(conn.sock) else self.tpool
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
        if req.path == UPLOAD_PATH:
            self._read_deadlines[conn] = time.monotonic() + UPLOAD_TIMEOUT_S
        handled: bool = super().handle_request(req, conn)
        return handled

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        """Handle the end of a request."""
        self._read_deadlines.pop(conn, None)
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close connections without data, and end requests that arrive too slowly.

        Gunicorn calls it at least once a second.
        """
        now = time.monotonic()
        if not self.alive:  # stopping: nobody waits for a response on them
            for conn in self.pending_conns:
                conn.timeout = now
        super().murder_pending()
        deadlines = list(self._read_deadlines.items())  # a thread may add one meanwhile
        for conn in [conn for conn, deadline in deadlines if deadline <= now]:
            del self._read_deadlines[conn]
            # A thread that still reads finds the end of the stream. After a whole request, this
            # only closes the connection behind the response.
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)


def _asks_for_liveness(sock: socket.socket) -> bool:
    """Return whether the whole head of a liveness probe has arrived, without reading it."""
    try:
        head = sock.recv(_MAX_HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return head.startswith(_LIVENESS) and head.endswith(b"\r\n\r\n")
