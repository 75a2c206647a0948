"""SQLite's one writer: several share a commit, and what fails for one fails for all."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from webapp.store import _prepare_sqlite
from webapp.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database lies."""
    return tmp_path / "test.sqlite3"


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    """Open a database with a table of numbers."""
    engine = create_engine(f"sqlite:///{file}")
    _prepare_sqlite(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Writer:
    """Return the writer under test."""
    return Writer(engine, patience=0.5)


def add(writer: Writer, number: int) -> None:
    """Write a number."""
    with writer.transaction() as connection:
        connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})


def numbers(file: Path) -> set[int]:
    """Return what another process would see."""
    other = sqlite3.connect(file)
    found = {number for (number,) in other.execute("SELECT n FROM numbers")}
    other.close()
    return found


def failures(writer: Writer, write: Callable[[], None], kind: type[Exception]) -> int:
    """Write 1, and something else in the same transaction; count which of both fail like this."""
    inside, failed = threading.Event(), []

    def slow() -> None:
        with writer.transaction() as connection:
            connection.execute(text("INSERT INTO numbers VALUES (1)"))
            inside.set()
            time.sleep(0.3)

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except kind:
            failed.append(work)

    first = threading.Thread(target=run, args=(slow,))
    first.start()
    inside.wait()
    second = threading.Thread(target=run, args=(write,))
    second.start()
    for thread in (first, second):
        thread.join()
    return len(failed)


def test_what_is_written_is_there_when_the_block_ends(writer: Writer, file: Path) -> None:
    """For everybody."""
    for number in range(3):
        add(writer, number)
        assert number in numbers(file)


def test_many_at_once_share_commits(writer: Writer, engine: Engine, file: Path) -> None:
    """Each finds its own written when it goes on."""
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)

    def write(number: int) -> bool:
        add(writer, number)
        return number in numbers(file)

    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(write, range(400)))
    assert len(commits) < 350


def test_what_fails_for_one_fails_for_all(writer: Writer, file: Path) -> None:
    """Nobody is told that something is written when it is not; the next ones start anew."""
    add(writer, 0)

    def bad() -> None:
        with writer.transaction() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    assert failures(writer, bad, OperationalError) == 2
    assert numbers(file) == {0}
    add(writer, 2)
    assert numbers(file) == {0, 2}


def test_another_processs_writer_is_waited_for(writer: Writer, file: Path) -> None:
    """But not for ever, by nobody."""
    add(writer, 0)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("ROLLBACK")).start()
    add(writer, 1)
    assert numbers(file) == {0, 1}
    other.execute("BEGIN IMMEDIATE")

    def write(number: int) -> float:
        started = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            add(writer, number)
        return time.monotonic() - started

    with ThreadPoolExecutor(16) as threads:
        assert max(threads.map(write, range(2, 18))) < 1.5
    other.execute("ROLLBACK")
    other.close()
    add(writer, 2)
    assert numbers(file) == {0, 1, 2}


def test_a_checkpoint_waits_for_nobody(writer: Writer, file: Path) -> None:
    """Neither a reader nor another writer keeps our own writers waiting; later it is done."""
    add(writer, 0)
    log = file.with_name(f"{file.name}-wal")
    other = sqlite3.connect(file, isolation_level=None)
    for trouble in ("BEGIN; SELECT n FROM numbers", "BEGIN IMMEDIATE"):
        for statement in trouble.split(";"):
            other.execute(statement).fetchall()
        started = time.monotonic()
        writer.checkpoint()
        assert time.monotonic() - started < 1
        assert log.stat().st_size > 0
        other.execute("ROLLBACK")
    other.close()
    writer.checkpoint()
    assert log.stat().st_size == 0


def test_whatever_prevents_a_commit_is_told_to_all(
    writer: Writer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only what a database may say; and the next ones write again."""

    def fail(_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "commit", fail)
        assert failures(writer, lambda: add(writer, 2), MemoryError) == 2
    add(writer, 3)
    assert numbers(file) == {3}


def test_a_dead_connection_is_replaced(writer: Writer, file: Path) -> None:
    """One write fails, the next finds a new one."""
    add(writer, 1)
    connection = writer._connection  # noqa: SLF001  nobody closes it from outside
    assert connection is not None
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    driver.close()
    with pytest.raises(sqlite3.ProgrammingError):
        add(writer, 2)
    add(writer, 3)
    assert numbers(file) == {1, 3}
