"""Imports behind the pages: fed at a rate, by any number of workers, whatever dies on the way."""

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dying
import pytest
from sqlalchemy import func, select
from support import TOKEN, wait_until, working

from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.forms import definitions_file
from webapp.imports import Counts, review
from webapp.imports import drafts as importing
from webapp.imports.drafts import store_file
from webapp.imports.file import UnreadableFile
from webapp.imports.tables import (
    ColumnMapping,
    DuplicatePosition,
    DuplicateRows,
    Import,
    ImportState,
    StoredRow,
    imports,
)
from webapp.messages import imports as texts
from webapp.outbox.rows import ERASED, State, dump_contact, table
from webapp.portal import Refused
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.statistics import today

READING = ColumnMapping(header=("Mobile",), columns=("Mobile",), shared={})
LONG_AGO = datetime(2026, 1, 1)  # noqa: DTZ001  UTC, as all times in the database


@pytest.fixture
def quick(settings: Settings, database_url: str) -> Settings:
    """Return settings with short times, on either database."""
    return replace(settings, database_url=database_url, amoot_settle=0.2, import_rate=100)


@pytest.fixture
def delivery(quick: Settings, portal: Simulator) -> DeliveryServices:
    """Return what works on an empty outbox."""
    return another(quick, portal)


def another(settings: Settings, portal: Simulator) -> DeliveryServices:
    """Return what another process would have."""
    delivery = DeliveryServices.build(settings, portal_url=portal.url, token=TOKEN)
    delivery.database.check_writable()
    return delivery


def stored(number: int) -> StoredRow:
    """Return one of many rows."""
    contact = dump_contact(Contact(Mobile=f"0912{number:07}", FName="سارا"))
    key = f"{number:064x}"
    return StoredRow(
        number=number, key=key, cells=(), contact=contact, place=DuplicatePosition.ONLY
    )


def started(delivery: DeliveryServices, count: int, *, first: int = 1) -> Import:
    """Return an import of so many rows that runs, numbered from the first on."""
    owner = delivery.imports
    draft = owner.create(form="contact", operator="sara", digest="0" * 64, reading=READING)
    owner.write_rows(draft.id, map(stored, range(first, first + count)))
    assert owner.review.get(draft.reference) is None
    owner.open_draft(draft, Counts(ready_rows=count, wrong_rows=0, twice_rows=0))
    assert owner.start(draft.id, DuplicateRows.FIRST)
    assert not owner.start(draft.id, DuplicateRows.FIRST)
    return draft


def make_due(delivery: DeliveryServices) -> None:
    """Let the time pass until the next rows may be fed."""
    with delivery.database.write() as connection:
        connection.execute(imports.update().values(next_at=LONG_AGO))


def in_outbox(delivery: DeliveryServices) -> int:
    """Count the submissions."""
    with delivery.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def settle(delivery: DeliveryServices) -> None:
    """Let everything in the outbox have been delivered."""
    with delivery.database.write() as connection:
        connection.execute(table.update().values(state=State.DELIVERED, **ERASED))


def test_backlog_grows_with_what_the_portal_takes(delivery: DeliveryServices) -> None:
    """It doubles while all is taken, up to a second of rows; a step is half a second of them."""
    started(delivery, 400)
    before, steps = 0, []
    for _ in range(6):
        make_due(delivery)
        delivery.imports.feeder.enqueue_due_rows()
        steps.append(in_outbox(delivery) - before)
        before = in_outbox(delivery)
        settle(delivery)
    assert steps == [8, 16, 32, 50, 50, 50]


def test_choices_of_imported_rows_are_counted_once_each(delivery: DeliveryServices) -> None:
    """As those of forms; in the transaction that moves the rows, so whoever moves them.

    A row that was read before its field had choices may hold any text: no statistics keep that.
    """
    started(delivery, 12)
    delivery.imports.feeder.choices["contact"] = {"FName": ("سارا",), "Mobile": ("کم", "زیاد")}
    for _ in range(4):
        make_due(delivery)
        delivery.imports.feeder.enqueue_due_rows()
        settle(delivery)
    assert in_outbox(delivery) == 12
    assert delivery.funnel.choices(today(), today()) == {("contact", "FName", "سارا"): 12}


def test_slow_portal_has_few_rows_before_the_contacts_of_people(delivery: DeliveryServices) -> None:
    """No more wait than are taken in a second."""
    started(delivery, 400)
    for _ in range(5):
        make_due(delivery)
        delivery.imports.feeder.enqueue_due_rows()
        for submission in delivery.outbox.claim(2):
            delivery.outbox.deliver(submission, None)
    with delivery.database.read() as connection:
        waiting = select(func.count()).select_from(table).where(table.c.state == State.QUEUED)
        assert connection.execute(waiting).scalar_one() <= 8


def test_next_rows_are_due_after_the_interval(
    delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call at once feeds nothing; one late step is caught up on, no more."""
    # However long the calls take on a busy machine.
    monkeypatch.setattr(delivery.imports.feeder, "_interval", timedelta(hours=1))
    started(delivery, 400)
    delivery.imports.feeder.enqueue_due_rows()
    fed = in_outbox(delivery)
    delivery.imports.feeder.enqueue_due_rows()
    assert in_outbox(delivery) == fed
    make_due(delivery)
    counts = []
    for _ in range(3):
        delivery.imports.feeder.enqueue_due_rows()
        counts.append(in_outbox(delivery))
        settle(delivery)
    assert counts[0] == fed
    assert counts[1] > fed
    assert counts[2] == counts[1]


def test_nothing_is_fed_while_the_queue_is_paused(delivery: DeliveryServices) -> None:
    """Nor while the import is."""
    found = started(delivery, 20)
    delivery.breaker.failed(Refused("Token_Expired"))
    delivery.imports.feeder.enqueue_due_rows()
    assert in_outbox(delivery) == 0
    delivery.breaker.close()
    assert delivery.imports.pause(found.id)
    delivery.imports.feeder.enqueue_due_rows()
    assert in_outbox(delivery) == 0
    assert delivery.imports.resume(found.id)
    delivery.imports.feeder.enqueue_due_rows()
    assert in_outbox(delivery) == 8


def test_rows_in_a_restored_copy_are_looked_up_first(delivery: DeliveryServices) -> None:
    """As old as the import: the portal may have had them since then."""
    found = started(delivery, 2)
    delivery.outbox.review.mark_uncertain()
    delivery.imports.feeder.enqueue_due_rows()
    with delivery.database.read() as connection:
        rows = connection.execute(table.select()).all()
    assert [row.uncertain for row in rows] == [True, True]
    assert {row.created_at for row in rows} == {found.created_at}
    assert {row.operator for row in rows} == {"sara"}


def test_import_after_one_in_a_restored_copy_goes_on(delivery: DeliveryServices) -> None:
    """Its rows get the time of the clock, by the statement that took the import's time before."""
    started(delivery, 2)
    delivery.outbox.review.mark_uncertain()
    delivery.imports.feeder.enqueue_due_rows()
    settle(delivery)
    delivery.imports.feeder.enqueue_due_rows()
    found = started(delivery, 3, first=3)
    delivery.imports.feeder.enqueue_due_rows()
    assert in_outbox(delivery) == 5
    now = delivery.imports.review.get(found.reference)
    assert now
    assert now.left_rows == 0


def test_import_ends_when_nothing_waits(delivery: DeliveryServices) -> None:
    """Not before the last one has settled; then it cannot be cancelled."""
    found = started(delivery, 3)
    states = []
    for _ in range(2):
        make_due(delivery)
        delivery.imports.feeder.enqueue_due_rows()
        now = delivery.imports.review.get(found.reference)
        states.append(now and now.state)
    settle(delivery)
    delivery.imports.feeder.enqueue_due_rows()
    now = delivery.imports.review.get(found.reference)
    assert [*states, now and now.state] == [ImportState.RUNNING] * 2 + [ImportState.DONE]
    assert not delivery.imports.cancel(found.id)


def test_paused_import_with_nothing_left_ends(delivery: DeliveryServices) -> None:
    """All its rows are in the outbox already; the others wait until it is resumed."""
    found, other = started(delivery, 3), started(delivery, 30)
    for _ in range(2):
        make_due(delivery)
        delivery.imports.feeder.enqueue_due_rows()
    assert delivery.imports.pause(found.id)
    assert delivery.imports.pause(other.id)
    delivery.imports.feeder.enqueue_due_rows()
    settle(delivery)
    delivery.imports.feeder.enqueue_due_rows()
    states = [delivery.imports.review.get(it.reference) for it in (found, other)]
    assert [it and it.state for it in states] == [ImportState.DONE, ImportState.PAUSED]


@pytest.mark.slow
def test_several_workers_feed_and_send_each_row_once(quick: Settings, portal: Simulator) -> None:
    """No faster than the rate, all together."""
    several = [another(replace(quick, amoot_deadline=20), portal) for _ in range(3)]
    found = started(several[0], 150)
    start = time.monotonic()
    with working(*several):
        wait_until_done(several[0], found.reference)
        took = time.monotonic() - start
    assert took > 150 / quick.import_rate - 0.5
    assert numbers(portal) == [989120000000 + number for number in range(1, 151)]


def wait_until_done(delivery: DeliveryServices, reference: str, seconds: float = 90) -> None:
    """Wait until an import has ended."""
    until = time.monotonic() + seconds
    while True:
        found = delivery.imports.review.get(reference)
        if found and found.state is ImportState.DONE:
            return
        assert time.monotonic() < until, "it does not end"
        time.sleep(0.05)


def states(delivery: DeliveryServices) -> set[str]:
    """Return the states of all imports."""
    with delivery.database.read() as connection:
        return set(connection.execute(select(imports.c.state)).scalars())


def numbers(portal: Simulator) -> list[int]:
    """Return whom the portal has, sorted."""
    return sorted(one["Mobile"] for one in portal.contacts)


@pytest.fixture
def kill(quick: Settings) -> Callable[..., None]:
    """Return a function that lets another process die at a point of an import."""
    context = dying.context()

    def run(when: str, step: str, data: bytes) -> None:
        process = context.Process(target=dying.run_import, args=(quick, when, step, data))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "step"), [("before", "open"), ("after", "move"), ("after", "feed"), ("after", "send")]
)
def test_kill_in_the_middle_loses_and_doubles_no_row(
    quick: Settings, portal: Simulator, kill: Callable[..., None], when: str, step: str
) -> None:
    """The same file, brought again, sends what is left, beside the import that was under way."""
    lines = [f"0912{number:07}" for number in range(12)]
    data = "\n".join(["Mobile", *lines]).encode()
    kill(when, step, data)
    delivery = another(quick, portal)
    with delivery.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET due = created_at WHERE state = 'sending'")
    definition = definitions_file.load(None)["contact"]
    again = store_file(delivery.imports, definition, data, operator=None)
    assert delivery.imports.start(again.id, DuplicateRows.FIRST)
    with working(delivery):
        wait_until_done(delivery, again.reference)
        wait_until(lambda: states(delivery) <= {ImportState.DONE, ImportState.STORING})
    assert numbers(portal) == [989120000000 + number for number in range(12)]


@pytest.mark.parametrize("is_paused", [False, True])
def test_import_of_last_month_is_cancelled_only_if_it_is_paused(
    delivery: DeliveryServices, caplog: pytest.LogCaptureFixture, *, is_paused: bool
) -> None:
    """The rows of a running one are accepted, however long the portal is down."""
    draft = started(delivery, 3)
    if is_paused:
        assert delivery.imports.pause(draft.id)
    with delivery.database.write() as connection:
        connection.execute(imports.update().values(created_at=LONG_AGO))
    delivery.imports.purge()
    found = delivery.imports.review.get(draft.reference)
    assert (found is None) == is_paused
    assert len(list(delivery.imports.review.all_rows(draft.id))) == (0 if is_paused else 3)
    assert ("cancelled" in caplog.text) == is_paused


def test_file_waits_while_another_is_read(
    delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two parsers at once could take a gigabyte. Whoever waits too long is told so."""
    monkeypatch.setattr(importing, "_MAX_WAIT_S", 0.01)
    form = definitions_file.load(None)["contact"]
    with delivery.imports.reading, pytest.raises(UnreadableFile, match=texts.BUSY):
        store_file(delivery.imports, form, b"Mobile\n09121234567\n", operator=None)


def test_old_import_is_listed_until_it_has_ended(delivery: DeliveryServices) -> None:
    """Before those of the last thirty days."""
    names = {}
    for change in ("pause", "cancel", ""):
        names[change] = started(delivery, 1)
        if change:
            assert getattr(delivery.imports, change)(names[change].id)
    with delivery.database.write() as connection:
        connection.execute(imports.update().values(created_at=LONG_AGO))
    today = started(delivery, 1)
    assert delivery.imports.cancel(today.id)
    listed = [found.id for found in delivery.imports.review.recent()]
    assert listed == [names[""].id, names["pause"].id, today.id]


def test_many_drafts_hide_no_import(
    delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of drafts and of ended imports the latest are listed, and all that run."""
    monkeypatch.setattr(review, "_MAX_LISTED", 2)
    running = [started(delivery, 1) for _ in range(3)]
    ended = started(delivery, 1)
    assert delivery.imports.cancel(ended.id)
    owner, drafts = delivery.imports, []
    for _ in range(3):
        draft = owner.create(form="contact", operator=None, digest="0" * 64, reading=READING)
        drafts.append(owner.open_draft(draft, Counts(ready_rows=0, wrong_rows=0, twice_rows=0)))
    listed = [found.id for found in owner.review.recent()]
    newest_first = [it.id for it in (*reversed(running), *reversed(drafts[1:]), ended)]
    assert listed == newest_first


def test_rows_that_are_not_sent_are_erased_after_an_hour(delivery: DeliveryServices) -> None:
    """While the import is paused, too: the choice was made, and is not asked about again."""
    owner = delivery.imports
    draft = owner.create(form="contact", operator=None, digest="0" * 64, reading=READING)
    places = (
        DuplicatePosition.FIRST,
        DuplicatePosition.MIDDLE,
        DuplicatePosition.LAST,
        DuplicatePosition.ONLY,
    )
    rows = [replace(stored(number), place=place) for number, place in enumerate(places)]
    owner.write_rows(draft.id, rows)
    owner.open_draft(draft, Counts(ready_rows=2, wrong_rows=0, twice_rows=2))
    assert owner.start(draft.id, DuplicateRows.LAST)
    assert owner.pause(draft.id)
    with delivery.database.write() as connection:
        old = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
        connection.execute(imports.update().values(created_at=old))
    owner.purge()
    kept = [row.place for row in owner.review.all_rows(draft.id)]
    assert kept == [DuplicatePosition.LAST, DuplicatePosition.ONLY]
