"""The contacts with the administrator's number: asks for them, and waits for a change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import monotonic, sleep
from typing import Any, Final

from webapp.cli.portal_check import CheckTable, Level, Reply, ask
from webapp.contact import MOBILE
from webapp.portal import MethodNotAllowed, PortalError, SlowDown
from webapp.portal.answers import contact_id, is_same_number
from webapp.portal.client import AmootPortal

Records = Sequence[Mapping[str, Any]]

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_SLOW_DOWN_S: Final = 5.0


class OwnContacts:
    """The contacts with one number.

    Attributes:
        portal: The client.
        mobile: The number.
        created: The IDs that answers of ContactCreate have named.
    """

    def __init__(self, portal: AmootPortal, mobile: str) -> None:
        """Set the client and the number."""
        self.created: set[int] = set()
        self.portal = portal
        self.mobile = mobile

    def create(self, pairs: Sequence[tuple[str, str]]) -> Reply:
        """Send ContactCreate."""
        reply = ask(self.portal, "ContactCreate", pairs, mobile=self.mobile)
        self.created |= ids(self._own(reply.answer.objects())) if reply.answer else set()
        return reply

    def change(self, method: str, number: int, pairs: Sequence[tuple[str, str]] = ()) -> Reply:
        """Send ContactEdit or ContactDelete for a contact with this ID."""
        return ask(self.portal, method, [("ContactID", str(number)), *pairs])

    def search(self, label: str = "") -> tuple[Reply, Records]:
        """Return the contacts with the number, without those in the portal's bin.

        Args:
            label: Return only contacts with this label; "" for all.
        """
        wanted = [(MOBILE, self.mobile)] + [("Labels", label)] * bool(label)
        reply = ask(self.portal, "ContactSearch", wanted)
        try:
            records = [it for it in reply.records() if not it.get("Deleted")]
        except PortalError as error:
            return replace(reply, error=error), ()
        return reply, self._own(records)

    def wait(
        self, is_there: Callable[[Records], bool], *, limit_s: float, label: str = ""
    ) -> tuple[Reply, Records]:
        """Search until something is there, or the time is over; return the last answer.

        A failed search counts as one more to wait for, unless the token may not search.
        """
        until, pause = monotonic() + limit_s, _FIRST_PAUSE_S
        while True:
            reply, records = self.search(label)
            is_over = monotonic() >= until or isinstance(reply.error, MethodNotAllowed)
            if is_over or (reply.error is None and is_there(records)):
                return reply, records
            if isinstance(reply.error, SlowDown):
                pause = max(pause, reply.error.retry_after or _SLOW_DOWN_S)
            sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    def _own(self, records: Iterable[Mapping[str, Any]]) -> Records:
        """Return only the contacts with the number: no other one must be deleted."""
        return [it for it in records if is_same_number(self.mobile, it.get(MOBILE))]


def ids(records: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the IDs of contacts that have one."""
    return {number for record in records if (number := contact_id(record)) is not None}


def delete_all(
    own: OwnContacts, table: CheckTable, *, labels: Sequence[str], wait_s: float, is_pending: bool
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
            _report_deleted(own, table, replies, seen=ids(records), wait_s=wait_s)
            _report_labels(own, table, labels)
        elif not records and not is_pending and search.error is None:
            table.add("delete", search, Level.FINE, "delete.nothing")
        elif records:
            _report(own, table, search, "delete.left")
        if is_pending or (not replies and search.error):
            _report(own, table, search, "delete.perhaps")
    except BaseException:  # a second Ctrl-C
        table.say("ended", mobile=own.mobile)
        raise


def _report_deleted(
    own: OwnContacts, table: CheckTable, replies: dict[int, Reply], *, seen: set[int], wait_s: float
) -> None:
    failed = {number for number, reply in replies.items() if reply.error}
    is_allowed = not all(isinstance(it.error, MethodNotAllowed) for it in replies.values())
    search, left = own.wait(lambda records: not records, limit_s=wait_s if is_allowed else 0)
    # A contact that no search has returned is gone if the answer says it.
    remaining = failed if search.error else ids(left) | (failed - seen)
    reply = next(iter(replies.values()))
    if remaining or left:
        key = "delete.left" if is_allowed else "delete.not-allowed"
        private = {"ids": ", ".join(map(str, sorted(remaining))) or "–", "mobile": own.mobile}
        table.add("delete", reply, Level.CHANGE, key, "by-hand", private=private)
    else:
        table.add("delete", reply, Level.FINE, "delete.deleted", count=len(replies))


def _report_labels(own: OwnContacts, table: CheckTable, labels: Sequence[str]) -> None:
    """Say whether the labels of the deleted contacts are left."""
    reply = ask(own.portal, "ContactGroupList")
    with contextlib.suppress(PortalError):
        titles = {str(group.get("Title")).strip() for group in reply.records()}
        if not titles.intersection(labels):
            table.add("labels-left", reply, Level.FINE, "labels-left.none")
            return
    table.add("labels-left", reply, Level.NOTE, "labels-left.some", "labels-left")


def _report(own: OwnContacts, table: CheckTable, search: Reply, key: str) -> None:
    """Say what is known of contacts that have no ID, or have not appeared."""
    private = {"ids": "–", "mobile": own.mobile}
    table.add("delete", search, Level.CHANGE, key, "by-hand", private=private)
