"""Limits of failed logins: counted before a password is checked, by sender and by user name."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from flask import Flask
from support import hashed

from webapp.web import security

USERS: Final = {name: hashed(name) for name in ("sara", "reza")}
SERIES: Final = 48


class Hashes:
    """Stands in for the check of a password; counts how many run at once.

    Attributes:
        most: How many ran at once at most.
        checked: How many there were.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count from here on."""
        self.most = self.checked = 0
        self._running = 0
        self._lock = threading.Lock()
        # Each waits for a second one: two run at once if they may; a single one goes on.
        self._pair = threading.Barrier(2)
        monkeypatch.setattr(security, "check_password_hash", self._check)

    def _check(self, hash_: str, password: str) -> bool:
        with self._lock:
            self._running += 1
            self.checked += 1
            self.most = max(self.most, self._running)
        try:
            self._pair.wait(timeout=0.2)
        except threading.BrokenBarrierError:
            with self._lock:
                self._pair.reset()
        with self._lock:
            self._running -= 1
        return hash_ == USERS.get(password)


def statuses(app: Flask, count: int, **request: str | tuple[str, str]) -> Counter[int]:
    """Return the statuses of so many requests at once."""
    start = threading.Barrier(count)

    def ask(_: int) -> int:
        start.wait()
        return app.test_client().get("/", **request).status_code  # type: ignore[arg-type]

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(ask, range(count)))


def test_wrong_logins_at_once_stay_within_the_limit_and_two_are_checked_at_a_time(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check takes a core and 32 MB: what the limit refuses is not checked."""
    hashes = Hashes(monkeypatch)
    app = make_app(intranet_users=USERS, limit_login="10/month")
    assert statuses(app, SERIES, auth=("sara", "wrong")) == {401: 10, 429: SERIES - 10}
    assert hashes.checked == 10
    assert hashes.most <= 2


def test_right_logins_at_once_are_checked_once_and_none_is_refused(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser opens all its pages again when the server comes back."""
    hashes = Hashes(monkeypatch)
    app = make_app(intranet_users=USERS, limit_login="2/month")
    assert statuses(app, SERIES, auth=("sara", "sara")) == {200: SERIES}
    assert hashes.checked <= 2


def test_right_login_is_given_back(make_app: Callable[..., Flask]) -> None:
    """Only failures use the limit up, by sender and by name."""
    app = make_app(intranet_users=USERS, limit_login="2/month")
    for name in ("sara", "reza"):
        assert app.test_client().get("/", auth=(name, name)).status_code == 200
    answers = [app.test_client().get("/", auth=("reza", "wrong")).status_code for _ in range(3)]
    assert answers == [401, 401, 429]


def test_failed_logins_count_by_address_of_ipv4_and_by_network_of_ipv6(
    make_app: Callable[..., Flask],
) -> None:
    """Neighbours of an office do not lock each other out; a /64 belongs to one sender."""
    for first, second, status in (
        ("10.0.0.1", "10.0.0.2", 401),
        ("fd00::1", "fd00::2", 429),
        ("fd00::1", "fd00:0:0:1::1", 401),
    ):
        client = make_app(intranet_users=USERS, limit_login="1/month").test_client()
        found = [
            client.get("/", auth=(name, "wrong"), environ_base={"REMOTE_ADDR": sender}).status_code
            for name, sender in (("sara", first), ("reza", second))
        ]
        assert found == [401, status], (first, second)


def test_failed_logins_count_by_user_name_from_all_addresses_together(
    make_app: Callable[..., Flask],
) -> None:
    """Many senders guess one password no faster; other and logged-in users are not affected."""
    app = make_app(intranet_users=USERS, limit_login="3/month")
    client = app.test_client()
    assert client.get("/", auth=("sara", "sara")).status_code == 200
    found = [
        client.get(
            "/", auth=("sara", "no"), environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}
        ).status_code
        for n in range(1, 6)
    ]
    assert found == [401, 401, 401, 429, 429]
    assert client.get("/", auth=("sara", "sara")).status_code == 200
    assert client.get("/", auth=("reza", "reza")).status_code == 200
    # Refused by the name's limit, they did not count for their senders.
    later = client.get("/", auth=("reza", "no"), environ_base={"REMOTE_ADDR": "10.0.0.5"})
    assert later.status_code == 401
