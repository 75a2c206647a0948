"""Corrects a contact that the portal has: looks it up, shows it in a form, and changes it.

The pages' forms carry the signed target, as no address has a number. Nothing is stored: a
correction is one call, and the page shows its result.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, abort, render_template, request

from webapp import messages, persian
from webapp.contact import FIELDS, LABELS, MOBILE, Contact, Field, Value
from webapp.forms import ContactForm, build_form
from webapp.forms.definitions import Access, DateInput, FormDefinition, main_form
from webapp.forms.reading import read_value
from webapp.forms.tokens import InvalidToken, Receipt
from webapp.messages import desk as texts
from webapp.outbox.rows import dump_contact, load_contact
from webapp.outbox.submit import Outcome, Result
from webapp.persian import InvalidText
from webapp.phonebook import Corrected, Correction, is_equal, stored_contact
from webapp.portal import KnownContact, PortalError, Rejected, Uncertain, status_message
from webapp.web import contact, submitting
from webapp.web.rendering import form_path, require_intranet, services
from webapp.web.rendering.content import all_fields
from webapp.web.rendering.recent import Entry, find_entry, remember
from webapp.web.security import showing_site

log = logging.getLogger(__name__)

blueprint = Blueprint("correction", __name__)
blueprint.before_request(require_intranet)

PATH: Final = "/correct"

_FORM_SLUG: Final = ":correct"  # the form in these pages' tokens; no slug has a colon


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a page corrects.

    Attributes:
        mobile: The number under which it is looked up.
        form: The slug of the form to return to.
        reference: The reference of the submission that it comes from, or "".
        typed: Values with which its form begins, or None.
        number: Its ID in the portal; 0 before it is chosen.
        shown: What the operator is shown; empty before that.
    """

    mobile: str
    form: str
    reference: str = ""
    typed: Contact | None = None
    number: int = 0
    shown: Contact = field(default_factory=Contact)

    def sign(self) -> str:
        """Return it as text for a hidden input."""
        typed, shown = self.typed and dump_contact(self.typed), dump_contact(self.shown)
        content = [self.mobile, self.form, self.reference, self.number, typed, shown]
        return services().tokens.issue_correction(content)

    @property
    def home(self) -> FormDefinition:
        """The form to return to: the main form if that one was removed."""
        definitions = services().definitions
        definition = definitions.get(self.form)
        is_intranet = definition is not None and definition.access is Access.INTRANET
        return (definition if is_intranet else main_form(definitions)) or abort(
            HTTPStatus.NOT_FOUND
        )


def read_target() -> Target:
    """Return what the form of this request corrects.

    Raises:
        InvalidToken: if it carries no valid target.
    """
    content = services().tokens.read_correction(request.form.get("target", ""))
    mobile, form, reference, number, typed, shown = content
    return Target(
        mobile=mobile,
        form=form,
        reference=reference,
        number=number,
        typed=load_contact(typed),
        shown=load_contact(shown) or Contact(),
    )


# The ways to these pages


def correct_entry(entry: Entry) -> contact.ViewResult:
    """Show the contact of a submission that this browser has sent, and the portal has by now."""
    submission = services().delivery.outbox.review.get(entry.reference)
    form = submission.form if submission else ""
    return _look_up(Target(mobile=entry.mobile, form=form, reference=entry.reference))


def answered(form: ContactForm) -> contact.ViewResult | None:
    """Return the page after an answer about a known number, if it creates no contact."""
    definition, answer = form.definition, request.form.get("confirm")
    if not definition.asks_about_duplicates:
        return None
    if answer == "keep":
        return _receipt(definition, contact.KEPT)
    if answer == "update" and services().settings.amoot_edit and form.validate():
        typed = form.to_contact()
        return _look_up(Target(mobile=str(typed[MOBILE]), form=definition.slug, typed=typed))
    return None


@blueprint.post(PATH)
def correct() -> contact.ViewResult:
    """Show the contact that was chosen, or look again, or change it."""
    try:
        target = read_target()
    except InvalidToken:
        abort(HTTPStatus.BAD_REQUEST)
    if "look" in request.form:
        return _look_up(target, number=target.number, moved_to=contact.typed_mobile())
    if not target.number:
        return _look_up(target, number=request.form.get("contact", 0, type=int))
    form = _form(target)
    if request.form.get("confirm") == "cancel":  # of the question: the form as it was filled in
        return _page(form, target)
    if not form.validate():
        return _page(form, target, HTTPStatus.UNPROCESSABLE_ENTITY)
    changes = changed_values(form, target.shown)
    if known := _others(form, target, changes):
        return _page(form, target, HTTPStatus.CONFLICT, known=known)
    return _change(form, target, changes)


# Looking it up


def _look_up(target: Target, *, number: int = 0, moved_to: str = "") -> contact.ViewResult:
    """Look up a contact; show it in a form, or the contacts to choose from, or why neither works.

    Args:
        target: The contact's number, and its form.
        number: The contact's ID, if it is known.
        moved_to: The number that an operator may have given the contact, or "".
    """
    if not services().settings.amoot_edit:
        return _advice(target, texts.DELIVERED)
    try:
        mobile, known = services().delivery.corrections.look_up([target.mobile, moved_to], number)
    except PortalError as error:
        _log(target, error.status)
        reasons = [texts.NOT_LOOKED_UP, error.message]
        return _advice(
            target, *reasons, code=error.status, status=HTTPStatus.SERVICE_UNAVAILABLE, again=True
        )
    if not known:
        return _advice(target, texts.NOT_FOUND, status=HTTPStatus.NOT_FOUND, again=True)
    if number and number not in [it.id for it in known]:
        return _advice(target, texts.GONE, status=HTTPStatus.CONFLICT, known=known, again=True)
    if len(known) > 1:
        return _advice(target, texts.CHOOSE, known=known)
    shown = stored_contact(known[0], mobile)
    typed = target.typed.values if target.typed else {}
    wanted = {name: value for name, value in typed.items() if not is_equal(value, None)}
    target = replace(target, mobile=mobile, number=known[0].id or 0, shown=shown, typed=None)
    return _page(_form(target, data={**shown.values, **wanted}), target)


def _advice(
    target: Target,
    *reasons: str,
    code: str = "",
    status: HTTPStatus = HTTPStatus.OK,
    known: Sequence[KnownContact] = (),
    again: bool = False,
) -> contact.ViewResult:
    """Show what to do about a contact that is in no form."""
    page = render_template(
        "correction/correction.html",
        entry=find_entry(target.reference),
        target=replace(target, number=0, shown=Contact()),
        reasons=reasons,
        code=code,
        known=known,
        again=again,
        home=form_path(target.home),
        action=PATH,
        date_in_words=persian.date_in_words,
    )
    return page, status


# Its form


def _form(target: Target, data: Mapping[str, Value] | None = None) -> ContactForm:
    """Return the form that corrects a contact: all fields but the labels, which no search returns.

    Args:
        target: What is corrected.
        data: The values that it shows; None for those of this request.
    """
    pattern = target.home
    definition = FormDefinition(
        slug=_FORM_SLUG,
        title=texts.DELIVERED_TITLE,
        access=Access.INTRANET,
        fields=tuple(
            _offering(row, target.shown) for row in all_fields(pattern) if row.name != LABELS
        ),
        required=pattern.required,
        label_choices=(),
        free_labels=False,
        checks=pattern.checks,
        fixed={},
        dates=DateInput.TEXT,
        submit=texts.CORRECT_STORED,
    )
    cls = build_form(definition, services().tokens, showing_site=showing_site)
    form = cls(formdata=None, data=data) if data else cls()
    del form.keep  # there is no next contact
    return form


def _offering(row: Field, shown: Contact) -> Field:
    """Return a row that can hold what is stored, if that is none of its choices."""
    is_offered = not shown[row.name] or shown[row.name] in row.choices
    return row if is_offered else replace(row, choices=())


@dataclass(frozen=True, slots=True)
class _Note:
    """The message above the form of a contact.

    Attributes:
        reasons: Persian sentences.
        outcome: The outcome of a correction, or "".
        code: The portal's status, or "".
    """

    reasons: Sequence[str] = (texts.AS_STORED,)
    outcome: str = ""
    code: str = ""


def _page(
    form: ContactForm,
    target: Target,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    note: _Note = _Note(),
    known: Sequence[KnownContact] = (),
) -> contact.ViewResult:
    """Show the form of a contact."""
    entry = find_entry(target.reference)
    labels = [str(label) for label in entry.shared.get(LABELS, ())] if entry else []
    sent = texts.LABELS_SENT.format(labels=messages.COMMA.join(labels)) if labels else ""
    card = {
        "reference": target.reference,
        "reasons": [*note.reasons, sent or texts.LABELS_UNKNOWN],
        "status": note.code,
        "target": target.sign(),
    }
    correction = {
        "outcome": note.outcome,
        "home": form_path(target.home),
    }
    page = contact.page(form, card=card, known=known, action=PATH, correction=correction)
    return page, status


def changed_values(form: ContactForm, shown: Contact) -> dict[str, Value]:
    """Return the values that the operator has changed.

    A field reads a stored text that nobody touched as any other: it may spell it differently.
    """
    typed = {field.name: field.data for field in form.contact_fields}
    return {
        name: value
        for name, value in typed.items()
        if not is_equal(value, _as_read(FIELDS[name], shown[name]))
    }


def _as_read(row: Field, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    try:
        return read_value(row, value)
    except InvalidText:
        return value


def _others(form: ContactForm, target: Target, changes: Mapping[str, Value]) -> list[KnownContact]:
    """Return the contacts with a corrected number, about which the operator is asked first."""
    if MOBILE not in changes or not target.home.asks_about_duplicates or contact.is_confirmed(form):
        return []
    known = services().delivery.duplicates.with_mobile(str(changes[MOBILE]))
    return [it for it in known if it.id != target.number]


# Changing it


def _change(form: ContactForm, target: Target, changes: Mapping[str, Value]) -> contact.ViewResult:
    if not changes:
        return _receipt(target.home, contact.KEPT, target.reference)
    try:
        correction = services().delivery.corrections.correct(
            target.number, shown=target.shown, changes=changes
        )
    except PortalError as error:
        _log(target, error.status)
        return _not_changed(form, target, error)
    _log(target, correction.result.value)
    if correction.result is Corrected.GONE:
        reasons = texts.NOTHING_CHANGED, texts.GONE
        return _advice(target, *reasons, status=HTTPStatus.CONFLICT, again=True)
    if correction.result is Corrected.CHANGED:
        return _changed_meanwhile(target, correction, changes)
    response = _receipt(target.home, contact.CORRECTED, target.reference)
    entry = find_entry(target.reference)
    if not entry:
        return response
    corrected = {**target.shown.values, **changes, LABELS: tuple(entry.shared.get(LABELS, ()))}
    outcome = Outcome(result=Result.DELIVERED, reference=target.reference)
    return remember(response, Contact(**corrected), outcome)


def _not_changed(form: ContactForm, target: Target, error: PortalError) -> contact.ViewResult:
    """Show the form again after a call that failed, and whether it may have changed anything."""
    if isinstance(error, Rejected):
        form.refuse(status_message(error.status), fields=error.fields)
        return _page(form, target, HTTPStatus.UNPROCESSABLE_ENTITY)
    if isinstance(error, Uncertain):
        note = _Note([texts.PERHAPS_CORRECTED], "uncertain", error.status)
    else:
        note = _Note([texts.NOT_CORRECTED, error.message], "unchanged", error.status)
    return _page(form, target, HTTPStatus.SERVICE_UNAVAILABLE, note=note)


def _changed_meanwhile(
    target: Target, correction: Correction, changes: Mapping[str, Value]
) -> contact.ViewResult:
    """Show the form again with what the portal has by now, and the operator's changes in it."""
    stored = correction.stored
    rows = [row for row in all_fields(target.home) if row.name != LABELS]
    lines = changed_lines(rows, target.shown, stored)
    target = replace(target, mobile=str(stored[MOBILE]), shown=stored)
    form = _form(target, data={**stored.values, **changes})
    note = _Note([texts.CHANGED_MEANWHILE, *lines], "changed")
    return _page(form, target, HTTPStatus.CONFLICT, note=note)


def changed_lines(rows: Iterable[Field], shown: Contact, stored: Contact) -> list[str]:
    """Return what has changed of a contact since it was shown, as Persian texts."""
    return [
        texts.CHANGED_FIELD.format(
            caption=row.caption,
            before=contact.text_of(row, shown[row.name]) or texts.EMPTY,
            now=contact.text_of(row, stored[row.name]) or texts.EMPTY,
        )
        for row in rows
        if not is_equal(stored[row.name], shown[row.name])
    ]


def _receipt(definition: FormDefinition, result: str, reference: str = "") -> Response:
    receipt = Receipt(result=result, reference=reference)
    signed = services().tokens.issue_receipt(definition.slug, receipt)
    return submitting.show_receipt(form_path(definition), signed)


def _log(target: Target, what: str) -> None:
    operator = services().basic_auth.operator
    by = f" by {operator}" if operator else ""
    log.info("correction: %s %s%s", target.reference or "a contact", what, by)
