"""Flask's own sessions, whose signer is made once and not with every request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from flask.sessions import SecureCookieSessionInterface

if TYPE_CHECKING:
    from flask import Flask
    from itsdangerous import URLSafeTimedSerializer


class Sessions(SecureCookieSessionInterface):
    """Signed cookies, only for operators: it signs, and so it is read, with the app's keys."""

    @cache  # noqa: B019  one app, as long as it lives
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the signer, with the keys that the app was made with."""
        return super().get_signing_serializer(app)
