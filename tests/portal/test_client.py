"""The client of the portal, over real sockets: what it sends, what it makes of every answer."""

import concurrent.futures
import contextlib
import inspect
import itertools
import os
import socket
import ssl
import threading
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qsl

import pytest
import requests
import trustme
import urllib3.exceptions
from forward_proxy import Listener, tls_front
from support import TOKEN, wait_until
from tables import each

from webapp.contact import FIELDS, Contact
from webapp.demo import Simulator
from webapp.demo.faults import Fault, SimulatedAnswer
from webapp.messages.alerts import STATUS_MESSAGES
from webapp.outbox import rows, sender, submit
from webapp.portal import (
    SLOW_DOWN,
    STATUSES,
    MethodNotAllowed,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    TimedOut,
    Uncertain,
    Unexplained,
    Unreachable,
    rejected_fields,
)
from webapp.portal import transport as module
from webapp.portal.answers import AFTER_CONNECTING, WHILE_CONNECTING, portal_error
from webapp.portal.client import AccountStatus, AmootPortal, Empty, payload
from webapp.portal.transport import MAX_RESPONSE_BYTES, PortalConnection
from webapp.verification import limits

MOBILE = "09123456789"
GENEROUS = 20.0
HASTY = 1.5
SLACK = 10.0

DOCUMENTED = [
    (number, name, error)
    for error, names in STATUSES.items()
    if error
    for number, name in names.items()
]


@pytest.fixture
def portal(simulator: Simulator) -> AmootPortal:
    """Return a client of the simulator that has time."""
    return client(simulator.url, deadline=GENEROUS)


@pytest.fixture
def hasty(simulator: Simulator) -> AmootPortal:
    """Return a client of the simulator that has none."""
    return client(simulator.url)


def client(url: str, *, token: str = TOKEN, deadline: float = HASTY) -> AmootPortal:
    """Return a client of any address."""
    return AmootPortal(url=url, token=token, deadline=deadline)


def full_contact() -> Contact:
    """Return a contact with a value in every field."""
    return Contact(
        Mobile=MOBILE,
        FName="سارا",
        LName="رضایی‌نژاد",
        GenderType=False,
        CompanyTitle="شرکت آموت & شرکا",
        JobTitle="مدیر فروش",
        Email="sara@example.com",
        CityName="تهران",
        AddressText="خیابان آزادی\nپلاک ۱۲+۱",
        BornDate=date(1990, 10, 7),
        AnniversaryDate=date(2016, 6, 13),
        **{f"CustomText{number}": f"متن {number}" for number in range(1, 7)},
        **{f"CustomDate{number}": date(2025, 8, number) for number in range(1, 4)},
        Labels=("گروه ۱", "گروه ۲"),
        Active=False,
    )


def small_contact(mobile: str = MOBILE) -> Contact:
    """Return a contact with a number and a name that must not show anywhere."""
    return Contact(Mobile=mobile, LName="Personal-Name")


def failure(call: Callable[[], object], *, deadline: float = GENEROUS) -> PortalError:
    """Return the error of a call, and see that it kept the deadline."""
    start = time.monotonic()
    with pytest.raises(PortalError) as caught:
        call()
    assert time.monotonic() - start < deadline + SLACK
    return caught.value


def late_failure(call: Callable[[], object]) -> PortalError:
    """Return the error of a call of a hasty client."""
    return failure(call, deadline=HASTY)


def running_calls() -> int:
    """Count the calls under way."""
    return sum(bool(getattr(thread, "call", None)) for thread in threading.enumerate())


def call_until_reconnected(portal: AmootPortal, simulator: Simulator) -> None:
    """Call, with pauses of 0.2 s, until a call uses a second connection."""

    def reconnected() -> bool:
        portal.account_status()
        time.sleep(0.2)
        return len({request.peer for request in simulator.requests}) == 2

    wait_until(reconnected, seconds=60)


class TestPayload:
    """What ContactCreate is sent."""

    def test_full_contact_is_written_as_the_reference_asks(self) -> None:
        """Every value has its key, in the reference's order; rows that it lacks are empty here."""
        assert [pair for pair in payload(full_contact()) if pair[1]] == [
            ("ContactGroupID", "0"),
            ("Active", "false"),
            ("Mobile", MOBILE),
            ("FName", "سارا"),
            ("LName", "رضایی‌نژاد"),
            ("GenderType", "false"),
            ("CompanyTitle", "شرکت آموت & شرکا"),
            ("JobTitle", "مدیر فروش"),
            ("Email", "sara@example.com"),
            ("CityName", "تهران"),
            ("AddressText", "خیابان آزادی\nپلاک ۱۲+۱"),
            ("BornDate", "1990-10-07"),
            ("AnniversaryDate", "2016-06-13"),
            ("CustomText1", "متن 1"),
            ("CustomText2", "متن 2"),
            ("CustomText3", "متن 3"),
            ("CustomText4", "متن 4"),
            ("CustomText5", "متن 5"),
            ("CustomText6", "متن 6"),
            ("CustomDate1", "2025-08-01"),
            ("CustomDate2", "2025-08-02"),
            ("CustomDate3", "2025-08-03"),
            ("Labels", "گروه ۱"),
            ("Labels", "گروه ۲"),
        ]

    def test_empty_contact_still_has_every_key(self) -> None:
        """A key without a value is sent empty; a new contact is active."""
        pairs = payload(Contact(Mobile=MOBILE))
        filled = {name: text for name, text in pairs if text}
        assert len(pairs) == len({name for name, _ in pairs}) == 1 + len(FIELDS)
        assert filled == {"ContactGroupID": "0", "Active": "true", "Mobile": MOBILE}

    def test_gender_without_an_answer_is_sent_as_the_setting_says(self) -> None:
        """By default as empty, not as a woman; an answer is always sent."""
        for gender, text in ((True, "true"), (False, "false"), (None, "")):
            assert ("GenderType", text) in payload(Contact(GenderType=gender))
        for empty, sent in (("true", ["true"]), ("false", ["false"]), ("", [""]), (None, [])):
            for gender, expected in ((None, sent), (True, ["true"])):
                pairs = payload(Contact(GenderType=gender), Empty(gender=empty))
                assert [text for name, text in pairs if name == "GenderType"] == expected

    def test_other_empty_fields_can_be_left_out(self) -> None:
        """So that a portal which updates a contact of the same number blanks nothing."""
        pairs = payload(Contact(Mobile=MOBILE), Empty(is_sent=False))
        assert pairs == [
            ("ContactGroupID", "0"), ("Active", "true"), ("Mobile", MOBILE), ("GenderType", "")
        ]  # fmt: skip
        full = payload(full_contact(), Empty(is_sent=False))
        assert full == [pair for pair in payload(full_contact()) if pair[1]]


class TestRequest:
    """What goes over the wire."""

    def test_body_is_an_urlencoded_form_in_utf8(
        self, portal: AmootPortal, simulator: Simulator
    ) -> None:
        """The captured bytes decode to the payload, repeated labels and all."""
        portal.create_contact(full_contact())
        (request,) = simulator.requests
        assert request.method == "POST"
        assert request.path == "/rest/ContactCreate"
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(request.body.decode("ascii"), keep_blank_values=True) == payload(
            full_contact()
        )
        assert b"&Labels=%DA%AF%D8%B1%D9%88%D9%87+%DB%B1&Labels=%DA%AF" in request.body
        assert b"&GenderType=false&" in request.body

    def test_token_travels_bare(self, portal: AmootPortal, simulator: Simulator) -> None:
        """`Authorization` is the token and nothing else."""
        portal.create_contact(small_contact())
        (request,) = simulator.requests
        assert request.headers["Authorization"] == TOKEN

    def test_neither_netrc_nor_a_proxy_of_the_environment_counts(
        self, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The token and the way to the portal come from our settings alone."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login stranger password stranger\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        client(simulator.url).create_contact(small_contact())
        assert simulator.requests[0].headers["Authorization"] == TOKEN

    @pytest.mark.parametrize("fault", [Fault[f"HTTP_{n}"] for n in (301, 302, 307, 308)])
    def test_redirect_is_not_followed(
        self, portal: AmootPortal, simulator: Simulator, fault: Fault
    ) -> None:
        """Neither the address nor the body is asked for again elsewhere."""
        simulator.answer(fault)
        error = failure(lambda: portal.create_contact(small_contact()))
        assert isinstance(error, Uncertain)
        assert error.status == fault.name
        portal.account_status()  # what was asked for before has come by now
        paths = [request.path for request in simulator.requests]
        assert paths == ["/rest/ContactCreate", "/rest/AccountStatus"]

    def test_cookie_is_not_sent_back(self, portal: AmootPortal, simulator: Simulator) -> None:
        """One call leaves no trace on the next."""
        simulator.answer(
            SimulatedAnswer(
                b'{"Status": "Success"}', content_type="application/json\r\nSet-Cookie: a=b"
            )
        )
        portal.create_contact(small_contact())
        portal.create_contact(small_contact())
        assert all("Cookie" not in request.headers for request in simulator.requests)


class TestAnswer:
    """What the methods return."""

    def test_stored_contact_gives_its_id(self, portal: AmootPortal, simulator: Simulator) -> None:
        """The ID is the portal's, and the contact is there."""
        number = portal.create_contact(full_contact())
        (stored,) = simulator.contacts
        assert number == stored["ID"]
        assert stored["Mobile"] == 989123456789
        assert stored["Labels"] == ["گروه ۱", "گروه ۲"]

    @each("data", ["null", "[]", "{}", '"x"', '{"ID": null}', '{"ID": true}', '{"ID": "7"}'])
    def test_success_without_an_id_is_still_a_success(
        self, portal: AmootPortal, simulator: Simulator, data: str
    ) -> None:
        """Success is the portal's word; the ID is a bonus."""
        simulator.answer(SimulatedAnswer(f'{{"Status": "Success", "Data": {data}}}'.encode()))
        assert portal.create_contact(small_contact()) is None

    def test_search_returns_contacts_as_stored(self, portal: AmootPortal) -> None:
        """They can be found by any spelling of the number."""
        portal.create_contact(full_contact())
        (found,) = portal.search_contacts(mobile="+989123456789")
        assert found["LName"] == "رضایی‌نژاد"
        assert portal.search_contacts(mobile="09120000000") == []

    def test_account_status_gives_name_and_credit(
        self, portal: AmootPortal, simulator: Simulator
    ) -> None:
        """Whatever is missing is empty."""
        assert portal.account_status() == AccountStatus(name="حساب نمونه", credit="25000")
        simulator.answer(SimulatedAnswer(b'{"Status": "Success", "AccountName": null}'))
        assert portal.account_status() == AccountStatus(name="", credit="")
        simulator.answer(
            SimulatedAnswer(b'{"Status": "Success", "AccountName": "x", "RemaindCredit": 0}')
        )
        assert portal.account_status() == AccountStatus(name="x", credit="0")


class TestStatuses:
    """The status table."""

    def test_every_documented_status_is_there_once(self) -> None:
        """No number and no name stands twice; there are as many as in the documents."""
        numbers = [number for number, _, _ in DOCUMENTED]
        names = [name for _, name, _ in DOCUMENTED]
        assert len(numbers) == len(set(numbers)) == len(set(names)) == 56

    @each(("number", "name", "error"), DOCUMENTED)
    def test_every_documented_status_means_its_class_however_it_is_written(
        self,
        number: int,
        name: str,
        error: type[PortalError],
        portal: AmootPortal,
        simulator: Simulator,
    ) -> None:
        """A name, a number, a number in a string, plain text: the same error each time."""
        bodies = [
            f'{{"Status": "{name}", "Data": {{}}}}',
            f'{{"Status": {number}, "Data": []}}',
            f'{{"Status": "{number}", "Data": null}}',
            name,
            f"\ufeff{name}\r\n",
            str(number),
        ]
        for body in bodies:
            simulator.answer(SimulatedAnswer(body.encode(), content_type="text/plain"))
            caught = failure(lambda: portal.create_contact(small_contact()))
            assert type(caught) is error
            assert caught.status == str(caught) == name
            assert caught.message

    def test_statuses_have_the_classes_of_the_portals_table(self) -> None:
        """The classes are those of the portal's table."""
        assert set(STATUSES[Rejected].values()) == {
            *("Mobile_Empty", "Mobile_Invalid", "Mobiles_Empty", "Mobiles_Invalid"),
            *("FirstNameOrLastName_Empty", "Title_Empty", "Length_Invalid", "Length_Exceeded"),
        }
        assert all(
            name.startswith(
                ("Token_", "User", "Account", "Credit", "Password", "System", "Contact")
            )
            for name in STATUSES[Refused].values()
        )
        assert set(STATUSES[Uncertain].values()) == {"ServerError"}
        assert "Failed" in STATUSES[Unexplained].values()
        assert Unreachable not in STATUSES

    @each("name", [*STATUSES[Rejected].values(), *STATUSES[Refused].values()])
    def test_whatever_somebody_can_mend_has_a_message_of_its_own(self, name: str) -> None:
        """The generic sentence is for what nobody can."""
        assert name in STATUS_MESSAGES

    def test_rejected_fields_are_named(self) -> None:
        """A message can stand beside the first that the form shows."""
        for status, fields in {
            "Mobile_Empty": ("Mobile",),
            "Mobiles_Invalid": ("Mobile",),
            "FirstNameOrLastName_Empty": ("FName", "LName"),
            "Length_Exceeded": (),
            "Token_Invalid": (),
        }.items():
            assert rejected_fields(status) == fields

    def test_what_has_no_message_of_its_own_gets_a_generic_one(self) -> None:
        """Nobody sees an empty message."""
        assert PortalError("HTTP_418").message == STATUS_MESSAGES["HTTP"]
        assert PortalError("Portal_Rebuilt").message == STATUS_MESSAGES["Other"]

    def test_our_own_faults_have_messages_and_no_message_is_spare(self) -> None:
        """The table of messages and this module's statuses are the same."""
        faults = {name for _, name in (*WHILE_CONNECTING, *AFTER_CONNECTING)}
        raised = {"ThreadFailed", "AnswerTooLong", "UnreadableAnswer", "UnknownFault"}
        raised |= {SLOW_DOWN}
        raised |= {limits.CODES_USED_UP, rows.NUMBER_UNVERIFIED}
        raised |= {rows.PERHAPS_RECORDED}
        raised |= {submit.BUSY, submit.STORE_FAILED, sender.LABELS_UNKNOWN}
        known = {name for _, name, _ in DOCUMENTED} | faults | raised
        assert faults | raised <= STATUS_MESSAGES.keys()
        assert STATUS_MESSAGES.keys() - known == {"HTTP", "Other"}

    def test_unknown_status_is_uncertain_and_named(
        self, portal: AmootPortal, simulator: Simulator
    ) -> None:
        """A newer portal's word is shown as it came, where it looks like a status."""
        for body, status in (
            (b'{"Status": "Portal_Rebuilt"}', "Portal_Rebuilt"),
            (b"Portal_Rebuilt", "Portal_Rebuilt"),
            (b'{"Status": -999}', "-999"),
            (f'{{"Status": "{MOBILE}"}}'.encode(), "UnreadableAnswer"),
        ):
            simulator.answer(SimulatedAnswer(body))
            error = failure(lambda: portal.create_contact(small_contact()))
            assert isinstance(error, Uncertain)
            assert isinstance(error, Unexplained) is (status != "UnreadableAnswer")
            assert error.status == status


# What tells us that the call was not applied, and to wait.
SLOW = {fault for fault in Fault if fault.name.startswith(("HTTP_429", "HTTP_503_"))}

FAULTS = {
    Fault.RESET: "ConnectionBroken",
    Fault.CLOSE_WITHOUT_ANSWER: "ConnectionBroken",
    Fault.SILENT: "Timeout",
    Fault.APPLIED_THEN_RESET: "ConnectionBroken",
    Fault.APPLIED_THEN_CLOSE: "ConnectionBroken",
    Fault.APPLIED_THEN_SILENT: "Timeout",
    Fault.APPLIED_THEN_HTTP_502: "HTTP_502",
    Fault.APPLIED_LATE: "ConnectionBroken",
    Fault.DRIP_HEADERS: "Timeout",
    Fault.DRIP_BODY: "Timeout",
    Fault.ENDLESS_HEADERS: "ConnectionBroken",
    Fault.ENDLESS_BODY: "AnswerTooLong",
    Fault.GZIP_BOMB: "AnswerTooLong",
    Fault.BAD_GZIP: "UnreadableAnswer",
    Fault.BAD_CHUNK: "ConnectionBroken",
    Fault.TRUNCATED: "ConnectionBroken",
    Fault.NOT_HTTP: "ConnectionBroken",
    Fault.UNKNOWN_STATUS: "Portal_Rebuilt",
    **{fault: fault.name for fault in Fault if fault.name.startswith("HTTP_")},
    **dict.fromkeys(SLOW, SLOW_DOWN),
    **dict.fromkeys(
        (
            *(Fault.EMPTY, Fault.HTML, Fault.LIST, Fault.NULL, Fault.STRING, Fault.NO_STATUS),
            *(Fault.NULL_STATUS, Fault.TRUE_STATUS, Fault.HUGE_INTEGER, Fault.DEEP_NESTING),
            *(Fault.NOT_A_NUMBER, Fault.BAD_UTF8),
        ),
        "UnreadableAnswer",
    ),
}


def assert_discreet(error: PortalError) -> None:
    """See that neither text nor traceback nor attributes of an error tell on anyone."""
    shown = "".join((str(error), repr(error), *traceback.format_exception(error)))
    for secret in (TOKEN, MOBILE, MOBILE[1:], "Personal-Name"):
        assert secret not in shown + repr(vars(error))
    assert error.__cause__ is None
    assert error.__context__ is None


class TestFaults:
    """What becomes of a call when the portal or the network misbehaves."""

    @pytest.mark.slow
    @each("fault", FAULTS)
    def test_every_fault_has_its_class_within_the_deadline_and_passes(
        self, fault: Fault, simulator: Simulator
    ) -> None:
        """Most are uncertain; the next call gets its own answer."""
        simulator.purge()
        deadline = HASTY if FAULTS[fault] == "Timeout" else GENEROUS
        tried = client(simulator.url, deadline=deadline)
        simulator.answer(fault)
        error = failure(lambda: tried.create_contact(small_contact()), deadline=deadline)
        kinds = {
            Fault.UNKNOWN_STATUS: Unexplained,
            Fault.HTTP_404: MethodNotAllowed,
            **dict.fromkeys(SLOW, SlowDown),
        }
        uncertain = TimedOut if FAULTS[fault] == "Timeout" else Uncertain
        assert type(error) is kinds.get(fault, uncertain)
        assert error.status == FAULTS[fault]
        wait_until(lambda: len(simulator.contacts) == fault.name.startswith("APPLIED"))
        assert_discreet(error)
        wait_until(lambda: not running_calls())
        assert tried.search_contacts(mobile="09350000000") == []

    def test_every_fault_of_the_stand_in_is_tried(self) -> None:
        """One of them is no fault after all."""
        assert set(Fault) - FAULTS.keys() == {Fault.BOM_SUCCESS}

    def test_byte_order_mark_does_no_harm(self, portal: AmootPortal, simulator: Simulator) -> None:
        """A success stays a success."""
        simulator.answer(Fault.BOM_SUCCESS)
        created = portal.create_contact(small_contact())
        assert [contact["ID"] for contact in simulator.contacts] == [created]

    @pytest.mark.slow
    def test_fault_hits_a_connection_kept_alive_alike(
        self, hasty: AmootPortal, simulator: Simulator
    ) -> None:
        """On such a connection nothing is known not to have been sent."""
        for fault in (Fault.RESET, Fault.CLOSE_WITHOUT_ANSWER, Fault.SILENT, Fault.DRIP_HEADERS):
            hasty.account_status()
            simulator.answer(fault)
            error = failure(lambda: hasty.create_contact(small_contact()), deadline=HASTY)
            assert type(error) is (TimedOut if error.status == "Timeout" else Uncertain)
        peers = [request.peer for request in simulator.requests]
        assert peers[::2] == peers[1::2]
        wait_until(lambda: not running_calls())

    def test_gzip_bomb_is_not_unpacked(self, portal: AmootPortal, simulator: Simulator) -> None:
        """Of 400 MB no more is held than the limit and its surroundings."""
        simulator.answer(Fault.GZIP_BOMB, times=2)
        failure(lambda: portal.create_contact(small_contact()))  # imports, and packs the bomb
        tracemalloc.start()
        failure(lambda: portal.create_contact(small_contact()))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 * MAX_RESPONSE_BYTES

    def test_answer_may_be_as_long_as_the_limit(
        self, portal: AmootPortal, simulator: Simulator
    ) -> None:
        """One byte more is too long."""
        body = b'{"Status": "Success"}'.ljust(MAX_RESPONSE_BYTES)
        simulator.answer(SimulatedAnswer(body))
        assert portal.create_contact(small_contact()) is None
        simulator.answer(SimulatedAnswer(body + b" "))
        assert failure(lambda: portal.create_contact(small_contact())).status == "AnswerTooLong"

    @pytest.mark.slow
    def test_twenty_abandoned_calls_leave_no_thread(self, simulator: Simulator) -> None:
        """Shutting the socket down ends the thread that waits on it."""
        quick = client(simulator.url, deadline=0.1)
        simulator.answer(Fault.DRIP_BODY, times=20)
        for _ in range(20):
            failure(lambda: quick.create_contact(small_contact()), deadline=0.1)
        wait_until(lambda: not running_calls(), seconds=5)

    def test_contact_that_cannot_be_encoded_is_uncertain(self, portal: AmootPortal) -> None:
        """An exception nobody thought of is never "not delivered"."""
        error = failure(lambda: portal.create_contact(Contact(Mobile=MOBILE, FName="\ud800")))
        assert type(error) is (TimedOut if error.status == "Timeout" else Uncertain)
        assert error.status == "UnknownFault"
        assert error.cause == "UnicodeEncodeError"


class TestConnecting:
    """What is certain not to have been delivered."""

    def test_refused_connection_is_unreachable(self) -> None:
        """Nothing listens there."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        error = failure(
            lambda: client(f"http://127.0.0.1:{port}/", deadline=GENEROUS).account_status()
        )
        assert type(error) is Unreachable
        assert error.status == "ConnectionFailed"
        assert error.cause.endswith("NewConnectionError < ConnectionRefusedError")

    def test_unknown_host_is_unreachable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """There is no such name."""
        unknown = Mock(side_effect=socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        error = failure(
            lambda: client("http://nowhere.invalid/", deadline=GENEROUS).account_status()
        )
        assert type(error) is Unreachable
        assert error.status == "NameNotResolved"

    @pytest.mark.slow
    def test_name_server_that_hangs_is_unreachable_and_nothing_is_sent_later(
        self, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The abandoned exchange gets its address in the end, and must not use it."""
        answered = threading.Event()
        lookup = socket.getaddrinfo

        def slow(*args: Any, **kwargs: Any) -> object:
            answered.wait(5)
            return lookup(*args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", slow)
        error = late_failure(lambda: client(simulator.url).create_contact(small_contact()))
        assert type(error) is Unreachable
        assert error.status == "ConnectTimeout"
        answered.set()
        wait_until(lambda: not running_calls())
        time.sleep(0.1)
        assert not simulator.requests

    @pytest.mark.slow
    def test_exchange_abandoned_before_it_connects_opens_nothing(
        self, hasty: AmootPortal, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where it is not known how far it came, it is uncertain, and still nothing is sent."""
        late = threading.Event()
        post = PortalConnection.post

        def slow(*args: Any, **kwargs: Any) -> object:
            late.wait(5)
            return post(*args, **kwargs)

        monkeypatch.setattr(PortalConnection, "post", slow)
        assert type(late_failure(lambda: hasty.create_contact(small_contact()))) is TimedOut
        late.set()
        wait_until(lambda: not running_calls())
        assert not simulator.requests

    @pytest.mark.slow
    def test_host_that_never_accepts_is_unreachable(self) -> None:
        """Its queue is full, so that a connection is not even begun."""
        with socket.socket() as server, contextlib.ExitStack() as crowd:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            for _ in range(4):
                waiting = crowd.enter_context(socket.socket())
                waiting.setblocking(False)  # noqa: FBT003 - its only parameter
                waiting.connect_ex(server.getsockname())
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            error = late_failure(lambda: client(url).account_status())
        assert type(error) is Unreachable
        assert error.status == "ConnectTimeout"
        wait_until(lambda: not running_calls())

    def test_without_a_thread_nothing_was_sent(
        self, portal: AmootPortal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A machine without resources is a reason to try again."""
        refuse = Mock(side_effect=RuntimeError("can't start new thread"))
        monkeypatch.setattr(threading.Thread, "start", refuse)
        error = failure(portal.account_status)
        assert type(error) is Unreachable
        assert error.status == "ThreadFailed"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a certificate authority that nobody trusts yet."""
    return trustme.CA()


@contextlib.contextmanager
def tls(simulator: Simulator, authority: trustme.CA, host: str = "127.0.0.1") -> Iterator[str]:
    """Put TLS in front of the simulator; yield the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    plain = int(simulator.url.split(":")[2].split("/")[0])
    with tls_front(plain, context) as front:
        yield f"https://127.0.0.1:{front.port}/rest/"


@pytest.fixture
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the authority."""
    with authority.cert_pem.tempfile() as bundle:
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", bundle)
        yield


class TestTLS:
    """The same over TLS."""

    def test_certificate_of_a_stranger_is_unreachable(
        self, simulator: Simulator, authority: trustme.CA
    ) -> None:
        """Nothing is sent to a host that cannot prove its name."""
        with tls(simulator, authority) as url:
            error = failure(lambda: client(url, deadline=GENEROUS).create_contact(small_contact()))
        assert type(error) is Unreachable
        assert error.status == "CertificateInvalid"
        assert not simulator.requests

    @pytest.mark.usefixtures("trusted")
    def test_certificate_for_another_name_is_unreachable(
        self, simulator: Simulator, authority: trustme.CA
    ) -> None:
        """A trusted authority is not enough."""
        with tls(simulator, authority, "elsewhere.example") as url:
            error = failure(lambda: client(url, deadline=GENEROUS).create_contact(small_contact()))
        assert type(error) is Unreachable
        assert error.status == "CertificateInvalid"

    @pytest.mark.slow
    @pytest.mark.usefixtures("trusted")
    def test_call_over_tls_is_answered(self, simulator: Simulator, authority: trustme.CA) -> None:
        """Two calls, one connection."""
        with tls(simulator, authority) as url:
            secure = client(url, deadline=GENEROUS)
            number = secure.create_contact(full_contact())
            (found,) = secure.search_contacts(mobile=MOBILE)
            del secure
        assert found["ID"] == number
        assert len({request.peer for request in simulator.requests}) == 1

    @pytest.mark.slow
    @pytest.mark.usefixtures("trusted")
    def test_connections_share_a_context_that_none_changes(
        self, simulator: Simulator, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """OpenSSL frees what is replaced, and another thread may be reading it."""
        protocols: list[object] = []
        monkeypatch.setattr(
            ssl.SSLContext, "set_alpn_protocols", lambda _, names: protocols.append(names)
        )
        monkeypatch.setattr(module, "_KEEP_ALIVE_S", 0.05)
        with tls(simulator, authority) as url:
            call_until_reconnected(client(url, deadline=GENEROUS), simulator)
        assert protocols == [["http/1.1"]]

    @pytest.mark.slow
    @pytest.mark.usefixtures("trusted")
    @pytest.mark.parametrize("fault", [Fault.SILENT, Fault.DRIP_HEADERS, Fault.DRIP_BODY])
    def test_call_over_tls_ends_at_its_deadline(
        self, simulator: Simulator, authority: trustme.CA, fault: Fault
    ) -> None:
        """Shutting down beneath TLS ends the thread."""
        simulator.answer(fault)
        with tls(simulator, authority) as url:
            error = late_failure(lambda: client(url).create_contact(small_contact()))
            assert type(error) is (TimedOut if error.status == "Timeout" else Uncertain)
            assert error.status == "Timeout"
            wait_until(lambda: not running_calls())

    @pytest.mark.slow
    def test_handshake_that_hangs_is_unreachable(self) -> None:
        """A host that accepts and says nothing has not got the request."""
        with Listener(lambda connection: [connection.recv(1 << 16), connection.recv(1)]) as hanging:
            url = f"https://127.0.0.1:{hanging.port}/"
            error = late_failure(lambda: client(url).account_status())
            assert type(error) is Unreachable
            assert error.status == "ConnectTimeout"
            wait_until(lambda: not running_calls())

    @pytest.mark.slow
    def test_handshake_that_drips_is_unreachable(self) -> None:
        """Each byte comes in time, the whole never does."""

        def drip(connection: socket.socket) -> None:
            connection.recv(1 << 16)
            for byte in itertools.chain(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", bytes(400)):
                connection.sendall(bytes([byte]))
                time.sleep(0.02)

        with Listener(drip) as hanging:
            error = late_failure(
                lambda: client(f"https://127.0.0.1:{hanging.port}/").account_status()
            )
            assert type(error) is Unreachable
            assert error.status == "ConnectTimeout"
            wait_until(lambda: not running_calls(), seconds=5)

    def test_host_without_tls_is_unreachable(self) -> None:
        """No handshake, no request."""
        with Listener(lambda it: it.sendall(b"220 mail.example ESMTP\r\n")) as other:
            error = failure(
                lambda: client(
                    f"https://127.0.0.1:{other.port}/", deadline=GENEROUS
                ).account_status()
            )
        assert type(error) is Unreachable
        assert error.status in {"TLSFailed", "ConnectionFailed"}


def every_requests_exception() -> list[type[Exception]]:
    """Return the exception classes of `requests`, its warnings apart."""
    return [
        kind
        for _, kind in inspect.getmembers(requests.exceptions, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ]


def instance(kind: type[Exception]) -> Exception:
    """Return an instance, whatever the class asks for."""
    return kind.__new__(kind)


class TestMapping:
    """The lower layers' exceptions."""

    @each("kind", every_requests_exception())
    def test_every_exception_of_requests_is_mapped(self, kind: type[Exception]) -> None:
        """It is Unreachable only for a connection that could not be opened."""
        error = instance(kind)
        connecting = portal_error(error, connecting=True)
        after = portal_error(error, connecting=False)
        known = issubclass(kind, requests.ConnectionError | requests.Timeout)
        assert type(connecting) is (Unreachable if known else Uncertain)
        assert type(after) is (TimedOut if after.status == "Timeout" else Uncertain)
        assert {connecting.status, after.status} <= STATUS_MESSAGES.keys()

    @each(
        "error",
        [
            *(ValueError(), OSError(), RecursionError(), MemoryError(), KeyError("x")),
            UnicodeEncodeError("ascii", "\u06f1", 0, 1, "x"),
            urllib3.exceptions.LocationParseError("x"),
            ConnectionResetError(),
        ],
    )
    def test_exception_that_is_not_of_requests_is_uncertain(self, error: Exception) -> None:
        """Even while connecting: nobody has thought of what it means there."""
        for connecting in (True, False):
            fault = portal_error(error, connecting=connecting)
            assert type(fault) is (TimedOut if fault.status == "Timeout" else Uncertain)
            assert fault.cause == type(error).__name__


class TestSecrets:
    """What must not show."""

    @each(
        "token", ["", "s3 cret", "s3cret ", "s3cret\n", "s3cret\u06f1", "s3cret\x00", "s3cret\x7f"]
    )
    def test_token_that_would_not_arrive_is_refused_without_being_shown(self, token: str) -> None:
        """It stops the start, not the first call."""
        with pytest.raises(ValueError, match="token") as caught:
            client("http://127.0.0.1/", token=token)
        assert "cret" not in str(caught.value)

    @each("url", ["", "portal.amootsms.com/rest/", "ftp://h/", "http:///rest", "http://user:pw@h/"])
    def test_address_that_would_go_astray_is_refused(self, url: str) -> None:
        """A user name in it would replace the token."""
        with pytest.raises(ValueError, match="address") as caught:
            client(url)
        assert "pw" not in str(caught.value)

    def test_repr_of_a_client_shows_no_token(
        self, portal: AmootPortal, simulator: Simulator
    ) -> None:
        """Only where it goes."""
        assert repr(portal) == f"AmootPortal('{simulator.url.rstrip('/')}')"


class TestLines:
    """Connections, threads and processes."""

    def test_connection_is_kept_alive(self, portal: AmootPortal, simulator: Simulator) -> None:
        """Two calls, one connection."""
        portal.account_status()
        portal.account_status()
        assert len({request.peer for request in simulator.requests}) == 1

    def test_error_of_the_portal_keeps_the_connection(
        self, portal: AmootPortal, simulator: Simulator
    ) -> None:
        """The answer was read to its end."""
        simulator.answer("Mobile_Invalid")
        failure(lambda: portal.create_contact(small_contact()))
        portal.account_status()
        assert len({request.peer for request in simulator.requests}) == 1

    @pytest.mark.slow
    def test_stale_connection_is_not_used(
        self, portal: AmootPortal, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The portal may be closing it in this very moment."""
        monkeypatch.setattr(module, "_KEEP_ALIVE_S", 0.05)
        call_until_reconnected(portal, simulator)

    def test_connection_that_the_portal_closed_is_replaced(self) -> None:
        """A restart of the portal between two calls is not noticed."""
        with Simulator(token=TOKEN) as first:
            moved = client(first.url, deadline=GENEROUS)
            moved.account_status()
            port = int(first.url.split(":")[2].split("/")[0])
        with Simulator(token=TOKEN, port=port):
            moved.account_status()

    def test_connection_is_not_shared_with_a_forked_process(
        self, portal: AmootPortal, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two processes on one connection would read each other's answers."""
        portal.account_status()
        monkeypatch.setattr(os, "getpid", lambda: -1)
        portal.account_status()
        assert len({request.peer for request in simulator.requests}) == 2

    def test_no_thread_starts_before_the_first_call(self, simulator: Simulator) -> None:
        """A server may fork after making a client."""
        before = threading.active_count()
        client(simulator.url)
        assert threading.active_count() == before

    def test_many_threads_may_share_a_client(self, simulator: Simulator) -> None:
        """Each of 32 calls at once gets its own answer."""
        shared = client(simulator.url, deadline=5)
        numbers = [f"0912{number:07}" for number in range(32)]
        with concurrent.futures.ThreadPoolExecutor(32) as crowd:
            ids = list(crowd.map(lambda n: shared.create_contact(small_contact(n)), numbers))
        stored = {contact["ID"]: contact["Mobile"] for contact in simulator.contacts}
        assert [stored[number] for number in ids if number] == [
            int(f"98{number[1:]}") for number in numbers
        ]
        assert max(Counter(ids).values()) == 1

    @pytest.mark.slow
    def test_stuck_calls_do_not_hold_up_a_new_one(self, simulator: Simulator) -> None:
        """There is no pool that could be full."""
        shared = client(simulator.url, deadline=2)
        simulator.answer(Fault.SILENT, times=16)
        with concurrent.futures.ThreadPoolExecutor(16) as crowd:
            stuck = [crowd.submit(shared.account_status) for _ in range(16)]
            wait_until(lambda: len(simulator.requests) == 16)
            shared.account_status()
            assert not any(call.done() for call in stuck)
            assert all(isinstance(call.exception(), Uncertain) for call in stuck)
