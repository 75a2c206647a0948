"""The step that asks a visitor for the code sent by SMS, on a page and in a frame.

Its URL carries a signed token with the submission's key; there is no cookie and no session.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from webapp.contact import MOBILE, Contact
from webapp.forms.definitions import FormDefinition, read_arrival
from webapp.forms.tokens import InvalidToken
from webapp.messages import public as texts
from webapp.outbox.rows import Submission
from webapp.outbox.submit import Result, submission_key
from webapp.persian import fold_digits, persian_digits, strip_invisible
from webapp.portal import status_message
from webapp.verification.codes import MAX_SENDINGS, MAX_TRIES, CodeCheck, CodeState
from webapp.verification.sender import Policy, VerificationResult
from webapp.web import closing
from webapp.web import contact as contact_form
from webapp.web.rendering import public_form, see_other, services
from webapp.web.submitting import SENT, issue_receipt, request_code, too_many_codes

blueprint = Blueprint("code", __name__)

_INPUT: Final = "Code"
_TRY: Final = "try"
_CHANGE: Final = "change"
_DIGITS: Final = re.compile("[0-9]+")
# What ends the message that a browser may read itself (WebOTP): the code of this host.
_WEB_OTP: Final = re.compile("@[^ ]+ #([0-9]+)")
_METHODS: Final = ("GET", "POST")


class _Problem(NamedTuple):
    """What is wrong with what was typed: a heading, and what helps."""

    heading: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the step is shown, and for which submission.

    Attributes:
        definition: The form.
        policy: How it verifies numbers.
        embedded: Whether it is in a frame.
        token: The token of the URL.
        key: The submission's key.
        site: The site that showed the form.
        arrival: What the form takes from the address, by key.
    """

    definition: FormDefinition
    policy: Policy
    embedded: bool
    token: str
    key: str
    site: str
    arrival: Mapping[str, str]

    @property
    def form_url(self) -> str:
        """The URL of the form."""
        return f"/{'embed' if self.embedded else 'f'}/{self.definition.slug}"

    @property
    def action(self) -> str:
        """The URL to which the form is sent again."""
        return f"{self.form_url}?{urlencode(self.arrival)}" if self.arrival else self.form_url

    @property
    def url(self) -> str:
        """The URL of this step."""
        return f"{self.form_url}/code?{urlencode({'s': self.token, **self.arrival})}"

    @property
    def context(self) -> dict[str, Any]:
        """The template's variables of an embedded page."""
        return {"embed": self.definition} if self.embedded else {}


@blueprint.route("/f/<slug>/code", methods=_METHODS)
def page(slug: str) -> contact_form.ViewResult:
    """Serve the step on a page of its own."""
    return _serve(slug, embedded=False)


@blueprint.route("/embed/<slug>/code", methods=_METHODS)
def frame(slug: str) -> contact_form.ViewResult:
    """Serve the step in an iframe."""
    return _serve(slug, embedded=True)


def _find_place(slug: str, *, embedded: bool) -> _Place | None:
    """Return the submission of the URL; None if it names none."""
    definition, token = public_form(slug), request.args.get("s", "")
    with suppress(InvalidToken):
        read = services().tokens.read_submission(token, form=slug)
        if definition.verification:
            arrival = read_arrival(definition.from_url, request.args).query
            policy = definition.verification
            return _Place(definition, policy, embedded, token, read.key, read.site, arrival)
    return None


def _serve(slug: str, *, embedded: bool) -> contact_form.ViewResult:
    place = _find_place(slug, embedded=embedded)
    if place is None:
        return see_other(f"/{'embed' if embedded else 'f'}/{slug}")
    pending = services().delivery.verification.pending(place.key)
    if isinstance(pending, VerificationResult):
        return _leave(place, pending)
    return _proceed(place, *pending)


def _proceed(
    place: _Place, submission: Submission, state: CodeState | None
) -> contact_form.ViewResult:
    """Show the step, or take the person's next one."""
    if request.method != "POST":
        return _open(place, submission, state)
    if _CHANGE in request.form:  # a page of its own: Back and a reload lead to no POST
        return see_other(f"{place.url}&{_CHANGE}=1#{MOBILE}")
    if "resend" in request.form:
        return _resend(place, submission, state)
    if "review" in request.form:
        return _review(place, submission, state)
    if request.form.get(_TRY, _try(state)) != _try(state):
        left = persian_digits(state.tries_left if state else MAX_TRIES)
        error = _Problem(texts.STALE, _ended(state) or texts.LAST_CODE.format(n=left))
        return _show(place, submission, state, error=error), HTTPStatus.UNPROCESSABLE_ENTITY
    return _check(place, submission, state)


def _open(
    place: _Place, submission: Submission, state: CodeState | None
) -> contact_form.ViewResult:
    if _CHANGE in request.args and submission.contact:
        return _form(place, submission.contact), HTTPStatus.OK
    is_new = request.args.get(SENT) == "1" and not _ended(state)
    return _show(place, submission, state, note=texts.RESENT if is_new else ""), HTTPStatus.OK


def _try(state: CodeState | None) -> str:
    """Return which try the form of a page is: sent again by a reload, it is not checked again."""
    return f"{state.sendings_left}-{state.tries_left}" if state else ""


def _check(
    place: _Place, submission: Submission, state: CodeState | None
) -> contact_form.ViewResult:
    """Check the typed code; a text that is no code at all does not count as a try."""
    typed, length = request.form.get(_INPUT, ""), place.policy.length
    code = _find_code(typed, length)
    if len(code) != length:
        shape = _Problem(texts.WRONG, texts.SHAPE.format(n=persian_digits(length)))
        error = shape if typed.strip() else _Problem(texts.EMPTY)
        return _show(place, submission, state, error=error), HTTPStatus.UNPROCESSABLE_ENTITY
    verification = services().delivery.verification
    step = verification.check(place.key, code, shown=place.definition.shown)
    if step.outcome is None or step.outcome.result is not Result.CODE or step.check is None:
        return _leave(place, step, submission.contact)
    after = verification.pending(place.key)
    if isinstance(after, VerificationResult):
        return _leave(place, after)
    submission, state = after
    error = _error(step.check, state)
    return _show(place, submission, state, error=error), HTTPStatus.UNPROCESSABLE_ENTITY


def _find_code(typed: str, length: int) -> str:
    """Return the code in what was pasted: the one number that is as long as a code.

    Around it stands what messages say: how long it is valid, «لغو۱۱» in bulk SMS of Iran, or the
    host name of a message for browsers. A code with hyphens or spaces is found where nothing is
    around it.
    """
    text = fold_digits(strip_invisible(typed))
    numbers: list[str] = _WEB_OTP.findall(text) or _DIGITS.findall(text)
    fitting = {number for number in numbers if len(number) == length}
    return fitting.pop() if len(fitting) == 1 else "".join(numbers)


def _error(check: CodeCheck, state: CodeState | None) -> _Problem:
    left = state.tries_left if state else MAX_TRIES
    if check is CodeCheck.WRONG and left:
        return _Problem(texts.WRONG, texts.LAST_CODE.format(n=persian_digits(left)))
    if check is CodeCheck.WRONG:
        return _Problem(texts.WRONG, f"{texts.WRONG_LAST} {_what_helps(state)}")
    heading = texts.USED_UP if check is CodeCheck.USED_UP else texts.EXPIRED
    return _Problem(heading, _what_helps(state))


def _what_helps(state: CodeState | None) -> str:
    """Return what helps where the last code is not valid any more."""
    return texts.ASK_ANOTHER if state is None or state.may_resend else texts.NO_OTHER


def _ended(state: CodeState | None) -> str:
    """Return that the code which was sent is not valid any more, or ""."""
    if state is None or state.is_valid or state.sendings_left == MAX_SENDINGS:
        return ""
    return f"{texts.EXPIRED if state.tries_left else texts.USED_UP} {_what_helps(state)}"


def _review(
    place: _Place, submission: Submission, state: CodeState | None
) -> contact_form.ViewResult:
    """Have an operator decide about a submission for which no code is sent any more."""
    step = services().delivery.verification.leave_to_operator(place.key)
    if step.outcome and step.outcome.result is Result.CODE:
        return _show(place, submission, state), HTTPStatus.CONFLICT
    return _leave(place, step)


def _resend(
    place: _Place, submission: Submission, state: CodeState | None
) -> contact_form.ViewResult:
    """Send another code; if it is too early, say how long to wait."""
    if state and (state.resend_in_s or not state.sendings_left):
        return _wait(place, submission, state)
    step = services().delivery.verification.resend(place.key, request_code(place.policy))
    if step.was_sent:
        return see_other(f"{place.url}&{SENT}=1")
    if step.retry_after_s:
        refusal = too_many_codes(step.retry_after_s)
        shown = _show(place, submission, state, note=refusal.message)
        return shown, refusal.status, refusal.headers
    if step.outcome is None or step.outcome.result is not Result.CODE:
        return _leave(place, step)
    return _not_resent(place, is_refused=bool(step.outcome.status))


def _not_resent(place: _Place, *, is_refused: bool) -> contact_form.ViewResult:
    """Answer that no other code was sent: it failed, or another request was faster."""
    after = services().delivery.verification.pending(place.key)
    if isinstance(after, VerificationResult):
        return _leave(place, after)
    if is_refused:
        shown = _show(place, *after, note=texts.NOT_RESENT)
        return shown, HTTPStatus.SERVICE_UNAVAILABLE
    return _wait(place, *after)


def _wait(
    place: _Place, submission: Submission, state: CodeState | None
) -> contact_form.ViewResult:
    status = HTTPStatus.TOO_MANY_REQUESTS
    if state and not state.sendings_left:  # waiting does not help
        return _show(place, submission, state), status
    seconds = math.ceil(state.resend_in_s) if state else 0
    note = texts.TOO_EARLY.format(n=persian_digits(seconds))
    headers = {"Retry-After": str(seconds or 1)}
    return _show(place, submission, state, note=note), status, headers


def _show(
    place: _Place,
    submission: Submission,
    state: CodeState | None,
    *,
    error: _Problem | None = None,
    note: str = "",
) -> str:
    """Render the step, with an error at the input or a note on sending again."""
    is_unsent = request.args.get(SENT) == "0"
    return render_template(
        "code/code.html",
        definition=place.definition,
        reference=submission.reference,
        mobile=persian_digits(str(submission.contact[MOBILE])) if submission.contact else "",
        length=place.policy.length,
        seconds=math.ceil(state.resend_in_s) if state else 0,
        is_sent=state is not None and state.sendings_left < MAX_SENDINGS and not is_unsent,
        ended=_ended(state),
        may_resend=state is None or state.may_resend,
        error=error,
        note=note,
        action=place.url,
        try_=_try(state),
        **place.context,
    )


def _leave(
    place: _Place, step: VerificationResult, contact: Contact | None = None
) -> contact_form.ViewResult:
    """Answer with what became of a submission that waits for no code any more."""
    outcome, contact = step.outcome, step.contact or contact
    if outcome is None and (why := closing.closure(place.definition)):
        html, _ = closing.page(place.definition, why, note=texts.GONE_CLOSED, **place.context)
        return html, HTTPStatus.GONE
    if outcome is None:
        return _form(place, None, message=texts.GONE), HTTPStatus.GONE
    if outcome.is_accepted:
        verified = str(contact[MOBILE]) if contact and step.check is CodeCheck.RIGHT else ""
        receipt = issue_receipt(place.definition, outcome, site=place.site, mobile=verified)
        done = "/done" if place.embedded else ""
        return see_other(f"{place.form_url}{done}?r={receipt}")
    if outcome.result is Result.REJECTED and contact:
        message, fields = status_message(outcome.status), outcome.fields
        form = _form(place, contact, message=message, fields=fields)
        return form, HTTPStatus.UNPROCESSABLE_ENTITY
    return see_other(place.form_url)


def _form(
    place: _Place, contact: Contact | None, *, message: str = "", fields: Sequence[str] = ()
) -> str:
    """Render the form again, for a new submission in place of this one.

    Args:
        place: The submission.
        contact: Its contact, whose values are kept.
        message: Why, if it is an error.
        fields: The API names of the fields that may be wrong.
    """
    # A contact was stored, so its person has given the consent.
    values = {**contact.values, "consent": True} if contact else {}
    form = services().forms[place.definition.slug](formdata=None, data=values)
    if "Email" in form:  # and has answered about an address that looks misspelt
        form["Email"].asked = form["Email"].data
    token = services().tokens.issue(place.definition.slug, site=place.site)
    form.csrf_token.current_token = token
    if message:
        form.refuse(message, fields=fields)
    previous = _previous(place, contact, is_new=bool(message)) if contact else ""
    return contact_form.page(form, action=place.action, previous=previous, **place.context)


def _previous(place: _Place, contact: Contact, *, is_new: bool) -> str:
    """Return the token by which a form replaces this submission.

    Args:
        place: The submission.
        contact: Its contact.
        is_new: Whether the same contact, sent again, is a new submission.
    """
    unchanged = "" if is_new else submission_key(place.key, contact)
    return services().tokens.issue_submission(
        place.definition.slug, key=place.key, site=place.site, unchanged=unchanged
    )
