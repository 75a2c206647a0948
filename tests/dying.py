"""A process that kills itself at a named point; `test_crashes` starts it."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

import webapp.observability.metrics  # noqa: F401  which an app imports late
from webapp import create_app
from webapp.forms import tokens
from webapp.imports import Imports
from webapp.imports.drafts import store_file
from webapp.imports.feeder import Feeder
from webapp.imports.tables import DuplicateRows
from webapp.outbox import Outbox
from webapp.portal.client import AmootPortal
from webapp.settings import Settings
from webapp.verification.codes import Codes
from webapp.verification.unverified import Unverified
from webapp.web.rendering import EXTENSION

# Where a submission's way can be cut: before and after each of these.
STEPS: dict[str, tuple[type, str]] = {
    "insert": (Outbox, "add"),
    "claim": (Outbox, "claim"),
    "send": (AmootPortal, "create_contact"),
    "settle": (Outbox, "deliver"),
    # And where a code verifies the number.
    "keep": (Unverified, "add"),
    "code": (Codes, "add"),
    "text": (AmootPortal, "send_code"),
    "try": (Codes, "check"),
    "verify": (Unverified, "verify"),
    "open": (Imports, "open_draft"),
    "move": (Feeder, "_move"),
    "feed": (Feeder, "enqueue_due_rows"),
}


def context() -> ForkServerContext:
    """Return what starts processes that have imported everything already."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__])
    with pytest.MonkeyPatch.context() as patch:
        # Before Python 3.13, the server that forks looks for modules nowhere else.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        forkserver.ensure_running()
    return found


def die(*_: object) -> None:
    """End as a machine without power does: nothing is said, nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(when: str, step: str) -> None:
    """Die before or after this step."""
    owner, name = STEPS[step]
    real: Callable[..., Any] = getattr(owner, name)

    def fatal(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die()
        result = real(*args, **kwargs)
        die()
        return result

    setattr(owner, name, fatal)


def run(
    settings: Settings, when: str, step: str, form: dict[str, str] | None, path: str = "/"
) -> None:
    """Submit a form, or deliver what waits, and die on the way."""
    tokens.MIN_AGE = timedelta(0)  # as in the process of the tests, however fast the machine is
    app = create_app(settings)
    arm(when, step)
    if form:
        app.test_client().post(path, data=form)
    else:
        delivery = app.extensions[EXTENSION].delivery
        for submission in delivery.outbox.claim(1):
            delivery.sender.attempt(submission)


def run_import(settings: Settings, when: str, step: str, data: bytes) -> None:
    """Import a file, and die on the way."""
    app = create_app(settings)
    arm(when, step)
    services = app.extensions[EXTENSION]
    delivery, definition = services.delivery, services.definitions["contact"]
    draft = store_file(delivery.imports, definition, data, operator=None)
    delivery.imports.start(draft.id, DuplicateRows.FIRST)
    delivery.imports.feeder.enqueue_due_rows()
    for submission in delivery.outbox.claim(1):
        delivery.sender.attempt(submission)
