"""The database: how it is opened, upgraded, read and written.

SQLite in one file by default, PostgreSQL for several machines. Each choice below was measured:
see the README's section on what is promised.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ColumnElement,
    DateTime,
    MetaData,
    bindparam,
    column,
    create_engine,
    event,
    func,
    inspect,
    literal,
    make_url,
    or_,
    select,
    table,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from webapp.delivery.sqlite_writer import SqliteWriter, is_busy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import URL, Connection, Engine, Executable, Table
    from sqlalchemy.sql.dml import ReturningInsert

# The newest of `migrations/versions`.
REVISION: Final = "0003"

_LOCK_TIMEOUT_S: Final = (
    2  # seconds that one waits for another writer; each write takes milliseconds
)
# Seconds that one waits for another who opens it, which may have to make the tables. A server opens
# it before it serves.
_OPENING: Final = 15
_OPEN_RETRY_INTERVAL_S: Final = 0.02  # seconds between two tries to open
_UPGRADING: Final = 0x616D6F6F74  # names our lock among PostgreSQL's advisory ones: "amoot"
# No moment that rows wait for lies further ahead, unless the clock was set back since.
_HORIZON: Final = timedelta(hours=2)

# A host that has vanished must not hold a page for minutes. Seconds; the last two, milliseconds.
_POSTGRESQL: Final = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
    "options": "-c statement_timeout=5000 -c lock_timeout=2000",
}

# Durable, forgetful, and a quarter of a megabyte of cache for each connection: the system has the
# file in its own.
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-256")

metadata: Final = MetaData()
_version: Final = table("alembic_version", column("version_num"))


class DatabaseError(Exception):
    """The store is out of reach, full, locked, read-only or broken.

    Its text is the name of a class alone: a database's own message may quote personal data.
    """

    has_safe_text = True


# The rows that SQLite's writer brings.
_ROWS: Final = func.json_each(bindparam("rows")).table_valued("value")


def from_batch(name: str) -> ColumnElement[Any]:
    """Return what each row that `Database.write_together` brings has of this name."""
    return func.json_extract(_ROWS.c.value, f"$.{name}")


class Database:
    """The database. It is opened at its first use, in the process that uses it.

    Each method raises a DatabaseError if that fails.
    """

    def __init__(self, url: str) -> None:
        """Take a database URL as SQLAlchemy spells it."""
        self._url = make_url(url)
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        self._insert = sqlite.insert if self._is_sqlite else postgresql.insert
        self._engine: Engine | None = None
        self._opening = threading.Lock()
        self._writer: SqliteWriter | None = None
        self._wal_truncated_at = float("-inf")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read in one transaction, which keeps no writer waiting."""
        with self._guarded(), self._connected().connect() as connection:
            reader = connection.execution_options(reads=True)
            with reader.begin():
                yield reader

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Write in one transaction, committed and on the disk when the block ends."""
        with self._guarded():
            engine = self._connected()
            with self._writer.transaction() if self._writer else engine.begin() as connection:
                yield connection

    def write_batched(self, statement: Executable, values: Mapping[str, object]) -> bool:
        """Write a row with those that other threads bring meanwhile; see `SqliteWriter.write`.

        Only where that pays, in SQLite: PostgreSQL's writers do not wait for each other.

        Args:
            statement: Finds what the rows hold by `brought`.
            values: This row.

        Returns:
            Whether it was written. If not, the caller writes it alone.
        """
        with self._guarded():
            self._connected()
            return self._writer is not None and self._writer.write(statement, values)

    def check_writable(self) -> None:
        """Prove that the store can be written, by writing what stands there already.

        Not by an empty transaction: a disk that is full, or a standby, fails at the writing.
        """
        with self.write() as connection:
            connection.execute(update(_version).values(version_num=_version.c.version_num))

    def insert_or_ignore(self, table: Table, **values: object) -> ReturningInsert[Any]:
        """Return what adds a row and returns it as it stands; nothing if its key is there already.

        Args:
            table: Where to.
            values: Those that each execution shares; it brings the others.
        """
        # RETURNING, because psycopg's row count does not tell.
        return self._insert(table).values(**values).on_conflict_do_nothing().returning(table)

    def insert_batch(self, table: Table, names: Iterable[str], **values: object) -> Executable:
        """Return what adds the rows that `write_together` brings, in SQLite; as `adding`, silently.

        Args:
            table: Where to.
            names: The columns that each row brings.
            values: Those that all of them share.
        """
        shared = {
            name: value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)
            for name, value in values.items()
        }
        columns = {name: from_batch(name) for name in names} | shared
        # WHERE, or SQLite would take ON CONFLICT for the ON of a join.
        taken = select(*columns.values()).where(true())
        return sqlite.insert(table).from_select(list(columns), taken).on_conflict_do_nothing()

    def now_plus(self, pause: timedelta = timedelta(0)) -> ColumnElement[datetime]:
        """Return the moment so long after a statement runs, or its very moment.

        In UTC, without saying so, by the one clock that all users of the database share. It is read
        anew each time, so that a statement can be made once and run often.
        """
        if self._is_sqlite:
            read = partial(_utc_now_plus, pause)
            return bindparam("moment", callable_=read, type_=DateTime(), unique=True)
        return func.timezone("UTC", func.now(), type_=DateTime()) + pause

    def is_due(self, moment: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Tell whether a row's moment has come; one absurdly far ahead has."""
        if self._is_sqlite:  # the machine's own clock, which may have been set back
            return or_(moment <= self.now_plus(), moment > self.now_plus(_HORIZON))
        return moment <= self.now_plus()

    def truncate_wal(self, *, every: float = 0.0) -> None:
        """Wipe what SQLite's log of changes still holds of erased rows.

        Args:
            every: How many seconds must have passed since this process did so last.
        """
        if not self._is_sqlite or time.monotonic() < self._wal_truncated_at + every:
            return
        self._wal_truncated_at = time.monotonic()
        with self._guarded():
            self._connected()
            log = Path(f"{self._url.database}-wal")
            if self._writer and log.exists() and log.stat().st_size:
                self._writer.checkpoint()

    def backup(self, path: Path) -> None:
        """Copy SQLite's database, as it stands, to a new private file; nobody has to wait for it.

        What is erased is not in the copy.

        Raises:
            OSError: if the file is there, or cannot be written.
        """
        path.touch(mode=0o600, exist_ok=False)
        try:
            with self._guarded(), closing(self._connected().raw_connection()) as connection:
                connection.cursor().execute("VACUUM INTO ?", [str(path.absolute())])
                with path.open("rb") as copy:
                    os.fsync(copy.fileno())
        except DatabaseError:
            path.unlink()
            raise

    def _connected(self) -> Engine:
        if self._engine is None:
            with self._turn_to_open():  # two threads would upgrade twice
                if self._engine is None:
                    engine = _open(self._url)
                    _upgrade(engine)
                    self._writer = (
                        SqliteWriter(engine, patience=_LOCK_TIMEOUT_S) if self._is_sqlite else None
                    )
                    self._engine = engine
        return self._engine

    @contextmanager
    def _turn_to_open(self) -> Iterator[None]:
        # Not for ever: whoever waits here holds a page up.
        if not self._opening.acquire(timeout=_OPENING):
            raise DatabaseError("Busy")
        try:
            yield
        finally:
            self._opening.release()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise DatabaseError(type(error).__name__) from None


def _utc_now_plus(pause: timedelta) -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + pause


def _open(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        # Ping: a server that was restarted has closed the connections that wait in the pool.
        return create_engine(
            url, pool_pre_ping=True, pool_timeout=_LOCK_TIMEOUT_S, connect_args=_POSTGRESQL
        )
    engine = create_engine(
        url, pool_timeout=_LOCK_TIMEOUT_S, connect_args={"timeout": _LOCK_TIMEOUT_S}
    )
    _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """Make SQLite durable, forgetful of what is erased, and private."""
    if engine.url.database and "uri" not in engine.url.query:
        path = Path(engine.url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:  # noqa: ANN401  the driver's own
        connection.isolation_level = None  # the driver would begin, and deferred
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        if connection.connection.in_transaction:
            return  # the writer has begun
        # Deferred, two writers that have read first would lock each other out.
        reads = connection.get_execution_options().get("reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _upgrade(engine: Engine) -> None:
    """Create the tables, or bring those of an older version up to this one.

    Others may be doing so at this very moment: that is waited for.
    """
    expires = time.monotonic() + _OPENING
    while True:
        try:
            with engine.connect().execution_options(reads=True) as reader:
                is_current = _is_current(reader)
            if not is_current:
                _upgrade_alone(engine)
        except (OperationalError, sqlite3.OperationalError) as error:
            if not is_busy(getattr(error, "orig", error)) or time.monotonic() > expires:
                raise
            time.sleep(_OPEN_RETRY_INTERVAL_S)
        else:
            return


def _upgrade_alone(engine: Engine) -> None:
    with engine.begin() as connection:  # on SQLite nobody else writes from here on
        if engine.dialect.name == "postgresql":
            # A step may take as long as it needs; who waits for it has more patience than usual.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SET LOCAL lock_timeout = '{_OPENING}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(_UPGRADING)))
        if not _is_current(connection):
            _migrate(connection)


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table(_version.name):
        return False
    return connection.execute(select(_version.c.version_num)).scalar() == REVISION


def _migrate(connection: Connection) -> None:
    # Imported here: most starts find nothing to do, and it is a third of what they would load.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "webapp.delivery:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise DatabaseError("WrittenByNewerVersion") from None
