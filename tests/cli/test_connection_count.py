"""What `check` says of the connections to PostgreSQL, and how many files the server may open."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from servers import PostgresServer
from serving import environ_of

from webapp.cli import main
from webapp.demo import Simulator
from webapp.settings import Settings, SettingsError

URL = "postgresql+psycopg://u@db/x"


def test_check_says_how_many_connections_this_machine_opens(
    postgres: PostgresServer,
    migrated: str,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The sum of all machines must fit the server's max_connections; a file has none."""
    more = {"AMOOT_DEADLINE": "20", "DATABASE_POOL": "7", "WEB_CONCURRENCY": "3"}
    environ = environ_of(simulator.url, tmp_path, **more)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert "Connections" not in CliRunner().invoke(main, ["check"]).output
    monkeypatch.setenv("DATABASE_URL", postgres.create("counted", template=migrated))
    output = CliRunner().invoke(main, ["check"]).output
    assert "7 × 3 web workers = 21 from this machine, and 7 from each" in output


def test_pool_of_one_and_a_threshold_without_a_number_are_refused() -> None:
    """Each is named, and the other way of switching prepared statements off as well."""
    for environ, text in (
        ({"DATABASE_POOL": "1"}, "DATABASE_POOL must be a whole number from 2 to 100"),
        ({"DATABASE_PREPARED": "0"}, "DATABASE_PREPARED must be one of on, off"),
        ({"DATABASE_URL": f"{URL}?prepare_threshold=none"}, "see DATABASE_PREPARED"),
    ):
        with pytest.raises(SettingsError, match=text):
            Settings.from_env(environ)
    url = f"{URL}?prepare_threshold=0"
    assert Settings.from_env({"DATABASE_URL": url}).database_url == url
