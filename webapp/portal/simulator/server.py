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
import enum
import gzip
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
from email.utils import formatdate
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import EllipsisType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self
from urllib.parse import parse_qsl, urljoin, urlsplit
from urllib.request import ProxyHandler, build_opener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

KEPT: Final = 1000
DEMO_TOKEN: Final = "demo"  # noqa: S105  opens nothing but a stand-in on loopback
_PAUSE: Final = 0.05
_RETRY_AFTER_S: Final = 2

_JSON: Final = "application/json; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_PLAIN: Final = "text/plain; charset=utf-8"


class Fault(enum.Enum):
    """A way to misbehave.

    `APPLIED_THEN_…` store the contact first: the answer is lost, not the call. `APPLIED_LATE`
    closes without an answer and stores the contact a while later: until then a search lies.
    `BOM_SUCCESS` stores it too, for it is a success to who can read it.
    """

    # The connection
    RESET = enum.auto()
    CLOSE_WITHOUT_ANSWER = enum.auto()
    SILENT = enum.auto()
    APPLIED_THEN_RESET = enum.auto()
    APPLIED_THEN_CLOSE = enum.auto()
    APPLIED_THEN_SILENT = enum.auto()
    APPLIED_THEN_HTTP_502 = enum.auto()
    APPLIED_LATE = enum.auto()
    # The stream
    DRIP_HEADERS = enum.auto()
    DRIP_BODY = enum.auto()
    ENDLESS_HEADERS = enum.auto()
    ENDLESS_BODY = enum.auto()
    GZIP_BOMB = enum.auto()
    BAD_GZIP = enum.auto()
    BAD_CHUNK = enum.auto()
    TRUNCATED = enum.auto()
    NOT_HTTP = enum.auto()
    # The HTTP status
    HTTP_301 = enum.auto()
    HTTP_302 = enum.auto()
    HTTP_307 = enum.auto()
    HTTP_308 = enum.auto()
    HTTP_404 = enum.auto()
    HTTP_429 = enum.auto()
    HTTP_500 = enum.auto()
    HTTP_502 = enum.auto()
    HTTP_503 = enum.auto()
    HTTP_429_SECONDS = enum.auto()
    HTTP_429_DATE = enum.auto()
    HTTP_503_SECONDS = enum.auto()
    HTTP_503_DATE = enum.auto()
    # The body
    EMPTY = enum.auto()
    HTML = enum.auto()
    LIST = enum.auto()
    NULL = enum.auto()
    STRING = enum.auto()
    NO_STATUS = enum.auto()
    NULL_STATUS = enum.auto()
    TRUE_STATUS = enum.auto()
    UNKNOWN_STATUS = enum.auto()
    HUGE_INTEGER = enum.auto()
    DEEP_NESTING = enum.auto()
    NOT_A_NUMBER = enum.auto()
    BAD_UTF8 = enum.auto()
    BOM_SUCCESS = enum.auto()


# Numbers that the demo answers with an error. What is the contact's own fault comes every time, the
# rest every other time, so that the demo shows how the contact arrives after all.
MAGIC: Final[Mapping[str, str | Fault]] = MappingProxyType(
    {
        "09990000019": "FirstNameOrLastName_Empty",
        "09990000101": "Mobile_Invalid",
        "09990000121": "Length_Exceeded",
        "09990000004": "CreditNotEnough",
        "09990000202": "Token_Invalid",
        "09990000300": "System_Disabled",
        "09990000500": "ServerError",
        "09990000502": Fault.HTTP_502,
        "09990000504": Fault.APPLIED_THEN_SILENT,
    }
)
_ALWAYS: Final = {"FirstNameOrLastName_Empty", "Mobile_Invalid", "Length_Exceeded"}


@dataclass(frozen=True, slots=True)
class Profile:
    """What the portal's documents leave open about ContactSearch.

    Attributes:
        empty_text: What an empty text comes back as.
        empty_gender: What a contact without a gender comes back with: `...` for no key at all.
        prefix: What stands before the ten digits of a mobile number.
        reshapes: Whether white space, letters and line ends of texts are changed.
        labels: Whether a search by labels finds by them, ignores them, or is not allowed.
    """

    empty_text: str | None = None
    empty_gender: bool | EllipsisType | None = None
    prefix: str = "98"
    reshapes: bool = False
    labels: Literal["found", "ignored", "refused"] = "found"


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "strict": Profile(),
        "empties-as-text": Profile(empty_text=""),
        "no-gender-missing": Profile(empty_gender=...),
        "no-gender-false": Profile(empty_gender=False),
        "bare-mobile": Profile(prefix=""),
        "reshaped-texts": Profile(reshapes=True),
        "labels-ignored": Profile(labels="ignored"),
        "labels-refused": Profile(labels="refused"),
        "old": Profile(
            empty_text="", empty_gender=False, prefix="", reshapes=True, labels="refused"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole and well-formed HTTP answer; the connection stays open after it.

    One that `applies` stores the contact first.
    """

    body: bytes
    status: int = 200
    content_type: str = _JSON
    location: str = ""
    applies: bool = False
    retry_after: str | Callable[[], str] = ""

    def encode(self) -> bytes:
        """Return it as it goes over the wire."""
        location = f"Location: {self.location}\r\n" if self.location else ""
        pause = self.retry_after() if callable(self.retry_after) else self.retry_after
        retry = f"Retry-After: {pause}\r\n" if pause else ""
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n{location}{retry}\r\n"
        )
        return head.encode("latin-1") + self.body


class _Ending(enum.Enum):
    CLOSE = enum.auto()
    RESET = enum.auto()
    HANG = enum.auto()


@dataclass(frozen=True, slots=True)
class _Mischief:
    """What goes over the wire in place of an answer, piece by piece, and how it ends."""

    pieces: Callable[[], Iterable[bytes]] = tuple
    pause: float = 0.0
    ending: _Ending = _Ending.CLOSE
    applies: bool = False


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


def _json(content: object) -> Answer:
    return Answer(json.dumps(content, ensure_ascii=False).encode())


def _status(name: str) -> Answer:
    return _json({"Status": name, "Data": None})


def _page(status: int) -> Answer:
    return Answer(b"<!doctype html><title>Not the portal</title>", status, _HTML)


def _last_page(status: int) -> bytes:
    """Return a page after which the connection is closed, as it says."""
    return _page(status).encode().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def _redirect(status: int) -> Answer:
    return Answer(b"", status, _HTML, location="/rest/elsewhere")


def _retry_date() -> str:
    """Return the other form of Retry-After; a date has no fractions of a second."""
    return formatdate(time.time() + _RETRY_AFTER_S, usegmt=True)


def _raw(*pieces: bytes) -> _Mischief:
    return _Mischief(lambda: pieces)


_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_SUCCESS: Final = b'{"Status": "Success", "Data": null}'


def _drip(start: bytes, onward: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain((bytes([byte]) for byte in start), itertools.repeat(onward))


def _stream(start: bytes, onward: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([start], itertools.repeat(onward))


@cache
def _bomb() -> tuple[bytes, ...]:
    """Return 400 MB of spaces in 400 KB: a gzip stream may consist of many members."""
    member = gzip.compress(b" " * 10_000_000)
    return (_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n", *[member] * 40)


_FAULTS: Final[Mapping[Fault, Answer | _Mischief]] = MappingProxyType(
    {
        Fault.RESET: _Mischief(ending=_Ending.RESET),
        Fault.CLOSE_WITHOUT_ANSWER: _Mischief(),
        Fault.SILENT: _Mischief(ending=_Ending.HANG),
        Fault.APPLIED_THEN_RESET: _Mischief(ending=_Ending.RESET, applies=True),
        Fault.APPLIED_THEN_CLOSE: _Mischief(applies=True),
        Fault.APPLIED_THEN_SILENT: _Mischief(ending=_Ending.HANG, applies=True),
        Fault.APPLIED_THEN_HTTP_502: _Mischief(lambda: [_last_page(502)], applies=True),
        Fault.APPLIED_LATE: _Mischief(applies=True),
        Fault.DRIP_HEADERS: _Mischief(_drip(_OK + b"X-Drip: ", b"x"), _PAUSE),
        Fault.DRIP_BODY: _Mischief(_drip(_OK + b"\r\n" + _SUCCESS, b" "), _PAUSE),
        Fault.ENDLESS_HEADERS: _Mischief(_stream(_OK, b"X-More: yes\r\n" * 1000)),
        Fault.ENDLESS_BODY: _Mischief(_stream(_OK + b"\r\n" + _SUCCESS, b" " * 8192)),
        Fault.GZIP_BOMB: _Mischief(_bomb),
        Fault.BAD_GZIP: _raw(
            _OK, b"Content-Encoding: gzip\r\nContent-Length: 35\r\n\r\n", _SUCCESS
        ),
        Fault.BAD_CHUNK: _raw(
            _OK, b"Transfer-Encoding: chunked\r\n\r\n", b"23\r\n", _SUCCESS, b"\r\nnonsense\r\n"
        ),
        Fault.TRUNCATED: _raw(_OK, b"Content-Length: 100\r\n\r\n", _SUCCESS),
        Fault.NOT_HTTP: _raw(b"220 mail.example ESMTP\r\n"),
        Fault.HTTP_301: _redirect(301),
        Fault.HTTP_302: _redirect(302),
        Fault.HTTP_307: _redirect(307),
        Fault.HTTP_308: _redirect(308),
        Fault.HTTP_404: _page(404),
        Fault.HTTP_429: _page(429),
        Fault.HTTP_500: _page(500),
        Fault.HTTP_502: _page(502),
        Fault.HTTP_503: _page(503),
        Fault.HTTP_429_SECONDS: replace(_page(429), retry_after=str(_RETRY_AFTER_S)),
        Fault.HTTP_429_DATE: replace(_page(429), retry_after=_retry_date),
        Fault.HTTP_503_SECONDS: replace(_page(503), retry_after=str(_RETRY_AFTER_S)),
        Fault.HTTP_503_DATE: replace(_page(503), retry_after=_retry_date),
        Fault.EMPTY: Answer(b""),
        Fault.HTML: _page(200),
        Fault.LIST: Answer(b"[" + _SUCCESS + b"]"),
        Fault.NULL: Answer(b"null"),
        Fault.STRING: Answer(b'"Success"'),
        Fault.NO_STATUS: Answer(b'{"Data": {"ID": 1}}'),
        Fault.NULL_STATUS: Answer(b'{"Status": null}'),
        Fault.TRUE_STATUS: Answer(b'{"Status": true}'),
        Fault.UNKNOWN_STATUS: _status("Portal_Rebuilt"),
        Fault.HUGE_INTEGER: Answer(b'{"Status": "Success", "Data": ' + b"9" * 5000 + b"}"),
        Fault.DEEP_NESTING: Answer(b'{"Status": "Success", "Data": ' + b"[" * 50_000),
        Fault.NOT_A_NUMBER: Answer(b'{"Status": "Success", "Data": NaN}'),
        Fault.BAD_UTF8: Answer(b'{"Status": "Success", "Data": "\xff"}'),
        Fault.BOM_SUCCESS: Answer(b"\xef\xbb\xbf" + _SUCCESS, applies=True),
    }
)


class _InvalidFormError(Exception):
    """The form is not what the reference asks for."""


_TEXTS: Final = (
    *("FName", "LName", "CompanyTitle", "JobTitle", "Email", "CityName", "AddressText"),
    *("CustomText1", "CustomText2", "CustomText3", "CustomText4", "CustomText5", "CustomText6"),
)
_DATES: Final = ("BornDate", "AnniversaryDate", "CustomDate1", "CustomDate2", "CustomDate3")
_KEYS: Final = {"ContactGroupID", "Active", "Mobile", "GenderType", "Labels", *_TEXTS, *_DATES}
_BOOLEANS: Final = {"true": True, "false": False}
_GENDERS: Final = {True: "آقا", False: "خانم", None: ""}
_MOBILE: Final = re.compile(r"(?:\+?98|0098|0)?(9[0-9]{9})")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMES: Final = re.compile(r"[0-9]{1,4}")


def _normal(mobile: str) -> int | None:
    """Return a number as the portal keeps it, 98 in front, or None if it is no mobile number."""
    match = _MOBILE.fullmatch(mobile.strip())
    return int(f"98{match[1]}") if match else None


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise _InvalidFormError
    return _BOOLEANS[text]


def _day(text: str) -> str | None:
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise _InvalidFormError
    try:
        return f"{dt.date.fromisoformat(text)}T00:00:00"
    except ValueError as error:
        raise _InvalidFormError from error


def _record(pairs: Sequence[tuple[str, str]], extra: Iterable[str]) -> dict[str, Any]:
    """Return a form of ContactCreate as the portal would keep it, ID and number apart."""
    names = [name for name, _ in pairs]
    singles = [name for name in names if name != "Labels"]
    form = dict(pairs)
    known = _KEYS.union(extra)
    if set(names) != known or len(singles) != len(known) - 1 or form["ContactGroupID"] != "0":
        raise _InvalidFormError
    gender = _boolean(form["GenderType"]) if form["GenderType"] else None
    labels = [label for name, text in pairs if name == "Labels" for label in _split_labels(text)]
    return {
        "Active": _boolean(form["Active"]),
        "ContactGroupID": 0,
        "GenderType": gender,
        "GenderTypeStr": _GENDERS[gender],
        **{name: form[name] or None for name in _TEXTS},
        **{name: _day(form[name]) for name in _DATES},
        **{name: form[name] or None for name in known - _KEYS},
        "Labels": labels,
        "Deleted": False,
    }


class StandIn:
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
        self, *, token: str, port: int = 0, kept: int = KEPT, extra: Iterable[str] = ()
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
        self._extra = frozenset(extra) - _KEYS
        self._contacts: deque[tuple[dt.datetime, dict[str, Any]]] = deque(maxlen=kept)
        self._ids = itertools.count(1)
        self._queue: deque[str | Fault | Answer] = deque()
        self._shown: set[str] = set()
        self._methods: Mapping[str, Callable[[Captured], Answer | _Mischief]] = {
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

    def forget(self) -> None:
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

    def respond(self, request: Captured) -> Answer | _Mischief:
        """Return what a request to the portal gets."""
        self.requests.append(request)
        if request.path not in self._methods:
            return _page(404)
        if request.method != "POST":
            return _page(405)
        planned = self._plan(request)
        if planned == "Success":
            honest = self._serve(request)
            time.sleep(self.latency)  # others are served meanwhile
            return honest
        if isinstance(planned, str):
            return _status(planned)
        answer = _FAULTS[planned] if isinstance(planned, Fault) else planned
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

    def _serve(self, request: Captured) -> Answer | _Mischief:
        """Answer honestly."""
        given = request.headers.get("Authorization")
        if given == self._token:
            with self._lock:
                return self._methods[request.path](request)
        name = "Token_Invalid" if given else "Token_NotExists"
        if request.path == "/rest/AccountStatus":  # on some methods a failure is the bare name
            return Answer(name.encode(), content_type=_PLAIN)
        return _status(name)

    def _create(self, request: Captured) -> Answer | _Mischief:
        try:
            record = _record(request.pairs, self._extra)
        except _InvalidFormError:
            return Answer(b'{"Message": "The request is invalid."}', 400)
        typed = dict(request.pairs)["Mobile"]
        if not typed:
            return _status("Mobile_Empty")
        mobile = _normal(typed)
        if mobile is None:
            return _status("Mobile_Invalid")
        magic = self._magic(mobile)
        if magic is None or magic.applies:
            updated = request.at.isoformat(timespec="milliseconds")
            record |= {"ID": next(self._ids), "Mobile": mobile, "UpdateDateTime": updated}
            self._contacts.append((request.at, record))
        return magic or _json({"Status": "Success", "Data": _outward(record)})

    def _magic(self, mobile: int) -> Answer | _Mischief | None:
        typed = str(mobile).replace("98", "0", 1)
        planned = MAGIC.get(typed)
        if planned is None or typed in self._shown:
            self._shown.discard(typed)
            return None
        if planned not in _ALWAYS:
            self._shown.add(typed)
        return _FAULTS[planned] if isinstance(planned, Fault) else _status(planned)

    def _search(self, request: Captured) -> Answer:
        wanted = dict(request.pairs)
        mobile, labels = _normal(wanted.get("Mobile", "")), _split_labels(wanted.get("Labels", ""))
        if labels and self.profile.labels == "refused":
            return _status("Token_NotAllowMethod")
        seen = self._stored(before=request.at - dt.timedelta(seconds=self.lag))
        found = [contact for contact in seen if contact["Mobile"] == mobile]
        if labels and self.profile.labels == "found":
            found = [contact for contact in found if set(labels) & set(contact["Labels"])]
        shown = [_searched(contact, self.profile) for contact in found]
        return _json({"Status": "Success", "Data": shown})

    def _account_status(self, _: Captured) -> Answer:
        return _json({"Status": "Success", "AccountName": "حساب نمونه", "RemaindCredit": 25000})

    def steer(self, request: Captured) -> Answer:
        """Return what a request of the controls gets."""
        match request.method, request.path:
            case "GET", "/standin/contacts":
                return _json(self.contacts)
            case "DELETE", "/standin/contacts":
                self.forget()
                return _json([])
            case "POST", "/standin/answer":
                form = dict(request.pairs)
                name, times = form.get("answer", ""), form.get("times", "1")
                if not _WORD.fullmatch(name) or not _TIMES.fullmatch(times):
                    return Answer(b"answer=<status or fault>&times=<n>", 400, _PLAIN)
                self.answer(Fault[name] if name in Fault.__members__ else name, int(times))
                return _json([])
            case _:
                return _page(404)


def _outward(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored contact as the portal shows it."""
    return {name: value for name, value in record.items() if name != "Labels"}


def _searched(record: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return a stored contact as a portal of this profile shows it in a search."""
    shown = _outward(record)
    for name in _TEXTS:
        text = shown[name]
        shown[name] = profile.empty_text if text is None else _reshaped(text, profile)
    if shown["GenderType"] is None:
        shown["GenderType"] = profile.empty_gender
    if shown["GenderType"] is ...:
        del shown["GenderType"], shown["GenderTypeStr"]
    return shown | {"Mobile": int(profile.prefix + str(shown["Mobile"]).removeprefix("98"))}


def _reshaped(text: str, profile: Profile) -> str:
    """Return a text as a database of another letter set and other line ends gives it back."""
    if not profile.reshapes:
        return text
    arabic = text.translate(str.maketrans("یک", "يك")).replace("\n", "\r\n")
    return f"{arabic.upper() if '@' in arabic else arabic} "


def _split_labels(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;|]", text) if part.strip()]


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC).replace(tzinfo=None)  # as the portal writes it


# Not `http.server.HTTPServer`: it looks its own name up, which hangs where no name server answers.
class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], standin: StandIn) -> None:
        super().__init__(address, _Handler)
        self.standin = standin
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
        standin = self.server.standin
        if request.path.startswith("/standin/"):
            answer: Answer | _Mischief = standin.steer(request)
        else:
            answer = standin.respond(request)
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

    def _misbehave(self, mischief: _Mischief) -> None:
        self.close_connection = True
        for piece in mischief.pieces():
            self.wfile.write(piece)
            if self.server.stopping.wait(mischief.pause):
                return
        if mischief.ending is _Ending.HANG:
            self.connection.recv(1)  # nothing comes until the client leaves, or `stop` ends it
        if mischief.ending is _Ending.RESET:
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
    with StandIn(token=token, port=port, extra=extra) as standin:
        standin.profile = profile
        sys.stdout.write(f"{standin.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.buffer.read()


def _leave(*_: object) -> None:
    sys.exit(0)
