"""The step that asks for the code sent by SMS, as a person without script takes it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from clock import FakeClock
from code_steps import MOBILE, TYPED, Step, code_of, delivery, elapse, wrong
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page, solved, written

from webapp import messages, verification
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.forms import HONEYPOT_INPUT
from webapp.messages import public as texts
from webapp.outbox.rows import NEEDS_ATTENTION, WAITING
from webapp.persian import IRAN
from webapp.portal import SLOW_DOWN
from webapp.verification import codes as codes_module
from webapp.verification import sender
from webapp.web.security import proof_of_work

pytestmark = pytest.mark.slow

OTHER = "09129999999"

FORMS = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile", "Email", "BornDate", "Labels"]
label_choices = ["صبح", "عصر"]
labels = ["سایت"]
consent = "با دریافت پیامک موافقم."
consent_field = "CustomText6"
embed_origins = ["https://example.ir"]
verify = "sms"
line = "30001234"

[forms.kind]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
verify_length = 4
verify_fallback = "accept"

[forms.desk]
title = "کارمندان"
access = "intranet"
fields = ["FName", "Mobile"]
line = "OTP"
line_blocked = "این شماره پیامک‌های ما را لغو کرده است."
"""


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the proofs of work be found at once."""
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 20)


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Return a factory of apps with forms that verify numbers."""
    # A busy machine may take long for a call, which would be held then.
    return lambda **changes: make_app(forms=FORMS, amoot_deadline=20, **changes)


@pytest.fixture
def client(site: Callable[..., Flask]) -> FlaskClient:
    """Return a browser without script."""
    return site().test_client()


def steps_of(client: FlaskClient) -> dict[str, int]:
    """Return how often visitors took each step of the form `club`."""
    services = delivery(client)
    services.funnel.flush()
    now, day = datetime.now(IRAN), timedelta(days=1)  # midnight may come between
    counts = services.funnel.counts((now - day).date(), now.date())
    return {str(it.step): it.count for it in counts if it.form == "club"}


PATHS = pytest.mark.parametrize("path", ["/f/club", "/embed/club"])


@PATHS
def test_right_code_sends_the_contact_and_not_before(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """The page asks for it, shows the number, and sets no cookie."""
    step = Step(client, path)
    assert step.answer.status_code == 303
    assert step.url.startswith(f"{path}/code?s=")
    assert MOBILE[1:] not in step.url
    assert step.html.outcome == "code"
    ((asked, _),) = step.html.find("input", name="Code")
    assert (asked["inputmode"], asked["autocomplete"]) == ("numeric", "one-time-code")
    assert "۰۹۱۲۱۲۳۴۵۶۷" in step.html.text(role="status")
    assert portal.contacts == []
    code = code_of(portal)
    assert re.fullmatch(r"[1-9][0-9]{4}", code)
    assert delivery(client).outbox.review.count(WAITING, most=9) == 0
    persian = code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    answer = step.press(Code=f" {persian[:2]} {persian[2:]} ")
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    (stored,) = portal.contacts
    assert (stored["FName"], stored["Labels"]) == ("سارا", ["سایت", "صبح"])
    receipt = Html(client.get(answer.headers["Location"]).text)
    assert receipt.outcome == "delivered"
    again = step.press(Code=code)
    assert again.headers["Location"] == answer.headers["Location"]
    assert client.get(step.url).headers["Location"] == answer.headers["Location"]
    assert len(portal.contacts) == len(portal.codes) == 1


def test_same_form_sent_again_asks_for_the_same_code(
    client: FlaskClient, portal: Simulator
) -> None:
    """A double click, a reload and a second tab send no other code."""
    step = Step(client, "/f/club")
    assert client.post("/f/club", data=step.sent).headers["Location"] == step.url
    assert len(portal.codes) == 1
    step.press(Code=code_of(portal))
    last = client.post("/f/club", data=step.sent).headers["Location"]
    assert "?r=" in last
    assert len(portal.codes) == len(portal.contacts) == 1


def test_wrong_codes_end_after_five_tries(client: FlaskClient, portal: Simulator) -> None:
    """Then the right one is refused as well, until another is sent."""
    step = Step(client, "/f/club")
    code = code_of(portal)
    for left in "۴۳۲۱":
        assert step.press(Code=wrong(code)).status_code == 422
        assert step.html.outcome == "invalid"
        assert step.error("Code") == f"{texts.WRONG} {texts.LAST_CODE.format(n=left)}"
    assert step.press(Code=wrong(code)).status_code == 422
    assert step.error("Code") == f"{texts.WRONG} {texts.WRONG_LAST} {texts.ASK_ANOTHER}"
    assert step.press(Code=code).status_code == 422
    assert step.error("Code") == f"{texts.USED_UP} {texts.ASK_ANOTHER}"
    assert portal.contacts == []
    elapse(client, 60)
    assert step.press(resend="1").status_code == 303
    assert step.press(Code=code).status_code == (303 if code == code_of(portal) else 422)
    assert step.press(Code=code_of(portal)).status_code == 303
    assert len(portal.contacts) == 1


def test_text_that_is_no_code_costs_no_try(client: FlaskClient, portal: Simulator) -> None:
    """However many such texts are typed."""
    step = Step(client, "/f/club")
    no_codes = ("", "  ", "1234", "123456", "12a45", "۱۲۳۴", "1234\u06d4")
    assert len(no_codes) > codes_module.MAX_TRIES
    for typed in no_codes:
        assert step.press(Code=typed).status_code == 422, typed
    assert step.press(Code=code_of(portal)).status_code == 303


def test_code_of_another_submission_or_form_is_wrong(
    client: FlaskClient, portal: Simulator
) -> None:
    """A hash belongs to one submission, a token to one form."""
    first = Step(client, "/f/club")
    code = code_of(portal)
    second = Step(client, "/f/club", Mobile=OTHER)
    if code != code_of(portal):
        assert second.press(Code=code).status_code == 422
    assert client.get(first.url.replace("club", "kind")).status_code == 410
    assert client.get("/f/club/code").headers["Location"] == "/f/club"
    assert client.get("/f/desk/code").status_code == 404
    assert portal.contacts == []


@pytest.mark.parametrize("path", ["/f/club", "/embed/club"])
def test_step_whose_token_no_key_reads_says_so_above_a_new_form(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """As after `SECRET_KEY` was lost."""
    for answer in (client.get(f"{path}/code?s=x"), client.post(f"{path}/code?s=x", data={})):
        assert answer.status_code == 410
        page = Html(answer.text)
        assert texts.GONE in page.text(role="alert")
    token = next(page.find("input", name="csrf_token"))[0]["value"]
    sent = client.post(path, data={**TYPED, "csrf_token": token})
    assert "/code?" in sent.headers["Location"]
    assert len(portal.codes) == 1


def test_code_expires_after_ten_minutes(client: FlaskClient, portal: Simulator) -> None:
    """Another one helps."""
    step = Step(client, "/f/club")
    elapse(client, 601)
    assert step.open().status_code == 200
    assert step.html.text("div", role="status") == f"{texts.EXPIRED} {texts.ASK_ANOTHER}"
    assert step.press(Code=code_of(portal)).status_code == 422
    assert step.error("Code") == f"{texts.EXPIRED} {texts.ASK_ANOTHER}"
    assert texts.SENT[1] not in step.html.text("div", role="alert"), "reads as if one was sent now"
    step.press(resend="1")
    assert step.press(Code=code_of(portal)).status_code == 303


def test_three_codes_are_sent_with_growing_pauses(client: FlaskClient, portal: Simulator) -> None:
    """Too early, the page says how long to wait."""
    step = Step(client, "/f/club")
    for pause in (60, 120):
        early = step.press(resend="1")
        assert early.status_code == 429
        assert pause - 5 <= int(early.headers["Retry-After"]) <= pause
        assert step.html.outcome == "code"
        elapse(client, pause)
        assert step.press(resend="1").status_code == 303
    elapse(client, 300)
    refused = step.press(resend="1")
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert texts.RESEND_NO_MORE in step.html.text("main")
    assert len(portal.codes) == 3


@pytest.mark.parametrize("what", ["Failed", "Token_Expired", Fault.CLOSE_WITHOUT_ANSWER])
def test_code_that_cannot_be_sent_again_leaves_the_former_one_valid(
    client: FlaskClient, portal: Simulator, what: str | Fault
) -> None:
    """Its page shows it; once no code is valid, the submission is held."""
    step, late = Step(client, "/f/club"), Step(client, "/f/club", Mobile=OTHER)
    code = portal.codes[0]["Code"]
    elapse(client, 60)
    portal.respond_with = lambda _: what
    assert step.press(resend="1").status_code == 503
    assert texts.NOT_RESENT in step.html.text(role="status")
    elapse(client, 601)
    assert "?r=" in late.press(resend="1").headers["Location"]
    elapse(client, -601)
    assert step.press(Code=wrong(code)).status_code == 422
    assert step.press(Code=code).status_code == 303
    (held,) = delivery(client).outbox.review.page(NEEDS_ATTENTION)
    assert held.status == "NumberNotVerified"


@PATHS
def test_number_is_changed_and_the_rest_stays(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """The former submission is gone once the new one is stored."""
    step = Step(client, path)
    old_code = code_of(portal)
    assert step.press(change="1").status_code == 200
    typed = step.html.values
    assert (typed["Mobile"], typed["FName"], typed["consent"]) == ([MOBILE], ["سارا"], ["true"])
    assert (typed["BornDate-day"], typed["Labels"]) == (["۱۵"], ["صبح"])
    assert "مهر" in step.html.selected
    form = next(step.html.find("form"))[0]
    assert form["action"] == path
    proof = written(solved(str(form["data-proof"])))
    fields = {name: values[0] for name, values in typed.items()}
    fields |= {"Mobile": OTHER, "proof": proof, "BornDate-month": "مهر"}
    answer = client.post(path, data=fields)
    assert answer.headers["Location"] != step.url
    gone = client.get(step.url)
    assert gone.status_code == 410
    assert texts.GONE in Html(gone.text).text(role="alert")
    assert step.press(Code=old_code).status_code == 410
    step.url = answer.headers["Location"]
    assert step.press(Code=code_of(portal)).status_code == 303
    assert [stored["Mobile"] for stored in portal.contacts] == [989129999999]


def corrected(step: Step, **fields: str) -> dict[str, str]:
    """Return the form that the step shows, corrected, with what a browser sends beside it."""
    typed = {name: values[0] for name, values in step.html.values.items()}
    proof = written(solved(str(next(step.html.find("form"))[0]["data-proof"])))
    return {**typed, "BornDate-month": "مهر", "proof": proof, **fields}


def test_error_in_a_corrected_form_keeps_what_it_replaces(
    client: FlaskClient, portal: Simulator
) -> None:
    """The former submission is gone afterwards, and the visitor counts once."""
    step = Step(client, "/f/club")
    step.press(change="1")
    back = client.post("/f/club", data=corrected(step, Mobile="0912"))
    assert back.status_code == 422
    step.html = Html(back.text)
    assert "/code" in client.post("/f/club", data=corrected(step, Mobile=OTHER)).headers["Location"]
    assert client.get(step.url).status_code == 410
    assert steps_of(client) == {"shown": 1, "submitted": 1, "code_sent": 1}
    assert len(portal.codes) == 2


def test_corrected_number_that_the_portal_refuses_erases_nothing(
    client: FlaskClient, portal: Simulator
) -> None:
    """The former submission still waits for its code; the next correction replaces it."""
    step = Step(client, "/f/club")
    code = code_of(portal)
    step.press(change="1")
    portal.answer("Mobile_Invalid")
    assert client.post("/f/club", data=corrected(step, Mobile=OTHER)).status_code == 422
    assert step.open().status_code == 200
    assert step.press(Code=code).status_code == 303
    assert [stored["FName"] for stored in portal.contacts] == ["سارا"]


def test_form_that_comes_back_unchanged_is_the_same_submission(
    client: FlaskClient, portal: Simulator
) -> None:
    """Before and after the code is typed elsewhere, it sends no code and no second contact."""
    step = Step(client, "/f/club")
    step.press(change="1")
    unchanged = corrected(step)
    assert client.post("/f/club", data=unchanged).headers["Location"] == step.url
    receipt = step.press(Code=code_of(portal)).headers["Location"]
    assert client.post("/f/club", data=unchanged).headers["Location"] == receipt
    assert len(portal.codes) == len(portal.contacts) == 1
    answer = client.post("/f/club", data={**unchanged, "FName": "زهرا"})
    assert "/f/club?r=" in answer.headers["Location"]
    assert [stored["FName"] for stored in portal.contacts] == ["سارا", "زهرا"]


def test_misspelt_mail_that_was_meant_is_not_asked_about_again_with_the_corrected_number(
    client: FlaskClient, portal: Simulator
) -> None:
    """It is stored, so its person has answered; another one is asked about."""
    misspelt = "sara@gmial.com"
    step = Step(client, "/f/club", Email=misspelt, **{"Email-asked": misspelt})
    step.press(change="1")
    assert client.post("/f/club", data=corrected(step, Email="sara@yaho.com")).status_code == 422
    assert "/code" in client.post("/f/club", data=corrected(step, Mobile=OTHER)).headers["Location"]
    assert len(portal.codes) == 2


def test_fifty_right_codes_at_once_are_one_contact(client: FlaskClient, portal: Simulator) -> None:
    """One wins; the others wait for its outcome."""
    step = Step(client, "/f/club")
    code, app = code_of(portal), client.application
    portal.latency = 0.3
    with ThreadPoolExecutor(50) as threads:
        answers = list(
            threads.map(
                lambda _: app.test_client().post(step.url, data={"Code": code}).headers["Location"],
                range(50),
            )
        )
    assert len(set(answers)) == 1
    assert len(portal.contacts) == 1


def test_fifty_tries_at_once_are_five(client: FlaskClient, portal: Simulator) -> None:
    """Each is counted before it is compared."""
    step = Step(client, "/f/club")
    code, app = code_of(portal), client.application
    with ThreadPoolExecutor(50) as threads:
        pages = threads.map(
            lambda _: app.test_client().post(step.url, data={"Code": wrong(code)}).text, range(50)
        )
        said = [Html(page).text(id="Code-error") for page in pages]
    assert sum(texts.USED_UP in it for it in said) == 45
    assert step.press(Code=code).status_code == 422


def test_guesser_gets_fifteen_tries_a_submission(
    client: FlaskClient, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes of four digits, guessed as long as the page compares them; none of them is right."""
    monkeypatch.setattr(sender, "new_code", lambda length: "9" * length)
    monkeypatch.setattr(verification, "time", FakeClock())  # after all tries there is a wait
    rounds, compared, hits = 3, 0, 0
    for number in range(rounds):
        step = Step(client, "/f/kind", Mobile=f"0912111111{number}", proof="")
        for sending in range(4):
            for guess in range(7):
                answer = step.press(Code=f"{1000 + 97 * guess + sending}")
                hits += answer.status_code == 303
                compared += texts.USED_UP not in answer.text
            elapse(client, 300)
            step.press(resend="1")
    assert compared <= 15 * rounds
    assert hits == 0
    assert len(portal.codes) == 3 * rounds


def test_robot_in_the_honeypot_is_asked_for_a_code_that_never_comes(
    client: FlaskClient, portal: Simulator
) -> None:
    """It learns nothing; the operator has it."""
    person, robot = (
        Step(client, "/f/club"),
        Step(client, "/f/club", Mobile=OTHER, **{HONEYPOT_INPUT: "x"}),
    )

    def said(step: Step) -> str:
        return re.sub(r"۰۹۱۲[۰-۹]{7}|[۰-۹]+ ثانیه", "", step.html.text("main"))

    assert said(person) == said(robot)
    assert len(portal.codes) == 1
    code = wrong(code_of(portal))
    for _ in range(6):
        assert person.press(Code=code).status_code == robot.press(Code=code).status_code == 422
        assert said(person) == said(robot)
    assert person.press(resend="1").status_code == robot.press(resend="1").status_code == 429
    assert person.press(change="1").status_code == robot.press(change="1").status_code == 200
    assert [row.status for row in delivery(client).outbox.review.page(NEEDS_ATTENTION)] == [
        "honeypot"
    ]
    assert steps_of(client)["code_sent"] == 1
    assert portal.contacts == []


def test_visitor_without_script_gets_a_code_under_a_tighter_limit(
    site: Callable[..., Flask], portal: Simulator
) -> None:
    """Beyond it, an operator looks first, as on other forms."""
    client = site(limit_code_unproven="2/hour").test_client()
    urls = [Step(client, "/f/club", proof="", Mobile=f"0912000000{n}").url for n in range(3)]
    assert ["/code?s=" in url for url in urls] == [True, True, False]
    assert len(portal.codes) == 2
    (held,) = delivery(client).outbox.review.page(NEEDS_ATTENTION)
    assert held.status == "proof"


FAILURES = ["Failed", "CreditNotEnough", "Token_NotAllowMethod", "AccountIsDemo", "Length_Invalid"]
FAULTS = [Fault.HTTP_502, Fault.CLOSE_WITHOUT_ANSWER, Fault.HTML]


@pytest.mark.parametrize("what", [*FAILURES, *FAULTS])
def test_code_that_cannot_be_sent_holds_the_submission_and_pauses_nothing(
    client: FlaskClient, portal: Simulator, what: str | Fault
) -> None:
    """The visitor's page says that it was received; the operators' list has the reason."""
    portal.respond_with = lambda asked: what if asked.path.endswith("OTP") else "Success"
    step = Step(client, "/f/club")
    assert step.html.outcome == "queued"
    (held,) = delivery(client).outbox.review.page(NEEDS_ATTENTION)
    assert held.status == "NumberNotVerified"
    assert delivery(client).breaker.read_pause() is None
    outbox = client.get("/outbox").text
    assert "شماره تأیید نشده است" in outbox
    assert "data-codes=" in outbox
    assert 'amoot_form_codes_failing{reason="' in client.get("/metrics").text
    assert delivery(client).outbox.review.retry() == 0
    portal.respond_with = None
    assert "/code" in Step(client, "/f/club", Mobile=OTHER).url
    assert "data-codes=" not in client.get("/outbox").text
    assert portal.contacts == []


@pytest.mark.parametrize("status", ["Token_Expired", "User_Disabled", "System_Disabled"])
def test_refused_account_pauses_the_queue_as_well(
    client: FlaskClient, portal: Simulator, status: str
) -> None:
    """Contacts would be refused, too."""
    portal.answer(status)
    assert Step(client, "/f/club").html.outcome == "queued"
    assert delivery(client).breaker.read_pause().status == status


@PATHS
def test_held_submission_is_received_and_not_recorded(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """Title and text only promise an answer by the organisation."""
    portal.answer("Failed")
    step = Step(client, path)
    assert step.html.text("title") == messages.TITLE_RECEIVED.format(title="باشگاه")
    said = step.html.text(role="status")
    assert messages.HELD_PUBLIC in said
    assert "NumberNotVerified" not in said
    other = Step(client, path, Mobile=OTHER)
    other.press(Code=code_of(portal))
    other.open()
    assert other.html.text("title") == messages.TITLE_DONE.format(title="باشگاه")


def test_request_to_slow_down_pauses_the_queue_as_well(
    client: FlaskClient, portal: Simulator
) -> None:
    """Contacts and further codes wait as long as the portal asks."""
    portal.respond_with = lambda _: Fault.HTTP_429_SECONDS
    assert Step(client, "/f/club").html.outcome == "queued"
    assert delivery(client).breaker.read_pause().status == SLOW_DOWN
    asked = len(portal.requests)
    assert Step(client, "/f/club", Mobile=OTHER).html.outcome == "queued"
    assert len(portal.requests) == asked


def test_fallback_accept_sends_with_a_label(client: FlaskClient, portal: Simulator) -> None:
    """The label distinguishes these from the verified ones."""
    portal.answer("CreditNotEnough")
    assert Step(client, "/f/kind").html.outcome == "queued"
    services = delivery(client)
    (row,) = services.outbox.claim(1)
    services.sender.attempt(row)
    assert [stored["Labels"] for stored in portal.contacts] == [[texts.NOT_VERIFIED_LABEL]]


def test_budget_of_the_day_is_kept_by_all_together(
    site: Callable[..., Flask], portal: Simulator
) -> None:
    """Two processes share it; beyond it, the fallback."""
    clients = [site(codes_per_day=3).test_client() for _ in range(2)]
    steps = [Step(clients[n % 2], "/f/club", Mobile=f"0912000000{n}") for n in range(5)]
    assert [step.html.outcome for step in steps] == ["code"] * 3 + ["queued"] * 2
    assert len(portal.codes) == 3
    assert delivery(clients[0]).codes.trouble.read() == "CodesOfDayUsedUp"


def test_number_that_has_had_its_codes_gets_no_other(
    site: Callable[..., Flask], portal: Simulator
) -> None:
    """No number gets too many codes; what was typed stays."""
    client = site(limit_code_mobile="1/hour").test_client()
    step = Step(client, "/f/club")
    page = Page(client, "/f/club")
    proof = written(solved(str(next(page.html.find("form"))[0]["data-proof"])))
    refused = page.send(proof=proof, **TYPED)
    assert refused.status_code == 429
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    assert page.html.values["FName"] == ["سارا"]
    elapse(client, 60)
    refused = step.press(resend="1")
    assert refused.status_code == 429
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    assert texts.TOO_MANY.format(n="۶۰") in step.html.text(role="status")
    assert len(portal.codes) == 1


def test_number_that_the_portal_refuses_is_an_error_of_its_field(
    client: FlaskClient, portal: Simulator
) -> None:
    """Before and after the code; the second time no other code is needed."""
    portal.answer("Mobile_Invalid")
    page = Page(client, "/f/kind")
    assert page.send(Mobile=MOBILE, FName="سارا").status_code == 422
    assert page.error("Mobile")
    step = Step(client, "/f/club", FName="")
    portal.answer("FirstNameOrLastName_Empty")
    assert step.press(Code=code_of(portal)).status_code == 422
    assert step.html.outcome == "rejected" or step.error("FName")
    fields = {name: values[0] for name, values in step.html.values.items()}
    form = next(step.html.find("form"))[0]
    fields |= {"FName": "سارا", "BornDate-month": "مهر"}
    fields["proof"] = ""  # as without script
    assert form["action"] == "/f/club"
    sent = len(portal.codes)
    answer = client.post("/f/club", data=fields)
    assert "?r=" in answer.headers["Location"]
    assert len(portal.codes) == sent
    assert [stored["FName"] for stored in portal.contacts] == ["سارا"]


def test_blocked_line_is_shown_only_after_the_code(client: FlaskClient, portal: Simulator) -> None:
    """And to operators with their own text; silence where the call fails."""
    portal.blocked = {MOBILE: {"30001234", "OTP"}}
    asked = lambda: [r for r in portal.requests if r.path.endswith("Cancelation")]  # noqa: E731
    step = Step(client, "/f/club")
    assert not asked()
    step.press(Code=code_of(portal))
    assert len(asked()) == 1
    receipt = step.press(Code="").headers["Location"]
    assert client.get(receipt).status_code == 200
    page = Page(client, "/f/desk")
    page.send(Mobile=MOBILE)
    assert "این شماره پیامک‌های ما را لغو کرده است." in page.html.text(role="status")
    portal.answer("Success")
    portal.answer("Failed")
    page = Page(client, "/f/desk")
    page.send(Mobile=MOBILE, FName="دیگر")
    assert page.html.outcome == "delivered"
    assert "لغو" not in page.html.text(role="status")


def test_unverified_submission_is_nobodys_business_and_gone_after_an_hour(
    client: FlaskClient, portal: Simulator
) -> None:
    """It does not wait, is neither claimed nor listed, and is erased."""
    step = Step(client, "/f/club")
    reference = str(next(step.html.find("div", role="status"))[0]["data-reference"])
    services = delivery(client)
    assert services.outbox.claim(9) == services.outbox.claim(9, probe=True) == []
    assert services.outbox.review.get(reference) is None
    assert client.get(f"/outbox/{reference}").status_code == 404
    assert services.outbox.review.discard(reference) is False
    services.statistics.count_settled()
    assert client.get("/statistics").status_code == 200
    with services.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET due = created_at")
    elapse(client, 3601)
    for job in services.worker._jobs:  # noqa: SLF001
        if job.work.__name__.endswith("purge"):
            job.work()
    with services.database.read() as connection:
        for table in ("outbox", "codes"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0  # noqa: S608
    assert step.press(Code=code_of(portal)).status_code == 410
    assert texts.GONE in step.html.text(role="alert")


def test_log_holds_no_code_and_no_number(
    client: FlaskClient, portal: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Only references and statuses."""
    caplog.set_level("DEBUG")
    step = Step(client, "/f/club")
    step.press(Code=wrong(code_of(portal)))
    elapse(client, 60)
    step.press(resend="1")
    step.press(Code=code_of(portal))
    assert "number verified" in caplog.text
    for secret in (MOBILE[1:], *(sent["Code"] for sent in portal.codes)):
        assert secret not in caplog.text


def test_page_says_the_number_beside_an_error_and_that_another_code_was_sent(
    client: FlaskClient, portal: Simulator
) -> None:
    """A reload after the code has expired does not say so any more."""
    step = Step(client, "/f/club")
    step.press(Code=wrong(code_of(portal)))
    assert "۰۹۱۲۱۲۳۴۵۶۷" in step.html.text(role="alert")
    elapse(client, 60)
    step.url = step.press(resend="1").headers["Location"]
    step.open()
    assert texts.RESENT in step.html.text(role="status")
    elapse(client, 601)
    step.open()
    assert texts.RESENT not in step.html.text(role="status")
