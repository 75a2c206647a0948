"""One HTTP exchange with the portal, within a total deadline and a size limit.

The time-outs of `requests` bound one read each, so a portal that drips its answer holds a call for
ever, and only shutting the socket down from outside ends it. Therefore each connection has a thread
of its own, which the caller leaves behind at the deadline. Not an executor: its threads could all
be stuck, and the interpreter would wait for them at exit.
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
from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from webapp.portal.base import PortalError, TimedOut, Uncertain, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# A contact as stored takes some 2 KB; whatever is much longer is not the portal's answer.
LONGEST_ANSWER: Final = 64 * 1024
_CHUNK: Final = 8192

# Their bodies are not read: nothing in them matters.
REDIRECTS: Final = range(300, 400)

# Servers close idle connections, and a request that crosses the closing is lost without a trace.
_KEEP_ALIVE: Final = 5.0


class Answer(NamedTuple):
    """What came back, unread."""

    http: int
    body: bytes
    retry_after: str = ""


class Transport:
    """Makes exchanges, and keeps connections open between them, each for one exchange at a time.

    Nothing is opened and no thread is started before the first: a server may fork after making it.
    """

    def __init__(self, deadline: float) -> None:
        """Take the seconds that one whole exchange may last."""
        self._deadline = deadline
        self._context = _tls(requests.adapters.DEFAULT_CA_BUNDLE_PATH)
        # A deque needs no lock, and so none can be held in the instant of a fork.
        self._idle: deque[_Line] = deque()

    def perform(self, blank: requests.PreparedRequest, pairs: Sequence[tuple[str, str]]) -> Answer:
        """Send a request and return its answer, within the deadline whatever the portal does.

        Args:
            blank: The request without its body.
            pairs: What its form holds.

        Raises:
            Unreachable: if the request was certainly not sent.
            Uncertain: if it perhaps was, and no whole answer came.
        """
        expires = time.monotonic() + self._deadline
        exchange = _Exchange(blank, pairs, self._deadline, expires)
        line = self._take_line()
        line.carry(exchange)
        # First of all: a connection that was cut may look like an empty answer.
        if not exchange.ended.wait(max(0.0, expires - time.monotonic())):
            line.leave()
            raise exchange.cut()
        if isinstance(exchange.outcome, PortalError):
            line.leave()
            raise exchange.outcome
        self._idle.append(line)
        return exchange.outcome

    def _take_line(self) -> _Line:
        with contextlib.suppress(IndexError):
            while True:
                # The last one first: what a busy hour has left behind ends by itself.
                line = self._idle.pop()
                if line.is_ours:
                    return line
        try:
            return _Line(self._idle, self._context)
        except RuntimeError:
            raise Unreachable("ThreadFailed") from None


class _Phase(enum.Enum):
    """How far an exchange has come."""

    BEFORE = enum.auto()
    CONNECTING = enum.auto()
    SENDING = enum.auto()


class _AbandonedError(Exception):
    """The caller has left: nothing more may be sent."""


class _Exchange:
    """One request and its answer.

    The connection that serves it passes two gates here, before it is opened and before each of its
    sends. So it is known at every moment whether the portal may have the request, and once the
    exchange is cut no byte of it leaves, however late a name server answers.
    """

    outcome: Answer | PortalError

    def __init__(
        self,
        blank: requests.PreparedRequest,
        pairs: Sequence[tuple[str, str]],
        deadline: float,
        expires: float,
    ) -> None:
        self.outcome = Uncertain("UnknownFault")
        self.ended = threading.Event()
        self._blank = blank
        self._pairs = pairs
        self._deadline = deadline
        self._expires = expires
        self._phase = _Phase.BEFORE
        self._abandoned = False
        self._handle: socket.socket | None = None
        self._gate = threading.Lock()

    def run(self, adapter: _Adapter) -> None:
        """Make the exchange; whatever happens is its outcome."""
        try:
            self.outcome = adapter.post(self._blank, self._pairs, self._deadline)
        except Exception as error:  # noqa: BLE001 - an unknown exception has a meaning here
            self.outcome = _fault(error, connecting=self._phase is _Phase.CONNECTING)
        finally:
            with self._gate:
                if self._handle is not None:
                    self._handle.close()
                self._handle = None
            self.ended.set()

    def cut(self) -> PortalError:
        """End the exchange from outside; return what the deadline means for it."""
        with self._gate:
            self._abandoned = True
            if self._handle is not None:
                with contextlib.suppress(OSError):  # the portal may have closed it by now
                    self._handle.shutdown(socket.SHUT_RDWR)
            if self._phase is _Phase.CONNECTING:
                return Unreachable("ConnectTimeout")
            return TimedOut()

    def open(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """Gate of a new connection: open its socket, and watch it from its first moment."""
        with self._gate:
            self._require_caller()
            self._phase = _Phase.CONNECTING
        sock = connect()
        try:
            with self._gate:
                self._require_caller()
                self._watch(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def send(self, sock: socket.socket) -> None:
        """Gate of a send: from here on the portal may have the request."""
        with self._gate:
            self._require_caller()
            self._phase = _Phase.SENDING
            if self._handle is None:  # a connection kept alive was never opened by this exchange
                self._watch(sock)

    def _require_caller(self) -> None:
        # By the clock, too: a process that was stopped may wake up long after its deadline.
        if self._abandoned or time.monotonic() > self._expires:
            raise _AbandonedError

    def _watch(self, sock: socket.socket) -> None:
        # A duplicate: TLS takes the original descriptor away, and shutting a TLS socket down from
        # another thread would turn its encryption off first.
        self._handle = socket.fromfd(sock.fileno(), sock.family, sock.type)


class _Connection(HTTPConnection):
    """A connection that asks the exchange which its thread is at before it opens and sends."""

    def _new_conn(self) -> socket.socket:
        return _running().open(super()._new_conn)

    def send(self, data: Any) -> None:  # noqa: ANN401 - as the class it extends
        """Send data: every byte of a request comes through here."""
        if self.sock is None:
            self.connect()
        _running().send(self.sock)
        super().send(data)


class _TLSConnection(_Connection, HTTPSConnection):
    """The same over TLS, the handshake included."""


def _running() -> _Exchange:
    exchange = cast("_Line", threading.current_thread()).exchange
    assert exchange is not None  # nosec B101  # noqa: S101  for the type checker: a line sends nothing by itself
    return exchange


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    """A connection to the portal that is kept open.

    It is the adapter alone, with no session around it. A session reads ~/.netrc, which would
    replace the token, and proxies from the environment; it keeps cookies; and even when told not
    to follow a redirect it reads the redirect's body, without bounds. An adapter does none of it.
    """

    _pools: ClassVar = {"http": _Pool, "https": _TLSPool}

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)  # the outbox retries

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have connections of ours in the pool."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def cert_verify(self, *_: object) -> None:
        """Leave the certificate to the context; this would read the authorities anew."""

    def post(
        self, blank: requests.PreparedRequest, pairs: Sequence[tuple[str, str]], deadline: float
    ) -> Answer | PortalError:
        """Send a request, and read its answer up to the size limit."""
        request = blank.copy()
        request.prepare_body(pairs, None)
        # Half the time for connecting leaves as much for a second address of the same host. The
        # other half-bound only makes an abandoned thread end where shutting down cannot reach it.
        response = self.send(request, stream=True, timeout=(deadline / 2, deadline), verify=True)
        with contextlib.closing(response):
            if response.status_code in REDIRECTS:  # whoever sends one is not the portal
                return Answer(response.status_code, b"")
            body = bytearray()
            # Not `iter_content`, which waits until a chunk is full, nor `content`, which has no
            # limit: the size that counts is the decoded one.
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    return Uncertain("AnswerTooLong")
            retry_after = response.headers.get("Retry-After", "")
            return Answer(response.status_code, bytes(body), retry_after)


@cache
def _tls(authorities: str) -> ssl.SSLContext:
    """Return what verifies the portal's certificate, by the authorities in this file.

    All connections share it: reading a hundred authorities takes 20 ms and a megabyte. New ones
    count after a restart.
    """
    context = create_urllib3_context()
    context.load_verify_locations(authorities)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    # urllib3 would set them anew for each connection, while others read them: OpenSSL frees what
    # they read (python/cpython#141012).
    context.set_alpn_protocols = lambda _: None  # type: ignore[assignment,method-assign]
    return context


class _Line(threading.Thread):
    """A connection and the thread that uses it, for one exchange at a time.

    It ends by itself when it has been idle for a while, or when its caller has left.
    """

    def __init__(self, idle: deque[_Line], context: ssl.SSLContext) -> None:
        super().__init__(name="portal-line", daemon=True)
        self.exchange: _Exchange | None = None
        self._idle = idle
        self._waiting: SimpleQueue[_Exchange | None] = SimpleQueue()
        self._adapter = _Adapter(context)
        self._process = os.getpid()
        self.start()

    @property
    def is_ours(self) -> bool:
        """Whether it is not the line of a process that this one was forked from."""
        return self._process == os.getpid()

    def carry(self, exchange: _Exchange) -> None:
        """Make an exchange, now."""
        self._waiting.put(exchange)

    def leave(self) -> None:
        """End after the exchange under way, if it ends."""
        self._waiting.put(None)

    def run(self) -> None:
        """Make one exchange after the other."""
        while exchange := self._next():
            self.exchange = exchange
            exchange.run(self._adapter)
            self.exchange = exchange = None
        self._adapter.close()

    def _next(self) -> _Exchange | None:
        while True:
            try:
                return self._waiting.get(timeout=_KEEP_ALIVE)
            except Empty:
                # Whoever takes it off the list first: this thread, to end, or the next caller.
                with contextlib.suppress(ValueError):
                    self._idle.remove(self)
                    return None


# The one place that maps the lower layers, first match first. An exception is searched through
# with all its causes: `requests` wraps `urllib3`, which wraps the operating system.
_WHILE_CONNECTING: Final[Sequence[tuple[type[BaseException], str]]] = (
    (_AbandonedError, "ConnectTimeout"),
    (socket.gaierror, "NameNotResolved"),
    (ssl.SSLCertVerificationError, "CertificateInvalid"),
    (ssl.SSLError, "TLSFailed"),
    (requests.Timeout, "ConnectTimeout"),
    (requests.ConnectionError, "ConnectionFailed"),
)
_AFTERWARDS: Final[Sequence[tuple[type[BaseException], str]]] = (
    (_AbandonedError, "Timeout"),
    (requests.Timeout, "Timeout"),
    (ReadTimeoutError, "Timeout"),
    (requests.exceptions.ContentDecodingError, "UnreadableAnswer"),
    (DecodeError, "UnreadableAnswer"),
    (requests.ConnectionError, "ConnectionBroken"),
    (requests.exceptions.ChunkedEncodingError, "ConnectionBroken"),
    (HTTPError, "ConnectionBroken"),
)


def _fault(error: Exception, *, connecting: bool) -> PortalError:
    """Say what an exception of the lower layers means."""
    chain = list(_chain(error))
    cause = " < ".join(type(link).__name__ for link in chain)
    # Both must hold: our own gate says that nothing was sent, and the exception is one of a
    # connection that could not be opened.
    if connecting and (status := _match(chain, _WHILE_CONNECTING)):
        return Unreachable(status, cause)
    status = _match(chain, _AFTERWARDS) or "UnknownFault"
    return TimedOut(cause) if status == "Timeout" else Uncertain(status, cause)


def _match(
    chain: Sequence[BaseException], table: Sequence[tuple[type[BaseException], str]]
) -> str | None:
    return next(
        (name for kind, name in table if any(isinstance(link, kind) for link in chain)), None
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
