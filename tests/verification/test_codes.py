"""The bounds of codes: in the database, whoever asks at the same time; on SQLite and PostgreSQL."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from tables import each

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox.rows import State, Timing
from webapp.verification import codes as codes_module
from webapp.verification.codes import MAX_SENDINGS, MAX_TRIES, CodeCheck, Codes, Taken
from webapp.verification.limits import Counted
from webapp.verification.sender import new_code
from webapp.verification.unverified import Unverified

MOBILE = "09121234567"
KEY = "ab" * 32
OTHER = "cd" * 32
TIMING = Timing(deadline=timedelta(seconds=8), settle=timedelta(seconds=120))


def at_once(call: Callable[[], object], times: int) -> Counter[object]:
    """Call a function by many threads at the same time; return how often it returned what."""
    with ThreadPoolExecutor(times) as threads:
        return Counter(threads.map(lambda _: call(), range(times)))


def is_taken(codes: Codes, key: str, code: str = "12345") -> bool:
    """Take a sending for a submission, and store this code; return whether there was one."""
    return isinstance(codes.take(key, code, Counted(MOBILE, "", "", "club")), Taken)


@pytest.fixture
def machines(database_url: str) -> list[Codes]:
    """Return the tables as two processes see them."""
    return [Codes(Database(database_url), ["new", "old"], per_day=99) for _ in range(2)]


def test_tries_are_five_for_all_processes_together(
    machines: list[Codes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many guess at the same moment."""
    monkeypatch.setattr(codes_module, "PAUSES", (timedelta(0),) * 3)
    one, two = machines
    assert one.add(KEY, MOBILE)
    assert not two.add(KEY, MOBILE)
    assert is_taken(one, KEY)
    results = at_once(lambda: one.check(KEY, "99999"), 12) + at_once(
        lambda: two.check(KEY, "99999"), 12
    )
    assert results == {CodeCheck.WRONG: MAX_TRIES, CodeCheck.USED_UP: 24 - MAX_TRIES}
    assert two.check(KEY, "12345") is CodeCheck.USED_UP
    assert is_taken(two, KEY, "54321")
    assert one.check(KEY, "12345") is CodeCheck.WRONG
    assert one.check(KEY, "54321") is CodeCheck.RIGHT


def test_sendings_are_taken_once(machines: list[Codes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many that ask at the same moment, one gets each."""
    one, two = machines
    one.add(KEY, MOBILE)
    assert at_once(lambda: is_taken(one, KEY), 9) == {True: 1, False: 8}
    assert not is_taken(two, KEY)
    assert not two.pretend(KEY)
    monkeypatch.setattr(codes_module, "PAUSES", (timedelta(0),) * 3)
    one.add(OTHER, MOBILE)
    assert [is_taken(two, OTHER) for _ in range(5)] == [True] * 3 + [False] * 2
    assert one.state(OTHER).sendings_left == 0


def test_hash_is_keyed_and_bound_to_its_submission(database_url: str) -> None:
    """The same code has another hash elsewhere; older keys still check."""
    database = Database(database_url)
    old, new = Codes(database, ["old"], per_day=9), Codes(database, ["new", "old"], per_day=1)
    for key in (KEY, OTHER):
        old.add(key, MOBILE)
        assert is_taken(old, key)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT hash, number FROM codes").all()
    assert rows[0][0] != rows[1][0]
    assert not any("12345" in text or MOBILE[1:] in text for row in rows for text in row)
    assert new.check(KEY, "12345") is CodeCheck.RIGHT
    stranger = Codes(database, ["another"], per_day=1)
    assert stranger.check(OTHER, "12345") is CodeCheck.WRONG


@each("length", [4, 8])
def test_codes_are_spread_evenly(length: int) -> None:
    """Each first and last digit comes about as often; none begins with 0."""
    found = [new_code(length) for _ in range(9_000)]
    assert {len(code) for code in found} == {length}
    firsts, lasts = (Counter(code[place] for code in found) for place in (0, -1))
    assert firsts.keys() == set("123456789")
    assert all(850 < count < 1150 for count in firsts.values())
    assert all(750 < count < 1050 for count in lasts.values())


@pytest.mark.slow
def test_guessing_succeeds_no_more_often_than_tries_by_codes(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guesser who uses each try of each sending, on codes of one digit, so that it shows."""
    monkeypatch.setattr(codes_module, "PAUSES", (timedelta(0),) * 3)
    codes, random = Codes(Database(f"sqlite:///{tmp_path}/x"), ["key"], per_day=999), Random(1)  # noqa: S311
    size, rounds, hits = 100, 60, 0
    for number in range(rounds):
        key = f"{number:064x}"
        codes.add(key, MOBILE)
        guesses: list[CodeCheck] = []
        while is_taken(codes, key, str(random.randrange(size))):
            guesses += (codes.check(key, str(guess)) for guess in random.sample(range(size), 9))
        assert (
            len([it for it in guesses if it is not CodeCheck.USED_UP]) == MAX_SENDINGS * MAX_TRIES
        )
        hits += CodeCheck.RIGHT in guesses
    share = MAX_SENDINGS * MAX_TRIES / size
    assert hits / rounds <= share + 3 * (share * (1 - share) / rounds) ** 0.5


def test_of_many_that_verify_one_becomes_the_owner(database_url: str) -> None:
    """The rest find it taken, and a verified submission is not held, replaced or erased."""
    database = Database(database_url)
    outbox, codes = Outbox(database, TIMING), Codes(database, ["key"], per_day=1)
    unverified = Unverified(database, TIMING)
    stored, is_new = unverified.add(Contact(Mobile=MOBILE), KEY, form="club")
    assert is_new
    assert stored.state is State.UNVERIFIED
    assert not unverified.add(Contact(Mobile=MOBILE), KEY, form="club")[1]
    codes.add(KEY, MOBILE)
    assert not codes.has_verified(KEY, MOBILE)

    def verify() -> bool:
        return unverified.verify(KEY, send=True, status="") is not None

    assert at_once(verify, 9) == {True: 1, False: 8}
    assert codes.has_verified(KEY, MOBILE)
    assert not codes.has_verified(KEY, "09120000000")
    assert not any((unverified.hold(KEY), unverified.erase(KEY)))
    assert not unverified.queue(KEY, Contact(Mobile=MOBILE))
    assert outbox.find(KEY).state is State.SENDING


def test_code_that_arrives_late_still_verifies_a_held_submission(database_url: str) -> None:
    """The call that sent it had failed, and an operator may have erased it meanwhile."""
    database = Database(database_url)
    outbox = Outbox(database, TIMING)
    unverified = Unverified(database, TIMING)
    for key in (KEY, OTHER):
        stored, _ = unverified.add(Contact(Mobile=MOBILE), key, form="club")
        assert unverified.hold(key)
    assert outbox.review.discard(stored.reference)
    verified = unverified.verify(KEY, send=False, status="Busy")
    assert (verified.state, verified.status) == (State.QUEUED, "Busy")
    assert unverified.verify(OTHER, send=False, status="") is None


def test_purge_erases_only_what_is_over(database_url: str) -> None:
    """Codes and unverified submissions of more than an hour."""
    database = Database(database_url)
    outbox, codes = Outbox(database, TIMING), Codes(database, ["key"], per_day=1)
    unverified = Unverified(database, TIMING)
    for key in (KEY, OTHER):
        unverified.add(Contact(Mobile=MOBILE), key, form="club")
        codes.add(key, MOBILE)
    with database.write() as connection:
        past = "'2020-01-01 00:00:00.000000'"
        connection.exec_driver_sql(f"UPDATE outbox SET due = {past} WHERE key = '{KEY}'")  # noqa: S608
        connection.exec_driver_sql(f"UPDATE codes SET created_at = {past} WHERE key = '{KEY}'")  # noqa: S608
    outbox.purge()
    unverified.purge()
    assert outbox.find(KEY) is None
    assert codes.state(KEY) is None
    assert outbox.find(OTHER).state is State.UNVERIFIED
    assert codes.state(OTHER) is not None
