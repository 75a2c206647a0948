"""A pytest plugin with the tiers of tests: quick ones, and those that are `slow` or `nightly`.

A slow test starts a process, needs a server or a browser, waits, takes a third of a second, or
walks through many pages of one feature; `make quick` leaves it out. An unmarked test that starts a
process or sleeps fails. A nightly test repeats a promise on another database or browser, or goes
through more of its cases; `make test` leaves it out. Some are known by where they stand and by
their fixtures and marked here; the others carry the mark themselves.
"""

import functools
import os
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import pytest

MAX_SLEEP_S: Final = 0.05

_FIXTURES: Final = frozenset({"browser", "postgres"})
# What `make test` runs on PostgreSQL too: there it differs. The rest of the matrix is nightly.
ON_POSTGRESQL: Final = [
    Path(__file__).with_name(folder) / f"test_{name}.py"
    for folder, name in (
        ("outbox", "outbox"),
        ("outbox", "crashes"),
        ("imports", "imports"),
        ("verification", "codes"),
        ("statistics", "statistics"),
    )
]
# What starts a process. No audit hook: one written in Python lets threads collide that set a trace
# function, as coverage does in each thread.
_STARTERS: Final = (
    (subprocess.Popen, "__init__"),
    (BaseProcess, "start"),
    (os, "fork"),
    (os, "posix_spawn"),
    (os, "system"),
)

# The thread that runs a quick test. Threads of the simulated portal and of the app may sleep.
_guarded: set[int] = set()


def is_slow(path: Path, fixtures: Collection[str], parameters: Mapping[str, object]) -> bool:
    """Return whether a test is slow by its folder, its fixtures or its parameters."""
    return (
        path.parent.name in ("browser", "journeys")
        or not _FIXTURES.isdisjoint(fixtures)
        or "postgresql" in parameters.values()
    )


def is_nightly(path: Path, parameters: Mapping[str, object]) -> bool:
    """Return whether a test is nightly by its parameters: most are, on PostgreSQL."""
    return "postgresql" in parameters.values() and path not in ON_POSTGRESQL


def _fail(what: str) -> None:
    pytest.fail(f"This test {what}: mark it with @pytest.mark.slow, or do without.")


def _guarded_start(start: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(start)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() in _guarded:
            _fail("starts a process")
        return start(*args, **kwargs)

    return guarded


_sleep = time.sleep


def _guarded_sleep(seconds: float) -> None:
    if seconds > MAX_SLEEP_S and threading.get_ident() in _guarded:
        _fail(f"sleeps for {seconds} seconds")
    _sleep(seconds)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, and watch what tests do."""
    config.addinivalue_line(
        "markers", "slow: starts a process, needs a server or browser, sleeps, or takes long"
    )
    config.addinivalue_line(
        "markers", "nightly: the same promise on another database or browser, or more of its cases"
    )
    if gone := [str(path) for path in ON_POSTGRESQL if not path.exists()]:
        raise pytest.UsageError(f"tests/tiers.py names files that are not there: {gone}")
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for owner, name in _STARTERS:
        patch.setattr(owner, name, _guarded_start(getattr(owner, name)))
    patch.setattr(time, "sleep", _guarded_sleep)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test that is slow or nightly by its place, its fixtures or its parameters."""
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec else {}
    if is_slow(item.path, getattr(item, "fixturenames", ()), parameters):
        item.add_marker("slow")
    if is_nightly(item.path, parameters):
        item.add_marker("nightly")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start slow tests first, so that quick ones fill the gaps at the end of a run in parallel."""
    turns: dict[Path, int] = {}  # of files: the tests of one stay together
    for item in items:
        turns[item.path] = min(_turn(item), turns.get(item.path, 2))
    items.sort(key=lambda item: turns[item.path])


def _turn(item: pytest.Item) -> int:
    if item.path.parent.name in ("browser", "journeys"):
        return 0
    return 1 if item.get_closest_marker("slow") else 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Guard a quick test, its fixtures included."""
    thread = threading.get_ident()
    if not item.get_closest_marker("slow"):
        _guarded.add(thread)
    try:
        return (yield)
    finally:
        _guarded.discard(thread)
