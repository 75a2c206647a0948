"""Imports: the rows of a spreadsheet, from the draft to the report.

`Imports` stores a draft's rows beside the outbox. When an operator sends it, `feeder` moves them
into the outbox, where they are submissions like any other, marked with the import's id. The file
itself is kept, encrypted, as long as it is a draft.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from webapp.database import Database
from webapp.database.encryption import UnreadableText
from webapp.database.sqlite import insert_batch
from webapp.imports.feeder import Feeder
from webapp.imports.known import KnownNumbers
from webapp.imports.review import ImportReview
from webapp.imports.tables import (
    BEGUN,
    ENDED,
    SENT_PLACES,
    UNKNOWN,
    ColumnMapping,
    DuplicateRows,
    Import,
    ImportState,
    KnownRows,
    Search,
    StoredRow,
    import_files,
    import_rows,
    imports,
)
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import RETENTION, Timing, reference

log = logging.getLogger(__name__)

# Drafts, and rows that are not sent, live for an hour at most; a purge runs every minute.
DRAFT_RETENTION: Final = timedelta(minutes=55)
_BATCH_ROWS: Final = 200  # written or deleted in one short transaction

_DRAFTS: Final = (ImportState.STORING, ImportState.DRAFT)

_i: Final = imports.c
_r: Final = import_rows.c


class ImportGone(Exception):
    """The import has expired, or somebody has just sent or cancelled it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a file contains; see `Import` for the meaning of each number."""

    ready_rows: int
    wrong_rows: int
    twice_rows: int
    known_rows: int = 0


class Imports:
    """The tables of imports. Each method raises a DatabaseError if the database fails.

    Attributes:
        feeder: Moves their rows into the outbox.
        known: Finds numbers that are known.
        review: What operators see of them.
        reading: Held while a file is read: the parser may take 512 MB.
    """

    def __init__(
        self, database: Database, breaker: CircuitBreaker, timing: Timing, *, rate: int
    ) -> None:
        """Use the tables in this database; see `Feeder` for the other arguments."""
        self.feeder = Feeder(database, breaker, timing, rate=rate)
        self.review = ImportReview(database)
        self.known = KnownNumbers(database)
        self.reading = threading.Lock()
        self._database = database
        self._encryption = database.encryption
        # For SQLite: one call for all rows, see `database.sqlite`.
        self._insert_batch = insert_batch(import_rows, [column.name for column in _r])

    # Drafts

    def create(
        self,
        *,
        form: str,
        operator: str | None,
        digest: str,
        reading: ColumnMapping,
        search: Search = Search.NONE,
        replaces: Import | None = None,
    ) -> Import:
        """Create an import without rows, which nobody sees before `open_draft`.

        Args:
            form: The slug of its form.
            operator: The login name of the operator.
            digest: The SHA-256 of the file.
            reading: How the file is read.
            search: Whether its numbers are searched in the phonebook.
            replaces: The draft whose file is read again: it does not live longer for that.
        """
        zero = dict.fromkeys(
            ("ready_rows", "wrong_rows", "twice_rows", "left_rows", "known_rows"), 0
        )
        now = self._database.now_plus()
        name = _new_reference()
        created = (
            insert(imports)
            .values(
                reference=name,
                form=form,
                operator=operator,
                state=ImportState.STORING,
                **reading.columns_in_table(digest, name, self._encryption),
                twice=DuplicateRows.FIRST,
                search=search,
                file_hash=self._encryption.hash(digest),
                last_enqueued_row=0,
                backlog=0,
                uncertain=False,
                created_at=replaces.created_at if replaces else now,
                next_at=now,
                **zero,
            )
            .returning(*_i)
        )
        with self._database.write() as connection:
            row = connection.execute(created).mappings().one()
        return Import.from_row(row, self._encryption)

    def keep_file(self, draft: Import, data: bytes) -> None:
        """Keep the file of a draft, until it is one no more."""
        content = base64.b64encode(data).decode()
        values = {
            "reference": draft.reference,
            "content": self._encryption.encrypt(content, f"content {draft.reference}"),
            "encrypted_with": self._encryption.key_ids[0],
        }
        with self._database.write() as connection:
            connection.execute(insert(import_files).values(values))

    def kept_file(self, draft: Import) -> bytes:
        """Return the file of a draft.

        Raises:
            ImportGone: if it is not kept any more, or its key is missing.
        """
        wanted = select(import_files).where(import_files.c.reference == draft.reference)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        try:
            context = f"content {draft.reference}"
            content = (
                self._encryption.decrypt(row.content, row.encrypted_with, context) if row else ""
            )
        except UnreadableText:
            content = ""
        if not content:
            raise ImportGone
        return base64.b64decode(content)

    def write_rows(self, import_id: int, rows: Iterable[StoredRow]) -> None:
        """Write rows of an import that is being stored, in place of those with the same numbers.

        Args:
            import_id: The import.
            rows: Its rows, in the order of their numbers.

        Raises:
            ImportGone: if it has expired.
        """
        rest = iter(rows)
        while batch := [
            row.values(import_id, self._encryption) for row in islice(rest, _BATCH_ROWS)
        ]:
            numbers = _r.number.between(batch[0]["number"], batch[-1]["number"])
            with self._database.write() as connection:
                self._require(connection, import_id, ImportState.STORING)
                connection.execute(delete(import_rows).where(_r.import_id == import_id, numbers))
                if connection.dialect.name == "sqlite":
                    connection.execute(self._insert_batch, {"rows": json.dumps(batch)})
                else:
                    connection.execute(insert(import_rows), batch)

    def _require(self, connection: Connection, import_id: int, state: ImportState) -> None:
        wanted = select(_i.id).where(_i.id == import_id, _i.state == state).with_for_update()
        if connection.execute(wanted).first() is None:
            raise ImportGone

    def open_draft(
        self, draft: Import, counts: Counts, *, replaces: Import | None = None
    ) -> Import:
        """Show an import whose rows are all written.

        Args:
            draft: The import.
            counts: What it contains.
            replaces: The draft of the same file in whose place it is shown.

        Raises:
            ImportGone: if it has expired, or the other one is no draft any more.
        """
        changes: dict[str, object] = {}
        if replaces:
            name = replaces.reference
            changes["reference"] = name
            changes |= draft.reading.columns_in_table(draft.digest, name, self._encryption)
        opened = (
            update(imports)
            .where(_i.id == draft.id, _i.state == ImportState.STORING)
            .values(
                state=ImportState.DRAFT,
                ready_rows=counts.ready_rows,
                wrong_rows=counts.wrong_rows,
                twice_rows=counts.twice_rows,
                known_rows=counts.known_rows,
                **changes,
            )
            .returning(*_i)
        )
        with self._database.write() as connection:
            if replaces:
                self._require(connection, replaces.id, ImportState.DRAFT)
                hidden = {"state": ImportState.EXPIRED, "reference": _new_reference()}
                former = update(imports).where(_i.id == replaces.id)
                connection.execute(former.values(hidden))
            row = connection.execute(opened).mappings().first()
            if row is None:
                raise ImportGone
        return Import.from_row(row, self._encryption)

    # What an operator decides

    def start(
        self, import_id: int, twice: DuplicateRows, known: KnownRows = KnownRows.SKIP
    ) -> bool:
        """Send a draft; return `False` if it is no draft any more.

        Args:
            import_id: The import.
            twice: Which of several rows with one mobile number are sent.
            known: What becomes of the rows whose number is known.
        """
        valid = self.review.count_sent(import_id, DuplicateRows.ALL, KnownRows.SEND)
        every = self.review.count_sent(import_id, twice, KnownRows.SEND)
        left = self.review.count_sent(import_id, twice, known)
        now = self._database.now_plus()
        return self._move(
            import_id,
            (ImportState.DRAFT,),
            ImportState.RUNNING,
            twice=twice,
            known=known,
            left_rows=left,
            twice_rows=valid - every,
            known_rows=every - left,
            next_at=now,
        )

    def pause(self, import_id: int) -> bool:
        """Feed no more rows; return `False` if it does not run."""
        return self._move(import_id, (ImportState.RUNNING,), ImportState.PAUSED)

    def resume(self, import_id: int) -> bool:
        """Feed rows again; return `False` if it is not paused."""
        now = self._database.now_plus()
        return self._move(import_id, (ImportState.PAUSED,), ImportState.RUNNING, next_at=now)

    def cancel(self, import_id: int) -> bool:
        """Erase what is not in the outbox yet; return `False` if it has ended."""
        changed = self._move(import_id, BEGUN, ImportState.CANCELLED) or self._move(
            import_id, _DRAFTS, ImportState.EXPIRED
        )
        if changed:
            self.erase_rows(import_id)
        return changed

    def mark_uncertain(self, connection: Connection) -> None:
        """Have the rows that are not enqueued yet looked up before they are sent."""
        connection.execute(update(imports).values(uncertain=True))

    def erase_rows(self, import_id: int) -> None:
        """Delete the rows of an import that has ended."""
        self._delete_rows(_r.import_id == import_id)

    def _move(
        self,
        import_id: int,
        states: Sequence[ImportState],
        new: ImportState,
        **changes: object,
    ) -> bool:
        moved = (
            update(imports)
            .where(_i.id == import_id, _i.state.in_(states))
            .values(state=new, **changes)
            .returning(_i.id)
        )
        with self._database.write() as connection:
            if connection.execute(moved).first() is None:
                return False
            self._drop_files(connection)
            return True

    def _drop_files(self, connection: Connection) -> None:
        drafts = select(_i.reference).where(_i.state.in_(_DRAFTS))
        connection.execute(delete(import_files).where(import_files.c.reference.not_in(drafts)))

    # Maintenance

    def purge(self) -> None:
        """Delete drafts that nobody sent, rows that are not needed, and old imports."""
        old = _i.created_at <= self._database.now_plus(-DRAFT_RETENTION)
        ended = _i.created_at <= self._database.now_plus(-RETENTION)
        with self._database.read() as connection:
            if connection.execute(select(_i.id).limit(1)).first() is None:
                return
        self._expire(_DRAFTS, ImportState.EXPIRED, old)
        if forgotten := self._expire((ImportState.PAUSED,), ImportState.CANCELLED, ended):
            log.warning("%d imports: cancelled after thirty days of pause", forgotten)
        is_over = _i.state.in_((ImportState.CANCELLED, ImportState.EXPIRED))
        over = select(_i.id).where(is_over | (old & (_i.state == ImportState.DONE)))
        self._delete_rows(_r.import_id.in_(over))
        for twice, places in SENT_PLACES.items():  # wrong rows have no place
            chosen = select(_i.id).where(old, _i.twice == twice)
            self._delete_rows(_r.import_id.in_(chosen) & _r.place.not_in(places))
        skipping = select(_i.id).where(old, _i.known == KnownRows.SKIP)
        self._delete_rows(_r.import_id.in_(skipping) & _r.known.not_in(UNKNOWN))
        gone = (_i.state == ImportState.EXPIRED) | (_i.state.in_(ENDED) & ended)
        with self._database.write() as connection:
            connection.execute(delete(imports).where(gone))
            self._drop_files(connection)

    def _expire(
        self, states: Sequence[ImportState], new: ImportState, condition: ColumnElement[bool]
    ) -> int:
        """Move imports on; return their number."""
        expired = update(imports).where(_i.state.in_(states), condition).values(state=new)
        with self._database.write() as connection:
            return len(connection.execute(expired.returning(_i.id)).all())

    def _delete_rows(self, condition: ColumnElement[bool]) -> None:
        """Delete rows in short transactions."""
        some = select(_r.import_id, _r.number).where(condition).limit(_BATCH_ROWS)
        while True:
            with self._database.read() as connection:
                found = connection.execute(some).all()
            if not found:
                return
            for import_id in {row.import_id for row in found}:
                numbers = [row.number for row in found if row.import_id == import_id]
                chosen = and_(_r.import_id == import_id, _r.number.in_(numbers), condition)
                with self._database.write() as connection:
                    connection.execute(delete(import_rows).where(chosen))


def _new_reference() -> str:
    return reference(secrets.token_hex(32))
