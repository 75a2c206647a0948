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


def test_tier_of_a_test_follows_from_its_folder_fixtures_and_parameters() -> None:
    """Whatever runs a browser or PostgreSQL is slow without a mark of its own."""
    on_sqlite, on_postgresql = {"database_url": "sqlite"}, {"database_url": "postgresql"}
    cases: list[tuple[str, list[str], dict[str, str], bool, bool]] = [
        ("web/test_page.py", ["client", "portal"], on_sqlite, False, False),
        ("browser/test_contact.py", [], {}, True, False),
        ("journeys/test_operators.py", [], {}, True, False),
        ("web/test_page.py", ["browser"], {}, True, False),
        ("delivery/test_database.py", ["postgres"], {}, True, False),
        ("delivery/test_database.py", ["database_url"], on_postgresql, True, True),
        ("delivery/test_outbox.py", ["database_url"], on_postgresql, True, False),
        ("web/test_outbox.py", ["database_url"], on_postgresql, True, True),
    ]
    for name, fixtures, parameters, slow, nightly in cases:
        path = Path("tests", name)
        assert tiers.is_slow(path, fixtures, parameters) is slow, name
        assert tiers.is_nightly(path, parameters) is nightly, name


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
