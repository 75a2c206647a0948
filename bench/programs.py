"""The programs of an installation as chaos needs them: killed at once, and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from servers import free_port
from serving import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_POLL_INTERVAL_S = 0.05
_SECONDS = 60  # how long a program may take to end when asked to


class RestartedProgram:
    """A program that can be started again whenever it ends."""

    def __init__(self, *arguments: str, environ: Mapping[str, str], log: Path) -> None:
        """Start `amoot-form` with these arguments and nothing but this environment."""
        self._arguments = arguments
        self._environ = environ
        self._log = log
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._killed = False
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [COMMAND, *self._arguments],
                env=self._environ,
                cwd=self._log.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that `kill` reaches its workers in the same instant
            )

    def revive(self) -> bool:
        """Start it again if it has ended; return whether it ended without being killed."""
        with self._lock:
            if self._process.poll() is None:
                return False
            was_killed = self._killed
            self._start()
            return not was_killed

    def restart(self, changes: Mapping[str, str]) -> None:
        """Ask it to end, and start it anew with these settings changed."""
        with self._lock:
            self._environ = {**self._environ, **changes}
            self._process.terminate()
            self._process.wait(_SECONDS)
            self._start()

    def kill(self) -> bool:
        """End it and its workers at once; return whether it was there."""
        with self._lock:
            if self._process.poll() is not None:
                return False
            self._killed = True
            os.killpg(self._process.pid, signal.SIGKILL)
            return True

    def kill_worker(self, random: Random) -> bool:
        """End one of its workers at once; return whether there was one."""
        with self._lock, contextlib.suppress(OSError):  # it may end before us
            main = self._process.pid
            workers = Path(f"/proc/{main}/task/{main}/children").read_text().split()
            if workers:
                os.kill(int(random.choice(workers)), signal.SIGKILL)
                return True
        return False

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait(_SECONDS)


class Site:
    """The web servers and deliverers of one installation, which a thread keeps alive.

    Attributes:
        urls: The addresses of the web servers.
    """

    def __init__(
        self, *, servers: int, environ: Mapping[str, str], logs: Path, events: list[str]
    ) -> None:
        """Start so many web servers, and two deliverers.

        Args:
            servers: How many web servers.
            environ: The settings.
            logs: The folder for their logs.
            events: Where the names of what happens go.
        """
        ports = [free_port() for _ in range(servers)]
        self.urls = [f"http://127.0.0.1:{port}/" for port in ports]
        self._servers = [
            RestartedProgram(
                "serve",
                environ={**environ, "BIND": f"127.0.0.1:{port}"},
                log=logs / f"serve-{number}.log",
            )
            for number, port in enumerate(ports)
        ]
        self._deliverers = [
            RestartedProgram("deliver", environ=environ, log=logs / f"deliver-{number}.log")
            for number in range(2)
        ]
        self._programs = (*self._servers, *self._deliverers)
        self._events = events
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._closing.wait(_POLL_INTERVAL_S):
            for program in self._programs:
                if program.revive():
                    self._events.append("ended_unkilled")

    def wait_until_up(self) -> float:
        """Wait until every web server answers; return the seconds that this took."""
        start = time.monotonic()
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment would be another machine
            for url in self.urls:
                while not _answers(session, url):
                    if time.monotonic() - start > _SECONDS:
                        raise RuntimeError(f"{url} does not answer")
                    time.sleep(_POLL_INTERVAL_S)
        return time.monotonic() - start

    def kill_worker(self, random: Random) -> None:
        """End a web worker at once."""
        if random.choice(self._servers).kill_worker(random):
            self._events.append("workers_killed")

    def kill_deliverer(self, random: Random) -> None:
        """End a deliverer at once."""
        if random.choice(self._deliverers).kill():
            self._events.append("deliverers_killed")

    def kill_everything(self, _: Random) -> None:
        """End every process at once."""
        for program in self._programs:
            program.kill()
        self._events.append("everything_killed")

    def restart(self, changes: Mapping[str, str]) -> None:
        """Ask every program to end, and start it anew with these settings changed."""
        for program in self._programs:
            program.restart(changes)

    def close(self) -> None:
        """End every process for good."""
        self._closing.set()
        self._watcher.join()
        for program in self._programs:
            program.kill()
            program.wait()


def _answers(session: requests.Session, url: str) -> bool:
    try:
        return session.get(f"{url}healthz", timeout=_SECONDS).ok
    except requests.RequestException:
        return False
