"""The simulator for the portal: its own reading of the reference, and its controls."""

import datetime as dt
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from support import TOKEN, wait_until
from tables import each

from webapp import demo as module
from webapp.demo import Simulator, model
from webapp.demo.faults import Fault, SimulatedAnswer
from webapp.demo.model import DEMO_NUMBERS

# As the reference's cURL sample has it, with what it leaves to the table.
SAMPLE = {
    "ContactGroupID": "0",
    "Active": "true",
    "Mobile": "09120000000",
    "FName": "عباس",
    "LName": "",
    "GenderType": "true",
    **dict.fromkeys(("CompanyTitle", "JobTitle", "Email", "CityName", "AddressText"), ""),
    **dict.fromkeys(("BornDate", "AnniversaryDate"), ""),
    **{f"CustomText{number}": "" for number in range(1, 7)},
    **{f"CustomDate{number}": "" for number in range(1, 4)},
    "Labels": "گروه 1",
}


Pairs = dict[str, str] | list[tuple[str, str]]


def ask(
    url: str, path: str, pairs: Pairs | None = None, *, method: str = "POST", token: str = TOKEN
) -> tuple[int, bytes]:
    """Return the HTTP status and the body of one answer."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)) as connection:
        headers = {"Authorization": token} if token else {}
        connection.request(method, path, urlencode(pairs or {}), headers)
        response = connection.getresponse()
        return response.status, response.read()


def create(simulator: Simulator, pairs: Pairs | None = None, **changes: str) -> Any:
    """Return the content of ContactCreate's answer to the sample, with changes."""
    _, body = ask(simulator.url, "/rest/ContactCreate", pairs or {**SAMPLE, **changes})
    return json.loads(body)


def found(simulator: Simulator) -> int:
    """Return how many contacts a search for the sample's number finds."""
    _, body = ask(simulator.url, "/rest/ContactSearch", {"Mobile": SAMPLE["Mobile"]})
    return len(json.loads(body)["Data"])


def test_contact_is_stored_and_shown_in_the_portals_shape(simulator: Simulator) -> None:
    """The number with 98 in front, null for what is empty, dates with a time."""
    answer = create(simulator, Email="a@example.com", BornDate="1990-10-07")
    assert answer["Status"] == "Success"
    stored = answer["Data"]
    assert stored.pop("ID") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", stored.pop("UpdateDateTime"))
    assert {name: value for name, value in stored.items() if value is not None} == {
        "Active": True,
        "ContactGroupID": 0,
        "Mobile": 989120000000,
        "FName": "عباس",
        "GenderType": True,
        "GenderTypeStr": "آقا",
        "Email": "a@example.com",
        "BornDate": "1990-10-07T00:00:00",
        "Deleted": False,
    }


def test_row_that_the_reference_lacks_is_returned_empty_where_it_was_not_sent(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that is added to the table needs no change here."""
    row = replace(model.FIELDS["CustomText6"], name="Website")
    monkeypatch.setattr(model, "FIELDS", {**model.FIELDS, row.name: row})
    assert create(simulator)["Data"]["Website"] is None


def test_second_contact_with_the_same_number_is_a_second_contact(simulator: Simulator) -> None:
    """A contact sent twice shows."""
    first, second = create(simulator)["Data"]["ID"], create(simulator)["Data"]["ID"]
    assert [contact["ID"] for contact in simulator.contacts] == [first, second]
    assert second == first + 1


def test_labels_may_be_repeated_and_are_split(simulator: Simulator) -> None:
    """A label that holds a separator becomes two, as on the real server."""
    pairs = [*SAMPLE.items(), ("Labels", "VIP|دو; سه,,")]
    assert create(simulator, pairs)["Status"] == "Success"
    assert simulator.contacts[-1]["Labels"] == ["گروه 1", "VIP", "دو", "سه"]


@pytest.mark.parametrize(
    ("gender", "stored", "word"), [("true", True, "آقا"), ("false", False, "خانم"), ("", None, "")]
)
def test_gender_may_be_empty(
    simulator: Simulator,
    gender: str,
    stored: bool | None,  # noqa: FBT001 - a parameter
    word: str,
) -> None:
    """Who does not say is neither."""
    answer = create(simulator, GenderType=gender)
    assert (answer["Data"]["GenderType"], answer["Data"]["GenderTypeStr"]) == (stored, word)


@each("mobile", ["09121234567", "9121234567", "+989121234567", "00989121234567", " 989121234567 "])
def test_number_is_normalised(simulator: Simulator, mobile: str) -> None:
    """Every spelling is one number, when storing and when searching."""
    simulator.purge()
    assert create(simulator, Mobile=mobile)["Data"]["Mobile"] == 989121234567
    _, body = ask(simulator.url, "/rest/ContactSearch", {"Mobile": mobile})
    assert len(json.loads(body)["Data"]) == 1


@each(
    ("mobile", "status"),
    [
        ("", "Mobile_Empty"),
        ("02112345678", "Mobile_Invalid"),
        ("0912123456", "Mobile_Invalid"),
        ("۰۹۱۲۱۲۳۴۵۶۷", "Mobile_Invalid"),
    ],
)
def test_bad_number_is_not_stored(simulator: Simulator, mobile: str, status: str) -> None:
    """HTTP 200 all the same."""
    code, body = ask(simulator.url, "/rest/ContactCreate", {**SAMPLE, "Mobile": mobile})
    assert (code, json.loads(body)) == (200, {"Status": status, "Data": None})
    assert not simulator.contacts


# The reference's samples leave out `Active`, and Python's requests each date that is None.
MANDATORY = [name for name in SAMPLE if name != "Active" and "Date" not in name]


@each("missing", MANDATORY)
def test_key_of_every_sample_must_be_there(simulator: Simulator, missing: str) -> None:
    """Every parameter is marked mandatory in the reference."""
    pairs = {name: text for name, text in SAMPLE.items() if name != missing}
    assert ask(simulator.url, "/rest/ContactCreate", pairs)[0] == 400


@each(
    "changes",
    [
        {"Active": "yes"},
        {"Active": ""},
        {"GenderType": "آقا"},
        {"BornDate": "1990/10/07"},
        {"CustomDate3": "1990-02-30"},
        {"AnniversaryDate": "1990-10-07T00:00:00"},
        {"ContactGroupID": "7"},
        {"Stranger": ""},
    ],
)
def test_value_of_a_wrong_type_is_refused(simulator: Simulator, changes: dict[str, str]) -> None:
    """So is a key that the reference does not know."""
    assert ask(simulator.url, "/rest/ContactCreate", {**SAMPLE, **changes})[0] == 400
    assert not simulator.contacts


def test_body_that_is_no_urlencoded_utf8_is_refused(simulator: Simulator) -> None:
    """It is captured, and holds nothing."""
    with closing(http.client.HTTPConnection(urlsplit(simulator.url).netloc)) as connection:
        connection.request("POST", "/rest/ContactCreate", "Mobile=%FF", {"Authorization": TOKEN})
        assert connection.getresponse().status == 400
    assert simulator.requests[-1].pairs == ()
    assert simulator.requests[-1].body == b"Mobile=%FF"


@each(
    ("token", "status"),
    [("", "Token_NotExists"), ("wrong", "Token_Invalid"), (f"Bearer {TOKEN}", "Token_Invalid")],
)
def test_token_must_be_exact(simulator: Simulator, token: str, status: str) -> None:
    """One method says so in plain text."""
    _, body = ask(simulator.url, "/rest/ContactCreate", SAMPLE, token=token)
    assert json.loads(body)["Status"] == status
    assert ask(simulator.url, "/rest/AccountStatus", token=token) == (200, status.encode())
    for method in ("ContactGroupList", "IsBlackList_ByCancelation", "ContactEdit", "ContactDelete"):
        _, body = ask(simulator.url, f"/rest/{method}", token=token)
        assert json.loads(body)["Status"] == status, method


@each(
    ("method", "path", "status"),
    [
        ("GET", "/rest/ContactCreate", 405),
        ("PUT", "/rest/AccountStatus", 405),
        ("POST", "/rest/ContactMerge", 404),
        ("POST", "/standin/contacts", 404),
    ],
)
def test_what_is_not_there_is_no_success(
    simulator: Simulator, method: str, path: str, status: int
) -> None:
    """A wrong address or verb gets a page."""
    code, body = ask(simulator.url, path, method=method)
    assert code == status
    assert b"Success" not in body


def test_planned_answers_come_in_their_order(simulator: Simulator) -> None:
    """Success among them is an honest answer."""
    simulator.answer("Failed")
    simulator.answer("Success")
    simulator.answer(SimulatedAnswer(b"words", content_type="text/plain"))
    simulator.answer(Fault.EMPTY, times=2)
    assert create(simulator)["Status"] == "Failed"
    assert create(simulator)["Status"] == "Success"
    assert ask(simulator.url, "/rest/AccountStatus") == (200, b"words")
    assert [ask(simulator.url, "/rest/AccountStatus")[1] for _ in range(2)] == [b"", b""]
    assert create(simulator)["Status"] == "Success"
    assert len(simulator.contacts) == 2


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault.name.startswith("APPLIED_THEN")]
)
def test_applied_contact_can_be_found_though_its_answer_was_lost(
    simulator: Simulator, fault: Fault
) -> None:
    """That is what makes a call uncertain."""
    simulator.answer(fault)
    address = urlsplit(simulator.url).hostname, urlsplit(simulator.url).port
    body = urlencode(SAMPLE)
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(
            f"POST /rest/ContactCreate HTTP/1.1\r\nAuthorization: {TOKEN}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        with suppress(OSError):  # the reset may come first
            connection.shutdown(socket.SHUT_WR)
        if fault is Fault.APPLIED_THEN_RESET:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        elif fault is Fault.APPLIED_THEN_HTTP_502:
            assert connection.recv(12) == b"HTTP/1.1 502"
        else:
            assert connection.recv(1) == b""
    assert found(simulator) == 1


def test_contact_that_is_applied_late_appears_after_a_while(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was answered, and a search before that lies."""
    monkeypatch.setattr(simulator, "delay", 0.3)
    simulator.answer(Fault.APPLIED_LATE)
    start = time.monotonic()
    with pytest.raises(http.client.RemoteDisconnected):
        create(simulator)
    assert (found(simulator), simulator.contacts) == (0, [])
    wait_until(lambda: found(simulator) > 0)
    assert time.monotonic() - start >= 0.3
    (stored,) = simulator.contacts
    late = dt.datetime.fromisoformat(stored["UpdateDateTime"]) - simulator.requests[0].at
    assert late > dt.timedelta(seconds=0.29)  # it is cut to milliseconds


@each(("mobile", "shown"), DEMO_NUMBERS.items())
def test_some_numbers_show_an_error_in_the_demo(
    simulator: Simulator, mobile: str, shown: str | Fault
) -> None:
    """The contact's own fault every time, any other every other time."""
    simulator.purge()
    if isinstance(shown, str):
        assert create(simulator, Mobile=mobile)["Status"] == shown
    elif shown is Fault.HTTP_502:
        assert ask(simulator.url, "/rest/ContactCreate", {**SAMPLE, "Mobile": mobile})[0] == 502
    else:
        with pytest.raises(TimeoutError):
            ask_briefly(simulator, {**SAMPLE, "Mobile": mobile})
    before = len(simulator.contacts)
    again = create(simulator, Mobile=mobile)["Status"]
    assert again == (shown if shown in model.ALWAYS_REJECTED else "Success")
    assert before == (shown is Fault.APPLIED_THEN_SILENT)


def ask_briefly(simulator: Simulator, pairs: dict[str, str]) -> None:
    """Ask, and wait no longer than a moment."""
    netloc = urlsplit(simulator.url).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=0.2)) as connection:
        connection.request(
            "POST", "/rest/ContactCreate", urlencode(pairs), {"Authorization": TOKEN}
        )
        connection.getresponse()


def test_memory_is_bounded(simulator: Simulator) -> None:
    """A demo may run for months."""
    assert simulator.requests.maxlen == module.MAX_KEPT
    with Simulator(token=TOKEN, kept=2) as small:
        ids = [create(small)["Data"]["ID"] for _ in range(3)]
        assert [contact["ID"] for contact in small.contacts] == ids[1:]
        assert len(small.requests) == 2


def test_it_is_steered_over_its_port(simulator: Simulator) -> None:
    """Another process can plan an answer, read the contacts and forget them."""
    assert ask(simulator.url, "/standin/answer", {"answer": "HTTP_503"})[0] == 200
    assert ask(simulator.url, "/standin/answer", {"answer": "Failed", "times": "2"})[0] == 200
    assert ask(simulator.url, "/rest/ContactCreate", SAMPLE)[0] == 503
    assert [create(simulator)["Status"] for _ in range(3)] == ["Failed", "Failed", "Success"]
    _, body = ask(simulator.url, "/standin/contacts", method="GET")
    assert json.loads(body) == simulator.contacts
    assert ask(simulator.url, "/standin/contacts", method="DELETE") == (200, b"[]")
    assert simulator.contacts == []


def test_it_listens_only_on_loopback(simulator: Simulator) -> None:
    """Nobody else may read a demo's contacts."""
    assert urlsplit(simulator.url).hostname == "127.0.0.1"


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.DRIP_BODY])
def test_closing_ends_what_is_under_way(fault: Fault) -> None:
    """A client that waits is let go; closing twice does no harm."""
    with Simulator(token=TOKEN) as brief:
        brief.answer(fault)
        address = urlsplit(brief.url).hostname, urlsplit(brief.url).port
        connection = socket.create_connection(address, timeout=5)
        connection.sendall(b"POST /rest/AccountStatus HTTP/1.1\r\n\r\n")
        while not brief.requests:
            pass
    with connection:
        while connection.recv(1024):
            pass
    brief.close()


def start(arguments: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start the simulator as a program."""
    return subprocess.Popen(
        [sys.executable, "-m", "webapp", "standin", "--token", TOKEN, *arguments],
        cwd=Path(module.__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_as_a_program_it_prints_its_address_and_ends_cleanly() -> None:
    """It ends with its parent, whose end closes its standard input."""
    with start() as program:
        assert program.stdin is not None
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        status, _ = ask(url, "/rest/AccountStatus")
        assert status == 200
        program.stdin.close()
        assert program.wait(30) == 0  # a busy machine


def test_labels_of_stored_contacts_are_listed_as_groups(simulator: Simulator) -> None:
    """With the contacts that have each of them; a deleted contact leaves no label."""
    create(simulator, Labels="ویژه,همکار,ویژه")
    create(simulator, Labels="ویژه", Active="false")
    status, body = ask(simulator.url, "/rest/ContactGroupList")
    assert (status, json.loads(body)["Status"]) == (200, "Success")
    assert json.loads(body)["Data"] == [
        {"ContactGroupID": 1, "Title": "ویژه", "ContactsCount": 2, "ContactsActiveCount": 1},
        {"ContactGroupID": 2, "Title": "همکار", "ContactsCount": 1, "ContactsActiveCount": 1},
    ]
    simulator.purge()
    assert json.loads(ask(simulator.url, "/rest/ContactGroupList")[1])["Data"] == []
