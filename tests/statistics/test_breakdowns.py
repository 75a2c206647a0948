"""Counts by source, operator, way, hour and delay, on both databases."""

from datetime import datetime, timedelta

import pytest
from counted import CountedOutbox as Outbox
from sqlalchemy import update

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox.rows import ANONYMOUS, HONEYPOT, Submitter, table
from webapp.statistics import COUNTS_RETENTION, today
from webapp.statistics import breakdowns as module
from webapp.statistics.breakdowns import OTHER, Breakdown

CONTACT = Contact(Mobile="09121234567", FName="سارا")
DAY = timedelta(days=1)


def deliver(outbox: Outbox, number: int, source: str, form: str = "news") -> None:
    """Let a visitor's submission have been delivered."""
    settle(outbox, number, form, Submitter(source=source))


def settle(
    outbox: Outbox, number: int, form: str, by: Submitter = ANONYMOUS, **changes: object
) -> None:
    """Let a submission have been delivered, with these values in its row."""
    key = f"{number:02x}" * 32
    outbox.deliver(outbox.add(CONTACT, key, form=form, send=True, by=by)[0], number)
    if changes:
        with outbox.statistics._database.write() as connection:  # noqa: SLF001
            connection.execute(update(table).where(table.c.key == key).values(**changes))


def top(outbox: Outbox, most: int = 20) -> list[tuple[str, int]]:
    """Return the counts of four hundred days by source; only the form "news" lists sources."""
    days = today() - 400 * DAY, today()
    return outbox.statistics.breakdowns.top(Breakdown.SOURCE, *days, most=most, listing=["news"])


def test_delivered_submissions_are_counted_by_source_once(outbox: Outbox) -> None:
    """When the worker counts them, however often; others are not."""
    for number, source in enumerate(("اینستا", "", "اینستا", "پوستر")):
        deliver(outbox, number, source)
    deliver(outbox, 10, "اینستا", form="event")
    deliver(outbox, 11, "", form="event")
    by = Submitter(source="روبات")
    outbox.hold(CONTACT, "aa" * 32, form="news", reason=HONEYPOT, by=by)
    assert top(outbox) == []
    for _ in range(2):
        outbox.statistics.count_settled()
        assert top(outbox) == [("اینستا", 3), ("پوستر", 1), ("", 1)]
        assert top(outbox, most=1) == [("اینستا", 3), (OTHER, 1), ("", 1)]
    daily = outbox.statistics.breakdowns.daily(Breakdown.SOURCE, today(), today())
    assert [(one.day, one.form, one.name, one.count) for one in daily][:2] == [
        (today(), "event", "", 1),
        (today(), "event", "اینستا", 1),
    ]


def test_purged_submissions_stay_counted(outbox: Outbox, database: Database) -> None:
    """Whether a worker had counted them before or not."""
    deliver(outbox, 1, "x")
    with database.write() as connection:
        connection.execute(update(table).values(due=table.c.created_at))
    assert outbox.purge() == []
    assert top(outbox) == [("x", 1)]


def test_rare_sources_beyond_the_limit_are_counted_together(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one day and form; known ones go on, and submissions without a source use up none."""
    monkeypatch.setattr(module, "MAX_SOURCES", 2)
    for number, source in enumerate(("a", "", "b")):
        deliver(outbox, number, source)
    outbox.statistics.count_settled()
    for number, source in enumerate(("c", "b", "d", ""), start=10):
        deliver(outbox, number, source)
    deliver(outbox, 20, "c", form="event")
    outbox.statistics.count_settled()
    assert top(outbox) == [("b", 2), ("a", 1), ("c", 1), (OTHER, 2), ("", 2)]
    assert top(outbox, most=1) == [("b", 2), (OTHER, 4), ("", 2)]


def test_delivered_submissions_are_counted_by_operator_way_hour_and_delay(outbox: Outbox) -> None:
    """Hours and operators of what was typed; the delay where it is stored, not inferred."""
    came = datetime.combine(today() - 2 * DAY, datetime.min.time()) + timedelta(
        hours=20, minutes=30
    )
    sara = Submitter(operator="sara")
    for number, (by, changes) in enumerate(
        (
            (sara, {"created_at": came, "delivered_at": came + timedelta(seconds=0.4)}),
            (sara, {"created_at": came, "delivered_at": came + timedelta(seconds=5)}),
            (ANONYMOUS, {"created_at": came, "delivered_at": came + timedelta(days=2)}),
            (sara, {"batch": 7, "created_at": came, "delivered_at": None}),
        )
    ):
        settle(outbox, number, "desk", by, **changes)
    settle(outbox, 9, "news", delivered_at=None, created_at=came)
    outbox.statistics.count_settled()
    breakdowns, day = outbox.statistics.breakdowns, today() - DAY
    assert {
        kind.value: breakdowns.top(kind, day, day, most=9, listing=["desk"])
        for kind in Breakdown
        if kind is not Breakdown.SOURCE
    } == {
        "operator": [("sara", 2), ("", 1)],
        "way": [("typed", 4), ("imported", 1)],
        "hour": [("00", 4)],
        "delay": [("1", 1), ("5", 1), (OTHER, 1)],
    }


def test_counts_by_source_are_deleted_with_the_others(outbox: Outbox, database: Database) -> None:
    """After four hundred days."""
    deliver(outbox, 1, "x")
    outbox.statistics.count_settled()
    for age, left in ((COUNTS_RETENTION.days, 1), (COUNTS_RETENTION.days + 1, 0)):
        with database.write() as connection:
            connection.execute(update(module.table).values(day=today() - age * DAY))
        outbox.statistics.purge()
        found = outbox.statistics.breakdowns.daily(Breakdown.SOURCE, today() - 500 * DAY, today())
        assert len(found) == left
