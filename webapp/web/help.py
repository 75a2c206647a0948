"""The header of operators' pages, and their help; in demo mode, what the simulator received."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from flask import Blueprint, Response, abort, current_app, render_template, request, send_file

from webapp import demo
from webapp.contact import FIELDS, FieldKind, in_page_order
from webapp.database import CachedValue, DatabaseError
from webapp.demo.model import DEMO_NUMBERS
from webapp.forms.definitions import Access, FormDefinition, have_public_forms
from webapp.messages import desk
from webapp.outbox.rows import NEEDS_ATTENTION, SUSPECT_STATUSES
from webapp.persian import persian_digits
from webapp.portal import code_status_message
from webapp.services import DeliveryServices
from webapp.web import rendering
from webapp.web.rendering import form_path, require_intranet, services
from webapp.web.rendering.content import format_values, waiting

if TYPE_CHECKING:
    from webapp.web.security import FormRequest

blueprint = Blueprint("header", __name__)
demo_blueprint = Blueprint("demo", __name__)

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
        operator: The login name of the operator, or "".
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
    image = services().settings.organisation_logo
    return f"{_LOGO_PATH}?v={image.digest}" if image else ""


@blueprint.get(_LOGO_PATH)
def logo() -> Response:
    """Serve the organisation's logo: to operators, and to visitors where they have a form."""
    image = services().settings.organisation_logo
    if not (image and have_public_forms(services().definitions)):
        require_intranet()
    if not image:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(image.content, mimetype=image.mimetype)
    if request.args.get("v") == image.digest:
        # Private: without public forms, a shared cache must not serve it to visitors.
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


# In demo mode only.


@demo_blueprint.get("/demo")
def received() -> str:
    """List the received contacts, and the codes that were sent, newest first."""
    require_intranet()
    contacts = [
        {"number": stored["ID"], "values": format_values(_values(stored), in_page_order())}
        for stored in reversed(demo.received(services().portal_url))
    ]
    codes = [
        (persian_digits(sent["Mobile"]), persian_digits(sent["Code"]))
        for sent in reversed(demo.sent_codes(services().portal_url))
    ]
    try:
        pause = services().delivery.breaker.read_pause()
    except DatabaseError:
        pause = None
    return render_template(
        "demo/demo.html",
        contacts=contacts,
        codes=codes,
        pause=pause,
        cause=_number_of(pause.status) if pause else "",
        waiting=waiting,
    )


@demo_blueprint.get("/styleguide")
def style_guide() -> Response:
    """Show each component of the pages once, in each of its states."""
    require_intranet()
    return send_file(Path(current_app.root_path) / "docs" / "design-system.html")


def _number_of(status: str) -> str:
    """Return the demo number that the simulator answers with this status, in Persian digits."""
    numbers = [number for number, answer in DEMO_NUMBERS.items() if answer == status]
    return persian_digits(numbers[0]) if numbers else ""


def _values(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a contact's values from the portal's format."""
    return {name: _value(row.kind, stored.get(name)) for name, row in FIELDS.items()}


def _value(kind: FieldKind, written: Any) -> Any:  # noqa: ANN401  JSON
    match kind:
        case FieldKind.MOBILE:
            return "0" + str(written).removeprefix("98")
        case FieldKind.DATE if written:
            return date.fromisoformat(written[:10])
        case FieldKind.LABELS:
            return tuple(written)
        case _:
            return written
