"""Fixtures: the simulated portal over a real socket, and an app in front of it."""

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from brought_files import read_plainly
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from outbox_entries import TIMING
from servers import PostgresServer
from sqlalchemy import Engine, make_url
from support import SECRET, TOKEN, Page

from webapp import create_app, services
from webapp.database import Database
from webapp.database import engine as engine_module
from webapp.database.encryption import Encryption
from webapp.demo import Simulator
from webapp.forms import tokens
from webapp.imports import drafts
from webapp.outbox import Outbox
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.rendering import EXTENSION

_MONTH_S = 30 * 24 * 3600  # as the limits have it

pytest_plugins = ["chromium", "cpu", "once", "tiers"]

# No clock decides. `make test` tries the same examples each time, `make nightly` new ones.
_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
hypothesis_settings.register_profile(
    "test", derandomize=True, max_examples=25, deadline=None, suppress_health_check=_CHECKS
)
hypothesis_settings.register_profile(
    "nightly", max_examples=300, print_blob=True, deadline=None, suppress_health_check=_CHECKS
)
hypothesis_settings.load_profile("test")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what chooses a browser."""
    parser.addoption("--chromium", default="chromium-headless-shell", help="the program to run")


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the tests, and what they start, another home than that of whoever runs them."""
    pip = Path("~/.config/pip/pip.conf").expanduser()
    if pip.exists():
        os.environ.setdefault("PIP_CONFIG_FILE", str(pip))
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        os.environ.pop(f"XDG_{name}_HOME", None)
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture
def portal() -> Iterator[Simulator]:
    """Run a simulated portal for one test, which may close it."""
    with Simulator(token=TOKEN) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    """Run a simulated portal for all tests of a module."""
    with Simulator(token=TOKEN) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    """Return the simulator with nothing stored, asked or planned."""
    running.purge()
    return running


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests fill in a form faster than a person."""
    monkeypatch.setattr(tokens, "MIN_AGE", timedelta(0))


@pytest.fixture(autouse=True)
def _time_to_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a look-up take longer than half a second on a busy machine."""
    monkeypatch.setattr(services, "DEADLINE_S", 20.0)


@pytest.fixture(autouse=True)
def _windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with the windows of the limits: at their end, hits are forgiven."""
    offset = _MONTH_S - time.time() % _MONTH_S  # a multiple of minutes, hours and days
    clock = SimpleNamespace(time=lambda: time.time() + offset)
    monkeypatch.setattr("limits.storage.memory.time", clock)


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    """Undo what a command that runs in the process of the tests has configured."""
    root, names = logging.getLogger(), ("webapp", "urllib3", "gunicorn.error", "alembic")
    loggers = [root, *map(logging.getLogger, names)]
    before = [(one.level, one.propagate, one.handlers[:], one.filters[:]) for one in loggers]
    yield
    for one, (level, one.propagate, one.handlers, one.filters) in zip(loggers, before, strict=True):
        one.setLevel(level)


@pytest.fixture(autouse=True)
def _engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test has opened; a process does so by ending."""
    opened: list[Engine] = []
    create_engine = engine_module.create_engine

    def create(*args: Any, **kwargs: Any) -> Engine:
        opened.append(create_engine(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(engine_module, "create_engine", create)
    yield
    for engine in opened:
        engine.dispose()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a form be sent no faster than a person fills it in."""
    monkeypatch.setattr(tokens, "MIN_AGE", timedelta(seconds=2))


@pytest.fixture
def deadline() -> float:
    """Return a deadline (s) that a busy machine keeps; see `support.short_deadline`."""
    return 20


@pytest.fixture
def settings(portal: Simulator, tmp_path: Path, deadline: float) -> Settings:
    """Return settings that point to the simulator; not demo mode."""
    return Settings(
        amoot_token=TOKEN,
        amoot_url=portal.url,
        amoot_deadline=deadline,
        secret_keys=(SECRET,),
        state_directory=tmp_path / "state",
    )


@pytest.fixture
def make_app(settings: Settings, tmp_path: Path) -> Callable[..., Flask]:
    """Return a factory that makes an app with some settings changed, and with a forms file."""

    def make(*, forms: str = "", **changes: object) -> Flask:
        if forms:
            changes["forms_file"] = tmp_path / "forms.toml"
            (tmp_path / "forms.toml").write_text(forms)
        return create_app(dataclasses.replace(settings, **changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def app(settings: Settings) -> Flask:
    """Return a fresh app."""
    return create_app(settings)


@pytest.fixture
def delivery(app: Flask) -> DeliveryServices:
    """Return what stands behind the app's pages."""
    found: DeliveryServices = app.extensions[EXTENSION].delivery
    found.database.check_writable()
    return found


@pytest.fixture
def files_read_here(delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the files of imports in this process."""
    del delivery
    monkeypatch.setattr(drafts, "read_file", read_plainly)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run PostgreSQL."""
    server = PostgresServer(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """Return the name of a database that has the tables, to be copied."""
    url = make_url(postgres.create("migrated"))
    engine_module.open_engine(url, Encryption()).dispose()
    return "migrated"


@pytest.fixture(scope="session")
def shared_rows(postgres: PostgresServer, migrated: str) -> str:
    """Return the address of a database whose rows each test removes that asks for it."""
    return postgres.create("rows", template=migrated)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database without rows, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/outbox.sqlite3"
    from tiers import ON_POSTGRESQL  # noqa: PLC0415  a plugin, which is loaded after this file

    server: PostgresServer = request.getfixturevalue("postgres")
    if request.path not in ON_POSTGRESQL:
        return server.create("outbox", template=request.getfixturevalue("migrated"))
    url: str = request.getfixturevalue("shared_rows")  # these files change nothing but rows
    server.empty("rows")
    return url


@pytest.fixture
def database(database_url: str) -> Database:
    """Return an empty database."""
    database = Database(database_url)
    database.check_writable()
    return database


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """Return an empty outbox."""
    return Outbox(database, TIMING)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without script, on the intranet."""
    return app.test_client()


@pytest.fixture
def page(client: FlaskClient) -> Page:
    """Return the operators' form, opened."""
    return Page(client)
