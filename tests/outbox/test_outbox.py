"""The table of submissions, on both databases: who owns a row, what is due, what is erased."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from outbox_entries import TIMING
from sqlalchemy import text

from webapp import database as database_module
from webapp import outbox as module
from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox.rows import (
    HONEYPOT,
    MAX_RETRY_AGE,
    NEEDS_ATTENTION,
    RETENTION,
    UNPROVEN,
    WAITING,
    State,
    Submission,
    Timing,
    reference,
)
from webapp.web.security.proof_of_work import UsedProofs

CONTACT = Contact(
    Mobile="09121234567",
    FName="نام‌ونشان",
    GenderType=False,
    BornDate=date(1990, 10, 7),
    Labels=("ویژه", "سایت"),
    Active=False,
)
DEADLINE = timedelta(seconds=8)
NEVER = timedelta(days=-400)


@pytest.fixture
def hasty(database: Database) -> Outbox:
    """Return the same outbox with leases that are over at once."""
    return Outbox(database, Timing(deadline=NEVER, settle=timedelta(0)))


def key(number: int) -> str:
    """Return a submission's key; each has another reference."""
    return f"{number:02x}" * 32


def add(outbox: Outbox, number: int = 1, *, send: bool = False) -> Submission:
    """Store a submission."""
    return outbox.add(CONTACT, key(number), form="news", send=send)[0]


def rows(database: Database) -> list[dict[str, object]]:
    """Return the table as it stands."""
    with database.read() as connection:
        return [dict(row) for row in connection.execute(text("SELECT * FROM outbox")).mappings()]


def test_contact_comes_back_as_it_was(outbox: Outbox) -> None:
    """Dates, labels, gender and all."""
    add(outbox)
    (submission,) = outbox.review.page(WAITING)
    assert submission.contact == CONTACT
    assert (submission.form, submission.state, submission.status) == ("news", State.QUEUED, "")
    assert submission.reference == reference(key(1))
    age = datetime.now(UTC).replace(tzinfo=None) - submission.created_at
    assert abs(age) < timedelta(seconds=5)


def test_key_is_stored_once(outbox: Outbox) -> None:
    """However many store it at once; all but one are told what became of the first."""
    with ThreadPoolExecutor(8) as threads:
        added = list(
            threads.map(lambda _: outbox.add(CONTACT, key(1), form="news", send=True), range(8))
        )
    assert sorted(is_new for _, is_new in added) == [False] * 7 + [True]
    assert len({submission.owner for submission, _ in added}) == 1
    assert outbox.review.count(WAITING, most=10) == 1


def test_claim_belongs_to_one_sender(outbox: Outbox) -> None:
    """Of many that claim at once, each row goes to one."""
    for number in range(1, 21):
        add(outbox, number)
    with ThreadPoolExecutor(8) as threads:
        claimed = [
            submission.id for found in threads.map(outbox.claim, [5] * 8) for submission in found
        ]
    assert len(claimed) == len(set(claimed)) == 20
    assert outbox.claim(5) == []


def test_claim_takes_the_longest_due_first(outbox: Outbox) -> None:
    """And no more than asked for."""
    for number in range(1, 6):
        add(outbox, number)
    assert {submission.key for submission in outbox.claim(3)} == {key(1), key(2), key(3)}


def test_what_is_being_sent_by_the_page_is_nobody_elses(outbox: Outbox) -> None:
    """It is stored as claimed."""
    assert add(outbox, send=True).state is State.SENDING
    assert outbox.claim(5) == []


def test_none_but_the_owner_settles(outbox: Outbox, database: Database, hasty: Outbox) -> None:
    """An owner that was taken for dead comes too late."""
    late = add(hasty, send=True)
    assert outbox.requeue_expired_leases() == 1
    (owner,) = outbox.claim(1)
    outbox.deliver(late, 1)
    assert outbox.postpone(late, timedelta(0), failed=True, status="Timeout") is None
    outbox.reject(late, "Mobile_Invalid", erase=True)
    outbox.hold_after_attempt(late, "Failed")
    assert outbox.find(late.key) == replace(owner, send_by=0.0)
    outbox.deliver(owner, 1)
    assert rows(database)[0]["portal_id"] == 1
    outbox.deliver(owner, 2)
    assert rows(database)[0]["portal_id"] == 1


def test_what_a_dead_owner_leaves_is_uncertain_and_settles_first(
    outbox: Outbox, database: Database
) -> None:
    """The portal may have it, and may still be applying the call."""
    slow = Outbox(database, Timing(deadline=NEVER, settle=timedelta(seconds=60)))
    add(slow, send=True)
    assert slow.requeue_expired_leases() == 1
    assert outbox.requeue_expired_leases() == 0
    (submission,) = outbox.review.page(WAITING)
    assert (submission.state, submission.uncertain, submission.attempts) == (State.QUEUED, True, 1)
    assert submission.due - submission.created_at > timedelta(seconds=59)
    assert outbox.claim(1) == []
    assert outbox.claim(1, probe=True) == []


def test_living_owner_is_not_swept(outbox: Outbox) -> None:
    """Its lease is longer than two calls."""
    add(outbox, send=True)
    assert outbox.requeue_expired_leases() == 0


def test_probe_takes_what_waits_for_a_later_attempt(outbox: Outbox) -> None:
    """Else a portal that is back would be noticed late."""
    submission = add(outbox, send=True)
    outbox.postpone(submission, timedelta(minutes=5), status="ConnectionFailed", attempts=7)
    assert outbox.claim(1) == []
    (probe,) = outbox.claim(1, probe=True)
    assert (probe.status, probe.attempts) == ("ConnectionFailed", 7)


def test_delivered_contact_is_erased_and_its_key_is_kept(
    outbox: Outbox, database: Database
) -> None:
    """The same submission sent again is known; nobody can tell whose it was."""
    outbox.deliver(add(outbox, send=True), 4711)
    (row,) = rows(database)
    assert (row["contact"], row["state"], row["portal_id"]) == (None, "delivered", 4711)
    found = outbox.find(key(1))
    assert found is not None
    assert found.contact is None
    assert outbox.delivered_as([4711, 4712]) == {4711}


@pytest.mark.parametrize("told", [True, False])
def test_rejected_contact_is_kept_unless_the_person_has_it(
    outbox: Outbox, database: Database, *, told: bool
) -> None:
    """Who was told has the form before their eyes; of others the operator must hear."""
    outbox.reject(add(outbox, send=True), "Mobile_Invalid", erase=told)
    (row,) = rows(database)
    assert (row["contact"] is None) is told
    assert [submission.status for submission in outbox.review.page(NEEDS_ATTENTION)] == [
        "Mobile_Invalid"
    ] * (not told)


def test_what_fails_for_three_days_is_held(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not dropped: an operator finds it. The days begin with the first failure."""
    assert timedelta(days=3) == MAX_RETRY_AGE
    monkeypatch.setattr(module, "MAX_RETRY_AGE", NEVER)
    submission = add(outbox, send=True)  # stored long ago, by a machine that was switched off
    assert outbox.postpone(submission, timedelta(0), failed=True, status="Timeout") is State.QUEUED
    (submission,) = outbox.claim(1)
    assert submission.attempts == 1
    assert outbox.postpone(submission, timedelta(0), status="Token_Expired") is State.QUEUED
    (submission,) = outbox.claim(1)
    assert outbox.postpone(submission, timedelta(0), failed=True, status="Timeout") is State.HELD
    (held,) = outbox.review.page(NEEDS_ATTENTION)
    assert (held.contact, held.attempts) == (CONTACT, 2)
    assert held.due - held.created_at > timedelta(days=29)


def test_pause_of_the_queue_gives_a_failing_submission_no_further_days(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the portal is back, neither a row's days nor its attempts begin anew."""
    monkeypatch.setattr(module, "MAX_RETRY_AGE", NEVER)
    submission = add(outbox, send=True)
    outbox.postpone(submission, timedelta(minutes=15), failed=True)
    monkeypatch.undo()
    outbox.make_due_now()
    (submission,) = outbox.claim(1)
    assert submission.attempts == 1
    assert outbox.postpone(submission, timedelta(0), failed=True) is State.HELD


def test_everything_is_forgotten_after_thirty_days(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is over, that is; what waits stays. It is told which contacts nobody asked for."""
    assert timedelta(days=30) == RETENTION
    monkeypatch.setattr(module, "RETENTION", NEVER)
    outbox = Outbox(database, TIMING)
    outbox.deliver(add(outbox, 1, send=True), 1)
    outbox.reject(add(outbox, 2, send=True), "Mobile_Invalid", erase=False)
    outbox.hold_after_attempt(add(outbox, 3, send=True), "Failed")
    outbox.hold(CONTACT, key(4), form="news", reason="honeypot")
    monkeypatch.undo()
    outbox = Outbox(database, TIMING)
    add(outbox, 5)
    add(outbox, 6, send=True)
    outbox.hold(CONTACT, key(7), form="news", reason="honeypot")
    assert sorted(outbox.purge()) == sorted(reference(key(number)) for number in (2, 3, 4))
    assert outbox.purge() == []
    assert {row["key"] for row in rows(database)} == {key(5), key(6), key(7)}


def test_operator_finds_an_submission_by_its_reference(outbox: Outbox) -> None:
    """As the visitor read it out, in small letters too; anything else is nothing."""
    submission = add(outbox)
    add(outbox, 2)
    for name in (submission.reference, submission.reference.lower()):
        found = outbox.review.get(name)
        assert found is not None
        assert found.key == submission.key
    for name in ("", "A", "AAAAAAAA", "ABCDEFGHIJKLMNOP", "!!!!!!!!", "سلام", "\0"):
        assert outbox.review.get(name) is None
        assert outbox.review.retry(name) == 0
        assert not outbox.review.discard(name)


def test_retrying_starts_anew(outbox: Outbox) -> None:
    """Due at once, with all its attempts; what is uncertain stays so."""
    submission = add(outbox, send=True)
    outbox.postpone(
        submission, timedelta(0), uncertain=True, attempts=9, unexplained=4, failed_lookups=4
    )
    (submission,) = outbox.claim(1)
    outbox.hold_after_attempt(submission, "Failed")
    add(outbox, 2)
    assert outbox.review.retry(submission.reference) == 1
    again = next(found for found in outbox.claim(5) if found.id == submission.id)
    assert (again.attempts, again.unexplained, again.failed_lookups) == (0, 0, 0)
    assert again.uncertain


def test_all_that_needs_a_hand_is_retried_together(outbox: Outbox) -> None:
    """What waits, is sent or is delivered is not touched, nor what a robot may have sent."""
    outbox.hold(CONTACT, key(5), form="news", reason=HONEYPOT)
    outbox.hold(CONTACT, key(6), form="news", reason=UNPROVEN)
    outbox.hold_after_attempt(add(outbox, 1, send=True), "Failed")
    outbox.reject(add(outbox, 2, send=True), "Mobile_Invalid", erase=False)
    outbox.reject(add(outbox, 3, send=True), "Mobile_Invalid", erase=True)
    outbox.deliver(add(outbox, 4, send=True), 1)
    assert outbox.review.retry() == 2
    assert {submission.key for submission in outbox.claim(9)} == {key(1), key(2)}


def test_what_the_portal_may_still_be_applying_is_retried_later(database: Database) -> None:
    """An operator who is quick must not make the look lie."""
    outbox = Outbox(database, Timing(deadline=DEADLINE, settle=timedelta(seconds=60)))
    submission = add(outbox, send=True)
    outbox.postpone(submission, timedelta(0), uncertain=True)
    (submission,) = outbox.claim(1)
    outbox.hold_after_attempt(submission, "Failed")
    assert outbox.review.retry(submission.reference) == 1
    assert outbox.claim(1) == []
    assert outbox.claim(1, probe=True) == []


def test_what_is_being_sent_cannot_be_discarded(outbox: Outbox) -> None:
    """It could arrive all the same."""
    submission = add(outbox, send=True)
    assert not outbox.review.discard(submission.reference)
    outbox.postpone(submission, timedelta(0))
    assert outbox.review.discard(submission.reference)
    assert not outbox.review.discard(submission.reference)
    assert outbox.claim(1) == []


def test_what_was_discarded_is_not_sent_by_a_reload(outbox: Outbox) -> None:
    """The key stays, without the contact."""
    submission = add(outbox)
    outbox.review.discard(submission.reference)
    again, is_new = outbox.add(CONTACT, key(1), form="news", send=True)
    assert (again.state, again.contact, is_new) == (State.HELD, None, False)


def test_pages_follow_each_other(outbox: Outbox) -> None:
    """Each entry once, oldest first."""
    submissions = [add(outbox, number).key for number in range(1, 8)]
    first = outbox.review.page(WAITING, limit=5)
    second = outbox.review.page(WAITING, after=first[-1].id, limit=5)
    assert [submission.key for submission in (*first, *second)] == submissions
    assert outbox.review.count(WAITING, most=3) == 4
    oldest = outbox.review.oldest()
    assert oldest == first[0].created_at


def test_clock_that_was_set_back_keeps_nothing_waiting(
    outbox: Outbox, hasty: Outbox, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """SQLite goes by the machine's clock, PostgreSQL by its own."""
    future = type("Clock", (datetime,), {})
    shift = timedelta(hours=3)

    def now(tz: object = None) -> datetime:
        return datetime.now(tz) + shift  # type: ignore[arg-type]

    future.now = staticmethod(now)  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(database_module, "datetime", future)
        add(outbox, 1)
        add(outbox, 2, send=True)
    assert len(outbox.claim(5)) == 1
    swept = outbox.requeue_expired_leases()
    assert swept == (1 if database_url.startswith("sqlite") else 0)
    assert hasty.requeue_expired_leases() == 0


def test_name_is_used_once(database: Database) -> None:
    """Until its time is over, however many threads try; the submission that did so may repeat."""
    used_proofs, until = UsedProofs(database), datetime.now(UTC) + timedelta(minutes=1)
    first: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda n: first.append(used_proofs.consume("name", until, n)), args=[name]
        )
        for name in "abcdefgh"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(first) == [False] * 7 + [True]
    assert [used_proofs.consume("name", until, name) for name in "abcdefgh"].count(True) == 1
    assert used_proofs.consume("another", until, "a")


def test_what_is_over_is_forgotten(database: Database) -> None:
    """The table does not grow for ever."""
    used_proofs, past = UsedProofs(database), datetime.now(UTC) - timedelta(seconds=1)
    assert used_proofs.consume("name", past, "a")
    assert used_proofs.consume("name", past, "b")
