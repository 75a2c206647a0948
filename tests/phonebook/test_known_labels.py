"""The list of the portal's labels: when it is fetched, and what becomes of it if that fails."""

import logging
import threading
from collections.abc import Callable

import pytest
from support import wait_until
from tables import each

from webapp.phonebook import KnownLabels, LabelList
from webapp.portal import Label, MethodNotAllowed, PortalError, Refused, SlowDown, TimedOut
from webapp.services import DeliveryServices

NAMES = [Label("کم", 1), Label("زیاد", 9), Label("میان", 5)]


class Book:
    """A portal that has labels, or fails."""

    def __init__(self) -> None:
        """Begin with some labels."""
        self.now: list[Label] | Exception = NAMES
        self.calls = 0
        self.hangs = threading.Event()
        self.hangs.set()

    def labels(self) -> list[Label]:
        """Return the labels, or raise."""
        self.calls += 1
        self.hangs.wait()
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


@pytest.fixture
def book() -> Book:
    """Return a portal with three labels."""
    return Book()


@pytest.fixture
def make(book: Book, delivery: DeliveryServices) -> Callable[[int], LabelList]:
    """Return a factory of lists with an interval in seconds, once no other test's is fetched."""
    wait_until(lambda: threads_of_lists() == [])
    return lambda interval_s: LabelList(
        book,  # type: ignore[arg-type]  nothing else of a portal is used
        delivery.breaker,
        interval_s=interval_s,
    )


def threads_of_lists() -> list[threading.Thread]:
    """Return the threads that fetch lists."""
    return [thread for thread in threading.enumerate() if thread.name == "labels"]


def test_known_labels_are_sorted_by_use(make: Callable[[int], LabelList]) -> None:
    """The version changes with the list, and only then."""
    labels = make(300)
    assert (labels.known().names, labels.known().version) == ((), 0)
    assert labels.refresh() == 300
    assert labels.known().names == ("زیاد", "میان", "کم")
    first = labels.known()
    labels.refresh()
    assert labels.known() is first


@pytest.mark.parametrize(
    ("error", "pause_s"),
    [
        (TimedOut(), 60),
        (Refused("Token_Expired"), 60),
        (SlowDown(retry_after=900), 900),
        (SlowDown(), 300),
        (MethodNotAllowed("Token_NotAllowMethod"), 6 * 3600),
    ],
)
def test_failed_fetch_keeps_the_last_list(
    book: Book, make: Callable[[int], LabelList], error: PortalError, pause_s: float
) -> None:
    """And the next fetch comes after a pause that fits the failure."""
    labels = make(300)
    labels.refresh()
    book.now = error
    assert labels.refresh() == pause_s
    assert labels.known().names == ("زیاد", "میان", "کم")


def test_failure_is_logged_once(
    book: Book, make: Callable[[int], LabelList], caplog: pytest.LogCaptureFixture
) -> None:
    """Until it is another one, or a fetch succeeded in between."""
    caplog.set_level(logging.INFO, "webapp.phonebook")
    labels = make(300)
    for book.now in (TimedOut(), TimedOut(), Refused("Token_Expired"), NAMES, TimedOut()):
        labels.refresh()
    assert [record.args for record in caplog.records] == [
        ("Timeout",),
        ("Token_Expired",),
        ("Timeout",),
    ]


def test_nothing_is_fetched_while_the_queue_is_paused(
    book: Book, make: Callable[[int], LabelList], delivery: DeliveryServices
) -> None:
    """The portal has other worries, or the account has."""
    labels = make(300)
    delivery.breaker.failed(Refused("Token_Expired"))
    assert labels.refresh() == 5
    assert book.calls == 0
    delivery.breaker.close()
    labels.refresh()
    assert book.calls == 1


def test_failed_fetch_does_not_pause_the_queue(
    book: Book, make: Callable[[int], LabelList], delivery: DeliveryServices
) -> None:
    """Suggestions are a convenience; contacts are not."""
    book.now = TimedOut()
    make(300).refresh()
    assert delivery.breaker.read_pause() is None


def test_labels_that_nobody_can_type_are_left_out() -> None:
    """They would be divided, shortened or refused."""
    names = ["خوب", "الف، ب", "a;b", "ن" * 51, "", " ", "\ud800", "a\nb", "#"]
    assert KnownLabels(names).names == ("خوب",)


@each("other", ["vip", "V I P", "V\u200cIP", "ＶＩＰ", "#VIP"])
def test_spellings_of_a_label_are_found(other: str) -> None:
    """Most used first; a label that reads otherwise is another."""
    known = KnownLabels(["VIP", "ویژه", other])
    assert known.spellings("Vip") == ("VIP", other)
    assert known.spellings("VIP2") == ()


@pytest.mark.slow
def test_list_is_fetched_in_a_thread_at_intervals(
    book: Book, make: Callable[[int], LabelList], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever happens, until it is stopped."""
    labels = make(1)
    labels.start()
    wait_until(lambda: len(labels.known().names) == 3)
    book.now = ZeroDivisionError()
    wait_until(lambda: "ZeroDivisionError" in caplog.text)
    book.now = NAMES[:1]
    wait_until(lambda: labels.known().names == ("کم",))
    labels.stop()
    wait_until(lambda: threads_of_lists() == [])


@pytest.mark.slow
def test_portal_that_hangs_delays_neither_readers_nor_stop(
    book: Book, make: Callable[[int], LabelList]
) -> None:
    """The thread does not keep the process alive."""
    labels = make(1)
    labels.refresh()
    book.hangs.clear()
    labels.start()
    wait_until(lambda: book.calls == 2)
    assert len(labels.known().names) == 3
    labels.stop()
    (thread,) = threads_of_lists()  # it hangs still
    assert thread.daemon
    book.hangs.set()
    thread.join(60)


@pytest.mark.slow
def test_interval_of_zero_starts_no_thread(book: Book, make: Callable[[int], LabelList]) -> None:
    """The labels are never asked for."""
    make(0).start()
    assert threads_of_lists() == []
    assert book.calls == 0
