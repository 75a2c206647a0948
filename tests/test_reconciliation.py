"""Whether a contact that the portal shows is the one that was sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support import TOKEN

from webapp.contact import Contact
from webapp.portal import Portal
from webapp.reconciliation import find

if TYPE_CHECKING:
    from webapp.standin import StandIn

CONTACT = Contact(
    Mobile="09121234567",
    FName="سارا",
    GenderType=False,
    AddressText="خیابان آزادی\nپلاک ۱۲",
    BornDate=date(1990, 10, 7),
    Labels=("ویژه",),
    Active=False,
)
NOW = datetime(2026, 11, 23, 9, 30)  # noqa: DTZ001  UTC, without saying so, as the store has it
STORED = {
    "ID": 7,
    "Mobile": 989121234567,
    "FName": "سارا",
    "LName": None,
    "GenderType": False,
    "AddressText": "خیابان آزادی\nپلاک ۱۲",
    "BornDate": "1990-10-07T00:00:00",
    "Active": False,
    "Deleted": False,
}


def test_what_the_portal_really_shows_is_recognised(standin: StandIn) -> None:
    """As it comes over the wire."""
    portal = Portal(url=standin.url, token=TOKEN, deadline=5)
    number = portal.create_contact(CONTACT)
    portal.create_contact(Contact(Mobile="09121234567", FName="سارا"))
    stored = portal.search_contacts(mobile="09121234567")
    assert find(CONTACT, stored, since=datetime.now(UTC)) == [number]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"LName": ""},
        {"Email": None},
        {"Email": ""},
        {"BornDate": "1990-10-07"},
        {"AddressText": "خیابان آزادی\r\nپلاک ۱۲"},
        {"Unknown": "field"},
        {"CustomText6": None},
    ],
)
def test_other_spellings_of_the_same_are_the_same(change: dict[str, Any]) -> None:
    """Nothing at all is null or empty, a day may have a time, lines end as they like."""
    assert find(CONTACT, [STORED | change], since=NOW) == [7]


@pytest.mark.parametrize(
    "change",
    [
        {"FName": "سارة"},
        {"LName": "احمدی"},
        {"GenderType": True},
        {"GenderType": None},
        {"Active": True},
        {"BornDate": "1990-10-08T00:00:00"},
        {"BornDate": None},
        {"Email": "a@example.com"},
        {"Deleted": True},
        {"FName": ["سارا"]},
        {"FName": {"سارا": 1}},
        {"GenderType": 0.5},
    ],
)
def test_another_value_is_another_contact(change: dict[str, Any]) -> None:
    """So it is sent: never lost comes before never twice."""
    assert find(CONTACT, [STORED | change], since=NOW) == []


@pytest.mark.parametrize("name", ["FName", "LName"])
def test_an_answer_that_shows_too_little_proves_nothing(name: str) -> None:
    """A number alone may be anybody's earlier entry."""
    shown = {key: value for key, value in STORED.items() if key != name}
    assert find(CONTACT, [shown], since=NOW) == []


@pytest.mark.parametrize(
    ("changed", "is_ours"),
    [
        ("2026-11-23T13:11:03.35", True),
        ("2026-11-22T23:59:59", True),  # its clock may be of another zone
        ("2026-11-21T23:59:59", False),
        ("2025-10-20T13:11:03.35", False),
        (None, True),
        ("", True),
        ("yesterday", True),
        (20251020, True),
    ],
)
def test_what_was_there_long_before_is_another_entry(changed: object, *, is_ours: bool) -> None:
    """The same values, but perhaps other labels, which the portal does not show."""
    found = find(CONTACT, [STORED | {"UpdateDateTime": changed}], since=NOW)
    assert found == [7] * is_ours


@pytest.mark.parametrize("number", [None, True, "7", 7.5, 0, -7, 2**63, 10**30])
def test_a_strange_id_is_no_id(number: object) -> None:
    """The contact is there all the same."""
    assert find(CONTACT, [STORED | {"ID": number}], since=NOW) == [None]
