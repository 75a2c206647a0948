"""Fifteen hundred connections that send nothing: no worker ends, and visitors are answered."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from processes import tree
from serving import COMMAND, environ_of, serve

from webapp.server import MAX_FILES, max_connections

IDLE = 1_500
PATIENCE_S = 120  # on a busy machine


@pytest.fixture
def _many_files() -> Iterator[None]:
    """Let this process open that many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * IDLE:
        pytest.skip("this system does not allow a process so many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * IDLE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.usefixtures("_many_files")
@pytest.mark.parametrize(
    "limit",
    [
        pytest.param("-S -n 900", id="soft limit"),
        pytest.param("-n 900", id="hard limit", marks=pytest.mark.nightly),
    ],
)
def test_idle_connections_end_no_worker_and_the_next_visitor_is_answered(
    tmp_path: Path, limit: str
) -> None:
    """All at one worker: accepting one more than it may open files for would end it."""
    command = tmp_path / "limited"
    command.write_text(f'#!/bin/sh\nulimit {limit}\nexec {COMMAND} "$@"\n')
    command.chmod(0o700)
    environ = environ_of("http://127.0.0.1:9", tmp_path)
    with serve(tmp_path, command=command, **environ) as server, ExitStack() as stack:
        assert requests.get(server.url, timeout=PATIENCE_S).ok
        processes = tree(server.process.pid)
        parts = urlsplit(server.url)
        address = (parts.hostname, parts.port)
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(address, timeout=PATIENCE_S))
        assert requests.get(server.url, timeout=PATIENCE_S).ok
        assert tree(server.process.pid) == processes, server.log.read_text()
        assert "Too many open files" not in server.log.read_text()


def test_unit_allows_as_many_files_as_the_server_asks_for() -> None:
    """Systemd's own hard limit may be lower."""
    unit = (Path(__file__).parents[1] / "deploy" / "amoot-form.service").read_text()
    assert f"\nLimitNOFILE={MAX_FILES}\n" in unit


def test_worker_accepts_no_more_connections_than_it_may_open_files_for() -> None:
    """A part is for the database, the portal and the log; what is more waits for its turn."""
    threads = 64
    for files, expected in ((65_536, 10_000), (resource.RLIM_INFINITY, 10_000), (1_024, 704)):
        assert max_connections(files, threads) == expected
    assert max_connections(256, threads) == threads + 1  # keep-alive goes on
