"""The circuit breaker: whether contacts are sent to the portal now, or wait for it.

All processes and machines that share a store share one breaker. It opens, which pauses the whole
queue, when the portal refuses the account, the token or the address, or seems to be down. While it
is open, one probe at a time finds out when that has ended.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    String,
    Table,
    case,
    delete,
    select,
    update,
)

from webapp.delivery.database import DatabaseError, metadata
from webapp.portal.base import (
    MAX_PAUSE_S,
    SLOW_DOWN,
    Refused,
    Rejected,
    SlowDown,
    TimedOut,
    Unexplained,
    Unreachable,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from webapp.delivery.database import Database
    from webapp.portal.base import PortalError

log = logging.getLogger(__name__)

# As many calls in a row must go wrong before the portal is taken to be down. One that cost the
# whole deadline, or never got there, is enough.
_FAILURES: Final = 3
_CACHE_TTL_S: Final = 0.5  # seconds that what another process did may go unnoticed

_FIRST_PROBE: Final = timedelta(seconds=0.5)
# A portal that is down comes back by itself, and is noticed within seconds; an account must be
# mended by a person.
_LONGEST_PAUSE: Final = {False: timedelta(seconds=4), True: timedelta(minutes=1)}
_DOUBLINGS: Final = 7
# For a portal that asks us to slow down and does not say for how long.
_FIRST_SLOW_S: Final = 5.0
_SLOW_DOUBLINGS: Final = 8

_breaker: Final = Table(
    "breaker",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1: there is one, and none while it is closed
    Column("status", String(64), nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("since", DateTime, nullable=False),
    Column("probe_at", DateTime, nullable=False),
    Column("probes", Integer, nullable=False),
)


_SHOWN: Final = [_breaker.c[name] for name in ("status", "refused", "since", "probe_at")]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why the queue is paused.

    Attributes:
        status: The portal's status, or ours for a fault on the way.
        refused: Whether the account, the token or the address was refused: a person must act.
        since: Since when, in UTC.
        probe_at: When the next probe is due, in UTC.
    """

    status: str
    refused: bool
    since: datetime
    probe_at: datetime


class CircuitBreaker:
    """The breaker as one process sees it. Its methods raise a DatabaseError as the store does."""

    def __init__(self, database: Database) -> None:
        """Keep it in this store."""
        self._database = database
        self._failures = 0
        self._seen: Pause | None = None
        self._seen_at = float("-inf")
        self._looking = threading.Lock()

    @property
    def pause(self) -> Pause | None:
        """Why the queue is paused, or None; at most half a second old. Never raises."""
        if time.monotonic() - self._seen_at > _CACHE_TTL_S and self._looking.acquire(
            blocking=False
        ):
            try:
                self.read_pause()
            except DatabaseError:
                self._seen_at = time.monotonic()  # the last news stays
            finally:
                self._looking.release()
        return self._seen

    def read_pause(self) -> Pause | None:
        """Return why the queue is paused at this very moment, or None."""
        with self._database.read() as connection:
            found = connection.execute(select(*_SHOWN)).first()
        self._see(Pause(*found) if found else None)
        return self._seen

    def _see(self, pause: Pause | None) -> None:
        self._seen, self._seen_at = pause, time.monotonic()

    def succeeded(self) -> None:
        """Note that the portal took a contact, or judged it."""
        self._failures = 0
        # A call that began before the pause says nothing of it.
        if self._seen is not None and self._seen.status != SLOW_DOWN:
            self.close()

    def failed(self, error: PortalError) -> None:
        """Note what went wrong with a call; open if it is time."""
        if isinstance(error, Rejected):
            self.succeeded()
        if isinstance(error, Rejected | Unexplained):
            return  # the portal is there, and the account is not what it minds
        if isinstance(error, SlowDown):
            self._slow_down(error)
            return
        self._failures += 1
        at_once = isinstance(error, Refused | Unreachable | TimedOut)
        if at_once or self._failures >= _FAILURES:
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
            tell = log.error if refused else log.warning
            tell("the queue is paused: %s", error.status)
        self.read_pause()

    def _slow_down(self, error: SlowDown) -> None:
        """Pause at least as long as the portal asks for, whatever else the cause was."""
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
        """Let the queue run."""
        with self._database.write() as connection:
            was_open = connection.execute(delete(_breaker).returning(_breaker.c.id)).first()
        self._failures = 0
        self._see(None)
        if was_open:
            log.warning("the queue runs again")

    def take_probe(self, lease: timedelta) -> bool:
        """Tell whether it is this caller's turn to probe; nobody else's is then, for the lease."""
        with self._database.write() as connection:
            turn = (
                update(_breaker)
                .where(self._database.is_due(_breaker.c.probe_at))
                .values(probe_at=self._database.now_plus(lease))
                .returning(_breaker.c.id)
            )
            return connection.execute(turn).first() is not None

    def probe_failed(self, error: PortalError) -> None:
        """Note that a probe found the queue's pause justified; the next one comes later."""
        refused = isinstance(error, Refused)
        with self._database.write() as connection:
            probes = connection.execute(select(_breaker.c.probes)).scalar() or 0
            pause = min(_FIRST_PROBE * 2 ** min(probes + 1, _DOUBLINGS), _LONGEST_PAUSE[refused])
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
        """Probe at once: a person says that the cause was mended. Not before the portal allows."""
        mended = update(_breaker).where(_breaker.c.status != SLOW_DOWN)
        with self._database.write() as connection:
            connection.execute(mended.values(probe_at=self._database.now_plus(), probes=0))

    def _pause_for(self, connection: Connection, pause: timedelta, **changes: object) -> None:
        values = {"probe_at": self._database.now_plus(pause), **changes}
        connection.execute(update(_breaker).values(**values))


def _slow_pause(error: SlowDown, probes: int) -> timedelta:
    """Return the pause that the portal asks for, or else one that grows with each probe."""
    growing = min(_FIRST_SLOW_S * 2 ** min(probes, _SLOW_DOUBLINGS), MAX_PAUSE_S)
    return timedelta(seconds=error.retry_after or growing)
