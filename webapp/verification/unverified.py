"""Submissions whose number is not verified yet.

They wait for nothing but a code: no worker claims them, and operators do not see them. Each step
that ends this state is one conditional UPDATE, of which only one of many requests succeeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate, Update

from webapp.contact import Contact
from webapp.database import Database
from webapp.database.encryption import UnreadableText
from webapp.outbox.rows import (
    ANONYMOUS,
    COLUMNS,
    ERASED,
    INITIAL_VALUES,
    MAX_RETRY_AGE,
    NUMBER_UNVERIFIED,
    RETENTION,
    UNVERIFIED_LIFETIME,
    WITH_KEY,
    Guard,
    State,
    Submission,
    Submitter,
    Timing,
    contact_columns,
    delete_replaced,
    new_owner,
    table,
)
from webapp.verification.codes import mark_verified, purge_codes

_PURGE_BATCH_ROWS: Final = 1_000

_c: Final = table.c
_IS_UNVERIFIED: Final = and_(_c.state == State.UNVERIFIED, _c.contact.is_not(None))
# The code may arrive after the call that sent it has failed.
_IS_HELD: Final = and_(
    _c.state == State.HELD, _c.status == NUMBER_UNVERIFIED, _c.contact.is_not(None)
)


class Unverified:
    """The rows of such submissions. Each method raises a DatabaseError if the database fails."""

    def __init__(
        self,
        database: Database,
        timing: Timing,
        guards: Mapping[str, Guard] = MappingProxyType({}),
    ) -> None:
        """Use the outbox in this database, its guards, and these time limits."""
        self._guards = guards
        self._database = database
        self._encryption = database.encryption
        self._timing = timing
        self._is_readable = self._encryption.is_readable(_c.encrypted_with)

    def add(
        self, contact: Contact, key: str, *, form: str, by: Submitter = ANONYMOUS
    ) -> tuple[Submission, bool]:
        """Store a submission for an hour; otherwise as `Outbox.add`."""
        now = self._database.now_plus
        times = {"created_at": now(), "due": now(UNVERIFIED_LIFETIME), "give_up_at": now()}
        values = {"key": key, "form": form, "status": "", "source": by.source}
        contents = {**values, **contact_columns(self._encryption, contact, key)}
        row = {**contents, **times, **INITIAL_VALUES, "state": State.UNVERIFIED}
        guard = self._guards.get(form)
        with self._database.write() as connection:
            insert = self._database.insert_or_ignore(table, **row)
            added = connection.execute(insert).mappings().first()
            if guard and added:
                connection.execute(delete_replaced(by.replaces))
                guard(connection)
            current = added or connection.execute(WITH_KEY, {"wanted": key}).mappings().one()
        return Submission.from_row(current, self._encryption), added is not None

    def verify(self, key: str, *, send: bool, status: str) -> Submission | None:
        """Have a submission sent, as its number is verified; None if it waits for no code any more.

        It is the caller's to send, or queued for this status.
        """
        now_plus = self._database.now_plus
        moved: dict[str, Any] = {"state": State.QUEUED, "due": now_plus()}
        if send:
            due = now_plus(self._timing.lease)
            moved = {"state": State.SENDING, "owner": new_owner(), "due": due}
        verified = self._moved(key, or_(_IS_UNVERIFIED, _IS_HELD)).values(**moved, status=status)
        send_by = self._timing.send_by()
        with self._database.write() as connection:
            row = connection.execute(verified.returning(*COLUMNS)).mappings().first()
            if row is None:
                return None
            submission = Submission.from_row(row, self._encryption, send_by=send_by)
            if submission.contact is None:
                raise UnreadableText  # it waits on, until its hour is over
            mark_verified(self._database, connection, key)
        return submission

    def hold(self, key: str) -> bool:
        """Leave a submission to an operator; return whether it waited for a code."""
        due = self._database.now_plus(RETENTION)
        moved = {"state": State.HELD, "status": NUMBER_UNVERIFIED, "due": due}
        return self._change(self._moved(key, _IS_UNVERIFIED).values(**moved))

    def queue(self, key: str, contact: Contact) -> bool:
        """Queue a submission whose number is not verified, as the label in its contact says.

        Returns:
            Whether it waited for a code.
        """
        moved = {"state": State.QUEUED, **contact_columns(self._encryption, contact, key)}
        queued = self._moved(key, _IS_UNVERIFIED).values(**moved, due=self._database.now_plus())
        return self._change(queued)

    def erase(self, key: str, *, status: str = "") -> bool:
        """Delete a submission that waits for a code; return whether there was one.

        Args:
            key: The submission's key.
            status: Why the portal rejects its number. Then the row stays, without the contact: the
                same form sent again gets the same answer.
        """
        if status:
            due = self._database.now_plus(RETENTION)
            moved = {"state": State.REJECTED, "status": status, **ERASED, "due": due}
            return self._change(self._moved(key, _IS_UNVERIFIED).values(**moved))
        with self._database.write() as connection:
            return connection.execute(delete_replaced(key).returning(_c.id)).first() is not None

    def purge(self) -> None:
        """Delete some of the submissions whose hour is over, and of the codes."""
        now = self._database.now_plus()
        expired = select(_c.id).where(_c.state == State.UNVERIFIED, _c.due <= now)
        batch = expired.limit(_PURGE_BATCH_ROWS).with_for_update(skip_locked=True).cte("expired")
        with self._database.write() as connection:
            connection.execute(delete(table).where(_c.id.in_(select(batch.c.id))))
            purge_codes(self._database, connection)

    def _moved(self, key: str, condition: Any) -> Update:  # noqa: ANN401  SQL
        """Return the UPDATE that ends the wait for a code; the submission's age begins then."""
        now_plus = self._database.now_plus
        times = {"created_at": now_plus(), "give_up_at": now_plus(MAX_RETRY_AGE)}
        return update(table).where(_c.key == key, condition, self._is_readable).values(**times)

    def _change(self, statement: Update) -> bool:
        changed: ReturningUpdate[Any] = statement.returning(_c.id)
        with self._database.write() as connection:
            return connection.execute(changed).first() is not None
