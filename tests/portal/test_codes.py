"""SendQuickOTP and IsBlackList_ByCancelation, as the client sends and reads them."""

import json

import pytest
from support import TOKEN
from tables import each

from webapp.demo import Simulator
from webapp.demo.faults import SimulatedAnswer, status_answer
from webapp.demo.model import CodeShape
from webapp.portal import MethodNotAllowed, PortalError, Refused, Uncertain
from webapp.portal.client import AmootPortal

MOBILE = "09121234567"


@pytest.fixture
def portal(simulator: Simulator) -> AmootPortal:
    """Return a client of the simulator."""
    return AmootPortal(url=simulator.url, token=TOKEN, deadline=10)


@each("shape", CodeShape)
def test_answer_is_read_in_every_shape(
    portal: AmootPortal, simulator: Simulator, shape: CodeShape
) -> None:
    """The call has three fields, and the bare token."""
    simulator.purge()
    simulator.code_shape = shape
    assert portal.send_code(MOBILE, "12345") == "12345"
    assert simulator.codes == [{"Mobile": MOBILE, "Code": "12345"}]
    request = simulator.requests[-1]
    assert request.path == "/rest/SendQuickOTP"
    assert request.pairs == (("Mobile", MOBILE), ("CodeLength", "5"), ("OptionalCode", "12345"))
    assert request.headers["Authorization"] == TOKEN


@each(
    ("body", "error"),
    [
        ({"Status": "CreditNotEnough", "Data": []}, Refused),
        ({"Status": 4, "ReturnValue": {"Status": "Success"}}, Refused),
        ({"Status": "Success", "Data": [{"Status": "Failed"}]}, Uncertain),
        ({"Data": {"Status": "Token_NotAllowMethod"}}, MethodNotAllowed),
        ({"Data": [{"Code": 1}, {"Code": 2}]}, Uncertain),
        ([], Uncertain),
    ],
)
def test_failure_is_never_a_success(
    portal: AmootPortal, simulator: Simulator, body: object, error: type[PortalError]
) -> None:
    """Wherever its status stands."""
    simulator.answer(SimulatedAnswer(json.dumps(body).encode()))
    with pytest.raises(error):
        portal.send_code(MOBILE, "12345")


@pytest.mark.parametrize(
    ("code", "sent"), [(54321, "54321"), ("54321", "54321"), (321, "00321"), (None, "12345"),
                       (True, "12345"), ("x", "12345"), (10**9, "12345")]
)  # fmt: skip
def test_code_that_the_portal_has_made_is_the_one_that_counts(
    portal: AmootPortal, simulator: Simulator, code: object, sent: str
) -> None:
    """A number has lost the zeros in front."""
    body = {"Status": "Success", "Data": {"MessageID": 1, "Code": code}}
    simulator.answer(SimulatedAnswer(json.dumps(body).encode()))
    assert portal.send_code(MOBILE, "12345") == sent


def test_blocked_line_is_read(portal: AmootPortal, simulator: Simulator) -> None:
    """Anything but a clear yes is a no."""
    simulator.blocked = {MOBILE: {"30001234"}}
    assert portal.is_blocked(MOBILE, "30001234")
    assert not portal.is_blocked(MOBILE, "OTP")
    for data in (None, [], {}, "true", [{"IsBlackList": "true"}]):
        simulator.answer(SimulatedAnswer(json.dumps({"Status": "Success", "Data": data}).encode()))
        assert not portal.is_blocked(MOBILE, "30001234")
    simulator.answer(status_answer("Failed"))
    with pytest.raises(Uncertain):
        portal.is_blocked(MOBILE, "30001234")
