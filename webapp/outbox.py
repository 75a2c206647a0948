"""The durable store, on SQLAlchemy Core.

It holds what waits for an operator, which submissions are settled, so that each is sent once, and
which proofs of work are spent.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from webapp.contact import FIELDS, Contact, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, Engine

_PATIENCE: Final = 1  # seconds that SQLite waits for another writer; each write takes milliseconds

KEPT: Final = timedelta(days=30)  # then personal data that no operator asked for is erased

_metadata: Final = MetaData()
_held: Final = Table(
    "held",
    _metadata,
    Column("reference", String(16), primary_key=True),
    Column("form", String(40), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("contact", Text, nullable=False),
    Column("held_at", DateTime, nullable=False),
)
_settled: Final = Table(
    "settled",
    _metadata,
    Column("key", String(64), primary_key=True),
    Column("result", String(16)),  # none while it is under way
    Column("until", DateTime, nullable=False),
)
_spent: Final = Table(
    "spent",
    _metadata,
    Column("name", String(100), primary_key=True),
    Column("until", DateTime, nullable=False),
)


class StoreError(Exception):
    """The store is out of reach, full or broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A submission that waits for an operator.

    Attributes:
        reference: Its short name, as the visitor saw it.
        form: The slug of its form.
        reason: Why it waits: `honeypot` or `proof`.
        contact: What was submitted.
        held_at: Since when, in UTC.
    """

    reference: str
    form: str
    reason: str
    contact: Contact
    held_at: datetime


class Outbox:
    """The store. It is opened at its first use, in the process that uses it.

    Each method raises a StoreError if that fails.
    """

    def __init__(self, url: str) -> None:
        """Take a database URL as SQLAlchemy spells it."""
        self._url = url
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    def hold(self, contact: Contact, *, reference: str, form: str, reason: str) -> None:
        """Keep a submission for the operator; the same one twice is kept once."""
        row = {"reference": reference, "form": form, "reason": reason, "held_at": _now()}
        with self._begin() as connection:
            _add(connection, _held, **row, contact=_write(contact))
        self._forget_old()

    def held(self) -> list[Held]:
        """Return what waits, oldest first."""
        self._forget_old()
        with self._begin() as connection:
            rows = connection.execute(select(_held).order_by(_held.c.held_at)).mappings().all()
        return [Held(**{**row, "contact": _read(row["contact"])}) for row in rows]

    def erase(self, reference: str) -> None:
        """Forget a submission."""
        self._erase(_held.c.reference == reference)

    def _forget_old(self) -> None:
        self._erase(_held.c.held_at < _now() - KEPT)

    def _erase(self, which: ColumnElement[bool]) -> None:
        """Delete rows, and what is left of them in SQLite's log of changes."""
        with self._begin() as connection:
            erased = connection.execute(delete(_held).where(which).returning(_held.c.form)).all()
        if erased and self._connected().dialect.name == "sqlite":
            with self._guarded(), self._connected().connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def claim(self, key: str, *, lease: timedelta) -> bool:
        """Take a submission on, unless it is settled or another process is at it.

        Args:
            key: The submission's key.
            lease: How long the claim is good; then its owner is taken for dead.
        """
        self._forget_old()
        with self._begin() as connection:
            connection.execute(delete(_settled).where(_settled.c.until < _now()))
            return _add(connection, _settled, key=key, until=_now() + lease)

    def settle(self, key: str, result: str, *, until: datetime) -> None:
        """Remember the result of a submission until then."""
        row = {"result": result, "until": _plain(until)}
        with self._begin() as connection:
            connection.execute(update(_settled).where(_settled.c.key == key).values(**row))

    def release(self, key: str) -> None:
        """Give a claim up: the same submission may be tried again."""
        with self._begin() as connection:
            connection.execute(delete(_settled).where(_settled.c.key == key))

    def result(self, key: str) -> str | None:
        """Return the result of a settled submission."""
        with self._begin() as connection:
            found = select(_settled.c.result).where(_settled.c.key == key)
            return connection.execute(found).scalar()

    def spend(self, name: str, until: datetime) -> bool:
        """Tell whether this name is spent for the first time; it is remembered until then."""
        with self._begin() as connection:
            connection.execute(delete(_spent).where(_spent.c.until < _now()))
            return _add(connection, _spent, name=name, until=_plain(until))

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._guarded(), self._connected().begin() as connection:
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(type(error).__name__) from None  # the text may quote personal data

    def _connected(self) -> Engine:
        with self._opening:  # two threads would create the tables twice
            if self._engine is None:
                self._engine = _open(self._url)
        return self._engine


def _open(url: str) -> Engine:
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = create_engine(url, connect_args={"timeout": _PATIENCE} if is_sqlite else {})
    if is_sqlite:
        _prepare_sqlite(engine)
    _metadata.create_all(engine)
    return engine


def _add(connection: Connection, table: Table, **row: object) -> bool:
    """Add a row; tell whether its key is new."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**row))
    except IntegrityError:
        return False
    return True


def _prepare_sqlite(engine: Engine) -> None:
    """Make SQLite durable, forgetful of what is erased, and private; measured in its place."""
    if engine.url.database:
        path = Path(engine.url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:  # noqa: ANN401  the driver's own
        connection.isolation_level = None  # the driver would begin, and deferred
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        # Deferred, two writers that have read first would lock each other out.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _write(contact: Contact) -> str:
    return json.dumps(dict(contact.values), default=date.isoformat)


def _read(text: str) -> Contact:
    values = json.loads(text)
    for name, value in values.items():
        if FIELDS[name].kind is Kind.DATE and value:
            values[name] = date.fromisoformat(value)
        if FIELDS[name].kind is Kind.LABELS:
            values[name] = tuple(value)
    return Contact(**values)


def _now() -> datetime:
    return _plain(datetime.now(UTC))


def _plain(moment: datetime) -> datetime:
    """Return a moment as the tables hold it: UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)
