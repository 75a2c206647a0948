"""The web server: gunicorn, set up from our settings.

The app is made once, before the workers are forked; it opens nothing until it is used. Each worker
then opens the store and, where it is asked to, starts a deliverer.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from gunicorn.app.base import BaseApplication

from webapp import create_app
from webapp.delivery.database import DatabaseError
from webapp.observability import logging as app_logging
from webapp.web.views import EXTENSION

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.workers.base import Worker

    from webapp.settings import Settings
    from webapp.web.views import Services

_GRACE: Final = 10  # seconds beyond the portal's deadline for running requests to end


class Server(BaseApplication):
    """Gunicorn, set up from our settings."""

    def __init__(self, settings: Settings) -> None:
        """Serve with these settings."""
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options, and take none from files or the command line."""
        for name, value in _gunicorn(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:  # type: ignore[override]  # Flask is a WSGI callable
        """Make the app, in the process that forks the workers."""
        return create_app(self._settings)

    def run(self) -> None:
        """Serve until a signal ends it; what is counted meanwhile lies in a folder of this start.

        In memory, where there is such a place: the files are mapped, and a page for which a full
        disk has no room would end the process.
        """
        memory = Path("/dev/shm")  # nosec B108  # noqa: S108  mkdtemp makes a private folder in it
        place = memory if os.access(memory, os.W_OK) else None
        parent = os.getpid()
        folder = tempfile.mkdtemp(prefix=f"amoot-form-{parent}-", dir=place)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before what counts is made
        try:
            super().run()
        finally:
            if os.getpid() == parent:  # a worker that ends leaves this block, too
                shutil.rmtree(folder, ignore_errors=True)


def _post_worker_init(worker: Worker) -> None:
    """Begin in the worker: threads and connections of the process that forks would stay there."""
    services = _services(worker)
    services.metrics.initialise()
    # Before the first visitor, who would have to wait for it; and without it all the same.
    with contextlib.suppress(DatabaseError):
        services.delivery.database.check_writable()
    if services.settings.deliverer == "inline":
        services.delivery.worker.start()


def _worker_exit(_: object, worker: Worker) -> None:
    if worker.wsgi is not None:  # it may have died before it had begun
        delivery_worker = _services(worker).delivery.worker
        delivery_worker.stop()
        delivery_worker.join()


# glibc's mallopt: M_ARENA_MAX, for many threads do not need an arena each; M_TRIM_THRESHOLD in
# bytes, whose default grows by itself, so that less and less is given back.
_MALLOC_OPTIONS: Final = ((-8, 2), (-1, 128 * 1024))
# After how many new objects the collector looks at them, and how often before it looks at older
# ones. A submission leaves two thousand that it alone frees. By Python's own metrics it would look
# three times in each, and what was in use just then would stay for long.
_COLLECTED: Final = (10_000, 1, 2)


def _when_ready(_: object) -> None:
    """Tune memory before there is a worker, for all of them.

    What is loaded by now stays: the collector need not go through it again and again, nor write
    to pages that the workers share.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        libc = ctypes.CDLL(None)
        for option in _MALLOC_OPTIONS:
            libc.mallopt(*option)


def _services(worker: Worker) -> Services:
    app = cast("Flask", worker.wsgi)
    found: Services = app.extensions[EXTENSION]
    return found


def _child_exit(_: object, worker: Worker) -> None:
    """Drop what was true of a dead worker alone. What it has counted stays: no counter falls."""
    from prometheus_client import multiprocess  # noqa: PLC0415  not before the folder is named

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _gunicorn(settings: Settings) -> dict[str, Any]:
    return {
        "post_worker_init": _post_worker_init,
        "worker_exit": _worker_exit,
        "child_exit": _child_exit,
        "preload_app": True,  # once, in memory that the workers share
        "when_ready": _when_ready,
        "bind": settings.bind,
        "workers": settings.web_concurrency,
        "worker_class": "gthread",
        # Those who wait for the portal, or for a permit to call it, leave the pages theirs.
        "threads": settings.portal_calls + settings.max_waiting + settings.page_threads,
        # A request ends within two deadlines; then the deliverer within a look and a call.
        "graceful_timeout": int(4 * settings.amoot_deadline) + _GRACE,
        "control_socket_disable": True,
        # ProxyFix alone decides whom to believe about the sender and the scheme.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        # The proxy that connects to a Unix socket runs under another name, in our group.
        "umask": 0o007 if settings.bind.startswith("unix:") else 0o077,
        "proc_name": "amoot-form",
        "logger_class": app_logging.Logger,
        "logconfig_dict": app_logging.config(settings),
    }
