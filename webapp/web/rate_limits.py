"""How many submissions of public forms, and failed logins, are let through.

Counts live in Redis when REDIS_URL is set, for all processes and machines together; otherwise, and
while Redis does not answer, in each process's memory, so that n processes let n times as many
through. A count is kept under a keyed hash of what it counts: no address and no mobile number gets
into Redis or the log, and installations that share a Redis do not share counts. A new newest
SECRET_KEY starts every count anew.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
import time
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final

from flask_limiter import Limiter, RateLimitExceeded
from limits.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask, Response

    from webapp.observability.metrics import Metrics
    from webapp.settings import Settings

    Check = Callable[[], None]

log = logging.getLogger(__name__)

# Seconds. A Redis that hangs is noticed by at most two such waits, each a connect or a read.
_REDIS_TIMEOUT_S: Final = 0.1
# Seconds between two warnings of the same limit: a flood must not fill the log as well.
_WARN_INTERVAL_S: Final = 60
_LEAST_PAUSE_S: Final = 1

# What the running check counts: a hashed key for each limit, by the limit's name.
_keys: ContextVar[Mapping[str, str]] = ContextVar("_keys")


class RateLimits:
    """How many submissions of public forms, and failed logins, are let through.

    Its methods need a request: flask-limiter keeps its state of a check there.
    """

    def __init__(self, app: Flask, settings: Settings, metrics: Metrics | None = None) -> None:
        """Set up flask-limiter for this app; Redis need not be up. Refusals count as metrics."""
        self._metrics = metrics
        self._secret = settings.secret_keys[0].encode()
        self._warned: dict[tuple[str, str], float] = {}
        # Kept here too: an app keeps none that is switched off, and the gates refer to it weakly.
        self._limiter = limiter = _limiter(app, settings)
        self._form = _Gate(
            limiter,
            LIMIT_TOTAL=settings.limit_total,
            LIMIT_FORM=settings.limit_form,
            LIMIT_ADDRESS=settings.limit_address,
        )
        self._mobile = _Gate(limiter, LIMIT_MOBILE=settings.limit_mobile)
        self._login = _Gate(limiter, LIMIT_LOGIN=settings.limit_login)

    def allow_form(self, *, form: str, address: str) -> bool:
        """Count a submission of a public form, unless there were too many.

        Args:
            form: The form's slug.
            address: The sender's address, or anything else where there is none.
        """
        keys = self._hashed(LIMIT_TOTAL="", LIMIT_FORM=form, LIMIT_ADDRESS=address_prefix(address))
        refusal = self._form.test(keys) or self._form.count(keys)
        return self._is_allowed(refusal, form)

    def allow_mobile(self, *, mobile: str) -> bool:
        """Count a submission of this mobile number, as normalised, unless there were too many."""
        keys = self._hashed(LIMIT_MOBILE=mobile)
        return self._is_allowed(self._mobile.test(keys) or self._mobile.count(keys))

    def allow_login(self, *, address: str) -> bool:
        """Tell, without counting, whether a login may still be tried from this very address.

        Not from its network: an office is one, and a colleague must not be locked out.
        """
        keys = self._hashed(LIMIT_LOGIN=address)
        return self._is_allowed(self._login.test(keys))

    def count_failed_login(self, *, address: str) -> None:
        """Count a failed login from this address."""
        self._login.count(self._hashed(LIMIT_LOGIN=address))

    @property
    def retry_after(self) -> int:
        """The seconds until the limit that refused this request lets one more through."""
        used_up = self._limiter.current_limit
        if used_up is None:
            return _LEAST_PAUSE_S
        try:
            pause = math.ceil(used_up.reset_at - time.time())
        except StorageError:
            pause = used_up.limit.get_expiry()
        return max(_LEAST_PAUSE_S, pause)

    def _hashed(self, **counted: str) -> Mapping[str, str]:
        return {
            limit: hmac.digest(self._secret, f"{limit} {value}".encode(), "sha256").hex()
            for limit, value in counted.items()
        }

    def _is_allowed(self, refusal: RateLimitExceeded | None, form: str = "") -> bool:
        if refusal is None:
            return True
        limit, now = str(refusal.limit.scope), time.monotonic()
        if self._metrics:
            self._metrics.count_refusal(limit)
        if now - self._warned.get((limit, form), -_WARN_INTERVAL_S) >= _WARN_INTERVAL_S:
            self._warned[limit, form] = now
            what = f"submissions of the form {form!r}" if form else "requests"
            log.warning("%s (%s) is used up: refusing %s", limit, refusal.limit.limit, what)
        return False


class _Gate:
    """Limits that must all be kept: what one of them refuses, none of them counts."""

    def __init__(self, limiter: Limiter, **limits: str) -> None:
        self._test = _check(limiter, limits, deduct_when=_never)
        self._count = _check(limiter, limits)

    def test(self, keys: Mapping[str, str]) -> RateLimitExceeded | None:
        """Return why not one more is let through, if so. Nothing is counted."""
        return _refusal(self._test, keys)

    def count(self, keys: Mapping[str, str]) -> RateLimitExceeded | None:
        """Count one, or return why it is not let through."""
        return _refusal(self._count, keys)


def _limiter(app: Flask, settings: Settings) -> Limiter:
    uri = settings.redis_url or "memory://"
    if settings.redis_url:
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {
            "socket_connect_timeout": _REDIS_TIMEOUT_S,
            "socket_timeout": _REDIS_TIMEOUT_S,
            "wrap_exceptions": True,  # into StorageError: the package redis may be absent
        }
    limiter = Limiter(
        lambda: "",  # never asked: each limit has its own key
        app=app,
        enabled=settings.rate_limits,
        headers_enabled=False,
        in_memory_fallback_enabled=True,
        # A moving window keeps each hit's time, and in memory never forgets a key.
        strategy="sliding-window-counter",
        storage_uri=f"redis+{uri}" if uri.startswith("unix:") else uri,  # limits' spelling
    )
    limiter.logger.addFilter(_is_no_refusal)
    return limiter


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Drop flask-limiter's own line on each refusal: ours is enough, and names no key."""
    return not record.msg.startswith("ratelimit ")


def _check(
    limiter: Limiter,
    limits: Mapping[str, str],
    deduct_when: Callable[[Response], bool] | None = None,
) -> Check:
    """Return a function that raises RateLimitExceeded if a limit is used up."""

    def nothing() -> None:
        """Do nothing: flask-limiter, which limits functions, does its work before."""

    # It tells them apart by their names.
    nothing.__name__ = f"{'count' if deduct_when is None else 'test'} {' '.join(limits)}"
    check: Check = nothing
    for name, limit in limits.items():
        check = limiter.shared_limit(
            limit, name, key_func=partial(_key, name), deduct_when=deduct_when
        )(check)
    return check


def _key(limit: str) -> str:
    return _keys.get()[limit]


def _never(_response: Response) -> bool:
    """Deduct nothing: with a condition, flask-limiter only tests before the response is known."""
    return False


def _refusal(check: Check, keys: Mapping[str, str]) -> RateLimitExceeded | None:
    _keys.set(keys)
    try:
        _try(check)
    except RateLimitExceeded as refusal:
        return refusal
    return None


def _try(check: Check) -> None:
    try:
        check()
    except StorageError:
        # flask-limiter passes this on to all but the first thread that Redis fails at one time.
        # By now it counts in memory.
        check()


def address_prefix(address: str) -> str:
    """Return what an address is counted by: its network, as far as one sender may own it whole.

    That is a /64 of IPv6, and a /24 of IPv4, mapped into IPv6 or not. What is no address, as a Unix
    socket's peer has none, is counted together.
    """
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        return ""
    sender = getattr(sender, "ipv4_mapped", None) or sender
    length = 24 if sender.version == 4 else 64  # noqa: PLR2004  IPv4
    return str(ipaddress.ip_network((sender, length), strict=False))
