"""A kill at each point of a submission's way, on both databases: nothing is lost, nothing twice."""

import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import dying
import pytest
from clock import FakeClock, elapse
from flask.testing import FlaskClient
from support import TOKEN, Page, deliver_all

from webapp import create_app, verification
from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.outbox import submit
from webapp.outbox.rows import State
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.rendering import EXTENSION

pytestmark = pytest.mark.slow

MOBILE = "09121234567"
DYING = ("before", "after")
PAGE = [(when, step) for step in ("insert", "send", "settle") for when in ("before", "after")]
BACKGROUND = [(when, step) for step in ("claim", "send", "settle") for when in ("before", "after")]


def on_both(points: list[tuple[str, str]]) -> list[Any]:
    """Return these points with both databases; those before a step, on PostgreSQL, are nightly.

    Its own transactions end with the steps; before one it is as SQLite is.
    """
    return [("sqlite", *point) for point in points] + [
        pytest.param("postgresql", *point, marks=[pytest.mark.nightly] * (point[0] == "before"))
        for point in points
    ]


@pytest.fixture
def hasty(settings: Settings, database_url: str) -> Settings:
    """Return settings with which what is uncertain settles soon, on either database."""
    return replace(settings, database_url=database_url, amoot_settle=0.2)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who repeats what a dead process was sending wait for its answer at once."""
    monkeypatch.setattr(submit, "time", FakeClock())
    monkeypatch.setattr(verification, "time", FakeClock())


@pytest.fixture
def processes() -> ForkServerContext:
    """Return what starts processes that can die."""
    return dying.context()


@pytest.fixture
def kill(hasty: Settings, processes: ForkServerContext) -> Callable[..., None]:
    """Return a function that lets another process die at a point."""

    def run(when: str, step: str, form: dict[str, str] | None = None) -> None:
        process = processes.Process(target=dying.run, args=(hasty, when, step, form))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    return run


def end_leases(delivery: DeliveryServices) -> None:
    """Let the time pass after which an owner is taken for dead."""
    with delivery.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET due = created_at WHERE state = 'sending'")


def deliver_elsewhere(settings: Settings, portal: Simulator) -> DeliveryServices:
    """Let another process find what is left, until nothing waits."""
    delivery = DeliveryServices.build(settings, portal_url=portal.url, token=TOKEN)
    end_leases(delivery)
    deliver_all(delivery)
    return delivery


@pytest.mark.parametrize("repeats", [False, True], ids=["once", "repeated"])
@pytest.mark.parametrize(("database_url", "when", "step"), on_both(PAGE), indirect=["database_url"])
def test_page_killed_on_the_way(
    hasty: Settings,
    kill: Callable[..., None],
    portal: Simulator,
    when: str,
    step: str,
    *,
    repeats: bool,
) -> None:
    """The browser got no answer. Whether it sends the same again or not: one contact."""
    client = create_app(hasty).test_client()
    form = {"csrf_token": Page(client).token, "Mobile": MOBILE, "FName": "سارا"}
    kill(when, step, form)
    if repeats:
        assert client.post("/", data=form).status_code == 303
    delivery = deliver_elsewhere(hasty, portal)
    was_stored = repeats or (when, step) != ("before", "insert")
    assert [stored["FName"] for stored in portal.contacts] == ["سارا"] * was_stored
    with delivery.database.read() as connection:
        left = connection.exec_driver_sql("SELECT state, contact FROM outbox").all()
    assert list(map(tuple, left)) == [(State.DELIVERED, None)] * was_stored


@pytest.mark.parametrize(
    ("database_url", "when", "step"), on_both(BACKGROUND), indirect=["database_url"]
)
def test_worker_killed_on_the_way(
    hasty: Settings, kill: Callable[..., None], portal: Simulator, when: str, step: str
) -> None:
    """Another takes over when the lease is over."""
    delivery = DeliveryServices.build(hasty, portal_url=portal.url, token=TOKEN)
    delivery.outbox.add(Contact(Mobile=MOBILE), "ab" * 32, form="contact", send=False)
    kill(when, step)
    deliver_elsewhere(hasty, portal)
    assert len(portal.contacts) == 1


def test_killed_again_and_again(
    hasty: Settings, kill: Callable[..., None], portal: Simulator
) -> None:
    """Each successor dies at another point; the last one finds it delivered."""
    delivery = DeliveryServices.build(hasty, portal_url=portal.url, token=TOKEN)
    delivery.outbox.add(Contact(Mobile=MOBILE), "ab" * 32, form="contact", send=False)
    for when, step in (("after", "claim"), ("before", "send"), ("after", "send")):
        kill(when, step)
        end_leases(delivery)
        delivery.outbox.requeue_expired_leases()
        elapse(delivery.database, 1)  # it has settled
    deliver_elsewhere(hasty, portal)
    assert len(portal.contacts) == 1


CODE = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
"""
# Where the POST of the form may die, and that of the code.
ASKING = [(when, step) for step in ("keep", "code", "text") for when in DYING]
TYPING = [(when, step) for step in ("try", "verify", "send", "settle") for when in DYING]


@pytest.fixture
def club(hasty: Settings, tmp_path: Path) -> Settings:
    """Return settings of a form that verifies numbers."""
    forms = tmp_path / "forms.toml"
    forms.write_text(CODE)
    return replace(hasty, forms_file=forms)


def ask_again(client: FlaskClient, url: str) -> None:
    """Let the pause pass, and ask for another code."""
    delivery = client.application.extensions[EXTENSION].delivery
    with delivery.database.write() as connection:
        connection.exec_driver_sql("UPDATE codes SET resend_at = created_at")
    assert client.post(url, data={"resend": "1"}).status_code == 303


# On PostgreSQL, those where its transactions matter most.
VERIFYING = [("sqlite", *point) for point in (*ASKING, *TYPING)]
VERIFYING += [("postgresql", "after", step) for step in ("text", "try", "verify")]


@pytest.mark.parametrize(("database_url", "when", "step"), VERIFYING, indirect=["database_url"])
def test_verification_killed_on_the_way_goes_on(
    club: Settings, processes: ForkServerContext, portal: Simulator, when: str, step: str
) -> None:
    """The person sends the form again, asks for another code, and types it: one contact."""
    client = create_app(club).test_client()
    form = {"csrf_token": Page(client, "/f/club").token, "Mobile": MOBILE, "FName": "سارا"}

    def die(path: str, data: dict[str, str]) -> None:
        process = processes.Process(target=dying.run, args=(club, when, step, data, path))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    if (when, step) in ASKING:
        die("/f/club", form)
    url = client.post("/f/club", data=form).headers["Location"]
    assert "/code" in url
    if (when, step) in ASKING:
        if (when, step) != ("before", "keep"):
            ask_again(client, url)
    else:
        die(url, {"Code": portal.codes[-1]["Code"]})
    has_verified = (when, step) in TYPING[3:]
    assert len(portal.contacts) == ((when, step) in TYPING[5:])
    code = portal.codes[-1]["Code"]
    if not has_verified:
        delivery = client.application.extensions[EXTENSION].delivery
        assert delivery.outbox.claim(9) == []
    if has_verified:
        deliver_elsewhere(club, portal)
    answer = client.post(url, data={"Code": code})
    assert "?r=" in answer.headers["Location"]
    deliver_elsewhere(club, portal)
    assert [stored["FName"] for stored in portal.contacts] == ["سارا"]
