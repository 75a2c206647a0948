"""Load from processes of its own: pages by wrk, whole trips by `people.py`."""

from __future__ import annotations

import itertools
import json
import math
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from people import Figures, Plan

if TYPE_CHECKING:
    from launch import Program

FULL, SIGN_UP = "/", "/embed/signup"

_PEOPLE = Path(__file__).with_name("people.py")
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_NUMBERS = itertools.count(120_000_000, 50_000)  # for each run its own: no trip repeats another's


@dataclass(frozen=True, slots=True)
class PageFigures:
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


class Pages:
    """People who fetch a page again and again, over connections that stay open."""

    def __init__(self, url: str, *, people: int, seconds: float) -> None:
        """Start wrk."""
        command = ["wrk", f"-t{min(2, people)}", f"-c{people}", f"-d{seconds}", "--latency"]
        command += ["--timeout", "30s", "-H", "Accept-Encoding: gzip", url]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def figures(self) -> PageFigures:
        """Wait for its end, and return what it measured."""
        said, _ = self._process.communicate()
        return parse_wrk(said)


def parse_wrk(said: str) -> PageFigures:
    """Return what wrk has printed."""
    errors = [int(count) for count in re.findall(r"(?:connect|read|write|timeout) (\d+)", said)]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    rate = re.search(r"Requests/sec: +([\d.]+)", said)
    return PageFigures(
        rate=float(rate[1]) if rate else 0.0,
        p50=_milliseconds(said, "50%"),
        p99=_milliseconds(said, "99%"),
        failed=sum(errors) + (int(wrong[1]) if wrong else 0),
    )


def _milliseconds(said: str, share: str) -> float:
    """Return a latency; "not a number" if wrk printed none, or 0, as it does by mistake."""
    match = re.search(rf"^ +{share} +([\d.]+)(us|ms|s|m)$", said, re.MULTILINE)
    return (float(match[1]) * _UNITS[match[2]] if match else 0.0) or math.nan


class Trips:
    """People who go through a form, under way."""

    def __init__(self, plan: Plan) -> None:
        """Start them."""
        command = [sys.executable, _PEOPLE, json.dumps(asdict(plan))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def figures(self) -> Figures:
        """Wait for their end, and return what was measured."""
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise SystemExit("the people's process failed")
        return Figures(**json.loads(said))


_TYPED = {
    "FName": "سارا",
    "LName": "احمدی",
    "CompanyTitle": "بازرگانی آفتاب",
    "JobTitle": "مدیر فروش",
    "CityName": "تهران",
    "Labels": "نمایشگاه پاییز",
}
_TICKED = {"GenderType": ["false"], "Labels": ["مشتری"]}
_VISITOR = {"FName": "سارا", "LName": "احمدی", "BornDate": "۱۳۶۹/۰۷/۱۵"}
_CONSENT = {"consent": ["true", "y"]}  # what ours and the plain app's box stand for

# Where nothing is said, an operator asks for the page, sends the form, and reads the receipt.
OPERATOR = Plan(origin="", typed=_TYPED, ticked=_TICKED, people=16, seconds=3, first=0)
NEXT_CONTACT = replace(OPERATOR, goes_on=True)
CONSTANT = replace(OPERATOR, path="/constant")
KEEPING = replace(OPERATOR, ticked=_TICKED | {"keep": ["true"]})
PLAIN_VISITOR = replace(OPERATOR, path="/signup", typed=_VISITOR, ticked=_CONSENT, is_new=True)
# Two seconds are the least age of a public form.
VISITOR = replace(PLAIN_VISITOR, path=SIGN_UP, framed_by="https://example.ir", age=2.1)
FIRST_VISIT = replace(VISITOR, loads=True)


def trips(
    plan: Plan,
    program: Program,
    *,
    people: int,
    seconds: float,
    counts_cpu: bool = True,
    beside: int | None = None,
) -> Trips:
    """Let people go through a form of a program.

    Args:
        plan: What they do.
        program: Where.
        people: How many are at it at a time.
        seconds: For how long.
        counts_cpu: Whether the program's processor time counts for the trips.
        beside: Another process whose time counts, too, and that of its descendants.
    """
    pids = [program.pid] * counts_cpu + [beside] * (beside is not None)
    first = next(_NUMBERS)
    now = replace(plan, origin=program.url, people=people, seconds=seconds, pids=pids, first=first)
    return Trips(now)
