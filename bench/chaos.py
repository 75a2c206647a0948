"""What is lost, doubled or left behind while everything fails: an experiment on loopback.

Run as `make chaos`. Clients send contacts to the real server, in front of a portal that fails in
every way that the simulator knows and has one of its profiles; meanwhile web workers, deliverers,
all processes together and PostgreSQL are killed at random. In the end, when nothing fails any more
and an operator has decided about what is held, each contact that was accepted must be at the
portal, and no trace of anyone may be left with us. None is there twice, except where the portal
answers nothing readable and has no search: then its row tells, and none is there three times. What
PostgreSQL itself keeps of deleted rows, and its write-ahead log, are out of our hands and not
looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import requests
from aftermath import DRAINING, come_to_rest, say
from bringing import bring, send, written
from crowd import MARK, Contact, Crowd
from programs import Site
from psycopg import sql
from servers import PostgresServer, RedisServer

from webapp.demo import Simulator
from webapp.demo.faults import PROFILES, Fault, Shape, SimulatedAnswer, page
from webapp.portal import STATUSES, Refused, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from webapp.demo.http import Captured

DATABASES = ("sqlite", "postgresql")
DRAWN = "drawn"  # one of the simulator's profiles
TOKEN = "token-of-the-chaos"
SECRET = "key-of-the-chaos-of-32-characters"

FORMS = """
[forms.contact]
title = "ثبت مخاطب"
access = "intranet"
fields = "all"
free_labels = true

[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
"""

# Seconds before an uncertain call is looked up, and those that a profile's search lags behind; a
# late call is applied in half of them.
SETTLE = 2
MOST_COPIES = 2  # of one contact, where nothing can be looked up
LATENCY = 0.05  # seconds that the portal takes, so that a kill meets calls under way
ERASING = 10  # seconds for the last traces to go
# Where no answer can be read, the queue stays paused: a probe of some seconds for each contact.
MOST_UNREADABLE = 60  # submissions, and rows of a spreadsheet
SUBMISSIONS_A_CRASH = 125  # between two crashes of PostgreSQL, on average

# Together as likely as one other fault: each pauses the queue for seconds.
SLOW_DOWNS = (
    Fault.HTTP_429,
    Fault.HTTP_429_SECONDS,
    Fault.HTTP_429_DATE,
    Fault.HTTP_503_SECONDS,
    Fault.HTTP_503_DATE,
)
REFUSALS = (
    *STATUSES[Refused].values(),
    Fault.HTTP_404,
    *map(page, (401, 403, 405, 415)),
)

# What a failing portal does, each as likely as the others: every fault, and every kind of status.
KINDS: Sequence[Sequence[str | Fault | SimulatedAnswer]] = (
    *((fault,) for fault in Fault if fault not in {*SLOW_DOWNS, Fault.HTTP_404}),
    SLOW_DOWNS,
    *(("System_Disabled",), ("Failed",), ("ServerError",), ("Portal_Asleep",)),
    REFUSALS,
    tuple(map(page, (400, 413, 422))),
)
REJECTIONS = tuple(STATUSES[Rejected].values())
REJECTED = 0.02  # their share of what fails: they end a contact's way

_ESCAPED = "".join(f"\\\\+u{ord(letter):04x}" for letter in MARK)  # as JSON, and JSON in JSON
TRACE = re.compile(f"(?:912|{MARK}|{_ESCAPED})([0-9]{{7}})".encode())


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of one run; its counters are the names of the events.

    Attributes:
        accepted: Submissions answered 303.
        told_rejected: Submissions answered that the portal does not want them.
        verified: Submissions whose number was verified by a code, and which were accepted then.
        unverified: Those that got no code, or whose sender left.
        unverified_delivered: Those of them that are at the portal.
        gave_up: Submissions that got no answer for a minute.
        repeated: POSTs sent again for want of an answer.
        sent_again: POSTs sent again though they were accepted.
        answered_otherwise: Those of them that were not accepted then.
        imported: Rows of a spreadsheet that are at the portal.
        brought_again: Times that the file was brought again for want of an answer.
        ended_by_themselves: Programs that ended though nobody killed them.
        held: Submissions about which an operator had to decide in the end.
        lost: Accepted contacts that are not at the portal as they were typed.
        twice: Contacts that are there more than once.
        untold: Those of them whose row does not tell, or that a search would have found.
        thrice: Those of them that are there more than twice.
        left: People and secrets that left a trace with us, counted once a place.
    """

    database: str
    profile: str
    seed: int
    submissions: int
    accepted: int = 0
    verified: int = 0
    unverified: int = 0
    unverified_delivered: int
    told_rejected: int = 0
    gave_up: int = 0
    repeated: int = 0
    sent_again: int = 0
    answered_otherwise: int = 0
    imported: int = 0
    brought_again: int = 0
    portal_calls: int = 0
    faulty_calls: int = 0
    workers_killed: int = 0
    deliverers_killed: int = 0
    everything_killed: int = 0
    database_crashes: int = 0
    ended_by_themselves: int = 0
    held: int
    lost: int
    twice: int
    untold: int
    thrice: int
    left: int
    seconds: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, left, or twice without need and word."""
        return not (
            self.lost or self.untold or self.thrice or self.left or self.unverified_delivered
        )

    def __str__(self) -> str:
        """Return it as a table."""
        rows = dataclasses.asdict(self).items()
        return "\n".join(f"{name.replace('_', ' '):20}{value:>26}" for name, value in rows)


class Mood:
    """The mood of a portal that fails for a share of its calls."""

    def __init__(self, share: float, random: Random, events: list[str]) -> None:
        """Take the share, which may be changed, and where the names of what happens go."""
        self.share = share
        self._random = random
        self._events = events

    def __call__(self, _: Captured) -> str | Fault | SimulatedAnswer:
        """Say what a call gets."""
        self._events.append("portal_calls")
        if self._random.random() >= self.share:
            return "Success"
        self._events.append("faulty_calls")
        rejects = self._random.random() < REJECTED
        return self._random.choice(REJECTIONS if rejects else self._random.choice(KINDS))


@dataclass(frozen=True, kw_only=True)
class World:
    """All that runs.

    Attributes:
        portal: The simulator.
        profile: The name of its profile.
        mood: Its mood.
        postgres: The database, if it is not an SQLite file.
        outbox: The database's address.
        environ: The programs' settings.
        site: The programs.
        events: The names of what has happened.
    """

    portal: Simulator
    profile: str
    mood: Mood
    postgres: PostgresServer | None
    outbox: str
    environ: Mapping[str, str]
    site: Site
    events: list[str]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run on one database.

    Attributes:
        database: One of `DATABASES`.
        folder: Where state and logs lie, and stay.
        submissions: How many contacts are sent.
        clients: How many are sent at a time.
        faulty: The share of the portal's calls that fail.
        kills: Mean time between two kills of a web worker, and of a deliverer, as a multiple of
            the time in which the servers start: on a slow machine, too, they are up for a while.
            Everything is killed an eighth as often.
        verified: The share of submissions whose number is verified.
        profile: One of the simulator's profiles, by name; `DRAWN`: chance takes one.
        import_rows: How many rows of a spreadsheet are imported meanwhile.
        seed: Where chance comes from. Which of two things comes first, the machine decides.
    """

    database: str
    folder: Path
    submissions: int = 1500
    clients: int = 16
    faulty: float = 0.4
    kills: float = 0.5
    verified: float = 0.0
    profile: str = DRAWN
    seed: int = field(default_factory=lambda: Random().randrange(10**6))
    import_rows: int = 0

    def drawn(self) -> Experiment:
        """Return it with a profile, and no larger than the profile makes sensible."""
        name = self.profile
        if name == DRAWN:
            name = self._random("profile").choice(list(PROFILES))
        if PROFILES[name].shape is not Shape.UNREADABLE:
            return dataclasses.replace(self, profile=name)
        submissions, rows = (
            min(it, MOST_UNREADABLE) for it in (self.submissions, self.import_rows)
        )
        return dataclasses.replace(self, profile=name, submissions=submissions, import_rows=rows)

    def run(self) -> Report:
        """Run it."""
        start = time.monotonic()
        total = self.submissions + self.import_rows
        drawn = self._random("numbers").sample(range(10**6, 10**7), total)
        numbers, imported = drawn[: self.submissions], drawn[self.submissions :]
        with self._world() as world:
            crowd = Crowd(
                world.site.urls,
                self.seed,
                world.events,
                verified=self.verified,
                codes=lambda: world.portal.codes,
            )
            with ThreadPoolExecutor() as operators:
                operator = operators.submit(_import, world, imported)
                self._harass(world, crowd, numbers)
                operator.result()
            aftermath = come_to_rest(world)
            # Unverified ones stay for an hour, or for an operator.
            unverified = {contact.number for contact in crowd.unverified}
            settled = {b"%d" % number for number in drawn if number not in unverified}
            left = self._left(world.outbox, settled)
            arrived = [(contact["Mobile"], contact["FName"]) for contact in world.portal.contacts]
        people = list(map(Contact, imported))
        copies = Counter(mobile for mobile, _ in arrived)
        twice = {mobile for mobile, times in copies.items() if times > 1}
        is_searchable = "ContactSearch" not in PROFILES[self.profile].instead
        return Report(
            database=self.database,
            profile=self.profile,
            seed=self.seed,
            submissions=self.submissions,
            lost=len({it.stored for it in (*crowd.accepted, *people)}.difference(arrived)),
            unverified_delivered=len({it.stored for it in crowd.unverified}.intersection(arrived)),
            imported=len({contact.stored for contact in people}.intersection(arrived)),
            held=aftermath.held,
            twice=len(twice),
            untold=len(twice if is_searchable else twice - aftermath.told),
            thrice=sum(times > MOST_COPIES for times in copies.values()),
            left=left,
            seconds=round(time.monotonic() - start),
            **Counter(world.events),
        )

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")

    @contextlib.contextmanager
    def _world(self) -> Iterator[World]:
        """Start everything, and end it."""
        events: list[str] = []
        logs, state = self.folder / "logs", self.folder / "state"
        logs.mkdir()
        (self.folder / "forms.toml").write_text(FORMS)
        state.mkdir()
        with contextlib.ExitStack() as stack:
            kept = 10 * (self.submissions + self.import_rows)
            portal = stack.enter_context(Simulator(token=TOKEN, kept=kept))
            say(f"profile {self.profile}")
            mood = Mood(self.faulty, self._random("portal"), events)
            portal.mood, portal.delay, portal.latency = mood, SETTLE / 2, LATENCY
            portal.profile = PROFILES[self.profile]
            environ = self._settings(portal)
            postgres, outbox = None, f"sqlite:///{state}/outbox.sqlite3"
            if self.database == "postgresql":
                postgres = PostgresServer(logs)
                stack.callback(postgres.close)
                redis = RedisServer(self.folder)
                stack.callback(redis.kill)
                outbox = postgres.create("chaos")
                environ |= {"DATABASE_URL": outbox, "REDIS_URL": redis.url}
            servers = 2 if postgres else 1
            site = Site(servers=servers, environ=environ, logs=logs, events=events)
            stack.callback(site.close)
            yield World(
                portal=portal,
                profile=self.profile,
                mood=mood,
                postgres=postgres,
                outbox=outbox,
                environ=environ,
                site=site,
                events=events,
            )

    def _settings(self, portal: Simulator) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AMOOT_TOKEN": TOKEN,
            "AMOOT_URL": portal.url,
            "AMOOT_DEADLINE": "1",
            "AMOOT_SETTLE": str(SETTLE + portal.profile.lag),
            "SECRET_KEY": SECRET,
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RATE_LIMITS": "off",
            "CODES_PER_DAY": "999999",
            "FORMS_FILE": str(self.folder / "forms.toml"),
            "DELIVERER": "inline",
            "WEB_CONCURRENCY": "2",
            "THREADS": "16",
            "IMPORT_RATE": "50",
            "LOG_LEVEL": "info",
        }

    def _harass(self, world: World, crowd: Crowd, numbers: Sequence[int]) -> None:
        """Let people send their contacts, and kill what can be killed meanwhile."""
        site, ended = world.site, threading.Event()
        mean = self.kills * site.wait_until_up()
        with ThreadPoolExecutor() as killers, ThreadPoolExecutor(self.clients) as people:
            kills = [
                killers.submit(self._again_and_again, kill, mean_s, ended)
                for kill, mean_s in (
                    (site.kill_worker, mean),
                    (site.kill_deliverer, mean),
                    (site.kill_everything, 8 * mean),
                )
            ]
            if world.postgres:
                kills.append(killers.submit(self._crash, world, crowd, ended))
            try:
                for count, _ in enumerate(people.map(crowd.submit, map(Contact, numbers)), 1):
                    _raise_from(kill for kill in kills if kill.done())
                    if count % 100 == 0:
                        say(f"{count} submissions")
            finally:
                ended.set()
                people.shutdown(cancel_futures=True)
            _raise_from(kills)

    def _again_and_again(
        self, kill: Callable[[Random], None], mean_s: float, ended: threading.Event
    ) -> None:
        random = self._random(kill.__name__)
        while not ended.wait(random.expovariate(1 / mean_s)):
            kill(random)

    def _crash(self, world: World, crowd: Crowd, ended: threading.Event) -> None:
        """Crash the database now and then, evenly over the submissions."""
        random = self._random("crashes")
        times = max(2, self.submissions // SUBMISSIONS_A_CRASH)
        for moment in sorted(random.sample(range(self.submissions), times)):
            while len(crowd.results) < moment and not ended.is_set():
                time.sleep(0.05)
            if ended.is_set():
                return
            world.postgres.stop("immediate")
            time.sleep(random.uniform(0, 1))
            world.postgres.start()
            world.events.append("database_crashes")

    def _left(self, outbox: str, numbers: set[bytes]) -> int:
        """Count the traces, once those that go by themselves are gone."""
        expires = time.monotonic() + ERASING
        while (places := self._traces(outbox, numbers)) and time.monotonic() < expires:
            time.sleep(1)
        for place, traces in places.items():
            say(f"{len(traces)} traces in {place}")
        return sum(map(len, places.values()))

    def _traces(self, outbox: str, numbers: set[bytes]) -> dict[str, set[bytes]]:
        contents = _files(self.folder)
        if self.database == "postgresql":
            contents |= _rows(outbox)
        places = {place: _found(content, numbers) for place, content in contents.items()}
        return {place: traces for place, traces in places.items() if traces}


def run(database: str, folder: Path, **options: Any) -> Report:
    """Make an experiment, and say what came of it.

    Args:
        database: One of `DATABASES`.
        folder: Where state and logs lie, and stay.
        options: Other attributes of `Experiment`.
    """
    return Experiment(database=database, folder=folder, **options).drawn().run()


def _raise_from(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        future.result()


def _import(world: World, numbers: Sequence[int]) -> None:
    """Bring a file, and the same file again whenever there is no answer, until it is sent."""
    if not numbers:
        return
    content = written(Contact(number).typed for number in numbers)
    random = Random(numbers[0])
    expires = time.monotonic() + DRAINING
    while time.monotonic() < expires:
        with contextlib.suppress(requests.RequestException, IndexError):
            send(bring(random.choice(world.site.urls), content))
            return
        world.events.append("brought_again")
        time.sleep(1)


def _files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    contents = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # SQLite's log comes and goes
            if path.is_file():
                contents[str(path)] = path.read_bytes()
    return contents


def _rows(outbox: str) -> dict[str, bytes]:
    """Return the rows of every table of a PostgreSQL database, as text."""
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(outbox.replace("+psycopg", "")) as connection:
        contents = {}
        for (table,) in connection.execute(tables).fetchall():
            rows = sql.SQL("SELECT row::text FROM {} AS row").format(sql.Identifier(table))
            contents[table] = "\n".join(row for (row,) in connection.execute(rows)).encode()
        return contents


def _found(content: bytes, numbers: set[bytes]) -> set[bytes]:
    people = numbers.intersection(TRACE.findall(content))
    return people | {secret for secret in (TOKEN.encode(), SECRET.encode()) if secret in content}


def main() -> None:
    """Run the experiment on the chosen databases; the exit code tells whether all is well."""
    parser = argparse.ArgumentParser(description="Kill everything, and count what is lost.")
    parser.add_argument("--submissions", type=int, default=1500)
    parser.add_argument("--clients", type=int, default=16, help="how many are at it at a time")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--seed", type=int, default=Random().randrange(10**6))
    parser.add_argument("--faulty", type=float, default=0.4, help="the share of the portal's calls")
    parser.add_argument(
        "--verified", type=float, default=0.0, help="the share whose number is verified by SMS"
    )
    parser.add_argument("--import-rows", type=int, default=0, help="of a spreadsheet, meanwhile")
    parser.add_argument("--profile", choices=(DRAWN, *PROFILES), default=DRAWN)
    parser.add_argument(
        "--kills", type=float, default=0.5, help="mean time between kills, in starts"
    )
    options = vars(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and end what was started
    database = options.pop("database")
    reports = []
    for chosen in DATABASES if database == "both" else (database,):
        folder = Path(tempfile.mkdtemp(prefix=f"chaos-{chosen}-"))
        say(f"{chosen}, seed {options['seed']}, logs in {folder}")
        reports.append(run(chosen, folder, **options))
        print(f"{reports[-1]}\n", flush=True)
    sys.exit(not all(report.is_clean for report in reports))


if __name__ == "__main__":
    main()
