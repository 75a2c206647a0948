"""What `check` says of the database, its folder and Redis, and what the log says of them."""

import logging
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
import pytest
from click.testing import CliRunner, Result
from servers import PostgresServer, RedisServer, free_port
from serving import COMMAND
from sqlalchemy import make_url
from support import SECRET, TOKEN

from webapp import database as database_module
from webapp.cli import main
from webapp.database import Database, DatabaseError
from webapp.database.encryption import Encryption
from webapp.database.engine import open_engine
from webapp.demo import Simulator
from webapp.settings import Settings, SettingsError
from webapp.web.security.rate_limits import RateLimits

PASSWORD: Final = "hunter2"


@pytest.fixture
def check(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, tmp_path: Path
) -> Callable[..., Result]:
    """Return a function that runs `check` with these settings."""
    ready = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": simulator.url, "SECRET_KEY": SECRET}
    ready |= {"STATE_DIRECTORY": str(tmp_path / "state"), "AMOOT_DEADLINE": "20"}

    def run(**environ: str) -> Result:
        with monkeypatch.context() as patch:
            for name, value in {**ready, **environ}.items():
                patch.setenv(name, value)
            return CliRunner().invoke(main, ["check"])

    return run


def test_check_names_what_is_wrong_with_the_file_of_the_outbox(
    check: Callable[..., Result], tmp_path: Path
) -> None:
    """The setting, SQLite's or the system's code, and what to do; the file stays as it was."""
    for name in ("garbage", "newer"):
        (tmp_path / name).mkdir()
    file = tmp_path / "file"
    file.touch()
    garbage = tmp_path / "garbage" / "outbox.sqlite3"
    garbage.write_text("no database, but longer than the head of one " * 100)
    newer = tmp_path / "newer" / "outbox.sqlite3"
    open_engine(make_url(f"sqlite:///{newer}"), Encryption()).dispose()
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE database_state SET oldest_revision = '9999'")
        connection.commit()
    cases = {
        str(garbage.parent): ("SQLITE_NOTADB", "restore a backup"),
        str(newer.parent): ("WrittenByNewerVersion", "install that one"),
        str(file / "state"): ("ENOTDIR", "a part of the path is a file"),
    }
    for folder, parts in cases.items():
        result = check(STATE_DIRECTORY=folder)
        assert result.exit_code == 1, folder
        assert "STATE_DIRECTORY: " in result.output
        assert all(part in result.output for part in parts), result.output
        assert "Traceback" not in result.output
        of_url = check(DATABASE_URL=f"sqlite:///{folder}/outbox.sqlite3").output
        assert "DATABASE_URL: " in of_url
        assert parts[0] in of_url
    assert garbage.read_text().startswith("no database")


@pytest.fixture
def guarded(postgres: PostgresServer) -> Iterator[Callable[[str], str]]:
    """Return a function that makes the URL of a server that asks this user for a password."""
    rules = postgres.files() / "pg_hba.conf"
    before = rules.read_text()

    def run(*statements: str) -> None:
        address = {"host": "127.0.0.1", "port": postgres.port, "user": "postgres"}
        with psycopg.connect(**address, dbname="postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    asks = "host all guarded 127.0.0.1/32 scram-sha-256\n"
    rules.write_text(asks + before)
    run(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'", "SELECT pg_reload_conf()")
    yield lambda rest: f"postgresql+psycopg://guarded:{rest}".replace("PORT", str(postgres.port))
    rules.write_text(before)
    run("DROP OWNED BY guarded", "DROP ROLE guarded", "SELECT pg_reload_conf()")


@pytest.mark.slow
def test_check_names_what_is_wrong_with_the_database_server(
    check: Callable[..., Result], guarded: Callable[[str], str], postgres: PostgresServer
) -> None:
    """No server, no such host, a wrong password, no such database, no rights; without secrets."""
    postgres.create("probed")
    cases = {
        f"wrong@127.0.0.1:{free_port()}/probed": ("ECONNREFUSED", "start the server"),
        "wrong@nobody.invalid/probed": ("EAI_NONAME", "the host's name is not known"),
        "wrong@127.0.0.1:PORT/probed": ("28P01", "the user or the password is wrong"),
        f"{PASSWORD}@127.0.0.1:PORT/nowhere": ("3D000", "create it, or correct the name"),
        f"{PASSWORD}@127.0.0.1:PORT/probed": ("42501", "grant CREATE"),
    }
    for rest, parts in cases.items():
        result = check(DATABASE_URL=guarded(rest))
        assert result.exit_code == 1, rest
        assert "DATABASE_URL: " in result.output
        assert all(part in result.output for part in parts), result.output
        assert not any(secret in result.output for secret in (PASSWORD, "guarded", "Traceback"))
    fine = postgres.url("probed")
    assert check(DATABASE_URL=fine).exit_code == 0
    with psycopg.connect(fine.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (0,)  # a check makes none


@pytest.mark.slow
def test_check_names_what_is_wrong_with_redis(check: Callable[..., Result], tmp_path: Path) -> None:
    """A server that is gone; one that runs is fine."""
    server = RedisServer(tmp_path)
    try:
        assert check(REDIS_URL=server.url).exit_code == 0
    finally:
        server.kill()
    result = check(REDIS_URL=server.url)
    assert result.exit_code == 1
    assert "REDIS_URL: ConnectionError ECONNREFUSED: nothing listens there" in result.output


def test_url_that_sqlalchemy_cannot_parse_is_one_line(check: Callable[..., Result]) -> None:
    """Named as any wrong setting, not quoted."""
    for url in ("postgresql+psycopg:u@@", "postgresql+psycopg://u:hunter2@h:x/y"):
        with pytest.raises(SettingsError):
            Settings.from_env({"DATABASE_URL": url})
        result = check(DATABASE_URL=url)
        assert result.exit_code == 1
        assert [line for line in result.output.splitlines() if "DATABASE_URL" in line] == [
            "  DATABASE_URL is not a URL."
        ]
        assert "Traceback" not in result.output
        assert "hunter2" not in result.output


@pytest.mark.slow
def test_check_makes_no_file_in_the_home_of_its_user(simulator: Simulator, tmp_path: Path) -> None:
    """Neither in demo mode, nor after a code was sent."""
    real = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": simulator.url, "SECRET_KEY": SECRET}
    real |= {"AMOOT_DEADLINE": "20"}
    for environ, arguments in (({}, ()), (real, ("--verify", "09121234567"))):
        done = subprocess.run(
            [COMMAND, "check", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environ},
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert list(tmp_path.iterdir()) == []


# The log


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time (s) that the database's log goes by, to be set."""
    now = [1000.0]
    monkeypatch.setattr(database_module.time, "monotonic", lambda: now[0])
    return now


def test_failure_of_the_database_and_its_end_are_logged_once(
    tmp_path: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """Not each time, as often as it is asked; another fault is another line."""
    caplog.set_level(logging.WARNING)
    state = tmp_path / "state"
    state.write_text("a file in the folder's place")
    database = Database(f"sqlite:///{state}/outbox.sqlite3", setting="STATE_DIRECTORY")

    def fails(times: int) -> None:
        for _ in range(times):
            clock[0] += 2
            with pytest.raises(DatabaseError):
                database.check_writable()

    fails(50)
    state.unlink()
    state.mkdir()
    (state / "outbox.sqlite3").write_text("no database " * 1000)
    fails(50)
    shutil.rmtree(state)
    clock[0] += 60
    for _ in range(3):
        database.check_writable()
    assert [message[:62] for message in caplog.messages] == [
        message[:62]
        for message in (
            "the database fails: STATE_DIRECTORY: FileExistsError EEXIST",
            "the database fails: STATE_DIRECTORY: DatabaseError SQLITE_NOTADB: the file is no",
            "the database works again",
        )
    ]


@pytest.mark.slow
def test_failure_of_redis_and_its_end_are_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its setting and the code."""
    monkeypatch.setattr("webapp.web.security.rate_limits._REDIS_RETRY_INTERVAL_S", 0.0)
    monkeypatch.setattr("webapp.web.security.rate_limits._REDIS_TIMEOUT_S", 20)
    server = RedisServer(tmp_path)
    limits = RateLimits(Settings(secret_keys=(SECRET,), redis_url=server.url))
    server.kill()
    for _ in range(5):
        limits.count_mobile(mobile="09121234567")
    (line,) = caplog.messages
    assert "REDIS_URL: ConnectionError ECONNREFUSED" in line
    server.start()
    try:
        for _ in range(5):
            limits.count_form(form="signup", address="")
    finally:
        server.kill()
    assert caplog.messages[1:] == ["Redis answers again: rate limits are counted there"]
