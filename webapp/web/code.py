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
from webapp.web.contact import ViewResult
from webapp.web.rendering import public_form, see_other, services
from webapp.web.security import showing_site
from webapp.web.submitting import SENT, issue_receipt, request_code, too_many_codes

blueprint = Blueprint("code", __name__)

_INPUT: Final = "Code"
_TRY: Final = "try"
_CHANGE: Final = "change"
_DIGITS: Final = re.compile("[0-9]+")
# The end of a message for browsers (WebOTP): this host, and its code.
_WEB_OTP: Final = re.compile("@[^ ]+ #([0-9]+)")
_METHODS: Final = ("GET", "POST")

# A submission that waits for its code, and the state of the code.
_Pending = tuple[Submission, CodeState | None]


class _CodeError(NamedTuple):
    """Why the typed text was not accepted: a heading, and what helps."""

    heading: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class _CodePage:
    """The page of the result, for one submission.

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
        """The template's variables that only an embedded page has."""
        return {"embed": self.definition} if self.embedded else {}


@blueprint.route("/f/<slug>/code", methods=_METHODS)
def own_page(slug: str) -> ViewResult:
    """Serve the step on a page of its own."""
    return _serve(slug, embedded=False)


@blueprint.route("/embed/<slug>/code", methods=_METHODS)
def frame(slug: str) -> ViewResult:
    """Serve the step in an iframe."""
    return _serve(slug, embedded=True)


def _read_page(slug: str, *, embedded: bool) -> _CodePage | None:
    """Return the page of the URL, of no submission if its token is not valid; None without one."""
    definition, token = public_form(slug), request.args.get("s", "")
    policy, key, site = definition.verification, "", showing_site(definition)
    if not (policy and token):
        return None
    with suppress(InvalidToken):
        read = services().tokens.read_submission(token, form=slug)
        key, site = read.key, read.site
    arrival = read_arrival(definition.from_url, request.args).query
    return _CodePage(definition, policy, embedded, token, key, site, arrival)


def _serve(slug: str, *, embedded: bool) -> ViewResult:
    page = _read_page(slug, embedded=embedded)
    if page is None:
        return see_other(f"/{'embed' if embedded else 'f'}/{slug}")
    pending = services().delivery.verification.pending(page.key)
    if isinstance(pending, VerificationResult):
        return _leave(page, pending)
    return _proceed(page, pending)


def _proceed(page: _CodePage, pending: _Pending) -> ViewResult:
    """Show the step, or handle its form."""
    if request.method != "POST":
        return _open(page, pending)
    if _CHANGE in request.form:  # a page of its own: Back and a reload lead to no POST
        return see_other(f"{page.url}&{_CHANGE}=1#{MOBILE}")
    if "resend" in request.form:
        return _resend(page, pending)
    if "review" in request.form:
        return _review(page, pending)
    _, state = pending
    if request.form.get(_TRY, _try(state)) != _try(state):
        left = persian_digits(state.tries_left if state else MAX_TRIES)
        error = _CodeError(texts.STALE, _ended(state) or texts.LAST_CODE.format(n=left))
        return _show(page, pending, error=error), HTTPStatus.UNPROCESSABLE_ENTITY
    return _check(page, pending)


def _open(page: _CodePage, pending: _Pending) -> ViewResult:
    submission, state = pending
    if _CHANGE in request.args and submission.contact:
        return _form(page, submission.contact), HTTPStatus.OK
    is_new = request.args.get(SENT) == "1" and not _ended(state)
    return _show(page, pending, note=texts.RESENT if is_new else ""), HTTPStatus.OK


def _try(state: CodeState | None) -> str:
    """Return the number of a try: a form that a reload sends again is not checked again."""
    return f"{state.sendings_left}-{state.tries_left}" if state else ""


def _check(page: _CodePage, pending: _Pending) -> ViewResult:
    """Check the typed code; a text that is no code at all does not count as a try."""
    typed, length = request.form.get(_INPUT, ""), page.policy.length
    code = _find_code(typed, length)
    if len(code) != length:
        shape = _CodeError(texts.WRONG, texts.SHAPE.format(n=persian_digits(length)))
        error = shape if typed.strip() else _CodeError(texts.EMPTY)
        return _show(page, pending, error=error), HTTPStatus.UNPROCESSABLE_ENTITY
    verification = services().delivery.verification
    result = verification.check(page.key, code, shown=page.definition.shown)
    if result.outcome is None or result.outcome.result is not Result.CODE or result.check is None:
        return _leave(page, result, pending[0].contact)
    after = verification.pending(page.key)
    if isinstance(after, VerificationResult):
        return _leave(page, after)
    error = _error(result.check, after[1])
    return _show(page, after, error=error), HTTPStatus.UNPROCESSABLE_ENTITY


def _find_code(typed: str, length: int) -> str:
    """Return the code in what was pasted: the one number that is as long as a code.

    A pasted message has other texts as well: how long the code is valid, «لغو۱۱» in bulk SMS of
    Iran, or a host name for browsers. A code with hyphens or spaces is read only without them.
    """
    text = fold_digits(strip_invisible(typed))
    numbers: list[str] = _WEB_OTP.findall(text) or _DIGITS.findall(text)
    fitting = {number for number in numbers if len(number) == length}
    return fitting.pop() if len(fitting) == 1 else "".join(numbers)


def _error(check: CodeCheck, state: CodeState | None) -> _CodeError:
    left = state.tries_left if state else MAX_TRIES
    if check is CodeCheck.WRONG and left:
        return _CodeError(texts.WRONG, texts.LAST_CODE.format(n=persian_digits(left)))
    if check is CodeCheck.WRONG:
        return _CodeError(texts.WRONG, f"{texts.WRONG_LAST} {_what_helps(state)}")
    heading = texts.USED_UP if check is CodeCheck.USED_UP else texts.EXPIRED
    return _CodeError(heading, _what_helps(state))


def _what_helps(state: CodeState | None) -> str:
    """Return what helps once the last code is no longer valid."""
    return texts.ASK_ANOTHER if state is None or state.may_resend else texts.NO_OTHER


def _ended(state: CodeState | None) -> str:
    """Return a sentence if the code that was sent is no longer valid, or ""."""
    if state is None or state.is_valid or state.sendings_left == MAX_SENDINGS:
        return ""
    return f"{texts.EXPIRED if state.tries_left else texts.USED_UP} {_what_helps(state)}"


def _review(page: _CodePage, pending: _Pending) -> ViewResult:
    """Have an operator decide about a submission for which no code is sent any more."""
    result = services().delivery.verification.leave_to_operator(page.key)
    if result.outcome and result.outcome.result is Result.CODE:
        return _show(page, pending), HTTPStatus.CONFLICT
    return _leave(page, result)


def _resend(page: _CodePage, pending: _Pending) -> ViewResult:
    """Send another code; if it is too early, say how long to wait."""
    _, state = pending
    if state and (state.resend_in_s or not state.sendings_left):
        return _wait(page, pending)
    result = services().delivery.verification.resend(page.key, request_code(page.policy))
    if result.was_sent:
        return see_other(f"{page.url}&{SENT}=1")
    if result.retry_after_s:
        refusal = too_many_codes(result.retry_after_s)
        return _show(page, pending, note=refusal.message), refusal.status, refusal.headers
    if result.outcome is None or result.outcome.result is not Result.CODE:
        return _leave(page, result)
    return _not_resent(page, is_refused=bool(result.outcome.status))


def _not_resent(page: _CodePage, *, is_refused: bool) -> ViewResult:
    """Respond that no other code was sent: it failed, or another request was faster."""
    after = services().delivery.verification.pending(page.key)
    if isinstance(after, VerificationResult):
        return _leave(page, after)
    if is_refused:
        return _show(page, after, note=texts.NOT_RESENT), HTTPStatus.SERVICE_UNAVAILABLE
    return _wait(page, after)


def _wait(page: _CodePage, pending: _Pending) -> ViewResult:
    _, state = pending
    status = HTTPStatus.TOO_MANY_REQUESTS
    if state and not state.sendings_left:  # waiting does not help
        return _show(page, pending), status
    seconds = math.ceil(state.resend_in_s) if state else 0
    note = texts.TOO_EARLY.format(n=persian_digits(seconds))
    headers = {"Retry-After": str(seconds or 1)}
    return _show(page, pending, note=note), status, headers


def _show(
    page: _CodePage,
    pending: _Pending,
    *,
    error: _CodeError | None = None,
    note: str = "",
) -> str:
    """Render the step, with an error at the input or a note on sending again."""
    submission, state = pending
    is_unsent = request.args.get(SENT) == "0"
    return render_template(
        "code/code.html",
        definition=page.definition,
        reference=submission.reference,
        mobile=persian_digits(str(submission.contact[MOBILE])) if submission.contact else "",
        length=page.policy.length,
        seconds=math.ceil(state.resend_in_s) if state else 0,
        is_sent=state is not None and state.sendings_left < MAX_SENDINGS and not is_unsent,
        ended=_ended(state),
        may_resend=state is None or state.may_resend,
        error=error,
        note=note,
        action=page.url,
        try_=_try(state),
        **page.context,
    )


def _leave(
    page: _CodePage, result: VerificationResult, contact: Contact | None = None
) -> ViewResult:
    """Respond with the outcome of a submission that no longer waits for a code."""
    outcome, contact = result.outcome, result.contact or contact
    if outcome is None and (why := closing.closure(page.definition)):
        html, _ = closing.page(page.definition, why, note=texts.GONE_CLOSED, **page.context)
        return html, HTTPStatus.GONE
    if outcome is None:
        return _form(page, None, message=texts.GONE), HTTPStatus.GONE
    if outcome.is_accepted:
        verified = str(contact[MOBILE]) if contact and result.check is CodeCheck.RIGHT else ""
        receipt = issue_receipt(page.definition, outcome, site=page.site, mobile=verified)
        done = "/done" if page.embedded else ""
        return see_other(f"{page.form_url}{done}?r={receipt}")
    if outcome.result is Result.REJECTED and contact:
        message, fields = status_message(outcome.status), outcome.fields
        form = _form(page, contact, message=message, fields=fields)
        return form, HTTPStatus.UNPROCESSABLE_ENTITY
    return see_other(page.form_url)


def _form(
    page: _CodePage, contact: Contact | None, *, message: str = "", fields: Sequence[str] = ()
) -> str:
    """Render the form again, for a new submission in place of this one.

    It has the values of this contact, and an error at these fields if there is a message.
    """
    # A stored contact has the consent.
    values = {**contact.values, "consent": True} if contact else {}
    form = services().forms[page.definition.slug](formdata=None, data=values)
    if "Email" in form:  # the question about a misspelt address has been answered
        form["Email"].asked = form["Email"].data
    token = services().tokens.issue(page.definition.slug, site=page.site)
    form.csrf_token.current_token = token
    if message:
        form.refuse(message, fields=fields)
    previous = _previous(page, contact, is_new=bool(message)) if contact else ""
    return contact_form.page(form, action=page.action, previous=previous, **page.context)


def _previous(page: _CodePage, contact: Contact, *, is_new: bool) -> str:
    """Return the token by which a form replaces this submission.

    With `is_new`, the same contact, sent again, is a new submission.
    """
    unchanged = "" if is_new else submission_key(page.key, contact)
    return services().tokens.issue_submission(
        page.definition.slug, key=page.key, site=page.site, unchanged=unchanged
    )
