"""The end of the check: deletes what it has created, and says what is left."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from webapp.cli.portal_check.asking import ask
from webapp.cli.portal_check.own_contacts import OwnContacts, ids
from webapp.cli.portal_check.table import Level
from webapp.portal.base import MethodNotAllowed, PortalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webapp.cli.portal_check.asking import Reply
    from webapp.cli.portal_check.table import Table


def delete_all(
    own: OwnContacts, table: Table, *, labels: Sequence[str], wait_s: float, is_pending: bool
) -> None:
    """Delete all contacts with the number, and add rows that say which are left.

    Args:
        own: The contacts.
        table: Where the rows go.
        labels: Those of the contacts.
        wait_s: How long the search may take to see a change.
        is_pending: Whether a contact may still appear, as its answer was lost.
    """
    try:
        search, records = own.wait(bool, limit_s=wait_s if is_pending else 0)
        numbers = sorted(ids(records) | own.created)
        replies = {number: own.change("ContactDelete", number) for number in numbers}
        if replies:
            _tell_deleted(own, table, replies, seen=ids(records), wait_s=wait_s)
            _tell_labels(own, table, labels)
        elif not records and not is_pending and search.error is None:
            table.add("delete", search, Level.FINE, "delete.nothing")
        elif records:
            _tell(own, table, search, "delete.left")
        if is_pending or (not replies and search.error):
            _tell(own, table, search, "delete.perhaps")
    except BaseException:  # a second Ctrl-C
        table.say("ended", mobile=own.mobile)
        raise


def _tell_deleted(
    own: OwnContacts, table: Table, replies: dict[int, Reply], *, seen: set[int], wait_s: float
) -> None:
    failed = {number for number, reply in replies.items() if reply.error}
    is_allowed = not all(isinstance(it.error, MethodNotAllowed) for it in replies.values())
    search, left = own.wait(lambda found: not found, limit_s=wait_s if is_allowed else 0)
    # What was never found cannot be seen to be gone: there the answer decides.
    remaining = failed if search.error else ids(left) | (failed - seen)
    reply = next(iter(replies.values()))
    if remaining or left:
        key = "delete.left" if is_allowed else "delete.not-allowed"
        private = {"ids": ", ".join(map(str, sorted(remaining))) or "–", "mobile": own.mobile}
        table.add("delete", reply, Level.CHANGE, key, "by-hand", private=private)
    else:
        table.add("delete", reply, Level.FINE, "delete.deleted", count=len(replies))


def _tell_labels(own: OwnContacts, table: Table, labels: Sequence[str]) -> None:
    """Say whether the labels of the deleted contacts are left."""
    reply = ask(own.portal, "ContactGroupList")
    with contextlib.suppress(PortalError):
        titles = {str(group.get("Title")).strip() for group in reply.records()}
        if not titles.intersection(labels):
            table.add("labels-left", reply, Level.FINE, "labels-left.none")
            return
    table.add("labels-left", reply, Level.NOTE, "labels-left.some", "labels-left")


def _tell(own: OwnContacts, table: Table, search: Reply, key: str) -> None:
    """Say what is known of contacts that have no ID, or have not appeared."""
    private = {"ids": "–", "mobile": own.mobile}
    table.add("delete", search, Level.CHANGE, key, "by-hand", private=private)
