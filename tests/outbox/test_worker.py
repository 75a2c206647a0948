"""The background deliverer: by itself, beside others, through outages; and the command."""

import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from clock import elapse
from flask import Flask
from serving import COMMAND, environ_of, serve
from stock import contact
from stock import fill as fill_at_once
from support import TOKEN, short_deadline, wait_until, working

import webapp.outbox as module
from webapp.cli import main
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.outbox import Outbox
from webapp.outbox.rows import WAITING, State
from webapp.outbox.sender import Sender
from webapp.outbox.submit import submission_key
from webapp.outbox.worker import Worker
from webapp.portal import Refused
from webapp.server import _post_worker_init
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.rendering import EXTENSION


@pytest.fixture
def delivery(settings: Settings, portal: Simulator, database_url: str) -> DeliveryServices:
    """Return what works on an empty outbox."""
    hasty = replace(settings, database_url=database_url, amoot_settle=0)
    return another(hasty, portal)


@pytest.fixture
def local(settings: Settings, portal: Simulator) -> DeliveryServices:
    """Return the same on SQLite alone, with a more patient deadline."""
    return another(replace(settings, amoot_settle=0), portal)


def another(settings: Settings, portal: Simulator) -> DeliveryServices:
    """Return what another process would have."""
    delivery = DeliveryServices.build(settings, portal_url=portal.url, token=TOKEN)
    delivery.database.check_writable()  # migrations may outlast a lease
    return delivery


def fill(delivery: DeliveryServices, count: int) -> None:
    """Let so many wait."""
    for number in range(count):
        one = contact(number)
        delivery.outbox.add(one, submission_key(str(number), one), form="contact", send=False)


def is_empty(delivery: DeliveryServices) -> bool:
    """Tell whether nothing waits."""
    return delivery.outbox.review.count(WAITING, most=1) == 0


def numbers(portal: Simulator) -> list[int]:
    """Return whom the portal has, sorted."""
    return sorted(stored["Mobile"] for stored in portal.contacts)


@pytest.mark.slow
def test_several_share_the_work_and_send_nothing_twice(
    settings: Settings, portal: Simulator, database_url: str
) -> None:
    """As in several processes and machines; patient ones, so that a busy machine is no fault."""
    same = replace(settings, database_url=database_url, amoot_deadline=20)
    several = [another(same, portal) for _ in range(3)]
    fill(several[0], 60)
    with working(*several):
        wait_until(lambda: is_empty(several[0]))
    assert numbers(portal) == [989120000000 + number for number in range(60)]


@pytest.mark.slow
def test_no_more_calls_run_at_once_than_set(settings: Settings, portal: Simulator) -> None:
    """The portal, and the pages beside, are spared."""
    delivery = another(replace(settings, deliverer_calls=2), portal)
    portal.latency = 0.1
    fill(delivery, 10)
    started = time.monotonic()
    with working(delivery):
        wait_until(lambda: is_empty(delivery))
    assert time.monotonic() - started > 0.1 * 10 / 2
    assert len({request.peer for request in portal.requests}) <= 2


@pytest.mark.slow
def test_outage_is_waited_out_with_one_probe_at_a_time(
    settings: Settings, delivery: DeliveryServices, portal: Simulator, database_url: str
) -> None:
    """The account is refused for a while: the queue is paused, and then everything arrives."""
    fill(delivery, 20)
    portal.mood = lambda request: (
        "CreditNotEnough" if request.path.endswith("ContactCreate") else "Success"
    )
    same = another(replace(settings, database_url=database_url), portal)
    with working(delivery, same):
        wait_until(lambda: delivery.breaker.read_pause() is not None)
        time.sleep(0.6)
        under_way = len(portal.requests)
        time.sleep(2)
        # At half a second, one second, two: a harmless question and a contact each.
        assert len(portal.requests) - under_way <= 6
        assert not portal.contacts
        submissions = delivery.outbox.review.page(WAITING)
        assert {submission.attempts for submission in submissions} == {0}
        portal.mood = None
        wait_until(lambda: is_empty(delivery))
    assert delivery.breaker.read_pause() is None
    assert numbers(portal) == [989120000000 + number for number in range(20)]


@short_deadline
@pytest.mark.slow
def test_portal_that_is_down_is_probed_without_risking_a_contact(
    delivery: DeliveryServices, portal: Simulator
) -> None:
    """A contact that is sent to a portal that hangs would be uncertain."""
    fill(delivery, 1)
    portal.mood = lambda _: Fault.SILENT
    with working(delivery):
        wait_until(lambda: delivery.breaker.read_pause() is not None)
        fill(delivery, 5)
        wait_until(lambda: len(portal.requests) >= 3)
        paths = [request.path.removeprefix("/rest/") for request in portal.requests]
        # On a busy machine the first call may end before it has arrived.
        assert paths.count("ContactCreate") <= 1
        assert set(paths[1:]) == {"AccountStatus"}
        portal.mood = None
        wait_until(lambda: is_empty(delivery))
    assert numbers(portal) == [989120000000 + number for number in range(5)]


@pytest.mark.slow
def test_when_the_portal_is_back_nothing_waits_for_its_next_attempt(
    local: DeliveryServices, portal: Simulator
) -> None:
    """After a long outage each contact would wait for up to a quarter of an hour."""
    fill(local, 6)
    for submission in local.outbox.claim(6):
        changes = {"uncertain": True} if submission.id % 2 else {}
        local.outbox.postpone(submission, timedelta(minutes=15), attempts=12, **changes)
    local.breaker.failed(Refused("CreditNotEnough"))
    with working(local):
        wait_until(lambda: is_empty(local))
    assert len(portal.contacts) == 6


@pytest.mark.slow
def test_portal_without_accountstatus_is_probed_all_the_same(
    local: DeliveryServices, portal: Simulator
) -> None:
    """A token may be limited to some methods."""
    fill(local, 3)
    portal.mood = lambda request: (
        Fault.HTTP_404 if request.path.endswith("AccountStatus") else "Success"
    )
    portal.answer("Token_NotAllowIP")
    with working(local):
        wait_until(lambda: is_empty(local))
    assert len(portal.contacts) == 3


@pytest.mark.slow
def test_probe_that_is_told_no_leaves_the_queue_paused(
    local: DeliveryServices, portal: Simulator
) -> None:
    """Of the one contact it costs, nothing is lost."""
    fill(local, 3)
    portal.mood = lambda request: (
        "System_Disabled" if request.path.endswith("ContactCreate") else "Success"
    )
    with working(local):
        wait_until(lambda: len(portal.requests) > 5)
        pause = local.breaker.read_pause()
        assert pause is not None
        assert (pause.status, pause.refused) == ("System_Disabled", True)
    assert local.outbox.review.count(WAITING, most=9) == 3


@pytest.mark.slow
def test_what_a_killed_process_left_behind_is_found(
    settings: Settings, portal: Simulator, database_url: str
) -> None:
    """Its lease runs out; what it may have sent is looked up first."""
    hasty = replace(settings, database_url=database_url, amoot_settle=0.2)
    dead, alive = another(hasty, portal), another(hasty, portal)
    fill(dead, 4)
    left = dead.outbox.claim(2)
    dead.portal.create_contact(contact(0) if left[0].id == 1 else contact(1))
    elapse(dead.database, 70)  # longer than a lease
    with working(alive):
        wait_until(lambda: is_empty(alive))
    assert numbers(portal) == [989120000000 + number for number in range(4)]
    searches = [request for request in portal.requests if request.path.endswith("Search")]
    assert {dict(search.pairs)["Mobile"] for search in searches} == {
        submission.contact["Mobile"] for submission in left if submission.contact
    }


@pytest.mark.slow
def test_after_a_holiday_everything_goes_out_automatically(
    local: DeliveryServices, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine was off, or the account empty, for longer than a contact is tried."""
    monkeypatch.setattr(module, "MAX_RETRY_AGE", -module.MAX_RETRY_AGE)
    fill(local, 20)
    portal.answer("CreditNotEnough", 2)
    with working(local):
        wait_until(lambda: is_empty(local))
    assert len(portal.contacts) == 20


@pytest.mark.slow
@pytest.mark.parametrize("error", [OverflowError("0912"), DatabaseError("OperationalError")])
def test_no_fault_ends_it(
    local: DeliveryServices,
    portal: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    """Neither of its own rounds nor of a call; the log says where, and nothing of anybody."""
    monkeypatch.setattr("webapp.outbox.worker._ERROR_INTERVAL_S", 0.1)
    fill(local, 3)
    for owner, name in (
        (Outbox, "claim"),
        (Outbox, "requeue_expired_leases"),
        (Outbox, "purge"),
        (Sender, "attempt"),
    ):
        failing_once(monkeypatch, owner, name, error)
    with working(local):
        wait_until(lambda: len(portal.contacts) >= 2)
    assert (
        caplog.text.count(str(error) if isinstance(error, DatabaseError) else "OverflowError") >= 3
    )
    assert "0912" not in caplog.text.replace("test_no_fault_ends_it", "")


def failing_once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, error: Exception) -> None:
    """Let a method fail the first time."""
    real = getattr(owner, name)
    failures = iter([error])

    def fail(*args: Any, **kwargs: Any) -> Any:
        if failure := next(failures, None):
            raise failure
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, fail)


@pytest.mark.slow
def test_stop_lets_what_is_being_sent_end(local: DeliveryServices, portal: Simulator) -> None:
    """And takes nothing more on."""
    portal.latency = 0.5
    fill(local, 20)
    with working(local):
        wait_until(lambda: len(portal.requests) >= 1)
    assert len(portal.contacts) == len(portal.requests) == local_delivered(local)
    assert local.outbox.review.page([State.SENDING]) == []


def local_delivered(delivery: DeliveryServices) -> int:
    """Return how many of twenty do not wait any more."""
    return 20 - delivery.outbox.review.count(WAITING, most=99)


@pytest.mark.nightly
@pytest.mark.slow
def test_thousands_that_waited_for_a_portal_that_was_down_arrive(
    settings: Settings, tmp_path: Path
) -> None:
    """Each once, when it is back."""
    with Simulator(token=TOKEN, kept=5_000) as portal:
        portal.mood = lambda _: Fault.RESET
        delivery = another(
            replace(settings, amoot_settle=0, deliverer_calls=8, state_directory=tmp_path), portal
        )
        fill_at_once(delivery.database, 2_500)
        with working(delivery):
            wait_until(lambda: delivery.breaker.read_pause() is not None)
            portal.mood = None
            wait_until(lambda: is_empty(delivery), seconds=200)
        assert numbers(portal) == [989120000000 + number for number in range(2_500)]


# The command, and the threads in the web processes


@contextmanager
def delivering(folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run `amoot-form deliver`."""
    with (folder / "deliver.log").open("a") as log:
        process = subprocess.Popen([COMMAND, "deliver"], env=settings, stderr=log, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            assert process.wait(timeout=60) == 0


def halt(process: subprocess.Popen[str], file: Path) -> None:
    """Stop a process, but not in the middle of a write: SQLite would be stopped for all."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(file, timeout=0.2, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.05)
            else:
                return


@pytest.mark.slow
def test_command_sends_what_waits_and_stops_when_told(
    local: DeliveryServices, portal: Simulator, settings: Settings, tmp_path: Path
) -> None:
    """SIGTERM ends it cleanly."""
    fill(local, 5)
    env = environ_of(portal.url, settings.state_directory, AMOOT_DEADLINE="1", AMOOT_SETTLE="1")
    with delivering(tmp_path, **env) as process:
        wait_until(lambda: is_empty(local))
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert len(portal.contacts) == 5
    log = (tmp_path / "deliver.log").read_text()
    assert log.count("delivered") == 5
    assert "0912" not in log


def test_in_demo_mode_nothing_is_delivered_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its simulator lives in the server."""
    monkeypatch.delenv("AMOOT_TOKEN", raising=False)
    result = CliRunner().invoke(main, ["deliver"])
    assert (result.exit_code, "demo mode" in result.output) == (1, True)


@pytest.mark.slow
def test_worker_that_was_stopped_past_its_lease_does_no_harm(
    local: DeliveryServices, portal: Simulator, settings: Settings, tmp_path: Path
) -> None:
    """SIGSTOP in the middle of its calls; another takes over; then it wakes up."""
    portal.latency = 0.4
    fill(local, 12)
    env = environ_of(portal.url, settings.state_directory, AMOOT_DEADLINE="1", AMOOT_SETTLE="1")
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with delivering(first, **env) as stopped:
        wait_until(lambda: len(portal.requests) >= 2)
        halt(stopped, settings.state_directory / "outbox.sqlite3")
        with delivering(second, **env):
            wait_until(lambda: is_empty(local), seconds=30)
            stopped.send_signal(signal.SIGCONT)
            time.sleep(1)
    assert numbers(portal) == [989120000000 + number for number in range(12)]


@pytest.mark.slow
def test_web_workers_send_what_an_earlier_process_left(
    portal: Simulator, tmp_path: Path, settings: Settings
) -> None:
    """Their delivery workers are started after the fork; it takes no visitor."""
    local = another(replace(settings, state_directory=tmp_path), portal)
    fill(local, 10)
    with serve(
        tmp_path,
        **environ_of(
            portal.url, tmp_path, WEB_CONCURRENCY="2", AMOOT_DEADLINE="1", AMOOT_SETTLE="1"
        ),
    ):
        wait_until(lambda: is_empty(local))
    assert len(portal.contacts) == 10


def test_web_worker_has_no_delivery_worker_where_it_runs_elsewhere(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As DELIVERER says."""
    started: list[Worker] = []

    def start(worker: Worker) -> None:
        started.append(worker)

    monkeypatch.setattr(Worker, "start", start)
    for deliverer, count in (("off", 0), ("inline", 1)):
        app = make_app(deliverer=deliverer)
        # Else a process would make the tables.
        app.extensions[EXTENSION].delivery.database.check_writable()
        gunicorn: Any = SimpleNamespace(app=SimpleNamespace(wsgi=lambda app=app: app))
        _post_worker_init(gunicorn)
        app.extensions[EXTENSION].delivery.labels.stop()
        app.extensions[EXTENSION].delivery.funnel.stop()
        assert len(started) == count
