"""Calls to the portal with a total deadline.

The time-outs of requests bound each read, so a portal that drips its response holds a call for
ever; only shutting the socket down from another thread ends it. So each connection has a thread of
its own, which the caller abandons at the deadline. The threads of an executor could all be stuck.
"""

from __future__ import annotations

import contextlib
import enum
import os
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProxyError
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from webapp.portal import PortalError, TimedOut, Uncertain, Unreachable
from webapp.portal.answers import CallAbandoned, Response, portal_error

# A stored contact takes about 2 KB, a list of a thousand labels 200 KB.
MAX_RESPONSE_BYTES: Final = 512 * 1024
_CHUNK_BYTES: Final = 8192

_REDIRECTS: Final = range(300, 400)  # their bodies are not read


# A connection is used by one thread, for one call at a time: this is that call.
_current = threading.local()


class _GuardedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        opened: socket.socket = _current.call.open(super()._new_conn)
        return opened

    _asks_proxy = False

    def send(self, data: Any) -> None:  # noqa: ANN401 - as the class it extends
        """Send data: every byte of a request goes through this method."""
        if self.sock is None:
            self.connect()
        if not self._asks_proxy:
            _current.call.send(self.sock)
        super().send(data)

    def _tunnel(self) -> None:
        """Ask the proxy for a tunnel; nothing of that reaches the portal."""
        self._asks_proxy = True
        try:
            super()._tunnel()
        except TimeoutError:
            raise
        except (OSError, HTTPException) as error:
            raise ProxyError("no tunnel", error) from error
        finally:
            self._asks_proxy = False


class _GuardedTLSConnection(_GuardedConnection, HTTPSConnection):
    """The same over TLS, the handshake included."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLSConnection


class PortalConnection(HTTPAdapter):
    """A kept-alive connection to the portal.

    An adapter without a session: a session reads ~/.netrc, which would replace the token, takes
    proxies from the environment, keeps cookies, and reads the body of a redirect without a limit
    even if it is told not to follow it.
    """

    _pools: ClassVar = {"http": _Pool, "https": _TLSPool}

    def __init__(self, context: ssl.SSLContext, proxy: str | None = None) -> None:
        """Set the TLS context, and the proxy's URL, if there is one; open nothing yet."""
        self._context = context
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)  # the outbox retries

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use guarded connections in the pool."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - as its class
        """Use guarded connections to the proxy, too."""
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cert_verify(self, *_: object) -> None:
        """Do nothing: the context verifies the certificate. This would read the CA file again."""

    def post(
        self,
        request: requests.PreparedRequest,
        fields: Sequence[tuple[str, str]],
        *,
        call: _Call,
        deadline_s: float,
    ) -> Response:
        """Send a form, and read the response up to the size limit.

        The deadline bounds each single step; the whole call takes longer if the portal drips.

        Raises:
            Uncertain: if the response is too long.
            Exception: whatever requests, urllib3 and the call raise.
        """
        _current.call = call
        request = request.copy()
        request.prepare_body(urlencode(fields), None)
        # Half the deadline for connecting leaves as much for a second address of the host. The
        # read time-out ends an abandoned thread where shutting the socket down cannot.
        timeout = (deadline_s / 2, deadline_s)
        response = self.send(
            request, stream=True, timeout=timeout, verify=True, proxies=self._proxies
        )
        with contextlib.closing(response):
            if response.status_code in _REDIRECTS:  # the portal sends none
                return Response(response.status_code, b"")
            body = bytearray()
            # `iter_content` would wait until a chunk is full, `content` has no limit. The size
            # that counts is the decoded one.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    raise Uncertain("AnswerTooLong")
            retry_after = response.headers.get("Retry-After", "")
            return Response(response.status_code, bytes(body), retry_after)


@cache
def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return the TLS context that verifies certificates against this CA file.

    All connections share it: loading the CA file takes 20 ms and a megabyte. A changed file is
    read after a restart.
    """
    context = create_urllib3_context()
    context.load_verify_locations(ca_file)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    # urllib3 would set them for each connection, while other threads read them: OpenSSL frees the
    # old list (python/cpython#141012).
    context.set_alpn_protocols = lambda _: None  # type: ignore[assignment,method-assign]
    return context


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
        if not isinstance(call.result, Response):
            thread.detach()
            raise call.result or Uncertain("UnknownFault")
        self._idle.append(thread)
        return call.result

    def _take_thread(self) -> _ConnectionThread:
        with contextlib.suppress(IndexError):
            while True:
                # The most recent one: those left over from a busy time then time out.
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
    """One request and its result. The connection asks it before it opens, and before each send.

    So it is known at any time whether the portal may have the request, and after `abort` no byte
    of it is sent, however late a name server answers.
    """

    def __init__(
        self,
        request: requests.PreparedRequest,
        fields: Sequence[tuple[str, str]],
        deadline_s: float,
        expires: float,
    ) -> None:
        self.result: Response | PortalError | None = None
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
                self._request, self._fields, call=self, deadline_s=self._deadline_s
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
