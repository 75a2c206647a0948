"""Calls to the portal with a total deadline.

The time-outs of requests bound each read, so a portal that drips its response holds a call for
ever, and only shutting the socket down from another thread ends it. Therefore each connection has
a thread of its own, which the caller abandons at the deadline. An executor does not work: its
threads could all be stuck, and the interpreter would wait for them at exit.
"""

from __future__ import annotations

import contextlib
import enum
import os
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

import requests

from webapp.portal.base import PortalError, TimedOut, Uncertain, Unreachable
from webapp.portal.connection import PortalConnection, Response, tls_context
from webapp.portal.transport_errors import CallAbandoned, portal_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


# Short: servers close idle connections, and a request sent just then is lost without a trace.
_KEEP_ALIVE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the portal. Nothing of it comes from the environment.

    Attributes:
        proxy: The URL of the proxy that leads there, if one does. A portal with https is called
            through a tunnel (CONNECT), so that the proxy does not see the token.
        ca_file: The certificates that the portal's is verified against; by default, those of
            requests.
    """

    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    ca_file: Path | None = None


DIRECT: Final = Route()


class Transport:
    """Makes calls, and keeps connections alive between them.

    It opens no connection and starts no thread before the first call, so a server may fork after
    building it.
    """

    def __init__(self, deadline_s: float, route: Route) -> None:
        """Set the maximum duration of one whole call, and the way."""
        self._deadline_s = deadline_s
        self._proxy = route.proxy
        ca_file = route.ca_file or requests.adapters.DEFAULT_CA_BUNDLE_PATH
        # Loaded here, before a server forks, so that its workers share the memory.
        self._context = tls_context(str(ca_file))
        # A deque needs no lock, which a fork could leave locked for ever.
        self._idle: deque[_ConnectionThread] = deque()

    def post(
        self, request: requests.PreparedRequest, fields: Sequence[tuple[str, str]]
    ) -> Response:
        """Send a form and return the response, within the deadline whatever the portal does.

        Args:
            request: The request without its body.
            fields: The form's fields.

        Raises:
            Unreachable: if the request was certainly not sent.
            Uncertain: if it may have been sent, and no whole response came.
        """
        expires = time.monotonic() + self._deadline_s
        call = _Call(request, fields, self._deadline_s, expires)
        thread = self._take_thread()
        thread.run_call(call)
        # The deadline first: an aborted connection may look like an empty response.
        if not call.ended.wait(max(0.0, expires - time.monotonic())):
            thread.detach()
            raise call.abort()
        if isinstance(call.result, PortalError):
            thread.detach()
            raise call.result
        self._idle.append(thread)
        return call.result

    def _take_thread(self) -> _ConnectionThread:
        with contextlib.suppress(IndexError):
            while True:
                # The most recent one: those left over from a busy time then end by themselves.
                thread = self._idle.pop()
                if thread.belongs_to_this_process:
                    return thread
        try:
            connection = PortalConnection(self._context, self._proxy)
            return _ConnectionThread(self._idle, connection)
        except RuntimeError:
            raise Unreachable("ThreadFailed") from None


class _Phase(enum.Enum):
    NOT_STARTED = enum.auto()
    CONNECTING = enum.auto()
    SENDING = enum.auto()


class _Call:
    """One request and its result; the guard of the connection that makes it.

    So it is known at any time whether the portal may have the request, and after `abort` no byte
    of it is sent, however late a name server answers.
    """

    result: Response | PortalError

    def __init__(
        self,
        request: requests.PreparedRequest,
        fields: Sequence[tuple[str, str]],
        deadline_s: float,
        expires: float,
    ) -> None:
        self.result = Uncertain("UnknownFault")
        self.ended = threading.Event()
        self._request = request
        self._fields = fields
        self._deadline_s = deadline_s
        self._expires = expires
        self._phase = _Phase.NOT_STARTED
        self._is_abandoned = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def run(self, connection: PortalConnection) -> None:
        """Make the call; an exception becomes its result."""
        try:
            self.result = connection.post(
                self._request, self._fields, guard=self, deadline_s=self._deadline_s
            )
        except PortalError as error:
            self.result = error
        except Exception as error:  # noqa: BLE001 - an unknown exception is a result, too
            self.result = portal_error(error, connecting=self._phase is _Phase.CONNECTING)
        finally:
            with self._lock:
                if self._socket is not None:
                    self._socket.close()
                self._socket = None
            self.ended.set()

    def abort(self) -> PortalError:
        """End the call from another thread; return its result at the deadline."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the portal may have closed it
                    self._socket.shutdown(socket.SHUT_RDWR)
            if self._phase is _Phase.CONNECTING:
                return Unreachable("ConnectTimeout")
            return TimedOut()

    def open(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """Open the socket of a new connection, so that `abort` can shut it down."""
        with self._lock:
            self._check_caller()
            self._phase = _Phase.CONNECTING
        sock = connect()
        try:
            with self._lock:
                self._check_caller()
                self._keep(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def send(self, sock: socket.socket) -> None:
        """Permit a send: from here on, the portal may have the request."""
        with self._lock:
            self._check_caller()
            self._phase = _Phase.SENDING
            if self._socket is None:  # a kept-alive connection, opened by an earlier call
                self._keep(sock)

    def _check_caller(self) -> None:
        # The clock as well: a suspended process may resume long after the deadline.
        if self._is_abandoned or time.monotonic() > self._expires:
            raise CallAbandoned

    def _keep(self, sock: socket.socket) -> None:
        # A duplicate: TLS detaches the original descriptor, and shutting a TLS socket down from
        # another thread would end its encryption first.
        self._socket = socket.fromfd(sock.fileno(), sock.family, sock.type)


class _ConnectionThread(threading.Thread):
    """A connection and its thread, for one call at a time.

    The thread ends when it has been idle for a while, or after the call that its caller abandoned.
    """

    def __init__(self, idle: deque[_ConnectionThread], connection: PortalConnection) -> None:
        super().__init__(name="portal-connection", daemon=True)
        self.call: _Call | None = None
        self._idle = idle
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._connection = connection
        self._process = os.getpid()
        self.start()

    @property
    def belongs_to_this_process(self) -> bool:
        """Whether this process started it, rather than the one it was forked from."""
        return self._process == os.getpid()

    def run_call(self, call: _Call) -> None:
        """Make a call."""
        self._calls.put(call)

    def detach(self) -> None:
        """End after the current call."""
        self._calls.put(None)

    def run(self) -> None:
        """Make one call after the other."""
        while call := self._next():
            self.call = call
            call.run(self._connection)
            self.call = call = None
        self._connection.close()

    def _next(self) -> _Call | None:
        while True:
            try:
                return self._calls.get(timeout=_KEEP_ALIVE_S)
            except Empty:
                # Either this thread removes itself from the idle ones and ends, or the next caller
                # has taken it and queues a call.
                with contextlib.suppress(ValueError):
                    self._idle.remove(self)
                    return None
