"""Security headers of every response, and which sites may frame a page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from webapp.web.origin import embedded_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from webapp.forms.definitions import FormDefinition

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)
_FIRST_FAILURE: Final = "4"
# A form that came back, for Back and Forward: without the stored answer, a browser would have to
# send the POST again, and shows an error page of its own instead. Without `Vary: Cookie`: a cookie
# that came since, as that of a receipt, would make the stored answer another one.
_KEEP_FOR_BACK: Final = "private, no-cache"
_EMBED_PREFIX: Final = "embed"  # the embedded pages, and the script that other sites load
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make a POST's Origin null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def register(app: Flask, definitions: Mapping[str, FormDefinition]) -> None:
    """Add the headers to every response of an app with these forms."""
    app.wsgi_app = _HeadersMiddleware(app.wsgi_app, definitions)  # type: ignore[method-assign]


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
            is_failure = environ["REQUEST_METHOD"] == "POST" and status >= _FIRST_FAILURE
            cache_control = _KEEP_FOR_BACK if is_failure else "no-store"
            if is_failure:
                headers = [each for each in headers if each[0] != "Vary"]
                headers.append(("Vary", "Accept-Encoding"))
            own = _with_defaults(headers, _policy(origins), cache_control)
            return start_response(status, [*own, *ours], *error)

        return self._app(environ, start)


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
    ancestors = (
        " ".join((*origins, "'self'")) if origins else "'none'"
    )  # our own origin: the preview
    return f"{_POLICY}; frame-ancestors {ancestors}"
