"""Permits: so many at a time, in the order of arrival, and a bound on who waits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tables import each

from webapp.outbox.circuit_breaker import Permits


def wait_until_waiting(permits: Permits, count: int) -> None:
    """Wait until so many callers are in the line."""
    expires = time.monotonic() + 10
    while len(permits._waiting) < count:  # noqa: SLF001  nothing else shows it
        assert time.monotonic() < expires
        threading.Event().wait(0.005)


def test_permits_are_given_while_there_are_some() -> None:
    """And nobody waits where nobody may."""
    permits = Permits(2, max_waiting=0)
    taken = [permits.acquire(timeout=9, may_wait=lambda: True) for _ in range(3)]
    assert taken == [True, True, False]
    permits.release()
    assert permits.acquire(timeout=9, may_wait=lambda: True)


def test_released_permit_goes_to_the_longest_waiting_thread() -> None:
    """A newcomer does not overtake."""
    permits, order = Permits(1, max_waiting=3), []
    permits.acquire(timeout=1, may_wait=lambda: True)

    def take(name: int) -> None:
        assert permits.acquire(timeout=30, may_wait=lambda: True)
        order.append(name)
        permits.release()

    with ThreadPoolExecutor(3) as people:
        for name in range(3):
            people.submit(take, name)
            wait_until_waiting(permits, name + 1)
        assert not permits.acquire(timeout=30, may_wait=lambda: True)  # the line is full
        permits.release()
    assert order == [0, 1, 2]
    assert permits.acquire(timeout=0, may_wait=lambda: False)


def test_waiting_ends_when_it_is_not_allowed_any_more() -> None:
    """As when the portal is known to be down; the line is left."""
    permits, allowed = Permits(1, max_waiting=1), threading.Event()
    allowed.set()
    permits.acquire(timeout=1, may_wait=lambda: True)
    with ThreadPoolExecutor(1) as people:
        waiting = people.submit(permits.acquire, timeout=60, may_wait=allowed.is_set)
        wait_until_waiting(permits, 1)
        allowed.clear()
        assert waiting.result(10) is False
    permits.release()
    assert permits.acquire(timeout=0, may_wait=lambda: False)


@each("timeout", [0, 0.05])
def test_waiting_ends_at_the_timeout(timeout: float) -> None:
    """No permit comes, and none is lost."""
    permits = Permits(1, max_waiting=1)
    permits.acquire(timeout=1, may_wait=lambda: True)
    assert not permits.acquire(timeout=timeout, may_wait=lambda: True)
    permits.release()
    assert permits.acquire(timeout=0, may_wait=lambda: False)
