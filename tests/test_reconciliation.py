"""Whether a contact that the portal shows is the one that was sent."""

from __future__ import annotations

from datetime import date
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
    assert find(CONTACT, portal.search_contacts(mobile="09121234567")) == [number]


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
    assert find(CONTACT, [STORED | change]) == [7]


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
    assert find(CONTACT, [STORED | change]) == []


@pytest.mark.parametrize("name", ["FName", "LName"])
def test_an_answer_that_shows_too_little_proves_nothing(name: str) -> None:
    """A number alone may be anybody's earlier entry."""
    assert find(CONTACT, [{key: value for key, value in STORED.items() if key != name}]) == []


@pytest.mark.parametrize("number", [None, True, "7", 7.5])
def test_a_strange_id_is_no_id(number: object) -> None:
    """The contact is there all the same."""
    assert find(CONTACT, [STORED | {"ID": number}]) == [None]
