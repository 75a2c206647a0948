"""Erased contacts leave no copy in SQLite's file, in whatever order submissions settle."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from webapp.contact import Contact
from webapp.delivery.database import Database
from webapp.delivery.outbox import Outbox
from webapp.delivery.submission import Timing

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.delivery.submission import Submission

STATUSES = ("Timeout", "ConnectionRefused", "ServerError", "UnreadableAnswer")
SUBMISSIONS = 150
TIMING = Timing(deadline=timedelta(seconds=60), settle=timedelta(0))


def add(outbox: Outbox, number: int, random: Random) -> Submission:
    """Store a submission of some length, sent at once or queued."""
    names = {name: "ن" * random.randrange(1, 30) for name in ("FName", "LName")}
    contact = Contact(Mobile=f"0912{number:07}", **names)
    key = f"{random.getrandbits(256):064x}"
    return outbox.add(contact, key, form="contact", send=random.random() < 0.3)[0]


# Without the slack in new rows, each of these orders left a contact in the file.
@pytest.mark.parametrize(
    "seed", [17, 19, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (24, 27, 34, 40))]
)
def test_contact_that_is_erased_leaves_no_copy(tmp_path: Path, seed: int) -> None:
    """`secure_delete` overlooks copies in pages that SQLite has split."""
    random = Random(seed)  # noqa: S311  no secret
    file = tmp_path / "outbox.sqlite3"
    database = Database(f"sqlite:///{file}")
    outbox = Outbox(database, TIMING)
    new, waiting = list(range(SUBMISSIONS)), 0
    own: list[Submission] = []
    while new or waiting or own:
        draw = random.random()
        if new and draw < 1 / 3:
            count = random.randrange(1, 12)
            added = [add(outbox, number, random) for number in new[:count]]
            new = new[count:]
            own += [submission for submission in added if submission.owner]
            waiting += sum(submission.owner is None for submission in added)
        elif waiting and draw < 2 / 3:
            claimed = outbox.claim(random.randrange(1, 5))
            own, waiting = own + claimed, waiting - len(claimed)
        elif own:
            submission = own.pop(random.randrange(len(own)))
            if random.random() < 0.3:
                status = random.choice(STATUSES)
                outbox.postpone(submission, timedelta(0), failed=True, status=status)
                waiting += 1
            else:
                outbox.deliver(submission, random.getrandbits(40))
    database.truncate_wal()
    assert re.findall(rb"0912\d{7}", file.read_bytes()) == []
