"""A stand-in for the portal, over real HTTP on loopback: for demo mode and for tests.

It answers ContactCreate, ContactSearch and AccountStatus as documented, checks what it is sent by
its own reading of the reference, and misbehaves on demand in every way that a network can. What
the reference does not tell is chosen strictly: a form that lacks a key, or holds a value of a wrong
type, gets HTTP 400, and a second contact with the same number is a second contact.

Another process steers it over the same port:

    GET    /standin/contacts   the stored contacts, as JSON
    DELETE /standin/contacts   forget them, and what is planned
    POST   /standin/answer     form fields answer=<status or fault> and times=<n>

In the demo, some numbers show an error without any tool: see `MAGIC`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import re
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, urljoin, urlsplit
from urllib.request import ProxyHandler, build_opener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

from webapp.portal.simulator.faults import (
    FAULTS,
    PLAIN,
    Answer,
    BrokenAnswer,
    Ending,
    Fault,
    json_answer,
    page,
    status_answer,
)
from webapp.portal.simulator.model import (
    ALWAYS,
    DEMO_NUMBERS,
    KEYS,
    PROFILES,
    InvalidFormError,
    Profile,
    make_record,
    normal_mobile,
    outward,
    searched,
    split_labels,
)

RETENTION: Final = 1000
DEMO_TOKEN: Final = "demo"  # noqa: S105  opens nothing but a stand-in on loopback
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMES: Final = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Captured:
    """A request as it arrived, `at` in UTC; `peer` tells one connection from another."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    pairs: tuple[tuple[str, str], ...]
    peer: tuple[str, int]
    at: dt.datetime


class Simulator:
    """The stand-in, serving from `start` to `close`, or as a context manager.

    Attributes:
        requests: What was asked, newest last.
        mood: Asked for each call when no answer is planned; returns what `answer` takes.
        delay: Seconds until `APPLIED_LATE` stores a contact.
        lag: Seconds for which ContactSearch does not see a stored contact.
        latency: Seconds that an honest answer takes; the contact is stored before them.
        profile: How it answers where the documents leave it open.
    """

    def __init__(
        self, *, token: str, port: int = 0, kept: int = RETENTION, extra: Iterable[str] = ()
    ) -> None:
        """Make it; nothing is served yet.

        Args:
            token: The token to ask for.
            port: Of 127.0.0.1; 0 for any free one.
            kept: How many contacts, and how many requests, it remembers.
            extra: Names of texts that ContactCreate takes beside those of the reference.
        """
        self.requests: deque[Captured] = deque(maxlen=kept)
        self.mood: Callable[[Captured], str | Fault | Answer] | None = None
        self.delay = 0.5
        self.lag = 0.0
        self.latency = 0.0
        self.profile = PROFILES["strict"]
        self._token = token
        self._port = port
        self._extra = frozenset(extra) - KEYS
        self._contacts: deque[tuple[dt.datetime, dict[str, Any]]] = deque(maxlen=kept)
        self._ids = itertools.count(1)
        self._queue: deque[str | Fault | Answer] = deque()
        self._shown: set[str] = set()
        self._methods: Mapping[str, Callable[[Captured], Answer | BrokenAnswer]] = {
            "/rest/ContactCreate": self._create,
            "/rest/ContactSearch": self._search,
            "/rest/AccountStatus": self._account_status,
        }
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def start(self) -> Self:
        """Bind the port and serve in a thread."""
        server = _Server(("127.0.0.1", self._port), self)
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(
            target=server.serve_forever, args=(0.02,), name="standin", daemon=True
        ).start()
        return self

    def close(self) -> None:
        """Stop serving, and end every exchange under way."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @property
    def url(self) -> str:
        """The address to give the client."""
        return f"http://127.0.0.1:{self._port}/rest/"

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """The stored contacts, newest last.

        They have the portal's shape, and their labels besides, which the portal does not return.
        """
        with self._lock:
            return [dict(contact) for contact in self._stored(before=_now())]

    def _stored(self, before: dt.datetime) -> Iterator[dict[str, Any]]:
        return (record for since, record in self._contacts if since <= before)

    def purge(self) -> None:
        """Forget what was stored, asked and planned, and misbehave no more."""
        with self._lock:
            for memory in (self._contacts, self.requests, self._queue, self._shown):
                memory.clear()
        self.mood = None
        self.lag = self.latency = 0.0
        self.profile = PROFILES["strict"]

    def answer(self, what: str | Fault | Answer, times: int = 1) -> None:
        """Queue what the next calls get: a status name, a fault, or an answer in full.

        "Success" stands for an honest answer, so that a fault can hit a later call.
        """
        with self._lock:
            self._queue.extend(itertools.repeat(what, times))

    def respond(self, request: Captured) -> Answer | BrokenAnswer:
        """Return what a request to the portal gets."""
        self.requests.append(request)
        if request.path not in self._methods:
            return page(404)
        if request.method != "POST":
            return page(405)
        planned = self._plan(request)
        if planned == "Success":
            honest = self._serve(request)
            time.sleep(self.latency)  # others are served meanwhile
            return honest
        if isinstance(planned, str):
            return status_answer(planned)
        answer = FAULTS[planned] if isinstance(planned, Fault) else planned
        if answer.applies:
            after = dt.timedelta(seconds=self.delay if planned is Fault.APPLIED_LATE else 0)
            self._serve(replace(request, at=request.at + after))
        return answer

    def _plan(self, request: Captured) -> str | Fault | Answer:
        with self._lock:
            if self._queue:
                return self._queue.popleft()
        mood = self.mood
        return mood(request) if mood else "Success"

    def _serve(self, request: Captured) -> Answer | BrokenAnswer:
        """Answer honestly."""
        given = request.headers.get("Authorization")
        if given == self._token:
            with self._lock:
                return self._methods[request.path](request)
        name = "Token_Invalid" if given else "Token_NotExists"
        if request.path == "/rest/AccountStatus":  # on some methods a failure is the bare name
            return Answer(name.encode(), content_type=PLAIN)
        return status_answer(name)

    def _create(self, request: Captured) -> Answer | BrokenAnswer:
        try:
            record = make_record(request.pairs, self._extra)
        except InvalidFormError:
            return Answer(b'{"Message": "The request is invalid."}', 400)
        typed = dict(request.pairs)["Mobile"]
        if not typed:
            return status_answer("Mobile_Empty")
        mobile = normal_mobile(typed)
        if mobile is None:
            return status_answer("Mobile_Invalid")
        magic = self._magic(mobile)
        if magic is None or magic.applies:
            updated = request.at.isoformat(timespec="milliseconds")
            record |= {"ID": next(self._ids), "Mobile": mobile, "UpdateDateTime": updated}
            self._contacts.append((request.at, record))
        return magic or json_answer({"Status": "Success", "Data": outward(record)})

    def _magic(self, mobile: int) -> Answer | BrokenAnswer | None:
        typed = str(mobile).replace("98", "0", 1)
        planned = DEMO_NUMBERS.get(typed)
        if planned is None or typed in self._shown:
            self._shown.discard(typed)
            return None
        if planned not in ALWAYS:
            self._shown.add(typed)
        return FAULTS[planned] if isinstance(planned, Fault) else status_answer(planned)

    def _search(self, request: Captured) -> Answer:
        wanted = dict(request.pairs)
        mobile, labels = (
            normal_mobile(wanted.get("Mobile", "")),
            split_labels(wanted.get("Labels", "")),
        )
        if labels and self.profile.labels == "refused":
            return status_answer("Token_NotAllowMethod")
        seen = self._stored(before=request.at - dt.timedelta(seconds=self.lag))
        found = [contact for contact in seen if contact["Mobile"] == mobile]
        if labels and self.profile.labels == "found":
            found = [contact for contact in found if set(labels) & set(contact["Labels"])]
        shown = [searched(contact, self.profile) for contact in found]
        return json_answer({"Status": "Success", "Data": shown})

    def _account_status(self, _: Captured) -> Answer:
        return json_answer(
            {"Status": "Success", "AccountName": "حساب نمونه", "RemaindCredit": 25000}
        )

    def steer(self, request: Captured) -> Answer:
        """Return what a request of the controls gets."""
        match request.method, request.path:
            case "GET", "/standin/contacts":
                return json_answer(self.contacts)
            case "DELETE", "/standin/contacts":
                self.purge()
                return json_answer([])
            case "POST", "/standin/answer":
                form = dict(request.pairs)
                name, times = form.get("answer", ""), form.get("times", "1")
                if not _WORD.fullmatch(name) or not _TIMES.fullmatch(times):
                    return Answer(b"answer=<status or fault>&times=<n>", 400, PLAIN)
                self.answer(Fault[name] if name in Fault.__members__ else name, int(times))
                return json_answer([])
            case _:
                return page(404)


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC).replace(tzinfo=None)  # as the portal writes it


# Not `http.server.HTTPServer`: it looks its own name up, which hangs where no name server answers.
class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        super().__init__(address, _Handler)
        self.simulator = simulator
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()

    def stop(self) -> None:
        """Stop serving, and end every exchange under way."""
        self.stopping.set()
        self.shutdown()
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its parent
        """Keep quiet about clients that leave; anything else is a fault of the stand-in."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection: socket.socket
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Log nothing: a request line is noise in a demo, and bodies are personal."""

    def _take(self) -> None:
        request = self._capture()
        simulator = self.server.simulator
        if request.path.startswith("/standin/"):
            answer: Answer | BrokenAnswer = simulator.steer(request)
        else:
            answer = simulator.respond(request)
        if isinstance(answer, Answer):
            self.wfile.write(answer.encode())
        else:
            self._misbehave(answer)

    do_GET = do_POST = do_PUT = do_DELETE = _take  # noqa: N815 - http.server's own names

    def _capture(self) -> Captured:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:  # no urlencoded UTF-8
            pairs = []
        return Captured(
            method=self.command,
            path=urlsplit(self.path).path,
            headers=dict(self.headers.items()),
            body=body,
            pairs=tuple(pairs),
            peer=self.client_address,
            at=_now(),
        )

    def _misbehave(self, mischief: BrokenAnswer) -> None:
        self.close_connection = True
        for piece in mischief.pieces():
            self.wfile.write(piece)
            if self.server.stopping.wait(mischief.pause):
                return
        if mischief.ending is Ending.HANG:
            self.connection.recv(1)  # nothing comes until the client leaves, or `stop` ends it
        if mischief.ending is Ending.RESET:
            # No lingering makes the close a reset. It happens beneath `socketserver`, which would
            # take leave politely first.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.open.discard(self.connection)
            socket.close(self.connection.detach())


def received(url: str) -> list[dict[str, Any]]:
    """Return the contacts that the stand-in at this address has stored, newest last."""
    direct = build_opener(ProxyHandler({}))  # a proxy of the environment would be another machine
    with direct.open(urljoin(url, "/standin/contacts"), timeout=2) as answer:
        contacts: list[dict[str, Any]] = json.load(answer)
    return contacts


def run(
    *, port: int, token: str, extra: Iterable[str] = (), profile: Profile = PROFILES["strict"]
) -> None:
    """Serve until the standard input ends, as it does when the parent dies, or SIGTERM.

    Args:
        port: Of 127.0.0.1; 0 for any free one.
        token: The token to ask for.
        extra: As for `StandIn`.
        profile: How it answers where the documents leave it open.
    """
    signal.signal(signal.SIGTERM, _leave)
    with Simulator(token=token, port=port, extra=extra) as simulator:
        simulator.profile = profile
        sys.stdout.write(f"{simulator.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.buffer.read()


def _leave(*_: object) -> None:
    sys.exit(0)
