"""Connections without requests, and requests that never end, straight on the real server."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests
from serving import Server, environ_of, serve
from support import Html

from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.gunicorn_worker import IDLE_TIMEOUT_S, READ_TIMEOUT_S, UPLOAD_PATH

pytestmark = pytest.mark.slow

SLACK_S = 30  # on a busy machine
HALF_HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: applic"
HALF_BODY = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nFName="
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, running: Simulator) -> Iterator[Server]:
    """Run a server with one worker and few threads."""
    folder = tmp_path_factory.mktemp("server")
    more = {"AMOOT_DEADLINE": str(READ_TIMEOUT_S + 2), "THREADS": "4"}
    with serve(folder, **environ_of(running.url, folder, **more)) as started:
        yield started


def connect(server: Server, data: bytes = b"") -> socket.socket:
    """Open a connection, and send this."""
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=SLACK_S)
    connection.sendall(data)
    return connection


def seconds_until_closed(connection: socket.socket, timeout_s: float) -> float:
    """Return how long the server keeps a connection open."""
    start = time.monotonic()
    connection.settimeout(timeout_s + SLACK_S)
    while connection.recv(4096):
        pass
    return time.monotonic() - start


def test_idle_connections_delay_no_request_and_are_closed(server: Server) -> None:
    """Browsers open connections in advance. Two for each thread would wait five seconds."""
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(server)) for _ in range(200)]
        assert requests.get(server.url, timeout=SLACK_S).ok
        idle[0].settimeout(0)
        with pytest.raises(BlockingIOError):  # none had to be closed for that
            idle[0].recv(1)
        assert seconds_until_closed(idle[0], IDLE_TIMEOUT_S) < IDLE_TIMEOUT_S + SLACK_S
        late = stack.enter_context(connect(server))
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert late.recv(4096).startswith(b"HTTP/1.1 200 OK")
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("half", [HALF_HEAD, HALF_BODY])
def test_half_sent_requests_are_ended_and_the_server_goes_on(server: Server, half: bytes) -> None:
    """They hold every thread until then, and leave no traceback in the log."""
    with ExitStack() as stack:
        halves = [stack.enter_context(connect(server, half)) for _ in range(40)]
        assert requests.get(server.url, timeout=READ_TIMEOUT_S + SLACK_S).ok
        for connection in halves:
            assert seconds_until_closed(connection, READ_TIMEOUT_S) < READ_TIMEOUT_S + SLACK_S
    assert "Traceback" not in server.log.read_text()


def test_request_that_takes_longer_than_its_reading_may_is_answered(
    server: Server, simulator: Simulator
) -> None:
    """The bound concerns only reading: a request that waits for the portal gets its outcome."""
    simulator.respond_with = lambda _: Fault.SILENT
    form = Html(requests.get(server.url, timeout=SLACK_S).text)
    token = next(form.find("input", name="csrf_token"))[0]["value"]
    start = time.monotonic()
    data = {"csrf_token": token, "Mobile": "09121234567"}
    sent = requests.post(server.url, data=data, allow_redirects=False, timeout=2 * SLACK_S)
    assert time.monotonic() - start > READ_TIMEOUT_S
    assert sent.status_code == 303


def test_file_that_arrives_slowly_is_read(server: Server) -> None:
    """It takes longer than any other request may."""
    form = Html(requests.get(f"{server.url}{UPLOAD_PATH}", timeout=SLACK_S).text)
    token = next(form.find("input", name="csrf_token"))[0]["value"]
    files = {"file": ("people.csv", "موبایل\n09121234567\n".encode())}
    url = f"{server.url}{UPLOAD_PATH}"
    post = requests.Request("POST", url, data={"csrf_token": token}, files=files).prepare()
    assert isinstance(post.body, bytes)
    head = "\r\n".join(
        ["POST /import HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close"]
        + [f"{name}: {value}" for name, value in post.headers.items()]
    )
    with connect(server, f"{head}\r\n\r\n".encode() + post.body[:100]) as connection:
        time.sleep(READ_TIMEOUT_S + 3)
        connection.sendall(post.body[100:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 303")
