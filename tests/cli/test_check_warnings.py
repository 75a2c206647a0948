"""Warnings about settings, as `check` and the server's log tell them."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from servers import free_port
from serving import serve
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.demo import Simulator


def test_check_warns_of_probable_mistakes_and_succeeds(
    portal: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are valid: what is probably wrong with them comes on lines of its own."""
    environ = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": portal.url, "SECRET_KEY": SECRET}
    environ |= {"BIND": "0.0.0.0:8000", "INTRANET_USER": "sara", "STATE_DIRECTORY": str(tmp_path)}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 0
    assert "Warning: Operators' pages are open to every private network" in result.output
    assert "Warning: INTRANET_USER is no setting: did you mean INTRANET_USERS?" in result.output


@pytest.mark.slow
def test_log_of_the_start_warns_once_and_says_where_the_demo_is(tmp_path: Path) -> None:
    """One line each, however many workers there are."""
    environ = {"WEB_CONCURRENCY": "2", "INTRANET_USER": "sara", "AMOOT_TOKN": "hunter2"}
    environ |= {"REDIS_URL": f"redis://:hunter3@127.0.0.1:{free_port()}"}
    with serve(tmp_path, **environ, INTRANET_NETWORKS="127.0.0.1/32") as server:
        log = server.log.read_text()
    for line in ("did you mean INTRANET_USERS?", "did you mean AMOOT_TOKEN?"):
        assert log.count(line) == 1
    assert log.count("demo mode") == 1
    assert f"open {server.url}/" in log
    # Not the first visitor's request: the log has it before.
    assert log.count("Redis cannot be used: REDIS_URL: ConnectionError ECONNREFUSED") == 1
    assert "hunter" not in log
