"""What the pages share: the app's `Services`, and functions that render and format.

`Services` holds what an app has built once: its settings, forms and the services of all features. A
view gets it from `services()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import urlencode

from flask import Response, abort, current_app, render_template, request
from markupsafe import Markup, escape

from webapp import messages, persian
from webapp.contact import Field, FieldKind, in_page_order
from webapp.database import DatabaseError
from webapp.forms import ContactForm
from webapp.forms.definitions import Access, FormDefinition, main_form
from webapp.forms.tokens import InvalidToken, Tokens
from webapp.messages import statistics as texts
from webapp.observability.metrics import Metrics
from webapp.outbox.rows import WAITING, State
from webapp.persian import persian_digits
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.security import BasicAuth, FormRequest, Intranet
from webapp.web.security.proof_of_work import ProofOfWork
from webapp.web.security.rate_limits import RateLimits

if TYPE_CHECKING:
    from webapp.web.health import Readiness
    from webapp.web.help import Header, HeaderContent
    from webapp.web.rendering.page_cache import CachedPage
    from webapp.web.rendering.recent import RecentSubmissions

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
    intranet: Intranet
    proof_of_work: ProofOfWork
    recent: RecentSubmissions | None
    portal_url: str
    cached_pages: dict[tuple[str, bool, str, str, int, HeaderContent | None], CachedPage]


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


def isolated(values: Iterable[str], separator: str = " ") -> Markup:
    """Return texts in a `<bdi>` each: a Latin one among Persian ones keeps its place and signs."""
    html = str(escape(separator)).join(f"<bdi>{escape(value)}</bdi>" for value in values)
    return Markup(html)  # nosec B704  # noqa: S704  escaped


# A mail address, a web address or a phone number within a text.
_LINK: Final = re.compile(
    r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|(?P<web>https?://[^\s\u060c\u061b]+[^\s\u060c\u061b.)])"
    r"|(?P<phone>[+(]?\d[\d() \u200c–-]{5,}\d)"
)
_LINKS: Final = {
    "mail": '<a href="mailto:{0}"><bdi dir="ltr">{1}</bdi></a>',
    "web": '<a href="{0}" target="_blank" rel="noopener"><bdi dir="ltr">{1}</bdi></a>',
    "phone": '<a href="tel:{0}"><bdi dir="ltr">{1}</bdi></a>',
}


def linked(text: str) -> Markup:
    """Return a text as HTML in which phone numbers, mail and web addresses are links."""
    html, end = Markup(), 0
    for found in _LINK.finditer(text):
        kind, shown = str(found.lastgroup), found[0]
        digits = persian.fold_digits(shown)
        target = re.sub(r"[^+\d]", "", digits) if kind == "phone" else shown
        html += text[end : found.start()]
        html += Markup(_LINKS[kind]).format(target, shown)  # nosec B704  # noqa: S704  escaped
        end = found.end()
    return html + text[end:]


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
    if not request.args:
        return request.path
    return f"{request.path}?{urlencode(list(request.args.items(multi=True)))}"


def has_token(form: str) -> bool:
    """Return whether the request brings a valid token of this form."""
    try:
        services().tokens.read(request.form.get("csrf_token", ""), form=form)
    except InvalidToken:
        return False
    return True


def require_intranet() -> None:
    """Allow only operators, under a host name of our own; see `security`."""
    services().intranet.require()
    # Not in `g`, which a request that is made within this one would share.
    cast("FormRequest", request).is_operators_page = True


def waiting() -> str:
    """Return how many contacts wait, as a Persian sentence; "" if the database fails."""
    return counted(WAITING, messages.WAITING, messages.WAITING_MANY)


def counted(
    states: Sequence[State],
    text: str = "{n}",
    many: str = texts.MORE_THAN,
    *,
    but: Sequence[str] = (),
) -> str:
    """Return how many contacts in these states are in the outbox; "" if the database fails.

    Args:
        states: The states.
        text: The Persian text for the number.
        many: The one for more than are counted.
        but: Statuses that are not counted.
    """
    try:
        count = services().delivery.outbox.review.count(states, most=_COUNT_CAP, but=but)
    except DatabaseError:
        return ""
    sentence = many if count > _COUNT_CAP else text
    return sentence.format(n=persian_digits(min(count, _COUNT_CAP)))


_FORMATTERS: Final[dict[FieldKind, Callable[[Any], str]]] = {
    FieldKind.MOBILE: persian.persian_digits,
    FieldKind.GENDER: lambda is_man: messages.MAN if is_man else messages.WOMAN,
    FieldKind.DATE: persian.date_in_words,
    FieldKind.LABELS: lambda labels: isolated(labels, messages.COMMA),
    FieldKind.ACTIVE: lambda is_active: messages.YES if is_active else messages.NO,
}
_DIRECTIONS: Final = {FieldKind.MOBILE: "ltr", FieldKind.EMAIL: "ltr", FieldKind.LABELS: "rtl"}

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class FormattedValue(NamedTuple):
    """A value with its caption and its text direction."""

    caption: str
    text: str
    dir: str


def format_values(values: Mapping[str, Any], rows: Iterable[Field]) -> list[FormattedValue]:
    """Return the values of a contact that are not empty, in the order of these rows."""
    return [
        FormattedValue(
            row.caption,
            _FORMATTERS.get(row.kind, str)(values[row.name]),
            _DIRECTIONS.get(row.kind, "auto"),
        )
        for row in rows
        if values[row.name] not in (None, "", ())
    ]


def all_fields(definition: FormDefinition | None) -> list[Field]:
    """Return the whole field table in the order of the page, with a form's own captions."""
    own = {row.name: row for row in definition.fields} if definition else {}
    return [own.get(row.name, row) for row in in_page_order()]


def duration(seconds: float, *, decimals: int = 1) -> str:
    """Return a duration in the unit that fits, «۱٫۲ ثانیه».

    Args:
        seconds: The duration.
        decimals: Of seconds; minutes and hours have one.
    """
    for text, unit_s in ((texts.HOURS, _HOUR_S), (texts.MINUTES, _MINUTE_S)):
        if seconds >= unit_s:
            return text.format(n=persian.persian_number(seconds / unit_s, decimals=1))
    return texts.SECONDS.format(n=persian.persian_number(seconds, decimals=decimals))


def local_time(value: datetime) -> str:
    """Return a UTC time as local date and time in Iran, in Persian."""
    local = persian.to_iran(value)
    day, time = persian.date_in_words(local.date()), persian.persian_digits(f"{local:%H:%M}")
    return messages.LOCAL_TIME.format(day=day, time=time)
