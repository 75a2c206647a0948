"""What each layer against spam lets through: a small experiment on loopback.

Run as `make spam`. Robots of growing patience send to the real server, in front of a stand-in
portal; the table says what became of what they sent. The limit on one address, which would stop
them all in the end, is lifted, so that the other layers show.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from html import unescape
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import requests
from support import solved, written

from webapp.database import Database
from webapp.demo import Simulator
from webapp.forms.tokens import MIN_AGE
from webapp.outbox import Outbox
from webapp.outbox.rows import State, Timing

if TYPE_CHECKING:
    from collections.abc import Callable

SENDS = 40
PORT = 8766
ORIGIN = f"http://127.0.0.1:{PORT}"
FORMS = """
[forms.plain]
title = "ساده"
access = "public"
fields = ["FName", "Mobile"]

[forms.proven]
title = "با اثبات کار"
access = "public"
fields = ["FName", "Mobile"]
proof_of_work = true

[forms.verified]
title = "با تأیید شماره"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
verify_length = 4
"""
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
INPUT = re.compile(r'<input[^>]*name="([^"]+)"')
CHALLENGE = re.compile(r'data-proof="([^"]+)"')
OUTCOME = re.compile(r'data-outcome="(\w+)"')

_TIMING = Timing(deadline=timedelta(seconds=8), settle=timedelta(seconds=120))

_numbers = itertools.count(9_120_000_000)


GUESSES = 8  # of a robot that guesses codes, for each submission


def robot(
    form: str, *, greedy: bool, patient: bool, one_number: bool, proves: bool = False
) -> Counter[str]:
    """Send from one kind of robot; return how often each status came.

    Args:
        form: The form's slug.
        greedy: Whether it fills in every input that it finds.
        patient: Whether it waits as long as a person.
        one_number: Whether it always gives the same mobile number.
        proves: Whether it solves the proof of work. Where it is asked for a code, it guesses.
    """
    pages = [requests.get(f"{ORIGIN}/embed/{form}", timeout=20).text for _ in range(SENDS)]
    if patient:
        time.sleep(MIN_AGE.total_seconds() + 0.2)
    number = next(_numbers)
    statuses: Counter[str] = Counter()
    for page in pages:
        typed = dict.fromkeys(INPUT.findall(page), "http://spam.example") if greedy else {}
        proof = _proof(page) if proves else ""
        typed |= {"FName": "ربات", "proof": proof, "csrf_token": unescape(TOKEN.findall(page)[0])}
        typed["Mobile"] = f"0{number if one_number else next(_numbers)}"
        answer = requests.post(f"{ORIGIN}/embed/{form}", data=typed, timeout=20)
        if "/code?" in answer.url:
            answer = _guess(answer)
        said = OUTCOME.findall(answer.text)
        statuses[f"{answer.status_code} {said[0] if said else ''}"] += 1
    return statuses


def _proof(page: str) -> str:
    """Solve the proof of work of a page."""
    return written(solved(unescape(CHALLENGE.findall(page)[0])))


def _guess(answer: requests.Response) -> requests.Response:
    """Guess codes, and ask for others, as long as may be."""
    for number in range(GUESSES):
        guess = {"Code": f"{Random(number).randrange(1000, 10_000)}"}
        answer = requests.post(
            answer.url, data=guess if number % 6 else {"resend": "1"}, timeout=20
        )
        if "/code?" not in answer.url:
            break
    return answer


KINDS: dict[str, Callable[[], Counter[str]]] = {
    "fills everything, at once": lambda: robot(
        "plain", greedy=True, patient=False, one_number=False
    ),
    "leaves the bait, at once": lambda: robot(
        "plain", greedy=False, patient=False, one_number=False
    ),
    "fills everything, waits": lambda: robot("plain", greedy=True, patient=True, one_number=False),
    "leaves the bait, waits, one number": lambda: robot(
        "plain", greedy=False, patient=True, one_number=True
    ),
    "leaves the bait, waits, many numbers": lambda: robot(
        "plain", greedy=False, patient=True, one_number=False
    ),
    "the same, on a form with proof of work": lambda: robot(
        "proven", greedy=False, patient=True, one_number=False
    ),
    "the same, on a form that verifies by SMS": lambda: robot(
        "verified", greedy=False, patient=True, one_number=False
    ),
    "the same, and solves the proof of work": lambda: robot(
        "verified", greedy=False, patient=True, one_number=False, proves=True
    ),
    "the same with one number": lambda: robot(
        "verified", greedy=False, patient=True, one_number=True, proves=True
    ),
    "fills everything, where codes are sent": lambda: robot(
        "verified", greedy=True, patient=True, one_number=False, proves=True
    ),
}


def main() -> None:
    """Run the experiment and print its table."""
    with tempfile.TemporaryDirectory() as folder, Simulator(token="bench") as portal:
        forms = Path(folder) / "forms.toml"
        forms.write_text(FORMS)
        environ = {
            **os.environ,
            "AMOOT_TOKEN": "bench",
            "AMOOT_URL": portal.url,
            "SECRET_KEY": "bench" * 8,
            "FORMS_FILE": str(forms),
            "STATE_DIRECTORY": folder,
            "BIND": f"127.0.0.1:{PORT}",
            "WEB_CONCURRENCY": "1",
            "LIMIT_ADDRESS": "10000/minute",
            "LIMIT_CODE_ADDRESS": "10000/minute",
            "LIMIT_SUSPECTS": "10000/minute",
            "LOG_LEVEL": "error",
        }
        outbox = Outbox(Database(f"sqlite:///{folder}/outbox.sqlite3"), _TIMING)
        with subprocess.Popen([sys.executable, "-m", "webapp", "serve"], env=environ) as server:
            try:
                _wait()
                print(f"{'robot':40} {'sent':>5} {'portal':>7} {'held':>5} {'SMS':>5}  answers")
                for name, send in KINDS.items():
                    before, texts = (len(portal.contacts), _held(outbox)), len(portal.codes)
                    statuses = send()
                    arrived, held = len(portal.contacts) - before[0], _held(outbox) - before[1]
                    sent = len(portal.codes) - texts
                    line = f"{name:40} {SENDS:5} {arrived:7} {held:5} {sent:5}  {dict(statuses)}"
                    print(line, flush=True)
            finally:  # else leaving the block would wait for it
                server.terminate()


def _held(outbox: Outbox) -> int:
    return outbox.review.count([State.HELD], most=10_000)


def _wait() -> None:
    for _ in range(100):
        try:
            requests.get(f"{ORIGIN}/embed/plain", timeout=10)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
