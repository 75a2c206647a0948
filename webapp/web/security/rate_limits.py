"""Rate limits of public submissions and of failed logins. Those of codes are in the database.

Counts live in Redis if REDIS_URL is set, shared by all processes and machines. Otherwise, and while
Redis does not answer, each process counts in its own memory, so that n processes allow n times as
many requests. Keys are keyed hashes: no address and no mobile number reaches Redis or the log, and
installations that share a Redis do not share counts. A new SECRET_KEY resets all counts.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from limits import RateLimitItem, parse, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from webapp.database.sqlite import KeyLocks
from webapp.observability import RareWarnings, explain
from webapp.observability.metrics import Metrics
from webapp.settings import Settings

_T = TypeVar("_T")

log = logging.getLogger(__name__)

# A Redis that hangs delays a request by at most two such time-outs: one to connect, one to read.
_REDIS_TIMEOUT_S: Final = 0.1
_REDIS_RETRY_INTERVAL_S: Final = 1.0
_MIN_RETRY_AFTER_S: Final = 1
# The outbox knows what is stored; this bridges the moment before.
_MAX_REMEMBERED: Final = 1_000


class LimitReached(Exception):
    """A rate limit is used up.

    Attributes:
        retry_after: Seconds until it allows another request.
    """

    def __init__(self, limit: str, retry_after: int) -> None:
        """Set the name of the limit's setting, and the seconds to wait."""
        super().__init__(limit)
        self.retry_after = retry_after


class RateLimits:
    """The rate limits of one app. If RATE_LIMITS is off, nothing is counted or refused."""

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        """Set up the limits; Redis need not run yet. Refusals are counted in `metrics`."""
        self._is_on = settings.rate_limits
        self._metrics = metrics
        self._secret = settings.secret_keys[0].encode()
        self._counter = _Counter(settings.redis_url, metrics)
        self._warnings = RareWarnings(log)
        self._key_locks = KeyLocks()
        self._counted: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._limits: Mapping[str, list[RateLimitItem]] = {
            "LIMIT_TOTAL": parse_many(settings.limit_total),
            "LIMIT_FORM": parse_many(settings.limit_form),
            "LIMIT_ADDRESS": parse_many(settings.limit_address),
            "LIMIT_MOBILE": parse_many(settings.limit_mobile),
            "LIMIT_LOGIN": parse_many(settings.limit_login),
            "LIMIT_CODE_UNPROVEN": parse_many(settings.limit_code_unproven),
            "LIMIT_SUSPECTS": parse_many(settings.limit_suspects),
            "LIMIT_SUSPECTS_ADDRESS": parse_many(settings.limit_suspects_address),
        }

    def count_form(self, *, form: str, address: str, key: str = "") -> None:
        """Count a submission of a public form.

        Args:
            form: The form's slug.
            address: The sender's IP address, or any text if there is none.
            key: The submission's key. One that is sent several times at once is counted once.

        Raises:
            LimitReached: if there were too many. Then no limit counts this one.
        """
        network = address_prefix(address)
        values = {"LIMIT_TOTAL": "", "LIMIT_FORM": form, "LIMIT_ADDRESS": network}
        self._count(values, form, key=key)

    def count_mobile(self, *, mobile: str, key: str = "") -> None:
        """Count a submission of this normalised mobile number; `key` as for `count_form`.

        Raises:
            LimitReached: if there were too many.
        """
        self._count({"LIMIT_MOBILE": mobile}, key=key)

    def count_unproven_code(self, *, form: str, key: str = "") -> None:
        """Count a code for a browser without script, which sends no proof of work.

        `key` is as for `count_form`.

        Raises:
            LimitReached: if there were too many for this form.
        """
        self._count({"LIMIT_CODE_UNPROVEN": form}, form, key=key)

    def count_suspect(self, *, form: str, address: str, key: str = "") -> None:
        """Count a submission that an operator should review: a robot may have sent it.

        The arguments are as for `count_form`.

        Raises:
            LimitReached: if there were too many for this form, or from this network.
        """
        network = address_prefix(address)
        values = {"LIMIT_SUSPECTS": form, "LIMIT_SUSPECTS_ADDRESS": network}
        self._count(values, form, key=key)

    def check_login(self, *, address: str) -> None:
        """Check, without counting, whether this sender may try another login.

        Raises:
            LimitReached: if too many failed.
        """
        self._check(self._login_items(address))

    def count_login(self, *, address: str, name: str) -> None:
        """Count a login before its password is checked, for its sender and for its user name.

        An IPv4 address counts, not its network: an office is one network, and its
        users must not lock each other out. An IPv6 sender has a whole /64 of addresses.

        Raises:
            LimitReached: if too many failed. Then no limit counts this one.
        """
        self._count_items(self._login_items(address, name))

    def give_back_login(self, *, address: str, name: str) -> None:
        """Uncount a login that succeeded."""
        for item, limit, key in self._login_items(address, name):
            self._counter.give_back(item, limit, key)

    def _login_items(self, address: str, *names: str) -> list[tuple[RateLimitItem, str, str]]:
        prefix = address_prefix(address)
        sender = prefix if ":" in prefix else address
        values = [f"from {sender}", *(f"as {name}" for name in names)]
        return [item for value in values for item in self._items({"LIMIT_LOGIN": value})]

    def _count(self, values: Mapping[str, str], form: str = "", *, key: str = "") -> None:
        counted = (key, *values)
        with self._key_locks[key]:
            if key and counted in self._counted:
                return
            self._count_items(self._items(values), form)
            if key:
                self._counted[counted] = None
                if len(self._counted) > _MAX_REMEMBERED:
                    self._counted.popitem(last=False)

    def _count_items(self, items: Sequence[tuple[RateLimitItem, str, str]], form: str = "") -> None:
        self._check(items, form)  # first: what one limit refuses, no other limit counts
        for item, limit, key in items:
            if not self._counter.hit(item, limit, key):
                self._refuse(item, limit, key, form)

    def _check(self, items: Iterable[tuple[RateLimitItem, str, str]], form: str = "") -> None:
        for item, limit, key in items:
            if not self._counter.test(item, limit, key):
                self._refuse(item, limit, key, form)

    def _items(self, values: Mapping[str, str]) -> list[tuple[RateLimitItem, str, str]]:
        """Return each limit with the name of its setting, and the hashed key that it counts."""
        keys = {
            limit: hmac.digest(self._secret, f"{limit} {value}".encode(), "sha256").hex()
            for limit, value in values.items()
            if self._is_on
        }
        return [(item, limit, key) for limit, key in keys.items() for item in self._limits[limit]]

    def _refuse(self, item: RateLimitItem, limit: str, key: str, form: str) -> None:
        if self._metrics:
            self._metrics.count_refusal(limit)
        what = f"submissions of the form {form!r}" if form else "requests"
        self._warnings.warning("%s (%s) is used up: refusing %s", limit, item, what)
        pause = math.ceil(self._counter.reset_time(item, limit, key) - time.time())
        raise LimitReached(limit, max(_MIN_RETRY_AFTER_S, pause))


class _Counter:
    """Counts in Redis if there is one, and in memory while it does not answer."""

    def __init__(self, redis_url: str | None, metrics: Metrics | None) -> None:
        self._metrics = metrics
        # A moving window would store the time of each hit.
        self._memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis = (
            SlidingWindowCounterRateLimiter(redis_storage(redis_url)) if redis_url else None
        )
        self._redis_retry_at = 0.0
        self._is_fallback_used: bool | None = None

    def hit(self, item: RateLimitItem, *key: str) -> bool:
        """Count one; return False, and count nothing, if there were too many."""
        return self._call(lambda counter: counter.hit(item, *key))

    def give_back(self, item: RateLimitItem, *key: str) -> None:
        """Uncount one that `hit` counted."""
        self._call(lambda counter: counter.hit(item, *key, cost=-1))

    def test(self, item: RateLimitItem, *key: str) -> bool:
        """Return whether `hit` would count one."""
        return self._call(lambda counter: counter.test(item, *key))

    def reset_time(self, item: RateLimitItem, *key: str) -> float:
        """Return the time (s since the epoch) when the limit allows another one."""
        return self._call(lambda counter: counter.get_window_stats(item, *key).reset_time)

    def _call(self, call: Callable[[SlidingWindowCounterRateLimiter], _T]) -> _T:
        now = time.monotonic()
        if self._redis and now >= self._redis_retry_at:
            if self._redis_retry_at:  # it failed last time: only this thread tries it again
                self._redis_retry_at = now + _REDIS_RETRY_INTERVAL_S
            try:
                result = call(self._redis)
            except StorageError as error:
                self._set_fallback(is_used=True)
                if not self._redis_retry_at:
                    fault = explain(error.storage_error)
                    log.warning(
                        "Redis does not answer: rate limits are counted in memory: REDIS_URL: %s",
                        fault,
                    )
                self._redis_retry_at = time.monotonic() + _REDIS_RETRY_INTERVAL_S
            else:
                if self._redis_retry_at:
                    log.warning("Redis answers again: rate limits are counted there")
                self._set_fallback(is_used=False)
                self._redis_retry_at = 0.0
                return result
        return call(self._memory)

    def _set_fallback(self, *, is_used: bool) -> None:
        if self._metrics and is_used is not self._is_fallback_used:
            self._is_fallback_used = is_used
            self._metrics.set_fallback(is_used=is_used)


def redis_storage(url: str) -> RedisStorage:
    """Return where Redis counts; it need not run yet. Its errors are StorageErrors."""
    return RedisStorage(
        f"redis+{url}" if url.startswith("unix:") else url,  # the spelling of limits
        socket_connect_timeout=_REDIS_TIMEOUT_S,
        socket_timeout=_REDIS_TIMEOUT_S,
        wrap_exceptions=True,  # as StorageError, whether the package redis is installed or not
    )


def redis_fault(url: str) -> str:
    """Return why Redis cannot be used, with its setting, or ""; it takes half a second at most.

    It is asked as the limits ask, so that what they may not do shows as well.
    """
    counter = SlidingWindowCounterRateLimiter(redis_storage(url))
    try:
        counter.hit(parse("1/second"), "amoot-form check")
    except StorageError as error:
        return f"REDIS_URL: {explain(error.storage_error)}"
    return ""


def address_prefix(address: str, *, wide: bool = False) -> str:
    """Return the network that an address is counted by: a /24 of IPv4, a /64 of IPv6.

    One sender may own a whole network of this size. Anything else, such as the peer of a Unix
    socket, returns "".

    Args:
        address: The sender's.
        wide: Return the network that a provider gives to one customer at most: a /16, a /48.
    """
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        return ""
    sender = getattr(sender, "ipv4_mapped", None) or sender
    lengths = {4: (24, 16), 6: (64, 48)}[sender.version]
    return str(ipaddress.ip_network((sender, lengths[wide]), strict=False))
