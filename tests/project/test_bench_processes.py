"""How the benchmark counts memory and processor time."""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING

import pytest
from processes import pss_megabytes

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

MEGABYTES = 64


def _hold_and_fork(ready: Event, done: Event) -> None:
    """Fill memory, and share it with a child."""
    data = os.urandom(1024) * (MEGABYTES * 1024)
    child = multiprocessing.get_context("fork").Process(target=_wait, args=(ready, done))
    child.start()
    child.join()
    assert data


def _wait(ready: Event, done: Event) -> None:
    ready.set()
    done.wait(60)


@pytest.mark.nightly
@pytest.mark.slow
def test_memory_shared_with_a_forked_child_counts_once() -> None:
    """As gunicorn's workers share with their master; resident sizes would count it twice."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_hold_and_fork, args=(ready, done))
    process.start()
    assert ready.wait(60)
    assert process.pid is not None
    held = pss_megabytes(process.pid)
    done.set()
    process.join(60)
    assert MEGABYTES < held < 1.9 * MEGABYTES
