"""The web server: gunicorn, configured from the settings.

The app is created once, before the workers are forked; it opens nothing until it is used. Each web
worker then opens the database, writes its counts of visitors' steps in the background if there is
a public form, fetches the portal's labels there if a form suggests them and, unless DELIVERER is
off, starts a delivery worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import logging
import os
import resource
import shutil
import socket
import tempfile
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, cast

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from prometheus_client import multiprocess

from webapp import create_app
from webapp import observability as app_logging
from webapp.database import DatabaseError
from webapp.forms.definitions import have_free_labels, have_public_forms
from webapp.forms.definitions_file import DefinitionError
from webapp.gunicorn_worker import HttpWorker
from webapp.observability import explain
from webapp.settings import Settings, warnings
from webapp.web.rendering import EXTENSION, Services
from webapp.web.security.rate_limits import redis_fault

log = logging.getLogger(__name__)

MAX_FILES: Final = 65_536  # of each process: some programs walk through all that are possible
# By systemd, or by the server that this one replaces.
_HANDED_ON: Final = frozenset({"LISTEN_FDS", "GUNICORN_FD"})
# Idle connections cost a worker memory, some kilobytes each, and are closed after ten seconds.
_MAX_CONNECTIONS: Final = 10_000
_OTHER_FILES: Final = 64  # of a worker: its listeners, logs, metrics and the poller
_M_ARENA_MAX: Final = -8  # in malloc.h of glibc
_GRACE_S: Final = 10  # added to the deadlines of calls that a stopping worker waits for


class GunicornServer(BaseApplication):
    """Gunicorn, configured from the settings."""

    def __init__(self, settings: Settings) -> None:
        """Serve with these settings."""
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options; none come from files or the command line."""
        for name, value in _gunicorn(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:  # type: ignore[override]  # Flask is a WSGI callable
        """Create the app, in the process that forks the workers."""
        for text in warnings(self._settings):
            log.warning("%s", text)
        if self._settings.redis_url and (fault := redis_fault(self._settings.redis_url)):
            log.warning("Redis cannot be used: %s", fault)
        return create_app(self._settings)

    def reload(self) -> None:
        """Read the forms anew on SIGHUP, for the workers that gunicorn then starts.

        If they are wrong, the former ones stay. The settings stay in any case: the environment of
        a process does not change.
        """
        try:
            self.callable = self.load()  # type: ignore[assignment]  # Flask is a WSGI callable
        except Exception as error:  # noqa: BLE001  the server goes on, whatever happens
            reason = error if isinstance(error, DefinitionError) else type(error).__name__
            log.error("the forms stay as they were: %s", reason)  # noqa: TRY400
        else:
            _share_memory()
            log.warning("the forms were read anew; settings change by a restart only")

    def run(self) -> None:
        """Serve until a signal stops it, with a folder of its own for the metrics of all workers.

        In memory, if possible: the files are mapped, and a full disk would kill the process.
        """
        files = _raise_file_limit()
        self.cfg.set("worker_connections", max_connections(files, _threads(self._settings)))
        share_heap()
        memory = Path("/dev/shm")  # nosec B108  # noqa: S108  mkdtemp makes a private folder in it
        place = memory if os.access(memory, os.W_OK) else None
        parent = os.getpid()
        folder = tempfile.mkdtemp(prefix=f"amoot-form-{parent}-", dir=place)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            super().run()
        finally:
            if os.getpid() == parent:  # a worker that exits leaves this block as well
                shutil.rmtree(folder, ignore_errors=True)


def bind_fault(bind: str) -> str:
    """Return why the server cannot listen at BIND, or "".

    Gunicorn would try it five times and log each one. A socket that was handed on is bound already.
    """
    if not _HANDED_ON.isdisjoint(os.environ):
        return ""
    if bind.startswith("unix:"):
        return _socket_fault(Path(bind.removeprefix("unix:")))
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host.strip("[]"), int(port)))
    except PermissionError:
        return "BIND: PermissionError EACCES: this port is the system's: choose one above 1023"
    except OSError as error:
        return f"BIND: {explain(error)}"
    return ""


def _socket_fault(path: Path) -> str:
    """Return why the server cannot listen at this Unix socket, or "".

    Gunicorn removes a socket that is there, even one at which another server listens.
    """
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(0)  # a server that is busy would let it wait
        try:
            if not path.is_socket():
                tried.bind(str(path))
                path.unlink()
            elif tried.connect_ex(str(path)) != errno.ECONNREFUSED:
                raise OSError(errno.EADDRINUSE, "")  # noqa: TRY301  reported as that of an address
        except OSError as error:
            return f"BIND: {explain(error)}"
    return ""


def share_heap() -> None:
    """Let all threads allocate from one heap, in this process and its children.

    By default glibc gives each of many threads a heap of its own, which keeps what that thread once
    needed. Other C libraries do not, and lack the function.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _raise_file_limit() -> int:
    """Let the workers open as many files and connections as the system allows this process.

    The soft limit is 1,024 nearly everywhere: as many idle connections would end a worker.

    Returns:
        How many each of them may open.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # A sandbox may forbid it; the service's own limit counts then.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def max_connections(files: int, threads: int) -> int:
    """Return how many connections a worker accepts; more wait until others end.

    A worker that accepts one more than it may open files for ends.

    Args:
        files: How many files it may open, or `resource.RLIM_INFINITY`.
        threads: Its threads. Each may have a call to the portal, a connection to the database and
            one to Redis open.
    """
    if files == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(threads + 1, min(_MAX_CONNECTIONS, files - 4 * threads - _OTHER_FILES))


def _post_worker_init(worker: HttpWorker) -> None:
    """Start what a fork does not copy: threads and connections."""
    services = _services(worker.app.wsgi())
    services.metrics.initialise()
    settings = services.settings
    services.metrics.set_limits(threads=_threads(settings), permits=settings.portal_calls)
    with contextlib.suppress(DatabaseError):
        if not services.delivery.database.probe():
            # Migrating loads Alembic: 14 MB, which end with a process of their own.
            migration = get_context("fork").Process(target=_open, args=(services,))
            migration.start()
            migration.join()
    _open(services)
    if settings.deliverer == "inline":
        services.delivery.worker.start()
    if have_free_labels(services.definitions):
        services.delivery.labels.start()
    if have_public_forms(services.definitions):
        services.delivery.funnel.start()


def _open(services: Services) -> None:
    """Open the database before the first request; a failure must not stop the worker."""
    with contextlib.suppress(DatabaseError):
        services.delivery.database.check_writable()


def _worker_exit(_: object, worker: HttpWorker) -> None:
    if worker.wsgi is not None:  # None if it failed to start
        delivery = _services(worker.app.wsgi()).delivery
        delivery.labels.stop()
        delivery.worker.stop()
        delivery.worker.join()
        delivery.funnel.stop()


# A submission creates about 2,000 objects that only the garbage collector frees. With Python's
# default of 700 it would run three times in each, and move live objects to older generations.
_GC_THRESHOLDS: Final = (10_000, 1, 2)


def _when_ready(server: Arbiter) -> None:
    """Say where the demo is, and tune the garbage collector before the workers are forked."""
    if _services(server.app.wsgi()).settings.demo:
        addresses = " ".join(f"{listener}/" for listener in server.LISTENERS)
        log.warning("demo mode: without AMOOT_TOKEN nothing is sent; open %s", addresses)
    _share_memory()
    gc.set_threshold(*_GC_THRESHOLDS)


def _share_memory() -> None:
    """Freeze all objects: their pages stay shared with the workers, as none is traversed."""
    gc.collect()
    gc.freeze()


def _services(wsgi: object) -> Services:
    return cast("Services", cast("Flask", wsgi).extensions[EXTENSION])


def _child_exit(_: object, worker: HttpWorker) -> None:
    """Remove the dead worker's gauges; counters stay monotonic."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _threads(settings: Settings) -> int:
    """Return how many wait for the portal, or for a permit, and how many are kept for pages."""
    return settings.portal_calls + settings.max_waiting + settings.page_threads


def _gunicorn(settings: Settings) -> dict[str, Any]:
    return {
        "post_worker_init": _post_worker_init,
        "worker_exit": _worker_exit,
        "child_exit": _child_exit,
        "preload_app": True,  # the workers share its memory
        "when_ready": _when_ready,
        "bind": settings.bind,
        "workers": settings.web_concurrency,
        "worker_class": HttpWorker,
        "threads": _threads(settings),
        # A request ends within two deadlines, then the delivery worker within two calls.
        "graceful_timeout": int(4 * settings.amoot_deadline) + _GRACE_S,
        "control_socket_disable": True,
        # Only ProxyFix decides which forwarding headers are trusted.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        # The proxy that connects to a Unix socket runs as another user of our group.
        "umask": 0o007 if settings.bind.startswith("unix:") else 0o077,
        "proc_name": "amoot-form",
        "logger_class": app_logging.GunicornLogger,
        "logconfig_dict": app_logging.config(settings),
    }
