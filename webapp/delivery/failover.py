"""Notices that PostgreSQL is another server: a standby was promoted, or a copy restored.

It may not know what the former server stored last, so the portal may have what waits there. Until
all of it is marked uncertain, nothing is claimed.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, text, update
from sqlalchemy.exc import NotSupportedError, ProgrammingError

from webapp.database.engine import state_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from webapp.database import Database
    from webapp.delivery.review import Review

log = logging.getLogger(__name__)

FAILOVER_INTERVAL_S: Final = 1.0  # between two calls of `check` by one worker

# The cluster's identifier, and the timeline, which a promotion changes. The name of the log file
# has the new timeline at once, pg_control_checkpoint() only after the next checkpoint.
_SERVERS: Final = text(
    "SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8),"
    " (SELECT server FROM database_state) FROM pg_control_system()"
)
_server: Final = state_table.c.server


class Failover:
    """Compares the server with the one before. A DatabaseError says that the database fails."""

    def __init__(self, database: Database, review: Review) -> None:
        """Compare this database's server; mark what waits in this outbox."""
        self._database = database
        self._review = review
        self._is_told: bool | None = None  # whether the server says which one it is

    def is_other_server(self, connection: Connection) -> bool:
        """Return whether the server of this transaction is not the one before."""
        current, former = self._servers(connection)
        return former is not None and former != current

    def check(self) -> None:
        """If it is another server, mark what waits; any number of workers may do so at once."""
        with self._database.read() as connection:
            current, former = self._servers(connection)
        if current == former:
            return
        with self._database.write() as connection:
            # One worker marks. Its lock ends with it, and claims go on only after its commit.
            locked = select(_server).where(_server.is_distinct_from(current))
            if connection.execute(locked.with_for_update(skip_locked=True)).first() is None:
                return
            if former is not None:
                log.warning("PostgreSQL is another server now: what waits is looked up first")
                # Each batch is a transaction of its own. This one must not seem idle meanwhile.
                self._review.mark_uncertain(progress=lambda _: connection.execute(select(1)))
            connection.execute(update(state_table).values(server=current))

    def _servers(self, connection: Connection) -> tuple[str | None, str | None]:
        """Return which server it is, and was; twice None if it does not tell, and on SQLite."""
        if connection.dialect.name != "postgresql" or self._is_told is False:
            return None, None
        try:
            # An error would end the caller's transaction.
            with nullcontext() if self._is_told else connection.begin_nested():
                current, former = connection.execute(_SERVERS).one()
        except (ProgrammingError, NotSupportedError):  # not allowed, or no such function
            self._is_told = False
            log.warning(
                "a failover of PostgreSQL will not be noticed: its user may not call "
                "pg_control_system, pg_walfile_name and pg_current_wal_lsn"
            )
            return None, None
        self._is_told = True
        return current, former
