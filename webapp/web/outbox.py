"""The outbox, for operators: submissions that wait or need attention; retry, correct, discard."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request, session

from webapp import messages, persian
from webapp.contact import FIELDS, MOBILE, Contact
from webapp.database import DatabaseError
from webapp.forms import ContactForm, build_form
from webapp.forms.definitions import Access, DateInput, FormDefinition, main_form
from webapp.outbox.rows import (
    MAX_RETRY_AGE,
    NEEDS_ATTENTION,
    PERHAPS_RECORDED,
    WAITING,
    State,
    Submission,
)
from webapp.outbox.sender import is_given_up
from webapp.outbox.submit import Result
from webapp.portal.base import status_message
from webapp.web import contact, submitting
from webapp.web.rendering import (
    all_fields,
    format_values,
    has_token,
    local_time,
    require_intranet,
    see_other,
    services,
    waiting,
)
from webapp.web.rendering.recent import find_entry, remember
from webapp.web.security.request import showing_site

log = logging.getLogger(__name__)

blueprint = Blueprint("outbox", __name__)
blueprint.before_request(require_intranet)

_PATH: Final = "/outbox"
_FORM_SLUG: Final = ":outbox"  # the form in these pages' tokens; no slug has a colon
_FLASH_KEY: Final = "outbox"  # of the session: the message that the list shows next
_PAGE_SIZE: Final = 50
_MAX_ID: Final = 2**63 - 1


@blueprint.get(_PATH)
def submissions() -> str | Response:
    """List what needs attention, or what waits."""
    delivery, is_waiting = services().delivery, "waiting" in request.args
    after = _after()
    states = WAITING if is_waiting else NEEDS_ATTENTION
    found = delivery.outbox.review.page(states, after=after, limit=_PAGE_SIZE + 1)
    if after and not found:
        return see_other(_address(is_waiting=is_waiting))
    oldest = delivery.outbox.review.oldest()
    page, more = found[:_PAGE_SIZE], found[_PAGE_SIZE:]
    return render_template(
        "outbox/outbox.html",
        cards=[_card(submission) for submission in page],
        first=_address(is_waiting=is_waiting) if after else None,
        following=_address(is_waiting=is_waiting, after=page[-1].id) if more else None,
        has_several=len(page) > 1 or after > 0,
        is_waiting=is_waiting,
        waiting=waiting,
        since=oldest and local_time(oldest),
        pause=delivery.breaker.pause,
        unreadable=delivery.reencryption.count_unreadable(),
        said=session.pop(_FLASH_KEY, None),
        token=_token(),
        home=main_form(services().definitions),
    )


@blueprint.post(f"{_PATH}/retry")
def retry_all() -> Response:
    """Queue everything that needs attention again."""
    _require_token()
    count = services().delivery.outbox.review.retry()
    _probe_now()
    _log(f"{count} submissions", "retried")
    return _redirect_to_list("all-retried", n=persian.persian_digits(count))


@blueprint.post(f"{_PATH}/<name>/retry")
def retry(name: str) -> Response:
    """Queue a submission that needs attention again."""
    _require_token()
    if not services().delivery.outbox.review.retry(name):
        return _redirect_to_list("changed")
    _probe_now()
    _log(name.upper(), "retried")
    return _redirect_to_list("retried", reference=name.upper())


@blueprint.route(f"{_PATH}/<name>/discard", methods=["GET", "POST"])
def discard(name: str) -> str | Response:
    """Ask for confirmation, then erase a submission."""
    if request.method != "POST":
        return render_template("outbox/discard.html", card=_card(_find(name)), token=_token())
    _require_token()
    if not services().delivery.outbox.review.discard(name):
        return _redirect_to_list("changed")
    _log(name.upper(), "discarded")
    return _redirect_to_list("discarded", reference=name.upper())


@blueprint.route(f"{_PATH}/<name>", methods=["GET", "POST"])
def correct(name: str) -> contact.ViewResult:
    """Show a submission's contact in a form, and send the corrected contact."""
    submission = _find(name)
    card = _card(submission)
    if submission.uncertain or submission.blind:
        card["reasons"].append(messages.CORRECT_OLD)
    form, pause = _form(submission), services().delivery.breaker.pause
    if request.method != "POST":
        return contact.page(form, card=card, pause=pause), HTTPStatus.OK
    checked = submitting.check(form, corrects=submission.reference)
    if isinstance(checked, submitting.Refusal):
        return submitting.refuse(form, checked, card=card, pause=pause)
    outcome = services().delivery.intake.correct(submission.reference, checked.contact)
    if outcome is None:
        return _redirect_to_list("changed")
    if outcome.result is not Result.UNSTORED:
        _log(submission.reference, "corrected")
    if not outcome.is_accepted:
        return submitting.show_failure(form, outcome, card=card, pause=pause)
    reference = outcome.reference
    response = _redirect_to_list(outcome.result, reference=reference, status=outcome.status)
    return remember(response, checked.contact, outcome) if find_entry(reference) else response


# Templates' context


def _find(name: str) -> Submission:
    """Return a submission that can be changed.

    Raises:
        HTTPException: 404 if there is none, or a redirect to the list if it has just changed.
    """
    submission = services().delivery.outbox.review.get(name)
    if submission is None or submission.contact is None:
        abort(_redirect_to_list("changed") if request.method == "POST" else HTTPStatus.NOT_FOUND)
    if submission.state is State.SENDING:
        abort(_redirect_to_list("changed"))
    return submission


def _card(submission: Submission) -> dict[str, Any]:
    definition = services().definitions.get(submission.form)
    found = submission.contact or Contact()
    return {
        "names": found.names,
        "mobile": persian.persian_digits(str(found[MOBILE] or "")),
        "reference": submission.reference,
        "came": local_time(submission.created_at),
        "form": definition.title if definition else "",
        "slug": submission.form,
        "operator": submission.operator,
        "reasons": _reasons(submission),
        "status": "" if submission.status in messages.SUSPECT_STATUSES else submission.status,
        "values": format_values(found.values, all_fields(_definition(submission))),
        "is_idle": submission.state is not State.SENDING,
    }


def _reasons(submission: Submission) -> list[str]:
    """Return why a submission waits or needs attention, as Persian sentences."""
    status = submission.status
    reasons = {
        messages.BEING_SENT: submission.state is State.SENDING,
        messages.SUSPECT_STATUSES.get(status) or status_message(status): status,
        messages.GIVEN_UP.format(n=persian.persian_digits(MAX_RETRY_AGE.days)): is_given_up(
            submission
        ),
        messages.PERHAPS_THERE: submission.uncertain and not submission.blind,
        messages.PERHAPS_TWICE: submission.blind and status != PERHAPS_RECORDED,
        _sent_twice(submission): status == PERHAPS_RECORDED,
    }
    return [text for text, applies in reasons.items() if applies]


def _sent_twice(submission: Submission) -> str:
    """Return when a submission was sent twice without a clear answer."""
    first, last = (
        local_time(sent_at) if sent_at else messages.UNKNOWN_TIME
        for sent_at in (submission.first_sent_at, submission.last_sent_at)
    )
    return messages.SENT_TWICE.format(first=first, last=last)


def _definition(submission: Submission) -> FormDefinition | None:
    """Return the form of a submission; the main form if that one was removed."""
    definitions = services().definitions
    return definitions.get(submission.form) or main_form(definitions)


def _form(submission: Submission) -> ContactForm:
    """Return the form that corrects a submission: all fields, with the values of its contact."""
    pattern = _definition(submission)
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
    )
    # A browser sends nothing for a group without a choice, so the POST replaces all values.
    data = submission.contact.values if submission.contact and request.method != "POST" else None
    form = build_form(
        *(definition, services().tokens, services().delivery.labels.known), showing_site
    )(data=data)
    del form.keep  # there is no next contact
    return form


def _after() -> int:
    """Return the id of the last submission of the previous page, or 0."""
    given = request.args.get("after", 0, type=int)
    return given if 0 <= given <= _MAX_ID else 0


def _address(*, is_waiting: bool, after: int = 0) -> str:
    wanted = ["waiting=1"] * is_waiting + [f"after={after}"] * (after > 0)
    return "?".join(filter(None, (_PATH, "&".join(wanted))))


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
    """Redirect to the list, which shows the result.

    Not by `flash`, whose messages all pages share: "/" would show this one.
    """
    session[_FLASH_KEY] = {"result": result, "reference": reference, "status": status, "n": n}
    return see_other(_PATH)


def _log(what: str, done: str) -> None:
    operator = services().basic_auth.operator
    log.info("outbox: %s %s%s", what, done, f" by {operator}" if operator else "")
