"""Load from a process of its own, by wrk, and what it measured."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import requests

SCRIPT = Path(__file__).with_name("submit.lua")
FORM_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run of wrk measured.

    Attributes:
        rate: Answers a second.
        p50: Milliseconds within which half of them came.
        p99: Milliseconds within which 99 of 100 came.
        failed: Answers with an error status, time-outs and broken connections.
    """

    rate: float
    p50: float
    p99: float
    failed: int


class Load:
    """A run of wrk, going on."""

    def __init__(self, url: str, *, visitors: int, seconds: int, script: tuple[str, ...]) -> None:
        """Start it."""
        threads = min(2, visitors)
        command = ["wrk", f"-t{threads}", f"-c{visitors}", f"-d{seconds}", "--latency"]
        command += ["--timeout", "30s", "-H", "Accept-Encoding: gzip"]
        command += ["-s", str(SCRIPT), url, "--", *script] if script else [url]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def figures(self) -> Figures:
        """Wait for its end, and return what it measured."""
        said, _ = self._process.communicate()
        errors = [int(count) for count in re.findall(r"(?:connect|read|write|timeout) (\d+)", said)]
        wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        rate = re.search(r"Requests/sec: +([\d.]+)", said)
        return Figures(
            rate=float(rate[1]) if rate else 0.0,
            p50=_milliseconds(said, "50%"),
            p99=_milliseconds(said, "99%"),
            failed=sum(errors) + (int(wrong[1]) if wrong else 0),
        )


def pages(url: str, *, visitors: int, seconds: int) -> Load:
    """Fetch a page again and again."""
    return Load(url, visitors=visitors, seconds=seconds, script=())


def submits(url: str, *, visitors: int, seconds: int, start: int) -> Load:
    """Send the form of a page again and again, each time with a number of its own.

    Args:
        url: The page.
        visitors: How many are at it at a time.
        seconds: For how long.
        start: The first number, so that runs do not repeat each other's.
    """
    page = requests.get(url, timeout=10)
    (token, *_) = FORM_TOKEN.findall(page.text)
    fields = {"csrf_token": unescape(token), "FName": "سارا", "LName": "احمدی", "CityName": "تهران"}
    cookie = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    script = (urlencode(fields), cookie, str(start))
    return Load(url, visitors=visitors, seconds=seconds, script=script)


def _milliseconds(said: str, share: str) -> float:
    found = re.search(rf"^ +{share} +([\d.]+)(us|ms|s|m) *$", said, re.MULTILINE)
    return float(found[1]) * UNITS[found[2]] if found else 0.0
