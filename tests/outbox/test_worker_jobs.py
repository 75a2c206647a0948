"""What a delivery worker does beside delivering: failing jobs, and none at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update
from support import wait_until, working

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox.rows import RETENTION, table
from webapp.statistics import CountedOutcome, today
from webapp.web.rendering import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask
    from sqlalchemy import Connection

    from webapp.demo.server import Simulator
    from webapp.services import DeliveryServices

CONTACT = Contact(Mobile="09121234567")


def fail() -> None:
    """Do what a job does whose database or bug will not go away."""
    raise ZeroDivisionError


@pytest.mark.slow
def test_job_that_always_fails_does_not_slow_delivery(
    delivery: DeliveryServices, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the job itself is run less often: here, once an hour."""
    monkeypatch.setattr("webapp.outbox.worker._ERROR_INTERVAL_S", 3_600.0)
    delivery.worker.every(0.0, fail)
    keys = [f"{number:064x}" for number in range(40)]
    for key in keys:
        delivery.outbox.add(CONTACT, key, form="contact", send=False)
    with working(delivery):
        wait_until(lambda: len(portal.contacts) == len(keys))


def test_worker_without_work_does_not_take_the_lock_for_writing(
    delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten of them wrote 38 times a second, and everybody's submission waited for that lock."""
    monkeypatch.setattr("webapp.outbox.worker._POLL_INTERVAL_S", 0.001)
    turns: list[int] = []
    writes: list[int] = []
    delivery.worker.every(0.0, lambda: turns.append(1))
    write = Database.write

    def counted(database: Database) -> object:
        writes.append(1)
        return write(database)

    monkeypatch.setattr(Database, "write", counted)
    with working(delivery):
        wait_until(lambda: len(turns) >= 50)
    assert len(writes) < 10  # the first purge


@pytest.mark.parametrize("is_from_former_version", [False, True])
def test_time_until_delivery_is_the_one_that_was_stored(
    make_app: Callable[..., Flask],
    database_url: str,
    *,
    is_from_former_version: bool,
) -> None:
    """Whenever the row is to be purged; a process of the former version stored nothing else."""
    app = make_app(database_url=database_url)
    delivery: DeliveryServices = app.extensions[EXTENSION].delivery
    submission, _ = delivery.outbox.add(CONTACT, "ab" * 32, form="contact", send=True)
    delivery.outbox.deliver(submission, 1)
    with delivery.database.write() as connection:
        delivered_at = _value(connection, "delivered_at")
        changes = {"created_at": delivered_at - timedelta(seconds=30)}
        if is_from_former_version:
            changes |= {"delivered_at": None, "due": delivered_at + RETENTION}
        else:
            changes["due"] = delivered_at + timedelta(days=1)
        connection.execute(update(table).values(changes))
    delivery.statistics.count_settled()
    (count,) = delivery.statistics.counts(today() - timedelta(days=1), today())
    assert (count.outcome, count.timed, count.seconds) == (CountedOutcome.DELIVERED, 1, 30.0)


def _value(connection: Connection, name: str) -> datetime:
    """Return a time of the only row."""
    found: datetime = connection.execute(select(table.c[name])).scalar_one()
    return found
