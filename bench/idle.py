"""Response times beside idle connections and half-sent requests, without a proxy.

Browsers open connections in advance, and a slow or malicious client sends half of a request. While
such connections are open, a page is requested every 50 ms over a new connection.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import table
from chromium import FormTarget
from connection import Connection
from launch import run_app, run_portal
from load import FULL
from people import percentiles

if TYPE_CHECKING:
    from pathlib import Path

_BASE_S = 3
_LONGEST_S = 20  # how long the server may take to close the idle connections
_PATIENCE_S = 10  # a page that takes longer counts as failed
_PERIOD_S = 0.05

_HALF_HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-"
_HALF_BODY = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nFName="
)


def measure(folder: Path) -> None:
    """Measure the pages of others while connections stand."""
    table.title(f"One page every {_PERIOD_S * 1000:.0f} ms, while connections stand (ours)")
    table.line("", "pages", "p50 ms", "p99 ms", "max ms", "failed", note="ended by the server")
    for what, count, sent in (
        ("no other connection", 0, b""),
        ("200 connections, nothing sent", 200, b""),
        ("300 halves of a request's head", 300, _HALF_HEAD),
        ("300 halves of a request's body", 300, _HALF_BODY),
    ):
        with run_portal(0, folder) as portal_url, run_app(portal_url, folder) as app:
            asyncio.run(_measure(what, app.url, count, sent))


async def _measure(what: str, url: str, count: int, sent: bytes) -> None:
    host, _, port = url.partition("://")[2].partition(":")
    began = time.monotonic()
    standing = [asyncio.create_task(_stand(host, int(port), sent)) for _ in range(count)]
    pages: list[asyncio.Task[float]] = []
    while time.monotonic() - began < (_LONGEST_S if count else _BASE_S):
        pages.append(asyncio.create_task(_open_page(url)))
        await asyncio.sleep(_PERIOD_S)
        if count and all(task.done() for task in standing):
            break
    seconds = await asyncio.gather(*pages)
    ended = [task.result() - began for task in standing if task.done()]
    for task in standing:
        task.cancel()
    times = [f"{value:.1f}" for value in percentiles(seconds)]
    failed = sum(value >= _PATIENCE_S for value in seconds)
    table.line(what, str(len(seconds)), *times, str(failed), note=_ends(ended, count))


def _ends(ended: list[float], count: int) -> str:
    """Say when the server ended connections."""
    if not count:
        return ""
    if len(ended) < count:
        return f"{len(ended)} of {count} within {_LONGEST_S} s"
    return f"{min(ended):.1f} to {max(ended):.1f} s"


async def _stand(host: str, port: int, sent: bytes) -> float:
    """Open a connection, send half a request or nothing, and return when the server ended it."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(sent)
        await reader.read()  # an error page, or only the end
    except ConnectionError:
        pass
    finally:
        writer.close()
    return time.monotonic()


async def _open_page(url: str) -> float:
    """Return the seconds that a page took, the connection included, or all that one waits."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            connection = await Connection.open(url)
            try:
                answer = await connection.ask(FormTarget(origin=url, path=FULL).get(FULL, ""))
            finally:
                connection.close()
    except OSError:  # a time-out, too
        return _PATIENCE_S
    return time.monotonic() - began if answer.status == HTTPStatus.OK else _PATIENCE_S
