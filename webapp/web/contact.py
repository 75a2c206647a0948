"""Renders a form's page, from the page cache or with values and errors; known numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextvars import Context
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, abort, current_app, render_template, request
from markupsafe import Markup, escape

from webapp import messages, persian
from webapp.contact import MOBILE, Field, FieldKind, Value
from webapp.forms import HONEYPOT_INPUT, ContactForm, arrange, tokens
from webapp.forms.definitions import Access, FormDefinition
from webapp.forms.tokens import InvalidToken, Receipt, SubmissionToken
from webapp.messages import desk
from webapp.outbox.circuit_breaker import Pause
from webapp.outbox.submit import Outcome, Result
from webapp.portal import KnownContact
from webapp.statistics.funnel import FunnelStep
from webapp.web import closing, rendering
from webapp.web.help import HeaderContent
from webapp.web.rendering import has_token, own_address, require_intranet, services
from webapp.web.rendering.content import (
    CachedPage,
    all_fields,
    format_values,
    placeholders,
    render_part,
    waiting,
)
from webapp.web.rendering.recent import find_entry, recent_list
from webapp.web.security import own_origin, showing_site

ViewResult = Response | tuple[str, HTTPStatus] | tuple[str, HTTPStatus, dict[str, str]]

# Results of receipts besides those of submissions: a contact that the portal has, too, was changed
# by an operator, or stays as it was.
CORRECTED: Final = "corrected"
KEPT: Final = "kept"

PREVIEW: Final = "preview"  # the key in the address of the preview for operators

_MAX_CACHED_PAGES: Final = 100


def is_confirmed(form: ContactForm) -> bool:
    """Return whether the operator has confirmed another contact with this number.

    An answer counts only for the number in the question, if the request names one.
    """
    asked = request.form.getlist(f"{MOBILE}-asked")
    return request.form.get("confirm") == "create" and (not asked or form[MOBILE].data in asked)


def previous_submission(slug: str) -> SubmissionToken | None:
    """Return the token of the submission that the request's form replaces, if it does."""
    try:
        return services().tokens.read_submission(request.form.get("previous", ""), form=slug)
    except InvalidToken:
        return None


def new_form(
    definition: FormDefinition,
    *,
    embedded: bool = False,
    kept: Mapping[str, object] | None = None,
    receipt: Receipt | None = None,
    pause: Pause | None = None,
) -> ViewResult:
    """Show a form for a new contact, from the page cache; or why it takes none.

    Args:
        definition: The form.
        embedded: Whether it is shown in an iframe.
        kept: The values that an operator kept from the last contact.
        receipt: The outcome of the last contact.
        pause: Why the queue is paused.
    """
    if closure := closing.closure(definition):
        context: dict[str, Any] = {"embed": definition} if embedded else {}
        return closing.page(definition, closure, **context)
    own = services()
    header = own.header.read() if definition.access is Access.INTRANET else None
    labels = own.delivery.labels.known().version if definition.free_labels else 0
    values_kept = json.dumps(kept) if kept else ""
    key = definition.slug, embedded, own_origin(), values_kept, labels, header
    cached_pages = own.cached_pages
    cached = cached_pages.get(key)  # once: another thread may clear the cache
    if cached is None:
        cached = _render_for_all(definition, kept, header, embedded=embedded)
        if len(cached_pages) >= _MAX_CACHED_PAGES:  # robots send any host name
            cached_pages.clear()
        cached_pages[key] = cached
    token = own.tokens.issue(definition.slug, site=showing_site(definition))
    if definition.access is Access.PUBLIC and PREVIEW not in request.args:
        own.delivery.funnel.count(definition.slug, FunnelStep.SHOWN)
    values = {
        "action": escape(own_address()),
        "title": escape(_title(definition, receipt=receipt)),
        "notices": _notices(definition, receipt=receipt, pause=pause),
        "challenge": escape(_challenge(definition)),
        "recent": recent_list(definition),
        "token": token,
    }
    return rendering.respond(cached, values)


def _render_for_all(
    definition: FormDefinition,
    kept: Mapping[str, object] | None,
    header: HeaderContent | None,
    *,
    embedded: bool,
) -> CachedPage:
    """Render the page that all requests share.

    Its own request has no cookie, no login, no query, and another `g` than the current one.
    """
    shared = current_app.test_request_context(base_url=own_origin())

    def render() -> CachedPage:
        with shared:
            return _render_with_placeholders(definition, kept, embedded=embedded, header=header)

    return Context().run(render)


def _render_with_placeholders(
    definition: FormDefinition,
    kept: Mapping[str, object] | None,
    *,
    embedded: bool,
    **context: Any,
) -> CachedPage:
    form = services().forms[definition.slug](data=kept)
    names = ["title", "notices", "action", "token"]
    names += ["challenge"] * definition.proof_of_work
    names += ["recent"] * (definition.access is Access.INTRANET)
    texts = placeholders(*names)
    form.csrf_token.current_token = texts["token"]
    context |= {"embed": definition} if embedded else {}
    context |= {"challenge": "", "recent": "", **texts}
    html = _render(form, receipt=None, **context)
    return CachedPage(html, texts)


def _title(definition: FormDefinition, *, receipt: Receipt | None, failed: bool = False) -> str:
    """Return the title of the page, which begins with the outcome."""
    if failed:
        return messages.TITLE_ERROR.format(title=definition.title)
    if receipt:
        return done_title(definition, receipt)
    return definition.title


def done_title(definition: FormDefinition, receipt: Receipt) -> str:
    """Return the title of a receipt's page: what is not delivered yet is only received."""
    titles: dict[str, str] = {Result.DELIVERED: messages.TITLE_DONE, **desk.TITLES}
    return titles.get(receipt.result, messages.TITLE_RECEIVED).format(title=definition.title)


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
        recent=recent_list(definition) if definition.slug in services().definitions else "",
        receipt=receipt,
        takes_another=receipt is not None and closing.takes_another(definition),
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
    definition = form.definition
    return render_template(
        "contact/form.html",
        form=form,
        definition=definition,
        public=definition.access is Access.PUBLIC,
        honeypot=HONEYPOT_INPUT,
        layout=arrange(form),
        problems=form.problems,
        outcome=outcome,
        known=known,
        confirmed=is_confirmed(form),
        refetch=refetch,
        min_age_ms=tokens.MIN_AGE // timedelta(milliseconds=1),
        date_in_words=persian.date_in_words,
        kinds=FieldKind,
        can_update=services().settings.amoot_edit,
        differences=partial(_differences, form),
        **{
            "action": own_address(),
            "previous": request.form["previous"] if previous_submission(definition.slug) else "",
            "card": None,
            "correction": None,
            **context,
        },
    )


def _differences(form: ContactForm, known: KnownContact, *, only_typed: bool = False) -> list[str]:
    """Return what differs between a form and a contact with its number, as Persian texts.

    Args:
        form: The form; it is valid, or only what was typed is compared.
        known: The contact.
        only_typed: Whether fields that are empty, or wrong, are not compared yet.
    """
    typed = form.to_contact()
    differences = []
    for row in all_fields(form.definition):
        if row.name not in known.values or row.kind in (FieldKind.MOBILE, FieldKind.ACTIVE):
            continue
        texts = [text_of(row, value) for value in (known.values[row.name], typed[row.name])]
        is_compared = bool(texts[1] or not only_typed)
        if is_compared and len(set(map(persian.comparison_key, texts))) > 1:
            old, new = (text or desk.EMPTY for text in texts)
            differences.append(
                desk.DUPLICATE_DIFFERENCE.format(caption=row.caption, stored=old, typed=new)
            )
    carried = [label for label, is_carried in known.labels.items() if is_carried]
    missing = [label for label in typed.labels if known.labels.get(label) is False]
    for labels, sentence in (
        (carried, desk.DUPLICATE_LABELS),
        (missing, desk.DUPLICATE_NO_LABELS),
    ):
        if labels:
            differences.append(sentence.format(labels=messages.COMMA.join(labels)))
    return differences


def text_of(row: Field, value: Value) -> str:
    """Return a value as plain text, "" for an empty one."""
    text = next((it.text for it in format_values({row.name: value}, [row])), "")
    return text.striptags() if isinstance(text, Markup) else text


blueprint = Blueprint("duplicates", __name__)
blueprint.before_request(require_intranet)


@blueprint.post("/f/<slug>/duplicates")
def known(slug: str) -> str | Response:
    """Return the contacts with the number of a form that is being filled in, as HTML.

    A POST, because a number must not be in a URL. The response is empty if there are none.
    """
    definition = services().definitions.get(slug)
    if definition is None or not definition.asks_about_duplicates:
        abort(HTTPStatus.NOT_FOUND)
    mobile = typed_mobile() if has_token(slug) else ""
    contacts = services().delivery.duplicates.with_mobile(mobile) if mobile else []
    if not contacts:
        return Response(status=HTTPStatus.NO_CONTENT)
    return render_template(
        "contact/duplicate_early.html",
        known=contacts,
        mobile=mobile,
        date_in_words=persian.date_in_words,
        differences=partial(_differences, services().forms[slug](), only_typed=True),
    )


def typed_mobile() -> str:
    """Return the normalised number that was typed, or ""."""
    try:
        return persian.parse_mobile(request.form.get(MOBILE, ""))
    except persian.InvalidText:
        return ""
