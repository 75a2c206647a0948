"""Flask's sessions, as they are, between machines whose clocks differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.sessions import SecureCookieSessionInterface

from webapp.forms.tokens import Signer

if TYPE_CHECKING:
    from flask import Flask
    from itsdangerous import URLSafeTimedSerializer


class Sessions(SecureCookieSessionInterface):
    """Sessions that another machine may have signed.

    Else the receipt of a contact, which one machine puts into the session, would not be shown by
    another one whose clock is a second behind.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and reads the cookie."""
        serializer = super().get_signing_serializer(app)
        if serializer:
            serializer.signer = Signer
        return serializer
