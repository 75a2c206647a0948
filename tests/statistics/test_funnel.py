"""The counts of visitors' steps: in memory first, then in the database, and not lost at an end."""

import signal
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
import requests
from counted import CountedOutbox as Outbox
from outbox_entries import TIMING
from serving import serve

from webapp.database import Database, DatabaseError
from webapp.statistics import COUNTS_RETENTION, today
from webapp.statistics import funnel as module
from webapp.statistics.funnel import Funnel, FunnelStep


def counts(database: Database) -> dict[tuple[str, str], int]:
    """Return today's counts in the database by form and step."""
    found = Funnel(database).counts(today(), today())
    return {(one.form, str(one.step)): one.count for one in found}


def test_processes_add_up_what_they_count(database_url: str) -> None:
    """Nothing is written before the flush, and nothing twice."""
    processes = [Funnel(Database(database_url)) for _ in range(2)]
    for process in processes:
        for _ in range(3):
            process.count("news", FunnelStep.SHOWN)
        process.count("news", FunnelStep.SUBMITTED)
    processes[0].count("event", FunnelStep.CODE_SENT)
    assert counts(Database(database_url)) == {}
    for process in (*processes, *processes):
        process.flush()
    assert counts(Database(database_url)) == {
        ("news", "shown"): 6,
        ("news", "submitted"): 2,
        ("event", "code_sent"): 1,
    }


def test_counts_stay_in_memory_while_the_database_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are written when it works again, with those that came since."""
    database = Database(f"sqlite:///{tmp_path}/outbox.sqlite3")
    funnel = Funnel(database)
    funnel.count("news", FunnelStep.SHOWN)
    fail = Mock(side_effect=DatabaseError("Full"))
    with monkeypatch.context() as broken:
        broken.setattr(database, "write", fail)
        with pytest.raises(DatabaseError):
            funnel.flush()
    funnel.count("news", FunnelStep.SHOWN)
    funnel.flush()
    assert counts(database) == {("news", "shown"): 2}


def test_stop_writes_what_was_counted_last(tmp_path: Path) -> None:
    """Long before the thread would."""
    database = Database(f"sqlite:///{tmp_path}/outbox.sqlite3")
    funnel = Funnel(database)
    funnel.start()
    funnel.count("news", FunnelStep.SHOWN)
    funnel.stop()
    assert counts(database) == {("news", "shown"): 1}


def test_old_counts_are_deleted_with_the_daily_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the worker's purge."""
    database = Database(f"sqlite:///{tmp_path}/outbox.sqlite3")
    funnel = Funnel(database)
    for age in (0, COUNTS_RETENTION.days + 1):
        day = today() - timedelta(days=age)
        monkeypatch.setattr(module, "today", lambda day=day: day)
        funnel.count("news", FunnelStep.SHOWN)
    funnel.flush()
    Outbox(database, TIMING).statistics.purge()
    found = funnel.counts(today() - timedelta(days=1000), today())
    assert [one.day for one in found] == [today()]


@pytest.mark.slow
@pytest.mark.parametrize("deliverer", [pytest.param("inline", marks=pytest.mark.nightly), "off"])
def test_server_that_is_stopped_writes_what_was_counted_last(
    tmp_path: Path, deliverer: str
) -> None:
    """Each web process does, with a delivery worker or without."""
    environ = {"STATE_DIRECTORY": str(tmp_path), "DELIVERER": deliverer, "WEB_CONCURRENCY": "2"}
    with serve(tmp_path, **environ) as server:
        for path in ("/f/signup", "/embed/signup", "/"):
            assert requests.get(server.url + path, timeout=30).ok
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    database = Database(f"sqlite:///{tmp_path}/demo.sqlite3")
    assert counts(database) == {("signup", "shown"): 2}
