"""How fast the form is, whatever the portal does: one table, in a few minutes, on loopback.

Run as `make bench`. Three programs answer under the same gunicorn settings, 2 workers of 32
threads: ours, a plain Flask-WTF app with the same fields, and a bare Flask view, which is the
limit. Load comes from wrk, the portal is a process of its own that costs next to nothing; all share
the machine's cores. Ratios within one run say more than the figures, which are the machine's.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from load import Figures, Load, pages, submits
from memory import pss_megabytes
from serving import COMMAND
from sqlalchemy import create_engine, text
from stock import deliver, let_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VISITORS = 64
READERS = 4  # people who open a page meanwhile
SECONDS = 6
TURN, TURNS = 3, 5  # seconds, and how many of them; where programs are compared
THREADS = "32"
WORKERS = "2"
LATENCY = 0.2  # seconds that a portal far away takes
DEADLINE = 2  # seconds: a hanging portal is measured with a short one, so that it takes minutes
WAITING = 10_000
REQUESTS = 100_000  # that must leave no trace in memory
GUNICORN = COMMAND.with_name("gunicorn")
HERE = Path(__file__).parent

OUTCOME = re.compile(r'submissions_total\{form="contact",outcome="(\w+)"\} (\S+)')

FULL, SIGN_UP = "/", "/embed/signup"


@dataclass(frozen=True)
class Program:
    """A running server.

    Attributes:
        url: Its address.
        process: Its first process.
        started_in: Seconds from its start to its first answer.
    """

    url: str
    process: subprocess.Popen[bytes]
    started_in: float

    @property
    def megabytes(self) -> float:
        """What all its processes hold, what they share counted once (PSS)."""
        return pss_megabytes(self.process.pid)


@contextlib.contextmanager
def portal(latency: float, folder: Path) -> Iterator[str]:
    """Run a fast portal; while the file `hangs` is in the folder, it keeps silent."""
    command = [sys.executable, HERE / "fast_portal.py", str(latency), folder / "hangs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = process.stdout.readline().strip() if process.stdout else ""
        try:
            yield f"http://127.0.0.1:{port}/rest/"
        finally:
            process.terminate()


@contextlib.contextmanager
def ours(portal: str, folder: Path, **more: str) -> Iterator[Program]:
    """Run our server."""
    environ = {
        "AMOOT_TOKEN": "bench",
        "AMOOT_URL": portal,
        "AMOOT_DEADLINE": str(DEADLINE),
        "SECRET_KEY": "bench",
        "STATE_DIRECTORY": str(folder),
        "RATE_LIMITS": "off",
        "WEB_CONCURRENCY": WORKERS,
        "THREADS": THREADS,
        "LOG_LEVEL": "error",
        **more,
    }
    with _running([COMMAND, "serve"], 8801, {**environ, "BIND": "127.0.0.1:8801"}) as program:
        yield program


@contextlib.contextmanager
def plain(portal: str) -> Iterator[Program]:
    """Run the app written the straightforward way."""
    settings = ("-k", "gthread", "-w", WORKERS, "--threads", THREADS, "--no-control-socket")
    command = [GUNICORN, *settings, "-b", "127.0.0.1:8802", "--log-level", "error"]
    command += ["--chdir", HERE, "plain_app:app"]
    with _running(command, 8802, {"AMOOT_URL": portal}) as program:
        yield program


@contextlib.contextmanager
def _running(command: list[object], port: int, environ: dict[str, str]) -> Iterator[Program]:
    home = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()}
    started = time.monotonic()
    process = subprocess.Popen(command, env={**home, **environ})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        yield Program(url, process, time.monotonic() - started)
    finally:
        process.terminate()
        process.wait()


def _wait(url: str) -> None:
    expires = time.monotonic() + 20
    while time.monotonic() < expires:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(url, timeout=10)
            return
        time.sleep(0.01)
    raise SystemExit("the server did not start")


def row(what: str, figures: Figures, note: str = "") -> None:
    """Print a line of the table."""
    print(
        f"{what:46} {figures.rate:8.0f} {figures.p50:8.1f} {figures.p99:8.1f} {figures.failed:7}"
        f"  {note}",
        flush=True,
    )


def in_turn(loads: Sequence[Callable[[], Load]]) -> list[Figures]:
    """Return the median run of each. They take turns: the machine's moods hit all alike."""
    rounds = [[load().figures() for load in loads] for _ in range(TURNS)]
    return [
        sorted(runs, key=lambda run: run.rate)[TURNS // 2] for runs in zip(*rounds, strict=True)
    ]


def measure_pages(portal: str, folder: Path) -> None:
    """Compare what a page costs."""
    with plain(portal) as theirs, ours(portal, folder) as own:
        urls = (f"{theirs.url}/bare", theirs.url, own.url + FULL, own.url + SIGN_UP)
        for url in urls:
            pages(url, visitors=32, seconds=1).figures()  # the first pages of each worker
        loads = [partial(pages, url, visitors=32, seconds=TURN) for url in urls]
        bare, *others = in_turn(loads)
        row("page: bare Flask view", bare)
        for what, figures in zip(
            (
                "page: plain Flask-WTF app",
                "page: ours, full form",
                "page: ours, sign-up in a frame",
            ),
            others,
            strict=True,
        ):
            row(what, figures, f"{figures.rate / bare.rate:.0%} of the bare view")


def measure_submits(latency: float, folder: Path) -> None:
    """Compare what a submission costs, its durable store included."""
    with portal(latency, folder) as there, plain(there) as theirs, ours(there, folder) as own:
        about = f"portal of {latency * 1000:.0f} ms"
        loads = [
            partial(submits, url, visitors=VISITORS, seconds=TURN, start=0)
            for url in (theirs.url, own.url)
        ]
        base, figures = in_turn(loads)
        row(f"submit: plain, {about}", base)
        row(
            f"submit: ours, {about}", figures, f"{figures.rate / base.rate:.1f} times the plain app"
        )


def measure_queued(folder: Path) -> None:
    """Count whom a healthy portal lets hear "stored, will be sent" in place of "recorded"."""
    with portal(LATENCY, folder) as there, ours(there, folder, AMOOT_DEADLINE="8") as own:
        figures = submits(own.url, visitors=VISITORS, seconds=SECONDS, start=0).figures()
        metrics = requests.get(f"{own.url}/metrics", timeout=10).text
    counts = {outcome: float(count) for outcome, count in OUTCOME.findall(metrics)}
    share = counts["queued"] / sum(counts.values())
    row(f"submit: {VISITORS} people, default deadline", figures, f"{share:.1%} queued")


def measure_outage(folder: Path) -> None:
    """See whether a portal that hangs is felt."""
    hangs = folder / "hangs"
    with portal(LATENCY, folder) as there, ours(there, folder) as own:
        _mix(own, 0, "healthy portal")
        hangs.touch()
        _mix(own, 1_000_000, "portal begins to hang", f"deadline {DEADLINE} s")
        _mix(own, 2_000_000, "portal hangs on")
        hangs.unlink()
        back = time.monotonic()
        while 'data-pause="' in requests.get(own.url, timeout=10).text:
            time.sleep(0.05)
        print(f"{'noticed that the portal is back after':46} {time.monotonic() - back:8.1f} s")


def _mix(own: Program, start: int, when: str, note: str = "") -> None:
    """Let people submit without a pause, and others open pages meanwhile."""
    sending = submits(own.url, visitors=VISITORS, seconds=SECONDS, start=start)
    reading = pages(own.url + SIGN_UP, visitors=READERS, seconds=SECONDS)
    row(f"mix: pages, {when}", reading.figures())
    row(f"mix: submits, {when}", sending.figures(), note)


def measure_draining(folder: Path) -> None:
    """See whether people feel that ten thousand contacts go out."""
    with portal(0, folder) as there, ours(there, folder) as own:
        row("drain: pages, nothing waits", _read(own).figures())
        let_wait(folder, WAITING)
        started, reading = time.monotonic(), _read(own)
        figures = reading.figures()
        row("drain: pages, 10,000 contacts go out", figures)
        while _count(folder):
            time.sleep(0.1)
        print(f"{'drained within':46} {time.monotonic() - started:8.1f} s")


def _read(own: Program) -> Load:
    return pages(own.url + SIGN_UP, visitors=READERS, seconds=SECONDS)


def _count(folder: Path) -> int:
    engine = create_engine(f"sqlite:///{folder}/outbox.sqlite3")
    with engine.connect() as connection:
        waiting = text("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")
        count: int = connection.execute(waiting).scalar_one()
    engine.dispose()
    return count


def measure_growth(folder: Path) -> None:
    """See whether a full outbox, or one worker, changes anything."""
    with portal(0, folder) as there:
        for rows in (100, 10_000, 1_000_000):
            deliver(folder, rows)
            with ours(there, folder) as own:
                figures = submits(own.url, visitors=VISITORS, seconds=SECONDS, start=0).figures()
                row(f"growth: submits, {rows:,} rows in the outbox", figures)
            for path in folder.glob("outbox*"):
                path.unlink()
        with ours(there, folder, WEB_CONCURRENCY="1") as own:
            page = pages(own.url + SIGN_UP, visitors=32, seconds=SECONDS).figures()
            row("growth: pages, 1 worker", page)
            figures = submits(own.url, visitors=VISITORS, seconds=SECONDS, start=0).figures()
            row("growth: submits, 1 worker", figures)


def measure_cost(folder: Path) -> None:
    """Say what it takes to start, and to stay up."""
    with portal(0, folder) as there, ours(there, folder) as own:
        print(f"{'first answer after':46} {own.started_in:8.2f} s")
        held = _show_memory(own, "the first answer", 0)
        answered = 0.0
        while answered < REQUESTS:
            figures = pages(own.url + FULL, visitors=32, seconds=SECONDS).figures()
            answered += figures.rate * SECONDS
            held = _show_memory(own, f"{answered:,.0f} pages", held)
        taken = 0.0
        for run in range(3):
            start = run * 100_000
            figures = submits(own.url, visitors=VISITORS, seconds=SECONDS, start=start).figures()
            taken += figures.rate * SECONDS
            held = _show_memory(own, f"{taken:,.0f} submissions besides", held)


def _show_memory(own: Program, when: str, before: float) -> float:
    held = own.megabytes
    print(f"{f'PSS after {when}':46} {held:8.0f} MB  {held - before:+.1f}", flush=True)
    return held


def main() -> None:
    """Measure everything, one after the other."""
    print(f"{os.cpu_count()} cores, {WORKERS} workers of {THREADS} threads, {SECONDS} s a line;")
    print(f"the first eight lines take turns: the median of {TURNS} of {TURN} s\n")
    print(f"{'what':46} {'a second':>8} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folders = iter(root / str(number) for number in range(9))

        def fresh() -> Path:
            folder = next(folders)
            folder.mkdir()
            return folder

        folder = fresh()
        with portal(0, folder) as there:
            measure_pages(there, folder)
        measure_submits(0, fresh())
        measure_submits(LATENCY, fresh())
        measure_queued(fresh())
        measure_outage(fresh())
        measure_draining(fresh())
        measure_growth(fresh())
        measure_cost(fresh())


if __name__ == "__main__":
    main()
