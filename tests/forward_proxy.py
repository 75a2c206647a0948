"""A forward proxy as corporate networks have it, and TLS in front of a simulator."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"


class Listener:
    """Gives each connection to a free port of this machine to `serve`, in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        """Serve from `__enter__` to `__exit__`."""
        self._serve = serve
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Listen."""
        self._server = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        for it in (self._server, *self._connections):
            with contextlib.suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)
            it.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            self._serve(connection)


class ForwardProxy(Listener):
    """Opens tunnels (CONNECT), and forwards requests for http:// addresses.

    Attributes:
        heads: The head of each request that it got, newest last.
        seen: Every byte that clients sent to it.
        names: Where the hosts that it is asked for are really, as host: port of this machine.
        answer: Called instead of opening a tunnel.
    """

    def __init__(self) -> None:
        """Know no names; open every tunnel."""
        super().__init__(self._handle)
        self.heads: list[str] = []
        self.seen = bytearray()
        self.names: dict[str, int] = {}
        self.answer: Callable[[socket.socket], None] | None = None

    def url(self, user: str = "") -> str:
        """Return the proxy's URL, with a user and a password before its host."""
        return f"http://{user}{'@' * bool(user)}127.0.0.1:{self.port}"

    def _handle(self, client: socket.socket) -> None:
        data = b""
        while _HEAD_END not in data:
            if not (part := client.recv(65536)):
                return
            data += part
        self.seen += data
        head, _, rest = data.partition(_HEAD_END)
        self.heads.append(head.decode())
        method, target, _ = self.heads[-1].split("\r\n")[0].split(" ")
        if self.answer:
            self.answer(client)
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = self.names.get(parts.hostname or "", parts.port or 80)
        with socket.create_connection(("127.0.0.1", port)) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established" + _HEAD_END)
            else:
                own = re.sub(rb"(?i)\r\nproxy-[^\r]*", b"", head).replace(
                    target.encode(), parts.path.encode(), 1
                )
                server.sendall(own + _HEAD_END + rest)
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()
            _pump(client, server, self.seen)


def tls_front(port: int, context: ssl.SSLContext) -> Listener:
    """Return a listener that speaks TLS, and passes everything to this port."""

    def serve(connection: socket.socket) -> None:
        with (
            context.wrap_socket(connection, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", port)) as inner,
        ):
            threading.Thread(target=_pump, args=(inner, outer), daemon=True).start()
            _pump(outer, inner)

    return Listener(serve)


def _pump(source: socket.socket, target: socket.socket, seen: bytearray | None = None) -> None:
    """Copy bytes from one socket to the other until either ends."""
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65536):
            if seen is not None:
                seen += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(target, socket.SHUT_RDWR)
