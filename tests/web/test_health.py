"""What machines ask: whether the process answers, and whether it can store."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from servers import PostgresServer
from sqlalchemy import Connection, create_engine, text

from webapp import web
from webapp.database import DatabaseError
from webapp.web import Readiness

PUBLIC = "https://form.example.ir"
OUTSIDE = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def _at_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the store each time."""
    monkeypatch.setattr(web, "_READINESS_TTL_S", -1.0)


def test_process_answers_without_the_database(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """A process is not restarted because its database is."""
    (tmp_path / "file").touch()
    client = make_app(database_url=f"sqlite:///{tmp_path}/file/x").test_client()
    alive, ready = client.get("/healthz"), client.get("/readyz")
    assert (alive.status_code, alive.text) == (200, "alive\n")
    assert (ready.status_code, ready.text) == (503, "unavailable\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_anybody_may_ask_and_nothing_is_kept(client: FlaskClient, path: str) -> None:
    """A balancer has no login, and a cache in between must not answer for us."""
    for method in ("GET", "HEAD"):
        response = client.open(path, method=method, environ_base=OUTSIDE)
        assert response.status_code == 200
        assert response.mimetype == "text/plain"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in response.headers
    assert client.post(path).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/", 400)])
def test_balancer_calls_by_address(make_app: Callable[..., Flask], path: str, status: int) -> None:
    """Pages are shown only under PUBLIC_URL."""
    client = make_app(public_url=PUBLIC).test_client()
    assert client.get(path, base_url="http://10.0.0.5:8000").status_code == status
    assert client.get(path, base_url=PUBLIC).status_code == 200


def test_prometheus_calls_by_address_and_no_site_does_by_its_own_name(
    make_app: Callable[..., Flask],
) -> None:
    """A site can let its name lead to us, and read along in an operator's browser."""
    client = make_app(public_url=PUBLIC).test_client()
    hosts = {"http://10.0.0.5:8000": 200, "http://localhost": 200, PUBLIC: 200}
    for host, status in (hosts | {"http://evil.example": 400}).items():
        assert client.get("/metrics", base_url=host).status_code == status


def test_database_that_can_be_written_is_ready(
    make_app: Callable[..., Flask], database_url: str
) -> None:
    """Both kinds; the question changes nothing."""
    client = make_app(database_url=database_url).test_client()
    for _ in range(2):
        assert client.get("/readyz").status_code == 200
    with opened(database_url) as connection:
        tables = ("alembic_version", "outbox", "breaker", "spent")
        counts = [connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in tables]  # noqa: S608
    assert counts == [1, 0, 0, 0]


@pytest.mark.slow
def test_database_that_cannot_be_written_is_not_ready(
    make_app: Callable[..., Flask], database_url: str, request: pytest.FixtureRequest
) -> None:
    """A locked SQLite file or a read-only PostgreSQL, until that has ended."""
    client = make_app(database_url=database_url).test_client()
    assert client.get("/readyz").status_code == 200
    release = request.getfixturevalue("block")(database_url)
    assert client.get("/readyz").status_code == 503
    release()
    assert client.get("/readyz").status_code == 200


@pytest.fixture
def block(request: pytest.FixtureRequest) -> Callable[[str], Callable[[], None]]:
    """Return what makes a database unwritable, and returns what undoes it."""

    def lock(url: str) -> Callable[[], None]:
        stack = contextlib.ExitStack()
        stack.enter_context(opened(url)).exec_driver_sql("BEGIN IMMEDIATE")
        return stack.close

    def make_read_only(url: str) -> Callable[[], None]:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = url.rpartition("/")[2]
        # It holds for new connections: the pool finds the old ones closed.
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608

        def switch(value: str) -> None:
            with opened(server.url(), isolation_level="AUTOCOMMIT") as connection:
                change = f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
                connection.execute(text(change))
                connection.execute(text(end))

        switch("on")
        return lambda: switch("off")

    return lambda url: (lock if url.startswith("sqlite") else make_read_only)(url)


@contextlib.contextmanager
def opened(url: str, **options: str) -> Iterator[Connection]:
    """Open a database beside the app."""
    engine = create_engine(url, **options)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


class SlowStore:
    """An outbox that answers on an event, and counts its calls."""

    def __init__(self) -> None:
        """Keep silent."""
        self.asked = threading.Semaphore(0)
        self.times = 0
        self.answers = threading.Event()
        self.fails = False

    def check_writable(self) -> None:
        """Take long."""
        self.times += 1
        self.asked.release()
        self.answers.wait(30)
        if self.fails:
            raise DatabaseError("OperationalError")


@pytest.fixture
def slow() -> Iterator[SlowStore]:
    """Return a slow store."""
    database = SlowStore()
    yield database
    database.answers.set()


@pytest.mark.slow
def test_slow_database_is_asked_by_one_thread(
    slow: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait a second, and take the silence for an answer."""
    monkeypatch.setattr(web, "_READINESS_TTL_S", 60.0)
    readiness = Readiness(slow)  # type: ignore[arg-type]
    first = threading.Thread(target=bool, args=(readiness,))
    first.start()
    assert slow.asked.acquire(timeout=20)
    assert not readiness
    slow.answers.set()
    first.join(20)
    assert readiness
    assert slow.times == 1


def test_answer_is_good_for_a_while_and_not_for_ever(
    slow: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a bad one: a store in trouble gets no more questions than one in health."""
    monkeypatch.setattr(web, "_READINESS_TTL_S", 60.0)
    slow.answers.set()
    slow.fails = True
    readiness = Readiness(slow)  # type: ignore[arg-type]
    assert [bool(readiness) for _ in range(3)] == [False] * 3
    slow.fails = False
    assert not readiness
    monkeypatch.setattr(web, "_READINESS_TTL_S", -1.0)
    assert readiness
    assert slow.times == 2
