"""The part of the check that creates a contact, and deletes it again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from webapp.cli.portal_check import CheckTable, Level, Reply, reading
from webapp.cli.portal_check.own_contacts import OwnContacts, Records, delete_all, ids
from webapp.cli.portal_check.reading import is_about_form, is_about_number, variants
from webapp.contact import FIELDS, MOBILE, Contact, FieldKind
from webapp.persian import comparison_key
from webapp.portal import (
    MethodNotAllowed,
    Refused,
    Rejected,
    SlowDown,
    Uncertain,
    Unexplained,
    Unreachable,
)
from webapp.portal.answers import is_same_number
from webapp.portal.client import AmootPortal, Empty, edit_payload, payload
from webapp.portal.matching import find_matches

# Of the search, beyond AMOOT_SETTLE: a longer delay has to be seen, too.
_BEYOND_SETTLE_S: Final = 60.0
# How long changes are waited for, by the delay that was seen.
_SHORTEST_WAIT_S, _DELAYS = 15.0, 4
_LONGEST_SETTLE_S: Final = 3600
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Attempt:
    setting: str  # which would send it so; "" for the present ones
    empty: Empty
    contact: Contact


class Trial:
    """Creates a contact with the administrator's number, and observes what the portal does."""

    def __init__(
        self, portal: AmootPortal, table: CheckTable, mobile: str, *, empty: Empty, settle_s: float
    ) -> None:
        """Set it up for the administrator's number; `settle_s` is AMOOT_SETTLE."""
        self._own = OwnContacts(portal, mobile)
        self._table = table
        self._mobile = mobile
        self._empty = empty
        self._settle_s = settle_s
        self._sent = reading.sample(mobile, is_long=True)
        self._stored: Mapping[str, Any] = {}
        self._wait_s = settle_s + _BEYOND_SETTLE_S
        self._is_pending = False  # a lost contact may still appear
        self._can_search_labels = False

    def run(self) -> None:
        """Add a row for each step, also for contacts that could not be deleted."""
        if not self._is_unknown():
            return
        self._table.say("begins", mobile=self._mobile)
        try:
            if self._create() and self._stored:
                self._compare()
                self._search_labels()
                self._create_again()
                self._edit()
        finally:
            delete_all(
                *(self._own, self._table),
                labels=self._sent.labels,
                wait_s=self._wait_s,
                is_pending=self._is_pending,
            )

    def _is_unknown(self) -> bool:
        """Return whether the portal says that it has no contact with this number."""
        reply, records = self._own.search()
        private = {"mobile": self._mobile}
        if isinstance(reply.error, MethodNotAllowed):
            self._table.add("known", reply, Level.CHANGE, "known.not-allowed", "allow")
        elif reply.error:
            self._table.add("known", reply, Level.WRONG, "known.no-answer", "report")
        elif others := self._count_others(reply):
            self._table.add("known", reply, Level.WRONG, "search.others", "report", count=others)
        elif records:
            self._table.add(
                *("known", reply, Level.CHANGE, "known.found", "known.found"), private=private
            )
        else:
            self._table.add("known", reply, Level.FINE, "known.none", private=private)
            return True
        return False

    def _count_others(self, reply: Reply) -> int:
        numbers = [record.get(MOBILE) for record in reply.records()]
        return sum(not is_same_number(self._mobile, number) for number in numbers)

    def _attempts(self) -> Iterator[_Attempt]:
        yield from (_Attempt(setting, empty, self._sent)
                    for setting, empty in variants(self._empty))  # fmt: skip
        yield _Attempt("lengths", self._empty, reading.sample(self._mobile, is_long=False))

    def _create(self) -> bool:
        """Return whether a contact was created."""
        first: Reply | None = None
        for attempt in self._attempts():
            if first and _is_too_long(first) and attempt.setting != "lengths":
                continue
            began = monotonic()
            reply = self._own.create(payload(attempt.contact, attempt.empty))
            first = first or reply
            if self._is_stored(reply, is_first=reply is first):
                self._sent, self._empty = attempt.contact, attempt.empty
                self._report_created(first, reply, attempt)
                self._report_appeared(monotonic() - began)
                return True
            if not is_about_form(reply.error):
                break
        if first:
            self._report_refused(first)
        return False

    def _is_stored(self, reply: Reply, *, is_first: bool) -> bool:
        """Return whether the answer, or else the search, says that the contact was stored.

        After an answer that says neither, the first search waits; the others look once, and
        the last step waits again.
        """
        if isinstance(reply.error, Refused | Unreachable | SlowDown):
            return False
        is_waiting = reply.error is None or (_is_doubtful(reply) and is_first)
        self._search, records = self._own.wait(bool, limit_s=self._wait_s if is_waiting else 0)
        self._stored = records[0] if records else {}
        self._is_pending |= _is_lost(reply) and not records
        return reply.error is None or bool(records)

    def _report_created(self, first: Reply, reply: Reply, attempt: _Attempt) -> None:
        facts = "" if reply is first else f"→ {reply.facts}"
        if reply.error:
            self._table.add("create", first, Level.WRONG, "create.unread", "report", facts=facts)
        elif attempt.setting == "lengths":
            self._table.add("create", first, Level.CHANGE, "create.short", "lengths", facts=facts)
        elif attempt.setting:
            self._table.add(
                *("create", first, Level.CHANGE, "create.form", attempt.setting), facts=facts
            )
        else:
            self._table.add("create", reply, Level.FINE, "create.created")

    def _report_refused(self, first: Reply) -> None:
        error = first.error
        if isinstance(error, MethodNotAllowed):
            self._table.add("create", first, Level.CHANGE, "empty-number.not-allowed", "allow")
        elif isinstance(error, Refused):
            self._table.add("create", first, Level.WRONG, "account.refused", "account.refused")
        elif is_about_number(error):
            self._table.add("create", first, Level.WRONG, "create.number", "report")
        elif isinstance(error, Rejected):
            self._table.add("create", first, Level.WRONG, "create.rejected", "report")
        else:
            self._table.add("create", first, Level.WRONG, "create.failed", "report")

    def _report_appeared(self, delay_s: float) -> None:
        """Compare the delay of the search with AMOOT_SETTLE."""
        if not self._stored:
            self._table.add("appears", self._search, Level.WRONG, "appears.never", "report",
                            delay=round(self._wait_s))  # fmt: skip
            return
        values: dict[str, Any] = {"delay": f"{delay_s:.1f}", "settle": f"{self._settle_s:g}"}
        self._wait_s = max(_SHORTEST_WAIT_S, _DELAYS * delay_s)
        if delay_s < self._settle_s:
            self._table.add("appears", self._search, Level.FINE, "appears.in-time", **values)
        else:
            setting = f"AMOOT_SETTLE={min(math.ceil(2 * delay_s), _LONGEST_SETTLE_S)}"
            self._table.add(
                "appears", self._search, Level.CHANGE, "appears.late", setting, **values
            )

    def _compare(self) -> None:
        """Compare what is stored with what was sent."""
        stored = self._stored
        changes = list(reading.differences(self._sent, stored))
        facts = [*reading.grouped(changes), reading.number_shape(stored)]
        reply = self._derived("; ".join(facts))
        since = datetime.now(UTC)
        is_recognised = bool(find_matches(self._sent, [dict(stored)], since=since))
        if not changes:
            self._table.add("values", reply, Level.FINE, "values.same")
        elif any(change.is_cut for change in changes):
            self._table.add("values", reply, Level.CHANGE, "values.cut", "lengths")
        elif is_recognised:
            self._table.add("values", reply, Level.FINE, "values.spelling")
        else:
            self._table.add("values", reply, Level.WRONG, "values.other", "report")
        self._compare_gender()
        self._compare_clocks()

    def _compare_gender(self) -> None:
        name = next(name for name, row in FIELDS.items() if row.kind is FieldKind.GENDER)
        gender = self._stored.get(name, "missing")
        word = str(gender).casefold()
        is_set = word in {"true", "false"}
        key, level = (f"gender.{word}", Level.NOTE) if is_set else ("gender.none", Level.FINE)
        others = {None: "null", "missing": "missing", "": "empty"}
        shown = word if is_set else others.get(gender, "another value")
        self._table.add("gender", self._derived(f"{name}: {shown}"), level, key)

    def _compare_clocks(self) -> None:
        zone = reading.time_zone(self._stored)
        reply = self._derived(f"UpdateDateTime: {reading.zone_name(zone)}")
        if zone is None:
            self._table.add("clock", reply, Level.NOTE, "clock.unknown")
        elif abs(zone) < _DAY:
            self._table.add("clock", reply, Level.FINE, "clock.near")
        else:
            self._table.add("clock", reply, Level.WRONG, "clock.far", "report")

    def _derived(self, facts: str) -> Reply:
        """Return the reply of the search with other facts."""
        return replace(self._search, facts=facts, outline="")

    def _search_labels(self) -> None:
        """Search by each label, and by one that the contact does not have."""
        is_long = self._sent == reading.sample(self._mobile, is_long=True)
        labels = self._sent.labels
        matches = []
        for label in labels:
            reply, records = self._own.wait(bool, limit_s=self._wait_s, label=label)
            if reply.error:
                self._table.add("label-search", reply, Level.NOTE, "label-search.refused")
                return
            matches.append(bool(records))
        _, others = self._own.search(reading.label(2, is_long=is_long))
        facts = f"found: {matches.count(True)}/{len(labels)}; another label: {len(others)}"
        if not all(matches):
            self._table.add(
                "label-search", reply, Level.WRONG, "label-search.lost", "report", facts=facts
            )
        elif others:
            self._table.add("label-search", reply, Level.NOTE, "label-search.ignored", facts=facts)
        else:
            self._can_search_labels = True
            self._table.add("label-search", reply, Level.FINE, "label-search.found", facts=facts)

    def _create_again(self) -> None:
        """Create a second contact with the number: another text, and one blank."""
        text = reading.label(2, is_long=False)
        again = reading.changed(self._sent, {reading.CREATED_AGAIN: text, reading.BLANKED: ""})
        reply = self._own.create(payload(again, self._empty))
        search, records = self._own.wait(
            lambda records: bool(_having(records, reading.CREATED_AGAIN, text)),
            limit_s=self._wait_s if reply.error is None or _is_doubtful(reply) else 0,
        )
        new = _having(records, reading.CREATED_AGAIN, text)
        self._is_pending |= _is_lost(reply) and not new and len(records) < 2  # noqa: PLR2004
        facts = f"→ {search.facts}"
        if len(records) > 1:
            self._table.add("again", reply, Level.NOTE, "again.second", "duplicates", facts=facts)
        elif new and not new[0].get(reading.BLANKED):
            level = Level.CHANGE if self._empty.is_sent else Level.NOTE
            change = "AMOOT_EMPTY=omit" if self._empty.is_sent else ""
            self._table.add("again", reply, level, "again.blanked", change, facts=facts)
            self._create_without_blanks()
        elif new:
            self._table.add("again", reply, Level.NOTE, "again.updated", facts=facts)
        elif reply.error:
            self._table.add("again", reply, Level.NOTE, "again.refused", "duplicates", facts=facts)
        else:
            self._table.add("again", reply, Level.WRONG, "again.ignored", "report", facts=facts)

    def _create_without_blanks(self) -> None:
        """Create the contact once more, as AMOOT_EMPTY=omit does: what is stored should stay."""
        text = reading.label(1, is_long=False)
        again = reading.changed(self._sent, {reading.CREATED_AGAIN: text, reading.OMITTED: ""})
        reply = self._own.create(payload(again, replace(self._empty, is_sent=False)))
        _, records = self._own.wait(
            lambda records: bool(_having(records, reading.CREATED_AGAIN, text)),
            limit_s=self._wait_s if reply.error is None or _is_doubtful(reply) else 0,
        )
        new = _having(records, reading.CREATED_AGAIN, text)
        self._is_pending |= _is_lost(reply) and not new
        if new and new[0].get(reading.OMITTED):
            self._table.add("omitted", reply, Level.FINE, "omitted.kept")
        else:
            key = "omitted.erased" if new else "omitted.refused"
            self._table.add("omitted", reply, Level.WRONG, key, "duplicates")

    def _edit(self) -> None:
        """Edit the contact without `Labels`, and search by its labels."""
        number = next(iter(ids([self._stored])), None)
        if number is None:
            return
        text = reading.label(2, is_long=False)
        edited = reading.changed(self._sent, {reading.EDITED: text})
        reply = self._own.change("ContactEdit", number, edit_payload(edited, self._empty))
        if isinstance(reply.error, MethodNotAllowed):
            self._table.add("edit", reply, Level.NOTE, "edit.not-allowed")
            return
        _, records = self._own.wait(
            lambda records: bool(_having(records, reading.EDITED, text)),
            limit_s=self._wait_s if reply.error is None else 0,
        )
        if not _having(records, reading.EDITED, text):
            self._table.add("edit", reply, Level.NOTE, "edit.failed")
            return
        if not self._can_search_labels:
            self._table.add("edit", reply, Level.NOTE, "edit.unknown")
            return
        kept = [number in ids(self._own.search(label)[1]) for label in self._sent.labels]
        facts = f"Labels: {kept.count(True)}/{len(kept)}"
        if all(kept):
            key, setting = "edit.kept", "AMOOT_EDIT=on"
        else:
            key, setting = "edit.dropped", "AMOOT_EDIT=off"
        self._table.add("edit", reply, Level.NOTE, key, setting, facts=facts)


def _is_too_long(reply: Reply) -> bool:
    return isinstance(reply.error, Rejected) and reply.error.concerns_length


def _is_doubtful(reply: Reply) -> bool:
    """Return whether an answer leaves open if the contact was stored."""
    is_refused = reply.status.startswith("HTTP_4")
    return isinstance(reply.error, Uncertain) and not is_refused


def _is_lost(reply: Reply) -> bool:
    """Return whether no answer with a status came: the contact may still be stored later."""
    return isinstance(reply.error, Uncertain) and not isinstance(reply.error, Unexplained)


def _having(records: Records, name: str, text: str) -> Records:
    """Return the contacts with a text in a field, in any spelling."""
    key = comparison_key(text)
    return [it for it in records if comparison_key(str(it.get(name))) == key]
