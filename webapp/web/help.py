"""The header of operators' pages, and their help page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import Markup

from webapp.database.cached_value import CachedValue
from webapp.forms.definitions import Access, FormDefinition, have_public_forms
from webapp.messages import codes, imports, workbench
from webapp.outbox.rows import NEEDS_ATTENTION
from webapp.persian import persian_digits
from webapp.portal.base import code_status_message
from webapp.services import DeliveryServices
from webapp.web.rendering import form_path, render_part, require_intranet, responses, services

blueprint = Blueprint("header", __name__)

_COUNT_CAP: Final = 99
_CACHE_TTL_S: Final = 5.0  # on the forms, which are opened all day
_MAX_VARIANTS: Final = 200  # by page, operator and count
_LOGO_PATH: Final = "/logo"


class Header:
    """The header of an app's pages, rendered once for each of its variants."""

    def __init__(self, delivery: DeliveryServices, forms: Mapping[str, FormDefinition]) -> None:
        """Show links to these forms, and what the services know."""
        count = partial(delivery.outbox.review.count, NEEDS_ATTENTION, most=_COUNT_CAP)
        verifies = any(form.verification for form in forms.values())
        self._forms = forms
        self._attention = CachedValue(count, first=0, ttl_s=_CACHE_TTL_S)
        self._code_failure = CachedValue(
            delivery.codes.trouble.read if verifies else str, first="", ttl_s=_CACHE_TTL_S
        )
        self._cached = lru_cache(maxsize=_MAX_VARIANTS)(self._render)

    def show(self) -> Markup:
        """Return the header of the current page."""
        section = request.blueprint or ""
        is_fresh = section == "outbox"
        return self._cached(
            path=self._current_path(),
            section=section,
            attention=self._attention.get(is_fresh=is_fresh),
            code_failure=self._code_failure.get(is_fresh=is_fresh),
            operator=services().basic_auth.operator or "",
        )

    def _current_path(self) -> str:
        """Return the path of this page as the links name it: a form may have two."""
        slug = (request.view_args or {}).get("slug", "")
        form = self._forms.get(slug) if request.endpoint == "page.form" else None
        return form_path(form) if form else request.path

    def _render(
        self, *, path: str, section: str, attention: int, code_failure: str, operator: str
    ) -> Markup:
        text = workbench.ATTENTION
        if attention > _COUNT_CAP:
            attention, text = _COUNT_CAP, workbench.ATTENTION_MANY
        forms = [it for it in self._forms.values() if it.access is Access.INTRANET]
        return render_part(
            "layouts/header.html",
            organisation=organisation(),
            logo=logo_path(),
            forms=[(form_path(form), form.title) for form in forms],
            current=path,
            section=section,
            import_link=imports.LINK,
            attention=text.format(n=persian_digits(attention)) if attention else "",
            operator=operator,
            code_trouble=code_failure,
            code_trouble_status=code_status_message(code_failure),
            code_trouble_text=codes.TROUBLE,
        )


def operators_header() -> Markup:
    """Return the header of this page. Only the templates of operators' pages ask for it."""
    return services().header.show()


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
    return render_template("help/help.html", public=public)
