"""The contacts that the simulator has stored."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from webapp.portal.simulator.model import StatusError, new_contact

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from webapp.portal.simulator.profiles import Profile


class Phonebook:
    """A log of changes, each with the time from which it counts, in UTC: some come late.

    It is not safe to share between threads.
    """

    def __init__(self, kept: int) -> None:
        """Keep as many changes as this."""
        self._changes: deque[tuple[dt.datetime, dict[str, Any]]] = deque(maxlen=kept)
        self._ids = itertools.count(1)

    def contacts(self, at: dt.datetime) -> list[dict[str, Any]]:
        """Return the contacts as they were at a time, the oldest first, without deleted ones."""
        latest = {record["ID"]: record for since, record in self._changes if since <= at}
        return [record for record in latest.values() if not record["Deleted"]]

    def create(
        self, values: Mapping[str, Any], profile: Profile, at: dt.datetime
    ) -> dict[str, Any]:
        """Store a contact, or what the profile makes of one whose number is known; return it.

        Raises:
            StatusError: if the number is known, and the profile refuses it then.
        """
        contact = {**new_contact(values), "ID": next(self._ids)}
        if profile.known == "second":
            return self._store(contact, at)
        same = [it for it in self.contacts(at) if it["Mobile"] == values["Mobile"]]
        if same and profile.known == "refused":
            raise StatusError("Mobile_Duplicate")  # not documented, as any status would be
        return self._store({**same[-1], **values} if same else contact, at)

    def edit(
        self, number: str, values: Mapping[str, Any], profile: Profile, at: dt.datetime
    ) -> dict[str, Any]:
        """Replace all values of a contact, and return it.

        Raises:
            StatusError: if no contact has this ID.
        """
        former = self._find(number, at)
        kept = {"Labels": former["Labels"]} if profile.keeps_labels else {}
        return self._store({**new_contact({**kept, **values}), "ID": former["ID"]}, at)

    def delete(self, number: str, at: dt.datetime) -> None:
        """Delete a contact.

        Raises:
            StatusError: if no contact has this ID.
        """
        self._store({**self._find(number, at), "Deleted": True}, at)

    def clear(self) -> None:
        """Delete everything."""
        self._changes.clear()

    def _find(self, number: str, at: dt.datetime) -> dict[str, Any]:
        for record in self.contacts(at):
            if str(record["ID"]) == number:
                return record
        raise StatusError("ContactID_Invalid")

    def _store(self, record: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
        record["UpdateDateTime"] = at.isoformat(timespec="milliseconds")
        self._changes.append((at, record))
        return record
