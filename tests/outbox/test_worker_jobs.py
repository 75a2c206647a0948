"""What a delivery worker does beside delivering: failing jobs, and none at all."""

import pytest
from support import wait_until, working

from webapp.contact import Contact
from webapp.database import Database
from webapp.demo import Simulator
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
