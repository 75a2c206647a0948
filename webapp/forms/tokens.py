"""Form tokens and receipts: signed and cookie-free.

A form token is good for one rendered form.

A session-bound token fails in a cross-site iframe, where browsers keep no cookie; this one travels
in the form alone. Its nonce makes two sends of the same rendered form recognisable.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFETIME: Final = timedelta(hours=12)
SOONEST: Final = timedelta(seconds=2)  # no person fills in a form faster


class InvalidToken(ValueError):
    """The token is missing, tampered with, for another form, too old, or signed with a lost key.

    Attributes:
        site: The site that showed the form, where the token was only too old; else "".
    """

    def __init__(self, reason: str, *, site: str = "") -> None:
        """Take the reason, a name without personal data."""
        super().__init__(reason)
        self.site = site


class InvalidReceipt(ValueError):
    """The receipt is missing, tampered with, for another form, or signed with a lost key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormToken:
    """What a valid token says.

    Attributes:
        form: The form's slug.
        nonce: Random text, one a rendered form.
        site: The origin of the site that showed the form.
        shown_at: When the person saw the form first, in UTC; an error on the way changes nothing.
    """

    form: str
    nonce: str
    site: str
    shown_at: datetime

    @property
    def is_too_young(self) -> bool:
        """Whether the form came back faster than a person fills it in."""
        return datetime.now(UTC) - self.shown_at < SOONEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receipt says.

    Attributes:
        result: The result of a submission.
        reference: Its reference.
        site: The origin of the site that showed the form.
        status: For operators: what the portal said, or "".
    """

    result: str
    reference: str
    site: str
    status: str


class FormTokens:
    """Issues and reads form tokens."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Sign with the first key and accept all of them, so that keys can be rotated."""
        # The serializer of the same name would try to compress each of these short texts.
        self._signer = TimestampSigner(list(reversed(keys)), salt="form token")

    def issue(self, form: str, *, site: str = "") -> str:
        """Return a token for the form of this slug, shown by this site."""
        return self._sign(form, _nonce(), site, time.time())

    def renew(self, token: FormToken, *, anew: bool = False) -> str:
        """Return a token for the same form, shown again.

        Args:
            token: The form's token.
            anew: Whether the same contact, sent once more, is another submission.
        """
        nonce = _nonce() if anew else token.nonce
        return self._sign(token.form, nonce, token.site, token.shown_at.timestamp())

    def _sign(self, form: str, nonce: str, site: str, shown_at: float) -> str:
        said = json.dumps([form, nonce, site, shown_at]).encode()
        return self._signer.sign(base64_encode(said)).decode()

    def read(self, text: str, *, form: str) -> FormToken:
        """Check a token that came back.

        Raises:
            InvalidToken: if it is not our own token for this form, younger than `LIFETIME`.
        """
        try:
            said = self._signer.unsign(text, max_age=int(LIFETIME.total_seconds()))
            slug, nonce, site, shown_at = _load(said)
            moment = datetime.fromtimestamp(shown_at, UTC)
        except SignatureExpired as error:
            _, _, site, _ = _load(error.payload or b"")
            raise InvalidToken("SignatureExpired", site=site) from None
        except (BadData, ArithmeticError, OSError, TypeError, ValueError) as error:
            # All but the first: our own token in the shape of another version.
            raise InvalidToken(type(error).__name__) from None
        if slug != form:
            raise InvalidToken("OtherForm")
        return FormToken(form=slug, nonce=nonce, site=site, shown_at=moment)


def _nonce() -> str:
    return secrets.token_urlsafe(16)


def _load(said: bytes) -> list[Any]:
    loaded: list[Any] = json.loads(base64_decode(said))
    return loaded


class Receipts:
    """Issues and reads receipts: what became of a submission, fit for an address.

    A receipt names no person, and to show it again is harmless: it has no end.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Sign with the first key and accept all of them."""
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt="receipt")

    def issue(
        self, form: str, *, result: str, reference: str, site: str = "", status: str = ""
    ) -> str:
        """Return the receipt of a submission of the form of this slug, shown by this site."""
        return str(self._serializer.dumps([form, result, reference, site, status]))

    def read(self, text: str, *, form: str) -> Receipt:
        """Return what a receipt says.

        Raises:
            InvalidReceipt: if it is not our own receipt for this form.
        """
        try:
            slug, result, reference, site, status = self._serializer.loads(text)
        except (BadData, TypeError, ValueError) as error:
            raise InvalidReceipt(type(error).__name__) from None
        if slug != form:
            raise InvalidReceipt("OtherForm")
        return Receipt(result=result, reference=reference, site=site, status=status)
