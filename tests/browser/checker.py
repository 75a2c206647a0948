"""The Nu checker of HTML, CSS and SVG, started once and asked over HTTP."""

import contextlib
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest
import requests
from servers import free_port

ROOT: Final = Path(__file__).parent.parent.parent
_JAR = ROOT / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
_START_TIMEOUT_S = 120
_KINDS = {".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml"}
_NO_FINDING = "Using the preset for SVG"  # how the checker says that it has seen the file's kind


def needed(path: Path) -> Path:
    """Return the path of something that `make test` fetches."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing: `make test` fetches it with npm.")
    return path


class Checker:
    """A running Nu checker."""

    def __init__(self, folder: Path) -> None:
        """Start it; its log goes to this folder."""
        java = shutil.which("java")
        if java is None:
            pytest.fail("The Nu checker needs Java: `make test` installs `default-jre-headless`.")
        port = free_port()
        self._url = f"http://127.0.0.1:{port}/"
        self._session = requests.Session()
        self._session.trust_env = False
        options = ["-Xss4m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]  # a short life
        options += ["-Dnu.validator.servlet.bind-address=127.0.0.1"]
        command = [java, *options, "-cp", needed(_JAR), "nu.validator.servlet.Main", str(port)]
        self._log = folder / "checker.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def complaints(self, text: str, suffix: str = ".html") -> list[str]:
        """Return what it says about a text, errors, warnings and hints alike."""
        answer = self._session.post(
            self._url,
            params={"out": "json"},
            data=text.encode(),
            headers={"Content-Type": f"{_KINDS[suffix]}; charset=utf-8"},
            timeout=_START_TIMEOUT_S,
        )
        answer.raise_for_status()
        said = [message["message"] for message in answer.json()["messages"]]
        return [message for message in said if not message.startswith(_NO_FINDING)]

    def close(self) -> None:
        """Stop it."""
        self._session.close()
        self._process.terminate()
        self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                self._session.get(self._url, timeout=_START_TIMEOUT_S)
                return
            time.sleep(0.1)
        pytest.fail("The Nu checker did not start:\n" + self._log.read_text())
