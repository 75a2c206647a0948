"""What becomes of visitors whose number, network or form has had its codes."""

from collections.abc import Callable, Iterable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page, solved, written
from werkzeug.test import TestResponse

from webapp import messages
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.messages import public as texts
from webapp.outbox.rows import NEEDS_ATTENTION, WAITING
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION
from webapp.web.security import proof_of_work

pytestmark = pytest.mark.slow

MOBILE = "09121234567"
HERE = "203.0.113.7"

FORMS = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"

[forms.kind]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
verify_fallback = "accept"
"""


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the proofs of work be found at once."""
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 20)


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Callable[..., FlaskClient]:
    """Return a factory of browsers, each before a process of its own; all share a database."""
    return lambda **changes: make_app(forms=FORMS, **changes).test_client()


def sign_up(
    client: FlaskClient, mobile: str, *, form: str = "club", sender: str = HERE, **fields: str
) -> TestResponse:
    """Sign up with a proof of work, unless another one is given, from this address."""
    page = Page(client, f"/f/{form}")
    proof = written(solved(str(next(page.html.find("form"))[0]["data-proof"])))
    data = {"csrf_token": page.token, "FName": "سارا", "Mobile": mobile, "proof": proof}
    origin = {"REMOTE_ADDR": sender}
    return client.post(f"/f/{form}", data={**data, **fields}, environ_base=origin)


def asked_for_code(answers: Iterable[TestResponse]) -> int:
    """Return how many visitors were asked for a code."""
    return sum("/code?" in answer.headers.get("Location", "") for answer in answers)


def numbers(count: int) -> list[str]:
    """Return so many mobile numbers."""
    return [f"0912{n:07}" for n in range(count)]


def delivery(client: FlaskClient) -> DeliveryServices:
    """Return what stands behind the pages."""
    found: DeliveryServices = client.application.extensions[EXTENSION].delivery
    return found


def test_number_gets_three_codes_of_four_processes_and_a_restarted_one(
    site: Callable[..., FlaskClient], portal: Simulator
) -> None:
    """Memory forgets and is not shared; the database does neither."""
    limits = {"limit_code_mobile": "3/hour", "limit_mobile": "99/hour"}
    before = [site(**limits) for _ in range(4)]
    answers = [sign_up(before[n % 4], MOBILE) for n in range(12)]
    answers += [sign_up(site(**limits), MOBILE)]
    assert len(portal.codes) == asked_for_code(answers) == 3
    assert {answer.status_code for answer in answers[3:]} == {429}


def test_network_that_has_had_its_codes_goes_on_without(
    site: Callable[..., FlaskClient], portal: Simulator
) -> None:
    """Many share the address of a venue or carrier: the form's policy decides, nothing is lost."""
    client = site(limit_code_address="2/hour")
    assert asked_for_code(sign_up(client, mobile) for mobile in numbers(2)) == 2
    held = sign_up(client, MOBILE)
    said = Html(client.get(held.headers["Location"]).text).text(role="status")
    assert messages.HELD_PUBLIC in said
    assert "?r=" in sign_up(client, MOBILE, form="kind").headers["Location"]
    assert len(portal.codes) == 2
    services = delivery(client)
    (row,) = services.outbox.review.page(NEEDS_ATTENTION)
    assert row.status == "NumberNotVerified"
    (row,) = services.outbox.review.page(WAITING)
    assert texts.NOT_VERIFIED_LABEL in row.contact["Labels"]
    assert services.codes.trouble.read() == ""  # other networks get codes
    assert 'limits_hit_total{limit="LIMIT_CODE_ADDRESS"} 2.0' in client.get("/metrics").text
    assert asked_for_code([sign_up(client, "09120000009", sender="198.51.100.1")]) == 1


@pytest.mark.parametrize(
    ("senders", "most"),
    [
        ("2001:db8:1:1::{:x}", 1),  # one /64
        ("2001:db8:1:{:x}::1", 2),  # many of one /48
        ("2001:db8:{:x}::1", 4),  # many /48
        ("203.0.113.{}", 1),
        ("203.0.{}.1", 2),
        ("203.{}.113.1", 4),
    ],
)
def test_wide_network_gets_the_codes_of_two_narrow_ones(
    site: Callable[..., FlaskClient], portal: Simulator, senders: str, most: int
) -> None:
    """However many addresses a sender changes within it."""
    client = site(limit_code_address="1/hour")
    for turn, mobile in enumerate(numbers(4)):
        assert sign_up(client, mobile, sender=senders.format(turn + 1)).status_code == 303
    assert len(portal.codes) == most


def test_form_that_has_had_its_codes_goes_on_without(
    site: Callable[..., FlaskClient], portal: Simulator
) -> None:
    """On any network; another form is not affected."""
    client = site(limit_code_form="2/hour")
    answers = [
        sign_up(client, mobile, sender=f"203.{turn}.0.1") for turn, mobile in enumerate(numbers(4))
    ]
    assert {answer.status_code for answer in answers} == {303}
    assert asked_for_code(answers) == len(portal.codes) == 2
    assert asked_for_code([sign_up(client, MOBILE, form="kind")]) == 1


def test_only_what_the_portal_may_have_sent_counts(
    site: Callable[..., FlaskClient], portal: Simulator
) -> None:
    """Not what it says it has not sent; where an answer is lost, the code may have arrived."""
    client = site(limit_code_mobile="1/hour", codes_per_day=10)
    lost = [Fault.CLOSE_WITHOUT_ANSWER, Fault.HTTP_502, Fault.HTML]
    unsent = ["Failed", "CreditNotEnough", "Mobile_Invalid", Fault.HTTP_429_SECONDS]
    asked = dict(zip([*lost, *unsent], numbers(7), strict=True))
    for what, mobile in asked.items():
        portal.answer(what)
        assert sign_up(client, mobile, form="kind").status_code in (303, 422), what
    codes = delivery(client).codes
    assert [what for what, mobile in asked.items() if codes.number_reached(mobile)] == lost
    assert codes.limits.share_left.get(is_fresh=True) == 0.7


def test_proof_that_is_wrong_uses_up_no_shared_limit(
    site: Callable[..., FlaskClient], portal: Simulator
) -> None:
    """Else a robot without work shuts everybody out."""
    shared = ("limit_total", "limit_form", "limit_address", "limit_code_form", "limit_mobile")
    client = site(**dict.fromkeys(shared, "1/hour"))
    for _ in range(3):
        assert sign_up(client, MOBILE, proof="eHg=").status_code == 422
    assert asked_for_code([sign_up(client, MOBILE)]) == len(portal.codes) == 1


def test_proof_becomes_dearer_as_the_days_codes_shrink(
    site: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From half of them on, up to four times; forms without codes cost what they did."""
    client, drawn = site(codes_per_day=8), list[int]()
    randbelow = proof_of_work.secrets.randbelow
    monkeypatch.setattr(
        proof_of_work.secrets, "randbelow", lambda most: drawn.append(most) or randbelow(most)
    )
    for mobile in [*numbers(8), MOBILE]:
        delivery(client).codes.limits.share_left.get(is_fresh=True)
        assert sign_up(client, mobile).status_code == 303
    hashes = [most for most in drawn if most < 1000]
    assert hashes == [20, 20, 20, 20, 20, 26, 40, 80, 80]
