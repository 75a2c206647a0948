"""The profiles of the simulator, and its ContactEdit and ContactDelete."""

import json
from typing import Any

import pytest
import requests
from support import TOKEN

from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.demo.faults import NOT_ALLOWED, PROFILES, Fault, Profile
from webapp.portal.client import payload

MOBILE = "09120000000"
SAMPLE = dict(payload(Contact(Mobile=MOBILE, FName="عباس", GenderType=True, Labels=("گروه 1",))))


def call(simulator: Simulator, method: str, **form: str | list[str]) -> requests.Response:
    """Call a method of the portal."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": TOKEN}
        return session.post(f"{simulator.url}{method}", form, headers=headers, timeout=20)


def create(simulator: Simulator, **changes: str) -> requests.Response:
    """Create the sample's contact, with changes."""
    return call(simulator, "ContactCreate", **{**SAMPLE, **changes})


def search(simulator: Simulator, mobile: str = MOBILE) -> Any:
    """Return what ContactSearch answers."""
    return call(simulator, "ContactSearch", Mobile=mobile).json()


@pytest.mark.parametrize(
    ("profile", "success", "failure"),
    [
        ("strict", '{"Status": "Success", "Data": CONTACT}', '{"Status": "Failed", "Data": null}'),
        (
            "wrapped",
            '{"ReturnValue": {"Status": "Success", "Data": CONTACT}}',
            '{"ReturnValue": {"Status": "Failed", "Data": null}}',
        ),
        (
            "array",
            '[{"Status": "Success", "Data": CONTACT}]',
            '[{"Status": "Failed", "Data": null}]',
        ),
        ("bare", '"Success"', '"Failed"'),
        ("text", "Success", "Failed"),
        ("contact", '{"ReturnValue": CONTACT}', '{"ReturnValue": "Failed"}'),
    ],
)
def test_answer_stands_where_the_profile_says(
    simulator: Simulator, profile: str, success: str, failure: str
) -> None:
    """A failure stands where a success does, also one that is planned; HTTP 200 all the same."""
    simulator.profile = PROFILES[profile]
    answer = create(simulator)
    (stored,) = simulator.contacts
    del stored["Labels"]
    assert answer.text == success.replace("CONTACT", json.dumps(stored, ensure_ascii=False))
    simulator.answer("Failed")
    again = create(simulator)
    assert (again.status_code, again.text) == (200, failure)
    kind = "text/plain" if profile == "text" else "application/json"
    assert {it.headers["Content-Type"] for it in (answer, again)} == {f"{kind}; charset=utf-8"}


def test_answer_that_nobody_can_read_says_nothing(simulator: Simulator) -> None:
    """The same page for a contact that is stored and one that is not."""
    simulator.profile = PROFILES["unreadable"]
    answers = {create(simulator).text, create(simulator, Mobile="1").text}
    assert len(answers) == 1
    assert len(simulator.contacts) == 1
    simulator.profile = PROFILES["unreadable-search-refused"]
    assert create(simulator).text in answers
    assert search(simulator)["Status"] == NOT_ALLOWED


def test_gender_may_be_required(simulator: Simulator) -> None:
    """A form without one, or with an empty one, is no form."""
    simulator.profile = PROFILES["gender-required"]
    assert create(simulator, GenderType="").status_code == 400
    assert create(simulator, GenderType="false").json()["Status"] == "Success"
    assert [contact["GenderType"] for contact in simulator.contacts] == [False]


def test_gender_may_be_false_for_want_of_one(simulator: Simulator) -> None:
    """Whether the key is empty or missing."""
    simulator.profile = PROFILES["gender-false"]
    create(simulator, GenderType="")
    form = {name: text for name, text in SAMPLE.items() if name != "GenderType"}
    call(simulator, "ContactCreate", **form)
    genders = [(contact["GenderType"], contact["GenderTypeStr"]) for contact in simulator.contacts]
    assert genders == [(False, "خانم")] * 2


def test_known_number_may_be_updated(simulator: Simulator) -> None:
    """An empty value counts, and one that is left out does not."""
    simulator.profile = PROFILES["known-updated"]
    create(simulator, LName="کیانی", CityName="تهران", BornDate="1990-10-07", Labels="ویژه")
    call(simulator, "ContactCreate", Mobile="+989120000000", LName="کاظمی", CityName="")
    (updated,) = simulator.contacts
    assert (updated["FName"], updated["LName"], updated["CityName"]) == ("عباس", "کاظمی", None)
    assert (updated["BornDate"], updated["Labels"]) == ("1990-10-07T00:00:00", ["ویژه"])
    create(simulator, Labels="")
    (blank,) = simulator.contacts
    assert blank["ID"] == updated["ID"]
    assert (blank["LName"], blank["BornDate"], blank["Labels"]) == (None, None, [])
    create(simulator, Mobile="09120000001")
    assert len(simulator.contacts) == 2


def test_known_number_may_be_refused(simulator: Simulator) -> None:
    """Also one whose answer was lost."""
    simulator.profile = PROFILES["known-refused"]
    simulator.answer(Fault.APPLIED_THEN_HTTP_502)
    assert create(simulator).status_code == 502
    assert create(simulator).json() == {"Status": "Mobile_Duplicate", "Data": None}
    assert create(simulator, Mobile="09120000001").json()["Status"] == "Success"
    assert len(simulator.contacts) == 2


def test_portal_that_denies_everything_stores_nothing(simulator: Simulator) -> None:
    """Every method answers HTTP 401."""
    simulator.profile = PROFILES["http-401"]
    answers = [create(simulator), *(call(simulator, it) for it in ("AccountStatus", "ContactEdit"))]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert not simulator.contacts


@pytest.mark.parametrize(
    ("profile", "content"),
    [
        ("strict", {"Status": "Success", "Data": []}),
        ("no-match-null", {"Status": "Success", "Data": None}),
        ("no-match-missing", {"Status": "Success"}),
        ("search-failed", {"Status": "Failed", "Data": None}),
        ("search-refused", {"Status": NOT_ALLOWED, "Data": None}),
    ],
)
def test_search_without_a_match_answers_what_the_profile_says(
    simulator: Simulator, profile: str, content: object
) -> None:
    """A match is found where the search works at all."""
    simulator.profile = PROFILES[profile]
    assert create(simulator).json()["Status"] == "Success"
    assert search(simulator, "09120000001") == content
    works = not profile.startswith("search")
    assert len(search(simulator).get("Data") or []) == works


def test_contact_may_be_found_after_a_while(simulator: Simulator) -> None:
    """A search sees the past."""
    simulator.profile = PROFILES["search-delayed"]
    create(simulator)
    assert (search(simulator)["Data"], len(simulator.contacts)) == ([], 1)
    simulator.profile = Profile(lag=0)
    assert len(search(simulator)["Data"]) == 1


def edit(simulator: Simulator, number: int, **changes: str) -> Any:
    """Edit a contact, without its labels unless they are among the changes."""
    form = {name: text for name, text in SAMPLE.items() if name != "Labels"} | changes
    return call(simulator, "ContactEdit", ContactID=str(number), **form).json()


@pytest.mark.parametrize(("profile", "labels"), [("strict", ["ویژه"]), ("edit-drops-labels", [])])
def test_edit_replaces_all_values_and_labels_by_profile(
    simulator: Simulator, profile: str, labels: list[str]
) -> None:
    """Labels alone may be left out; the number comes back without a prefix."""
    simulator.profile = PROFILES[profile]
    number = create(simulator, LName="کیانی", Labels="ویژه").json()["Data"]["ID"]
    answer = edit(simulator, number, FName="سارا")
    assert answer["Status"] == "Success"
    returned = answer["Data"]
    assert (returned["ID"], returned["Mobile"], returned["FName"]) == (number, 9120000000, "سارا")
    (stored,) = simulator.contacts
    assert (stored["FName"], stored["LName"], stored["Labels"]) == ("سارا", None, labels)
    edit(simulator, number, Labels="همکار")
    assert [contact["Labels"] for contact in simulator.contacts] == [["همکار"]]


def test_deleted_contact_is_gone(simulator: Simulator) -> None:
    """It cannot be found, edited or deleted again."""
    kept, deleted = (create(simulator).json()["Data"]["ID"] for _ in range(2))
    answer = call(simulator, "ContactDelete", ContactID=str(deleted)).json()
    assert answer == {"ReturnValue": True, "Status": "Success"}
    assert [contact["ID"] for contact in simulator.contacts] == [kept]
    assert [contact["ID"] for contact in search(simulator)["Data"]] == [kept]
    again = call(simulator, "ContactDelete", ContactID=str(deleted)).json()
    assert {again["Status"], edit(simulator, deleted)["Status"]} == {"ContactID_Invalid"}


def test_edit_and_delete_may_be_refused(simulator: Simulator) -> None:
    """A token can be limited to some methods."""
    simulator.profile = PROFILES["edit-refused"]
    number = create(simulator).json()["Data"]["ID"]
    assert edit(simulator, number, FName="سارا")["Status"] == NOT_ALLOWED
    deletion = call(simulator, "ContactDelete", ContactID=str(number)).json()
    assert deletion["Status"] == NOT_ALLOWED
    assert [contact["FName"] for contact in simulator.contacts] == ["عباس"]


def test_success_with_a_byte_order_mark_is_no_lie(simulator: Simulator) -> None:
    """It says what became of the contact, and what a search finds."""
    simulator.profile = PROFILES["gender-required"]
    simulator.answer(Fault.BOM_SUCCESS, times=3)
    assert create(simulator, GenderType="").status_code == 400
    assert create(simulator).content.startswith(b'\xef\xbb\xbf{"Status": "Success"')
    found = call(simulator, "ContactSearch", Mobile=MOBILE).content.decode("utf-8-sig")
    assert [contact["Mobile"] for contact in json.loads(found)["Data"]] == [989120000000]
