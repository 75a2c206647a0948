"""The list of an operator's last submissions of the day, below their form.

It is in an encrypted cookie of their browser: the submissions hold personal data, which leaves the
outbox at delivery. No server stores them, and without the key the cookie cannot be read.
"""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Blueprint, Response, abort, current_app, g, request
from markupsafe import Markup

from webapp import messages, persian
from webapp.contact import FIELDS, MOBILE, Contact
from webapp.database import DatabaseError
from webapp.forms.definitions import Access, FormDefinition
from webapp.messages import desk
from webapp.outbox.rows import NEEDS_ATTENTION, WAITING, State
from webapp.outbox.submit import Outcome
from webapp.persian import IRAN
from webapp.web.rendering import form_path, has_token, require_intranet, see_other, services
from webapp.web.rendering.content import render_part

COOKIE_NAME: Final = "amoot_recent"

_MAX_ENTRIES: Final = 10
_MAX_COOKIE_BYTES: Final = 3800  # browsers keep 4096, the name and attributes included
_MAX_PLAIN_BYTES: Final = 64 * 1024
_HIDDEN: Final = "•••"
_SHOWN_DIGITS: Final = 4  # at either end of a mobile number


class Entry(NamedTuple):
    """A submission of this browser; in the cookie a list of its values.

    Attributes:
        reference: Its reference.
        result: The result on its receipt.
        at: When it was submitted, in seconds since the epoch.
        names: The first and the last name, or the company; may be empty.
        mobile: The mobile number in Latin digits; lists hide those in the middle.
        shared: The values with which a similar contact begins, by field name.
    """

    reference: str
    result: str
    at: int
    names: list[str]
    mobile: str
    shared: Mapping[str, Any]

    @property
    def submitted_at(self) -> datetime:
        """When it was submitted, as Iran's clocks showed it."""
        return datetime.fromtimestamp(self.at, IRAN)

    @property
    def hidden_mobile(self) -> str:
        """The number without its digits in the middle."""
        return f"{self.mobile[:_SHOWN_DIGITS]}{_HIDDEN}{self.mobile[-_SHOWN_DIGITS:]}"


def make_entry(contact: Contact, *, reference: str, result: str) -> Entry:
    """Return the entry of a contact that was submitted just now."""
    values = contact.values
    shared = {row.name: values[row.name] for row in FIELDS.values() if row.is_shared}
    return Entry(
        reference=reference,
        result=result,
        at=int(datetime.now(UTC).timestamp()),
        names=contact.names,
        mobile=str(values[MOBILE]),
        shared={field: value for field, value in shared.items() if value},
    )


class RecentSubmissions:
    """Reads and writes the cookie."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Encrypt with a key made from the first of these keys, and decrypt with all of them."""
        self._fernet = MultiFernet([Fernet(_fernet_key(key)) for key in keys])

    def read(self, cookie: str, *, operator: str | None) -> list[Entry]:
        """Return today's entries, newest first.

        Args:
            cookie: The cookie; if it is missing, invalid or another operator's, there are none.
            operator: The login name, where operators log in.
        """
        try:
            packed = self._fernet.decrypt(cookie.encode())
            owner, rows = json.loads(zlib.decompressobj().decompress(packed, _MAX_PLAIN_BYTES))
            entries = [Entry(*row) for row in rows if owner == operator]
            since = _start_of_day().timestamp()
            # Cookies of version 1.0 have one text as the name, and a number with hidden digits.
            return [it for it in entries if it.at >= since and isinstance(it.names, list)]
        except (InvalidToken, zlib.error, ValueError, TypeError):
            # All but the first are raised by cookies of another version.
            return []

    def write(self, entry: Entry, older: Sequence[Entry], *, operator: str | None) -> str:
        """Return the cookie of an entry and as many of the older ones as fit."""
        entries = [entry, *(other for other in older if other.reference != entry.reference)]
        most = min(len(entries), _MAX_ENTRIES)
        cookies = (self._encrypt([operator, entries[:count]]) for count in range(most, -1, -1))
        return next(cookie for cookie in cookies if len(cookie) <= _MAX_COOKIE_BYTES)

    def _encrypt(self, content: list[object]) -> str:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return self._fernet.encrypt(zlib.compress(text.encode(), 9)).decode()


def seconds_left_today() -> int:
    """Return the seconds until midnight in Iran."""
    return int((_start_of_day() + timedelta(days=1) - datetime.now(IRAN)).total_seconds())


def _start_of_day() -> datetime:
    return datetime.now(IRAN).replace(hour=0, minute=0, second=0, microsecond=0)


def _fernet_key(key: str) -> bytes:
    """Return a key of 32 bytes for only this purpose, as Fernet wants it written."""
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), b"recent submissions", "sha256"))


blueprint = Blueprint("recent", __name__)

_FORM_SLUG: Final = ":recent"  # of the token of the button below; no slug has a colon
_MESSAGES: Final[Mapping[State | None, str]] = {
    **dict.fromkeys(WAITING, desk.RECENT_QUEUED),
    **dict.fromkeys(NEEDS_ATTENTION, messages.NEEDS_ATTENTION),
    State.DELIVERED: desk.RECENT_DELIVERED,
    None: desk.RECENT_GONE,
}


def recent_list(definition: FormDefinition) -> Markup:
    """Render the last submissions of this browser; nothing for visitors, or if there are none."""
    entries = _entries() if definition.access is Access.INTRANET else []
    if not entries:
        return Markup()
    states = _states([entry for entry in entries if entry.result != State.DELIVERED])
    return render_part(
        "contact/recent.html",
        rows=[_row(entry, states) for entry in entries],
        token=services().tokens.issue(_FORM_SLUG),
        definition=definition,
        path=form_path(definition),
    )


class _RecentRow(NamedTuple):
    """A row of the list, as the template shows it."""

    reference: str
    time: str
    names: list[str]
    mobile: str
    state: str
    tone: str
    needs_attention: bool
    has_shared: bool
    can_correct: bool


def _row(entry: Entry, states: Mapping[str, State | None]) -> _RecentRow:
    state = states.get(entry.reference, State.DELIVERED)
    return _RecentRow(
        reference=entry.reference,
        time=persian.persian_digits(f"{entry.submitted_at:%H:%M}"),
        names=entry.names,
        mobile=persian.persian_digits(entry.hidden_mobile),
        state=_MESSAGES[state],
        tone="" if state is State.DELIVERED else "info" if state else "gone",
        needs_attention=state in NEEDS_ATTENTION,
        has_shared=bool(entry.shared),
        can_correct=state is not None,
    )


def _states(entries: list[Entry]) -> Mapping[str, State | None]:
    """Return the states of these submissions by reference; None for those that are gone.

    While the database fails, all are queued, as the receipts said.
    """
    references = [entry.reference for entry in entries]
    try:
        states = services().delivery.outbox.review.states(references) if references else {}
    except DatabaseError:
        return dict.fromkeys(references, State.QUEUED)
    return {reference: states.get(reference) for reference in references}


def find_entry(reference: str) -> Entry | None:
    """Return the entry of this reference from the browser's cookie."""
    return next((entry for entry in _entries() if entry.reference == reference), None)


def remember(response: Response, contact: Contact, outcome: Outcome) -> Response:
    """Add a submission to the cookie, unless RECENT_SUBMISSIONS is off."""
    recent = services().recent
    if recent:
        entry = make_entry(contact, reference=outcome.reference, result=outcome.result)
        cookie = recent.write(entry, _entries(), operator=services().basic_auth.operator)
        response.set_cookie(
            COOKIE_NAME,
            cookie,
            max_age=seconds_left_today(),
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return response


def _entries() -> list[Entry]:
    """Return the entries of this request's cookie, which is decrypted once."""
    if "recent_entries" not in g:
        recent, cookie = services().recent, request.cookies.get(COOKIE_NAME, "")
        operator = services().basic_auth.operator
        g.recent_entries = recent.read(cookie, operator=operator) if recent and cookie else []
    entries: list[Entry] = g.recent_entries
    return entries


@blueprint.post("/recent/<slug>/forget")
def forget(slug: str) -> Response:
    """Delete the cookie, and return to the form of this slug."""
    require_intranet()
    definition = services().definitions.get(slug) or abort(HTTPStatus.NOT_FOUND)
    response = see_other(form_path(definition))
    if has_token(_FORM_SLUG):
        response.delete_cookie(COOKIE_NAME)
    return response
