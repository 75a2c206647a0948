"""The lists of the outbox: what operators search, filter and count, and change together."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true

from webapp.contact import MOBILE
from webapp.database import Database
from webapp.database.encryption import UnreadableText
from webapp.outbox.review import Review
from webapp.outbox.rows import (
    COLUMNS,
    NEEDS_ATTENTION,
    REVIEW_STATUSES,
    SUSPECT_STATUSES,
    WAITING,
    Submission,
    by_reference,
    load_submissions,
    table,
)
from webapp.persian import InvalidText, comparison_key, midnight, parse_mobile, search_key, sort_key

NAME_FIELDS: Final = ("FName", "LName", "CompanyTitle")

_MAX_COUNTED: Final = 20_000  # rows whose reasons, forms and sources are offered as filters
_BATCH_IDS: Final = 500  # of rows that were found by name, in one statement
_MIN_DIGITS: Final = 3  # of a part of a number
MAX_SORTED: Final = 10_000  # by name: each contact is decrypted
MAX_SEARCHED: Final = 50_000  # the newest, by name: decrypting them takes a second
_BY_NAME: Final = "name"

_c: Final = table.c
_IN_ORDER: Final = {
    "oldest": (_c.id,),
    "newest": (_c.id.desc(),),
    "reason": (_c.status, _c.id),
    "form": (_c.form, _c.id),
}
SORTS: Final = (*_IN_ORDER, _BY_NAME)


class ListKind(enum.StrEnum):
    """A list of the outbox."""

    ATTENTION = "attention"
    SUSPECTS = "suspects"  # robots may have sent them
    WAITING = "waiting"
    ALL = "all"  # all of these


_STATES: Final = {
    ListKind.ATTENTION: NEEDS_ATTENTION,
    ListKind.SUSPECTS: NEEDS_ATTENTION,
    ListKind.WAITING: WAITING,
    ListKind.ALL: (*WAITING, *NEEDS_ATTENTION),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which submissions a list shows, or an action concerns. Its repr shows no searched text.

    Attributes:
        kind: The list.
        references: Only these, if there are any.
        text: A name, a mobile number in any spelling or a part of one, or a reference.
        reason: A status.
        form: The slug of a form.
        source: Where visitors came from.
        day: The day of arrival, in Iran.
        last_id: The last one in the order of arrival; None for no limit.
    """

    kind: ListKind = ListKind.ALL
    references: Sequence[str] = ()
    text: str = ""
    reason: str = ""
    form: str = ""
    source: str = ""
    day: date | None = None
    last_id: int | None = None

    def __repr__(self) -> str:
        """Return the list."""
        return f"Query({self.kind}, …)"


class _Selection(NamedTuple):
    """The SQL condition of a query; `words` if each contact must be decrypted to find them."""

    condition: ColumnElement[bool]
    words: Sequence[str] | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list.

    Attributes:
        total: The number of submissions of the whole list.
        page: The number of the page, from 1; the last one if there are not so many.
        submissions: Those of the page.
        is_sorted: Whether they are in the order that was asked for; a list that is too long to sort
            by name is in the order of arrival.
        is_partial: Whether only the newest `MAX_SEARCHED` were searched by name.
    """

    total: int
    page: int
    submissions: list[Submission]
    is_sorted: bool = True
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Submissions with the same reason, form and source, and their number."""

    reason: str
    form: str
    source: str
    count: int


class Listing:
    """The lists of the outbox. Each method raises a DatabaseError if the database fails.

    A contact that no key opens is in none of them. One that is being sent is never changed.
    """

    def __init__(self, database: Database, review: Review) -> None:
        """Use the outbox in this database; change it by its review."""
        self._database = database
        self._encryption = database.encryption
        self._review = review

    def find(
        self, query: Query, *, sort: str = "oldest", page: int = 1, size: int = 50
    ) -> ListPage:
        """Return a page of a list in an order of `SORTS`; the first page is 1."""
        order = _IN_ORDER.get(sort, _IN_ORDER["oldest"])
        names: dict[int, str] | None = None
        with self._database.read() as connection:
            condition, words, is_partial = self._selection(connection, query)
            counted = select(func.count()).select_from(table).where(condition)
            total = 0 if words else connection.execute(counted).scalar_one()
            if words or (sort == _BY_NAME and total <= MAX_SORTED):
                names = self._scan(connection, condition, order, words or ())
                total = len(names)
            is_sorted = sort != _BY_NAME or total <= MAX_SORTED
            page = max(1, min(page, -(-total // size)))
            start = (page - 1) * size
            if names is None:
                # Only ids: else SQLite would sort the contacts of the whole list.
                chosen = select(_c.id).where(condition).order_by(*order)
                ids = connection.execute(chosen.offset(start).limit(size)).scalars().all()
            else:
                by_name = sort == _BY_NAME and is_sorted
                ids = (_sorted_by_name(names) if by_name else list(names))[start : start + size]
            rows = connection.execute(select(*COLUMNS).where(_c.id.in_(ids))).mappings().all()
        in_order = sorted(rows, key=lambda row: ids.index(row["id"]))
        submissions = load_submissions(in_order, self._encryption)
        return ListPage(total, page, submissions, is_sorted, is_partial)

    def count(self, query: Query) -> int:
        """Return the number of submissions."""
        return self.find(query, size=1).total

    def groups(self, kind: ListKind) -> list[ReasonGroup]:
        """Return the groups of a list, the largest first; of a very long one those of its start."""
        columns = (_c.status, _c.form, _c.source)
        some = select(*columns).where(self._listed(kind)).limit(_MAX_COUNTED).subquery()
        count = func.count()
        counted = select(*some.c, count).group_by(*some.c).order_by(count.desc(), *some.c)
        with self._database.read() as connection:
            rows: Sequence[Any] = connection.execute(counted).all()
        return [ReasonGroup(*row) for row in rows]

    def last_id(self) -> int:
        """Return the id of the submission that arrived last, or 0."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(_c.id))).scalar() or 0

    def retry(self, query: Query) -> int:
        """Queue what needs attention again; return the number of submissions.

        Those with one of `REVIEW_STATUSES` only if they are chosen one by one.
        """
        may_be_sent = true() if query.references else _c.status.not_in(REVIEW_STATUSES)
        return sum(
            count
            for condition in self._conditions(query)
            for count in self._review.queue_again(and_(condition, may_be_sent))
        )

    def discard(self, query: Query) -> int:
        """Erase the contacts, but not of what is being sent; return the number of submissions."""
        return sum(
            count
            for condition in self._conditions(query)
            for count in self._review.erase(condition)
        )

    def submissions(self, query: Query) -> Iterator[Submission]:
        """Yield all submissions, in the order of arrival."""
        for condition in self._conditions(query):
            last = 0
            wanted = select(*COLUMNS).where(condition).order_by(_c.id).limit(_BATCH_IDS)
            while True:
                with self._database.read() as connection:
                    rows = connection.execute(wanted.where(_c.id > last)).mappings().all()
                if not rows:
                    break
                last = rows[-1]["id"]
                yield from load_submissions(rows, self._encryption)

    def _conditions(self, query: Query) -> Iterator[ColumnElement[bool]]:
        """Yield SQL conditions that together select what a query asks for."""
        with self._database.read() as connection:
            condition, words, _ = self._selection(connection, query)
            if words is not None:
                ids = list(self._scan(connection, condition, _IN_ORDER["oldest"], words))
        if words is None:
            yield condition
            return
        for start in range(0, len(ids), _BATCH_IDS):
            # What was found by name may have been corrected since: that is for the next search.
            yield and_(condition, _c.id.in_(ids[start : start + _BATCH_IDS]))

    def _selection(self, connection: Connection, query: Query) -> _Selection:
        filters = ((_c.status, query.reason), (_c.form, query.form), (_c.source, query.source))
        parts = [self._listed(query.kind), *(column == it for column, it in filters if it)]
        if query.references:
            chosen = (by_reference(name) for name in query.references)
            parts.append(or_(false(), *(one for one in chosen if one is not None)))
        if query.day:
            parts.append(_c.created_at >= midnight(query.day))
            parts.append(_c.created_at < midnight(query.day + timedelta(days=1)))
        if query.last_id is not None:
            parts.append(_c.id <= query.last_id)
        if not query.text.strip():
            return _Selection(and_(*parts))
        return self._search(connection, and_(*parts), query.text)

    def _search(
        self, connection: Connection, condition: ColumnElement[bool], text: str
    ) -> _Selection:
        named = by_reference(text.strip())
        if named is not None:
            ids = connection.execute(select(_c.id).where(named)).scalars().all()
            if ids:
                return _Selection(and_(_c.id.in_(ids), condition))
        try:
            hashes = self._encryption.hashes(parse_mobile(text))
        except InvalidText:
            words = [search_key(comparison_key(word)) for word in text.split()]
            newest_first = select(_c.id).where(condition).order_by(_c.id.desc())
            rest = connection.execute(newest_first.offset(MAX_SEARCHED).limit(1)).scalar()
            if rest is not None:
                condition = and_(condition, _c.id > rest)
            return _Selection(condition, words, is_partial=rest is not None)
        has_key = _c.encrypted_with.in_(self._encryption.key_ids)  # for the index
        return _Selection(and_(has_key, _c.mobile_hash.in_(hashes), condition))

    def _listed(self, kind: ListKind) -> ColumnElement[bool]:
        parts = [
            _c.state.in_(_STATES[kind]),
            self._encryption.is_readable(_c.encrypted_with),
        ]
        if kind is ListKind.ATTENTION:
            parts.append(_c.status.not_in(SUSPECT_STATUSES))
        if kind is ListKind.SUSPECTS:
            parts.append(_c.status.in_(SUSPECT_STATUSES))
        return and_(*parts)

    def _scan(
        self,
        connection: Connection,
        condition: ColumnElement[bool],
        order: Sequence[ColumnElement[int] | ColumnElement[str]],
        words: Sequence[str],
    ) -> dict[int, str]:
        """Return the rows whose name or number has all these words: the names by id, in this order.

        Contacts are encrypted, so each one is decrypted. It becomes no `Contact`: that would take
        most of the time.
        """
        wanted = select(_c.id, _c.key, _c.contact, _c.encrypted_with).where(condition)
        names: dict[int, str] = {}
        for row_id, key, contact, key_id in connection.execute(wanted.order_by(*order)):
            try:
                text = self._encryption.decrypt(contact, key_id, f"contact {key}")
            except UnreadableText:
                continue
            values = json.loads(text)
            name = "\n".join(str(values.get(field) or "") for field in NAME_FIELDS)
            if _has_words(name, str(values[MOBILE]), words):
                names[row_id] = name
        return names


def _has_words(name: str, mobile: str, words: Sequence[str]) -> bool:
    key = search_key(name) if words else ""
    return all(
        word in key or (len(word) >= _MIN_DIGITS and word.isdecimal() and word in mobile)
        for word in words
    )


def _sorted_by_name(names: Mapping[int, str]) -> list[int]:
    """Return ids sorted by the names that the list shows; those without one are last."""
    keys = {row_id: sort_key(" ".join(name.split())) for row_id, name in names.items()}
    return sorted(keys, key=lambda row_id: (not keys[row_id], keys[row_id]))
