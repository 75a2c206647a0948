"""A file that is empty or another program's, and an address that is in use."""

import hashlib
import os
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from serving import COMMAND
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.demo import Simulator
from webapp.server import bind_fault


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, tmp_path: Path
) -> Callable[..., Result]:
    """Return a function that runs a command with the outbox in `tmp_path`."""
    environ = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": simulator.url, "SECRET_KEY": SECRET}
    for name, value in (environ | {"AMOOT_DEADLINE": "20"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, arguments)


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Return what each file holds, and its mode."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
        for path in folder.iterdir()
    }


def test_check_says_that_an_empty_file_will_be_set_up(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """As `serve` would do; `check` and `outbox` write nothing into it."""
    (tmp_path / "outbox.sqlite3").touch(mode=0o644)
    before = state(tmp_path)
    result = run("check")
    assert result.exit_code == 0, result.output
    assert "The outbox is empty, and will be set up at the start." in result.output
    assert "there is no outbox" in run("outbox", "list").output
    assert state(tmp_path) == before


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_file_of_another_program_is_refused_and_stays_as_it_was(
    run: Callable[..., Result], tmp_path: Path, mode: str
) -> None:
    """Its journal mode and its rights included, and by each command that opens an outbox."""
    file = tmp_path / "outbox.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('1975ea83b712')")
        connection.execute("CREATE TABLE songs (title TEXT)")
        connection.commit()
    file.chmod(0o640)
    before = state(tmp_path)["outbox.sqlite3"]
    for arguments in (("check",), ("outbox", "list"), ("outbox", "retry", "--all")):
        result = run(*arguments)
        assert result.exit_code == 1, arguments
        told = "STATE_DIRECTORY: ForeignDatabase: the file holds the tables of another program"
        assert told in result.output, arguments
        assert state(tmp_path)["outbox.sqlite3"] == before, arguments


def test_faults_of_an_address_name_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Except where a socket is handed on: it is bound already, and BIND is not used."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        used = f"127.0.0.1:{other.getsockname()[1]}"
        assert bind_fault(used).startswith("BIND: OSError EADDRINUSE: another program listens")
        monkeypatch.setenv("LISTEN_FDS", "1")
        assert bind_fault(used) == ""
        monkeypatch.delenv("LISTEN_FDS")
    assert "this machine has no such address" in bind_fault("203.0.113.7:8000")
    assert "the host's name is not known" in bind_fault("nobody.invalid:8000")
    for fine in ("127.0.0.1:0", "localhost:0"):
        assert bind_fault(fine) == "", fine


def test_socket_of_another_server_or_in_no_folder_is_reported() -> None:
    """Gunicorn would take the first away from its server; one that is left behind is replaced."""
    with tempfile.TemporaryDirectory() as folder:  # its path is short enough for a socket's
        path = Path(folder, "form.sock")
        bind = f"unix:{path}"
        assert bind_fault(bind) == ""
        assert not path.exists()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            assert bind_fault(bind).startswith("BIND: OSError EADDRINUSE: another program listens")
        assert bind_fault(bind) == ""
        path.unlink()
        path.write_text("a file")
        assert bind_fault(bind).startswith("BIND: OSError EADDRINUSE")
        assert path.read_text() == "a file"
        assert "the folder or the socket does not exist" in bind_fault(f"unix:{folder}/none/x")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("check",), ("hash-password", "sara", "--password", "x")])
def test_full_standard_output_is_reported_in_one_line(
    tmp_path: Path, arguments: Sequence[str]
) -> None:
    """As of a full disk."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "STATE_DIRECTORY": str(tmp_path)},
        )
    assert done.returncode == 1
    assert done.stderr == "Error: OSError ENOSPC: the disk is full: make room\n"
