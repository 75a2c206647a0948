"""The header of operators' pages, and their help page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from flask import Blueprint, Response, abort, render_template, request

from webapp.database import CachedValue
from webapp.forms.definitions import Access, FormDefinition, have_public_forms
from webapp.messages import desk
from webapp.outbox.rows import NEEDS_ATTENTION, SUSPECT_STATUSES
from webapp.persian import persian_digits
from webapp.portal import code_status_message
from webapp.services import DeliveryServices
from webapp.web import rendering
from webapp.web.rendering import form_path, require_intranet, services

if TYPE_CHECKING:
    from webapp.web.security import FormRequest

blueprint = Blueprint("header", __name__)

_COUNT_CAP: Final = 99
_CACHE_TTL_S: Final = 5.0  # on the forms, which are opened all day
_LOGO_PATH: Final = "/logo"


class HeaderContent(NamedTuple):
    """What the header of an operator's page says.

    Attributes:
        forms: The path and the title of each form for operators.
        current: The path of the page, as the links name it.
        section: The blueprint of the page.
        attention: How many contacts need attention, as a Persian text, or "".
        operator: Who is logged in, or "".
        code_failure: Why codes are not sent, or "".
        code_failure_text: What to do about it.
    """

    forms: tuple[tuple[str, str], ...]
    current: str
    section: str
    attention: str
    operator: str
    code_failure: str
    code_failure_text: str


class Header:
    """Reads what the header of an app's pages for operators says."""

    def __init__(self, delivery: DeliveryServices, forms: Mapping[str, FormDefinition]) -> None:
        """Show links to these forms, and what the services know."""
        count = partial(
            delivery.outbox.review.count,
            NEEDS_ATTENTION,
            most=_COUNT_CAP,
            but=SUSPECT_STATUSES,  # as the list of what needs attention
        )
        verifies = any(form.verification for form in forms.values())
        self._forms = forms
        self._attention = CachedValue(count, first=0, ttl_s=_CACHE_TTL_S)
        self._code_failure = CachedValue(
            delivery.codes.trouble.read if verifies else str, first="", ttl_s=_CACHE_TTL_S
        )

    def read(self) -> HeaderContent:
        """Return what the header of the current page says."""
        is_fresh = request.blueprint == "outbox"
        failure = self._code_failure.get(is_fresh=is_fresh)
        return HeaderContent(
            forms=self._links,
            current=self._current_path(),
            section=request.blueprint or "",
            attention=_attention(self._attention.get(is_fresh=is_fresh)),
            operator=services().basic_auth.operator or "",
            code_failure=failure,
            code_failure_text=code_status_message(failure),
        )

    @cached_property
    def _links(self) -> tuple[tuple[str, str], ...]:
        """The path and the title of each form for operators."""
        own = [it for it in self._forms.values() if it.access is Access.INTRANET]
        return tuple((form_path(form), form.title) for form in own)

    def _current_path(self) -> str:
        """Return the path of this page as the links name it: a form may have two."""
        slug = (request.view_args or {}).get("slug", "")
        form = self._forms.get(slug) if request.endpoint == "page.form" else None
        return form_path(form) if form else request.path


def _attention(count: int) -> str:
    text = desk.ATTENTION_MANY if count > _COUNT_CAP else desk.ATTENTION
    return text.format(n=persian_digits(min(count, _COUNT_CAP))) if count else ""


@blueprint.app_context_processor
def header() -> dict[str, HeaderContent]:
    """Give the layout of operators' pages its header; on visitors' pages, nothing is read."""
    is_operators = cast("FormRequest", request).is_operators_page
    return {"header": services().header.read()} if is_operators else {}


def organisation() -> str:
    """Return the organisation's name, or ""."""
    return services().settings.organisation


def logo_path() -> str:
    """Return the path of the organisation's logo, or ""."""
    found = services().settings.organisation_logo
    return f"{_LOGO_PATH}?v={found.digest}" if found else ""


@blueprint.get(_LOGO_PATH)
def logo() -> Response:
    """Serve the organisation's logo: to operators, and to visitors where they have a form."""
    found = services().settings.organisation_logo
    if not (found and have_public_forms(services().definitions)):
        require_intranet()
    if not found:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(found.content, mimetype=found.mimetype)
    if request.args.get("v") == found.digest:
        # By the browser only: without public forms, a shared cache would show it to strangers.
        response.headers["Cache-Control"] = f"private, {rendering.FOR_A_YEAR}"
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
    return render_template("help/help.html", public=public)
