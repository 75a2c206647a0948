"""Form tokens and receipts, signed and without a cookie; and the sessions of operators, with one.

Each rendered form has a token. A token bound to a session fails in a cross-site iframe, where
browsers block cookies; this one is a hidden field. Its nonce identifies two POSTs of one form.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import (
    BadData,
    SignatureExpired,
    TimestampSigner,
    URLSafeSerializer,
    URLSafeTimedSerializer,
)
from itsdangerous.encoding import base64_decode, base64_encode

LIFETIME: Final = timedelta(hours=12)
MIN_AGE: Final = timedelta(seconds=2)  # no person fills in a form faster


class Signer(TimestampSigner):
    """Signs with a time, and accepts what a machine has signed whose clock is ahead.

    The class it extends refuses what is signed in the future, if only by a second.
    """

    def unsign(
        self,
        signed_value: Any,  # noqa: ANN401  as the class it extends
        max_age: int | None = None,
        return_timestamp: Any = False,  # noqa: ANN401, FBT002
    ) -> Any:  # noqa: ANN401
        """Return what was signed, and its time if wanted.

        Raises:
            SignatureExpired: if it is further away than `max_age` (s), in either direction.
        """
        payload, signed_at = super().unsign(signed_value, return_timestamp=True)
        if max_age is not None and abs(time.time() - signed_at.timestamp()) > max_age:
            raise SignatureExpired("signed too long ago", payload=payload, date_signed=signed_at)
        return (payload, signed_at) if return_timestamp else payload


class Sessions(SecureCookieSessionInterface):
    """Sessions that another machine may have signed.

    Else the receipt of a contact, which one machine puts into the session, would not be shown by
    another one whose clock is a second behind.
    """

    def __init__(self, app: Flask) -> None:
        """Build what signs and reads the cookie, which Flask does twice in a request."""
        self._serializer = super().get_signing_serializer(app)
        if self._serializer:
            self._serializer.signer = Signer

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and reads the cookie of the app."""
        del app
        return self._serializer


class InvalidToken(ValueError):
    """A token or receipt is missing, invalid, expired, of another form, or of a removed key.

    Attributes:
        site: The site that showed the form, if its token is only expired; else "".
    """

    def __init__(self, reason: str, *, site: str = "") -> None:
        """Set the reason, without personal data, and the site."""
        super().__init__(reason)
        self.site = site


@dataclass(frozen=True, slots=True, kw_only=True)
class FormToken:
    """The content of a valid token.

    Attributes:
        form: The form's slug.
        nonce: A random text for each rendered form.
        site: The origin of the site that showed the form.
        shown_at: When the form was rendered first, in UTC; pages with errors keep it.
        sent_at: When the token came back, in UTC: before the request had to wait for anything.
    """

    form: str
    nonce: str
    site: str
    shown_at: datetime
    sent_at: datetime

    @property
    def is_too_young(self) -> bool:
        """Whether the form was submitted faster than a person fills it in.

        Not if it seems to come from the future: a machine whose clock is ahead has shown it.
        """
        return timedelta(0) <= self.sent_at - self.shown_at < MIN_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The content of a receipt.

    Attributes:
        result: The result of a submission.
        reference: Its reference.
        site: The origin of the site that showed the form, or "".
        status: The portal's status, for operators; "" if there is none.
        is_line_blocked: Whether the person has blocked the line from which messages will come.
        is_held: Whether an operator looks at it before it is sent.
    """

    result: str
    reference: str
    site: str = ""
    status: str = ""
    is_line_blocked: bool = False
    is_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionToken:
    """The content of a submission's token.

    Attributes:
        key: The submission's key.
        site: The origin of the site that showed its form.
        unchanged: A digest of its contact, in a form that corrects it; else "".
    """

    key: str
    site: str
    unchanged: str = ""


class Tokens:
    """Issues and reads all that is signed for forms: tokens, receipts, submissions', corrections.

    Each kind has a salt of its own: none passes for another.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Sign with the first key and accept all of them, for the rotation of keys."""
        oldest_first = list(reversed(keys))
        # Not URLSafeTimedSerializer, which tries to compress these short texts.
        signer = Signer(oldest_first, salt="form token")
        # With keys derived once, not for each token.
        derived = [signer.derive_key(key) for key in signer.secret_keys]
        self._forms = Signer(derived, key_derivation="none")
        self._receipts = URLSafeSerializer(oldest_first, salt="receipt")
        self._submissions = URLSafeSerializer(oldest_first, salt="submission")
        self._corrections = URLSafeSerializer(oldest_first, salt="correction")

    def issue(self, form: str, *, site: str = "") -> str:
        """Return a token for the form of this slug, shown by this site."""
        return self._sign(form, _nonce(), site, time.time())

    def renew(self, token: FormToken, *, new_submission: bool = False) -> str:
        """Return a token for the same form, rendered again.

        With `new_submission`, the same contact, sent again, is a new submission.
        """
        nonce = _nonce() if new_submission else token.nonce
        return self._sign(token.form, nonce, token.site, token.shown_at.timestamp())

    def _sign(self, form: str, nonce: str, site: str, shown_at: float) -> str:
        payload = json.dumps([form, nonce, site, shown_at]).encode()
        return self._forms.sign(base64_encode(payload)).decode()

    def read(self, text: str, *, form: str) -> FormToken:
        """Verify a form's token.

        Raises:
            InvalidToken: if it is not a token of this form, or older than `LIFETIME`.
        """
        try:
            payload = self._forms.unsign(text, max_age=int(LIFETIME.total_seconds()))
            slug, nonce, site, shown_at = _load(payload)
            rendered_at = datetime.fromtimestamp(shown_at, UTC)
        except SignatureExpired as error:
            _, _, site, _ = _load(error.payload or b"")
            raise InvalidToken("SignatureExpired", site=site) from None
        except (BadData, ArithmeticError, OSError, TypeError, ValueError) as error:
            # The others are raised by tokens of another version.
            raise InvalidToken(type(error).__name__) from None
        if slug != form:
            raise InvalidToken("OtherForm")
        now = datetime.fromtimestamp(time.time(), UTC)
        return FormToken(form=slug, nonce=nonce, site=site, shown_at=rendered_at, sent_at=now)

    def issue_receipt(self, form: str, receipt: Receipt) -> str:
        """Return the receipt of a submission of the form of this slug, as text for a URL.

        It contains no personal data and does not expire: showing it again is harmless.
        """
        content = [form, receipt.result, receipt.reference, receipt.site, receipt.status]
        flags = [int(receipt.is_line_blocked), int(receipt.is_held)]
        return str(self._receipts.dumps(content + (flags if any(flags) else [])))

    def read_receipt(self, text: str, *, form: str) -> Receipt:
        """Verify a receipt, and return its content.

        Raises:
            InvalidToken: if it is not a receipt of this form.
        """
        content = _content(self._receipts, text, form, length=4)
        result, reference, site, status, is_line_blocked, is_held, *_ = [*content, 0, 0]
        return Receipt(
            result=result,
            reference=reference,
            site=site,
            status=status,
            is_line_blocked=bool(is_line_blocked),
            is_held=bool(is_held),
        )

    def issue_submission(self, form: str, *, key: str, site: str, unchanged: str = "") -> str:
        """Return the token that names a submission in the URL of its code step.

        It contains no personal data, and is valid as long as the submission waits for its code.

        Args:
            form: The slug.
            key: The submission's key.
            site: The site that showed the form.
            unchanged: A digest of its contact, in a form that corrects it: what that form sends if
                nothing is changed. Not for URLs: known contacts can be tried.
        """
        return str(self._submissions.dumps([form, key, site, *([unchanged] if unchanged else [])]))

    def read_submission(self, text: str, *, form: str) -> SubmissionToken:
        """Verify a submission's token, and return its content.

        Raises:
            InvalidToken: if it is not a token of this form.
        """
        key, site, unchanged, *_ = [*_content(self._submissions, text, form, length=2), ""]
        return SubmissionToken(key=key, site=site, unchanged=unchanged)

    def issue_correction(self, content: Sequence[object]) -> str:
        """Return what a page corrects as text for a hidden input: it has personal data."""
        return str(self._corrections.dumps(list(content)))

    def read_correction(self, text: str) -> list[Any]:
        """Verify such a text, and return its content.

        Raises:
            InvalidToken: if it is none.
        """
        try:
            content: list[Any] = self._corrections.loads(text)
        except BadData as error:
            raise InvalidToken(type(error).__name__) from None
        return content


def _content(serializer: URLSafeSerializer, text: str, form: str, *, length: int) -> list[Any]:
    """Verify a text of this form, and return its values after the slug, `length` or more."""
    content: list[Any]
    try:
        slug, *content = serializer.loads(text)
    except (BadData, TypeError, ValueError) as error:
        raise InvalidToken(type(error).__name__) from None
    if slug != form or len(content) < length:
        raise InvalidToken("OtherForm")
    return content


def _nonce() -> str:
    return secrets.token_urlsafe(16)


def _load(payload: bytes) -> list[Any]:
    loaded: list[Any] = json.loads(base64_decode(payload))
    return loaded
