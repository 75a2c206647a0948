"""The counts by day, on both databases: exact at any time, and kept longer than the rows."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from counted import CountedOutbox as Outbox
from outbox_entries import TIMING
from sqlalchemy import event, insert, select, update

from webapp import statistics as module
from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox.rows import HONEYPOT, RETENTION, Submission, table
from webapp.persian import IRAN
from webapp.services import DeliveryServices
from webapp.statistics import COUNTS_RETENTION, CountedOutcome, today

CONTACT = Contact(Mobile="09121234567", FName="سارا")
DAY = timedelta(days=1)


def key(number: int) -> str:
    """Return a submission's key; each has another reference."""
    return f"{number:02x}" * 32


def add(outbox: Outbox, number: int, form: str = "news") -> Submission:
    """Store a submission that is being sent."""
    return outbox.add(CONTACT, key(number), form=form, send=True)[0]


def change(database: Database, number: int, **values: object) -> None:
    """Change a row's columns."""
    with database.write() as connection:
        connection.execute(update(table).where(table.c.key == key(number)).values(**values))


def moved(database: Database, number: int, days: int) -> None:
    """Let a row have come some days ago, and have been settled a second after it came."""
    came = datetime.now(UTC).replace(tzinfo=None) - days * DAY
    delivered_at = came + timedelta(seconds=1)
    due = delivered_at + RETENTION
    change(database, number, created_at=came, due=due, delivered_at=delivered_at)


def counted(outbox: Outbox, days: int = 400) -> dict[tuple[int, str, str], int]:
    """Return the counts by age in days, form and outcome."""
    last = today()
    return {
        ((last - one.day).days, one.form, str(one.outcome)): one.count
        for one in outbox.statistics.counts(last - days * DAY, last)
    }


def fill(outbox: Outbox) -> Counter[tuple[int, str, str]]:
    """Store a submission of each outcome; return what is to be counted."""
    outbox.deliver(add(outbox, 1), 1)
    outbox.deliver(add(outbox, 2, "contact"), 2)
    add(outbox, 3)
    outbox.add(CONTACT, key(4), form="news", send=False)
    outbox.hold(CONTACT, key(5), form="news", reason=HONEYPOT)
    outbox.reject(add(outbox, 6), "Mobile_Invalid", erase=False)
    outbox.reject(add(outbox, 7), "Mobile_Invalid", erase=True)
    held = outbox.hold(CONTACT, key(8), form="news", reason=HONEYPOT)[0]
    outbox.review.discard(held.reference)
    return Counter(
        {
            (0, "news", "delivered"): 1,
            (0, "contact", "delivered"): 1,
            (0, "news", "waiting"): 2,
            (0, "news", "attention"): 2,
            (0, "news", "rejected"): 1,
            (0, "news", "discarded"): 1,
        }
    )


def test_each_outcome_is_counted_at_once_and_the_same_after_the_worker(outbox: Outbox) -> None:
    """Whether from the rows or from the table."""
    wanted = fill(outbox)
    assert counted(outbox) == wanted
    for _ in range(2):
        outbox.statistics.count_settled()
        assert counted(outbox) == wanted


def test_day_begins_at_midnight_in_iran(outbox: Outbox, database: Database) -> None:
    """A second before and the moment itself, from rows and from the table alike."""
    midnight = datetime.combine(today() - 3 * DAY, datetime.min.time(), IRAN)
    midnight = midnight.astimezone(UTC).replace(tzinfo=None)
    for number, offset in enumerate((-1, 0, 86_399, 86_400)):
        outbox.deliver(add(outbox, number), number)
        change(database, number, created_at=midnight + timedelta(seconds=offset))
    wanted = {(4, "news", "delivered"): 1, (3, "news", "delivered"): 2, (2, "news", "delivered"): 1}
    day = today() - 3 * DAY
    for _ in range(2):
        assert counted(outbox) == wanted
        assert [one.count for one in outbox.statistics.counts(day, day)] == [2]
        outbox.statistics.count_settled()


def test_row_that_changes_later_is_counted_by_its_last_outcome(
    outbox: Outbox, database: Database
) -> None:
    """On the day when it came, however often the worker has counted before."""
    held = outbox.hold(CONTACT, key(1), form="news", reason=HONEYPOT)[0]
    moved(database, 1, days=29)
    outbox.statistics.count_settled()
    assert counted(outbox) == {(29, "news", "attention"): 1}
    outbox.review.retry(held.reference)
    outbox.statistics.count_settled()
    assert counted(outbox) == {(29, "news", "waiting"): 1}
    (claimed,) = outbox.claim(1)
    outbox.deliver(claimed, 1)
    for _ in range(2):
        assert counted(outbox) == {(29, "news", "delivered"): 1}
        outbox.statistics.count_settled()


def test_frequent_count_takes_what_was_delivered_and_leaves_the_rest(outbox: Outbox) -> None:
    """What waits for an operator would be passed over every five seconds, by each worker."""
    outbox.deliver(add(outbox, 1), 1)
    held = outbox.hold(CONTACT, key(2), form="news", reason=HONEYPOT)[0]
    outbox.review.discard(held.reference)
    wanted = {(0, "news", "delivered"): 1, (0, "news", "discarded"): 1}
    for count, number in ((outbox.statistics.count_delivered, 1),
                          (outbox.statistics.count_settled, 1),
                          (outbox.statistics.count_settled, 0)):  # fmt: skip
        assert counted(outbox) == wanted
        assert count() == number
    assert counted(outbox) == wanted


def test_counts_outlive_the_rows_of_the_outbox(outbox: Outbox, database: Database) -> None:
    """Those of rows, too, that no worker had counted; what nobody looked after was discarded."""
    wanted = fill(outbox)
    for number in range(1, 9):
        moved(database, number, days=31)
    outbox.statistics.count_settled()
    outbox.deliver(add(outbox, 9), 9)
    moved(database, 9, days=31)
    assert len(outbox.purge()) == 2
    assert outbox.purge() == []
    outbox.statistics.count_settled()
    left = {(31, *rest): number for (_, *rest), number in wanted.items()}
    left[31, "news", "delivered"] += 1
    del left[31, "news", "attention"]
    left[31, "news", "discarded"] += 1
    left[31, "news", "rejected"] += 1
    assert counted(outbox) == left
    with database.read() as connection:
        assert len(connection.execute(select(table)).all()) == 2


def test_counts_are_deleted_after_four_hundred_days(outbox: Outbox, database: Database) -> None:
    """Not a day sooner."""
    days = COUNTS_RETENTION.days
    for number, age in enumerate((days - 1, days, days + 1)):
        outbox.deliver(add(outbox, number), number)
        moved(database, number, days=age)
    outbox.statistics.count_settled()
    outbox.statistics.purge()
    assert {age for age, _, _ in counted(outbox, days + 5)} == {days - 1, days}


def test_discarded_is_discarded_whatever_it_was_before(outbox: Outbox, database: Database) -> None:
    """Rejected by the portal, held, or waiting; from the rows, from the table, and purged."""
    rejected, purged, waiting = (add(outbox, number) for number in (1, 2, 3))
    for submission in (rejected, purged):
        outbox.reject(submission, "Mobile_Invalid", erase=False)
    outbox.postpone(waiting, timedelta(0), failed=True)
    held = outbox.hold(CONTACT, key(4), form="news", reason=HONEYPOT)[0]
    outbox.reject(add(outbox, 5), "Mobile_Invalid", erase=True)
    for submission in (rejected, purged, waiting, held):
        assert outbox.review.discard(submission.reference)
    wanted = {(0, "news", "discarded"): 4, (0, "news", "rejected"): 1}
    assert counted(outbox) == wanted
    change(database, 2, due=table.c.created_at)
    outbox.purge()
    assert counted(outbox) == wanted
    outbox.statistics.count_settled()
    assert counted(outbox) == wanted


def test_rows_beyond_what_a_page_may_count_are_left_to_the_worker(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that counts a million rows itself exceeds the time limit of a statement."""
    monkeypatch.setattr(module, "MAX_LIVE_ROWS", 2)
    outbox.deliver(add(outbox, 1), 1)
    outbox.statistics.count_settled()
    for number in (2, 3, 4):
        assert not outbox.statistics.is_behind()
        outbox.deliver(add(outbox, number), number)
    assert outbox.statistics.is_behind()
    (stored,) = outbox.statistics.counts(today(), today(), live=False)
    assert stored.count == 1
    assert sum(counted(outbox).values()) == 4
    outbox.statistics.count_settled()
    assert not outbox.statistics.is_behind()


def together(*works: Callable[[], object]) -> None:
    """Run these at the same time."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        work()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_several_workers_at_once_count_each_row_once(
    outbox: Outbox, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on several machines, some of which purge at the same time."""
    monkeypatch.setattr(module, "_BATCH_ROWS", 7)
    monkeypatch.setattr("webapp.outbox._PURGE_BATCH_ROWS", 11)
    outbox.deliver(add(outbox, 0), 0)
    with database.write() as connection:
        (row,) = connection.execute(select(table)).mappings()
        expired = {"due": row["created_at"]}
        rows = [
            {**row, "id": None, "key": key(number), "form": f"f{number % 5}"}
            | (expired if number % 2 else {})
            for number in range(1, 121)
        ]
        for one in rows:
            del one["id"]
        connection.execute(insert(table), rows)
    machines = [Outbox(Database(database_url), TIMING) for _ in range(3)]
    for machine in machines:
        machine.review.oldest()  # opened
    wanted = counted(outbox)
    assert sum(wanted.values()) == 121
    together(*(work for it in machines for work in (it.statistics.count_settled, it.purge)))
    for machine in machines:
        for _ in range(12):
            machine.purge()
            machine.statistics.count_settled()
    assert counted(outbox) == wanted
    with database.read() as connection:
        kept = connection.execute(select(table.c.counted)).scalars().all()
    assert kept == [True] * 61


def test_features_register_their_work_with_the_worker(delivery: DeliveryServices) -> None:
    """It counts what has settled, and purges, though the outbox knows none of them."""
    work = {job.work.__qualname__ for job in delivery.worker._jobs}  # type: ignore[attr-defined]  # noqa: SLF001
    assert work >= {
        *("Statistics.count_settled", "Statistics.purge"),
        *("Unverified.purge", "Imports.purge", "Feeder.enqueue_due_rows"),
    }


def test_what_the_worker_purges_stays_counted(delivery: DeliveryServices) -> None:
    """Before it was counted otherwise, in the transaction that deletes it."""
    delivery.outbox.hold(CONTACT, key(1), form="news", reason=HONEYPOT)
    with delivery.database.write() as connection:
        connection.execute(update(table).values(due=table.c.created_at))
    delivery.outbox.purge()
    assert delivery.outbox.find(key(1)) is None
    (count,) = delivery.statistics.counts(today() - DAY, today())
    assert (count.outcome, count.count) == (CountedOutcome.DISCARDED, 1)


def test_nothing_is_written_while_nothing_has_settled(outbox: Outbox, database: Database) -> None:
    """A quiet database stays quiet."""
    add(outbox, 1)
    statements: list[str] = []
    engine = database._open()  # noqa: SLF001
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    outbox.statistics.count_settled()
    assert len([it for it in statements if "SELECT" in it]) == 3  # one a settled state
    assert not [it for it in statements if "UPDATE" in it.split("FOR UPDATE")[0]]


def test_submission_from_the_future_hides_no_other(outbox: Outbox, database: Database) -> None:
    """The clock of another machine may be ahead."""
    add(outbox, 1)
    moved(database, 1, days=-2)
    assert counted(outbox) == {}
    add(outbox, 2)
    assert counted(outbox) == {(0, "news", "waiting"): 1}
