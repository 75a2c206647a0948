"""Logins of operators by HTTP Basic, where any are set."""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
from typing import TYPE_CHECKING, Final

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized
from werkzeug.security import check_password_hash

from webapp.web.rate_limits import LimitReached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import Authorization

    from webapp.web.rate_limits import RateLimits


log = logging.getLogger(__name__)

_MAX_CHECKS: Final = 2  # at a time: each takes a core, and 32 MB
_MAX_WAIT_S: Final = 10.0


class BasicAuth:
    """Checks logins. Accepted ones are remembered by a keyed hash: password hashes are slow."""

    def __init__(self, users: Mapping[str, str], limits: RateLimits) -> None:
        """Accept these names, with the hashes of their passwords; without any, need no login."""
        self._users = users
        self._limits = limits
        self._key = secrets.token_bytes(32)
        self._accepted: set[bytes] = set()
        self._turns = threading.BoundedSemaphore(_MAX_CHECKS)

    @property
    def operator(self) -> str | None:
        """The login name of this request, after `require`; None if no login is needed."""
        login = request.authorization if self._users else None
        return login.username if login else None

    def require(self) -> None:
        """Check the login of this request, if one is needed.

        Raises:
            Unauthorized: if a user name and password are needed.
            TooManyRequests: if too many logins from this address failed.
        """
        if not self._users:
            return
        login, address = request.authorization, request.remote_addr or ""
        if login and self._fingerprint(login) in self._accepted:
            return
        try:
            if login is None:
                self._limits.check_login(address=address)
            elif self._check_in_turn(login, address):
                return
        except LimitReached as reached:
            raise TooManyRequests(retry_after=reached.retry_after) from None
        if login:
            # Unknown names are not logged: one may be a password in the wrong field.
            name = login.username if login.username in self._users else "an unknown name"
            log.warning("a login failed: %s", name)
        raise Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "amoot-form"}))

    def _check_in_turn(self, login: Authorization, address: str) -> bool:
        """Return whether a login is correct; at most two are checked at a time.

        It is counted first, in its turn, and given back if it is correct: any number of wrong ones
        at once stay within the limit, and of a browser with many pages one check suffices.

        Raises:
            LimitReached: if too many logins failed.
            TooManyRequests: if it waited in vain.
        """
        if not self._turns.acquire(timeout=_MAX_WAIT_S):
            raise TooManyRequests(retry_after=1)
        try:
            fingerprint = self._fingerprint(login)
            if fingerprint in self._accepted:
                return True
            self._limits.count_login(address=address, name=login.username or "")
            if not self._is_correct(login):
                return False
            self._limits.give_back_login(address=address, name=login.username or "")
            self._accepted.add(fingerprint)
            return True
        finally:
            self._turns.release()

    def _is_correct(self, login: Authorization) -> bool:
        # Checked for unknown names as well, so that they take as long.
        hash_ = self._users.get(login.username or "", next(iter(self._users.values())))
        return check_password_hash(hash_, login.password or "") and login.username in self._users

    def _fingerprint(self, login: Authorization) -> bytes:
        text = repr((login.username, login.password))
        return hmac.digest(self._key, text.encode(), "sha256")
