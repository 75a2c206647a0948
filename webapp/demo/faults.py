"""The faults of the simulator, and what each one sends."""

from __future__ import annotations

import codecs
import enum
import gzip
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from functools import cache
from http import HTTPStatus
from types import EllipsisType, MappingProxyType
from typing import Final, Literal

_DRIP_INTERVAL_S: Final = 0.05
_RETRY_AFTER_S: Final = 2

_JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
PLAIN: Final = "text/plain; charset=utf-8"


class Fault(enum.Enum):
    """A fault.

    `APPLIED_THEN_…` store the contact first: the answer is lost, not the call. `APPLIED_LATE`
    closes without an answer and stores the contact later: until then, a search does not find it.
    `BOM_SUCCESS` puts a BOM before the regular answer.
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


@dataclass(frozen=True, slots=True)
class SimulatedAnswer:
    """A well-formed HTTP answer; the connection stays open.

    If it `applies`, the call is carried out first, and the body stands before the regular one.
    """

    body: bytes
    status: int = 200
    content_type: str = _JSON
    location: str = ""
    applies: bool = False
    retry_after: str | Callable[[], str] = ""

    def encode(self) -> bytes:
        """Return the bytes to send."""
        location = f"Location: {self.location}\r\n" if self.location else ""
        pause = self.retry_after() if callable(self.retry_after) else self.retry_after
        retry = f"Retry-After: {pause}\r\n" if pause else ""
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n{location}{retry}\r\n"
        )
        return head.encode("latin-1") + self.body


class Ending(enum.Enum):
    """How a connection ends after a fault."""

    CLOSE = enum.auto()
    RESET = enum.auto()
    HANG = enum.auto()


@dataclass(frozen=True, slots=True)
class BrokenAnswer:
    """What is sent in place of an answer, piece by piece, and how the connection ends."""

    pieces: Callable[[], Iterable[bytes]] = tuple
    pause: float = 0.0
    ending: Ending = Ending.CLOSE
    applies: bool = False


def json_answer(content: object) -> SimulatedAnswer:
    """Return an answer in JSON."""
    return SimulatedAnswer(json.dumps(content, ensure_ascii=False).encode())


def status_answer(name: str) -> SimulatedAnswer:
    """Return the answer of an error: the portal sends it with HTTP 200."""
    return json_answer({"Status": name, "Data": None})


def page(status: int) -> SimulatedAnswer:
    """Return an HTML page, as a proxy sends it."""
    return SimulatedAnswer(b"<!doctype html><title>Not the portal</title>", status, HTML)


def _last_page(status: int) -> bytes:
    """Return an HTML page that announces the end of the connection."""
    return page(status).encode().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def _redirect(status: int) -> SimulatedAnswer:
    return SimulatedAnswer(b"", status, HTML, location="/rest/elsewhere")


def _retry_date() -> str:
    """Return Retry-After as an HTTP date."""
    return formatdate(time.time() + _RETRY_AFTER_S, usegmt=True)


def _raw(*pieces: bytes) -> BrokenAnswer:
    return BrokenAnswer(lambda: pieces)


_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_SUCCESS: Final = b'{"Status": "Success", "Data": null}'


def _drip(start: bytes, onward: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain((bytes([byte]) for byte in start), itertools.repeat(onward))


def _stream(start: bytes, onward: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([start], itertools.repeat(onward))


@cache
def _bomb() -> tuple[bytes, ...]:
    """Return 400 MB of spaces as 400 KB of gzip: a stream may have many members."""
    member = gzip.compress(b" " * 10_000_000)
    return (_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n", *[member] * 40)


FAULTS: Final[Mapping[Fault, SimulatedAnswer | BrokenAnswer]] = MappingProxyType(
    {
        Fault.RESET: BrokenAnswer(ending=Ending.RESET),
        Fault.CLOSE_WITHOUT_ANSWER: BrokenAnswer(),
        Fault.SILENT: BrokenAnswer(ending=Ending.HANG),
        Fault.APPLIED_THEN_RESET: BrokenAnswer(ending=Ending.RESET, applies=True),
        Fault.APPLIED_THEN_CLOSE: BrokenAnswer(applies=True),
        Fault.APPLIED_THEN_SILENT: BrokenAnswer(ending=Ending.HANG, applies=True),
        Fault.APPLIED_THEN_HTTP_502: BrokenAnswer(lambda: [_last_page(502)], applies=True),
        Fault.APPLIED_LATE: BrokenAnswer(applies=True),
        Fault.DRIP_HEADERS: BrokenAnswer(_drip(_OK + b"X-Drip: ", b"x"), _DRIP_INTERVAL_S),
        Fault.DRIP_BODY: BrokenAnswer(_drip(_OK + b"\r\n" + _SUCCESS, b" "), _DRIP_INTERVAL_S),
        Fault.ENDLESS_HEADERS: BrokenAnswer(_stream(_OK, b"X-More: yes\r\n" * 1000)),
        Fault.ENDLESS_BODY: BrokenAnswer(_stream(_OK + b"\r\n" + _SUCCESS, b" " * 8192)),
        Fault.GZIP_BOMB: BrokenAnswer(_bomb),
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
        Fault.HTTP_404: page(404),
        Fault.HTTP_429: page(429),
        Fault.HTTP_500: page(500),
        Fault.HTTP_502: page(502),
        Fault.HTTP_503: page(503),
        Fault.HTTP_429_SECONDS: replace(page(429), retry_after=str(_RETRY_AFTER_S)),
        Fault.HTTP_429_DATE: replace(page(429), retry_after=_retry_date),
        Fault.HTTP_503_SECONDS: replace(page(503), retry_after=str(_RETRY_AFTER_S)),
        Fault.HTTP_503_DATE: replace(page(503), retry_after=_retry_date),
        Fault.EMPTY: SimulatedAnswer(b""),
        Fault.HTML: page(200),
        Fault.LIST: SimulatedAnswer(b"[" + _SUCCESS + b", " + _SUCCESS + b"]"),
        Fault.NULL: SimulatedAnswer(b"null"),
        Fault.STRING: SimulatedAnswer(b'"It is a success"'),
        Fault.NO_STATUS: SimulatedAnswer(b'{"Data": {"ID": 1}}'),
        Fault.NULL_STATUS: SimulatedAnswer(b'{"Status": null}'),
        Fault.TRUE_STATUS: SimulatedAnswer(b'{"Status": true}'),
        Fault.UNKNOWN_STATUS: status_answer("Portal_Rebuilt"),
        Fault.HUGE_INTEGER: SimulatedAnswer(b'{"Status": "Success", "Data": ' + b"9" * 5000 + b"}"),
        Fault.DEEP_NESTING: SimulatedAnswer(b'{"Status": "Success", "Data": ' + b"[" * 50_000),
        Fault.NOT_A_NUMBER: SimulatedAnswer(b'{"Status": "Success", "Data": NaN}'),
        Fault.BAD_UTF8: SimulatedAnswer(b'{"Status": "Success", "Data": "\xff"}'),
        Fault.BOM_SUCCESS: SimulatedAnswer(codecs.BOM_UTF8, applies=True),
    }
)


NOT_ALLOWED: Final = "Token_NotAllowMethod"


class Shape(enum.Enum):
    """Where ContactCreate's answer stands. No document shows a success of it."""

    DATA = enum.auto()
    WRAPPED = enum.auto()  # status and contact are within `ReturnValue`
    ARRAY = enum.auto()  # of one whole answer
    BARE = enum.auto()  # only the status, as a JSON string
    TEXT = enum.auto()  # only the status, as plain text
    CONTACT = enum.auto()  # `ReturnValue` is the contact, or the name of an error
    UNREADABLE = enum.auto()  # the same page, stored or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One reading of the portal's documents.

    Attributes:
        http_status: 200, or the status of every answer: then nothing is stored.
        instead: The statuses that some methods answer in place of what was asked for.
        shape: Where ContactCreate's answer stands.
        gender: Whether a form may say nothing about the gender, or that stands for `false`.
        known: What ContactCreate makes of a known number: a second contact, an update of the
            first one in which empty values count, or an error.
        may_omit: Whether a form may leave out values; an update keeps them as they are.
        keeps_labels: Whether ContactEdit keeps the labels if the form has none.
        lag: Seconds until ContactSearch sees a change.
        no_match: `Data` where ContactSearch finds nothing; `...` for a missing key.
        empty_text: ContactSearch's value of an empty text.
        empty_gender: ContactSearch's value of no gender; `...` for a missing key.
        prefix: The digits before the ten digits of a mobile number in ContactSearch.
        reshapes: Whether white space, letters and line ends of texts are changed.
        labels: Whether a search by labels uses them, ignores them, or is refused.
    """

    http_status: int = 200
    instead: Mapping[str, str] = field(default_factory=dict)
    shape: Shape = Shape.DATA
    gender: Literal["optional", "required", "false"] = "optional"
    known: Literal["second", "updated", "refused"] = "second"
    may_omit: bool = False
    keeps_labels: bool = True
    lag: float = 0.0
    no_match: list[object] | EllipsisType | None = field(default_factory=list)
    empty_text: str | None = None
    empty_gender: bool | EllipsisType | None = None
    prefix: str = "98"
    reshapes: bool = False
    labels: Literal["found", "ignored", "refused"] = "found"


# How ContactSearch returns what is stored: a contact is found by its values under each of them.
RETURN_PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
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
_NO_SEARCH: Final = {"ContactSearch": NOT_ALLOWED}

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        **RETURN_PROFILES,
        # The answer of ContactCreate
        "wrapped": Profile(shape=Shape.WRAPPED),
        "array": Profile(shape=Shape.ARRAY),
        "bare": Profile(shape=Shape.BARE),
        "text": Profile(shape=Shape.TEXT),
        "contact": Profile(shape=Shape.CONTACT),
        "unreadable": Profile(shape=Shape.UNREADABLE),
        "unreadable-search-refused": Profile(shape=Shape.UNREADABLE, instead=_NO_SEARCH),
        # What it makes of a contact
        "gender-required": Profile(gender="required"),
        "gender-false": Profile(gender="false", may_omit=True),
        "known-updated": Profile(known="updated", may_omit=True),
        "known-refused": Profile(known="refused"),
        "http-401": Profile(http_status=401),
        # ContactSearch
        "no-match-null": Profile(no_match=None),
        "no-match-missing": Profile(no_match=...),
        "search-failed": Profile(instead={"ContactSearch": "Failed"}),
        "search-refused": Profile(instead=_NO_SEARCH),
        "search-delayed": Profile(lag=3.0),
        # ContactEdit and ContactDelete
        "edit-drops-labels": Profile(keeps_labels=False),
        "edit-refused": Profile(instead={"ContactEdit": NOT_ALLOWED, "ContactDelete": NOT_ALLOWED}),
    }
)
