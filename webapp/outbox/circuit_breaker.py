"""Whether the portal may be called now: the circuit breaker, and permits for calls at once.

While the breaker is open, the queue is paused.

All processes and machines that share a database share one breaker. It opens when the portal refuses
the account, the token or the IP address, asks to slow down, or seems to be down. While it is open,
one probe at a time finds out whether the cause has ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    String,
    Table,
    case,
    delete,
    or_,
    select,
    update,
)

from webapp.database import CachedValue, Database
from webapp.database.engine import metadata
from webapp.observability.metrics import Metrics
from webapp.portal import (
    MAX_PAUSE_S,
    SLOW_DOWN,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    TimedOut,
    Unexplained,
    Unreachable,
)

log = logging.getLogger(__name__)

# So many failed calls in a row open the breaker. One time-out or failed connection is enough.
_FAILURE_THRESHOLD: Final = 3
_CACHE_TTL_S: Final = 0.5  # delay until this process sees what another one changed

_FIRST_PROBE: Final = timedelta(seconds=0.5)
# A portal that is down recovers automatically; a refused account needs a person, for longer.
_MAX_PROBE_INTERVAL: Final = {False: timedelta(seconds=4), True: timedelta(minutes=1)}
_MAX_DOUBLINGS: Final = 7
# A transaction may begin so long before another one that it waits for has put off the probe.
_SLACK: Final = timedelta(seconds=5)
# If the portal asks to slow down without saying for how long.
_FIRST_SLOW_DOWN_S: Final = 5.0
_MAX_SLOW_DOWN_DOUBLINGS: Final = 8

_breaker: Final = Table(
    "breaker",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1; no row while it is closed
    Column("status", String(64), nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("since", DateTime, nullable=False),
    Column("probe_at", DateTime, nullable=False),
    Column("probes", Integer, nullable=False),
)

_PAUSE_COLUMNS: Final = [_breaker.c[name] for name in ("status", "refused", "since", "probe_at")]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why the queue is paused.

    Attributes:
        status: The portal's status, or ours for a fault on the way.
        refused: Whether the account, the token or the IP address was refused: a person must act.
        since: When the pause began, in UTC.
        probe_at: When the next probe is due, in UTC.
        read_at: When this was read, in UTC. All three are by the database's clock.
    """

    status: str
    refused: bool
    since: datetime
    probe_at: datetime
    read_at: datetime

    @property
    def age(self) -> timedelta:
        """How long the queue has been paused."""
        return self.read_at - self.since

    @property
    def until_probe(self) -> timedelta:
        """How long until the next probe is due; none if it is."""
        return max(self.probe_at - self.read_at, timedelta(0))


class CircuitBreaker:
    """The shared breaker. Its methods raise a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Keep its state in this database."""
        self._database = database
        self._failures = 0
        self._pause = CachedValue[Pause | None](self._read, first=None, ttl_s=_CACHE_TTL_S)

    @property
    def pause(self) -> Pause | None:
        """Why the queue is paused, or None; cached for up to half a second. Never raises."""
        return self._pause.get()

    def read_pause(self) -> Pause | None:
        """Read why the queue is paused from the database; None if it is not."""
        self._pause.set(self._read())
        return self._pause.last

    def _read(self) -> Pause | None:
        pause = select(*[*_PAUSE_COLUMNS, self._database.now_plus()])
        with self._database.read() as connection:
            found = connection.execute(pause).first()
        return Pause(*found) if found else None

    def succeeded(self) -> None:
        """Record that the portal accepted or rejected a contact; close the breaker."""
        self._failures = 0
        # After a request to slow down, a call that started earlier proves nothing.
        pause = self._pause.last
        if pause is not None and pause.status != SLOW_DOWN:
            self.close()

    def failed(self, error: PortalError) -> None:
        """Record a failed call; open the breaker if necessary."""
        if isinstance(error, Rejected):
            self.succeeded()
        if isinstance(error, Rejected | Unexplained):
            return  # the portal works, and accepts the account
        if isinstance(error, SlowDown):
            self._slow_down(error)
            return
        self._failures += 1
        at_once = isinstance(error, Refused | Unreachable | TimedOut)
        if at_once or self._failures >= _FAILURE_THRESHOLD:
            self._open(error)

    def _open(self, error: PortalError) -> None:
        refused = isinstance(error, Refused)
        insert = self._database.insert_or_ignore(
            _breaker,
            id=1,
            status=error.status,
            refused=refused,
            since=self._database.now_plus(),
            probe_at=self._database.now_plus(_FIRST_PROBE),
            probes=0,
        )
        with self._database.write() as connection:
            is_new = connection.execute(insert).first()
        if is_new:
            level = logging.ERROR if refused else logging.WARNING
            log.log(level, "the queue is paused: %s", error.status)
        self.read_pause()

    def _slow_down(self, error: SlowDown) -> None:
        """Pause at least as long as the portal asks for; this replaces any other cause."""
        probe_at = self._database.now_plus(_slow_pause(error, 0))
        now, shared = (
            self._database.now_plus(),
            {"status": error.status, "refused": False, "probes": 0},
        )
        insert = self._database.insert_or_ignore(
            _breaker, id=1, since=now, probe_at=probe_at, **shared
        )
        longer = case((_breaker.c.probe_at > probe_at, _breaker.c.probe_at), else_=probe_at)
        other = _breaker.c.status != SLOW_DOWN
        with self._database.write() as connection:
            is_new = connection.execute(insert).first()
            if not is_new:
                connection.execute(update(_breaker).values(probe_at=longer))
                connection.execute(update(_breaker).where(other).values(**shared))
        if is_new:
            log.warning("the queue is paused: %s, %s", error.status, error.cause)
        self.read_pause()

    def close(self) -> None:
        """Close the breaker: the queue runs again."""
        with self._database.write() as connection:
            was_open = connection.execute(delete(_breaker).returning(_breaker.c.id)).first()
        self._failures = 0
        self._pause.set(None)
        if was_open:
            log.warning("the queue runs again")

    def take_probe(self, lease: timedelta) -> bool:
        """Return whether the caller may probe now; then nobody else may, for the lease."""
        is_due = self._is_probe_due(lease)
        with self._database.read() as connection:
            if connection.execute(select(_breaker.c.id).where(is_due)).first() is None:
                return False
        with self._database.write() as connection:
            turn = (
                update(_breaker)
                .where(is_due)
                .values(probe_at=self._database.now_plus(lease))
                .returning(_breaker.c.id)
            )
            return connection.execute(turn).first() is not None

    def _is_probe_due(self, lease: timedelta) -> ColumnElement[bool]:
        """Return the SQL condition that the next probe is due.

        No probe is ever put off for longer than its bound; one that lies further ahead counts as
        due: the clock was set back.
        """
        now_plus, probe_at = self._database.now_plus, _breaker.c.probe_at
        latest = case(
            (_breaker.c.status == SLOW_DOWN, now_plus(timedelta(seconds=MAX_PAUSE_S) + _SLACK)),
            (_breaker.c.refused, now_plus(max(_MAX_PROBE_INTERVAL[True], lease) + _SLACK)),
            else_=now_plus(max(_MAX_PROBE_INTERVAL[False], lease) + _SLACK),
        )
        return or_(probe_at <= now_plus(), probe_at > latest)

    def probe_failed(self, error: PortalError) -> None:
        """Record a failed probe; the interval to the next one grows."""
        refused = isinstance(error, Refused)
        with self._database.write() as connection:
            probes = connection.execute(select(_breaker.c.probes)).scalar() or 0
            pause = min(
                _FIRST_PROBE * 2 ** min(probes + 1, _MAX_DOUBLINGS), _MAX_PROBE_INTERVAL[refused]
            )
            if isinstance(error, SlowDown):
                pause = _slow_pause(error, probes + 1)
            self._pause_for(
                connection,
                pause,
                status=error.status,
                refused=refused,
                probes=probes + 1,
            )
        self.read_pause()

    def probe_now(self) -> None:
        """Probe at once: the cause was corrected. Not before the time that the portal asked for."""
        probed = update(_breaker).where(_breaker.c.status != SLOW_DOWN)
        with self._database.write() as connection:
            connection.execute(probed.values(probe_at=self._database.now_plus(), probes=0))

    def _pause_for(self, connection: Connection, pause: timedelta, **changes: object) -> None:
        values = {"probe_at": self._database.now_plus(pause), **changes}
        connection.execute(update(_breaker).values(**values))


def _slow_pause(error: SlowDown, probes: int) -> timedelta:
    """Return the pause that the portal asks for; without one, a pause that grows."""
    growing = min(_FIRST_SLOW_DOWN_S * 2 ** min(probes, _MAX_SLOW_DOWN_DOUBLINGS), MAX_PAUSE_S)
    return timedelta(seconds=error.retry_after or growing)


POLL_INTERVAL_S: Final = 0.1


class Permits:
    """A semaphore that serves waiting threads in the order of arrival, and bounds their number.

    `threading.Semaphore` is not fair: a new thread may acquire it before those that wait.
    """

    def __init__(self, permits: int, *, max_waiting: int, metrics: Metrics | None = None) -> None:
        """Set how many permits there are, and how many threads may wait for one."""
        self._all = self._free = permits
        self._metrics = metrics
        self._max_waiting = max_waiting
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def acquire(self, *, timeout: float, may_wait: Callable[[], bool]) -> bool:
        """Acquire a permit, waiting for one if necessary; return whether it was acquired.

        Args:
            timeout: The maximum wait, in seconds.
            may_wait: Polled while waiting; `False` ends the wait.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                self._count()
                return True
            if len(self._waiting) >= self._max_waiting:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
            self._count()
        expires = time.monotonic() + timeout
        while may_wait() and (left := expires - time.monotonic()) > 0:
            if turn.wait(min(left, POLL_INTERVAL_S)):
                return True
        return not self._cancel(turn)

    def _cancel(self, turn: threading.Event) -> bool:
        """Leave the queue; return `False` if the permit was handed over just before."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            self._count()
            return True

    def release(self) -> None:
        """Release a permit: the thread that has waited longest gets it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
            self._count()

    def _count(self) -> None:
        if self._metrics:
            self._metrics.set_permits(used=self._all - self._free, waiting=len(self._waiting))
