"""A load generator that makes whole trips through a form, as a browser does.

`load.Trips` runs it as a process with a `Plan` in JSON, and reads `Figures` from its output.

wrk with a Lua script cannot do it: LuaJIT has no gunzip to read the form's token from a compressed
page, and a visitor submits seconds after the page was served. This client is one asyncio thread
with a minimal HTTP parser, and reports its own CPU time.

A trip gets the page over one connection, and sends the form and follows the redirect over a second
one: gunicorn closes a connection after two idle seconds, and nobody fills in a form faster. A page
is kept until its form is old enough to be accepted (`age`); enough pages are fetched before the
measurement starts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
import zlib
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chromium import CookieJar, FormParser, FormTarget, encode, form_token, resources
from connection import Connection
from processes import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAD_IN_S = 0.5  # of load before the measurement starts
MAX_RATE = 500  # trips a second for which pages are fetched in advance

_TOKEN, _MOBILE = "TokenStandsHere", "MobileStandsHere"
_OUTCOME = re.compile(rb'data-outcome="(\w+)"')


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the people of one run do.

    Attributes:
        origin: The server's scheme, host and port.
        path: The form's path.
        typed: What they type, by the input's name; `Mobile` is added.
        ticked: The values of the boxes that they tick, by name.
        framed_by: The origin of the site in whose frame the form stands, or "".
        is_new: Whether everybody comes once, without a cookie; else each goes on all day.
        goes_on: Whether the next contact is sent with the form below the receipt, without a GET.
        loads: Whether scripts, styles and fonts are loaded as well, as on a first visit.
        age: Seconds from the page until the form is sent.
        people: Number of concurrent people.
        seconds: Duration.
        first: The first mobile number, without its leading 09.
        pids: Root processes of the program whose CPU time is measured.
    """

    origin: str
    path: str = "/"
    typed: dict[str, str]
    ticked: dict[str, list[str]]
    framed_by: str = ""
    is_new: bool = False
    goes_on: bool = False
    loads: bool = False
    age: float = 0
    people: int
    seconds: float
    first: int
    pids: Sequence[int] = ()

    @property
    def target(self) -> FormTarget:
        """Where the form is."""
        return FormTarget(origin=self.origin, path=self.path, framed_by=self.framed_by)


@dataclass(slots=True)
class Visit:
    """A page whose form is not sent yet."""

    token: bytes
    jar: CookieJar
    shown_at: float
    page_s: float


@dataclass(frozen=True, slots=True)
class Trip:
    """Times of a finished trip (s)."""

    ended_at: float
    page_s: float
    post_s: float
    trip_s: float


@dataclass
class Figures:
    """The figures of one run; times in milliseconds.

    Attributes:
        rate: Trips a second.
        cpu_ms: CPU time of the program's processes per trip.
        load_ms: CPU time of this process per trip.
        page: Median, 99th percentile and maximum of the time for the page.
        post: The same for the POST.
        trip: The same for all requests of a trip together.
        outcomes: Number of trips by outcome or failure, of the whole run.
    """

    rate: float
    cpu_ms: float
    load_ms: float
    page: Sequence[float]
    post: Sequence[float]
    trip: Sequence[float]
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def queued(self) -> float:
        """The share of trips with the outcome "queued"."""
        return self.outcomes.get("queued", 0) / max(1, sum(self.outcomes.values()))

    @property
    def failed(self) -> int:
        """The number of trips without a receipt."""
        successes = self.outcomes.get("delivered", 0) + self.outcomes.get("queued", 0)
        return sum(self.outcomes.values()) - successes


class People:
    """The people of one run."""

    def __init__(self, plan: Plan) -> None:
        """Set what they do."""
        self._plan = plan
        self._target = plan.target
        self._numbers = itertools.count(plan.first)
        self._waiting: deque[Visit] = deque()  # for their forms to be old enough
        self._ends_at = float("inf")
        self._trips: list[Trip] = []
        self._outcomes: Counter[str] = Counter()

    async def run(self) -> Figures:
        """Run until the time is over, and return the figures."""
        plan = self._plan
        await self._read_form()
        stock = int(plan.age * MAX_RATE)
        for _ in range(0, stock, plan.people):
            self._waiting += await asyncio.gather(*(self._open() for _ in range(plan.people)))
        if self._waiting:
            await self._wait_for_age(self._waiting[0])
        people = [asyncio.create_task(self._person()) for _ in range(plan.people)]
        await asyncio.sleep(LEAD_IN_S)
        began, cpu, own = time.monotonic(), self._cpu(), time.process_time()
        await asyncio.sleep(plan.seconds)
        self._ends_at = ended = time.monotonic()
        cpu, own = self._cpu() - cpu, time.process_time() - own
        await asyncio.gather(*people)
        trips = [trip for trip in self._trips if began <= trip.ended_at < ended]
        count = max(1, len(trips))
        return Figures(
            rate=len(trips) / (ended - began),
            cpu_ms=cpu / count * 1000,
            load_ms=own / count * 1000,
            page=percentiles([trip.page_s for trip in trips]),
            post=percentiles([trip.post_s for trip in trips]),
            trip=percentiles([trip.trip_s for trip in trips]),
            outcomes=dict(self._outcomes),
        )

    def _cpu(self) -> float:
        return sum(map(cpu_seconds, self._plan.pids))

    async def _read_form(self) -> None:
        """Read the page's fields and resources once."""
        connection = await Connection.open(self._plan.origin)
        page = (await connection.ask(self._target.get(self._plan.path, ""))).body
        connection.close()
        form = FormParser(page.decode())
        typed = self._plan.typed | {"Mobile": _MOBILE, "csrf_token": _TOKEN}
        pairs = form.filled_in(typed, self._plan.ticked)
        self._body, self._type = encode(pairs, is_multipart=form.is_multipart)
        self._loads = resources(page) if self._plan.loads else []

    async def _person(self) -> None:
        """Make one trip after the other."""
        jar, visit = CookieJar(), None
        while time.monotonic() < self._ends_at:
            try:
                if visit is None:
                    self._waiting.append(await self._open(None if self._plan.is_new else jar))
                    visit = self._waiting.popleft()
                    await self._wait_for_age(visit)
                following = await self._submit(visit)
                visit = following if self._plan.goes_on else None
            except (OSError, ValueError, zlib.error) as error:  # a TimeoutError is an OSError
                self._outcomes[type(error).__name__] += 1
                visit = None

    async def _wait_for_age(self, visit: Visit) -> None:
        await asyncio.sleep(max(0.0, visit.shown_at + self._plan.age - time.monotonic()))

    async def _open(self, jar: CookieJar | None = None) -> Visit:
        """Get the page."""
        jar = jar or CookieJar()
        began = time.monotonic()
        connection = await Connection.open(self._plan.origin)
        try:
            answer = await connection.ask(self._target.get(self._plan.path, jar.header))
            shown_at = time.monotonic()
            jar.take(answer.header(b"set-cookie"))
            for path in self._loads:
                if (await connection.ask(self._target.load(path))).status != HTTPStatus.OK:
                    raise ValueError(f"{path} is missing")
        finally:
            connection.close()
        return Visit(form_token(answer.body), jar, shown_at, time.monotonic() - began)

    async def _submit(self, visit: Visit) -> Visit | None:
        """Send the form, and follow the redirect; return the form below the receipt."""
        mobile = b"09%09d" % next(self._numbers)
        body = self._body.replace(_TOKEN.encode(), visit.token).replace(_MOBILE.encode(), mobile)
        began = time.monotonic()
        connection = await Connection.open(self._plan.origin)
        try:
            post = self._target.post(body, self._type, visit.jar.header)
            answer = await connection.ask(post)
            post_s = time.monotonic() - began
            visit.jar.take(answer.header(b"set-cookie"))
            if answer.status != HTTPStatus.SEE_OTHER:
                self._outcomes[str(answer.status)] += 1
                return None
            while answer.status == HTTPStatus.SEE_OTHER:  # twice for a browser's first receipt
                (path,) = answer.header(b"location")
                get = self._target.get(path, visit.jar.header, follows=True)
                answer = await connection.ask(get)
                visit.jar.take(answer.header(b"set-cookie"))
        finally:
            connection.close()
        ended = time.monotonic()
        outcome = _OUTCOME.search(answer.body)
        self._outcomes[outcome[1].decode() if outcome else "no receipt"] += 1
        page_s = visit.page_s if not self._plan.goes_on else 0.0
        self._trips.append(Trip(ended, page_s, post_s, page_s + ended - began))
        if not self._plan.goes_on:
            return None
        return Visit(form_token(answer.body), visit.jar, ended, 0.0)


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile and the maximum in milliseconds."""
    if not seconds:
        return 0.0, 0.0, 0.0
    ordered = sorted(seconds)
    count = len(ordered)
    chosen = ordered[count // 2], ordered[count * 99 // 100], ordered[-1]
    return tuple(value * 1000 for value in chosen)  # type: ignore[return-value]


def main() -> None:
    """Run the plan in the first argument, and print its figures."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    figures = asyncio.run(People(Plan(**plan)).run())
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
