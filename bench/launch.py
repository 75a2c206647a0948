"""The programs that are measured, each in processes of its own: ours, a plain app, a portal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from processes import pss_megabytes
from servers import free_port
from serving import COMMAND

from webapp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SECRET = "bench" * 8
_GUNICORN = COMMAND.with_name("gunicorn")
_STARTING_S = 120  # with the workers of three machines beside it
_STOPPING_S = 60


@dataclass(frozen=True)
class Program:
    """A running server.

    Attributes:
        url: Its address, without a path.
        pid: Its first process.
        started_in: Seconds from its start to its first answer.
    """

    url: str
    pid: int
    started_in: float

    @property
    def megabytes(self) -> float:
        """What all its processes hold, what they share counted once (PSS)."""
        return pss_megabytes(self.pid)


@contextlib.contextmanager
def run_portal(latency: float, folder: Path) -> Iterator[str]:
    """Run a fast portal; while the file `hangs` is in the folder, it keeps silent."""
    command = [sys.executable, HERE / "fast_portal.py", str(latency), folder / "hangs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        try:
            yield f"http://127.0.0.1:{port}/rest/"
        finally:
            process.terminate()


@contextlib.contextmanager
def run_app(portal: str, folder: Path, **more: str) -> Iterator[Program]:
    """Run our server, with defaults for all but what it must be told and the rate limits."""
    port = free_port()
    environ = {
        "AMOOT_TOKEN": "bench",
        "AMOOT_URL": portal,
        "SECRET_KEY": SECRET,
        "STATE_DIRECTORY": str(folder),
        "RATE_LIMITS": "off",
        "BIND": f"127.0.0.1:{port}",
        **more,
    }
    with _running([COMMAND, "serve"], port, environ, folder) as program:
        yield program


@contextlib.contextmanager
def run_plain_app(portal: str, folder: Path) -> Iterator[Program]:
    """Run the plain app, with as many workers and threads as ours has."""
    settings, port = Settings(), free_port()
    threads = settings.portal_calls + settings.max_waiting + settings.page_threads
    command: list[object] = [_GUNICORN, "-k", "gthread", "-w", settings.web_concurrency]
    command += ["--threads", threads, "--no-control-socket", "-b", f"127.0.0.1:{port}"]
    command += ["--chdir", HERE / "plain", "app:app"]
    with _running(list(map(str, command)), port, {"AMOOT_URL": portal}, folder) as program:
        yield program


@contextlib.contextmanager
def _running(
    command: list[str | Path], port: int, environ: dict[str, str], folder: Path
) -> Iterator[Program]:
    home = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()}
    home["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=0"  # as our unit and container set it
    started = time.monotonic()
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**home, **environ}, stdout=output, stderr=output, cwd=folder
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, log)
        yield Program(url, process.pid, time.monotonic() - started)
    finally:
        process.terminate()
        process.wait(_STOPPING_S)


def _wait(url: str, log: Path) -> None:
    expires = time.monotonic() + _STARTING_S
    while time.monotonic() < expires:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(url, timeout=_STARTING_S)
            return
        time.sleep(0.01)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")
