"""A client for stock Firefox: Playwright drives none but a build of its own."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Firefox:
    """A stock Firefox, spoken to over its own remote protocol, Marionette; it needs no driver."""

    def __init__(self, program: str, profile: Path) -> None:
        """Start it with third-party cookies blocked."""
        preferences = {"marionette.port": 0, "network.cookie.cookieBehavior": 1}
        lines = [f'user_pref("{name}", {value});' for name, value in preferences.items()]
        (profile / "user.js").write_text("\n".join(lines))
        arguments = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
        with (profile / "firefox.log").open("wb") as log:
            self.process = subprocess.Popen(
                [program, *arguments, "--profile", profile],
                env={"PATH": os.environ["PATH"], "HOME": str(profile)},
                stdout=log,
                stderr=log,
            )
        port = profile / "MarionetteActivePort"
        self.wait(port.exists, seconds=30)
        self.socket = socket.create_connection(("127.0.0.1", int(port.read_text())), timeout=30)
        self.stream = self.socket.makefile("rb")
        self._read()
        self.tell("WebDriver:NewSession")

    def close(self) -> None:
        """Stop it."""
        self.stream.close()
        self.socket.close()
        self.process.terminate()
        self.process.wait(timeout=20)

    def _read(self) -> Any:
        digits = b""
        while (byte := self.stream.read(1)) != b":":
            digits += byte
        return json.loads(self.stream.read(int(digits)))

    def tell(self, command: str, **parameters: Any) -> Any:
        """Give a command, and return what it gives."""
        message = json.dumps([0, 1, command, parameters])
        self.socket.sendall(f"{len(message)}:{message}".encode())
        _, _, error, result = self._read()
        assert error is None, error
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def run(self, code: str) -> Any:
        """Return what an expression is worth in the page or frame."""
        return self.tell("WebDriver:ExecuteScript", script=f"return {code}", args=[])

    def element(self, selector: str) -> Any:
        """Find an element; wait until it is there."""
        found: list[Any] = []

        def is_there() -> bool:
            found[:] = self.tell("WebDriver:FindElements", using="css selector", value=selector)
            return bool(found)

        self.wait(is_there)
        return found[0]

    def enter(self, selector: str | None) -> None:
        """Go into an iframe, or back to the page."""
        element = self.element(selector) if selector else None
        self.tell("WebDriver:SwitchToFrame", element=element)

    def click(self, selector: str) -> None:
        """Click at an element."""
        (reference,) = self.element(selector).values()
        self.tell("WebDriver:ElementClick", id=reference)

    def type(self, selector: str, text: str) -> None:
        """Type into an element, in place of what it holds."""
        (reference,) = self.element(selector).values()
        self.tell("WebDriver:ElementClear", id=reference)
        self.tell("WebDriver:ElementSendKeys", id=reference, text=text)

    def cookies(self) -> list[str]:
        """Return the names of all its cookies."""
        self.tell("Marionette:SetContext", value="chrome")
        names = self.tell(
            "WebDriver:ExecuteScript",
            script="return Services.cookies.cookies.map(each => each.name)",
            args=[],
        )
        self.tell("Marionette:SetContext", value="content")
        return list(names)

    def wait(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Wait until a condition holds; a page that goes away while it is asked is asked again."""
        deadline = time.monotonic() + seconds
        failure: object = "the condition does not hold"
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except AssertionError as error:
                failure = error
            time.sleep(0.05)
        raise AssertionError(failure)
