"""Response headers: what a browser may do with a page, and which sites may frame it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from webapp.forms.request_origin import framed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from webapp.forms.definitions import FormDefinition

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)
_NOBODY: Final = "'none'"
_EMBEDDED: Final = "embed"  # the frames' pages, and the script that other sites load
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make a POST's Origin null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def register(app: Flask, definitions: Mapping[str, FormDefinition]) -> None:
    """Let every answer of an app with these forms carry the headers, errors of the server too."""
    app.wsgi_app = _HeadersMiddleware(app.wsgi_app, definitions)  # type: ignore[method-assign]


class _HeadersMiddleware:
    """The app, each of whose answers has the headers of its address.

    Around Flask: adding them one by one to its response would take a tenth of a page's time.
    """

    def __init__(self, app: WSGIApplication, definitions: Mapping[str, FormDefinition]) -> None:
        self._app = app
        self._definitions = definitions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        definition = framed(self._definitions, path)
        origins = definition.embed_origins if definition else ()
        ours = _headers(
            origins,
            is_embedded=path.lstrip("/").startswith(_EMBEDDED),
            is_secure=environ["wsgi.url_scheme"] == "https",
        )

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            return start_response(status, [*_completed(headers, _policy(origins)), *ours], *error)

        return self._app(environ, start)


def _completed(headers: list[tuple[str, str]], policy: str) -> Iterator[tuple[str, str]]:
    """Add to a page's own headers those of which it may have said something itself."""
    is_cacheable = False
    for name, value in headers:
        if name == "Content-Security-Policy":
            policy = f"{policy}; {value}"
        else:
            is_cacheable = is_cacheable or name == "Cache-Control"
            yield name, value
    yield "Content-Security-Policy", policy
    if not is_cacheable:
        yield "Cache-Control", "no-store"


@cache
def _headers(
    origins: tuple[str, ...], *, is_embedded: bool, is_secure: bool
) -> tuple[tuple[str, str], ...]:
    """Return what the answers of an address have in common."""
    headers = dict(_HEADERS)
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_embedded else "same-origin"
    if not origins:
        headers["X-Frame-Options"] = "DENY"
    if is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return tuple(headers.items())


@cache
def _policy(origins: tuple[str, ...]) -> str:
    """Return the policy of a page that these sites may show in a frame."""
    ancestors = " ".join((*origins, "'self'")) if origins else _NOBODY  # ourselves: the preview
    return f"{_POLICY}; frame-ancestors {ancestors}"
