"""The AmootSMS client: sends calls, and reads the portal's responses."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NoReturn, cast
from urllib.parse import urlsplit

import requests

from webapp.contact import LABELS, MOBILE
from webapp.portal.base import Label, PortalError, SlowDown, TimedOut, Uncertain, Unexplained
from webapp.portal.codes import has_cancelled, sent_code, unwrap
from webapp.portal.matching import contact_id, describe, find_matches
from webapp.portal.payload import payload
from webapp.portal.retry_after import parse_retry_after
from webapp.portal.statuses import BY_NAME, BY_NUMBER, SUCCESS
from webapp.portal.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from webapp.contact import Contact
    from webapp.observability.metrics import Metrics
    from webapp.portal.base import KnownContact
    from webapp.portal.connection import Response

    StoredContact = Mapping[str, object]

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_STATUS: Final = re.compile(r"[A-Za-z_]{1,64}|-?[0-9]{1,4}")
_WHITESPACE: Final = " \t\r\n\ufeff"
_OK: Final = 200
_TOO_MANY_REQUESTS: Final = 429
_UNAVAILABLE: Final = 503
_SEND_CODE: Final = "SendQuickOTP"
_BLOCKED: Final = "IsBlackList_ByCancelation"
_METHODS: Final = (
    *("ContactCreate", "ContactSearch", "ContactGroupList", "AccountStatus"),
    *(_SEND_CODE, _BLOCKED),
)


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The account behind the token: its name, and its remaining credit in rials as written."""

    name: str
    credit: str


class AmootPortal:
    """A client of AmootSMS, safe to share between threads.

    It opens no connection and starts no thread before the first call, so a server may fork after
    building it.
    """

    def __init__(
        self, *, url: str, token: str, deadline: float, metrics: Metrics | None = None
    ) -> None:
        """Set up the client.

        Args:
            url: The portal's base URL.
            token: The account's token.
            deadline: The maximum duration of one whole call, in seconds.
            metrics: Where calls are counted, if anywhere.

        Raises:
            ValueError: if the address is not plain http(s), holds a user name, or the token
                holds anything but printable ASCII.
        """
        parts = urlsplit(url)
        # A user name in the address would replace the token in `Authorization`.
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("the portal's address must be http(s)://host/…, with no user name")
        if not _TOKEN.fullmatch(token):
            raise ValueError("the token must be printable ASCII, with no white space")
        self._url = url.rstrip("/")
        self._requests = {name: _prepare(f"{self._url}/{name}", token) for name in _METHODS}
        self._transport = Transport(deadline)
        self._metrics = metrics

    def __repr__(self) -> str:
        """Return the URL without the token."""
        return f"AmootPortal({self._url!r})"

    def create_contact(self, contact: Contact) -> int | None:
        """Store a contact; return its ID, or None if the portal returns none.

        Raises:
            PortalError: by what to do next.
        """
        data = self._call("ContactCreate", payload(contact)).get("Data")
        return contact_id(data) if isinstance(data, dict) else None

    def search_contacts(self, *, mobile: str, label: str = "") -> list[StoredContact]:
        """Return the stored contacts with this number, as the portal writes them.

        Args:
            mobile: The number.
            label: Return only contacts with this label; "" for all.

        Raises:
            PortalError: by what to do next.
        """
        wanted = [("Mobile", mobile)] + [("Labels", label)] * bool(label)
        return _records(self._call("ContactSearch", wanted))

    def known_contacts(self, mobile: str) -> list[KnownContact]:
        """Return the stored contacts with this number; see `Portal`."""
        return list(describe(self.search_contacts(mobile=mobile)))

    def find_contacts(self, contact: Contact, *, since: datetime) -> list[int | None]:
        """Return the IDs of the stored contacts with this contact's values; see `Portal`."""
        return find_matches(contact, self.search_contacts(mobile=str(contact[MOBILE])), since=since)

    def with_labels(
        self, contact: Contact, ids: list[int | None], *, until: float
    ) -> list[int | None]:
        """Return those of these contacts that have all labels of this contact; see `Portal`.

        ContactSearch returns no labels, but searches by them: one call for each label.
        """
        labels = contact[LABELS]
        for label in labels if isinstance(labels, tuple) and ids else ():
            if time.monotonic() > until:
                raise TimedOut
            labelled = self.search_contacts(mobile=str(contact[MOBILE]), label=label)
            numbers = {contact_id(record) for record in labelled}
            ids = [number for number in ids if number in numbers]
        return ids

    def labels(self) -> list[Label]:
        """Return the labels that exist; see `Portal`. The portal calls them groups, too."""
        groups = _records(self._call("ContactGroupList", []))
        return [
            Label(title.strip(), contacts=_count(group.get("ContactsCount")))
            for group in groups
            if isinstance(title := group.get("Title"), str)
        ]

    def send_code(self, mobile: str, code: str) -> str:
        """Send a code of 4 to 8 digits by SMS; return the one that was sent. See `Portal`."""
        wanted = [("Mobile", mobile), ("CodeLength", str(len(code))), ("OptionalCode", code)]
        return sent_code(self._call(_SEND_CODE, wanted), code)

    def is_blocked(self, mobile: str, line: str) -> bool:
        """Return whether a number has cancelled the messages of a line; see `Portal`."""
        return has_cancelled(self._call(_BLOCKED, [("Mobile", mobile), ("LineNumber", line)]))

    def ping(self) -> None:
        """Make a harmless call; see `Portal`."""
        self.account_status()

    def account_status(self) -> AccountStatus:
        """Return the account's name and credit: a harmless way to check the token.

        Raises:
            PortalError: by what to do next.
        """
        content = self._call("AccountStatus", [])
        name, credit = content.get("AccountName"), content.get("RemaindCredit")
        return AccountStatus(
            name="" if name is None else str(name), credit="" if credit is None else str(credit)
        )

    def _call(self, method: str, pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
        began = time.monotonic()
        try:
            response = self._transport.post(self._requests[method], pairs)
            content = _read(response, unwrap if method == _SEND_CODE else None)
        except PortalError as error:
            self._count(method, _metric_status(error), began)
            raise
        self._count(method, SUCCESS, began)
        return content

    def _count(self, method: str, status: str, began: float) -> None:
        if self._metrics:
            self._metrics.count_call(method, status, time.monotonic() - began)


def _prepare(address: str, token: str) -> requests.PreparedRequest:
    """Return a request without its body, which all calls of a method share."""
    # The bare token, no "Bearer"; the other headers are those of the reference's sample.
    headers = {**requests.utils.default_headers(), "Authorization": token}
    return requests.Request("POST", address, headers=headers).prepare()


def _metric_status(error: PortalError) -> str:
    """Return an error's status, or "Other" for a name that is not documented."""
    is_strange = isinstance(error, Unexplained) and error.status not in BY_NAME
    return "Other" if is_strange else error.status


def _read(
    response: Response, unwrap: Callable[[object], object] | None = None
) -> dict[str, object]:
    """Return the content of a success; raise the error that anything else means.

    Args:
        response: Of the portal.
        unwrap: Finds the part of the content that holds the status; None if it is the whole.
    """
    retry_after = parse_retry_after(response.retry_after, now=datetime.now(UTC))
    if response.status_code == _TOO_MANY_REQUESTS:
        raise SlowDown(f"HTTP_{response.status_code}", retry_after=retry_after)
    content = _parse(response.body)
    content = unwrap(content) if unwrap else content
    status = _status(content.get("Status") if isinstance(content, dict) else content)
    if status in BY_NAME:
        raise BY_NAME[status](status)
    if response.status_code == _UNAVAILABLE and response.retry_after:
        raise SlowDown(f"HTTP_{response.status_code}", retry_after=retry_after)
    if response.status_code != _OK:
        raise Uncertain(f"HTTP_{response.status_code}")
    if status is None or (status == SUCCESS and not isinstance(content, dict)):
        raise Uncertain("UnreadableAnswer")
    if status != SUCCESS:
        raise Unexplained(status)
    return cast("dict[str, object]", content)


def _records(content: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the list of records in a success.

    Raises:
        Uncertain: if there is none.
    """
    data = content.get("Data")
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise Uncertain("UnreadableAnswer")
    return data


def _count(number: object) -> int:
    """Return a number of contacts; 0 for anything else."""
    return number if isinstance(number, int) else 0


def _parse(body: bytes) -> object:
    """Return the body as parsed JSON, else as text, else None."""
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


def _status(word: object) -> str | None:
    """Return the status name for a name, a number or a number in a string; None for others."""
    if isinstance(word, bool) or not isinstance(word, str | int):
        return None
    text = str(word).strip(_WHITESPACE)
    name = BY_NUMBER.get(text, text)
    return name if _STATUS.fullmatch(name) else None
