"""What the pages share: the app's `Services`; and what every response gets: headers and gzip.

`Services` holds what an app has built once: its settings, forms and the services of all features. A
view gets it from `services()`.

Gzip is for servers without a compressing proxy in front. Flask-Compress skips responses with an
error status, but a form that comes back with errors is the largest page of all.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, abort, current_app, request
from werkzeug.http import parse_accept_header

from webapp.forms import ContactForm
from webapp.forms.definitions import Access, FormDefinition, main_form
from webapp.forms.tokens import InvalidToken, Tokens
from webapp.observability.metrics import NO_ROUTE, ROUTE, CountingMiddleware, Metrics
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.security import BasicAuth, FormRequest, Intranet, embedded_form
from webapp.web.security.proof_of_work import ProofOfWork
from webapp.web.security.rate_limits import RateLimits

if TYPE_CHECKING:
    from webapp.web import Readiness
    from webapp.web.help import Header, HeaderContent
    from webapp.web.rendering.content import CachedPage
    from webapp.web.rendering.recent import RecentSubmissions

EXTENSION = "contact_form"


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
    return cast("Services", current_app.extensions[EXTENSION])


def public_form(slug: str) -> FormDefinition:
    """Return the public form of this slug.

    Raises:
        NotFound: if there is none.
    """
    definition = services().definitions.get(slug)
    if not definition or definition.access is not Access.PUBLIC:
        abort(HTTPStatus.NOT_FOUND)
    return definition


def form_path(definition: FormDefinition) -> str:
    """Return the path of a form's own page."""
    is_main = definition is main_form(services().definitions)
    return "/" if is_main else f"/f/{definition.slug}"


def see_other(url: str) -> Response:
    """Redirect to a GET, without Werkzeug's English body."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": url})


def own_address() -> str:
    """Return the path and query of this page, for a form that is sent back to it.

    A form without an action keeps the fragment that a link of its error summary added, as do the
    pages after it.
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


_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)
# A page that answers a POST, as a form that came back or a question, for Back and Forward: without
# the stored answer, a browser would have to send the POST again, and shows an error page of its own
# instead. Without `Vary: Cookie`: a cookie that came since, as that of a receipt, would make the
# stored answer another one.
_KEEP_FOR_BACK: Final = "private, no-cache"
_EMBED_PREFIX: Final = "embed"  # the embedded pages, and the script that other sites load
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make a POST's Origin null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def register(
    app: Flask,
    definitions: Mapping[str, FormDefinition],
    metrics: Metrics,
    views: Mapping[str, Callable[[], Response]],
) -> None:
    """Count the requests of an app with these forms, and complete its responses.

    It answers the paths of `views` before the router, which accepts only the host of PUBLIC_URL:
    load balancers and Prometheus request each machine by its IP address.
    """
    app.before_request(partial(_note_route, views))
    app.after_request(_compress)
    counted = CountingMiddleware(app.wsgi_app, metrics)
    app.wsgi_app = _HeadersMiddleware(counted, definitions)  # type: ignore[method-assign]


def _note_route(views: Mapping[str, Callable[[], Response]]) -> Response | None:
    """Note the route by which a request is counted; answer it if it needs no router."""
    view, rule = views.get(request.path), request.url_rule
    view = view if request.method in ("GET", "HEAD") else None
    request.environ[ROUTE] = rule.rule if rule else request.path if view else NO_ROUTE
    return view() if view else None


class _HeadersMiddleware:
    """WSGI middleware that adds the headers.

    Adding them one by one to Flask's response object would take a fifth of the time of a page.
    """

    def __init__(self, app: WSGIApplication, definitions: Mapping[str, FormDefinition]) -> None:
        self._app = app
        self._definitions = definitions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        definition = embedded_form(self._definitions, path)
        origins = definition.embed_origins if definition else ()
        ours = _headers(
            origins,
            is_embedded=path.lstrip("/").startswith(_EMBED_PREFIX),
            is_secure=environ["wsgi.url_scheme"] == "https",
        )

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            is_kept = environ["REQUEST_METHOD"] == "POST" and _is_page(status, headers)
            cache_control = _KEEP_FOR_BACK if is_kept else "no-store"
            if is_kept:
                headers = [each for each in headers if each[0] != "Vary"]
                headers.append(("Vary", "Accept-Encoding"))
            own = _with_defaults(headers, _policy(origins), cache_control)
            return start_response(status, [*own, *ours], *error)

        return self._app(environ, start)


def _is_page(status: str, headers: Iterable[tuple[str, str]]) -> bool:
    kind = next((value for name, value in headers if name == "Content-Type"), "")
    return kind.startswith("text/html") and not status.startswith("3")


def _with_defaults(
    headers: list[tuple[str, str]], policy: str, cache_control: str
) -> Iterator[tuple[str, str]]:
    """Yield a response's own headers, completed by Content-Security-Policy and Cache-Control."""
    has_cache_control = False
    for name, value in headers:
        if name == "Content-Security-Policy":
            policy = f"{policy}; {value}"
        else:
            has_cache_control = has_cache_control or name == "Cache-Control"
            yield name, value
    yield "Content-Security-Policy", policy
    if not has_cache_control:
        yield "Cache-Control", cache_control


@cache
def _headers(
    origins: tuple[str, ...], *, is_embedded: bool, is_secure: bool
) -> tuple[tuple[str, str], ...]:
    """Return the headers that all responses of such a path share."""
    headers = dict(_HEADERS)
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_embedded else "same-origin"
    if not origins:
        headers["X-Frame-Options"] = "DENY"
    if is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return tuple(headers.items())


@cache
def _policy(origins: tuple[str, ...]) -> str:
    """Return the policy of a page that these origins may frame."""
    # 'self': for the preview.
    ancestors = " ".join((*origins, "'self'")) if origins else "'none'"
    return f"{_POLICY}; frame-ancestors {ancestors}"


_TEXTS: Final = {"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"}
_GZIPPED: Final = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
_MIN_BYTES: Final = 500  # fits into one packet anyway


def respond(page: CachedPage, values: Mapping[str, str]) -> Response:
    """Return a cached page with these values, compressed if the browser accepts it."""
    if not _accepts_gzip():
        return Response(page.render(values), mimetype="text/html")
    return Response(page.render_gzipped(values), mimetype="text/html", headers=_GZIPPED)


def _accepts_gzip() -> bool:
    return _parse_accepts_gzip(request.headers.get("Accept-Encoding", ""))


@lru_cache(maxsize=256)
def _parse_accepts_gzip(accepted: str) -> bool:
    return parse_accept_header(accepted).quality("gzip") > 0


def _compress(response: Response) -> Response:
    if "Content-Encoding" in response.headers:
        return response
    is_part = response.status_code == HTTPStatus.PARTIAL_CONTENT
    if is_part or response.mimetype not in _TEXTS:
        return response
    response.vary.add("Accept-Encoding")
    if not _accepts_gzip():
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < _MIN_BYTES:
        return response
    response.data = gzip.compress(body, mtime=0)
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:  # a strong one means identical bytes in every encoding
        response.set_etag(etag, weak=True)
    return response


FOR_A_YEAR: Final = "max-age=31536000, immutable"
CACHE_FOR_A_YEAR: Final = f"public, {FOR_A_YEAR}"

_FONT: Final = "font.css"
_FONT_STYLES: Final = "site.css"  # the stylesheet of every page
_UNNEEDED: Final = re.compile(
    r"\s*/\*.*?\*/|;?\s+(?=\})|\n\s+|(?<=[:;,{]) +| +(?=\{)|;(?=\})", re.DOTALL
)
_URL: Final = re.compile(r'url\("([\w.-]+)"\)')


def register_assets(app: Flask) -> None:
    """Add `asset(name)` and `has_asset(name)` to the templates, and the caching headers."""
    folder = Path(str(app.static_folder))
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    stylesheets = _stylesheets(contents)
    digests = {name: _digest(content) for name, content in (contents | stylesheets).items()}

    def asset(name: str) -> str:
        # Not url_for, which fails on the error page for an untrusted host.
        return f"{app.static_url_path}/{name}?v={digests[name]}"

    def stylesheet(name: str) -> Response:
        if (content := stylesheets.get(f"{name}.css")) is None:
            abort(HTTPStatus.NOT_FOUND)
        response = Response(content, mimetype="text/css")
        response.cache_control.no_cache = True
        response.set_etag(digests[f"{name}.css"])
        response.make_conditional(request.environ, accept_ranges=True, complete_length=len(content))
        return cached(response, f"{name}.css")

    def static(filename: str) -> Response:
        return cached(app.send_static_file(filename), filename)

    def cached(response: Response, name: str) -> Response:
        if request.args.get("v") == digests.get(name):
            response.headers["Cache-Control"] = CACHE_FOR_A_YEAR
        return response

    app.jinja_env.globals.update(asset=asset, has_asset=digests.__contains__)
    app.add_url_rule(f"{app.static_url_path}/<name>.css", "stylesheet", stylesheet)
    app.view_functions["static"] = static


def _stylesheets(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the stylesheets as browsers get them, by name.

    They have no comment and no space without meaning, and the content hash of what they load. The
    font is part of the first one if it was built.
    """
    texts = {name: content.decode() for name, content in contents.items() if name[-4:] == ".css"}
    font = texts.pop(_FONT)
    if all(name in contents for name in _URL.findall(font)):
        texts[_FONT_STYLES] = font + texts[_FONT_STYLES]

    def hashed(url: re.Match[str]) -> str:
        return f'url("{url[1]}?v={_digest(contents[url[1]])}")'

    return {
        name: _URL.sub(hashed, _UNNEEDED.sub("", text)).encode() for name, text in texts.items()
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
