"""SIGHUP, and the liveness probe, on the real server."""

import http.client
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from servers import free_port
from serving import COMMAND, environ_of, serve
from support import Html, wait_until

from webapp.demo import Simulator
from webapp.gunicorn_worker import UPLOAD_PATH

pytestmark = pytest.mark.slow

FORMS = '[forms.contact]\ntitle = "{title}"\naccess = "intranet"\nfields = ["Mobile", "LName"]\n'
HALF_BODY = (
    b"POST /import HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nFName="
)


def children(process: subprocess.Popen[bytes]) -> set[str]:
    """Return the workers of a server."""
    return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())


def test_sighup_reads_the_forms_anew_and_keeps_the_old_of_a_broken_file(
    simulator: Simulator, tmp_path: Path
) -> None:
    """No request is refused meanwhile, and the log says what happened."""
    forms = tmp_path / "forms.toml"
    forms.write_text(FORMS.format(title="نخست"))
    with serve(tmp_path, **environ_of(simulator.url, tmp_path, FORMS_FILE=str(forms))) as server:

        def hang_up(said: str) -> str:
            before = children(server.process)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: said in server.log.read_text())
            wait_until(lambda: not before & children(server.process))
            return Html(requests.get(server.url, timeout=60).text).text("h1")

        opened = requests.get(server.url, timeout=60)
        assert Html(opened.text).text("h1") == "نخست"
        forms.write_text(FORMS.format(title="دوم"))
        assert hang_up("the forms were read anew") == "دوم"
        forms.write_text('[forms.contact]\ntitle = "سوم"\nfields = ["Nothing"]\n')
        assert hang_up("the forms stay as they were") == "دوم"
        assert "Nothing" in server.log.read_text()
        token = next(Html(opened.text).find("input", name="csrf_token"))[0]["value"]
        sent = requests.post(server.url, {"csrf_token": token, "Mobile": "09121234567"}, timeout=60)
        assert sent.status_code == 200
        assert len(simulator.contacts) == 1


def test_liveness_probe_is_answered_while_all_threads_are_taken(
    simulator: Simulator, tmp_path: Path
) -> None:
    """A restart would help no waiting request."""
    with (
        serve(tmp_path, **environ_of(simulator.url, tmp_path, THREADS="4")) as server,
        ExitStack() as stack,
    ):
        parts = urlsplit(server.url)
        halves = []
        for _ in range(40):
            half = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=60)
            stack.callback(half.close)
            half.connect()
            half.sock.sendall(HALF_BODY)
            halves.append(half)
        for method in ("GET", "HEAD", "GET"):
            probe = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=60)
            stack.callback(probe.close)
            probe.request(method, "/healthz")
            answer = probe.getresponse()
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
            assert answer.read() in {b"", b"alive\n"}
        for half in halves:  # none of them has been ended, after UPLOAD_TIMEOUT_S
            half.sock.settimeout(0)
            with pytest.raises(BlockingIOError):
                half.sock.recv(1)
    assert UPLOAD_PATH in HALF_BODY.decode()


def test_deliverer_says_that_sighup_reads_nothing_anew_and_goes_on(
    simulator: Simulator, tmp_path: Path
) -> None:
    """It would end in the middle of a call."""
    bind, log = f"127.0.0.1:{free_port()}", tmp_path / "deliverer.log"
    environ = environ_of(simulator.url, tmp_path, DELIVERER_METRICS=bind, HOME=str(tmp_path))
    with log.open("wb") as output:
        process = subprocess.Popen([COMMAND, "deliver"], env=environ, stderr=output)
    try:
        wait_until(lambda: answers(bind) or process.poll() is not None)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "nothing is read anew" in log.read_text() or process.poll() is not None)
        assert process.poll() is None
        assert answers(bind)
    finally:
        process.terminate()
        assert process.wait(60) == 0


def answers(bind: str) -> bool:
    """Return whether the deliverer's metrics can be read."""
    try:
        return requests.get(f"http://{bind}/metrics", timeout=20).ok
    except requests.ConnectionError:
        return False
