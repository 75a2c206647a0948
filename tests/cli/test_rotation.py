"""Keys and tokens that change, and backups that come back: nothing is lost, nothing sent twice."""

import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from servers import PostgresServer, find_program
from support import SECRET, TOKEN, Html, Page, deliver_all

from webapp import messages
from webapp.cli import main
from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.outbox.rows import WAITING, State, Submitter
from webapp.outbox.submit import submission_key
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.rendering import EXTENSION

pytestmark = pytest.mark.slow

MOBILE = "09121234567"


# SECRET_KEY

NEW, OLD = "new-" * 8, "old-" * 8


class Browser:
    """A browser that stays open while the server is started again and again."""

    def __init__(self, make_app: Callable[..., Flask]) -> None:
        """Open it."""
        self.html = Html("")
        self._make_app = make_app
        self._client = make_app().test_client()

    def visit(self, keys: str, *forms: dict[str, str]) -> list[int]:
        """Open the page of a server with these keys, or send forms; return the statuses."""
        self._client.application = self._make_app(secret_keys=tuple(keys.split()))
        answers = [self._client.post("/", data=form, follow_redirects=True) for form in forms]
        answers = answers or [self._client.get("/")]
        self.html = Html(answers[-1].text)
        return [answer.status_code for answer in answers]

    @property
    def token(self) -> str:
        """The token of the form that is open."""
        return str(next(self.html.find("input", name="csrf_token"))[0]["value"])


def test_new_key_before_the_old_one_changes_nothing_visible(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """A form that was open is accepted, and sent again is the same; the session goes on."""
    browser = Browser(make_app)
    browser.visit(OLD)
    form = {"csrf_token": browser.token, "Mobile": MOBILE, "CityName": "شیراز", "keep": "true"}
    assert browser.visit(OLD, form) == [200]
    assert browser.visit(f"{NEW} {OLD}", form) == [200]
    assert browser.html.outcome == "delivered"
    assert browser.html.values["CityName"] == ["شیراز"]  # the session keeps it
    assert len(portal.contacts) == 1
    browser.visit(NEW)
    assert browser.html.values["CityName"] == ["شیراز"]  # by then under the new key


def test_without_the_old_key_the_form_comes_back_with_what_was_typed(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """And says why; sent again it is accepted."""
    browser = Browser(make_app)
    browser.visit(OLD)
    form = {"csrf_token": browser.token, "Mobile": MOBILE, "FName": "سارا"}
    assert browser.visit(NEW, form) == [422]
    assert messages.FORM_EXPIRED in browser.html.text(role="alert")
    assert browser.html.values["Mobile"] == [MOBILE]
    assert browser.html.values["FName"] == ["سارا"]
    assert not portal.contacts
    assert browser.visit(NEW, {**form, "csrf_token": browser.token}) == [200]
    assert browser.html.outcome == "delivered"


def test_receipts_outlive_a_rotation_and_not_their_key(make_app: Callable[..., Flask]) -> None:
    """A reload of the receipt's page shows it again, or the form."""
    page = Page(make_app(secret_keys=("old",)).test_client(), "/embed/signup")
    done = page.send(Mobile=MOBILE, consent="true", follow=False).location
    for keys, outcome in (("new", "old"), "delivered"), (("new",), None):
        answer = make_app(secret_keys=keys).test_client().get(done, follow_redirects=True)
        assert (answer.status_code, Html(answer.text).outcome) == (200, outcome)


def test_what_an_operator_opened_before_a_rotation_works_after_it(
    make_app: Callable[..., Flask],
) -> None:
    """The buttons of /outbox carry tokens, too."""
    old, new = make_app(secret_keys=("old",)), make_app(secret_keys=("new", "old"))
    outbox = old.extensions[EXTENSION].delivery.outbox
    reference = outbox.hold(Contact(Mobile=MOBILE), "ab" * 32, form="signup", reason="honeypot")[0]
    data = {"csrf_token": Page(old.test_client(), "/outbox?suspects=1").token}
    client = new.test_client()
    client.post(f"/outbox/{reference.reference}/retry", data=data)
    assert Html(client.get("/outbox").text).outcome == "retried"
    lost = make_app(secret_keys=("new",)).test_client()
    lost.post(f"/outbox/{reference.reference}/retry", data=data)
    assert Html(lost.get("/outbox").text).outcome == "expired"


# AMOOT_TOKEN


def test_what_waits_goes_out_with_the_new_token(
    settings: Settings, portal: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The portal refuses the old one: the contact waits, and is sent after the restart."""
    caplog.set_level("INFO")
    old = DeliveryServices.build(settings, portal_url=portal.url, token="revoked")
    outcome = old.intake.submit(Contact(Mobile=MOBILE), "ab" * 32, form="contact")
    assert (outcome.result, outcome.status) == ("queued", "Token_Invalid")
    assert not portal.contacts
    deliver_all(another(settings))
    assert len(portal.contacts) == 1
    assert "the queue runs again" in caplog.text
    assert "revoked" not in caplog.text
    assert TOKEN not in caplog.text


# Backups


@pytest.fixture
def hasty(settings: Settings) -> Settings:
    """Return settings with which what is uncertain is looked up at once."""
    return replace(settings, amoot_settle=0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Callable[..., Result]:
    """Return a function that runs `amoot-form outbox` with these settings."""

    def run(*arguments: object, **environ: object) -> Result:
        ready = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": settings.amoot_url, "SECRET_KEY": SECRET}
        ready |= {"AMOOT_SETTLE": "0", "STATE_DIRECTORY": settings.state_directory}
        for name, value in {**ready, **environ}.items():
            monkeypatch.setenv(name, str(value))
        return CliRunner().invoke(main, ["outbox", *map(str, arguments)])

    return run


def another(settings: Settings) -> DeliveryServices:
    """Return what stands behind another server's pages."""
    return DeliveryServices.build(settings, portal_url=str(settings.amoot_url), token=TOKEN)


def wait(delivery: DeliveryServices, *names: str) -> None:
    """Have these people's contacts wait."""
    for name in names:
        contact = Contact(Mobile=MOBILE, FName=name)
        key = submission_key(name, contact)
        delivery.outbox.add(contact, key, form="contact", send=False, by=Submitter(operator="sara"))


def names(portal: Simulator) -> list[str]:
    """Return whom the portal knows."""
    return sorted(stored["FName"] for stored in portal.contacts)


def test_backup_brings_back_what_waited_and_sends_nothing_twice(
    run: Callable[..., Result], hasty: Settings, portal: Simulator, tmp_path: Path
) -> None:
    """Delivered before it, since it, and not at all: each arrives once."""
    saved, delivery = tmp_path / "saved.sqlite3", another(hasty)
    wait(delivery, "الف")
    deliver_all(delivery)
    wait(delivery, "ب", "پ")
    assert delivery.outbox.add(
        Contact(Mobile=MOBILE, FName="ت"), "ab" * 32, form="signup", send=True
    )
    assert run("backup", saved).exit_code == 0
    (sent, *_) = delivery.outbox.claim(1)
    assert delivery.sender.attempt(sent) is None
    assert names(portal) == ["الف", "ب"]
    new = replace(hasty, state_directory=tmp_path / "new")
    restored = run("restore", saved, STATE_DIRECTORY=new.state_directory)
    assert restored.output == "Waiting, to be looked up first: 3.\n"
    fresh = another(new)
    assert {submission.operator for submission in fresh.outbox.review.page(WAITING)} == {
        "sara",
        None,
    }
    deliver_all(fresh)
    assert names(portal) == ["الف", "ب", "ت", "پ"]
    again = fresh.intake.submit(Contact(Mobile=MOBILE, FName="ت"), "ab" * 32, form="signup")
    assert again.result == "delivered"
    assert len(portal.contacts) == 4


def test_restored_submission_that_needs_attention_is_looked_up_before_it_is_sent(
    run: Callable[..., Result], hasty: Settings, portal: Simulator, tmp_path: Path
) -> None:
    """An operator may have sent it again since the backup."""
    saved, delivery = tmp_path / "saved.sqlite3", another(hasty)
    contact = Contact(Mobile=MOBILE, FName="ب")
    delivery.outbox.hold(contact, "ab" * 32, form="signup", reason="proof")
    (held,) = delivery.outbox.review.page((State.HELD,))
    run("backup", saved)
    delivery.outbox.review.retry(held.reference)
    deliver_all(delivery)
    new = replace(hasty, state_directory=tmp_path / "new")
    assert run("restore", saved, STATE_DIRECTORY=new.state_directory).exit_code == 0
    fresh = another(new)
    (found,) = fresh.outbox.review.page((State.HELD,))
    assert (found.status, found.due) == (held.status, held.due)
    fresh.outbox.review.retry(held.reference)
    deliver_all(fresh)
    assert names(portal) == ["ب"]


def test_restored_postgresql_is_marked_by_the_same_command(
    run: Callable[..., Result],
    hasty: Settings,
    portal: Simulator,
    postgres: PostgresServer,
    tmp_path: Path,
) -> None:
    """`pg_dump`, `pg_restore`, and what waits is looked up first."""
    url, saved = postgres.create("outbox"), tmp_path / "saved.dump"
    delivery = another(replace(hasty, database_url=url))
    wait(delivery, "الف", "ب")
    plain = url.replace("+psycopg", "")
    program = [find_program("pg_dump"), "--format=custom", f"--file={saved}", plain]
    subprocess.run(program, check=True)
    deliver_all(delivery)
    assert run("backup", tmp_path / "no", DATABASE_URL=url).exit_code == 1
    copy = postgres.create("restored")
    plain = copy.replace("+psycopg", "")
    subprocess.run([find_program("pg_restore"), f"--dbname={plain}", saved], check=True)
    assert run("restore", DATABASE_URL=copy).output == "Waiting, to be looked up first: 2.\n"
    assert run("restore", saved, DATABASE_URL=copy).exit_code == 1
    deliver_all(another(replace(hasty, database_url=copy)))
    assert names(portal) == ["الف", "ب"]


def test_backup_is_private_whole_and_holds_nothing_erased(
    run: Callable[..., Result], hasty: Settings, tmp_path: Path
) -> None:
    """Taken while a server writes; no file is overwritten."""
    saved, delivery = tmp_path / "saved.sqlite3", another(hasty)
    wait(delivery, "نام-محرمانه")
    deliver_all(delivery)
    wait(delivery, "ب")
    with delivery.database.write():
        assert run("backup", saved).exit_code == 0
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    content = saved.read_bytes()
    assert b"\\u0646\\u0627\\u0645-" not in content
    assert b"\\u0628" not in content
    with closing(sqlite3.connect(saved)) as copy:
        stored = copy.execute("SELECT count(*), count(contact) FROM outbox").fetchone()
    assert stored == (2, 1)
    connection = sqlite3.connect(saved)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    refused = run("backup", saved)
    assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    assert saved.read_bytes() == content


@pytest.mark.parametrize("name", ["outbox.sqlite3", "outbox.sqlite3-wal"])
def test_no_outbox_is_overwritten(
    run: Callable[..., Result], hasty: Settings, tmp_path: Path, name: str
) -> None:
    """Nor is another one's log of changes taken for the restored one's."""
    saved, folder = tmp_path / "saved.sqlite3", tmp_path / "new"
    wait(another(hasty), "الف")
    run("backup", saved)
    folder.mkdir()
    (folder / name).write_text("old")
    refused = run("restore", saved, STATE_DIRECTORY=folder)
    assert (refused.exit_code, name in refused.output) == (1, True)
    assert [path.name for path in folder.iterdir()] == [name]


def test_what_is_no_backup_is_not_put_in_place(run: Callable[..., Result], tmp_path: Path) -> None:
    """One line says why."""
    saved, folder = tmp_path / "saved.sqlite3", tmp_path / "new"
    for content in (None, "", "no database"):
        if content is not None:
            saved.write_text(content)
        refused = run("restore", saved, STATE_DIRECTORY=folder)
        assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
        assert list(folder.iterdir()) == []
