"""The files in `deploy`, as near to their use as goes without systemd and a container engine."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner
from serving import COMMAND, serve
from tables import each

from webapp.cli import main
from webapp.settings import Settings, SettingsError, warnings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {row.metadata["name"] for row in dataclasses.fields(Settings)}
MOST_EXPOSED = 20  # tenths: systemd calls 2.0 OK, and an ordinary service 9.6
SECONDS = 60

# What systemd does before it starts a service that has a socket.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""


def example() -> dict[str, str]:
    """Return the settings of the example, as they stand."""
    text = (DEPLOY / "environment.example").read_text()
    return dict(re.findall("^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def instructions(name: str) -> list[str]:
    """Return the arguments of this instruction of the Containerfile, each time it is given."""
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} +(.*)$", text, re.MULTILINE)


def compose() -> dict[str, Any]:
    """Return the compose file, its anchors resolved."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return content


# ---- systemd ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_service_is_shut_in() -> None:
    """As systemd itself counts."""
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true"]
    command += [f"--threshold={MOST_EXPOSED}", str(DEPLOY / "amoot-form.service")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """With the program where it is here."""
    unit = (DEPLOY / "amoot-form.service").read_text()
    assert "ExecStart=/opt/amoot-form/bin/amoot-form serve" in unit
    (tmp_path / "amoot-form.service").write_text(
        unit.replace("/opt/amoot-form/bin/amoot-form", str(COMMAND))
    )
    shutil.copy(DEPLOY / "amoot-form.socket", tmp_path)
    units = [str(tmp_path / f"amoot-form.{kind}") for kind in ("service", "socket")]
    command = ["systemd-analyze", "verify", "--man=no", *units]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@contextmanager
def activated(listener: socket.socket, folder: Path) -> Iterator[None]:
    """Run the server as systemd would: on this socket; it has to say when it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = folder / "notify"
        path.unlink(missing_ok=True)
        notify.bind(str(path))
        notify.settimeout(SECONDS)
        number = listener.fileno()
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "NOTIFY_SOCKET": str(path)}
        environ |= {"STATE_DIRECTORY": str(folder), "WEB_CONCURRENCY": "1"}
        process = subprocess.Popen(
            [sys.executable, "-c", ACTIVATE, str(number), str(COMMAND), "serve"],
            env=environ,
            pass_fds=[number],
            stderr=subprocess.DEVNULL,
        )
        try:
            assert b"READY=1" in notify.recv(1024)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0


@pytest.mark.slow
def test_restart_refuses_nobody(tmp_path: Path) -> None:
    """The server takes the socket from systemd, and leaves it open: people wait meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/f/signup"
        with activated(listener, tmp_path):
            assert requests.get(url, timeout=SECONDS).status_code == 200
        answers: list[int] = []
        meanwhile = threading.Thread(
            target=lambda: answers.append(requests.get(url, timeout=SECONDS).status_code)
        )
        meanwhile.start()
        with activated(listener, tmp_path):
            meanwhile.join()
    assert answers == [200]


# ---- The settings -----------------------------------------------------------------------------


def test_example_is_complete_but_for_the_secrets() -> None:
    """Unfilled, it stops the start; filled in, it runs."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(example())
    faults = {fault.split()[0] for fault in caught.value.faults}
    assert faults == {"AMOOT_TOKEN", "SECRET_KEY"}
    settings = Settings.from_env({**example(), "AMOOT_TOKEN": "t0ken", "SECRET_KEY": "k" * 32})
    assert settings.trusted_proxies == 1
    server_name = re.search("server_name (.*);", (DEPLOY / "nginx.conf").read_text())
    assert server_name
    assert settings.public_url == f"https://{server_name[1]}"


def test_example_names_only_settings() -> None:
    """Those that are commented out, too."""
    text = (DEPLOY / "environment.example").read_text()
    names = set(re.findall("^#?([A-Z_]+)=", text, re.MULTILINE))
    assert names - SETTINGS == {"POSTGRES_PASSWORD"}


# ---- The container ----------------------------------------------------------------------------


@pytest.mark.slow
def test_containerfile_is_clean() -> None:
    """To its linter, notes included."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, DEPLOY / "Containerfile"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.slow
def test_container_holds_what_the_server_needs(tmp_path: Path) -> None:
    """What is copied serves the page with its styles, writes nothing there, and is healthy."""
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    srv = tmp_path / "srv"
    copied = [line.split() for line in instructions("COPY") if "--from" not in line]
    for source, target in copied:
        assert f"!{source}" in ignored
        if (ROOT / source).is_dir():  # the other is the lock
            cache = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, srv / target, ignore=cache)
    before = sorted(srv.rglob("*"))
    *program, serves, strict = json.loads(instructions("CMD")[-1])
    assert (program[0], serves, strict) == ("python", "serve", "--strict")
    command = tmp_path / "start"
    # Not measured: these copies are gone when coverage is reported.
    start = f"env -u COVERAGE_PROCESS_CONFIG {sys.executable} {shlex.join(program[1:])}"
    command.write_text(f'#!/bin/sh\nexec {start} "$@" {strict}\n')
    command.chmod(0o755)
    (check,) = instructions("HEALTHCHECK")
    probe = json.loads(check.partition("CMD ")[2])
    with serve(tmp_path, command=command, cwd=srv, PYTHONDONTWRITEBYTECODE="1") as server:
        page = requests.get(f"{server.url}/f/signup", timeout=SECONDS).text
        (style, *_) = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', page)
        assert requests.get(server.url + style, timeout=SECONDS).status_code == 200
        script = probe[-1].replace("http://127.0.0.1:8000", server.url)
        probe = [sys.executable, *probe[1:-1], script]
        assert subprocess.run(probe, check=False).returncode == 0
    assert sorted(srv.rglob("*")) == before
    assert subprocess.run(probe, check=False, capture_output=True).returncode != 0


def test_container_asks_who_may_open_operators_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the engine's gateway a stranger may seem to come from a private network."""
    (environ,) = instructions("ENV")
    image = {
        name: value for name, value in re.findall(r"([A-Z_]+)=(\S+)", environ) if name in SETTINGS
    }
    ready = image | {"AMOOT_TOKEN": "t0ken", "SECRET_KEY": "k" * 32}
    for name, value in ready.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, json.loads(instructions("CMD")[-1])[3:])
    assert result.exit_code == 1
    assert "set INTRANET_USERS or INTRANET_NETWORKS" in result.output
    own = ready | {"INTRANET_NETWORKS": "192.168.1.0/24"}
    assert warnings(Settings.from_env(own), own) == []


def test_container_is_nobody_and_has_no_secrets() -> None:
    """A user by number, and in its environment no setting that is a secret."""
    assert instructions("USER") == ["10001:10001"]
    (environ,) = instructions("ENV")
    names = set(re.findall("([A-Z_]+)=", environ))
    assert names & SETTINGS == {"BIND", "STATE_DIRECTORY"}


def test_production_s_lock_holds_every_extra() -> None:
    """The container speaks with PostgreSQL and Redis."""
    lock = (ROOT / "requirements.lock").read_text()
    assert all(f"\n{name}==" in lock for name in ("psycopg[binary]", "redis"))


# ---- Compose ----------------------------------------------------------------------------------


def test_compose_file_keeps_to_the_specification() -> None:
    """Names, values and units."""
    from compose_spec import PyCompose  # noqa: PLC0415  it takes half a second

    known = PyCompose.from_yaml(yaml.safe_dump(compose()))
    assert sorted(known.service_names()) == ["app", "nginx", "postgres", "redis"]


def test_what_the_compose_file_names_exists() -> None:
    """Settings, variables, files, services, networks and volumes."""
    text, content = (DEPLOY / "compose.yaml").read_text(), compose()
    services = content["services"]
    assert services["app"]["environment"].keys() <= SETTINGS
    assert set(re.findall(r"\$\{?(\w+)", text)) <= example().keys()
    build = services["app"]["build"]
    assert DEPLOY / build["context"] / build["dockerfile"] == DEPLOY / ".." / "deploy/Containerfile"
    for service in services.values():
        for source in (mount.split(":")[0] for mount in service.get("volumes", ())):
            is_there = (DEPLOY / source).exists() or source.startswith("/")
            assert is_there or source in content["volumes"]
        assert set(service.get("networks", ())) <= {"default", *content["networks"]}
        assert set(service.get("depends_on", ())) <= services.keys()
    # nginx finds the app where nginx.conf says, for both have one address.
    assert services["nginx"]["network_mode"] == "service:app"
    assert services["app"]["environment"]["BIND"] in (DEPLOY / "nginx.conf").read_text()


@each("name", compose()["services"])
def test_each_container_is_shut_in_and_watched(name: str) -> None:
    """Read-only but for what it needs, and only nginx's ports are open."""
    service = compose()["services"][name]
    assert service["read_only"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert "healthcheck" in service or name == "app"  # the Containerfile has its
    assert service.get("ports", ["80:80", "443:443"]) == ["80:80", "443:443"]
