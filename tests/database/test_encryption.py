"""Contacts are ciphertext wherever they are stored; which keys open them, and what if none does."""

import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from outbox_entries import TIMING
from sqlalchemy import create_engine, text
from support import SECRET

from webapp import messages
from webapp.cli import main
from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.database.encryption import Encryption, UnreadableText, load_or_make_key
from webapp.imports import Counts, Imports
from webapp.imports.tables import (
    ColumnMapping,
    DuplicatePosition,
    DuplicateRows,
    Import,
    KnownRows,
    StoredRow,
)
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import NEEDS_ATTENTION, RETENTION, WAITING, State, dump_contact, reference
from webapp.services import DeliveryServices, Reencryption, read_gauges
from webapp.settings import Settings
from webapp.verification.unverified import Unverified

CONTACT = Contact(Mobile="09121234567", FName="سارا", LName="محمدی", Email="sara@example.ir")
TRACES = [
    *("09121234567", "9121234567", "sara@example.ir", "سارا", "محمدی"),
    *(ascii(name).strip("'") for name in ("سارا", "محمدی")),
]
KEYS = ("a1" * 32, "a2" * 32, "a3" * 32)
READING = ColumnMapping(header=("09121234567", "محمدی"), columns=("Mobile", "LName"), shared={})


def key_ring(url: str, *secret_keys: str) -> tuple[Database, Outbox]:
    """Return what a process with these keys would have."""
    database = Database(url, secret_keys=secret_keys)
    return database, Outbox(database, TIMING)


def draft_in(database: Database) -> tuple[Imports, Import]:
    """Store a draft with a row that is ready and a wrong one."""
    imports = Imports(database, CircuitBreaker(database), TIMING, rate=100)
    draft = imports.create(form="contact", operator=None, digest="d" * 64, reading=READING)
    cells, fault = ("09121234567", "محمدی"), (0, "09121234567", "Mobile", "محمدی")
    text, place = dump_contact(CONTACT), DuplicatePosition.ONLY
    ready = StoredRow(number=1, key="b1" * 32, cells=cells, contact=text, place=place)
    wrong = StoredRow(number=2, key="b2" * 32, cells=cells, contact=None, faults=(fault,))
    imports.write_rows(draft.id, [ready, wrong])
    return imports, imports.open_draft(draft, Counts(ready_rows=1, wrong_rows=1, twice_rows=0))


# Ciphertexts


def test_ciphertext_opens_in_its_place_with_its_key_and_unchanged_only() -> None:
    """In any other case nothing is returned, and the error says nothing of it."""
    encryption = Encryption(("new", "old"))
    sealed, key_id = encryption.encrypt("متن", "contact 1"), encryption.key_ids[0]
    assert encryption.decrypt(sealed, key_id, "contact 1") == "متن"
    assert sealed != encryption.encrypt("متن", "contact 1")
    bad: list[tuple[str, str | None, str]] = [
        (sealed, key_id, "contact 2"),
        (sealed, key_id, "cells 1"),
        (sealed, encryption.key_ids[1], "contact 1"),
        (sealed, Encryption(("other",)).key_ids[0], "contact 1"),
        (sealed, None, "contact 1"),
        (sealed, "", "contact 1"),
        ("A" + sealed[1:] if sealed[0] != "A" else "B" + sealed[1:], key_id, "contact 1"),
        (sealed[:20], key_id, "contact 1"),
        ("", key_id, "contact 1"),
        ("متن", key_id, "contact 1"),
    ]
    for number, arguments in enumerate(bad):
        with pytest.raises(UnreadableText) as caught:
            encryption.decrypt(*arguments)
        assert str(caught.value) == "", number


def test_key_in_a_file_is_made_once_and_private(tmp_path: Path) -> None:
    """Where no file can be made, there is a key as well."""
    file = tmp_path / "state" / "demo.key"
    key = load_or_make_key(file)
    assert len(key) >= 32
    assert load_or_make_key(file) == key
    assert [path.name for path in file.parent.iterdir()] == ["demo.key"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_or_make_key(file / "no folder")


# No plain text


def traces(folder: Path) -> set[tuple[str, str]]:
    """Return which personal data stand in which file of a folder as plain text."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {(trace, name) for trace in TRACES for name, it in files.items() if trace.encode() in it}


def fill(url: str) -> tuple[Outbox, Imports, Import]:
    """Store a contact in each way."""
    database, outbox = key_ring(url, SECRET)
    outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    outbox.hold(CONTACT, KEYS[1], form="contact", reason="honeypot")
    Unverified(database, TIMING).add(CONTACT, KEYS[2], form="contact")
    outbox.review.correct(reference(KEYS[0]), CONTACT, send=False)
    return outbox, *draft_in(database)


def test_no_file_of_the_state_folder_holds_plain_text(tmp_path: Path) -> None:
    """While rows wait, in a backup, while an import is sent, and after all is delivered."""
    url = f"sqlite:///{tmp_path}/state/outbox.sqlite3"
    outbox, imports, draft = fill(url)
    assert traces(tmp_path / "state") == set()
    Database(url).backup(tmp_path / "state" / "backup")
    imports.start(draft.id, DuplicateRows.FIRST, KnownRows.SEND)
    imports.feeder.enqueue_due_rows()
    assert traces(tmp_path / "state") == set()
    outbox.review.retry(reference(KEYS[1]))
    claimed = outbox.claim(9)
    assert [submission.contact for submission in claimed] == [CONTACT] * 3
    for submission in claimed:
        outbox.deliver(submission, 1)
    assert traces(tmp_path / "state") == set()


KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[2:]
from test_encryption import fill
outbox, imports, draft = fill(sys.argv[1])
imports.start(draft.id, "first")
with imports._database.write() as connection:
    imports.feeder._move(connection, imports.review.get(draft.reference), 9)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_no_file_holds_plain_text_after_a_kill(tmp_path: Path) -> None:
    """In the middle of a transaction; what was stored before is there, and is sent."""
    url = f"sqlite:///{tmp_path}/state/outbox.sqlite3"
    folders = map(str, (Path(__file__).parent, Path(__file__).parents[1]))
    died = subprocess.run([sys.executable, "-c", KILLED, url, *folders], check=False)
    assert died.returncode == -signal.SIGKILL
    assert (tmp_path / "state" / "outbox.sqlite3-wal").stat().st_size
    assert traces(tmp_path / "state") == set()
    _, outbox = key_ring(url, SECRET)
    (submission,) = outbox.claim(9)
    assert submission.contact == CONTACT
    outbox.deliver(submission, 1)
    assert traces(tmp_path / "state") == set()


def test_columns_hold_no_plain_text(database_url: str) -> None:
    """On PostgreSQL as on SQLite, in all tables."""
    fill(database_url)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        found = [
            repr(connection.execute(text(f"SELECT * FROM {name}")).all())  # noqa: S608  our names
            for name in engine.dialect.get_table_names(connection)
        ]
    engine.dispose()
    assert len(found) > 9
    assert [trace for trace in TRACES if trace in "".join(found)] == []


# Rotation


def test_rows_under_an_older_key_are_encrypted_with_the_newest(database_url: str) -> None:
    """Then the older key may be dropped: submissions, drafts and their rows open without it."""
    old, outbox = key_ring(database_url, "old")
    outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    outbox.hold(CONTACT, KEYS[1], form="contact", reason="honeypot")
    _, draft = draft_in(old)
    both, _ = key_ring(database_url, "new", "old")
    reencryption = Reencryption(both)
    assert (reencryption.count_older(), reencryption.count_unreadable()) == (5, 0)
    reencryption.rewrite()
    assert (reencryption.count_older(), reencryption.count_unreadable()) == (0, 0)
    new, outbox = key_ring(database_url, "new")
    assert Reencryption(new).count_unreadable() == 0
    assert [it.key for it in outbox.review.waiting_for("09121234567")] == [KEYS[0]]
    assert [it.contact for it in outbox.review.page((*WAITING, *NEEDS_ATTENTION))] == [CONTACT] * 2
    imports = Imports(new, CircuitBreaker(new), TIMING, rate=100)
    found = imports.review.get(draft.reference)
    assert found is not None
    assert (found.reading, found.digest) == (READING, "d" * 64)
    assert [row.cells for row in imports.review.all_rows(draft.id)] == [READING.header] * 2
    assert [len(row.faults) for row in imports.review.wrong_rows(draft.id, limit=9)] == [1]
    imports.start(draft.id, DuplicateRows.FIRST, KnownRows.SEND)
    imports.feeder.enqueue_due_rows()
    assert [it.contact for it in outbox.claim(9)] == [CONTACT] * 2


def test_row_that_is_corrected_while_it_is_rewritten_keeps_the_correction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has the older key only may still run."""
    url = f"sqlite:///{tmp_path}/outbox.sqlite3"
    _, outbox = key_ring(url, "old")
    outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    both, _ = key_ring(url, "new", "old")
    real, other = both.write, Contact(Mobile="09127654321")

    def write() -> Any:
        monkeypatch.undo()
        outbox.review.correct(reference(KEYS[0]), other, send=False)
        return real()

    monkeypatch.setattr(both, "write", write)
    Reencryption(both).rewrite()
    new, outbox = key_ring(url, "new")
    assert Reencryption(new).count_unreadable() == 0
    assert [it.contact for it in outbox.review.page(WAITING)] == [other]


# A lost key, and damaged rows


def test_rows_that_no_key_opens_are_counted_and_neither_sent_nor_deleted(
    database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said once; the right key makes them ordinary again."""
    monkeypatch.setattr("webapp.outbox.RETENTION", -RETENTION)
    right, outbox = key_ring(database_url, "right")
    outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    outbox.hold(CONTACT, KEYS[1], form="contact", reason="honeypot")
    imports, draft = draft_in(right)
    database, lost = key_ring(database_url, "wrong")
    reencryption = Reencryption(database)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            reencryption.log_unreadable()
    (said,) = caplog.messages
    assert said.startswith("5 rows cannot be decrypted, and are not sent: put the key")
    reencryption.rewrite()
    assert lost.claim(9) == lost.claim(9, probe=True) == []
    assert lost.purge() == []
    assert lost.review.page((*WAITING, State.DELIVERED, *NEEDS_ATTENTION)) == []
    assert lost.review.retry() == 0
    blind = Imports(database, CircuitBreaker(database), TIMING, rate=100)
    assert blind.review.get(draft.reference) is None
    assert blind.review.rows(draft.id, limit=9) == []
    again = lost.add(CONTACT, KEYS[0], form="contact", send=True)
    assert (again[0].state, again[1]) == (State.QUEUED, False)
    assert reencryption.count_unreadable() == 5
    assert [it.contact for it in outbox.claim(9)] == [CONTACT]
    assert imports.review.get(draft.reference) is not None
    assert outbox.purge() == [reference(KEYS[1])]


def test_running_import_that_no_key_opens_loses_no_row(tmp_path: Path) -> None:
    """Its rows move into the outbox as they are, and wait there."""
    url = f"sqlite:///{tmp_path}/outbox.sqlite3"
    right, outbox = key_ring(url, "right")
    imports, draft = draft_in(right)
    imports.start(draft.id, DuplicateRows.FIRST, KnownRows.SEND)
    database, lost = key_ring(url, "wrong")
    blind = Imports(database, CircuitBreaker(database), TIMING, rate=100)
    for _ in range(2):
        blind.feeder.enqueue_due_rows()
        blind.purge()
    assert [str(found.state) for found in blind.review.recent()] == ["running"]
    assert lost.claim(9) == []
    assert [it.contact for it in outbox.claim(9)] == [CONTACT]


def test_swapped_contacts_are_not_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody gets what belongs to somebody else; the others are sent."""
    url = f"sqlite:///{tmp_path}/outbox.sqlite3"
    database, outbox = key_ring(url, "key")
    for number, key in enumerate(KEYS):
        contact = Contact(Mobile=f"0912000000{number}")
        outbox.add(contact, key, form="contact", send=False)
    swap = "UPDATE outbox SET contact = (SELECT contact FROM outbox WHERE key = :b) WHERE key = :a"
    with database.write() as connection:
        connection.execute(text(swap), {"a": KEYS[0], "b": KEYS[1]})
    assert [it.key for it in outbox.review.page(WAITING)] == list(KEYS[1:])
    assert [it.key for it in outbox.claim(9)] == list(KEYS[1:])
    assert outbox.claim(9) == []
    assert Reencryption(database).count_unreadable() == 1
    assert outbox.review.discard(reference(KEYS[0]))
    assert Reencryption(database).count_unreadable() == 0
    damaged = f"submission {reference(KEYS[0])}: its contact cannot be decrypted"
    assert damaged in caplog.messages


def test_damaged_submission_is_not_verified(tmp_path: Path) -> None:
    """The transaction changes nothing."""
    database, outbox = key_ring(f"sqlite:///{tmp_path}/outbox.sqlite3", "key")
    unverified = Unverified(database, TIMING)
    unverified.add(CONTACT, KEYS[0], form="contact")
    with database.write() as connection:
        connection.execute(text("UPDATE outbox SET contact = 'AAAA'"))
    with pytest.raises(DatabaseError, match="UnreadableText"):
        unverified.verify(KEYS[0], send=True, status="")
    found = outbox.find(KEYS[0])
    assert found is not None
    assert found.state is State.UNVERIFIED


def test_check_and_metrics_say_how_many_rows_no_key_opens(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And which must not lose their key yet."""
    _, outbox = key_ring(settings.outbox_url, "k" * 40)
    outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    delivery = DeliveryServices.build(settings, portal_url="http://[::1]:9/", token="t")
    assert read_gauges(delivery).values["unreadable"] == 1
    assert read_gauges(delivery).values["queue_depth"] == 0
    environ = {"AMOOT_TOKEN": "t", "AMOOT_URL": "http://127.0.0.1:9/"}
    environ["STATE_DIRECTORY"] = str(settings.state_directory)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECRET_KEY", SECRET)
    said = "1 rows cannot be decrypted: SECRET_KEY lacks the key that they are under."
    assert said in CliRunner().invoke(main, ["check"]).output
    monkeypatch.setenv("SECRET_KEY", f"{SECRET} {'k' * 40}")
    output = CliRunner().invoke(main, ["check"]).output
    assert said not in output
    assert "Warning: 1 rows are under an older key of SECRET_KEY: leave it." in output


def test_operators_are_told_of_rows_that_no_key_opens(
    make_app: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On their page in Persian, and by the commands; neither shows whose they are."""
    _, outbox = key_ring(settings.outbox_url, "k" * 40)
    outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    page = make_app().test_client().get("/outbox?waiting").text
    assert 'data-unreadable="1"' in page
    assert messages.UNREADABLE.format(n="۱") in page
    assert reference(KEYS[0]) not in page
    environ = {"AMOOT_TOKEN": "t", "STATE_DIRECTORY": str(settings.state_directory)}
    for name, value in {**environ, "SECRET_KEY": SECRET}.items():
        monkeypatch.setenv(name, value)
    listed = CliRunner().invoke(main, ["outbox", "list"])
    assert listed.output == "1 rows cannot be decrypted: is SECRET_KEY the server's?\n"


def test_demo_reads_what_it_stored_before_its_restart(make_app: Any) -> None:
    """Its key is in its state folder."""
    for is_new in (True, False):
        app = make_app(amoot_token=None, amoot_url=None, secret_keys=())
        (services,) = (it for it in app.extensions.values() if hasattr(it, "delivery"))
        outbox = services.delivery.outbox
        assert outbox.add(CONTACT, KEYS[0], form="contact", send=False)[1] is is_new
        assert [it.contact for it in outbox.review.page(WAITING)] == [CONTACT]
