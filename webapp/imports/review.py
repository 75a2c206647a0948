"""What operators see of imports: the draft's rows, the progress, and the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, func, literal, select, union_all

from webapp.database import Database
from webapp.imports.feeder import is_sent
from webapp.imports.tables import (
    BEGUN,
    ENDED,
    HIDDEN,
    SENT_PLACES,
    UNKNOWN,
    DuplicatePosition,
    DuplicateRows,
    Import,
    ImportState,
    Known,
    KnownRows,
    StoredRow,
    import_rows,
    imports,
)
from webapp.outbox.rows import (
    COLUMNS,
    NEEDS_ATTENTION,
    RETENTION,
    WAITING,
    State,
    Submission,
    table,
)

_MAX_LISTED: Final = 100  # of drafts, and of imports that have ended
_PAGE_ROWS: Final = 200
_LATELY_S: Final = 5
# No states of submissions
_LEFT, _KNOWN, _LATELY, _DISCARDED = "left", "known", "lately", "discarded"

_i: Final = imports.c
_r: Final = import_rows.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What has become of an import's rows.

    Attributes:
        sent: The number of delivered ones.
        waiting: The number of those that wait, here or in the outbox.
        queued: The number of those of them that are in the outbox: they are sent in any case.
        refused: The number of those that the portal rejected, or that are held.
        discarded: The number of those that an operator discarded in the outbox.
        known: The number of those that were not sent, because their number was known.
        rows_per_s: How many rows a second were sent lately.
    """

    sent: int
    waiting: int
    queued: int
    refused: int
    discarded: int
    known: int
    rows_per_s: float

    @property
    def total(self) -> int:
        """The number of rows that are sent, but for those that a cancelled import has erased."""
        return self.sent + self.waiting + self.refused + self.discarded + self.known


class ImportReview:
    """The operators' side of imports. Its methods raise a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Use the tables in this database."""
        self._database = database
        self._encryption = database.encryption

    def get(self, name: str) -> Import | None:
        """Return the import of this reference, in any letter case; no draft that no key opens."""
        is_readable = self._encryption.is_readable(_i.encrypted_with)
        is_shown = (_i.state != ImportState.DRAFT) | is_readable
        wanted = select(*_i).where(_i.reference == name.upper(), _i.state.not_in(HIDDEN), is_shown)
        with self._database.read() as connection:
            row = connection.execute(wanted).mappings().first()
        return Import.from_row(row, self._encryption) if row else None

    def recent(self) -> list[Import]:
        """Return running imports, then drafts, then those of thirty days, each newest first."""
        is_readable = self._encryption.is_readable(_i.encrypted_with)
        is_draft = (_i.state == ImportState.DRAFT) & is_readable
        is_recent = _i.state.in_(ENDED) & (_i.created_at >= self._database.now_plus(-RETENTION))
        newest = select(*_i).order_by(_i.id.desc())
        wanted = [
            newest.where(_i.state.in_(BEGUN)),
            *(newest.where(it).limit(_MAX_LISTED) for it in (is_draft, is_recent)),
        ]
        with self._database.read() as connection:
            rows = [row for it in wanted for row in connection.execute(it).mappings()]
        return [Import.from_row(row, self._encryption) for row in rows]

    def progress(self, found: Import) -> Progress:
        """Return what has become of the rows of an import that was sent."""
        own = table.c.batch == found.id
        state = case((table.c.discarded_at.is_not(None), _DISCARDED), else_=table.c.state)
        states = select(state, func.count()).where(own).group_by(state)
        is_cancelled = _i.state == ImportState.CANCELLED
        left = case((is_cancelled, 0), else_=_i.left_rows)
        numbers = {_LEFT: left, _KNOWN: _i.known_rows}
        rest = (select(literal(name), it).where(_i.id == found.id) for name, it in numbers.items())
        since = self._database.now_plus(-timedelta(seconds=_LATELY_S))
        sent = own & (table.c.state == State.DELIVERED) & (table.c.delivered_at >= since)
        lately = select(literal(_LATELY), func.count()).select_from(table).where(sent)
        # In one statement: a row that is fed between two would be counted twice, or not at all.
        with self._database.read() as connection:
            counts = {
                row[0]: row[1] for row in connection.execute(union_all(states, lately, *rest))
            }
        queued = sum(counts.get(state, 0) for state in WAITING)
        return Progress(
            sent=counts.get(State.DELIVERED, 0),
            waiting=queued + counts.get(_LEFT, 0),
            queued=queued,
            refused=sum(counts.get(state, 0) for state in NEEDS_ATTENTION),
            discarded=counts.get(_DISCARDED, 0),
            known=counts.get(_KNOWN, 0),
            rows_per_s=counts.get(_LATELY, 0) / _LATELY_S,
        )

    def rows(self, import_id: int, *, after: int = 0, limit: int) -> list[StoredRow]:
        """Return rows in the order of the file.

        Args:
            import_id: The import.
            after: The number of the last row of the previous page.
            limit: The maximum number.
        """
        return self._select(_r.import_id == import_id, _r.number > after, limit=limit)

    def all_rows(self, import_id: int) -> Iterator[StoredRow]:
        """Yield all rows in the order of the file."""
        after = 0
        while page := self.rows(import_id, after=after, limit=_PAGE_ROWS):
            yield from page
            after = page[-1].number

    def wrong_rows(self, import_id: int, *, limit: int) -> list[StoredRow]:
        """Return the first rows with an error."""
        return self._select(_r.import_id == import_id, _r.contact.is_(None), limit=limit)

    def ready_rows(self, import_id: int, *, limit: int) -> list[StoredRow]:
        """Return the first rows with a new number, one of each number."""
        places = _r.place.in_(SENT_PLACES[DuplicateRows.FIRST]) & _r.known.in_(UNKNOWN)
        return self._select(_r.import_id == import_id, places, limit=limit)

    def known_rows(self, import_id: int, *, limit: int) -> list[StoredRow]:
        """Return the first rows whose number is known, those that differ before the others."""
        known = (_r.import_id == import_id, _r.known.not_in(UNKNOWN))
        different = self._select(*known, _r.differences.is_not(None), limit=limit)
        same = self._select(*known, _r.differences.is_(None), limit=limit - len(different))
        return [*different, *same]

    def count_searched(self, import_id: int) -> tuple[int, int]:
        """Return how many numbers of a draft were looked for so far, and how many it has."""
        numbers = (_r.import_id == import_id, _r.place.in_(SENT_PLACES[DuplicateRows.FIRST]))
        checked = func.count().filter(_r.known != Known.UNCHECKED)
        with self._database.read() as connection:
            done, total = connection.execute(select(checked, func.count()).where(*numbers)).one()
        return done, total

    def count_sent(self, import_id: int, twice: DuplicateRows, known: KnownRows) -> int:
        """Return how many rows of a draft are sent, by what its operator chooses."""
        chosen = is_sent(import_id, twice, known)
        wanted = select(func.count()).select_from(import_rows).where(chosen)
        with self._database.read() as connection:
            return connection.execute(wanted).scalar_one()

    def with_same_file(self, found: Import) -> Import | None:
        """Return the last import of the same file into the same form that was sent, if any."""
        hashes = self._encryption.hashes(found.digest)
        sent = _i.state.in_((*BEGUN, *ENDED)) & (_i.id != found.id)
        same = _i.file_hash.in_(hashes) & (_i.form == found.form)
        wanted = select(*_i).where(sent, same).order_by(_i.id.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(wanted).mappings().first()
        return Import.from_row(row, self._encryption) if row else None

    def repeated_rows(self, import_id: int, *, limit: int) -> list[StoredRow]:
        """Return the first rows whose new number another row has too."""
        places = _r.place.in_(
            (DuplicatePosition.FIRST, DuplicatePosition.MIDDLE, DuplicatePosition.LAST)
        ) & _r.known.in_(UNKNOWN)
        return self._select(_r.import_id == import_id, places, limit=limit)

    def _select(
        self, *conditions: ColumnElement[bool], limit: int | None = None
    ) -> list[StoredRow]:
        """Return rows; a damaged one is an error of the database."""
        is_readable = self._encryption.is_readable(_r.encrypted_with)
        wanted = select(*_r).where(*conditions, is_readable).order_by(_r.number).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings()
            return [StoredRow.from_row(row, self._encryption) for row in rows]

    def refused(self, import_id: int, *, limit: int) -> list[Submission]:
        """Return the first submissions of an import that need attention and hold a contact."""
        wanted = (
            select(*COLUMNS)
            .where(table.c.batch == import_id, table.c.state.in_(NEEDS_ATTENTION))
            .where(self._encryption.is_readable(table.c.encrypted_with))
            .order_by(table.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        found = (Submission.from_row(row, self._encryption) for row in rows)
        return [submission for submission in found if submission.contact]
