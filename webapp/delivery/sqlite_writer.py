"""SQLite's one writer: threads that write at the same time share one wait for the disk.

SQLite lets one connection write at a time, and each commit waits for the disk. One after the
other, that bounds a process to a few hundred writes a second. Here the rows that come while another
write is under way are written together: those of a kind by one statement, all of them by one
commit. Not one by one, because each call into SQLite lets Python's other threads run: it may take
milliseconds until they let the writer go on, and whoever waits for SQLite's lock waits for that.

Nobody goes on before the disk has what they wrote.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Executable

# Seconds between two tries while another process writes. SQLite's own waits grow to a tenth of a
# second each, and lose to whoever comes back at once.
_LOCK_RETRY_INTERVAL_S: Final = (0.0005, 0.003)


class _Row:
    """What one thread brings, and what became of it."""

    def __init__(self, statement: Executable, values: Mapping[str, object], expires: float) -> None:
        self.statement = statement
        self.values = values
        self.expires = expires
        self.leads = False  # whether its thread writes for all that wait
        self.woken = threading.Event()
        self.is_written = False
        self.error: BaseException | None = None


class SqliteWriter:
    """The one writer of this process, with a connection of its own."""

    def __init__(self, engine: Engine, *, patience: float) -> None:
        """Write to this database; wait so many seconds for writers of other processes."""
        self._engine = engine
        self._patience = patience
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self._guard = threading.Lock()  # of the next two
        self._rows: list[_Row] = []
        self._is_led = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write alone; what was written is on the disk when the block ends."""
        with self._transaction(self._patience_ends()) as connection:
            yield connection

    def write(self, statement: Executable, values: Mapping[str, object]) -> bool:
        """Write a row, together with those that other threads bring meanwhile.

        Args:
            statement: Takes any number of rows, a JSON array in its parameter `rows`.
            values: This row.

        Returns:
            Whether it was written, and is on the disk. If not, one of those that came together was
            not taken, and nothing has changed; each caller writes its own alone.
        """
        row = _Row(statement, values, self._patience_ends())
        with self._guard:
            self._rows.append(row)
            row.leads = not self._is_led
            self._is_led = True
        if not row.leads:
            # Nothing interrupts this: signals are the main thread's, which serves nobody.
            row.woken.wait()
        if row.leads:
            self._lead(row)
        if row.error:
            raise row.error
        return row.is_written

    def _lead(self, leader: _Row) -> None:
        """Write what has come, and pass the lead on."""
        rows = [leader]  # the others may have more patience left
        try:
            with self._transaction(leader.expires) as connection:
                rows = self._take()
                is_written = _execute(connection, rows)
                if not is_written:
                    connection.rollback()
        except BaseException as error:  # noqa: BLE001  each one's thread raises it
            for row in rows:
                row.error = error
        else:
            for row in rows:
                row.is_written = is_written
        self._pass_on(leader)
        for row in rows:
            row.woken.set()

    def _take(self) -> list[_Row]:
        with self._guard:
            rows, self._rows = self._rows, []
        return rows

    def _pass_on(self, leader: _Row) -> None:
        """Let one of those who wait lead them."""
        with self._guard:
            if leader in self._rows:  # it had no turn
                self._rows.remove(leader)
            self._is_led = bool(self._rows)
            if self._is_led:
                self._rows[0].leads = True
                self._rows[0].woken.set()

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

    def _patience_ends(self) -> float:
        return time.monotonic() + self._patience

    @contextmanager
    def _transaction(self, expires: float) -> Iterator[Connection]:
        with self._turn:
            connection = self._connected()
            try:
                self._begin(connection, expires)
                yield connection
                connection.commit()
            except BaseException:
                self._connection = None
                connection.close()  # which rolls back
                raise

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
                    raise
                if time.monotonic() > expires:
                    raise
                time.sleep(random.uniform(*_LOCK_RETRY_INTERVAL_S))  # nosec B311  # noqa: S311  no secret
            else:
                return


def _execute(connection: Connection, rows: Sequence[_Row]) -> bool:
    """Run each statement once, for all its rows; tell whether each row was taken."""
    by_statement: dict[Executable, list[Mapping[str, object]]] = {}
    for row in rows:
        by_statement.setdefault(row.statement, []).append(row.values)
    return all(
        _rows_taken(connection, statement, values) == len(values)
        for statement, values in by_statement.items()
    )


def _rows_taken(
    connection: Connection, statement: Executable, values: Sequence[Mapping[str, object]]
) -> int:
    result: Any = connection.execute(statement, {"rows": json.dumps(values)})
    count: int = result.rowcount
    return count


def is_busy(error: BaseException | None) -> bool:
    """Tell whether SQLite's complaint is that somebody else is at it."""
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
