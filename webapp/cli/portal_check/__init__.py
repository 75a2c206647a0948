"""`amoot-form check --portal`: asks the portal how it answers, and says what that means."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import string
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from webapp.cli.portal_check.creating import Trial
from webapp.cli.portal_check.reading import check_reading
from webapp.cli.portal_check.table import CheckTable
from webapp.portal.client import AmootPortal
from webapp.settings import VERSION, Settings


def check_portal(
    settings: Settings,
    portal: AmootPortal,
    *,
    lines: Sequence[str],
    mobile: str,
    language: str,
    report: Path | None,
) -> bool:
    """Print the table; return whether nothing is wrong or to be changed.

    Args:
        settings: The settings.
        portal: The client.
        lines: The lines of the forms.
        mobile: The administrator's number, with which a contact is created; "" for none.
        language: Of the texts: "fa" or "en".
        report: Where the report goes, if anywhere.
    """
    token = settings.amoot_token or ""
    wrong = portal.with_token(wrong_token(token))
    table = CheckTable(language)
    table.begin()
    try:
        with _end_on_sigterm():
            found = check_reading(portal, wrong, table, lines=lines, empty=portal.empty)
            if mobile and found.may_create:
                Trial(
                    *(portal, table, mobile), empty=found.empty, settle_s=settings.amoot_settle
                ).run()
            elif mobile:
                table.say("not-created")
    finally:
        table.end()
        if report is not None:
            head = {
                "amoot-form": VERSION,
                "UTC": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
                "AMOOT_DEADLINE": f"{settings.amoot_deadline:g}",
                "AMOOT_SETTLE": f"{settings.amoot_settle:g}",
                "AMOOT_EMPTY_GENDER": {None: "omit", "": "empty"}.get(
                    portal.empty.gender, portal.empty.gender
                ),
                "AMOOT_EMPTY": "send" if portal.empty.is_sent else "omit",
                "AMOOT_EDIT": "on" if settings.amoot_edit else "off",
            }
            private = [token, *lines, *({mobile, mobile[1:]} if mobile else ())]
            report.write_text(table.report(head, private), encoding="utf-8")
    return not table.has_faults


def language_of_environment() -> str:
    """Return the language of messages by the environment: "fa", or "en" for any other."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "fa" if locale.startswith("fa") else "en"


def wrong_token(token: str) -> str:
    """Return a random token of the same form: length, kinds of characters, punctuation."""
    kinds = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    letters = []
    for letter in token:
        kind = next((kind for kind in kinds if letter in kind), letter)
        letters.append(secrets.choice(kind))
    made = "".join(letters)
    return made if made not in {token, ""} else secrets.token_hex(16)


@contextlib.contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the check as Ctrl-C does, so that it deletes what it has created."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
