"""The outbox, for operators: submissions that wait or need attention; retry, correct, discard."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from importlib.util import find_spec
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request, session

from webapp import messages, persian
from webapp.contact import FIELDS, MOBILE, Contact
from webapp.database import DatabaseError
from webapp.forms import ContactForm, build_form
from webapp.forms.definitions import Access, DateInput, FormDefinition, main_form
from webapp.forms.tokens import InvalidToken
from webapp.messages import desk as texts
from webapp.outbox.listing import MAX_SEARCHED, MAX_SORTED, ListKind, Query
from webapp.outbox.rows import State, Submission
from webapp.outbox.submit import Result
from webapp.web import contact, correction, submitting
from webapp.web.imports import cell_text, table_file
from webapp.web.outbox import pages
from webapp.web.outbox.pages import PATH
from webapp.web.rendering import has_token, require_intranet, see_other, services
from webapp.web.rendering.content import all_fields, csv_file, local_time, waiting
from webapp.web.rendering.recent import find_entry, remember
from webapp.web.security import showing_site

log = logging.getLogger(__name__)

blueprint = Blueprint("outbox", __name__)
blueprint.before_request(require_intranet)

_FORM_SLUG: Final = ":outbox"  # the form in these pages' tokens; no slug has a colon
_FLASH_KEY: Final = "outbox"  # of the session: the message that the list shows next
_PAGE_SIZE: Final = 50
_MAX_CHOSEN: Final = 500  # one by one
_MAX_ID: Final = 2**63 - 1
_SUSPECTS: Final = Query(kind=ListKind.SUSPECTS)
_FORMATS: Final = ("csv", "xlsx")
# The columns of a file after those of the contact.
_EXPORTED: Final = (texts.REASON, texts.REFERENCE, texts.FORM, texts.WHEN, texts.WHO)


@blueprint.get(PATH)
def submissions() -> str | Response:
    """List what needs attention, what robots may have sent, what waits, or a search's matches."""
    delivery, view = services().delivery, pages.read_view()
    listing, kind = delivery.outbox.listing, view.query.kind
    matches = listing.find(view.query, sort=view.sort, page=view.page, size=_PAGE_SIZE)
    groups = listing.groups(kind) if matches.total or view.is_filtered else []
    oldest = delivery.outbox.review.oldest()
    page_count = max(1, -(-matches.total // _PAGE_SIZE))
    return render_template(
        "outbox/outbox.html",
        view=view,
        kind=kind,
        total=matches.total,
        cards=[pages.card(submission) for submission in matches.submissions],
        page=matches.page,
        page_count=page_count,
        is_sorted=matches.is_sorted,
        most_sorted=persian.persian_number(MAX_SORTED),
        most_searched=persian.persian_number(MAX_SEARCHED) if matches.is_partial else "",
        reasons=pages.reasons(view, groups) if kind is ListKind.ATTENTION else [],
        **pages.filters(view, groups),
        suspects=0 if kind is ListKind.SUSPECTS else listing.count(_SUSPECTS),
        formats=_formats(),
        waiting=waiting,
        since=oldest and local_time(oldest),
        pause=delivery.breaker.pause,
        unreadable=delivery.reencryption.count_unreadable(),
        flashed=session.pop(_FLASH_KEY, None),
        token=_token(),
        number=persian.persian_number,
        home=main_form(services().definitions),
    )


@blueprint.post(PATH)
def change_several() -> str | Response:
    """Send again, erase or export the checked submissions, or all of a list."""
    _require_token()
    query = _chosen()
    if query is None:
        return _redirect_to_list("unselected")
    if "export" in request.form:
        return _export(query)
    listing = services().delivery.outbox.listing
    if "retry" in request.form:
        count = listing.retry(query)
        _probe_now()
        _log(f"{count} submissions", "retried")
        return _redirect_after("all-retried", count)
    if "discard" not in request.form:
        return _redirect_to_list("changed")
    # Submissions that were being sent at the question may have come to the list since.
    asked = request.form.get("asked", default=_MAX_ID, type=int)
    if request.form.get("confirm") != "discard" or listing.count(query) > asked:
        return _ask_before_discarding(query)
    count = listing.discard(query)
    _log(f"{count} submissions", "discarded")
    return _redirect_after("all-discarded", count)


def _chosen() -> Query | None:
    """Return which submissions a POST concerns, or None if the operator chose none."""
    if "all" in request.form:
        # Not what arrived after the question.
        last_id = request.form.get("last", type=int)
        last_id = last_id if last_id is None else min(last_id, _MAX_ID)
        return replace(pages.read_view().query, last_id=last_id)
    references = request.form.getlist("reference")
    return Query(references=references[:_MAX_CHOSEN]) if references else None


def _ask_before_discarding(query: Query) -> str | Response:
    listing, view = services().delivery.outbox.listing, pages.read_view()
    if not query.references and query.last_id is None:
        query = replace(query, last_id=listing.last_id())
    count = listing.count(query)
    if not count:
        return _redirect_to_list("changed")
    which = [("reference", name) for name in query.references]
    return render_template(
        "outbox/discard.html",
        card=None,
        count=persian.persian_number(count),
        fields=[
            *view.arguments.items(),
            *(which or [("all", "1"), ("last", str(query.last_id))]),
            ("discard", "1"),
            ("asked", str(count)),
        ],
        has_grown="confirm" in request.form,
        action=PATH,
        back=view.address(),
        token=_token(),
    )


def _formats() -> list[str]:
    """Return the formats of exported files; XlsxWriter is an extra."""
    return [name for name in _FORMATS if name == "csv" or find_spec("xlsxwriter")]


def _export(query: Query) -> Response:
    """Return submissions as a file that can be imported again."""
    rows = all_fields(main_form(services().definitions))
    header = [*(row.caption for row in rows), *_EXPORTED]
    lines = []
    for submission in services().delivery.outbox.listing.submissions(query):
        if submission.contact:
            card = pages.card(submission)
            cells = (cell_text(row, submission.contact) for row in rows)
            about = (card[name] or "" for name in ("reason", "reference", "form", "came", "who"))
            lines.append([*cells, *about])
    _log(f"{len(lines)} submissions", "exported")
    if request.form["export"] == "csv":
        return csv_file("outbox", header, lines)
    return table_file("outbox", texts.SHEET, header, lines)


@blueprint.post(f"{PATH}/<name>/retry")
def retry(name: str) -> Response:
    """Queue a submission that needs attention again."""
    _require_token()
    if not services().delivery.outbox.review.retry(name):
        return _redirect_to_list("changed")
    _probe_now()
    _log(name.upper(), "retried")
    return _redirect_to_list("retried", reference=name.upper())


@blueprint.route(f"{PATH}/<name>/discard", methods=["GET", "POST"])
def discard(name: str) -> str | Response:
    """Ask for confirmation, then erase a submission."""
    if request.method != "POST":
        view = pages.read_view()
        return render_template(
            "outbox/discard.html",
            card=pages.card(_find(name)),
            count="",
            fields=[],
            has_grown=False,
            action=view.address(f"{PATH}/{name}/discard"),
            back=view.address(),
            token=_token(),
        )
    _require_token()
    if not services().delivery.outbox.review.discard(name):
        return _redirect_to_list("changed")
    _log(name.upper(), "discarded")
    return _redirect_to_list("discarded", reference=name.upper())


@blueprint.route(f"{PATH}/<name>", methods=["GET", "POST"])
def correct(name: str) -> contact.ViewResult:
    """Show a submission's contact in a form, and send the corrected contact.

    What this browser has recorded, and the portal has by now, is corrected there.
    """
    if request.method == "POST":
        return _correct(_find(name))
    entry = find_entry(name)
    if entry and _is_delivered(name):
        return correction.correct_entry(entry)
    submission = _find(name)
    form, pause = _form(submission, submission.contact), services().delivery.breaker.pause
    return contact.page(form, card=_card(submission), pause=pause), HTTPStatus.OK


def _correct(submission: Submission) -> contact.ViewResult:
    form, pause = _form(submission), services().delivery.breaker.pause
    card = _card(submission)
    checked = submitting.check(form, corrects=submission.reference)
    if isinstance(checked, submitting.Refusal):
        return submitting.refuse(form, checked, card=card, pause=pause)
    shown, intake = _read_shown(submission), services().delivery.intake
    outcome = intake.correct(submission.reference, checked.contact, shown=shown)
    if isinstance(outcome, Contact):
        rows = all_fields(pages.definition_of(submission))
        changes = correction.changed_values(form, shown)
        card["reasons"] = [texts.CHANGED_MEANWHILE, *correction.changed_lines(rows, shown, outcome)]
        card["target"] = _target(submission, outcome)
        form = _form(submission, Contact(**{**outcome.values, **changes}))
        return contact.page(form, card=card, pause=pause), HTTPStatus.CONFLICT
    if outcome is None:
        return _redirect_to_list("changed")
    if outcome.result is not Result.UNSTORED:
        _log(submission.reference, "corrected")
        card["target"] = _target(submission, checked.contact)
    if not outcome.is_accepted:
        return submitting.show_failure(form, outcome, card=card, pause=pause)
    reference = outcome.reference
    response = _redirect_to_list(outcome.result, reference=reference, status=outcome.status)
    return remember(response, checked.contact, outcome) if find_entry(reference) else response


def _read_shown(submission: Submission) -> Contact:
    """Return the contact that the page of this request showed; without a target, the stored one."""
    with suppress(InvalidToken):
        return correction.read_target().shown
    return submission.contact or Contact()


# Templates' context


def _card(submission: Submission) -> dict[str, Any]:
    """Return an entry, as the form that corrects it has it."""
    card = pages.card(submission)
    if submission.uncertain or submission.resent_without_lookup:
        card["reasons"].append(messages.CORRECT_OLD)
    return {**card, "target": request.form.get("target") or _target(submission)}


def _target(submission: Submission, shown: Contact | None = None) -> str:
    """Return what a form corrects, and what it shows of it, for a hidden input."""
    shown = shown or submission.contact or Contact()
    return correction.Target(
        mobile=str(shown[MOBILE]),
        form=submission.form,
        reference=submission.reference,
        shown=shown,
    ).sign()


def _is_delivered(name: str) -> bool:
    states = services().delivery.outbox.review.states([name])
    return states.get(name) is State.DELIVERED


def _find(name: str) -> Submission:
    """Return a submission that can be changed.

    Raises:
        HTTPException: 404 if there is none, or a redirect to the list if it has changed since.
    """
    submission = services().delivery.outbox.review.get(name)
    if submission is None and request.method != "POST":
        abort(HTTPStatus.NOT_FOUND)
    if submission is None or submission.contact is None or submission.state is State.SENDING:
        abort(_redirect_to_list("changed"))
    return submission


def _form(submission: Submission, shown: Contact | None = None) -> ContactForm:
    """Return the form that corrects a submission, with all fields.

    Args:
        submission: What is corrected.
        shown: What the form shows; None for the values of this request.
    """
    pattern = pages.definition_of(submission)
    # A form without free labels has no hint on how to type them.
    fields = [replace(it, hint=it.hint or FIELDS[it.name].hint) for it in all_fields(pattern)]
    choices = (*pattern.label_choices, *pattern.labels) if pattern else ()
    definition = FormDefinition(
        slug=_FORM_SLUG,
        title=messages.CORRECT_TITLE,
        access=Access.INTRANET,
        fields=tuple(fields),
        required=pattern.required if pattern else frozenset({MOBILE}),
        label_choices=tuple(dict.fromkeys(choices)),
        free_labels=True,
        checks=pattern.checks if pattern else {},
        duplicates=pattern.duplicates if pattern else None,
        fixed={},  # the contact holds already what its form adds
        dates=DateInput.TEXT,
        submit=messages.CORRECT,
    )
    cls = build_form(
        *(definition, services().tokens, services().delivery.labels.known), showing_site
    )
    # A browser sends nothing for a group without a choice: the POST replaces all values.
    form = cls(formdata=None, data=shown.values) if shown else cls()
    del form.keep  # there is no next contact
    return form


# What the operator does


def _token() -> str:
    return services().tokens.issue(_FORM_SLUG)


def _require_token() -> None:
    """Require a valid token of these pages.

    Raises:
        HTTPException: a redirect to the list, if it is missing or expired.
    """
    if not has_token(_FORM_SLUG):
        abort(_redirect_to_list("expired"))


def _probe_now() -> None:
    """Probe the portal at once if the queue is paused; a failure only delays the submissions."""
    with suppress(DatabaseError):
        services().delivery.breaker.probe_now()


def _redirect_to_list(
    result: str, *, reference: str = "", status: str = "", n: str = ""
) -> Response:
    """Redirect to the list where it was, which shows the result.

    Not by `flash`, whose messages all pages share: "/" would show this one.
    """
    session[_FLASH_KEY] = {"result": result, "reference": reference, "status": status, "n": n}
    return see_other(pages.read_view().address())


def _redirect_after(action: str, count: int) -> Response:
    """Redirect after an action on several, which may have come too late for all of them."""
    return _redirect_to_list(action if count else "changed", n=persian.persian_number(count))


def _log(what: str, done: str) -> None:
    operator = services().basic_auth.operator
    log.info("outbox: %s %s%s", what, done, f" by {operator}" if operator else "")
