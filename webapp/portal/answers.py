"""What a call came to: reads the portal's answer, or the exception in place of one.

The portal's pages disagree on where a status stands, and none shows a success of ContactCreate, so
a status is read wherever one of them puts it:

    {"Status": …}    {"ReturnValue": {"Status": …}}    {"ReturnValue": …}    [{"Status": …}]    …

with `Data` and `Result` as with `ReturnValue`, an array of one as its item, and a bare name or
number, in JSON or as text. What stands elsewhere is no status: a response without one is no
success, with a single exception, a contact in `ReturnValue` that has an ID and the number sent.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple, NoReturn, cast

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from webapp.persian import comparison_key
from webapp.portal import (
    BY_NAME,
    BY_NUMBER,
    LENGTH_STATUSES,
    MAX_PAUSE_S,
    MIN_PAUSE_S,
    SUCCESS,
    MethodNotAllowed,
    PortalError,
    Rejected,
    SlowDown,
    TimedOut,
    Uncertain,
    Unexplained,
    Unreachable,
    rejected_fields,
)

JsonObject = Mapping[str, object]

_WRAPPERS: Final = ("ReturnValue", "Data", "Result")
_MAX_DEPTH: Final = 2  # {"ReturnValue": {"Data": …}}
_STATUS: Final = re.compile(r"[A-Za-z_]{1,64}|-?[0-9]{1,4}")
_WHITESPACE: Final = " \t\r\n\ufeff"

# HTTP statuses in place of an answer: the token, the address or the method is refused …
_REFUSALS: Final = (401, 403, 404, 405, 415)
# … or this one request is, for reasons that the portal does not give.
_UNEXPLAINED: Final = (400, 413, 422)


class Response(NamedTuple):
    """An HTTP response of the portal."""

    status_code: int
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class AnswerPlace:
    """Where an answer has its status.

    Attributes:
        status: The status name, or a name that is not documented; None if there is none.
        path: Where it stands, such as `ReturnValue.Status`; `word` if it is the whole answer.
    """

    status: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A success.

    Attributes:
        content: The whole answer, as parsed JSON or text.
        place: Where it has its status.
    """

    content: object
    place: AnswerPlace

    def get(self, name: str) -> object:
        """Return the first value of this name in the answer's objects; None if there is none."""
        values = (item.get(name) for item in self.objects())
        return next((value for value in values if value is not None), None)

    def objects(self) -> Iterator[JsonObject]:
        """Yield the answer's objects, those outside first."""
        return _objects(self.content, _MAX_DEPTH)

    def records(self) -> list[JsonObject]:
        """Return the list of records that the answer holds; an empty one if there is no record.

        Raises:
            Uncertain: if something else stands in its place.
        """
        return _records(self.content, _MAX_DEPTH)


def read_answer(response: Response, *, mobile: str = "") -> Answer:
    """Return a success; raise the error that any other response means.

    Args:
        response: Of the portal.
        mobile: The number of the contact that was sent, if one was.

    Raises:
        PortalError: by what to do next.
    """
    code, retry_after = response.status_code, response.retry_after
    pause = parse_retry_after(retry_after, now=datetime.now(UTC))
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        raise SlowDown(f"HTTP_{code}", retry_after=pause)
    content = parse_body(response.body)
    place = find_status(content)
    if place.status in BY_NAME:
        raise _documented_error(place.status)
    if code == HTTPStatus.SERVICE_UNAVAILABLE and retry_after:
        raise SlowDown(f"HTTP_{code}", retry_after=pause)
    if code != HTTPStatus.OK:
        raise _http_error(code)
    if place.status is None and _has_contact(content, mobile):
        return Answer(content, AnswerPlace(SUCCESS, "ReturnValue.ID"))
    if place.status is None:
        raise Uncertain("UnreadableAnswer")
    if place.status != SUCCESS:
        raise Unexplained(place.status)
    return Answer(content, place)


def _documented_error(status: str) -> PortalError:
    error = BY_NAME[status](status)
    if isinstance(error, Rejected):
        error.fields = rejected_fields(status)
        error.concerns_length = status in LENGTH_STATUSES
    return error


def _http_error(code: int) -> MethodNotAllowed | Uncertain:
    status = f"HTTP_{code}"
    if code in _REFUSALS:
        return MethodNotAllowed(status)
    return Unexplained(status) if code in _UNEXPLAINED else Uncertain(status)


def parse_body(body: bytes) -> object:
    """Return a body as parsed JSON, else as text; None if it is not UTF-8."""
    try:
        text = body.decode().strip(_WHITESPACE)
    except UnicodeDecodeError:
        return None
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # enormous integers are a ValueError, too
        return text


def _refuse_constant(_: str) -> NoReturn:
    """Refuse NaN and the infinities: Python reads them, JSON does not have them."""
    raise ValueError


def find_status(content: object) -> AnswerPlace:
    """Return where parsed content has its status: a documented one counts before any other.

    Of two documented ones, the failure counts.
    """
    places = [place for place in _places(content) if place.status]
    failures = [place for place in places if place.status in BY_NAME]
    successes = [place for place in places if place.status == SUCCESS]
    return next(iter([*failures, *successes, *places]), AnswerPlace(None, ""))


def _places(content: object) -> Iterator[AnswerPlace]:
    whole, index = _only_item(content)
    if not isinstance(whole, dict):
        yield AnswerPlace(_status(whole), f"word{index}")
        return
    outer = _status(whole.get("Status"))
    yield AnswerPlace(outer, f"{index}.Status".lstrip("."))
    for name in _WRAPPERS:
        item, place = _only_item(whole.get(name))
        path = f"{index}.{name}{place}".lstrip(".")
        if not isinstance(item, dict):
            # Beside a status, a number is data.
            yield AnswerPlace(_status(item) if isinstance(item, str) or not outer else None, path)
        elif not (outer and "ID" in item):  # a stored contact's fields are data, too
            yield AnswerPlace(_status(item.get("Status")), f"{path}.Status")


def _status(word: object) -> str | None:
    """Return the status name for a name, a number or a number in a string; None for others."""
    if isinstance(word, bool) or not isinstance(word, str | int):
        return None
    text = str(word).strip(_WHITESPACE)
    name = BY_NUMBER.get(text, text)
    return name if _STATUS.fullmatch(name) else None


def _only_item(content: object) -> tuple[object, str]:
    """Return the item of an array of one, and its index as a path; else what was given."""
    if isinstance(content, list) and len(content) == 1:
        return content[0], "[0]"
    return content, ""


def _has_contact(content: object, mobile: str) -> bool:
    """Return whether `ReturnValue` holds a contact with an ID and this number."""
    whole, _ = _only_item(content)
    stored, _ = _only_item(whole.get("ReturnValue") if isinstance(whole, dict) else None)
    if not isinstance(stored, dict) or contact_id(stored) is None:
        return False
    return bool(mobile) and is_same_number(mobile, stored.get("Mobile"))


def _objects(content: object, depth: int) -> Iterator[JsonObject]:
    for item in content if isinstance(content, list) else [content]:
        if isinstance(item, dict):
            yield item
            for name in _WRAPPERS if depth else ():
                yield from _objects(item.get(name), depth - 1)


def _records(content: object, depth: int) -> list[JsonObject]:
    wrapping = {"Status", *_WRAPPERS}
    whole, _ = _only_item(content)
    if not isinstance(whole, dict):
        return []  # a bare word
    for name in _WRAPPERS:
        value = whole.get(name)
        item, _ = _only_item(value)
        if value is None or (isinstance(value, str) and _status(value) == SUCCESS):
            continue
        if depth and isinstance(item, dict) and "ID" not in item and wrapping & item.keys():
            return _records(item, depth - 1)
        records = [value] if isinstance(value, dict) and "ID" in value else value
        if isinstance(records, list) and all(isinstance(record, dict) for record in records):
            return records
        raise Uncertain("UnreadableAnswer")
    return []


def parse_retry_after(header: str, *, now: datetime) -> float | None:
    """Parse a Retry-After header in either of its forms.

    Returns:
        The seconds to wait, `MIN_PAUSE_S` to `MAX_PAUSE_S`; None if the header is invalid.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, MIN_PAUSE_S), MAX_PAUSE_S)


_MAX_ID: Final = 2**63 - 1  # BIGINT
_NATIONAL_DIGITS: Final = 10  # of a mobile number, after 0, 98 or nothing


def contact_id(record: Mapping[str, Any]) -> int | None:
    """Return a stored contact's ID, or None if it has none that fits into a BIGINT column."""
    number = record.get("ID")
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    return cast("int", number) if is_whole and 0 < cast("int", number) <= _MAX_ID else None


def is_same_number(mobile: str, stored: object) -> bool:
    """Return whether a stored number is this one; it comes with 98, 0 or nothing in front."""
    if isinstance(stored, bool) or not isinstance(stored, str | int):
        return False
    sent, other = (comparison_key(str(text))[-_NATIONAL_DIGITS:] for text in (mobile, stored))
    return sent == other


class CallAbandoned(Exception):
    """The caller has left: nothing more may be sent."""


# The first match counts. An exception is searched with all its causes: requests wraps urllib3,
# which wraps the operating system.
WHILE_CONNECTING: Final[Sequence[tuple[type[BaseException], str]]] = (
    (CallAbandoned, "ConnectTimeout"),
    (requests.exceptions.ProxyError, "ProxyFailed"),
    (socket.gaierror, "NameNotResolved"),
    (ssl.SSLCertVerificationError, "CertificateInvalid"),
    (ssl.SSLError, "TLSFailed"),
    (requests.Timeout, "ConnectTimeout"),
    (requests.ConnectionError, "ConnectionFailed"),
)
AFTER_CONNECTING: Final[Sequence[tuple[type[BaseException], str]]] = (
    (CallAbandoned, "Timeout"),
    (requests.Timeout, "Timeout"),
    (ReadTimeoutError, "Timeout"),
    (requests.exceptions.ContentDecodingError, "UnreadableAnswer"),
    (DecodeError, "UnreadableAnswer"),
    (requests.ConnectionError, "ConnectionBroken"),
    (requests.exceptions.ChunkedEncodingError, "ConnectionBroken"),
    (HTTPError, "ConnectionBroken"),
)


def portal_error(error: Exception, *, connecting: bool) -> PortalError:
    """Return the portal error for an exception of a call.

    Args:
        error: The exception.
        connecting: Whether the call was still connecting, so that nothing was sent.
    """
    chain = list(_causes(error))
    cause = " < ".join(type(link).__name__ for link in chain)
    # Both must hold: nothing was sent, and the exception is one of opening a connection.
    if connecting and (status := _find_status(chain, WHILE_CONNECTING)):
        return Unreachable(status, cause)
    status = _find_status(chain, AFTER_CONNECTING) or "UnknownFault"
    return TimedOut(cause) if status == "Timeout" else Uncertain(status, cause)


def _find_status(
    chain: Sequence[BaseException], table: Sequence[tuple[type[BaseException], str]]
) -> str | None:
    return next(
        (name for kind, name in table if any(isinstance(link, kind) for link in chain)), None
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # Urllib3 wraps the error of a handshake in a tunnel without raising it first.
        wrapped = next((it for it in error.args if isinstance(it, BaseException)), None)
        error = error.__cause__ or error.__context__ or wrapped
