"""The background deliverer: sends what waits in the outbox, by itself, for as long as it runs.

Any number of them work on one outbox, in threads of the web processes or in processes of their
own: what one has claimed, no other sends.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from webapp.observability.error_log import log_exception
from webapp.portal.base import Rejected, Unexplained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.delivery.outbox import Outbox
    from webapp.delivery.sender import Sender
    from webapp.delivery.timing import Timing

log = logging.getLogger(__name__)

_TICK: Final = 0.5  # seconds between two looks at a quiet outbox
_SWEEP: Final = 1.0
_HOUSEKEEPING: Final = 60.0
_RETRY_INTERVAL_S: Final = 2.0


class Worker:
    """Sends what waits, several contacts at once."""

    def __init__(
        self,
        outbox: Outbox,
        breaker: CircuitBreaker,
        sender: Sender,
        timing: Timing,
        *,
        calls: int,
    ) -> None:
        """Put the parts together.

        Args:
            outbox: What waits.
            breaker: Whether it waits on.
            sender: How it is sent.
            timing: How long that takes.
            calls: How many contacts are sent at once.
        """
        self._outbox = outbox
        self._breaker = breaker
        self._sender = sender
        self._calls = calls
        self._timing = timing
        self._running: set[Future[Any]] = set()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._jobs = (
            _Job(_SWEEP, self._requeue_expired_leases),
            _Job(_SWEEP, self._outbox.truncate_wal),
            _Job(_HOUSEKEEPING, self._purge),
        )

    def start(self) -> None:
        """Run in a thread; to be called in the process that serves, not in one that forks."""
        self._thread = threading.Thread(target=self.run, name="deliverer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more on. May be called from a signal handler."""
        self._stopped = True

    def join(self) -> None:
        """Wait until what was taken on is sent; each call ends within the portal's deadline."""
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Send what waits, until `stop`. Whatever goes wrong is logged, and tried again."""
        with ThreadPoolExecutor(self._calls, thread_name_prefix="delivery") as pool:
            while not self._stopped:
                went_well = [_guarded(work) for work in self._due(pool)]
                if not all(went_well):
                    time.sleep(_RETRY_INTERVAL_S)
                elif self._running:
                    wait(self._running, timeout=_TICK, return_when=FIRST_COMPLETED)
                else:
                    time.sleep(_TICK)

    def _due(self, pool: ThreadPoolExecutor) -> Iterator[Callable[[], None]]:
        yield partial(self._take_on, pool)
        yield from (job.work for job in self._jobs if job.is_due())

    def _take_on(self, pool: ThreadPoolExecutor) -> None:
        """Start what is due."""
        self._running = {call for call in self._running if not call.done()}
        if self._breaker.pause:
            if not self._running and self._breaker.take_probe(self._timing.lease):
                self._running = {pool.submit(_guarded, self._probe)}
            return
        free = self._calls - len(self._running)
        for submission in self._outbox.claim(free) if free else ():
            self._running.add(pool.submit(_guarded, partial(self._sender.attempt, submission)))

    def _requeue_expired_leases(self) -> None:
        if swept := self._outbox.requeue_expired_leases():
            log.warning("%d contacts were left behind by a dead process", swept)

    def _purge(self) -> None:
        for name in self._outbox.purge():
            log.warning("submission %s: erased, nobody asked for it in thirty days", name)

    def _probe(self) -> None:
        """Find out whether the pause has ended: ask for something harmless, then send one."""
        if error := self._sender.ping():
            self._breaker.probe_failed(error)
            return
        for submission in self._outbox.claim(1, probe=True):
            error = self._sender.attempt(submission)
            if error and not isinstance(error, Rejected | Unexplained):
                self._breaker.probe_failed(error)
                return
        self._outbox.make_due_now()
        self._breaker.close()


def _guarded(work: Callable[[], object]) -> bool:
    """Do something, and log what goes wrong; tell whether all went well."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  the deliverer must live on, whatever it is
        log_exception(log, error)
        return False
    return True


class _Job:
    """Something to do again and again."""

    def __init__(self, every: float, work: Callable[[], None]) -> None:
        self.work = work
        self._every = every
        self._next = 0.0

    def is_due(self) -> bool:
        """Tell whether it is time, once each time."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._every
        return True
