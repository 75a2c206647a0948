"""The background deliverer: sends what waits in the outbox, by itself, for as long as it runs.

Any number of them work on one outbox, in threads of the web processes or in processes of their
own: what one has claimed, no other sends.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

from webapp.store import StoreError
from webapp.verdict import Rejected, Unexplained

if TYPE_CHECKING:
    from webapp.breaker import Breaker
    from webapp.delivery import Delivery
    from webapp.outbox import Outbox
    from webapp.timing import Timing

log = logging.getLogger(__name__)

_TICK: Final = 0.5  # seconds between two looks at a quiet outbox
_SWEEP: Final = 1.0
_HOUSEKEEPING: Final = 60.0
_NO_STORE: Final = 2.0


class Deliverer:
    """Sends what waits, several contacts at once."""

    def __init__(
        self,
        outbox: Outbox,
        breaker: Breaker,
        delivery: Delivery,
        timing: Timing,
        *,
        calls: int,
    ) -> None:
        """Put the parts together.

        Args:
            outbox: What waits.
            breaker: Whether it waits on.
            delivery: How it is sent.
            timing: How long that takes.
            calls: How many contacts are sent at once.
        """
        self._outbox = outbox
        self._breaker = breaker
        self._delivery = delivery
        self._calls = calls
        self._timing = timing
        self._running: set[Future[Any]] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._sweep_at = self._housekeeping_at = 0.0

    def start(self) -> None:
        """Run in a thread; to be called in the process that serves, not in one that forks."""
        self._thread = threading.Thread(target=self.run, name="deliverer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more on. May be called from a signal handler."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until what was taken on is sent; a call ends within the portal's deadline."""
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Send what waits, until `stop`."""
        with ThreadPoolExecutor(self._calls, thread_name_prefix="delivery") as pool:
            while not self._stopping.is_set():
                try:
                    self._pause(self.round(pool))
                except StoreError as error:
                    log.error("the store does not answer, %s", error)  # noqa: TRY400  no traceback
                    self._stopping.wait(_NO_STORE)

    def _pause(self, taken: int) -> None:
        if self._running and taken:
            wait(self._running, timeout=_TICK, return_when=FIRST_COMPLETED)
        else:
            self._stopping.wait(_TICK)

    def round(self, pool: ThreadPoolExecutor) -> int:
        """Do once what is due; return how many contacts were taken on."""
        self._running = {call for call in self._running if not call.done()}
        self._keep_house()
        if self._breaker.pause:
            return self._probe()
        entries = self._outbox.claim(free) if (free := self._calls - len(self._running)) else []
        self._running |= {pool.submit(self._delivery.attempt, entry) for entry in entries}
        return len(self._running)

    def _keep_house(self) -> None:
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + _SWEEP
        self._outbox.tidy()
        if swept := self._outbox.sweep():
            log.warning("%d contacts were left behind by a dead process", swept)
        if now < self._housekeeping_at:
            return
        self._housekeeping_at = now + _HOUSEKEEPING
        self._outbox.forget()
        pause = self._breaker.pause
        if pause is None or not pause.refused:  # the account's troubles are not the contact's
            for name in self._outbox.give_up():
                log.warning("submission %s: held, it could not be sent for too long", name)

    def _probe(self) -> int:
        """Find out whether the pause has ended: ask for something harmless, then send one."""
        if not self._breaker.take_probe(self._timing.lease):
            return 0
        if error := self._delivery.ping():
            self._breaker.probe_failed(error)
            return 0
        for entry in self._outbox.claim(1, probe=True):
            error = self._delivery.attempt(entry)
            if error and not isinstance(error, Rejected | Unexplained):
                self._breaker.probe_failed(error)
                return 0
        self._outbox.hasten()
        self._breaker.close()
        return 1
