"""Whether a contact that the portal shows is the one that was sent."""

from datetime import UTC, date, datetime
from typing import Any

from support import TOKEN
from tables import each

from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.portal.client import AmootPortal
from webapp.portal.matching import find_matches

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


def test_what_the_portal_really_shows_is_recognised(simulator: Simulator) -> None:
    """As it comes over the wire."""
    portal = AmootPortal(url=simulator.url, token=TOKEN, deadline=5)
    number = portal.create_contact(CONTACT)
    portal.create_contact(Contact(Mobile="09121234567", FName="سارا"))
    stored = portal.search_contacts(mobile="09121234567")
    assert find_matches(CONTACT, stored, since=datetime.now(UTC)) == [number]


@each(
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
        {"Mobile": 9121234567},
        {"Mobile": "09121234567"},
        {"Mobile": "+98 912 123 4567"},
        {"FName": " سارا "},
        {"FName": "سا\u200cرا"},
        {"AddressText": "خيابان  آزادي پلاك 12"},
        {"GenderType": "false"},
        {"BornDate": "1990-10-07 23:59:59.123"},
        {"BornDate": "1990-10-06T20:30:00"},
        {"BornDate": "1990-10-08T00:00:00+14:00"},
    ],
)
def test_stored_contact_with_another_spelling_is_found(change: dict[str, Any]) -> None:
    """White space, letters, digits, line ends, prefixes and times do not make another contact."""
    assert find_matches(CONTACT, [STORED | change], since=NOW) == [7]


@each(
    "change",
    [
        {"LName": "احمدی"},
        {"Email": "a@example.com"},
        {"CompanyTitle": 7},
        {"CustomDate1": "2025-01-01T00:00:00"},
    ],
)
def test_field_that_was_sent_empty_is_not_compared(change: dict[str, Any]) -> None:
    """The portal may store anything for it."""
    assert find_matches(CONTACT, [STORED | change], since=NOW) == [7]


@each("stored", [{}, {"GenderType": None}, {"GenderType": False}])
def test_contact_sent_without_a_gender_is_found_whatever_is_stored(stored: dict[str, Any]) -> None:
    """A boolean that cannot be null becomes `false`."""
    contact = Contact(**{**CONTACT.values, "GenderType": None})
    shown = {name: value for name, value in STORED.items() if name != "GenderType"}
    assert find_matches(contact, [shown | stored], since=NOW) == [7]


def test_email_in_another_letter_case_is_found() -> None:
    """Some portals store lower case."""
    contact = Contact(**{**CONTACT.values, "Email": "Ali@example.com"})
    assert find_matches(contact, [STORED | {"Email": "ALI@EXAMPLE.COM"}], since=NOW) == [7]
    assert find_matches(contact, [STORED | {"Email": "ali@example.org"}], since=NOW) == []


@each(
    "change",
    [
        {"FName": "سارة"},
        {"FName": None},
        {"FName": ""},
        {"Mobile": 989121234568},
        {"GenderType": True},
        {"GenderType": None},
        {"Active": True},
        {"BornDate": "1990-10-09T00:00:00"},
        {"BornDate": "1990-10-05T23:59:59"},
        {"BornDate": "not a date"},
        {"BornDate": None},
        {"Deleted": True},
        {"FName": ["سارا"]},
        {"FName": {"سارا": 1}},
        {"GenderType": 0.5},
    ],
)
def test_another_value_is_another_contact(change: dict[str, Any]) -> None:
    """So it is sent: never lost comes before never twice."""
    assert find_matches(CONTACT, [STORED | change], since=NOW) == []


@each("name", ["FName", "LName"])
def test_answer_that_shows_too_little_proves_nothing(name: str) -> None:
    """A number alone may be anybody's earlier entry."""
    shown = {key: value for key, value in STORED.items() if key != name}
    assert find_matches(CONTACT, [shown], since=NOW) == []


@each(
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
def test_what_was_there_long_before_is_another_submission(
    changed: object, *, is_ours: bool
) -> None:
    """The same values, but perhaps other labels, which the portal does not show."""
    found = find_matches(CONTACT, [STORED | {"UpdateDateTime": changed}], since=NOW)
    assert found == [7] * is_ours


@each("number", [None, True, "7", 7.5, 0, -7, 2**63, 10**30])
def test_strange_id_is_no_id(number: object) -> None:
    """The contact is there all the same."""
    assert find_matches(CONTACT, [STORED | {"ID": number}], since=NOW) == [None]
