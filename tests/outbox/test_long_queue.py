"""A queue that is too long for one statement: what pauses, restores and retries do to it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from address_book import AddressBook
from sqlalchemy import text

from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.outbox import Outbox
from webapp.outbox import review as review_module
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import State, Timing
from webapp.outbox.sender import AcceptedLengths, Sender
from webapp.outbox.worker import Worker
from webapp.portal import SlowDown

TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(minutes=2))
ROWS = 25


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return a database in which one statement may change no more than ten rows."""
    monkeypatch.setattr(review_module, "_BATCH_ROWS", 10)
    return Database(database_url)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """Return an outbox with many rows that wait for a later attempt."""
    outbox = Outbox(database, TIMING)
    for number in range(ROWS):
        key = f"{number:02x}" * 32
        added, _ = outbox.add(Contact(Mobile="09121234567"), key, form="news", send=True)
        outbox.postpone(added, timedelta(minutes=10), status="SlowDown")
    return outbox


def states(database: Database) -> list[tuple[str, bool]]:
    """Return each row's state, and whether it is uncertain."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT state, uncertain FROM outbox ORDER BY id")).all()
    return [(row.state, bool(row.uncertain)) for row in rows]


def test_probe_that_succeeds_ends_the_pause_before_it_wakes_the_queue(
    database: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that fails on the way leaves a queue that runs, if later."""
    breaker, book = CircuitBreaker(database), AddressBook()
    sender = Sender(book, outbox, breaker, TIMING, AcceptedLengths(database))
    worker = Worker(outbox, breaker, sender, TIMING, calls=1)
    breaker.failed(SlowDown(retry_after=1.0))
    monkeypatch.setattr(outbox, "make_due_now", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worker._probe()  # noqa: SLF001  the thread of its own would need a clock
    assert breaker.read_pause() is None
    monkeypatch.undo()
    monkeypatch.setattr(review_module, "_BATCH_ROWS", 10)
    outbox.make_due_now()
    assert len(outbox.claim(ROWS)) == ROWS - 1  # one was the probe


def test_everything_is_marked_or_queued_again_in_batches_with_their_progress(
    database: Database, outbox: Outbox
) -> None:
    """The count at the end is that of all."""
    told: list[int] = []
    assert outbox.review.mark_uncertain(progress=told.append) == ROWS
    assert told == [10, 20, 25]
    assert states(database) == [("queued", True)] * ROWS
    with database.write() as connection:
        connection.execute(text("UPDATE outbox SET state = 'held', status = 'Failed'"))
    told.clear()
    assert outbox.review.retry(progress=told.append) == ROWS
    assert told == [10, 20, 25]
    assert {state for state, _ in states(database)} == {State.QUEUED}


def test_database_that_fails_between_two_batches_keeps_the_first_one(
    database: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says how many are done; run again, it does the rest."""
    told: list[int] = []
    write = database.write

    def fail_after_the_first_batch() -> Iterator[object]:
        if told:
            raise DatabaseError("OperationalError")
        return write()  # type: ignore[return-value]

    monkeypatch.setattr(database, "write", fail_after_the_first_batch)
    with pytest.raises(DatabaseError):
        outbox.review.mark_uncertain(progress=told.append)
    monkeypatch.undo()
    assert states(database).count(("queued", True)) == 10
    assert outbox.review.mark_uncertain() == ROWS
