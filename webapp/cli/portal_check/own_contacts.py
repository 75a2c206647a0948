"""The contacts with the administrator's number: asks for them, and waits for a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from webapp.cli.portal_check.asking import Reply, ask
from webapp.contact import MOBILE
from webapp.portal.answers import contact_id, is_same_number
from webapp.portal.base import MethodNotAllowed, PortalError, SlowDown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        """Return the contacts with the number: no other one is to be deleted, whatever comes."""
        return [it for it in records if is_same_number(self.mobile, it.get(MOBILE))]


def ids(records: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the IDs of contacts that have one."""
    return {number for record in records if (number := contact_id(record)) is not None}
