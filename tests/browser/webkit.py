"""A client for stock WebKitGTK, over WebDriver: Playwright drives none but a build of its own."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from servers import free_port

_TIMEOUT_S = 60  # on a busy machine


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"This test needs {name}: `make nightly` installs Debian's `{package}`.")
    return found


class WebKit:
    """WebKitGTK's MiniBrowser on a display of its own; it blocks third-party cookies by default."""

    def __init__(self, folder: Path) -> None:
        """Start the display, the driver and the browser, with their files in this folder."""
        driver = _program("WebKitWebDriver", "webkit2gtk-driver")
        display = _program("Xvfb", "xvfb")
        (browser,) = list(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))[:1]
        with (folder / "webkit.log").open("wb") as log:
            self._display = subprocess.Popen(
                [display, "-displayfd", "1"], stdout=subprocess.PIPE, stderr=log, text=True
            )
            assert self._display.stdout
            environ = {
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "DISPLAY": f":{self._display.stdout.readline().strip()}",
                # Its sandbox does not start within a container. It opens our own pages alone.
                "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            }
            port = free_port()
            self._driver = subprocess.Popen(
                [driver, f"--port={port}"], env=environ, stdout=log, stderr=log
            )
        self._url = f"http://127.0.0.1:{port}/session"
        options = {"binary": str(browser), "args": ["--automation"]}
        capabilities = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self.wait(self._is_listening, seconds=_TIMEOUT_S)
        session = self._call("POST", "", capabilities=capabilities)
        self._url = f"{self._url}/{session['sessionId']}"

    def close(self) -> None:
        """Stop everything."""
        self._call("DELETE", "")
        for process in (self._driver, self._display):
            process.terminate()
            process.wait(timeout=_TIMEOUT_S)
        if self._display.stdout:
            self._display.stdout.close()

    def _is_listening(self) -> bool:
        try:
            requests.get(self._url, timeout=_TIMEOUT_S)
        except requests.ConnectionError:
            return False
        return True

    def _call(self, method: str, path: str, **parameters: Any) -> Any:
        answer = requests.request(method, f"{self._url}{path}", json=parameters, timeout=_TIMEOUT_S)
        assert answer.ok, answer.text
        return answer.json()["value"]

    def goto(self, url: str) -> None:
        """Open a page."""
        self._call("POST", "/url", url=url)

    def run(self, code: str) -> Any:
        """Return what an expression is worth in the page or frame."""
        return self._call("POST", "/execute/sync", script=f"return {code}", args=[])

    def _element(self, selector: str) -> Any:
        return self._call("POST", "/element", using="css selector", value=selector)

    def enter(self, selector: str | None) -> None:
        """Go into an iframe, or back to the page."""
        self._call("POST", "/frame", id=self._element(selector) if selector else None)

    def click(self, selector: str) -> None:
        """Click at an element."""
        (reference,) = self._element(selector).values()
        self._call("POST", f"/element/{reference}/click")

    def type(self, selector: str, text: str) -> None:
        """Click at an element, and type."""
        self.click(selector)
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", actions=[{"type": "key", "id": "keys", "actions": keys}])

    def wait(self, condition: Callable[[], object], seconds: float = _TIMEOUT_S) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not become true"
            time.sleep(0.05)
