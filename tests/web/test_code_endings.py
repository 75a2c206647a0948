"""However a code step ends, its page leads on: no button or hint is dead."""

from collections.abc import Callable

import pytest
from code_steps import Step, code_of, delivery, elapse, wrong
from flask import Flask
from flask.testing import FlaskClient
from support import Html

from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.messages import public as texts
from webapp.outbox.rows import NEEDS_ATTENTION
from webapp.verification import sender
from webapp.verification.codes import MAX_TRIES
from webapp.web.security import proof_of_work

pytestmark = pytest.mark.slow


FORMS = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
embed_origins = ["https://example.ir"]
verify = "sms"
verify_fallback = "accept"
"""


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let proofs of work be found at once; on a busy machine, too, every failure is quick."""
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 20)
    monkeypatch.setattr(sender, "_QUICK_FAILURE_S", 99)


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Callable[..., FlaskClient]:
    """Return a factory of browsers without script."""
    return lambda **changes: make_app(forms=FORMS, amoot_deadline=20, **changes).test_client()


@pytest.fixture
def client(site: Callable[..., FlaskClient]) -> FlaskClient:
    """Return a browser without script."""
    return site()


def use_up_sendings(step: Step) -> None:
    """Have all codes sent that a submission may have."""
    for _ in range(2):
        elapse(step.client, 300)
        assert step.press(resend="1").status_code == 303
    step.open()


MESSAGES = (
    "کد تأیید شما: {0}{1} لغو۱۱",
    "کد تأیید شما: {0}{1} (اعتبار ۱۰ دقیقه)",
    "باشگاه\n{0}{1}\n\n@form.example.ir #{0}{1}",
    "کد 12345 نیست؛ کد شما {0}{1} است\n@club20261.example.ir #{0}{1}",
    "{0}{1}\u200f.",
    *("{}-{}", "{}\u2013{}", "{}.{}", "\u200f{} {}.", "کد {}{}\nلغو۱۱"),
)


def test_code_in_any_whole_message_that_is_pasted_is_found(
    client: FlaskClient, portal: Simulator
) -> None:
    """The number as long as a code counts; of a message for browsers, the one after the host."""
    for number, message in enumerate(MESSAGES):
        step = Step(client, Mobile=f"091200000{number:02}")
        ((asked, _),) = step.html.find("input", name="Code")
        assert int(str(asked["maxlength"])) >= 160
        code = code_of(portal)
        assert step.press(Code=message.format(code[:2], code[2:])).status_code == 303, message


def test_error_is_shown_once_and_the_input_refers_to_it(
    client: FlaskClient, portal: Simulator
) -> None:
    """Its heading names what is wrong; what helps and the tries that are left follow."""
    step = Step(client)
    step.press(Code=wrong(code_of(portal)))
    said = step.html.text("main")
    assert said.count(texts.WRONG) == said.count("فرصت دیگر") == 1
    assert step.html.text("h2") == texts.WRONG
    ((asked, _),) = step.html.find("input", name="Code")
    assert str(asked["aria-describedby"]).split()[0] == "Code-error"
    assert asked["aria-invalid"] == "true"
    assert "autofocus" in asked


def test_reload_of_a_wrong_code_without_script_counts_no_try(
    client: FlaskClient, portal: Simulator
) -> None:
    """The browser sends the POST again: the page is old, and the tries are those that are left."""
    step = Step(client)
    tried = next(step.html.find("input", name="try"))[0]["value"]
    for _ in range(2):
        step.press(Code=wrong(code_of(portal)), **{"try": str(tried)})
    assert "بررسی نشد" not in step.html.text("main")
    assert step.error("Code") == f"{texts.STALE} {texts.LAST_CODE.format(n='۴')}"


@pytest.mark.parametrize("path", ["/f/club", "/embed/club"])
def test_correcting_the_number_opens_the_form_at_its_field(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """The step shows the whole number: a mistake is visible."""
    step = Step(client, path)
    assert "۰۹۱۲۱۲۳۴۵۶۷" in step.html.text(role="status")
    answer = client.post(step.url, data={"change": "1"})
    assert answer.headers["Location"].endswith("&change=1#Mobile")
    assert len(portal.codes) == 1


def test_code_that_is_over_leads_to_another_one_and_to_nothing_else(
    client: FlaskClient, portal: Simulator
) -> None:
    """Expired or tried too often: no input is shown for it."""
    expired, tried = Step(client), Step(client, Mobile="09120000001")
    assert expired.buttons == tried.buttons == ["code", "resend", "change"]
    for _ in range(MAX_TRIES):
        tried.press(Code=wrong(code_of(portal)))
    assert tried.buttons == ["resend", "change"]
    elapse(client, 601)
    for step in (expired, tried):
        step.open()
        assert step.buttons == ["resend", "change"]
        assert not list(step.html.find("input", name="Code"))
        step.press(resend="1")
        assert step.press(Code=code_of(portal)).status_code == 303


def test_submission_without_a_further_code_may_be_left_to_an_operator(
    client: FlaskClient, portal: Simulator
) -> None:
    """Held under each policy, as a visitor could otherwise avoid the code."""
    step = Step(client)
    assert step.press(review="1").status_code == 409
    assert step.html.outcome == "code"
    use_up_sendings(step)
    assert step.buttons == ["code", "review", "change"]
    elapse(client, 601)
    step.open()
    assert step.buttons == ["review", "change"]
    receipt = step.press(review="1").headers["Location"]
    assert Html(client.get(receipt).text).outcome == "queued"
    assert step.press(review="1").headers["Location"] == receipt
    (held,) = delivery(client).outbox.review.page(NEEDS_ATTENTION)
    assert held.status == "NumberNotVerified"
    assert portal.contacts == []


def test_last_code_is_right_although_the_operator_could_have_decided(
    client: FlaskClient, portal: Simulator
) -> None:
    """A code that arrives late is still accepted."""
    step = Step(client)
    use_up_sendings(step)
    assert step.press(Code=code_of(portal)).status_code == 303
    assert len(portal.contacts) == 1


def test_number_that_has_had_its_codes_may_be_left_to_an_operator(
    site: Callable[..., FlaskClient], portal: Simulator
) -> None:
    """In place of a button that would say "too many" for an hour."""
    client = site(limit_code_mobile="1/hour")
    step = Step(client)
    assert step.buttons == ["code", "review", "change"]
    assert "?r=" in step.press(review="1").headers["Location"]
    assert len(portal.codes) == 1


@pytest.mark.parametrize("fault", [Fault.HTTP_500, Fault.RESET, "ServerError"])
def test_one_quick_failure_of_sending_a_code_is_tried_once_more(
    client: FlaskClient, portal: Simulator, fault: Fault | str
) -> None:
    """Both times it is the same code."""
    portal.answer(fault)
    step = Step(client)
    assert step.html.outcome == "code"
    sent = [dict(it.pairs)["OptionalCode"] for it in portal.requests]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert step.press(Code=code_of(portal)).status_code == 303


def test_slow_or_clear_failure_of_sending_a_code_is_not_tried_again(
    client: FlaskClient, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person would wait twice, or hear the same."""
    for fault, limit in ((Fault.HTTP_500, -1), ("Failed", 99), ("CreditNotEnough", 99)):
        monkeypatch.setattr(sender, "_QUICK_FAILURE_S", limit)
        before = len(portal.requests)
        portal.answer(fault)
        assert Step(client, Mobile=f"0912000{before:04}").html.outcome == "queued", fault
        assert len(portal.requests) == before + 1, fault


def test_step_that_is_done_leads_to_its_receipt_by_back_and_reload(
    client: FlaskClient, portal: Simulator
) -> None:
    """An old page's code, its buttons and the form sent again as well."""
    step = Step(client, "/embed/club")
    code = code_of(portal)
    receipt = step.press(Code=code).headers["Location"]
    for again in ({"Code": code}, {"resend": "1"}, {"review": "1"}, {"change": "1"}):
        assert client.post(step.url, data=again).headers["Location"] == receipt, again
    assert client.get(step.url).headers["Location"] == receipt
    assert client.get(f"{step.url}&change=1").headers["Location"] == receipt
    assert len(portal.codes) == len(portal.contacts) == 1
