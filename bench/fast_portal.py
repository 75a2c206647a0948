"""A portal that costs next to nothing, so that it is not what the benchmark measures.

It reads requests off their lengths, takes a set time over each, and answers Success; or keeps
silent, for as long as a file exists.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
from pathlib import Path

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class FastPortal(asyncio.Protocol):
    """One connection."""

    ids = itertools.count(1)

    def __init__(self, latency: float, hangs: Path) -> None:
        """Take seconds for one answer, and the file that makes it silent."""
        self._latency = latency
        self._hangs = hangs
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while (request := self._next()) is not None:
            if self._hangs.exists():
                continue
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, request)
            else:
                self._answer(request)

    def _next(self) -> bytes | None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not end or len(rest) < size:
            return None
        self._buffer = rest[size:]
        return head

    def _answer(self, head: bytes) -> None:
        if b"ContactCreate" in head:
            body = b'{"Status":"Success","Data":{"ID":%d}}' % next(self.ids)
        else:
            body = b'{"Status":"Success","Data":[],"AccountName":"","RemaindCredit":1}'
        self._transport.write(  # type: ignore[attr-defined]
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )


async def main(latency: float, hangs: Path) -> None:
    """Serve on a free port of loopback, and print it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: FastPortal(latency, hangs), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), Path(sys.argv[2])))
