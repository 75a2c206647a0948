"""The AmootSMS client: writes the fields of a call, sends it, and reads the portal's response."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

import requests

from webapp.contact import EMPTY_VALUES, FIELDS, LABELS, MOBILE, Contact, FieldKind, Value
from webapp.observability.metrics import Metrics
from webapp.portal import BY_NAME, SUCCESS, KnownContact, Label, PortalError, TimedOut, Unexplained
from webapp.portal.answers import Answer, Response, contact_id, read_answer
from webapp.portal.matching import describe, find_matches
from webapp.portal.transport import DIRECT, Route, Transport

_CODE: Final = re.compile(r"[0-9]{1,8}")


def sent_code(answer: Answer, wanted: str) -> str:
    """Return the code that was sent; the one that was wanted if the answer names none."""
    code = answer.get("Code")
    text = "" if isinstance(code, bool) or not isinstance(code, str | int) else str(code).strip()
    # As a number it has lost the zeros in front.
    return text.zfill(len(wanted)) if _CODE.fullmatch(text) else wanted


def has_cancelled(answer: Answer) -> bool:
    """Return whether an answer of IsBlackList_ByCancelation says that a number is blocked."""
    return any(item.get("IsBlackList") is True for item in answer.objects())


StoredContact = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Empty:
    """What is sent for fields without input.

    The portal's reference marks each parameter mandatory, and `GenderType` as a Bool; none of its
    pages says what an empty one means.

    Attributes:
        gender: The value of `GenderType`; "" for an empty one, None to omit it.
        is_sent: Whether other empty fields are sent.
    """

    gender: str | None = ""
    is_sent: bool = True


SENT_EMPTY: Final = Empty()


def payload(contact: Contact, empty: Empty = SENT_EMPTY) -> list[tuple[str, str]]:
    """Return the fields of ContactCreate, in the order of the table.

    Args:
        contact: What is sent.
        empty: What is sent for its empty fields.
    """
    pairs = [("ContactGroupID", "0")]  # disabled by the portal, which groups by Labels
    for name, row in FIELDS.items():
        value = contact[name]
        if value not in EMPTY_VALUES:
            texts = value if isinstance(value, tuple) else (_text(value),)
            pairs.extend((name, text) for text in texts)
        elif row.kind is FieldKind.GENDER:
            pairs += [] if empty.gender is None else [(name, empty.gender)]
        elif empty.is_sent:
            pairs.append((name, ""))
    return pairs


def edit_payload(contact: Contact, empty: Empty) -> list[tuple[str, str]]:
    """Return the fields of ContactEdit: all but `Labels`, so that the stored ones may stay.

    Args:
        contact: What is sent.
        empty: What is sent for no gender; other empty fields are always sent, to erase them.
    """
    pairs = payload(contact, Empty(gender=empty.gender))
    return [pair for pair in pairs if pair[0] != LABELS]


def _text(value: Value) -> str:
    """Return a value as the portal's samples write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_SEND_CODE: Final = "SendQuickOTP"
_BLOCKED: Final = "IsBlackList_ByCancelation"
_METHODS: Final = (
    *("ContactCreate", "ContactSearch", "ContactGroupList", "AccountStatus"),
    *(_SEND_CODE, _BLOCKED),
    *("ContactEdit", "ContactDelete"),  # only `call_raw` uses the latter
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
        self,
        *,
        url: str,
        token: str,
        deadline: float,
        empty: Empty = SENT_EMPTY,
        metrics: Metrics | None = None,
        route: Route = DIRECT,
    ) -> None:
        """Set up the client. Nothing comes from the environment.

        Args:
            url: The portal's base URL.
            token: The account's token.
            deadline: The maximum duration of one whole call, in seconds.
            empty: What ContactCreate is sent for empty fields.
            metrics: Where calls are counted, if anywhere.
            route: The way to the portal.

        Raises:
            ValueError: if the address is not plain http(s), holds a user name, or the token
                holds anything but printable ASCII.
        """
        parts = urlsplit(url)
        # A user name in the address would replace the token in `Authorization`.
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("the portal's address must be http(s)://host/…, with no user name")
        self._url = url.rstrip("/")
        self._empty = empty
        self._requests = self._prepare(token)
        self._transport = Transport(deadline, route)
        self._metrics = metrics

    def with_token(self, token: str) -> AmootPortal:
        """Return a client of the same portal, reached in the same way, with another token."""
        other = copy.copy(self)
        other._requests = self._prepare(token)  # noqa: SLF001  its own class
        return other

    def __repr__(self) -> str:
        """Return the URL without the token."""
        return f"AmootPortal({self._url!r})"

    @property
    def empty(self) -> Empty:
        """What ContactCreate is sent for empty fields."""
        return self._empty

    def create_contact(self, contact: Contact) -> int | None:
        """Store a contact; return its ID, or None if the portal returns none.

        Raises:
            PortalError: by what to do next.
        """
        pairs = payload(contact, self._empty)
        answer = self._call("ContactCreate", pairs, mobile=str(contact[MOBILE]))
        ids = (contact_id(item) for item in answer.objects())
        return next((number for number in ids if number is not None), None)

    def search_contacts(self, *, mobile: str, label: str = "") -> list[StoredContact]:
        """Return the stored contacts with this number, as the portal writes them.

        Args:
            mobile: The number.
            label: Return only contacts with this label; "" for all.

        Raises:
            PortalError: by what to do next.
        """
        wanted = [("Mobile", mobile)] + [("Labels", label)] * bool(label)
        return self._call("ContactSearch", wanted).records()

    def edit_contact(self, number: int, contact: Contact) -> None:
        """Replace the values of the stored contact with this ID; see `Portal`."""
        pairs = [("ContactID", str(number)), *edit_payload(contact, self._empty)]
        self._call("ContactEdit", pairs, mobile=str(contact[MOBILE]))

    def known_contacts(self, mobile: str, *, label: str = "") -> list[KnownContact]:
        """Return the stored contacts with this number; see `Portal`."""
        return list(describe(self.search_contacts(mobile=mobile, label=label), mobile=mobile))

    def find_contacts(self, contact: Contact, *, since: datetime) -> list[int | None]:
        """Return the IDs of the stored contacts with this contact's values; see `Portal`."""
        return find_matches(contact, self.search_contacts(mobile=str(contact[MOBILE])), since=since)

    def with_labels(
        self, contact: Contact, ids: list[int | None], *, until: float
    ) -> list[int | None]:
        """Return those of these contacts that have all labels of this contact; see `Portal`.

        ContactSearch returns no labels, but searches by them: one call for each label.
        """
        for label in contact.labels if ids else ():
            if time.monotonic() > until:
                raise TimedOut
            labelled = self.search_contacts(mobile=str(contact[MOBILE]), label=label)
            numbers = {contact_id(record) for record in labelled}
            ids = [number for number in ids if number in numbers]
        return ids

    def labels(self) -> list[Label]:
        """Return the labels that exist; see `Portal`. The portal calls them groups, too."""
        groups = self._call("ContactGroupList", []).records()
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
        answer = self._call("AccountStatus", [])
        name, credit = answer.get("AccountName"), answer.get("RemaindCredit")
        return AccountStatus(
            name="" if name is None else str(name), credit="" if credit is None else str(credit)
        )

    def call_raw(self, method: str, pairs: Sequence[tuple[str, str]]) -> Response:
        """Make one call and return its response unread, for `amoot-form check --portal`.

        Raises:
            Unreachable: if the request was certainly not sent.
            Uncertain: if it may have been sent, and no whole response came.
        """
        return self._transport.post(self._requests[method], pairs)

    def _prepare(self, token: str) -> Mapping[str, requests.PreparedRequest]:
        """Return a request for each method, without its body, which all calls of it share."""
        if not _TOKEN.fullmatch(token):
            raise ValueError("the token must be printable ASCII, with no white space")
        # The bare token, no "Bearer"; the other headers are those of the reference's sample.
        headers = {**requests.utils.default_headers(), "Authorization": token}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return {
            name: requests.Request("POST", f"{self._url}/{name}", headers=headers).prepare()
            for name in _METHODS
        }

    def _call(self, method: str, pairs: Sequence[tuple[str, str]], *, mobile: str = "") -> Answer:
        began = time.monotonic()
        try:
            answer = read_answer(self._transport.post(self._requests[method], pairs), mobile=mobile)
        except PortalError as error:
            self._count(method, _metric_status(error), began)
            raise
        self._count(method, SUCCESS, began)
        return answer

    def _count(self, method: str, status: str, began: float) -> None:
        if self._metrics:
            self._metrics.count_call(method, status, time.monotonic() - began)


def _metric_status(error: PortalError) -> str:
    """Return an error's status, or "Other" for a name that is not documented."""
    is_strange = isinstance(error, Unexplained) and error.status not in BY_NAME
    return "Other" if is_strange else error.status


def _count(number: object) -> int:
    """Return a number of contacts; 0 for anything else."""
    return number if isinstance(number, int) else 0
