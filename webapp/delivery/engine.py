"""Opens the database: SQLAlchemy's engine, its settings for SQLite, and schema migrations."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    MetaData,
    column,
    create_engine,
    event,
    func,
    inspect,
    select,
    table,
    text,
    update,
)
from sqlalchemy.exc import OperationalError

from webapp.delivery.sqlite_writer import is_busy

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

# The newest revision in `migrations/versions`.
REVISION: Final = "0011"

LOCK_TIMEOUT_S: Final = 2  # wait for another writer; each write takes milliseconds
MIGRATION_TIMEOUT_S: Final = 15  # wait while another process migrates the schema
_OPEN_RETRY_INTERVAL_S: Final = 0.02
_ADVISORY_LOCK_ID: Final = 0x616D6F6F74  # for PostgreSQL: "amoot" in ASCII

# A host that does not answer must not block a page for minutes.
_POSTGRESQL_OPTIONS: Final = {
    "fallback_application_name": "amoot-form",  # in pg_stat_activity, unless the URL names one
    "connect_timeout": 2,  # s, as the keepalives
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,  # ms
    # In ms. No JIT: compiling a statement of the statistics takes longer than running it.
    "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c jit=off",
}

# Durable commits, erased rows overwritten, 256 KiB of cache a connection: the operating system
# caches the file anyway.
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-256")

metadata: Final = MetaData()
version_table: Final = table("alembic_version", column("version_num"))


class WrittenByNewerVersion(Exception):
    """The database was migrated by a newer version of this program."""


def open_engine(url: URL) -> Engine:
    """Return an engine for a database whose schema is up to date.

    Raises:
        SQLAlchemyError, sqlite3.Error, OSError: if the database cannot be opened.
        WrittenByNewerVersion: if its schema is newer than this program.
    """
    engine = _create_engine(url)
    _migrate(engine)
    return engine


def probe(url: URL) -> None:
    """Check that a database could be opened and written, without making a file or a table.

    Raises:
        SQLAlchemyError, sqlite3.Error, OSError: if it could not.
        WrittenByNewerVersion: if its schema is newer than this program.
    """
    path = Path(url.database or "")
    if url.get_backend_name() == "sqlite" and "uri" not in url.query and not path.exists():
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            return
    engine = _create_engine(url)
    try:
        with engine.connect() as connection:
            _probe_tables(connection)
    finally:
        engine.dispose()


def _probe_tables(connection: Connection) -> None:
    if not inspect(connection).has_table(version_table.name):
        connection.exec_driver_sql("CREATE TABLE amoot_form_probe (nothing INTEGER)")
        connection.rollback()
        return
    version = connection.execute(select(version_table.c.version_num)).scalar_one()
    if version > REVISION:
        raise WrittenByNewerVersion
    connection.execute(update(version_table).values(version_num=version))
    connection.commit()


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        # Pre-ping: a restarted server has closed the connections in the pool.
        return create_engine(
            url, pool_pre_ping=True, pool_timeout=LOCK_TIMEOUT_S, connect_args=_POSTGRESQL_OPTIONS
        )
    engine = create_engine(
        url, pool_timeout=LOCK_TIMEOUT_S, connect_args={"timeout": LOCK_TIMEOUT_S}
    )
    prepare_sqlite(engine)
    return engine


def prepare_sqlite(engine: Engine) -> None:
    """Make the file private, commits durable, and every writing transaction immediate."""
    if engine.url.database and "uri" not in engine.url.query:
        path = Path(engine.url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)

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


def _migrate(engine: Engine) -> None:
    """Create the tables, or migrate them to this version; wait while another process does."""
    expires = time.monotonic() + MIGRATION_TIMEOUT_S
    while True:
        try:
            with engine.connect().execution_options(read_only=True) as reader:
                is_current = _is_current(reader)
            if not is_current:
                _migrate_locked(engine)
        except (OperationalError, sqlite3.OperationalError) as error:
            if not is_busy(getattr(error, "orig", error)) or time.monotonic() > expires:
                raise
            time.sleep(_OPEN_RETRY_INTERVAL_S)
        else:
            return


def _migrate_locked(engine: Engine) -> None:
    with engine.begin() as connection:  # on SQLite, this locks the database for writing
        if engine.dialect.name == "postgresql":
            # A migration may take long; processes that wait for it need a longer time-out.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_TIMEOUT_S}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK_ID)))
        if not _is_current(connection):
            run_migrations(connection)


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table(version_table.name):
        return False
    return connection.execute(select(version_table.c.version_num)).scalar() == REVISION


def run_migrations(connection: Connection) -> None:
    """Create the tables, or change older ones, within the connection's transaction.

    Raises:
        WrittenByNewerVersion: if the schema is newer than this program.
    """
    # Imported here: most starts need no migration, and Alembic is a third of what they would load.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "webapp.delivery:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise WrittenByNewerVersion from None
