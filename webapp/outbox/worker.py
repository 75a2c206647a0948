"""The background worker: sends what waits in the outbox, until it is stopped.

Any number of workers share one outbox, as threads of the web processes or as processes of their
own: what one has claimed, no other sends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, Final

from webapp.observability import log_exception
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import Timing
from webapp.outbox.sender import Sender
from webapp.portal import MethodNotAllowed, Rejected, Unexplained

log = logging.getLogger(__name__)

_POLL_INTERVAL_S: Final = 0.5
_LEASE_CHECK_INTERVAL_S: Final = 1.0
PURGE_INTERVAL_S: Final = 60.0
_ERROR_INTERVAL_S: Final = 2.0  # at least, between two runs of a job that fails


class Worker:
    """Sends what waits, several submissions at once."""

    def __init__(
        self,
        outbox: Outbox,
        breaker: CircuitBreaker,
        sender: Sender,
        timing: Timing,
        *,
        calls: int,
    ) -> None:
        """Use these services.

        Args:
            outbox: Where submissions wait.
            breaker: Whether they are sent.
            sender: Sends them.
            timing: The time limits of delivery.
            calls: How many submissions are sent at once.
        """
        self._outbox = outbox
        self._breaker = breaker
        self._sender = sender
        self._calls = calls
        self._timing = timing
        self._running: set[Future[Any]] = set()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._on_stop: list[Callable[[], None]] = []
        self._jobs = [
            _Job(_LEASE_CHECK_INTERVAL_S, self._requeue_expired_leases),
            _Job(PURGE_INTERVAL_S, self._purge),
        ]

    def every(self, interval_s: float, work: Callable[[], object], *, first_s: float = 0.0) -> None:
        """Have a feature's work done at an interval, and first after so many seconds."""
        self._jobs.append(_Job(interval_s, work, first_s=first_s))

    def on_stop(self, work: Callable[[], None]) -> None:
        """Have a feature's work done when the worker stops."""
        self._on_stop.append(work)

    def start(self) -> None:
        """Run in a thread. Call it in the process that serves, after a fork."""
        self._thread = threading.Thread(target=self.run, name="delivery worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Claim nothing more. May be called from a signal handler."""
        self._stopped = True

    def join(self) -> None:
        """Wait until what was claimed is settled; each call ends within the portal's deadline."""
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Send what waits, until `stop`. Every exception is logged, and the work tried again."""
        with ThreadPoolExecutor(self._calls, thread_name_prefix="delivery") as pool:
            jobs = [_Job(0.0, partial(self._claim, pool)), *self._jobs]
            while not self._stopped:
                for job in jobs:
                    job.run_if_due()
                if self._running:
                    wait(self._running, timeout=_POLL_INTERVAL_S, return_when=FIRST_COMPLETED)
                else:
                    time.sleep(_POLL_INTERVAL_S)
        for work in self._on_stop:
            work()

    def _claim(self, pool: ThreadPoolExecutor) -> None:
        """Start to send what is due, or to probe the portal while the breaker is open."""
        self._running = {call for call in self._running if not call.done()}
        if self._breaker.pause:
            if not self._running and self._breaker.take_probe(self._timing.lease):
                self._running = {pool.submit(_run_logged, self._probe)}
            return
        free = self._calls - len(self._running)
        for submission in self._outbox.claim(free) if free else ():
            self._running.add(pool.submit(_run_logged, partial(self._sender.attempt, submission)))

    def _requeue_expired_leases(self) -> None:
        if count := self._outbox.requeue_expired_leases():
            log.warning("%d submissions of a dead process are queued again", count)

    def _purge(self) -> None:
        for reference in self._outbox.purge():
            log.warning("submission %s: erased after thirty days without attention", reference)

    def _probe(self) -> None:
        """Find out whether the pause has ended: make a harmless call, then send one submission."""
        if error := self._sender.ping():
            self._breaker.probe_failed(error)
            return
        for submission in self._outbox.claim(1, probe=True):
            error = self._sender.attempt(submission)
            # A lookup that the token does not allow says nothing about sending.
            is_lookup = submission.uncertain and isinstance(error, MethodNotAllowed)
            if error and not is_lookup and not isinstance(error, Rejected | Unexplained):
                self._breaker.probe_failed(error)
                return
        self._breaker.close()  # first: a long queue takes a while
        self._outbox.make_due_now()


def _run_logged(work: Callable[[], object]) -> bool:
    """Run a function and log any exception; return whether there was none."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  the worker goes on, whatever happens
        log_exception(log, error)
        return False
    return True


class _Job:
    """A function to run at an interval. One that fails is run less often; the others go on."""

    def __init__(
        self, interval_s: float, work: Callable[[], object], *, first_s: float = 0.0
    ) -> None:
        self.work = work
        self._interval_s = interval_s
        self._next = time.monotonic() + first_s

    def run_if_due(self) -> None:
        """Run the function if the interval has passed; log any exception."""
        now = time.monotonic()
        if now >= self._next:
            least_s = 0.0 if _run_logged(self.work) else _ERROR_INTERVAL_S
            self._next = now + max(self._interval_s, least_s)
