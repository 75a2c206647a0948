"""The services of an app, and what several views share."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from flask import Response, abort, current_app, render_template, request
from markupsafe import Markup

from webapp import messages
from webapp.database import DatabaseError
from webapp.forms.definitions import Access, main_form
from webapp.forms.tokens import InvalidToken
from webapp.messages import statistics as texts
from webapp.outbox.rows import NEEDS_ATTENTION, WAITING
from webapp.persian import persian_digits
from webapp.web import access

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.forms import ContactForm
    from webapp.forms.definitions import FormDefinition
    from webapp.forms.tokens import Tokens
    from webapp.observability import RareWarnings
    from webapp.observability.metrics import Metrics
    from webapp.outbox.rows import State
    from webapp.services import DeliveryServices
    from webapp.settings import Settings
    from webapp.web.access import BasicAuth
    from webapp.web.page_cache import CachedPage
    from webapp.web.proof_of_work import ProofOfWork
    from webapp.web.rate_limits import RateLimits
    from webapp.web.request import FormRequest
    from webapp.web.views.header import Header
    from webapp.web.views.health import Readiness
    from webapp.web.views.recent import RecentSubmissions

EXTENSION = "contact_form"

_COUNT_CAP: Final = 10_000  # pages say "more than"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of one app."""

    settings: Settings
    definitions: Mapping[str, FormDefinition]
    forms: Mapping[str, type[ContactForm]]
    delivery: DeliveryServices
    metrics: Metrics
    readiness: Readiness
    header: Header
    tokens: Tokens
    rate_limits: RateLimits
    basic_auth: BasicAuth
    access_warnings: RareWarnings
    proof_of_work: ProofOfWork
    recent: RecentSubmissions | None
    portal_url: str
    cached_pages: dict[tuple[str, bool, str, str, int], CachedPage]


def services() -> Services:
    """Return the services of the current app."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def public_form(slug: str) -> FormDefinition:
    """Return the public form of this slug.

    Raises:
        NotFound: if there is none.
    """
    definition = services().definitions.get(slug)
    if not definition or definition.access is not Access.PUBLIC:
        abort(HTTPStatus.NOT_FOUND)
    return definition


def render_part(template: str, **context: Any) -> Markup:
    """Render a part of a page, to be inserted into another template as it is."""
    html = render_template(template, **context)
    return Markup(html)  # nosec B704  # noqa: S704  rendered and escaped by Jinja


def form_path(definition: FormDefinition) -> str:
    """Return the path of a form's own page."""
    is_main = definition is main_form(services().definitions)
    return "/" if is_main else f"/f/{definition.slug}"


def see_other(url: str) -> Response:
    """Redirect to a GET, without Werkzeug's English body."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": url})


def own_address() -> str:
    """Return the path and query of this page, for a form that is sent back to it.

    A form without an action keeps the fragment that a link of its error summary added, and so do
    the pages after it.
    """
    query = urlencode(list(request.args.items(multi=True)))
    return f"{request.path}?{query}" if query else request.path


def has_token(form: str) -> bool:
    """Return whether the request brings a valid token of this form."""
    try:
        services().tokens.read(request.form.get("csrf_token", ""), form=form)
    except InvalidToken:
        return False
    return True


def require_intranet() -> None:
    """Allow only operators, under a host name of our own; see `access`."""
    own = services()
    access.require_intranet(own.settings, own.basic_auth, own.access_warnings)
    access.require_own_host(services().settings)
    # Not in `g`, which a request that is made within this one would share.
    cast("FormRequest", request).is_operators_page = True


def waiting() -> str:
    """Return how many contacts wait, as a Persian sentence; "" if the database fails."""
    return _counted(WAITING, messages.WAITING, messages.WAITING_MANY)


def needing_attention() -> str:
    """Return how many contacts need attention; otherwise as `waiting`."""
    return _counted(NEEDS_ATTENTION, texts.ATTENTION_NOW, texts.ATTENTION_NOW_MANY)


def _counted(states: Sequence[State], text: str, many: str) -> str:
    try:
        count = services().delivery.outbox.review.count(states, most=_COUNT_CAP)
    except DatabaseError:
        return ""
    sentence = many if count > _COUNT_CAP else text
    return sentence.format(n=persian_digits(min(count, _COUNT_CAP)))
