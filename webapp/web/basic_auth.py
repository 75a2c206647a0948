"""Logins of operators by HTTP Basic, where any are set."""

from __future__ import annotations

import hmac
import logging
import secrets
from typing import TYPE_CHECKING

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized
from werkzeug.security import check_password_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import Authorization

    from webapp.web.rate_limits import RateLimits


log = logging.getLogger(__name__)


class BasicAuth:
    """Who may log in, and who did: not every page costs a slow hash. No password is kept."""

    def __init__(self, users: Mapping[str, str], limits: RateLimits) -> None:
        """Take names with the hashes of their passwords; without any, no login is needed."""
        self._users = users
        self._limits = limits
        self._key = secrets.token_bytes(32)
        self._proven: set[bytes] = set()

    @property
    def operator(self) -> str | None:
        """Who sent this request, once `require` let it go on; None where nobody logs in."""
        login = request.authorization if self._users else None
        return login.username if login else None

    def require(self) -> None:
        """Let the request go on if it needs no login, or has a right one.

        Raises:
            Unauthorized: if a user name and password are needed.
            TooManyRequests: if too many logins from this address failed.
        """
        if not self._users:
            return
        login, address = request.authorization, request.remote_addr or ""
        if login and self._proof(login) in self._proven:
            return
        if not self._limits.allow_login(address=address):
            raise TooManyRequests(retry_after=self._limits.retry_after)
        if login and self._is_right(login):
            self._proven.add(self._proof(login))
            return
        if login:
            self._limits.count_failed_login(address=address)
            # An unknown name may be a password in the wrong place.
            name = login.username if login.username in self._users else "an unknown name"
            log.warning("a login failed: %s", name)
        raise Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "amoot-form"}))

    def _is_right(self, login: Authorization) -> bool:
        # An unknown name takes as long as a wrong password.
        hash_ = self._users.get(login.username or "", next(iter(self._users.values())))
        return check_password_hash(hash_, login.password or "") and login.username in self._users

    def _proof(self, login: Authorization) -> bytes:
        said = repr((login.username, login.password))
        return hmac.digest(self._key, said.encode(), "sha256")
