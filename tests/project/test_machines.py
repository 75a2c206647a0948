"""Two app servers behind nginx, with one PostgreSQL and one Redis, as in a large installation."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from servers import NginxServer, PostgresServer, RedisServer, free_port
from serving import serve
from sqlalchemy import create_engine, text
from support import SECRET, TOKEN, Html

from webapp.demo import Simulator

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

CLIENTS = 4
LIMIT = 4  # submissions of one mobile number an hour
TOO_SOON = 2.1  # seconds; a public form that comes back sooner is shown again
PATIENCE = 60  # seconds for what usually takes a few


class Machine:
    """A server that is stopped and started again, under the same address."""

    def __init__(self, folder: Path, **environ: str) -> None:
        """Start it with these settings."""
        folder.mkdir()
        self._folder = folder
        self._environ = environ
        self._running = ExitStack()
        self.start()

    def start(self) -> None:
        """Start, and wait until it listens."""
        server = serve(self._folder, **self._environ)
        self._process = self._running.enter_context(server).process

    def stop(self) -> None:
        """Ask it to end what it is at, and wait for that."""
        self._running.close()

    def kill(self) -> None:
        """End it and its workers at once."""
        main = self._process.pid
        workers = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, workers)):
            os.kill(process, signal.SIGKILL)
        self._process.wait()


@dataclass(frozen=True)
class Fleet:
    """The machines, the nginx that people ask, and the machines' database."""

    nginx: NginxServer
    machines: tuple[Machine, Machine]
    database: str

    def open(self, path: str) -> tuple[requests.Session, dict[str, str]]:
        """Open a form in a browser of its own; return also what it hides."""
        browser = requests.Session()
        browser.trust_env = False
        browser.verify = str(self.nginx.authority)
        page = browser.get(self.nginx.url + path, timeout=PATIENCE)
        token = str(next(Html(page.text).find("input", name="csrf_token"))[0]["value"])
        return browser, {"csrf_token": token}

    def submit(self, mobile: str) -> int:
        """Submit a contact on the operators' form; return the status."""
        browser, hidden = self.open("/")
        return self.send("/", browser, hidden | {"Mobile": mobile})

    def send(self, path: str, browser: requests.Session, form: dict[str, str]) -> int:
        """Send a form once, and return the status."""
        url = self.nginx.url + path
        return browser.post(url, form, timeout=PATIENCE, allow_redirects=False).status_code

    def wait(self) -> None:
        """Wait until nothing waits for the portal."""
        engine = create_engine(self.database)
        until = time.monotonic() + PATIENCE
        waiting = text("SELECT count(*) FROM outbox WHERE state <> 'delivered'")
        while True:
            with engine.connect() as connection:
                count = connection.execute(waiting).scalar_one()
            if not count:
                break
            assert time.monotonic() < until, f"{count} are not delivered"
            time.sleep(0.1)
        engine.dispose()


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    """Run a simulated portal that forgets nothing."""
    with Simulator(token=TOKEN, kept=100_000) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def fleet(
    running: Simulator, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Run them all."""
    folder = tmp_path_factory.mktemp("fleet")
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    database = postgres.create("machines")
    counts = RedisServer(folder)
    nginx = NginxServer(folder, *addresses)
    environ = {
        "AMOOT_TOKEN": TOKEN,
        "AMOOT_URL": running.url,
        "AMOOT_DEADLINE": "1",
        "AMOOT_SETTLE": "0.5",
        "SECRET_KEY": SECRET,
        "DATABASE_URL": database,
        "REDIS_URL": counts.url,
        "PUBLIC_URL": nginx.url,
        "TRUSTED_PROXIES": "1",
        "LIMIT_MOBILE": f"{LIMIT}/hour",
        "WEB_CONCURRENCY": "1",
    }
    with ExitStack() as stack:
        stack.callback(counts.kill)
        first, second = (
            Machine(folder / address, **environ, BIND=address) for address in addresses
        )
        stack.callback(first.stop)
        stack.callback(second.stop)
        nginx.start()
        stack.enter_context(closing(nginx))
        yield Fleet(nginx, (first, second), database)


def test_machines_are_restarted_while_people_submit(fleet: Fleet, simulator: Simulator) -> None:
    """One after the other, as for an update: each request succeeds, each contact arrives once."""
    numbers = itertools.count(1_000_000)
    over = threading.Event()

    def work() -> list[tuple[str, int]]:
        answers = []
        while not over.is_set():
            mobile = f"0912{next(numbers)}"
            answers.append((mobile, fleet.submit(mobile)))
            over.wait(0.02)
        return answers

    with ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(work) for _ in range(CLIENTS)]
        try:
            for machine in fleet.machines:
                machine.stop()
                machine.start()
        finally:
            over.set()
        answers = dict(answer for client in clients for answer in client.result())
    assert len(answers) > 4 * CLIENTS
    assert set(answers.values()) == {303}
    fleet.wait()
    assert sorted(map(mobile_of, simulator.contacts)) == sorted(answers)


def mobile_of(contact: dict[str, int]) -> str:
    """Return the number of a stored contact as people write it."""
    return f"0{contact['Mobile'] - 98 * 10**10}"


def test_machine_dies_while_it_asks_the_portal(fleet: Fleet, simulator: Simulator) -> None:
    """The submission is repeated at the other, to which it is the same one."""
    simulator.latency = 2  # longer than either waits
    with ThreadPoolExecutor(2) as threads:
        clients = [threads.submit(fleet.submit, f"0912200000{n}") for n in range(2)]
        until = time.monotonic() + PATIENCE
        while [request.path for request in simulator.requests].count("/rest/ContactCreate") < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        fleet.machines[0].kill()
        assert [client.result() for client in clients] == [303, 303]
    fleet.machines[0].stop()
    fleet.machines[0].start()
    simulator.latency = 0
    fleet.wait()
    stored = sorted(map(mobile_of, simulator.contacts))
    assert stored == ["09122000000", "09122000001"]


def submit_often(fleet: Fleet, mobile: str, times: int) -> list[int]:
    """Submit a number on a public form, each time with another name; return the statuses."""
    forms = [fleet.open("/f/signup") for _ in range(times)]
    time.sleep(TOO_SOON)
    typed = {"Mobile": mobile, "consent": "true"}
    return [
        fleet.send("/f/signup", browser, hidden | typed | {"FName": str(number)})
        for number, (browser, hidden) in enumerate(forms)
    ]


def test_mobile_number_is_counted_at_both(fleet: Fleet) -> None:
    """However often it is submitted to each of them.

    Where the test's own machine halts for a moment, Redis seems to be down, and each counts for
    itself: another number may fare better. If they never counted together, none would.
    """
    expected = [303] * LIMIT + [429] * 2
    tries = (submit_often(fleet, f"0912300000{number}", LIMIT + 2) for number in range(5))
    assert any(sorted(statuses) == expected for statuses in tries)
