"""Opens the database: SQLAlchemy's engine, its settings for PostgreSQL, and schema migrations."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    column,
    create_engine,
    delete,
    event,
    func,
    inspect,
    select,
    table,
    text,
    update,
)
from sqlalchemy.exc import OperationalError

from webapp.database.encryption import Encryption
from webapp.database.sqlite import is_busy, prepare_sqlite
from webapp.observability import RareWarnings

log = logging.getLogger(__name__)

# The newest revision in `migrations/versions`.
REVISION: Final = "0016"
# The oldest revision whose programs can use the tables of `REVISION`: during an upgrade they run
# beside this one. It rises when a migration does more than add tables, and columns with defaults.
OLDEST_REVISION: Final = "0016"
# Version 1.0.0, and the last revision of its successor before this one, which was not released.
_UPGRADED_REVISIONS: Final = ("0003", "0013")

LOCK_TIMEOUT_S: Final = 2  # wait for another writer; each write takes milliseconds
MIGRATION_TIMEOUT_S: Final = 15  # wait while another process migrates the schema
# On PostgreSQL, everybody waits behind a migration that waits for a reader: not for long.
_READER_TIMEOUT_MS: Final = 500
_READER_PAUSE_S: Final = 2.0
_OPEN_RETRY_INTERVAL_S: Final = 0.02
_LOCK_NOT_AVAILABLE: Final = "55P03"
_ADVISORY_LOCK_ID: Final = 0x616D6F6F74  # for PostgreSQL: "amoot" in ASCII

# A host that does not answer must not block a page for minutes.
_POSTGRESQL_OPTIONS: Final = {
    "fallback_application_name": "amoot-form",  # in pg_stat_activity, unless the URL names one
    "connect_timeout": 2,  # s, as the keepalives
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,  # ms
}
# In ms. No JIT: compiling a statement of the statistics takes longer than running it.
_SESSION: Final = {"statement_timeout": "5000", "lock_timeout": "2000", "jit": "off"}

# A file with tables, but none of these, is another program's. Version 0.1 had the last three.
_OWN_TABLES: Final = ("outbox", "held", "settled", "spent")

# A parameter of psycopg's in a URL.
PREPARE_THRESHOLD: Final = "prepare_threshold"

metadata: Final = MetaData()
version_table: Final = table("alembic_version", column("version_num"))
# What the programs that share a database have to know of it; one row.
state_table: Final = Table(
    "database_state",
    metadata,
    Column("id", Integer, primary_key=True),
    # The `OLDEST_REVISION` of the program that made the tables.
    Column("oldest_revision", String(32), nullable=False),
    # Which PostgreSQL it is; see `failover`.
    Column("server", String(64)),
)
_warnings: Final = RareWarnings(log)


@dataclass(frozen=True, slots=True)
class Connections:
    """How a process connects to PostgreSQL.

    Attributes:
        most: How many connections it opens at most.
        prepared: Whether statements are prepared, and connections begin with options: PgBouncer
            allows neither where each transaction may have another connection.
    """

    most: int = 5
    prepared: bool = True


DEFAULT_CONNECTIONS: Final = Connections()


class WrittenByNewerVersion(Exception):
    """The database was migrated by a newer version of this program."""


class WrittenByOlderVersion(Exception):
    """The database is of a version before 1.0.0."""


class ForeignDatabase(Exception):
    """The SQLite file holds the tables of another program."""


def open_engine(
    url: URL, encryption: Encryption, connections: Connections = DEFAULT_CONNECTIONS
) -> Engine:
    """Return an engine for a database whose schema is up to date.

    Args:
        url: The database.
        encryption: For what an older version stored as plain text.
        connections: How to connect to PostgreSQL.

    Raises:
        SQLAlchemyError, sqlite3.Error, OSError: if the database cannot be opened.
        WrittenByNewerVersion, WrittenByOlderVersion: if it cannot be used or upgraded.
        ForeignDatabase: if it belongs to another program. Then nothing is changed.
    """
    _refuse_foreign_file(url)
    engine = _create_engine(url, connections)
    _migrate(engine, encryption)
    return engine


def probe(url: URL, connections: Connections = DEFAULT_CONNECTIONS) -> bool:
    """Check that a database could be opened and written, without making a file or a table.

    Returns:
        Whether its tables are there, and need no migration.

    Raises:
        SQLAlchemyError, sqlite3.Error, OSError: if it could not.
        WrittenByNewerVersion: if its schema is newer than this program.
        ForeignDatabase: if it belongs to another program.
    """
    path = _file(url)
    if path and is_unmade(path):
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            if path.exists():
                path.open("r+b").close()
            return False
    _refuse_foreign_file(url)
    engine = _create_engine(url, connections)
    try:
        with engine.connect() as connection:
            return _probe_tables(connection)
    finally:
        engine.dispose()


def is_unmade(path: Path) -> bool:
    """Return whether an SQLite file has yet to be set up: it is not there, or empty."""
    return not path.exists() or not path.stat().st_size


def _file(url: URL) -> Path | None:
    """Return the path of an SQLite file; None for a server, and for a URI of SQLite's own."""
    is_file = url.get_backend_name() == "sqlite" and "uri" not in url.query
    return Path(url.database or "") if is_file else None


def _refuse_foreign_file(url: URL) -> None:
    """Look at the tables of an SQLite file before anything is changed, its mode included."""
    path = _file(url)
    if path is None or is_unmade(path):
        return
    tables = set[str]()
    with suppress(sqlite3.Error):  # a damaged file: opening it says so
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=LOCK_TIMEOUT_S)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows}
    if tables and tables.isdisjoint(_OWN_TABLES):
        raise ForeignDatabase


def _probe_tables(connection: Connection) -> bool:
    if not inspect(connection).has_table(version_table.name):
        connection.exec_driver_sql("CREATE TABLE amoot_form_probe (nothing INTEGER)")
        connection.rollback()
        return False
    is_usable = _is_usable(connection)
    version = connection.execute(select(version_table.c.version_num)).scalar_one()
    connection.execute(update(version_table).values(version_num=version))
    connection.commit()
    return is_usable


def _create_engine(url: URL, connections: Connections) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _create_postgresql_engine(url, connections)
    engine = create_engine(
        url, pool_timeout=LOCK_TIMEOUT_S, connect_args={"timeout": LOCK_TIMEOUT_S}
    )
    prepare_sqlite(engine)
    return engine


def _create_postgresql_engine(url: URL, connections: Connections) -> Engine:
    arguments: dict[str, Any] = dict(_POSTGRESQL_OPTIONS)
    if threshold := url.query.get(PREPARE_THRESHOLD):  # the driver needs a number
        url = url.difference_update_query([PREPARE_THRESHOLD])
        arguments[PREPARE_THRESHOLD] = int(str(threshold))
    if connections.prepared:
        arguments["options"] = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    else:
        arguments[PREPARE_THRESHOLD] = None
    engine = create_engine(
        url,
        pool_pre_ping=True,  # a restarted server has closed the connections in the pool
        pool_size=connections.most,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT_S,
        connect_args=arguments,
    )
    if not connections.prepared:
        event.listen(engine, "begin", _limit_transaction)
    return engine


def _limit_transaction(connection: Connection) -> None:
    """Set what other connections begin with, until the end of the transaction."""
    connection.execute(
        select(*(func.set_config(name, value, True) for name, value in _SESSION.items()))  # noqa: FBT003
    )


def _migrate(engine: Engine, encryption: Encryption) -> None:
    """Create the tables, or migrate them to this version; wait while another process does."""
    expires = time.monotonic() + MIGRATION_TIMEOUT_S
    while True:
        try:
            with engine.connect().execution_options(read_only=True) as reader:
                is_usable = _is_usable(reader)
            if not is_usable:
                _migrate_locked(engine, encryption)
        except (OperationalError, sqlite3.OperationalError) as error:
            if not is_busy(getattr(error, "orig", error)) or time.monotonic() > expires:
                raise
            time.sleep(_OPEN_RETRY_INTERVAL_S)
        else:
            return


def _migrate_locked(engine: Engine, encryption: Encryption) -> None:
    # For both waits together: gunicorn ends a worker whose start takes half a minute.
    expires = time.monotonic() + MIGRATION_TIMEOUT_S
    with engine.begin() as connection:  # on SQLite, this locks the database for writing
        if engine.dialect.name == "postgresql":
            # A migration may take long; processes that wait for it need a longer time-out.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_TIMEOUT_S}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK_ID)))
            connection.execute(text(f"SET LOCAL lock_timeout = {_READER_TIMEOUT_MS}"))
        is_upgraded = inspect(connection).has_table(version_table.name)
        if not _is_usable(connection):
            _migrate_between_readers(connection, encryption, expires)
    if is_upgraded and engine.dialect.name == "sqlite":
        # The file keeps copies of plain rows in its free space.
        with closing(engine.raw_connection()) as connection:
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                connection.cursor().execute(statement)


def _migrate_between_readers(
    connection: Connection, encryption: Encryption, expires: float
) -> None:
    """Run the migrations at a moment in which nobody else uses the tables.

    While they wait for a lock, all other programs wait behind them, so they give up soon and come
    again. The caller's lock keeps other processes from doing the same in the meantime.
    """
    while True:
        try:
            with connection.begin_nested():
                run_migrations(connection, encryption)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            _warnings.warning("waiting to migrate: somebody reads the tables")
            if time.monotonic() > expires:  # the next thread that opens it goes on waiting
                raise
        else:
            return
        time.sleep(_READER_PAUSE_S)


def _is_usable(connection: Connection) -> bool:
    """Return whether the tables are those of this version, or of a later one that it can use.

    Raises:
        WrittenByNewerVersion: if they are of a later one that it cannot use.
    """
    if not inspect(connection).has_table(version_table.name):
        return False
    version = connection.execute(select(version_table.c.version_num)).scalar() or ""
    if version > REVISION:
        oldest = connection.execute(select(state_table.c.oldest_revision)).scalar_one()
        if oldest > REVISION:
            raise WrittenByNewerVersion
    return version >= REVISION


def run_migrations(connection: Connection, encryption: Encryption) -> None:
    """Create the tables, or change older ones, within the connection's transaction.

    Raises:
        WrittenByNewerVersion: if the schema is newer than this program.
        WrittenByOlderVersion: if it is older than version 1.0.0.
    """
    # Imported here: most starts need no migration, and Alembic is a third of what they would load.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "webapp.database:migrations")
    config.attributes["connection"] = connection
    config.attributes["encryption"] = encryption
    _begin_upgrade(connection)
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise WrittenByNewerVersion from None
    connection.execute(update(state_table).values(oldest_revision=OLDEST_REVISION))


def _begin_upgrade(connection: Connection) -> None:
    """Let the migrations begin with the first, which finds the tables of an older version."""
    tables = inspect(connection).get_table_names()
    if version_table.name not in tables:
        if "held" in tables:  # version 0.1 did not number its tables
            raise WrittenByOlderVersion
        return
    version = connection.execute(select(version_table.c.version_num)).scalar() or ""
    if version in _UPGRADED_REVISIONS:
        connection.execute(delete(version_table))
    elif version < _UPGRADED_REVISIONS[-1]:
        raise WrittenByOlderVersion
