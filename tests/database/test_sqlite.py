"""SQLite's one writer: several share a commit, and what fails for one fails for all."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from support import wait_until

from webapp.database.sqlite import SqliteWriter, prepare_sqlite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database lies."""
    return tmp_path / "test.sqlite3"


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    """Open a database with a table of numbers."""
    engine = create_engine(f"sqlite:///{file}")
    prepare_sqlite(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY CHECK (n < 1000))"))
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> SqliteWriter:
    """Return the writer under test."""
    return SqliteWriter(engine, lock_timeout_s=0.5)


# Rows that are there already are not taken.
ADDING = text(
    "INSERT INTO numbers SELECT json_extract(value, '$.n') FROM json_each(:rows) WHERE true"
    " ON CONFLICT DO NOTHING"
)


def add(writer: SqliteWriter, number: int) -> None:
    """Write a number alone."""
    with writer.transaction() as connection:
        connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})


def join(writer: SqliteWriter, number: int) -> bool:
    """Write a number, together with whoever comes at the same time."""
    return writer.write(ADDING, {"n": number})


def numbers(file: Path) -> set[int]:
    """Return what another process would see."""
    other = sqlite3.connect(file)
    found = {number for (number,) in other.execute("SELECT n FROM numbers")}
    other.close()
    return found


def wait_until_waiting(writer: SqliteWriter, count: int) -> None:
    """Wait until so many rows wait to be written."""
    wait_until(lambda: len(writer._rows) == count)  # noqa: SLF001  nothing else shows it


@contextmanager
def together(writer: SqliteWriter, numbers: Iterable[int]) -> Iterator[list[Future[bool]]]:
    """Let threads write these numbers while another has its turn, so that they are one batch."""
    with ThreadPoolExecutor(32) as threads, writer.transaction():
        results = [threads.submit(join, writer, number) for number in numbers]
        wait_until_waiting(writer, len(results))  # the first would lead by itself else
        yield results


def test_what_is_written_is_there_when_the_block_ends(writer: SqliteWriter, file: Path) -> None:
    """For everybody."""
    for number in range(0, 6, 2):
        add(writer, number)
        assert number in numbers(file)
        assert join(writer, number + 1)
        assert number + 1 in numbers(file)


def test_many_at_once_share_commits(writer: SqliteWriter, engine: Engine, file: Path) -> None:
    """Each finds its own written when it goes on."""
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)

    def write(number: int) -> bool:
        return join(writer, number) and number in numbers(file)

    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(write, range(400)))
    assert len(commits) < 350


@pytest.mark.slow
def test_one_that_is_not_taken_sends_all_back(writer: SqliteWriter, file: Path) -> None:
    """Nothing is written, and each is told so; alone, the others are taken."""
    assert join(writer, 1)
    with together(writer, [1, 2, 3]) as results:
        pass
    assert [result.result() for result in results] == [False] * 3
    assert numbers(file) == {1}
    assert [join(writer, number) for number in (1, 2, 3)] == [False, True, True]
    assert numbers(file) == {1, 2, 3}


@pytest.mark.slow
def test_different_statements_share_a_commit(
    writer: SqliteWriter, engine: Engine, file: Path
) -> None:
    """Each is run once, for its own rows."""
    removing = text(
        "DELETE FROM numbers WHERE n IN (SELECT json_extract(value, '$.n') FROM json_each(:rows))"
    )
    assert join(writer, 1)
    commits: list[object] = []
    with ThreadPoolExecutor(1) as thread:
        with together(writer, [2, 3]) as results:
            removed = thread.submit(writer.write, removing, {"n": 1})
            wait_until_waiting(writer, 3)
            event.listen(engine, "commit", commits.append)
        assert removed.result()
    assert all(result.result() for result in results)
    assert numbers(file) == {2, 3}
    assert len(commits) == 2  # the turn before, and theirs


@pytest.mark.slow
def test_what_fails_for_one_fails_for_all(writer: SqliteWriter, file: Path) -> None:
    """Nobody is told that something is written when it is not; the next ones start anew."""
    with together(writer, [1, 1000, 2]) as results:
        pass
    for result in results:
        with pytest.raises(IntegrityError):
            result.result()
    assert numbers(file) == set()

    def bad() -> None:
        with writer.transaction() as connection:
            connection.execute(text("INSERT INTO numbers VALUES (5)"))
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(OperationalError):
        bad()
    assert numbers(file) == set()
    assert join(writer, 2)
    assert numbers(file) == {2}


@pytest.mark.slow
def test_another_processs_writer_is_waited_for(writer: SqliteWriter, file: Path) -> None:
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
            (add if number % 2 else join)(writer, number)
        return time.monotonic() - started

    with ThreadPoolExecutor(32) as threads:  # one after the other, it would be 16 seconds
        assert max(threads.map(write, range(2, 34))) < 12
    other.execute("ROLLBACK")
    other.close()
    add(writer, 2)
    assert numbers(file) == {0, 1, 2}


@pytest.mark.slow
def test_late_writer_has_its_own_timeout(writer: SqliteWriter, file: Path) -> None:
    """Whoever leads gives up for themselves alone."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(2) as threads:
        early = threads.submit(join, writer, 1)
        wait_until_waiting(writer, 1)
        writer._lock_timeout_s = 60  # noqa: SLF001  as if it came much later
        late = threads.submit(join, writer, 2)
        wait_until_waiting(writer, 2)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            early.result()
        other.execute("ROLLBACK")
        assert late.result()
    other.close()
    assert numbers(file) == {2}


@pytest.mark.slow
def test_whatever_prevents_a_commit_is_told_to_all(
    writer: SqliteWriter, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only what a database may say; and the next ones write again."""
    fail = Mock(side_effect=MemoryError)
    with together(writer, [1, 2]) as results:
        pass
    assert all(result.result() for result in results)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "commit", fail)
        with pytest.raises(MemoryError), together(writer, [4, 5]) as results:
            pass
    for result in results:
        assert isinstance(result.exception(), MemoryError)
    add(writer, 3)
    assert numbers(file) == {1, 2, 3}


def test_dead_connection_is_replaced(writer: SqliteWriter, file: Path) -> None:
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
