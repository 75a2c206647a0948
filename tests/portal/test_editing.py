"""ContactEdit as the client sends it, and which contacts it may be sent for."""

import pytest
from support import TOKEN

from webapp.contact import FIELDS, LABELS, Contact
from webapp.demo import Simulator
from webapp.demo.faults import PROFILES
from webapp.portal.client import AmootPortal, Empty
from webapp.portal.matching import describe

MOBILE = "09121230129"
STORED = {name: None for name in FIELDS if name != LABELS} | {
    "ID": 7,
    "Active": True,
    "Mobile": 989121230129,
    "Deleted": False,
}


def test_edit_sends_each_field_of_the_reference_but_labels(simulator: Simulator) -> None:
    """Empty ones too, whatever is sent to create a contact: they erase."""
    simulator.profile = PROFILES["known-updated"]  # it takes forms without empty fields
    portal = AmootPortal(url=simulator.url, token=TOKEN, deadline=20, empty=Empty(is_sent=False))
    portal.create_contact(Contact(Mobile=MOBILE, FName="سارا", CityName="تهران", Labels=("ویژه",)))
    (known,) = portal.known_contacts(MOBILE)
    assert known.id
    portal.edit_contact(known.id, Contact(Mobile=MOBILE, FName="سارینا", Labels=("دیگر",)))
    sent = dict(simulator.requests[-1].pairs)
    assert sent.keys() == {"ContactID", "ContactGroupID", *FIELDS} - {LABELS}
    (stored,) = simulator.contacts
    assert (stored["FName"], stored["CityName"], stored[LABELS]) == ("سارینا", None, ["ویژه"])


@pytest.mark.parametrize(
    ("record", "number"),
    [
        (STORED, 7),
        ({name: it for name, it in STORED.items() if name != "GenderType"}, 7),
        ({name: it for name, it in STORED.items() if name != "CustomText6"}, None),
        (STORED | {"Active": None}, None),
        (STORED | {"Mobile": 989121230130}, None),
        (STORED | {"ID": "seven"}, None),
    ],
    ids=["whole", "without a gender", "without a text", "state unknown", "other number", "no ID"],
)
def test_contact_of_which_something_would_be_lost_is_not_changed(
    record: dict[str, object], number: int | None
) -> None:
    """It is shown, without its ID."""
    (known,) = describe([record], mobile=MOBILE)
    assert known.id == number
