"""A form takes as many submissions as it has places, whoever sends at the same time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from clock import elapse
from servers import PostgresServer
from sqlalchemy import Connection, text, update

from webapp.contact import Contact
from webapp.database import Database
from webapp.database.engine import metadata
from webapp.outbox import Outbox
from webapp.outbox.rows import HONEYPOT, UNPROVEN, NoRoom, State, Submitter, Timing
from webapp.statistics import Capacity, Places, Statistics, today
from webapp.verification.unverified import Unverified

FORM = "event"
TIMING = Timing(deadline=timedelta(seconds=8), settle=timedelta(seconds=120))


class Machine:
    """A process with the form's places."""

    def __init__(self, url: str, capacity: Capacity) -> None:
        """Open the database."""
        self.database = Database(url, secret_keys=["key"])
        self.outbox = Outbox(self.database, TIMING)
        self.unverified = Unverified(self.database, TIMING, self.outbox.guards)
        self.statistics = Statistics(self.database)
        self.outbox.on_purge.append(self.statistics.add)
        self.places = Places(self.database, self.outbox)
        self.places.limit(FORM, capacity)

    def add(self, number: int, *, send: bool = False) -> bool:
        """Store a submission; return whether there was room."""
        return has_room(lambda: self.outbox.add(contact(number), key(number), form=FORM, send=send))

    def hold(self, number: int, *, reason: str = "", replaces: str = "") -> bool:
        """Store one for an operator."""
        own = contact(number), key(number)
        by = Submitter(replaces=replaces)
        return has_room(lambda: self.outbox.hold(*own, form=FORM, reason=reason, by=by))

    def wait(self, number: int, *, replaces: str = "") -> bool:
        """Store one that waits for its code."""
        return has_room(
            lambda: self.unverified.add(
                contact(number), key(number), form=FORM, by=Submitter(replaces=replaces)
            )
        )


def key(number: int) -> str:
    """Return a submission's key, with a reference of its own."""
    return f"{number:010x}".ljust(64, "0")


def contact(number: int) -> Contact:
    """Return a contact with a number of its own."""
    return Contact(Mobile=f"0912{number:07}")


def has_room(store: Callable[[], object]) -> bool:
    """Return whether a submission was stored."""
    try:
        store()
    except NoRoom:
        return False
    return True


def test_fifty_at_once_for_the_last_place_give_one(database_url: str) -> None:
    """By any way into the outbox, from two processes; what is refused leaves no row."""
    machines = [Machine(database_url, Capacity(5)) for _ in range(2)]
    assert all(machines[0].add(number) for number in range(4))
    start = Barrier(50)

    def send(number: int) -> bool:
        machine = machines[number % 2]
        start.wait()
        ways = (machine.add, machine.hold, machine.wait)
        return ways[number % 3](number)

    with ThreadPoolExecutor(50) as threads:
        stored = list(threads.map(send, range(100, 150)))
    assert stored.count(True) == 1
    assert [machine.places.read_taken(FORM) for machine in machines] == [5, 5]
    winner = 100 + stored.index(True)
    again = (machines[1].add, machines[1].hold, machines[1].wait)[winner % 3]
    assert again(winner), "the one that has the place is known, not refused"


def test_the_last_place_is_given_once_while_two_transactions_are_open(
    postgres: PostgresServer, migrated: str
) -> None:
    """On PostgreSQL, which lets both insert: the second waits until the first is on the disk."""
    url = postgres.create("outbox", template=migrated)
    one, other = Machine(url, Capacity(1)), Machine(url, Capacity(1))
    check, waiting = one.outbox.guards[FORM], text("SELECT 1 FROM pg_locks WHERE NOT granted")
    with ThreadPoolExecutor(1) as thread:
        second: list[Future[bool]] = []

        def check_and_stay(connection: Connection) -> None:
            check(connection)
            second.append(thread.submit(other.add, 2))
            while not (second[0].done() or connection.execute(waiting).first()):
                pass

        one.outbox.guards[FORM] = check_and_stay
        assert one.add(1)
        assert not second[0].result()
    assert one.places.read_taken(FORM) == 1


def test_a_place_is_free_once_its_submission_is_rejected_discarded_or_expired(
    database_url: str,
) -> None:
    """And not before: what is held or waits for its code keeps it."""
    machine = Machine(database_url, Capacity(1))
    assert machine.add(1, send=True)
    submission = machine.outbox.find(key(1))
    machine.outbox.reject(submission, "Mobile_Invalid", erase=False)
    assert machine.hold(2), "rejected"
    assert not machine.add(3)
    held = machine.outbox.find(key(2))
    assert machine.outbox.review.discard(held.reference)
    assert machine.wait(4), "discarded"
    assert not machine.add(5)
    assert machine.wait(6, replaces=key(4)), "a corrected number takes the place of the former"
    assert not machine.wait(7, replaces=key(4)), "which is gone"
    elapse(machine.database, timedelta(hours=2).total_seconds())
    machine.unverified.purge()
    assert machine.add(8), "expired"


def test_what_is_in_the_honeypot_takes_no_place_until_an_operator_sends_it(
    database_url: str,
) -> None:
    """A robot closes no form; what else is held may come from a person, and keeps its place."""
    machine = Machine(database_url, Capacity(1))
    assert all(machine.hold(number, reason=HONEYPOT) for number in (1, 2))
    assert machine.places.read_taken(FORM) == 0
    assert machine.hold(3, reason=UNPROVEN)
    assert machine.hold(4, reason=HONEYPOT), "a robot is told nothing"
    assert not machine.add(5)
    assert machine.outbox.review.retry(machine.outbox.find(key(1)).reference)
    assert machine.places.read_taken(FORM) == 2


def test_a_corrected_suspect_takes_over_the_place_of_the_former(database_url: str) -> None:
    """Whoever corrects it, and whether the corrected one is suspect or not."""
    machine = Machine(database_url, Capacity(1))
    assert machine.hold(1, reason=HONEYPOT)
    assert machine.hold(2, reason=HONEYPOT, replaces=key(1)), "by a visitor before the code"
    assert machine.wait(3, replaces=key(2)), "without the honeypot"
    assert machine.hold(4, reason=UNPROVEN, replaces=key(3))
    assert machine.places.read_taken(FORM) == 1
    assert [machine.outbox.find(key(number)) for number in (1, 2, 3)] == [None] * 3
    assert not machine.hold(5, replaces=key(4)), "what an operator looks at is not replaced"
    held = machine.outbox.find(key(4)).reference
    assert machine.outbox.review.correct(held, contact(6), send=True), "by an operator"
    assert machine.places.read_taken(FORM) == 1
    assert not machine.add(7)


def test_a_delivered_submission_keeps_its_place_when_it_is_counted_and_purged(
    database_url: str,
) -> None:
    """Unless it came before the day from which they are counted."""
    machine = Machine(database_url, Capacity(2))
    for number in (1, 2):
        assert machine.add(number, send=True)
        machine.outbox.deliver(machine.outbox.find(key(number)), number)
    machine.statistics.count_delivered()
    assert not machine.add(3)
    elapse(machine.database, timedelta(days=31).total_seconds())
    machine.outbox.purge()
    assert machine.outbox.find(key(1)) is None
    assert not machine.add(3)
    counts = metadata.tables["daily_counts"]
    with machine.database.write() as connection:
        connection.execute(update(counts).values(day=today() - timedelta(days=1)))
    assert not machine.add(3)
    later = Machine(database_url, Capacity(2, since=today()))
    assert later.add(3), "counted from the day on which the form opens"
    assert later.outbox.find(key(3)).state is State.QUEUED
