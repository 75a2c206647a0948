"""What each shape of an answer means, read without a network."""

import json

import pytest

from webapp.portal import (
    MethodNotAllowed,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    Uncertain,
    Unexplained,
)
from webapp.portal.answers import Answer, Response, read_answer

MOBILE = "09121234567"
CONTACT = {"ID": 7, "Mobile": 989121234567, "FName": "سارا"}


def read(body: object, *, code: int = 200, mobile: str = MOBILE, wait: str = "") -> Answer:
    """Read a body: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(Response(code, content, wait), mobile=mobile)


def outcome(body: object, *, code: int = 200, mobile: str = MOBILE, wait: str = "") -> str:
    """Return the class and the status of what a body means."""
    try:
        answer = read(body, code=code, mobile=mobile, wait=wait)
    except PortalError as error:
        return f"{type(error).__name__} {error.status}"
    return f"Answer {answer.place.status}"


def wrapped(status: object) -> list[object]:
    """Return a status in every place where one of the portal's pages puts it."""
    inner = {"Status": status}
    places: list[object] = [inner, status, [inner], [status]]
    for name in ("ReturnValue", "Data", "Result"):
        places += [{name: inner}, {name: status}, {name: [inner]}, [{name: inner}]]
    return places


def test_success_in_every_documented_place_is_a_success() -> None:
    """As a name, a number or a number in a string; a bare word may be text."""
    bodies = [body for status in ("Success", 1, "1", " Success\n") for body in wrapped(status)]
    bodies += [b"Success", b" Success\r\n", b"\xef\xbb\xbfSuccess", b"1"]
    assert {str(body): outcome(body) for body in bodies} == {
        str(body): "Answer Success" for body in bodies
    }


def test_failure_in_every_documented_place_keeps_its_meaning() -> None:
    """So a rejected contact comes back, and a refused token pauses the queue."""
    expected = {
        "Mobile_Invalid": "Rejected Mobile_Invalid",
        101: "Rejected Mobile_Invalid",
        "Token_Expired": "Refused Token_Expired",
        "-204": "Refused Token_Expired",
        "Failed": "Unexplained Failed",
        "ServerError": "Uncertain ServerError",
    }
    for status, meaning in expected.items():
        for body in wrapped(status):
            assert outcome(body) == meaning, body


def test_anything_else_is_no_success() -> None:
    """A page of a proxy, another spelling, a success deeper inside or beside other text."""
    bodies: list[object] = [
        *(b"", b"<html>Success</html>", b"OK?", b"Success.", b"Success Success", b"1.0", b"01"),
        *(b"\xff", b"true", b"null", b"{}", b"[]", b'{"Status": "Success"} trailing', b"+1"),
        *({"status": "Success"}, {"Status": "success"}, {"Status": True}, {"Status": 1.0}),
        *({"Status": ["Success", "Success"]}, ["Success", "Success"], {"Status": {}}),
        *({"Answer": {"Status": "Success"}}, {"Data": {"Data": {"Status": "Success"}}}),
        *({"ReturnValue": True}, {"ReturnValue": "ثبت شد"}, {"Data": CONTACT}, CONTACT),
        *({"ReturnValue": [CONTACT, CONTACT]}, {"Status": "Success\x00"}, {"Status": "۱"}),
    ]
    for body in bodies:
        with pytest.raises(Uncertain):
            read(body)


def test_contact_in_return_value_without_a_status_is_a_success_if_it_is_the_one_sent() -> None:
    """It has an ID and the number; an error beside it counts more."""
    assert outcome({"ReturnValue": CONTACT}) == "Answer Success"
    assert outcome({"ReturnValue": [CONTACT | {"Mobile": "9121234567"}]}) == "Answer Success"
    for change in ({"ID": None}, {"ID": 0}, {"ID": True}, {"Mobile": 989121234568}, {"Mobile": 1}):
        assert outcome({"ReturnValue": CONTACT | change}) == "Uncertain UnreadableAnswer", change
    assert outcome({"ReturnValue": CONTACT}, mobile="") == "Uncertain UnreadableAnswer"
    assert outcome({"Status": "Failed", "ReturnValue": CONTACT}) == "Unexplained Failed"


def test_of_two_statuses_the_documented_failure_counts() -> None:
    """A success that is only announced is none, and an unknown word hides no known status."""
    assert outcome({"Status": "Success", "ReturnValue": {"Status": "Failed"}}).endswith("Failed")
    assert outcome({"Status": 4, "Data": "Success"}) == "Refused CreditNotEnough"
    assert outcome({"Status": "Success", "Data": "Mobile_Invalid"}) == "Rejected Mobile_Invalid"
    assert outcome({"Status": "Done", "Result": "Success"}) == "Answer Success"
    assert outcome({"Status": "Success", "ReturnValue": "Done"}) == "Answer Success"
    assert outcome({"Status": "Rebuilt"}) == "Unexplained Rebuilt"


def test_data_beside_a_status_is_no_status() -> None:
    """A number, or what a stored contact calls its status."""
    assert outcome({"Status": "Success", "Data": 4}) == "Answer Success"
    assert outcome({"Status": "Success", "Data": CONTACT | {"Status": 0}}) == "Answer Success"
    assert outcome({"Status": "Success", "Data": [CONTACT | {"Status": "Failed"}]}).startswith("A")


def test_http_status_without_a_documented_one_says_what_to_do_next() -> None:
    """A refusal pauses the queue, a bad request is tried five times, all else is uncertain."""
    kinds = {
        MethodNotAllowed: (401, 403, 404, 405, 415),
        Unexplained: (400, 413, 422),
        Uncertain: (201, 202, 206, 301, 302, 307, 402, 418, 500, 502, 503, 504),
        SlowDown: (429,),
    }
    for kind, codes in kinds.items():
        for code in codes:
            for body in (b"", b"<html>", {"Status": "Success"}, b"Success"):
                with pytest.raises(PortalError) as caught:
                    read(body, code=code)
                assert type(caught.value) is kind, code
    assert outcome(b"busy", code=503, wait="3") == "SlowDown SlowDown"


def test_documented_failure_counts_under_any_http_status() -> None:
    """It is the portal's own word."""
    for code in (400, 401, 403, 404, 422, 500, 503):
        with pytest.raises(Refused, match="Token_Expired"):
            read({"ReturnValue": {"Status": "Token_Expired"}}, code=code)
    with pytest.raises(Rejected):
        read(b"Mobile_Invalid", code=400)


def test_refusal_by_http_is_no_answer_to_a_ping() -> None:
    """It does not end a pause; a documented refusal is the portal's own answer."""
    assert not MethodNotAllowed("HTTP_403").is_answer
    assert MethodNotAllowed("Token_NotAllowMethod").is_answer


def test_records_are_found_wherever_the_list_stands() -> None:
    """No match is an empty list, null or nothing at all."""
    for records in ([], [CONTACT], [CONTACT, CONTACT]):
        for body in (
            {"Status": "Success", "Data": records},
            {"Status": "Success", "ReturnValue": records},
            {"ReturnValue": {"Status": "Success", "Data": records}},
            [{"Status": "Success", "Data": records}],
            {"Result": [{"Status": "Success", "Data": records}]},
        ):
            assert read(body).records() == records, body
    for empty in (
        {"Status": 1},
        {"Status": 1, "Data": None},
        "Success",
        {"ReturnValue": "Success"},
    ):
        assert read(empty).records() == []
    assert read({"Status": "Success", "Data": CONTACT}).records() == [CONTACT]


def test_malformed_list_is_no_empty_one() -> None:
    """It would lead to a second contact."""
    for data in ({}, "x", 5, True, [1], [CONTACT, None], {"Name": "x"}):
        with pytest.raises(Uncertain, match="UnreadableAnswer"):
            read({"Status": "Success", "Data": data}).records()


def test_value_is_read_from_the_object_that_holds_it() -> None:
    """As the code of an SMS, which is wrapped at will."""
    for body in (
        {"Status": "Success", "Code": 5},
        {"Status": "Success", "Data": {"Code": 5}},
        {"ReturnValue": {"Status": "Success", "Data": [{"Code": 5}]}},
        [{"Status": "Success", "Code": None, "Result": {"Code": 5}}],
    ):
        assert read(body).get("Code") == 5, body
    assert read("Success").get("Code") is None


def test_place_of_the_status_is_named() -> None:
    """For an administrator who wants to know which reading is true."""
    names = {
        "Status": {"Status": 1},
        "ReturnValue.Status": {"ReturnValue": {"Status": "Success"}},
        "ReturnValue[0].Status": {"ReturnValue": [{"Status": "Success"}]},
        "[0].Status": [{"Status": "Success"}],
        "Data": {"Data": "Success"},
        "word": "Success",
        "word[0]": ["Success"],
        "ReturnValue.ID": {"ReturnValue": CONTACT},
    }
    assert {path: read(body).place.path for path, body in names.items()} == {
        path: path for path in names
    }
