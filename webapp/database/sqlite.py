"""SQLite: its settings, and one writer, by which threads that write at once share a commit.

SQLite lets one connection write at a time, and each commit waits for the disk. One after the
other, that bounds a process to a few hundred writes a second. Here, rows that arrive while another
write runs are written together: one statement for all rows of a kind, one commit for all of them.

One statement, because each sqlite3 call releases the GIL; regaining it can take milliseconds while
we hold the write lock, and every other writer waits for that lock.

Every thread waits until its row is on the disk.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Table,
    bindparam,
    event,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

# Durable commits, erased ciphertext overwritten (its key may become known), 256 KiB of cache a
# connection: the operating system caches the file anyway.
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-256")


def prepare_sqlite(engine: Engine) -> None:
    """Make the file private, commits durable, and every writing transaction immediate."""
    if engine.url.database and "uri" not in engine.url.query:
        path = Path(engine.url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with suppress(OSError):  # somebody else's file: they decide
            path.chmod(0o600)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:  # noqa: ANN401  the driver's own
        connection.isolation_level = None  # else the driver begins deferred transactions
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        if connection.connection.in_transaction:
            return  # SqliteWriter has begun it
        # Two deferred transactions that read before they write would fail each other.
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


_BATCH: Final = func.json_each(bindparam("rows")).table_valued("value")


def from_batch(name: str) -> ColumnElement[Any]:
    """Return the SQL for this value of each row in a batch of `SqliteWriter.write`."""
    return func.json_extract(_BATCH.c.value, f"$.{name}")


def insert_batch(table: Table, names: Iterable[str], **values: object) -> Executable:
    """Return an INSERT for `SqliteWriter.write`, which skips rows whose key exists already.

    Args:
        table: Where to insert.
        names: The columns whose values each row brings.
        values: Values that all rows share.
    """
    shared = {
        name: value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)
        for name, value in values.items()
    }
    columns = {name: from_batch(name) for name in names} | shared
    # Without WHERE, SQLite would parse ON CONFLICT as the ON of a join.
    rows = select(*columns.values()).where(true())
    return insert(table).from_select(list(columns), rows).on_conflict_do_nothing()


# Random, between these. SQLite's own busy handler waits up to 0.1 s between two tries, and loses
# to processes that retry sooner.
_LOCK_RETRY_INTERVAL_S: Final = (0.0005, 0.003)


class _Row:
    """A row to write, and the result."""

    def __init__(self, statement: Executable, values: Mapping[str, object], expires: float) -> None:
        self.statement = statement
        self.values = values
        self.expires = expires
        self.is_leader = False  # its thread writes the rows of all that wait
        self.woken = threading.Event()
        self.is_written = False
        self.error: BaseException | None = None


class SqliteWriter:
    """The writer of this process, with a connection of its own."""

    def __init__(self, engine: Engine, *, lock_timeout_s: float) -> None:
        """Write to this database; wait up to `lock_timeout_s` for writers of other processes."""
        self._engine = engine
        self._lock_timeout_s = lock_timeout_s
        self._connection_lock = threading.Lock()
        self._connection: Connection | None = None
        self._rows_lock = threading.Lock()  # guards the next two
        self._rows: list[_Row] = []
        self._has_leader = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write in a transaction of its own, which is on the disk when the block ends."""
        with self._transaction(self._deadline()) as connection:
            yield connection

    def write(self, statement: Executable, values: Mapping[str, object]) -> bool:
        """Write a row, in one commit with the rows of other threads.

        Args:
            statement: Accepts any number of rows, as a JSON array in its parameter `rows`.
            values: This row.

        Returns:
            Whether it was written, and is on the disk. If not, one row of the batch was not
            accepted and nothing was changed: each caller writes its own row separately.
        """
        row = _Row(statement, values, self._deadline())
        with self._rows_lock:
            self._rows.append(row)
            row.is_leader = not self._has_leader
            self._has_leader = True
        if not row.is_leader:
            # Without a time-out: the leader always wakes it.
            row.woken.wait()
        if row.is_leader:
            self._lead(row)
        if row.error:
            raise row.error
        return row.is_written

    def _lead(self, leader: _Row) -> None:
        """Write all rows that wait, then make one of the later rows the leader."""
        rows = [leader]  # if there is no lock in time, the later rows wait on
        try:
            with self._transaction(leader.expires) as connection:
                rows = self._take_rows()
                is_written = _execute(connection, rows)
                if not is_written:
                    connection.rollback()
        except BaseException as error:  # noqa: BLE001  each row's thread raises it
            for row in rows:
                row.error = error
        else:
            for row in rows:
                row.is_written = is_written
        self._choose_next_leader(leader)
        for row in rows:
            row.woken.set()

    def _take_rows(self) -> list[_Row]:
        with self._rows_lock:
            rows, self._rows = self._rows, []
        return rows

    def _choose_next_leader(self, leader: _Row) -> None:
        """Make the first row that waits the leader."""
        with self._rows_lock:
            if leader in self._rows:  # it was not written: no lock in time
                self._rows.remove(leader)
            self._has_leader = bool(self._rows)
            if self._has_leader:
                self._rows[0].is_leader = True
                self._rows[0].woken.set()

    def _deadline(self) -> float:
        return time.monotonic() + self._lock_timeout_s

    @contextmanager
    def _transaction(self, expires: float) -> Iterator[Connection]:
        with self._connection_lock:
            connection = self._connect()
            try:
                self._begin(connection, expires)
                yield connection
                connection.commit()
            except BaseException:
                self._connection = None
                connection.close()  # which rolls back
                raise

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            # On the driver's connection: SQLAlchemy would begin a transaction first.
            connection.connection.execute("PRAGMA busy_timeout=0")
            self._connection = connection
        return self._connection

    def _begin(self, connection: Connection, expires: float) -> None:
        # On the driver's connection, where a failed try is cheap.
        while True:
            try:
                connection.connection.execute("BEGIN IMMEDIATE")
                connection.begin()
            except (sqlite3.Error, SQLAlchemyError) as error:
                if not is_busy(error):
                    connection.invalidate()  # the next transaction opens a new one
                    raise
                if time.monotonic() > expires:
                    raise
                time.sleep(random.uniform(*_LOCK_RETRY_INTERVAL_S))  # nosec B311  # noqa: S311  no secret
            else:
                return


def _execute(connection: Connection, rows: Sequence[_Row]) -> bool:
    """Run each statement once, for all its rows; return whether every row was accepted."""
    by_statement: dict[Executable, list[Mapping[str, object]]] = {}
    for row in rows:
        by_statement.setdefault(row.statement, []).append(row.values)
    return all(
        _count_accepted(connection, statement, values) == len(values)
        for statement, values in by_statement.items()
    )


def _count_accepted(
    connection: Connection, statement: Executable, values: Sequence[Mapping[str, object]]
) -> int:
    result: Any = connection.execute(statement, {"rows": json.dumps(values)})
    count: int = result.rowcount
    return count


def is_busy(error: BaseException | None) -> bool:
    """Return whether SQLite failed because another connection holds a lock."""
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


_LOCKS: Final = 256


class KeyLocks:
    """A fixed number of locks: one key has always the same one, and rarely shares it with another.

    A lock made for each key would have to be found or made in one step, and removed after use;
    `WeakValueDictionary.setdefault` gives two threads two locks. Hold only one at a time.
    """

    def __init__(self) -> None:
        """Make the locks."""
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def __getitem__(self, key: str) -> threading.Lock:
        """Return the lock of a key."""
        return self._locks[hash(key) % _LOCKS]
