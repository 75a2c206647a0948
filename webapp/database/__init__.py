"""The database: transactions, the SQL that SQLite and PostgreSQL spell differently, cached values.

`Database` gives the features read and write transactions. It opens SQLite in one file by default,
and PostgreSQL for several machines. `docs/guarantees.md` gives the measurements behind the
settings.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Engine,
    Executable,
    Select,
    Table,
    bindparam,
    cast,
    event,
    func,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import ReturningInsert

from webapp.database.encryption import Encryption, UnreadableText
from webapp.database.engine import (
    DEFAULT_CONNECTIONS,
    LOCK_TIMEOUT_S,
    MIGRATION_TIMEOUT_S,
    Connections,
    ForeignDatabase,
    WrittenByNewerVersion,
    WrittenByOlderVersion,
    open_engine,
    probe,
    version_table,
)
from webapp.database.sqlite import SqliteWriter
from webapp.observability import explain
from webapp.observability.metrics import Metrics
from webapp.settings import Settings

log = logging.getLogger(__name__)

Value = TypeVar("Value")

# Without a failure for so long, the database works again.
_RECOVERY_S: Final = 10.0

# No due time lies further ahead, unless the clock was set back since.
_MAX_DUE_AHEAD: Final = timedelta(hours=2)


class DatabaseError(Exception):
    """The database is unreachable, full, locked, read-only or damaged.

    Its text is the name of the setting, and what `explain` returns: the original message may quote
    personal data.

    Attributes:
        is_logged: Whether the log tells of it: `Database` logs once that it fails, not each time.
    """

    has_safe_text = True
    is_logged = False


_ERRORS: Final = (
    *(SQLAlchemyError, sqlite3.Error, OSError),
    *(WrittenByNewerVersion, WrittenByOlderVersion, ForeignDatabase, UnreadableText),
)


class _ClockTime(DateTime):
    """The type of a time that is read from the clock at each execution.

    SQLAlchemy compiles statements that differ only in values once. By its type, one that reads the
    clock differs from one with a given time, whose compiled form would read a NULL instead.
    """


class Database:
    """The database. It is opened on first use, in the process that uses it.

    Each method raises a DatabaseError if the database fails.

    Attributes:
        encryption: Encrypts the personal data in it.
    """

    @classmethod
    def from_settings(cls, settings: Settings, *, metrics: Metrics | None = None) -> Self:
        """Return the database that the settings name."""
        return cls(
            settings.outbox_url,
            secret_keys=settings.secret_keys,
            setting=settings.outbox_setting,
            connections=Connections(settings.database_pool, settings.database_prepared),
            metrics=metrics,
        )

    def __init__(
        self,
        url: str,
        *,
        secret_keys: Sequence[str] = (),
        setting: str = "DATABASE_URL",
        connections: Connections = DEFAULT_CONNECTIONS,
        metrics: Metrics | None = None,
    ) -> None:
        """Use the database at this SQLAlchemy URL, which comes from this setting.

        Personal data are encrypted with keys derived from `secret_keys`, newest first; see
        `Encryption`. Connections in use are counted in `metrics`.
        """
        self.encryption = Encryption(secret_keys)
        self._metrics = metrics
        self._url = make_url(url)
        self._connections = connections
        self._setting = setting
        self._faults: set[str] = set()  # as they were logged
        self._failed_at = 0.0
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        self._insert = sqlite_insert if self._is_sqlite else postgresql_insert
        self._engine: Engine | None = None
        self._open_lock = threading.Lock()
        self._writer: SqliteWriter | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read in one transaction, which blocks no writer."""
        with self._database_errors(), self._open().connect() as connection:
            reader = connection.execution_options(read_only=True)
            with reader.begin():
                yield reader

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Write in one transaction, which is on the disk when the block ends."""
        with self._database_errors(writes=True):
            engine = self._open()
            with self._writer.transaction() if self._writer else engine.begin() as connection:
                yield connection

    def write_batched(self, statement: Executable, values: Mapping[str, object]) -> bool:
        """Write a row in one commit with rows of other threads; see `SqliteWriter.write`.

        On SQLite only: PostgreSQL's writers do not wait for each other.

        Args:
            statement: Reads the values of its rows by `from_batch`.
            values: The values of this row.

        Returns:
            Whether it was written. If not, the caller writes it in a transaction of its own.
        """
        with self._database_errors(writes=True):
            self._open()
            return self._writer is not None and self._writer.write(statement, values)

    def probe(self) -> bool:
        """Check that the database could be used, without making a file or changing a table.

        Returns:
            Whether its tables are there, and need no migration.
        """
        with self._database_errors():
            return probe(self._url, self._connections)

    def check_writable(self) -> None:
        """Check that the database can be written.

        It writes a value that is there already: an empty transaction would succeed on a full disk,
        and on a standby server.
        """
        with self.write() as connection:
            self.touch(connection)

    def touch(self, connection: Connection) -> None:
        """Write a value that is there already, so that a transaction has something to commit."""
        version = version_table.c.version_num
        connection.execute(update(version_table).values(version_num=version))

    def lock(self, connection: Connection, name: str) -> None:
        """Hold the lock of this name until the transaction ends.

        SQLite has one writer at a time: whoever writes holds every lock.
        """
        if not self._is_sqlite:
            number = func.hashtextextended(name, 0)
            connection.execute(select(func.pg_advisory_xact_lock(number)))

    def insert_or_ignore(self, table: Table, **values: object) -> ReturningInsert[Any]:
        """Return an INSERT that returns the new row, or nothing if its key exists already.

        Args:
            table: Where to insert.
            values: Values that all executions share; each execution adds its own.
        """
        # RETURNING, because psycopg's row count does not tell whether the row is new.
        return self._insert(table).values(**values).on_conflict_do_nothing().returning(table)

    def insert_or_ignore_from(
        self, table: Table, names: Sequence[str], rows: Select[Any]
    ) -> ReturningInsert[Any]:
        """Return an INSERT of selected rows; it returns the id of each one whose key is new."""
        insert = self._insert(table).from_select(list(names), rows)
        return insert.on_conflict_do_nothing().returning(table.c.id)

    def upsert_increment(
        self,
        connection: Connection,
        table: Table,
        amounts: Mapping[tuple[Any, ...], Sequence[float]],
    ) -> None:
        """Add amounts to rows of a table of counts, some of which may not exist yet.

        Args:
            connection: Of the transaction.
            table: Its first columns are its primary key, all others are counts.
            amounts: The amounts of each row, by its primary key.
        """
        if not amounts:
            return
        insert = self._insert(table)
        columns = [it.name for it in table.columns if not it.primary_key]
        sums = {name: table.c[name] + insert.excluded[name] for name in columns}
        upsert = insert.on_conflict_do_update(index_elements=[*table.primary_key], set_=sums)
        # In one order everywhere: two that lock the same rows wait for each other only once.
        rows = [
            dict(zip(table.columns.keys(), (*key, *amounts[key]), strict=True))
            for key in sorted(amounts)
        ]
        connection.execute(upsert, rows)

    def now_plus(self, pause: timedelta = timedelta(0)) -> ColumnElement[datetime]:
        """Return the SQL for the time at which a statement runs, plus a pause.

        In UTC, without a time zone, from the clock that all users of the database share. It is
        evaluated at each execution, so a statement can be built once and run often.
        """
        if self._is_sqlite:
            read_clock = partial(_utc_now_plus, pause)
            return bindparam("time", callable_=read_clock, type_=_ClockTime(), unique=True)
        return func.timezone("UTC", func.now(), type_=DateTime()) + pause

    def date_of(self, time: ColumnElement[datetime], zone: timezone) -> ColumnElement[date]:
        """Return the SQL for the date of a time (UTC) in a zone without summer time."""
        offset = zone.utcoffset(None)
        if self._is_sqlite:
            return func.date(time, f"{offset.total_seconds():+.0f} seconds", type_=Date())
        return cast(time + offset, Date)

    def is_due(self, due: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Return the SQL condition that a due time has come.

        On SQLite, a time too far ahead counts as due: the machine's clock was set back.
        """
        if self._is_sqlite:
            return or_(due <= self.now_plus(), due > self.now_plus(_MAX_DUE_AHEAD))
        return due <= self.now_plus()

    def backup(self, path: Path) -> None:
        """Copy an SQLite database to a new private file, without blocking anybody.

        The copy contains no erased data.

        Raises:
            OSError: if the file exists, or cannot be written.
        """
        path.touch(mode=0o600, exist_ok=False)
        try:
            with self._database_errors(), closing(self._open().raw_connection()) as connection:
                connection.cursor().execute("VACUUM INTO ?", [str(path.absolute())])
                with path.open("rb") as copy:
                    os.fsync(copy.fileno())
        except DatabaseError:
            path.unlink()
            raise

    def _open(self) -> Engine:
        if self._engine is not None:
            return self._engine
        # Two threads would migrate twice. With a time-out: one that waits here blocks a page.
        if not self._open_lock.acquire(timeout=MIGRATION_TIMEOUT_S):
            raise self._failed(f"{self._setting}: Busy: another thread still opens it")
        try:
            if self._engine is None:
                engine = open_engine(self._url, self.encryption, self._connections)
                if self._metrics:
                    _count_connections(engine, self._metrics)
                if self._is_sqlite:
                    self._writer = SqliteWriter(engine, lock_timeout_s=LOCK_TIMEOUT_S)
                self._engine = engine
            return self._engine
        finally:
            self._open_lock.release()

    @contextmanager
    def _database_errors(self, *, writes: bool = False) -> Iterator[None]:
        """Raise the errors of all drivers as a DatabaseError, and log when that begins and ends.

        It ends with what writes: on a full disk reading succeeds.
        """
        try:
            yield
        except _ERRORS as error:
            raise self._failed(f"{self._setting}: {explain(error)}") from None
        if writes and self._faults and time.monotonic() - self._failed_at >= _RECOVERY_S:
            self._faults.clear()
            log.warning("the database works again")

    def _failed(self, fault: str) -> DatabaseError:
        """Return the error of a fault, which is logged once until the database works again."""
        self._failed_at = time.monotonic()
        if fault not in self._faults:
            self._faults.add(fault)
            log.error("the database fails: %s", fault)
        failed = DatabaseError(fault)
        failed.is_logged = True
        return failed


def _count_connections(engine: Engine, metrics: Metrics) -> None:
    """Count the connections that are in use, from now on."""
    used: set[object] = set()  # a connection that fails at once is returned without being taken

    @event.listens_for(engine, "checkout")
    def _(_: object, record: object, __: object) -> None:
        used.add(record)
        metrics.set_connections(len(used))

    @event.listens_for(engine, "checkin")
    def _(_: object, record: object) -> None:
        used.discard(record)
        metrics.set_connections(len(used))


def _utc_now_plus(pause: timedelta) -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + pause


class CachedValue(Generic[Value]):
    """A value of the database that is read again every few seconds, however many ask for it.

    One thread at a time reads it and the others get the last one, so that a database which hangs
    delays one request. While the database fails, the last value stays.
    """

    def __init__(self, read: Callable[[], Value], *, first: Value, ttl_s: float) -> None:
        """Begin with a first value; call `read`, which may raise a DatabaseError, after `ttl_s`."""
        self._read = read
        self._value = first
        self._ttl_s = ttl_s
        self._set_at = float("-inf")
        self._lock = threading.Lock()

    def get(self, *, is_fresh: bool = False) -> Value:
        """Return the value, read again if it is old or `is_fresh`; never raise a DatabaseError."""
        is_old = is_fresh or time.monotonic() - self._set_at > self._ttl_s
        if is_old and self._lock.acquire(blocking=False):
            try:
                self.set(self._read())
            except DatabaseError:
                self.set(self._value)
            finally:
                self._lock.release()
        return self._value

    @property
    def last(self) -> Value:
        """The value as it was read last."""
        return self._value

    def set(self, value: Value) -> None:
        """Set what is known to be the value now."""
        self._value, self._set_at = value, time.monotonic()
