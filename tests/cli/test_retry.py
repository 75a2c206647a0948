"""What `amoot-form outbox retry` says of submissions that need no retry."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox.rows import Timing, reference


def test_retry_says_what_is_true_of_a_submission_that_waits_or_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of an error that there is none with this reference."""
    for name, value in {
        "AMOOT_TOKEN": TOKEN,
        "SECRET_KEY": SECRET,
        "STATE_DIRECTORY": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    timing = Timing(deadline=timedelta(seconds=8), settle=timedelta(0))
    file = f"sqlite:///{tmp_path}/outbox.sqlite3"
    outbox = Outbox(Database(file, secret_keys=(SECRET,)), timing)
    contact = Contact(Mobile="09121234567")
    outbox.add(contact, "aa" * 32, form="contact", send=False)
    sending, _ = outbox.add(contact, "bb" * 32, form="contact", send=True)

    def retry(key: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["outbox", "retry", reference(key)])
        return result.exit_code, result.output

    assert retry("aa" * 32) == (0, "It is queued already, and is sent without a retry.\n")
    assert retry("bb" * 32) == (0, "It is being sent at this moment.\n")
    outbox.mark_delivered(sending, 1)
    assert retry("bb" * 32) == (0, "It was delivered.\n")
    code, output = retry("cc" * 32)
    assert code == 1
    assert "no submission" in output
