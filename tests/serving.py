"""The real server, as `amoot-form serve` starts it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from support import SECRET, TOKEN

COMMAND = Path(sys.executable).with_name("amoot-form")

_HURRIED = Path(__file__).with_name("hurried.py")
_LISTENING = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")
_SECONDS = 120  # how long a server may take to start or to stop on a busy machine
_MISSED = 5  # seconds after which a worker has probably missed the signal to stop


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: Its address.
        log: The file that it logs to.
        process: Its process.
    """

    url: str
    log: Path
    process: subprocess.Popen[bytes]


def hurried(folder: Path) -> Path:
    """Write an `amoot-form` for which no test has to wait into this folder; return its path."""
    command = folder / "amoot-form"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P "{_HURRIED}" "$@"\n')
    command.chmod(0o700)
    return command


def environ_of(portal_url: str, folder: Path, **more: str) -> dict[str, str]:
    """Return the settings of a server with one worker, in front of this portal."""
    return {
        "AMOOT_TOKEN": TOKEN,
        "AMOOT_URL": portal_url,
        "SECRET_KEY": SECRET,
        "STATE_DIRECTORY": str(folder),
        "WEB_CONCURRENCY": "1",
        **more,
    }


@contextlib.contextmanager
def serve(
    folder: Path, *, command: Path = COMMAND, cwd: Path | None = None, **environ: str
) -> Iterator[Server]:
    """Start `amoot-form serve` on a free port, with nothing but these settings, and stop it.

    Args:
        folder: Where its log and its state go.
        command: Which `amoot-form`.
        cwd: The folder to start it in.
        environ: The settings.
    """
    log = folder / "server.log"
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "BIND": "127.0.0.1:0"}
    if "PYTHONPATH" in os.environ:  # the program of these tests, where another one is installed
        home["PYTHONPATH"] = os.environ["PYTHONPATH"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, "serve"], cwd=cwd or folder, env={**home, **environ}, stderr=output
        )
    try:
        url = _address(log, process)
        # A worker that is still starting would miss the signal to stop.
        requests.get(f"{url}/healthz", timeout=_SECONDS)
        yield Server(url, log, process)
    finally:
        _stop(process)


@contextlib.contextmanager
def serve_forms(folder: Path, forms: str, portal_url: str) -> Iterator[Server]:
    """Run a server with these forms, in front of this portal, for which no test has to wait."""
    file = folder / "forms.toml"
    file.write_text(forms)
    environ = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": portal_url, "SECRET_KEY": SECRET}
    environ |= {"FORMS_FILE": str(file), "RATE_LIMITS": "off", "WEB_CONCURRENCY": "1"}
    environ["AMOOT_EDIT"] = "on"
    environ["AMOOT_LABELS"] = "1"  # so that a test need not wait for the list
    with serve(folder, command=hurried(folder), **environ) as started:
        yield started


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server; a worker that was only starting misses the first signal."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=_MISSED)
    except subprocess.TimeoutExpired:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        for child in children.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGTERM)
        process.wait(timeout=2 * _SECONDS)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the server listens."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := _LISTENING.search(log.read_text()):
            return found[1]
        time.sleep(0.05)
    pytest.fail("amoot-form serve did not start:\n" + log.read_text())
