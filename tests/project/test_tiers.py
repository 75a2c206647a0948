"""The two tiers of tests: what counts as slow, and what a quick test must not do."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tiers

TOO_LONG = tiers.MAX_SLEEP_S + 0.01


@pytest.mark.parametrize(
    ("path", "fixtures", "parameters", "slow"),
    [
        ("tests/web/test_page.py", ["client", "portal"], {"database_url": "sqlite"}, False),
        ("tests/browser/test_contact.py", [], {}, True),
        ("tests/journeys/test_operators.py", [], {}, True),
        ("tests/web/test_page.py", ["browser"], {}, True),
        ("tests/delivery/test_database.py", ["postgres"], {}, True),
        ("tests/delivery/test_database.py", ["database_url"], {"database_url": "postgresql"}, True),
    ],
)
def test_tier_of_a_test_follows_from_its_folder_fixtures_and_parameters(
    path: str, fixtures: list[str], parameters: dict[str, object], *, slow: bool
) -> None:
    """Whatever runs a browser or PostgreSQL is slow without a mark of its own."""
    assert tiers.is_slow(Path(path), fixtures, parameters) is slow


def test_quick_test_that_starts_a_process_fails() -> None:
    """The message says what it did and what to do."""
    with pytest.raises(pytest.fail.Exception, match=r"starts a process: .*@pytest\.mark\.slow"):
        subprocess.run([sys.executable, "--version"], check=False)


def test_quick_test_that_sleeps_long_fails() -> None:
    """A short wait within a loop is no sleep."""
    time.sleep(0.001)
    with pytest.raises(pytest.fail.Exception, match=r"sleeps for .*@pytest\.mark\.slow"):
        time.sleep(TOO_LONG)


def test_thread_beside_a_quick_test_may_sleep() -> None:
    """The simulated portal delays its answers."""
    awake = threading.Event()
    thread = threading.Thread(target=lambda: (time.sleep(TOO_LONG), awake.set()))
    thread.start()
    thread.join()
    assert awake.is_set()


@pytest.mark.slow
def test_slow_test_may_start_a_process_and_sleep() -> None:
    """The guard is off."""
    time.sleep(TOO_LONG)
    done = subprocess.run([sys.executable, "--version"], check=False, stdout=subprocess.DEVNULL)
    assert done.returncode == 0
