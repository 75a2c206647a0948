"""The lists of the outbox on both databases: what a search finds, and what several rows become."""

import hashlib
import itertools
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import update

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox, listing
from webapp.outbox.listing import ListKind, Query
from webapp.outbox.rows import (
    HONEYPOT,
    NUMBER_UNVERIFIED,
    State,
    Submitter,
    Timing,
    by_reference,
    table,
)

NOW: Final = timedelta(0)
SECRETS: Final = ("the newest key of these tests, long enough", "the older key of these tests")

numbers = itertools.count()


@pytest.fixture
def database(database_url: str) -> Database:
    """Return an empty database."""
    return Database(database_url, secret_keys=SECRETS)


def add(outbox: Outbox, name: str, mobile: str, *, reason: str = "", **values: Any) -> str:
    """Store a submission: held for this reason, or queued; return its reference."""
    first, _, last = name.partition(" ")
    contact = Contact(Mobile=mobile, FName=first, LName=last, **values)
    key = hashlib.sha256(str(next(numbers)).encode()).hexdigest()
    if reason:
        return outbox.hold(contact, key, form="news", reason=reason)[0].reference
    return outbox.add(contact, key, form="contact", send=False, by=Submitter(source="تلگرام"))[
        0
    ].reference


def found(outbox: Outbox, text: str = "", **query: Any) -> list[str]:
    """Return the references that a search finds."""
    page = outbox.listing.find(Query(text=text, **query))
    assert page.total == len(page.submissions)
    return [submission.reference for submission in page.submissions]


def states(outbox: Outbox, *references: str) -> list[tuple[State, bool]]:
    """Return the states of submissions, and whether they still hold a contact."""
    rows = [outbox.review.get(reference) for reference in references]
    return [(row.state, row.contact is not None) for row in rows if row]


def test_search_finds_names_numbers_and_references_however_they_are_typed(
    outbox: Outbox, database_url: str
) -> None:
    """In all lists, rows under an older key too; nothing else is found."""
    ali = add(outbox, "علی‌رضا کاظمی", "09121234567")
    arash = add(outbox, "آرش مؤمنی", "09351112233", reason="Mobile_Invalid")
    add(outbox, "مینا رضایی", "09360000000", reason=HONEYPOT, CompanyTitle="پخش ۲۴ ساعته")
    old = Database(database_url, secret_keys=SECRETS[1:])
    older = add(Outbox(old, Timing(deadline=NOW, settle=NOW)), "سارا کهن", "09129999999")
    searches: Mapping[str, list[str]] = {
        "+98 (912) 123-4567": [ali],
        "۰۹۱۲۱۲۳۴۵۶۷": [ali],
        "٣٤٥٦٧": [ali],
        "علیرضا": [ali],
        "كاظمي علي رضا": [ali],
        "ارش مومنی": [arash],
        f" {arash.lower()} ": [arash],
        "۰۹۱۲۹۹۹۹۹۹۹": [older],
        "کهن": [older],
        "رضا": [ali, *found(outbox, "مینا")],
        "24 ساعته": found(outbox, "مینا"),
        "09121234568": [],
        "AAAAAAAA": [],
        "ناشناس": [],
        "%": [],
    }
    assert {text: found(outbox, text) for text in searches} == searches
    assert found(outbox, "علیرضا", kind=ListKind.ATTENTION) == []


def test_lists_are_filtered_sorted_and_grouped(outbox: Outbox, database: Database) -> None:
    """By reason, form, source and day in Iran; suspects are a list of their own."""
    first = add(outbox, "یک", "09120000001", reason="Mobile_Invalid")
    second = add(outbox, "دو", "09120000002", reason="CreditNotEnough")
    suspect = add(outbox, "سه", "09120000003", reason=HONEYPOT)
    waiting = add(outbox, "چهار", "09120000004")
    for reference, hour in ((first, 29), (second, 30)):  # UTC: 20:29 and 20:30
        chosen = by_reference(reference)
        assert chosen is not None
        arrived = datetime(2026, 11, 30, 20, hour)  # noqa: DTZ001  UTC, as all times in the database
        with database.write() as connection:
            connection.execute(update(table).where(chosen).values(created_at=arrived))
    attention = ListKind.ATTENTION
    assert found(outbox, kind=attention) == [first, second]
    assert found(outbox, kind=ListKind.SUSPECTS) == [suspect]
    assert found(outbox, kind=ListKind.WAITING, source="تلگرام", form="contact") == [waiting]
    assert found(outbox, reason="CreditNotEnough") == [second]
    assert found(outbox, day=date(2026, 11, 30)) == [first]
    assert second in found(outbox, day=date(2026, 12, 1))
    orders = {sort: outbox.listing.find(Query(kind=attention), sort=sort) for sort in listing.SORTS}
    assert {sort: page.submissions[0].reference for sort, page in orders.items()} == {
        "oldest": first,
        "newest": second,
        "reason": second,
        "form": first,
        "name": second,
    }
    assert {(group.reason, group.count) for group in outbox.listing.groups(attention)} == {
        ("Mobile_Invalid", 1),
        ("CreditNotEnough", 1),
    }
    last = outbox.listing.find(Query(kind=attention), page=9, size=1)
    assert (last.total, last.page, last.submissions[0].reference) == (2, 2, second)


def test_list_is_sorted_by_name_in_the_order_of_the_persian_alphabet(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search too; the nameless are last. A list that is too long for it keeps its order."""
    names = ("یاسر کیانی", "پری آریا", "گیتا", "کاوه", "آرش", "چنگیز", "", "تینا", "ادریس")
    rows = {add(outbox, name, f"0912777{n:04}"): name for n, name in enumerate(names)}
    alphabetical = ["آرش", "ادریس", "پری آریا", "تینا", "چنگیز", "کاوه", "گیتا", "یاسر کیانی", ""]
    pages = [outbox.listing.find(Query(), sort="name", page=page, size=5) for page in (1, 2)]
    assert [rows[it.reference] for page in pages for it in page.submissions] == alphabetical
    assert [(page.total, page.is_sorted) for page in pages] == [(9, True)] * 2
    searched = outbox.listing.find(Query(text="یا"), sort="name")
    assert [rows[it.reference] for it in searched.submissions] == ["پری آریا", "یاسر کیانی"]
    monkeypatch.setattr(listing, "MAX_SORTED", 8)
    unsorted = outbox.listing.find(Query(), sort="name")
    assert [rows[it.reference] for it in unsorted.submissions] == list(names)
    assert not unsorted.is_sorted


def test_several_are_sent_again_but_suspects_and_reviewed_ones_only_by_choice(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many batches they take; what is searched for by name, too."""
    monkeypatch.setattr(listing, "_BATCH_IDS", 2)
    names = [add(outbox, "علی", "09120000001", reason="Mobile_Invalid") for _ in range(5)]
    others = [
        add(outbox, "علی", "09120000001", reason=reason) for reason in (HONEYPOT, NUMBER_UNVERIFIED)
    ]
    assert outbox.listing.retry(Query(text="علی")) == 5
    assert states(outbox, *names) == [(State.QUEUED, True)] * 5
    assert states(outbox, *others) == [(State.HELD, True)] * 2
    assert outbox.listing.retry(Query(references=[*others, "nonsense", "AAAAAAAA"])) == 2
    assert outbox.listing.retry(Query(references=["nonsense"])) == 0


def test_several_are_erased_but_none_that_is_being_sent_or_arrived_since(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is held, so that the same submission gets the same answer."""
    monkeypatch.setattr(listing, "_BATCH_IDS", 2)
    sending = add(outbox, "علی", "09120000001")
    assert outbox.claim(1)
    waiting = [add(outbox, "علی", "09120000001") for _ in range(3)]
    query = Query(text="علی", last_id=outbox.listing.last_id())
    late = add(outbox, "علی", "09120000001")
    assert [one.reference for one in outbox.listing.submissions(query)] == [sending, *waiting]
    assert outbox.listing.count(query) == 4
    assert outbox.listing.discard(query) == 3
    assert states(outbox, *waiting) == [(State.HELD, False)] * 3
    assert states(outbox, sending, late) == [(State.SENDING, True), (State.QUEUED, True)]


def test_query_shows_no_searched_text() -> None:
    """It may stand in a traceback."""
    assert "کاظمی" not in repr(Query(text="کاظمی"))
