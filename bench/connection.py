"""A connection to an HTTP server over asyncio, which reads what the benchmark's servers send."""

from __future__ import annotations

import asyncio
import re
import zlib
from dataclasses import dataclass

TIMEOUT_S = 60

_GUNZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> list[str]:
        """Return the values of a header."""
        values = re.findall(rb"\r\n" + name + rb": ([^\r]*)", self.head, re.IGNORECASE)
        return [value.decode("latin-1") for value in values]


class Connection(asyncio.Protocol):
    """A connection to a server that takes one request after the other."""

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._buffer = b""
        self._answer: asyncio.Future[HttpAnswer] | None = None

    @classmethod
    async def open(cls, origin: str) -> Connection:
        """Connect."""
        host, _, port = origin.partition("://")[2].partition(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, int(port))
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for the type
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Raise an error where an answer is awaited."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without an answer"))

    def data_received(self, data: bytes) -> None:
        """Collect one answer, whose length its head says."""
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or not self._answer or self._answer.done():
            return
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        if length is None:
            self._answer.set_exception(ValueError("an answer without its length"))
        elif len(body) >= int(length[1]):
            self._buffer = b""
            if re.search(rb"\r\ncontent-encoding: gzip", head, re.IGNORECASE):
                body = _gunzip(body)
            self._answer.set_result(HttpAnswer(int(head[9:12]), head, body))

    async def ask(self, request: bytes) -> HttpAnswer:
        """Send a request, and return its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(TIMEOUT_S):
            return await self._answer

    def close(self) -> None:
        """End it."""
        self._transport.close()


def _gunzip(body: bytes) -> bytes:
    """Decompress what may be several members, one after the other."""
    text = b""
    while body:
        member = zlib.decompressobj(_GUNZIP)
        text += member.decompress(body)
        body = member.unused_data
    return text
