"""Finds rows whose mobile number is known: in the outbox, in earlier imports, in the phonebook.

The first two are looked up when a file is read. The phonebook takes a call for each number: the
worker searches a draft's numbers in the background, no faster than `IMPORT_RATE`, and not while
submissions are due.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, exists, select, update

from webapp.contact import MOBILE, NAMES, Contact
from webapp.database import Database
from webapp.database.encryption import Encryption
from webapp.imports.tables import (
    FIELD_HASH_LENGTH,
    UNKNOWN,
    DuplicatePosition,
    Import,
    ImportState,
    Known,
    Search,
    StoredRow,
    bound_texts,
    import_rows,
    imports,
)
from webapp.messages import COMMA
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import (
    COLUMNS,
    NEEDS_ATTENTION,
    WAITING,
    State,
    Submission,
    load_contact,
    table,
)
from webapp.persian import spelling_key
from webapp.portal import (
    KnownContact,
    MethodNotAllowed,
    Portal,
    PortalError,
    Rejected,
    SlowDown,
)

log = logging.getLogger(__name__)

SEARCH_INTERVAL_S: Final = 0.2  # between two calls of `advance` by one worker
_STEP_S: Final = 0.5  # between two steps of all workers
_MAX_STEP_S: Final = 120  # then another worker may take a step over
_RETRY_S: Final = 5.0  # after a failed call
_BATCH_HASHES: Final = 500  # looked up in one statement
_SEARCHED_PLACES: Final = (
    DuplicatePosition.ONLY,
    DuplicatePosition.FIRST,
)  # one row of each number

_c: Final = table.c
_i: Final = imports.c
_r: Final = import_rows.c

Differences = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, repr=False)
class KnownNumber:
    """What is known of a number; its repr shows no personal data.

    Attributes:
        source: Where it is known from.
        contact: The contact that waits with it, if one does.
        field_hashes: The hashes of the values that an earlier import had for it.
        needs_attention: Whether that contact is not sent as it is: then a mended one is new.
    """

    source: Known
    contact: Contact | None = None
    field_hashes: Mapping[str, str] | None = None
    needs_attention: bool = False

    def __repr__(self) -> str:
        """Return the source."""
        return f"KnownNumber({self.source!r})"


class KnownNumbers:
    """Finds numbers in the outbox and in earlier imports."""

    def __init__(self, database: Database) -> None:
        """Look them up in this database."""
        self._database = database
        self._encryption = database.encryption

    def find(self, form: str, mobiles: Collection[str]) -> dict[str, KnownNumber]:
        """Return what is known of numbers, by number.

        Args:
            form: Of earlier imports, only those of this form count.
            mobiles: The normalised numbers.

        Raises:
            DatabaseError: if the database fails.
        """
        by_hash = {it: mobile for mobile in mobiles for it in self._encryption.hashes(mobile)}
        imported = select(_c.number_hash, _c.field_hashes).where(
            _c.form == form, _c.state.in_((*WAITING, State.DELIVERED))
        )
        waiting = select(_c.mobile_hash, *COLUMNS).where(
            _c.state.in_((*WAITING, *NEEDS_ATTENTION)),
            _c.encrypted_with.in_(self._encryption.key_ids),
        )
        found: dict[str, KnownNumber] = {}
        hashes = list(by_hash)
        with self._database.read() as connection:
            for start in range(0, len(hashes), _BATCH_HASHES):
                some = hashes[start : start + _BATCH_HASHES]
                for row in connection.execute(imported.where(_c.number_hash.in_(some))):
                    values = json.loads(row.field_hashes or "null")
                    known = KnownNumber(Known.IMPORTED, field_hashes=values)
                    found[by_hash[row.number_hash]] = known
                rows = connection.execute(waiting.where(_c.mobile_hash.in_(some))).mappings()
                for one in rows:
                    contact = Submission.from_row(one, self._encryption).contact
                    mobile, attention = by_hash[one["mobile_hash"]], one["state"] in NEEDS_ATTENTION
                    if mobile not in found or not attention:
                        known = KnownNumber(Known.OUTBOX, contact, needs_attention=attention)
                        found[mobile] = known
        return found

    def differences(self, contact: Contact, known: KnownNumber) -> Differences:
        """Return which values of a contact differ from what is known of its number."""
        if known.contact:
            old = known.contact
            names = [name for name, value in contact.values.items() if value != old[name]]
            return tuple((name, _text(old[name])) for name in names if _text(contact[name]))
        if known.field_hashes is None:
            return ()
        changed = _changed_fields(self._encryption, contact, known.field_hashes)
        return tuple((name, None) for name in changed)


def _changed_fields(
    encryption: Encryption, contact: Contact, hashes: Mapping[str, str]
) -> list[str]:
    """Return the fields whose values are not those of these hashes, by any key."""
    return [
        name
        for name, text in bound_texts(contact).items()
        if hashes.get(name, "") not in {it[:FIELD_HASH_LENGTH] for it in encryption.hashes(text)}
    ]


def _text(value: object) -> str:
    """Return a value as text; the pages format it by its field."""
    if isinstance(value, tuple):
        return COMMA.join(value)
    return "" if value is None else str(value)


def is_known_elsewhere(import_id: int, form: str) -> Any:  # noqa: ANN401  SQL
    """Return the SQL condition that a row's number has become known since its draft was read."""
    same = (_c.number_hash == _r.mobile_hash) & (_c.form == form)
    is_kept = _c.state.in_((*WAITING, State.DELIVERED))
    imported = exists().where(same, is_kept, _c.batch != import_id)
    is_other = _c.batch.is_(None) | (_c.batch != import_id)
    with_number = (_c.encrypted_with == _r.encrypted_with) & (_c.mobile_hash == _r.mobile_hash)
    return imported | exists().where(with_number, _c.state.in_(WAITING), is_other)


@dataclass(slots=True)
class _Step:
    """Numbers of a draft that are being searched."""

    import_id: int
    began: float
    calls: Sequence[tuple[StoredRow, Contact, Future[list[KnownContact]]]]


class PhonebookSearch:
    """Searches the numbers of drafts in the phonebook, for the worker."""

    def __init__(
        self, portal: Portal, database: Database, breaker: CircuitBreaker, *, rate: int, calls: int
    ) -> None:
        """Use these services.

        Args:
            portal: Where the phonebook is.
            database: Where imports and the outbox are.
            breaker: Nothing is searched while it is open.
            rate: How many numbers a second are searched at most, by all workers together.
            calls: How many of them at once.
        """
        self._portal = portal
        self._database = database
        self._encryption = database.encryption
        self._breaker = breaker
        self._rows = math.ceil(rate * _STEP_S)
        self._pause_s = self._rows / rate
        self._calls = calls
        self._pool: ThreadPoolExecutor | None = None
        self._step: _Step | None = None

    def advance(self) -> None:
        """Store what was found, or begin to search further numbers. It waits for no call."""
        if step := self._step:
            if all(call.done() for *_, call in step.calls):
                self._step = None
                self._store(step)
        elif not self._breaker.pause:
            self._begin()

    def stop(self) -> None:
        """Search no further numbers. Those whose call runs are not waited for."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        is_due = (_i.state == ImportState.DRAFT) & (_i.search == Search.RUNNING)
        is_due &= self._database.is_due(_i.next_at)
        with self._database.read() as connection:
            chosen = connection.execute(select(_i.id).where(is_due).order_by(_i.id)).scalar()
            if chosen is None or self._has_due_submissions(connection):
                return
        until = self._database.now_plus(timedelta(seconds=_MAX_STEP_S))
        taken = update(imports).where(_i.id == chosen, is_due).values(next_at=until)
        with self._database.write() as connection:
            if connection.execute(taken.returning(_i.id)).first() is None:
                return  # another worker was faster
            rows = self._read(connection, self._unchecked(chosen))
            if not rows:
                done = update(imports).where(_i.id == chosen).values(search=Search.DONE)
                connection.execute(done)
                return
        # Made here: a server may fork after building this.
        self._pool = self._pool or ThreadPoolExecutor(self._calls, thread_name_prefix="phonebook")
        search = self._pool.submit
        calls = [(it, contact, search(self._search, str(contact[MOBILE]))) for it, contact in rows]
        self._step = _Step(chosen, time.monotonic(), calls)

    def _has_due_submissions(self, connection: Connection) -> bool:
        """Return whether people's submissions wait for the portal: they come first."""
        due = select(_c.id).where(_c.state == State.QUEUED, self._database.is_due(_c.due))
        return connection.execute(due.limit(1)).first() is not None

    def _unchecked(self, import_id: int) -> Select[Any]:
        return (
            select(*_r)
            .where(_r.import_id == import_id, _r.known == Known.UNCHECKED)
            .where(_r.place.in_(_SEARCHED_PLACES))
            # A row under an older key is encrypted anew within seconds.
            .where(_r.encrypted_with == self._encryption.key_ids[0])
            .order_by(_r.number)
            .limit(self._rows)
        )

    def _read(self, connection: Connection, wanted: Select[Any]) -> list[tuple[StoredRow, Contact]]:
        rows = connection.execute(wanted).mappings().all()
        stored = [StoredRow.from_row(row, self._encryption) for row in rows]
        contacts = ((row, load_contact(row.contact)) for row in stored)
        return [(row, contact) for row, contact in contacts if contact]

    def _search(self, mobile: str) -> list[KnownContact]:
        return [] if self._is_refused() else self._portal.known_contacts(mobile)

    def _is_refused(self) -> bool:
        """Return whether a call of this step has shown that the token may not search."""
        calls = self._step.calls if self._step else ()
        return any(_is_refusal(call) for *_, call in calls if call.done())

    def _store(self, step: _Step) -> None:
        """Store the results of a step."""
        if any(_is_refusal(call) for *_, call in step.calls):
            log.warning("numbers of imports are not searched: the token may not search")
            self._change(step.import_id, search=Search.REFUSED)
            return
        found, new, pause_s = [], [], self._pause_s - (time.monotonic() - step.began)
        for row, contact, call in step.calls:
            match call.exception():
                case None if records := call.result():
                    found.append((row, _from_phonebook(contact, records)))
                case None | Rejected():
                    new.append(row)
                case SlowDown() as error:
                    pause_s = max(pause_s, error.retry_after or _RETRY_S)
                case PortalError():
                    pause_s = max(pause_s, _RETRY_S)
                case BaseException() as error:
                    raise error
        with self._database.write() as connection:
            is_draft = (_i.id == step.import_id) & (_i.state == ImportState.DRAFT)
            chosen = select(*_i).where(is_draft).with_for_update()
            stored = connection.execute(chosen).mappings().first()
            if stored is None:
                return  # sent or discarded meanwhile
            draft = Import.from_row(stored, self._encryption)
            self._mark(connection, draft.id, [(it, Known.NEW, ()) for it in new])
            self._mark(connection, draft.id, [(it, Known.PHONEBOOK, diff) for it, diff in found])
            others = self._mark_others(connection, draft.id, [it for it, _ in found])
            is_over = connection.execute(self._unchecked(draft.id)).first() is None
            changes: dict[str, object] = {
                "ready_rows": draft.ready_rows - len(found),
                "twice_rows": draft.twice_rows - others,
                "known_rows": draft.known_rows + len(found) + others,
                "search": Search.DONE if is_over else Search.RUNNING,
                "next_at": self._database.now_plus(timedelta(seconds=max(pause_s, 0))),
            }
            connection.execute(update(imports).where(_i.id == draft.id).values(changes))

    def _change(self, import_id: int, **changes: object) -> None:
        with self._database.write() as connection:
            connection.execute(update(imports).where(_i.id == import_id).values(changes))

    def _mark(
        self,
        connection: Connection,
        import_id: int,
        rows: Iterable[tuple[StoredRow, Known, Differences]],
    ) -> None:
        marked = (
            update(import_rows)
            .where(_r.import_id == import_id, _r.number == bindparam("row"))
            .values(known=bindparam("is_known"), differences=bindparam("differs"))
        )
        values = [
            {"row": row.number, "is_known": known, "differs": self._sealed(row, differences)}
            for row, known, differences in rows
        ]
        if values:
            connection.execute(marked, values)

    def _sealed(self, row: StoredRow, differences: Differences) -> str | None:
        """Return differences as ciphertext."""
        if not differences:
            return None
        return self._encryption.encrypt(json.dumps(differences), f"differences {row.key}")

    def _mark_others(
        self, connection: Connection, import_id: int, found: Sequence[StoredRow]
    ) -> int:
        """Mark the further rows with numbers that were found; return how many there are."""
        hashes = [self._hash(row) for row in found if row.place is DuplicatePosition.FIRST]
        if not hashes:
            return 0
        others = (
            update(import_rows)
            .where(_r.import_id == import_id, _r.mobile_hash.in_(hashes), _r.known.in_(UNKNOWN))
            .values(known=Known.PHONEBOOK)
            .returning(_r.number)
        )
        return len(connection.execute(others).all())

    def _hash(self, row: StoredRow) -> str:
        contact = load_contact(row.contact)
        return self._encryption.hash(str(contact[MOBILE])) if contact else ""


def _is_refusal(call: Future[Any]) -> bool:
    return isinstance(call.exception(), MethodNotAllowed)


def _from_phonebook(contact: Contact, records: Sequence[KnownContact]) -> Differences:
    """Return what differs from the contact in the phonebook that is most alike."""
    compared: list[tuple[str, Callable[[KnownContact], str]]] = [
        ("CompanyTitle", lambda it: it.company),
        ("CityName", lambda it: it.city),
    ]
    name = " ".join(str(contact[it]) for it in NAMES if contact[it])

    def differing(record: KnownContact) -> Differences:
        texts = [(NAMES[-1], name, " ".join(record.names))]
        texts += [(it, str(contact[it]), read(record)) for it, read in compared]
        return tuple(
            (it, old) for it, new, old in texts if new and spelling_key(new) != spelling_key(old)
        )

    return min(map(differing, records), key=len)
