"""A kept-alive connection to the portal, which a guard can stop before each of its steps."""

from __future__ import annotations

import contextlib
import threading
from functools import cache
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProxyError
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from webapp.portal.base import Uncertain

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Sequence

    import requests

# A stored contact takes about 2 KB, a list of a thousand labels 200 KB; a much longer response is
# not the portal's.
MAX_RESPONSE_BYTES: Final = 512 * 1024
_CHUNK_BYTES: Final = 8192

# Their bodies are not read.
_REDIRECTS: Final = range(300, 400)


class Response(NamedTuple):
    """An HTTP response of the portal."""

    status_code: int
    body: bytes
    retry_after: str = ""


class Guard(Protocol):
    """Called by a connection before it opens, and before each send; may raise to stop it."""

    def open(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """Open the socket with `connect`, and return it."""

    def send(self, sock: socket.socket) -> None:
        """Permit a send: from here on, the portal may have the request."""


# A connection is used by one thread, for one call at a time: this is that call's guard.
_current = threading.local()


class _GuardedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        opened: socket.socket = _current.guard.open(super()._new_conn)
        return opened

    _asks_proxy = False

    def send(self, data: Any) -> None:  # noqa: ANN401 - as the class it extends
        """Send data: every byte of a request goes through this method."""
        if self.sock is None:
            self.connect()
        if not self._asks_proxy:
            _current.guard.send(self.sock)
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
        guard: Guard,
        deadline_s: float,
    ) -> Response:
        """Send a form, and read the response up to the size limit.

        Args:
            request: The request without its body.
            fields: The form's fields.
            guard: Called before each step.
            deadline_s: Bounds each single step; the whole call takes longer if the portal drips.

        Raises:
            Uncertain: if the response is too long.
            Exception: whatever requests, urllib3 and the guard raise.
        """
        _current.guard = guard
        request = request.copy()
        request.prepare_body(fields, None)
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
