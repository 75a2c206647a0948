"""The durable store: what is held for the operator, and what is spent."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from webapp import outbox as module
from webapp.contact import Contact
from webapp.outbox import Outbox

if TYPE_CHECKING:
    from pathlib import Path

CONTACT = Contact(
    Mobile="09121234567",
    FName="نام‌ونشان",
    GenderType=False,
    BornDate=date(1990, 10, 7),
    Labels=("ویژه", "سایت"),
    Active=False,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the store lies; its folder is not there yet."""
    return tmp_path / "state" / "outbox.sqlite3"


@pytest.fixture
def store(file: Path) -> Outbox:
    """Return an empty store."""
    return Outbox(f"sqlite:///{file}")


def hold(store: Outbox, reference: str = "ABCDEFGH", contact: Contact = CONTACT) -> None:
    """Hold a contact."""
    store.hold(contact, reference=reference, form="news", reason="honeypot")


def test_a_held_contact_comes_back_as_it_was(store: Outbox, file: Path) -> None:
    """Dates, labels, gender and all; from another process's view too."""
    hold(store)
    (held,) = Outbox(f"sqlite:///{file}").held()
    assert held.contact == CONTACT
    assert (held.reference, held.form, held.reason) == ("ABCDEFGH", "news", "honeypot")
    assert datetime.now(UTC).replace(tzinfo=None) - held.held_at < timedelta(seconds=5)


def test_the_same_submission_twice_is_held_once(store: Outbox) -> None:
    """A double click, or a robot that insists."""
    hold(store)
    hold(store)
    hold(store, "OTHER")
    assert [held.reference for held in store.held()] == ["ABCDEFGH", "OTHER"]


def test_the_file_is_private_and_what_is_erased_is_gone(store: Outbox, file: Path) -> None:
    """No byte of it stays in the file."""
    hold(store)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    store.erase("ABCDEFGH")
    assert store.held() == []
    left = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"09121234567" not in left


def test_personal_data_is_kept_for_thirty_days(
    store: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no operator asked for is erased, when the next submission comes or one looks."""
    hold(store)
    hold(store, "OTHER")
    with monkeypatch.context() as later:
        later.setattr(module, "KEPT", timedelta(seconds=-1))
        assert store.claim("another submission", lease=timedelta(seconds=1))
    assert store.held() == []
    hold(store)
    monkeypatch.setattr(module, "KEPT", timedelta(seconds=-1))
    assert store.held() == []


def test_a_name_is_spent_once(store: Outbox) -> None:
    """Until its time is over, however many threads try."""
    until = datetime.now(UTC) + timedelta(minutes=1)
    first: list[bool] = []
    threads = [
        threading.Thread(target=lambda: first.append(store.spend("challenge", until)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(first) == [False] * 7 + [True]
    assert store.spend("another", until)


def test_what_is_over_is_forgotten(store: Outbox) -> None:
    """The table does not grow for ever."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert store.spend("challenge", past)
    assert store.spend("challenge", past)
