"""The header of operators' pages, and their help page."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, render_template, request

from webapp.delivery.database import DatabaseError
from webapp.delivery.submission import NEEDS_ATTENTION
from webapp.forms.definitions import Access
from webapp.messages import codes, imports, workbench
from webapp.persian import persian_digits
from webapp.portal.base import code_status_message
from webapp.web import responses
from webapp.web.views import form_path, render_part, require_intranet, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from webapp.delivery.code_trouble import CodeTrouble
    from webapp.delivery.review import Review
    from webapp.forms.definitions import FormDefinition

blueprint = Blueprint("header", __name__)

_COUNT_CAP: Final = 99
_COUNT_MAX_AGE_S: Final = 5.0  # on the forms, which are opened all day
_LOGO_PATH: Final = "/logo"


class AttentionCount:
    """How many submissions need attention, read from the outbox every few seconds."""

    def __init__(self, review: Review) -> None:
        """Count the submissions of this outbox."""
        self._review = review
        self._count = 0
        self._counted_at = float("-inf")

    def read(self, *, max_age_s: float) -> int:
        """Return the number, up to one more than 99; 0 while the database fails.

        Args:
            max_age_s: How old the number may be.
        """
        now = time.monotonic()
        if now - self._counted_at > max_age_s:
            try:
                self._count = self._review.count(NEEDS_ATTENTION, most=_COUNT_CAP)
            except DatabaseError:
                self._count = 0
            self._counted_at = now
        return self._count


class CodeTroubleCache:
    """Why codes are not sent, read every few seconds, and only if a form verifies numbers."""

    def __init__(self, trouble: CodeTrouble, definitions: Mapping[str, FormDefinition]) -> None:
        """Read this trouble for these forms."""
        self._trouble = trouble
        self._is_used = any(form.verification for form in definitions.values())
        self._status = ""
        self._read_at = float("-inf")

    def read(self, *, max_age_s: float) -> str:
        """Return the status, or ""; "" while the database fails.

        Args:
            max_age_s: How old it may be.
        """
        now = time.monotonic()
        if self._is_used and now - self._read_at > max_age_s:
            try:
                self._status = self._trouble.read()
            except DatabaseError:
                self._status = ""
            self._read_at = now
        return self._status


def operators_header() -> Markup:
    """Render the header. Only the templates of operators' pages ask for it."""
    settings = services().settings
    code_trouble = services().code_trouble.read(max_age_s=_COUNT_MAX_AGE_S)
    is_outbox = request.blueprint == "outbox"
    return render_part(
        "header.html",
        organisation=settings.organisation,
        logo=_logo_url(),
        links=_form_links(),
        current=_current_path(),
        import_link=imports.LINK,
        attention=_attention(max_age_s=0 if is_outbox else _COUNT_MAX_AGE_S),
        operator=services().basic_auth.operator,
        code_trouble=code_trouble,
        code_trouble_status=code_status_message(code_trouble),
        code_trouble_text=codes.TROUBLE,
    )


def _attention(*, max_age_s: float) -> str:
    """Return how many submissions need attention, as the header says it; "" if none does."""
    count = services().attention.read(max_age_s=max_age_s)
    text = workbench.ATTENTION_MANY if count > _COUNT_CAP else workbench.ATTENTION
    return text.format(n=persian_digits(min(count, _COUNT_CAP))) if count else ""


def _logo_url() -> str:
    logo = services().settings.organisation_logo
    return f"{_LOGO_PATH}?v={logo.digest}" if logo else ""


def _form_links() -> list[tuple[str, str, str]]:
    """Return the path and the title of each form for operators, with an empty note."""
    forms = services().definitions.values()
    return [(form_path(form), form.title, "") for form in forms if form.access is Access.INTRANET]


def _current_path() -> str:
    """Return the path of this page as the links name it: a form may have two."""
    slug = (request.view_args or {}).get("slug", "")
    form = services().definitions.get(slug) if request.endpoint == "page.form" else None
    return form_path(form) if form else request.path


@blueprint.get(_LOGO_PATH)
def logo() -> Response:
    """Serve the organisation's logo."""
    require_intranet()
    found = services().settings.organisation_logo
    if not found:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(found.content, mimetype=found.mimetype)
    if request.args.get("v") == found.digest:
        # By the browser only: a cache that others share would show it to strangers.
        response.headers["Cache-Control"] = f"private, {responses.FOR_A_YEAR}"
    return response


@blueprint.get("/help")
def show_help() -> str:
    """Show what the pages do, the keyboard shortcuts, and where visitors' forms are set up."""
    require_intranet()
    public = [
        (slug, form.title)
        for slug, form in services().definitions.items()
        if form.access is Access.PUBLIC
    ]
    return render_template("help.html", public=public)
