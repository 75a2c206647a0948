"""The list of an operator's last submissions, below their form."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, abort, current_app, g, request
from markupsafe import Markup

from webapp import messages, persian
from webapp.delivery.database import DatabaseError
from webapp.delivery.submission import NEEDS_ATTENTION, WAITING, State
from webapp.forms.definitions import Access
from webapp.messages import workbench
from webapp.web.recent import COOKIE_NAME, Entry, make_entry, seconds_left_today
from webapp.web.views import (
    form_path,
    has_token,
    render_part,
    require_intranet,
    see_other,
    services,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.contact import Contact
    from webapp.delivery.outcome import Outcome
    from webapp.forms.definitions import FormDefinition

blueprint = Blueprint("recent", __name__)

_FORM_SLUG: Final = ":recent"  # of the token of the button below; no slug has a colon
_MESSAGES: Final[Mapping[State | None, str]] = {
    **dict.fromkeys(WAITING, workbench.RECENT_QUEUED),
    **dict.fromkeys(NEEDS_ATTENTION, messages.NEEDS_ATTENTION),
    State.DELIVERED: workbench.RECENT_DELIVERED,
    None: workbench.RECENT_GONE,
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


def _row(entry: Entry, states: Mapping[str, State | None]) -> dict[str, Any]:
    state = states.get(entry.reference, State.DELIVERED)
    return {
        "reference": entry.reference,
        "time": persian.persian_digits(f"{entry.submitted_at:%H:%M}"),
        "name": entry.name,
        "mobile": persian.persian_digits(entry.mobile),
        "state": _MESSAGES[state],
        "needs_attention": state in NEEDS_ATTENTION,
        "has_shared": bool(entry.shared),
    }


def _states(entries: list[Entry]) -> Mapping[str, State | None]:
    """Return the states of these submissions by reference; None for those that are gone.

    While the database fails, they are what the operator was told.
    """
    references = [entry.reference for entry in entries]
    try:
        found = services().delivery.outbox.review.states(references) if references else {}
    except DatabaseError:
        return dict.fromkeys(references, State.QUEUED)
    return {reference: found.get(reference) for reference in references}


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
