"""Shows a form, and handles its POST. Page and embed differ only in how success is shown."""

from __future__ import annotations

import json
from contextvars import Context
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, current_app, render_template, request
from markupsafe import Markup, escape

from webapp import messages, persian
from webapp.contact import MOBILE
from webapp.delivery.funnel import Step
from webapp.delivery.intake import submission_key
from webapp.delivery.outcome import Outcome, Result
from webapp.forms.definitions import Access
from webapp.forms.form import HONEYPOT_INPUT, showing_site
from webapp.forms.layout import arrange
from webapp.forms.request_origin import own_origin
from webapp.forms.tokens import Receipt
from webapp.portal.base import status_message
from webapp.web import compression
from webapp.web.page_cache import CachedPage, placeholders
from webapp.web.request import MAX_BODY_BYTES
from webapp.web.views import own_address, render_part, services, waiting
from webapp.web.views.header import operators_header
from webapp.web.views.recent import find_entry, recent_list
from webapp.web.views.submitting import ask_code, previous_token, submit
from webapp.web.views.vetting import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from webapp.contact import Contact
    from webapp.delivery.circuit_breaker import Pause
    from webapp.forms.definitions import FormDefinition
    from webapp.forms.form import ContactForm
    from webapp.portal.base import KnownContact

ViewResult = Response | tuple[str, HTTPStatus] | tuple[str, HTTPStatus, dict[str, str]]

PREVIEW: Final = "preview"  # the key in the address of a page that an operator looks at

_MAX_CACHED_PAGES: Final = 100
_INVALID: Final = "invalid"  # the outcome in the metrics of a form that was not accepted


def serve(
    form: ContactForm,
    *,
    accepted: Callable[[ContactForm, Outcome], Response],
    submit: Callable[[ContactForm, Contact], Outcome] = submit,
    corrects: str = "",
    **context: Any,
) -> ViewResult:
    """Show a form, or handle its POST.

    Args:
        form: The form of this request.
        accepted: Returns the response to a submission that was delivered, or will be.
        submit: Submits the contact.
        corrects: The reference of the submission that the form corrects, or "".
        context: Further variables of the template.
    """
    if request.method != "POST":
        return page(form, **context), HTTPStatus.OK
    count = services().metrics.count_submission
    if status := _validate(form):
        count(form.definition.slug, _INVALID)
        return page(form, **context), status
    contact = form.to_contact()
    if known := _known_contacts(form, contact, corrects):
        return page(form, known=known, **context), HTTPStatus.CONFLICT
    try:
        outcome = submit(form, contact)
    except Refusal as refusal:
        count(form.definition.slug, _INVALID)
        form.refuse(refusal.message)
        is_too_many = refusal.status is HTTPStatus.TOO_MANY_REQUESTS
        return page(form, refetch=is_too_many, **context), refusal.status, refusal.headers
    onward = {Result.DELIVERED: accepted, Result.QUEUED: accepted, Result.CODE: ask_code}
    if proceed := onward.get(outcome.result):
        return proceed(form, outcome)
    status = _failure(form, outcome)
    return page(form, outcome, **context), status


def _known_contacts(form: ContactForm, contact: Contact, corrects: str) -> list[KnownContact]:
    """Return the contacts about which an operator is asked before creating another one."""
    if not form.definition.asks_about_duplicates or _is_confirmed(form):
        return []
    duplicates = services().delivery.duplicates
    if corrects:
        return duplicates.with_mobile(str(contact[MOBILE]), but=corrects)
    return duplicates.find(contact, submission_key(form.token.nonce, contact))


def _is_confirmed(form: ContactForm) -> bool:
    """Return whether the operator has said that another contact with this number is created.

    An answer counts for the number that was asked about, if the request names one.
    """
    asked = request.form.getlist(f"{MOBILE}-asked")
    return request.form.get("confirm") == "create" and (not asked or form[MOBILE].data in asked)


def _failure(form: ContactForm, outcome: Outcome) -> HTTPStatus:
    """Return the HTTP status of a failed submission; add a rejection to its field."""
    if outcome.result is Result.REJECTED:
        form.refuse(status_message(outcome.status), fields=outcome.fields)
        form.renew_token()
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def new_form(
    definition: FormDefinition,
    *,
    embedded: bool = False,
    kept: Mapping[str, object] | None = None,
    receipt: Receipt | None = None,
    pause: Pause | None = None,
) -> Response:
    """Show a form for a new contact, from the page cache.

    Args:
        definition: The form.
        embedded: Whether it is shown in an iframe.
        kept: The values that an operator kept from the last contact.
        receipt: The outcome of the last contact.
        pause: Why the queue is paused.
    """
    key = definition.slug, embedded, own_origin(), json.dumps(kept), _labels_version(definition)
    cached_pages = services().cached_pages
    cached = cached_pages.get(key)  # once: another thread may clear the cache
    if cached is None:
        cached = _render_for_all(definition, kept, embedded=embedded)
        if len(cached_pages) >= _MAX_CACHED_PAGES:  # robots send any host name
            cached_pages.clear()
        cached_pages[key] = cached
    token = services().tokens.issue(definition.slug, site=showing_site(definition))
    if definition.access is Access.PUBLIC and PREVIEW not in request.args:
        services().delivery.funnel.count(definition.slug, Step.SHOWN)
    values = {
        "action": escape(own_address()),
        "title": escape(_title(definition, receipt=receipt)),
        "notices": _notices(definition, receipt=receipt, pause=pause),
        "challenge": escape(_challenge(definition)),
        "header": _header(definition),
        "recent": recent_list(definition),
        "token": token,
    }
    return compression.respond(cached, values)


def _render_for_all(
    definition: FormDefinition, kept: Mapping[str, object] | None, *, embedded: bool
) -> CachedPage:
    """Render the page of every request, without the current one and what belongs to it.

    The request in its place has no cookie, no login, no query and a `g` of its own.
    """
    blank = current_app.test_request_context(base_url=own_origin())

    def render() -> CachedPage:
        with blank:
            return _render_with_placeholders(definition, kept, embedded=embedded)

    return Context().run(render)


def _render_with_placeholders(
    definition: FormDefinition, kept: Mapping[str, object] | None, *, embedded: bool
) -> CachedPage:
    form = services().forms[definition.slug](data=kept)
    names = ["title", "notices", "action", "token"]
    names += ["challenge"] * definition.proof_of_work
    names += ["header", "recent"] * (definition.access is Access.INTRANET)
    texts = placeholders(*names)
    form.csrf_token.current_token = texts["token"]
    context: dict[str, Any] = {"embed": definition} if embedded else {}
    context |= {"challenge": "", "recent": "", "header": "", **texts}
    html = _render(form, receipt=None, **context)
    return CachedPage(html, texts)


def _labels_version(definition: FormDefinition) -> int:
    """Return the version of the labels that a form suggests; 0 if it suggests none."""
    return services().delivery.labels.known().version if definition.free_labels else 0


def _title(definition: FormDefinition, *, receipt: Receipt | None, failed: bool = False) -> str:
    """Return the title of the page, which begins with the outcome."""
    if failed:
        return messages.TITLE_ERROR.format(title=definition.title)
    if receipt:
        return done_title(definition, receipt)
    return definition.title


def done_title(definition: FormDefinition, receipt: Receipt) -> str:
    """Return the title of a receipt's page: what is not delivered yet is only received."""
    is_delivered = receipt.result == Result.DELIVERED
    title = messages.TITLE_DONE if is_delivered else messages.TITLE_RECEIVED
    return title.format(title=definition.title)


def _notices(definition: FormDefinition, *, receipt: Receipt | None, pause: Pause | None) -> Markup:
    """Render the notices above a form. Embedded forms have none: their receipt is a page."""
    if not (receipt or pause):
        return Markup()
    return render_part(
        "contact/notices.html",
        definition=definition,
        public=definition.access is Access.PUBLIC,
        receipt=receipt,
        entry=find_entry(receipt.reference) if receipt else None,
        pause=pause,
        waiting=waiting,
    )


def _header(definition: FormDefinition) -> Markup:
    return operators_header() if definition.access is Access.INTRANET else Markup()


def _challenge(definition: FormDefinition) -> str:
    if not definition.proof_of_work:
        return ""
    share_left = services().delivery.codes.limits.share_left
    codes_left = share_left.get() if definition.verification else 1.0
    return services().proof_of_work.challenge(form=definition.slug, codes_left=codes_left)


def page(
    form: ContactForm,
    outcome: Outcome | None = None,
    *,
    receipt: Receipt | None = None,
    pause: Pause | None = None,
    **context: Any,
) -> str:
    """Render a form's page, with its errors or the outcome."""
    definition = form.definition
    failed = bool(outcome or form.problems)
    return _render(
        form,
        outcome,
        title=_title(definition, receipt=receipt, failed=failed),
        notices=_notices(definition, receipt=receipt, pause=pause),
        challenge=_challenge(definition),
        header=_header(definition),
        recent=recent_list(definition) if definition.slug in services().definitions else "",
        receipt=receipt,
        **context,
    )


def _render(
    form: ContactForm,
    outcome: Outcome | None = None,
    known: Sequence[KnownContact] = (),
    *,
    refetch: bool = False,
    **context: Any,
) -> str:
    return render_template(
        "contact/form.html",
        form=form,
        definition=form.definition,
        public=form.definition.access is Access.PUBLIC,
        honeypot=HONEYPOT_INPUT,
        layout=arrange(form),
        problems=form.problems,
        outcome=outcome,
        known=known,
        confirmed=_is_confirmed(form),
        refetch=refetch,
        date_in_words=persian.date_in_words,
        **{"action": own_address(), "previous": previous_token(form.definition.slug), **context},
    )


def issue_receipt(
    definition: FormDefinition, outcome: Outcome, *, site: str, mobile: str = ""
) -> str:
    """Return the signed outcome for the next page's URL, without personal data.

    Visitors are not told the portal's status, only that an operator looks at it first.

    Args:
        definition: The form.
        outcome: The submission's.
        site: The site that showed the form.
        mobile: The number of which it may be told whether it has blocked the form's line: an
            operator's, or one that is verified.
    """
    line, is_operator = definition.line, definition.access is Access.INTRANET
    blocked_lines = services().delivery.blocked_lines
    receipt = Receipt(
        result=outcome.result,
        reference=outcome.reference,
        site=site,
        status=outcome.status if is_operator else "",
        is_line_blocked=bool(line and mobile) and blocked_lines.is_blocked(mobile, line),
        is_held=outcome.is_held,
    )
    return services().tokens.issue_receipt(definition.slug, receipt)


def _validate(form: ContactForm) -> HTTPStatus | None:
    """Validate a form; return the HTTP status if it is not accepted."""
    is_valid = form.validate()
    if (request.content_length or 0) > MAX_BODY_BYTES:
        form.refuse(messages.TOO_LARGE)
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if not is_valid:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return None
