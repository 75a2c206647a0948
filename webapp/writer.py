"""SQLite's one writer: threads that write at the same time share one wait for the disk.

SQLite lets one connection write at a time, and each commit waits for the disk. One after the
other, that bounds a process to a few hundred writes a second. Here whoever comes while another
writes joins the same transaction, and the last one commits for all. Nobody goes on before the disk
has what they wrote; what fails for one, fails for all.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

_MOST: Final = 64  # writes in one transaction: others write, too
# Seconds between two tries while another process writes. SQLite's own waits grow to a tenth of a
# second each, and lose to whoever comes back at once.
_GLANCE: Final = (0.0005, 0.003)


class _Group:
    """Writes that are committed together."""

    def __init__(self) -> None:
        self.size = 0
        self.ended = threading.Event()
        self.error: BaseException | None = None


class Writer:
    """The one writer of this process, with a connection of its own."""

    def __init__(self, engine: Engine, *, patience: float) -> None:
        """Write to this database; wait so many seconds for writers of other processes."""
        self._engine = engine
        self._patience = patience
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write; what was written is on the disk when the block ends."""
        expires = time.monotonic() + self._patience
        self._count(+1)
        with self._turn:
            self._count(-1)
            connection, group = self._join(expires)
            try:
                yield connection
            except BaseException as error:
                group.error = error
                raise
            finally:
                # The last one ends it: nobody who waits for a turn could do so later.
                if group.error or self._waiting == 0 or group.size >= _MOST:
                    self._end(group)
        group.ended.wait()
        if group.error:
            raise group.error

    def checkpoint(self) -> None:
        """Empty SQLite's log of changes into the database, unless somebody reads or writes."""
        with self._turn:
            connection = self._connected()
            try:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                # Waiting for others, it would keep all writers waiting; the next one may do better.
                if not is_busy(error):
                    raise

    def _count(self, change: int) -> None:
        with self._counting:
            self._waiting += change

    def _join(self, expires: float) -> tuple[Connection, _Group]:
        """Return the open transaction, begun if there is none."""
        connection = self._connected()
        if self._group is None:
            self._begin(connection, expires)
            self._group = _Group()
        self._group.size += 1
        return connection, self._group

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            # Beneath SQLAlchemy, which would begin a transaction first.
            connection.connection.execute("PRAGMA busy_timeout=0")
            self._connection = connection
        return self._connection

    def _begin(self, connection: Connection, expires: float) -> None:
        # Beneath SQLAlchemy, where a try that fails costs next to nothing.
        while True:
            try:
                connection.connection.execute("BEGIN IMMEDIATE")
                connection.begin()
            except (sqlite3.Error, SQLAlchemyError) as error:
                if not is_busy(error):
                    connection.invalidate()  # the next one opens a new one
                    self._connection = None
                    raise
                if time.monotonic() > expires:
                    raise
                time.sleep(random.uniform(*_GLANCE))  # nosec B311  # noqa: S311  no secret
            else:
                return

    def _end(self, group: _Group) -> None:
        """Commit for all, or for none."""
        assert self._connection is not None  # nosec B101  # noqa: S101  for the type checker: a group is open
        self._group = None
        try:
            if group.error is None:
                self._connection.commit()
        except BaseException as error:
            group.error = error
            if not isinstance(error, SQLAlchemyError):
                raise
        finally:
            if group.error:
                self._connection.close()  # which rolls back
                self._connection = None
            group.ended.set()


def is_busy(error: BaseException | None) -> bool:
    """Tell whether SQLite's complaint is that somebody else is at it."""
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
