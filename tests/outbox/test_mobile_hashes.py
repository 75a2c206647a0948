"""Submissions with one number are found by its keyed hash, whoever stored them, until erased."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox.rows import Submission, Timing, table
from webapp.verification.unverified import Unverified

TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(minutes=2))
MOBILE, OTHER = "09121234567", "09127654321"
KEY = "ab" * 32


@pytest.fixture
def database(database_url: str) -> Database:
    """Return a database with two keys, of which the second is the older one."""
    return Database(database_url, secret_keys=("new key", "old key"))


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """Return its outbox."""
    return Outbox(database, TIMING)


@pytest.fixture
def unverified(database: Database) -> Unverified:
    """Return the submissions that wait for a code."""
    return Unverified(database, TIMING)


def add(outbox: Outbox, mobile: str = MOBILE, key: str = KEY, *, send: bool = False) -> Submission:
    """Store a submission."""
    return outbox.add(Contact(Mobile=mobile), key, form="news", send=send)[0]


def found(outbox: Outbox, mobile: str = MOBILE) -> list[str]:
    """Return the keys of what waits with this number."""
    return [submission.key for submission in outbox.review.waiting_for(mobile)]


def hashes(database: Database) -> list[str | None]:
    """Return the hash in each row."""
    with database.read() as connection:
        return list(connection.execute(select(table.c.mobile_hash)).scalars())


def test_submission_is_found_by_its_number_and_no_other(outbox: Outbox) -> None:
    """At once, and also those that are being sent."""
    add(outbox)
    add(outbox, OTHER, "cd" * 32, send=True)
    assert found(outbox) == [KEY]
    assert found(outbox, OTHER) == ["cd" * 32]


def test_number_is_found_by_an_older_key_and_not_by_a_foreign_one(
    outbox: Outbox, database_url: str
) -> None:
    """While `SECRET_KEY` is changed; and the hash says nothing to who does not have the key."""
    add(Outbox(Database(database_url, secret_keys=("old key",)), TIMING))
    assert found(outbox) == [KEY]
    foreign = Outbox(Database(database_url, secret_keys=("foreign key",)), TIMING)
    assert found(foreign) == []


def test_corrected_number_replaces_the_former_one(outbox: Outbox) -> None:
    """The hash changes with the contact."""
    added = add(outbox)
    outbox.review.correct(added.reference, Contact(Mobile=OTHER), send=False)
    assert found(outbox) == []
    assert found(outbox, OTHER) == [KEY]


def test_verified_number_is_found_and_an_unverified_one_is_not(
    outbox: Outbox, unverified: Unverified
) -> None:
    """An unverified submission waits for nobody but its sender."""
    unverified.add(Contact(Mobile=MOBILE), KEY, form="news")
    assert found(outbox) == []
    unverified.verify(KEY, send=False, status="")
    assert found(outbox) == [KEY]


ERASING: dict[str, Callable[[Outbox, Submission], object]] = {
    "delivered": lambda outbox, it: outbox.deliver(it, 1),
    "rejected": lambda outbox, it: outbox.reject(it, "Mobile_Invalid", erase=True),
    "discarded": lambda outbox, it: (
        outbox.hold_after_attempt(it, "Failed"),
        outbox.review.discard(it.reference),
    ),
}


def test_hash_is_erased_with_its_contact(
    outbox: Outbox, database: Database, unverified: Unverified
) -> None:
    """However a submission ends."""
    for number, (name, erase) in enumerate(ERASING.items()):
        erase(outbox, add(outbox, key=f"a{number}" * 32, send=True))
        assert hashes(database) == [None] * (number + 1), name
    unverified.add(Contact(Mobile=MOBILE), KEY, form="news")
    unverified.erase(KEY, status="Mobile_Invalid")
    assert set(hashes(database)) == {None}
