"""How many codes are sent, whoever asks at the same time; on SQLite and PostgreSQL."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from unittest.mock import Mock

import pytest

from webapp import database as database_module
from webapp.database import Database, engine
from webapp.settings import Settings
from webapp.verification import limits as code_limits
from webapp.verification.codes import Codes, Taken
from webapp.verification.limits import CODES_USED_UP, Counted, Limit, NotTaken

HOUR = timedelta(hours=1)
MOBILE = "09121234567"
SETTINGS = {
    "number": "LIMIT_CODE_MOBILE",
    "network": "LIMIT_CODE_ADDRESS",
    "wide_network": "LIMIT_CODE_ADDRESS",
    "form": "LIMIT_CODE_FORM",
}

_names = itertools.count()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let writers wait for each other as long as a busy machine needs."""
    for module in (engine, database_module):
        monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 60)


class Machine:
    """The table of codes as one process sees it."""

    def __init__(
        self, url: str, *, keys: Sequence[str] = ("key",), per_day: int = 99, **limits: int
    ) -> None:
        """Open the database; each limit is of an hour."""
        self.database = Database(url)
        of = {name: [Limit(SETTINGS[name], count, HOUR)] for name, count in limits.items()}
        self.codes = Codes(self.database, keys, per_day=per_day, limits=of)

    def take(self, key: str = "", **counted: str) -> Taken | NotTaken:
        """Take a sending for another submission, or for this one."""
        name = next(_names)
        rest = {"number": f"0912{name:07}", "network": f"n{name}", "wide_network": f"w{name}"}
        key = key or f"{name:064x}"
        self.codes.add(key, MOBILE)
        return self.codes.take(key, "12345", Counted(**{"form": f"f{name}", **rest, **counted}))

    def elapse(self, time: timedelta) -> None:
        """Let time pass for what was sent."""
        table = code_limits._sendings  # noqa: SLF001
        with self.database.write() as connection:
            past = {name: table.c[name] for name in ("sent_at", "until")}
            for row in connection.execute(table.select()).mappings().all():
                changed = {name: row[name] - time for name in past}
                connection.execute(table.update().where(table.c.id == row["id"]).values(changed))

    def rows(self) -> list[tuple[object, ...]]:
        """Return everything that is stored of sendings."""
        with self.database.read() as connection:
            found = connection.execute(code_limits._sendings.select())  # noqa: SLF001
            return [tuple(row) for row in found]

    def taken_on(self, day: date) -> int:
        """Return how many codes of this day are taken."""
        days = code_limits._days  # noqa: SLF001
        with self.database.read() as connection:
            found = connection.execute(days.select().where(days.c.day == day)).mappings().first()
        return int(found["count"]) if found else 0


def at_once(
    machines: Sequence[Machine], ask: Callable[[Machine], object], times: int
) -> list[bool]:
    """Ask by many threads and machines at the same time; return which of them got a code."""
    with ThreadPoolExecutor(times) as threads:
        turns = (machines[turn % len(machines)] for turn in range(times))
        return [isinstance(it, Taken) for it in threads.map(ask, turns)]


@pytest.mark.parametrize("name", SETTINGS)
def test_limit_holds_for_all_processes_and_after_a_restart(database_url: str, name: str) -> None:
    """Whoever asks at the same moment, under whatever submission; others are not touched."""
    same = {name: MOBILE}
    machines = [Machine(database_url, **{name: 3}) for _ in range(4)]
    assert sum(at_once(machines, lambda machine: machine.take(**same), 8)) == 3
    restarted = Machine(database_url, **{name: 3})
    refused = restarted.take(**same)
    assert isinstance(refused, NotTaken)
    assert (refused.status, refused.must_wait) == (SETTINGS[name], name == "number")
    assert 3500 < refused.retry_after_s <= 3600
    assert isinstance(restarted.take(), Taken)


def test_days_budget_holds_for_all_processes(database_url: str) -> None:
    """What is refused for another reason takes nothing of it, nor a sending of its submission."""
    machines = [Machine(database_url, per_day=5, number=2) for _ in range(2)]
    key = "ab" * 32
    assert sum(isinstance(machines[0].take(number=MOBILE), Taken) for _ in range(3)) == 2
    assert isinstance(machines[0].take(key, number=MOBILE), NotTaken)
    assert machines[0].codes.state(key).sendings_left == 3
    assert sum(at_once(machines, lambda machine: machine.take(), 8)) == 3
    assert machines[1].take() == NotTaken(CODES_USED_UP)
    assert machines[0].take(key).status == CODES_USED_UP


def test_only_what_was_sent_counts(database_url: str) -> None:
    """What the portal says it has not sent is given back, once; what it may have sent is not."""
    machine = Machine(database_url, per_day=1, number=1)
    day = code_limits._today()  # noqa: SLF001
    key = "ab" * 32
    taken = machine.take(key, number=MOBILE)
    assert isinstance(taken, Taken)
    for _ in range(2):
        machine.codes.undo(key, taken, is_unsent=True)
    assert (machine.rows(), machine.taken_on(day)) == ([], 0)
    machine.codes.undo(key, machine.take(number=MOBILE), is_unsent=False)
    assert machine.taken_on(day) == 1
    assert machine.take(number=MOBILE).status == "LIMIT_CODE_MOBILE"


def test_code_given_back_after_midnight_belongs_to_the_day_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new day has all its codes, and no more."""
    machine, before = Machine(database_url), date(2030, 1, 31)
    monkeypatch.setattr(code_limits, "_today", lambda: before)
    taken = machine.take("ab" * 32)
    monkeypatch.setattr(code_limits, "_today", lambda: before + timedelta(days=1))
    machine.take()
    machine.codes.undo("ab" * 32, taken, is_unsent=True)
    assert [machine.taken_on(before + timedelta(days=n)) for n in range(2)] == [0, 1]


def test_code_taken_at_midnight_is_counted_on_one_day(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the day changes while it is taken."""
    machine, before = Machine(database_url), date(2030, 1, 31)
    for turn in range(4):
        days = itertools.chain([before] * turn, itertools.repeat(before + timedelta(days=1)))
        monkeypatch.setattr(code_limits, "_today", days.__next__)
        assert isinstance(machine.take(), Taken)
    assert sum(machine.taken_on(before + timedelta(days=n)) for n in range(2)) == 4


def test_period_slides_and_what_nothing_counts_is_erased(database_url: str) -> None:
    """Each code counts for a whole period, not until the next full hour."""
    machine = Machine(database_url, number=2)
    machine.take(number=MOBILE)
    machine.elapse(timedelta(minutes=40))
    machine.take(number=MOBILE)
    machine.elapse(timedelta(minutes=19))
    refused = machine.codes.number_reached(MOBILE)
    assert 50 < refused.retry_after_s <= 60
    machine.elapse(timedelta(minutes=1))
    assert machine.codes.number_reached(MOBILE) is None
    assert isinstance(machine.take(number=MOBILE), Taken)
    with machine.database.write() as connection:
        code_limits.purge_sendings(machine.database, connection)
    assert len(machine.rows()) == 2


def test_new_key_before_the_old_one_forgets_no_limit(database_url: str) -> None:
    """And neither number nor network can be read."""
    same = {"number": MOBILE, "network": "203.0.113.0/24", "form": "club"}
    Machine(database_url, keys=["old"], number=1).take(**same)
    rotated = Machine(database_url, keys=["new", "old"], number=1)
    assert rotated.take(**same).must_wait
    stored = str(rotated.rows())
    assert not any(text in stored for text in (MOBILE[1:], "203.0", "club"))


def test_share_of_the_day_that_is_left_is_read_every_few_seconds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that fails changes nothing."""
    machine = Machine(database_url, per_day=4)
    limits = machine.codes.limits
    assert limits.share_left.get() == 1
    machine.take()
    assert limits.share_left.get() == 1
    assert limits.share_left.get(is_fresh=True) == 0.75
    monkeypatch.setattr(Database, "_open", _fail)
    assert limits.share_left.get(is_fresh=True) == 0.75


_fail = Mock(side_effect=OSError)


def test_no_codes_a_day_are_no_share(tmp_path: object) -> None:
    """Where none is ever sent, an answer need not be dearer."""
    assert Machine(f"sqlite:///{tmp_path}/x", per_day=0).codes.limits.share_left.get() == 1


def test_settings_become_limits() -> None:
    """A wide network may use up two narrow ones; without rate limits there is only the day."""
    settings = Settings(limit_code_address="60/hour;300/day", limit_code_mobile="3/hour")
    found = code_limits.limits_of(settings)
    assert [it.count for it in found["network"]] == [60, 300]
    assert [it.count for it in found["wide_network"]] == [120, 600]
    assert found["number"] == [Limit("LIMIT_CODE_MOBILE", 3, HOUR)]
    assert code_limits.limits_of(Settings(rate_limits=False)) == {}
