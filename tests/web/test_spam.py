"""What stands between robots and the portal, and lets people through."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page, solved, written

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import HONEYPOT_INPUT
from webapp.outbox import Outbox
from webapp.outbox.rows import NEEDS_ATTENTION, Submission
from webapp.web.rendering import EXTENSION

MOBILE = "09121234567"

FORMS = """
[forms.proven]
title = "با بررسی"
access = "public"
fields = ["FName", "Mobile"]
proof_of_work = true
embed_origins = ["https://example.ir"]
"""


@pytest.fixture(params=["/f/signup", "/embed/signup"])
def page(client: FlaskClient, request: pytest.FixtureRequest) -> Page:
    """Return the visitors' form, on a page of its own and in a frame."""
    return Page(client, request.param)


def held(page: Page) -> list[Submission]:
    """Return what an operator should look at."""
    found: Outbox = page.client.application.extensions[EXTENSION].delivery.outbox
    return found.review.page(NEEDS_ATTENTION)


def send(page: Page, **fields: str) -> int:
    """Sign up; return the status."""
    return page.send(Mobile=MOBILE, FName="سارا", consent="true", **fields).status_code


def test_honeypot_is_out_of_reach_for_people(page: Page) -> None:
    """No screen reader, no tab key and no autofill comes to it."""
    ((bait, _),) = page.html.find("input", name=HONEYPOT_INPUT)
    assert (bait["tabindex"], bait["autocomplete"]) == ("-1", "off")
    ((_, text),) = page.html.find("div", **{"class": "bait"}, aria_hidden="true")
    assert text == messages.LEAVE_EMPTY


def test_submission_with_the_honeypot_filled_is_answered_as_any_other_and_held(
    page: Page, portal: Simulator
) -> None:
    """The same page but for the reference; the operator has it, the portal does not."""
    assert send(page) == 200
    answers = [page.html.text("body").replace(grouped(reference(page)), "…")]
    page = Page(page.client, page.path)
    assert send(page, **{HONEYPOT_INPUT: "http://spam.example"}) == 200
    answers.append(page.html.text("body").replace(grouped(reference(page)), "…"))
    assert answers[0] == answers[1]
    assert page.html.outcome == "delivered"
    assert len(portal.contacts) == 1
    (submission,) = held(page)
    assert (submission.status, submission.form, submission.contact["Mobile"]) == (
        "honeypot",
        "signup",
        MOBILE,
    )
    assert submission.reference == reference(page)


def reference(page: Page) -> str:
    """Return the reference on a page."""
    return str(next(page.html.find("div", role="status"))[0]["data-reference"])


def grouped(reference: str) -> str:
    """Return a reference as pages show it."""
    return f"{reference[:4]} {reference[4:]}"


def test_number_of_suspects_in_the_list_is_limited(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """Beyond the limit nothing is stored; people with script are not touched, nor is the header."""
    client = make_app(limit_suspects="2/minute").test_client()
    page = Page(client, "/f/signup")
    robots = {f"0912555000{n}": {HONEYPOT_INPUT: "x"} for n in range(3)}
    answers = [
        Page(client, page.path).send(Mobile=mobile, consent="true", **fields)
        for mobile, fields in {**robots, "09125550009": {}}.items()
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert messages.TOO_MANY.format(n="۱") in Html(answers[2].text).text(role="alert")
    assert len(held(page)) == 2
    assert len(portal.contacts) == 1
    outbox = Html(client.get("/outbox").text)
    assert next(outbox.find("a", href="/outbox?suspects=1"))[0]["data-suspects"] == "2"
    assert not list(outbox.find("span", **{"class": "count"}))
    metric = 'amoot_form_limits_hit_total{limit="LIMIT_SUSPECTS"} 1.0'
    assert metric in client.get("/metrics").text


def test_suspect_beyond_the_limit_is_refused_with_the_minutes_to_wait(
    make_app: Callable[..., Flask],
) -> None:
    """It may be a person whose browser has no script: the sentence has no placeholder."""
    client = make_app(limit_suspects="1/hour").test_client()
    for mobile in ("09125550011", "09125550012"):
        page = Page(client, "/f/signup")
        page.send(Mobile=mobile, consent="true", **{HONEYPOT_INPUT: "x"})
    told = page.html.text(role="alert")
    assert messages.TOO_MANY.partition("{n}")[0] in told
    assert "{n}" not in told


def test_one_network_takes_only_a_part_of_what_a_form_may_have_of_suspects(
    make_app: Callable[..., Flask],
) -> None:
    """So a visitor without script elsewhere is not refused for what one stranger has sent."""
    app = make_app(forms=FORMS, limit_suspects="5/hour", limit_suspects_address="2/hour")
    client, statuses = app.test_client(), []
    for number, address in enumerate(["203.0.113.1", "203.0.113.2", "203.0.113.3", "192.0.2.1"]):
        client.environ_base["REMOTE_ADDR"] = address
        page = Page(client, "/f/proven")
        statuses.append(page.send(Mobile=f"0912555002{number}", FName="سارا").status_code)
    assert statuses == [200, 200, 429, 200]


def test_operators_forms_have_no_honeypot(client: FlaskClient) -> None:
    """They type all day, on the intranet."""
    assert not list(Page(client).html.find("input", name=HONEYPOT_INPUT))


@pytest.mark.parametrize("path", ["/f/signup", "/embed/signup"])
def test_too_many_submissions_are_refused_and_what_was_typed_stays(
    make_app: Callable[..., Flask], portal: Simulator, path: str
) -> None:
    """429 on the form itself."""
    page = Page(make_app(limit_address="2/minute").test_client(), path)
    for mobile in ("09121111111", "09122222222"):
        assert page.send(Mobile=mobile, consent="true").status_code == 200
        page = Page(page.client, path)
    assert send(page) == 429
    assert messages.TOO_MANY.format(n="۱") in page.html.text(role="alert")
    assert page.html.outcome == "invalid"
    assert page.html.values["FName"] == ["سارا"]
    assert len(portal.contacts) == 2


def test_one_number_is_not_flooded(make_app: Callable[..., Flask], portal: Simulator) -> None:
    """In any spelling; another number is not affected."""
    client = make_app(limit_mobile="1/hour").test_client()
    statuses = [
        Page(client, "/f/signup").send(Mobile=mobile, consent="true").status_code
        for mobile in (MOBILE, "+98 912 123 4567", "۰۹۱۲۹۹۹۹۹۹۹")
    ]
    assert statuses == [200, 429, 200]
    assert len(portal.contacts) == 2


@pytest.mark.parametrize("path", ["/f/signup", "/embed/signup"])
def test_same_form_sent_again_is_answered_alike_and_not_counted(
    make_app: Callable[..., Flask], portal: Simulator, path: str
) -> None:
    """A reload, a double click or a retry on a bad network: one contact, one reference."""
    client = make_app(limit_mobile="1/hour").test_client()
    page = Page(client, path)
    data = {"csrf_token": page.token, "Mobile": MOBILE, "consent": "true"}
    pages = [Html(client.post(path, data=data, follow_redirects=True).text) for _ in range(3)]
    assert {html.outcome for html in pages} == {"delivered"}
    assert len({html.text(role="status") for html in pages}) == 1
    assert len(portal.contacts) == 1
    assert client.post(path, data={**data, "FName": "دیگر"}).status_code == 429


def test_error_costs_nothing(make_app: Callable[..., Flask]) -> None:
    """Only what would have been sent is counted."""
    page = Page(make_app(limit_address="1/minute").test_client(), "/f/signup")
    for _ in range(5):
        assert page.send(Mobile="0912").status_code == 422
    assert send(page) == 200


def test_operators_are_not_limited(make_app: Callable[..., Flask]) -> None:
    """The limits are for public forms."""
    client = make_app(limit_address="1/minute", limit_mobile="1/minute").test_client()
    for _ in range(3):
        assert Page(client).send(Mobile=MOBILE).status_code == 200


def test_failed_logins_are_limited(make_app: Callable[..., Flask]) -> None:
    """After too many, the right password does not help for a while."""
    client = make_app(
        limit_login="2/minute", intranet_users={"sara": "pbkdf2:sha256:1$x$00"}
    ).test_client()
    answers = [client.get("/", auth=("sara", "guess")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 121
    assert client.get("/").status_code == 429


@pytest.mark.parametrize("limit", ["limit_total", "limit_form", "limit_address", "limit_mobile"])
def test_refused_submission_says_when_to_try_again(
    make_app: Callable[..., Flask], limit: str
) -> None:
    """By `Retry-After`, whichever limit is used up."""
    client = make_app(**{limit: "1/minute"}).test_client()
    for _ in range(2):
        answer = Page(client, "/f/signup").send(follow=False, Mobile=MOBILE, consent="true")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 121


@pytest.fixture
def proven(make_app: Callable[..., Flask]) -> Page:
    """Return a form that asks for a proof of work."""
    return Page(make_app(forms=FORMS).test_client(), "/embed/proven")


def test_submission_without_script_has_no_proof_and_waits_for_an_operator(
    proven: Page, portal: Simulator
) -> None:
    """Nothing is lost, and the page says only that it was received."""
    assert send(proven, proof="") == 200
    assert proven.html.outcome == "queued"
    assert not portal.contacts
    assert [submission.status for submission in held(proven)] == ["proof"]


def test_database_out_of_reach_is_reported(
    make_app: Callable[..., Flask], tmp_path: Path, portal: Simulator
) -> None:
    """503, nothing recorded, everything typed still there."""
    file = tmp_path / "forms.toml"
    file.write_text(FORMS)
    client = make_app(forms_file=file, database_url=f"sqlite:///{file}/x").test_client()
    answers = []
    for proof in ("", None):
        page = Page(client, "/embed/proven")
        answer = work(page) if proof is None else proof
        answers.append(send(page, proof=answer))
        assert page.html.values["FName"] == ["سارا"]
        assert messages.UNSTORED_PUBLIC in page.html.text(role="alert")
    assert answers == [503, 503]
    assert not portal.contacts


def work(page: Page) -> str:
    """Do the work that a page asks for, as its script would."""
    return written(solved(str(next(page.html.find("form"))[0]["data-proof"])))


def test_proof_opens_the_way_once(proven: Page, portal: Simulator) -> None:
    """The solution of one page is no good on the next."""
    proof = work(proven)
    assert send(proven, proof=proof) == 200
    assert len(portal.contacts) == 1
    assert send(Page(proven.client, proven.path), proof=proof) == 422
    assert len(portal.contacts) == 1


def test_false_proof_brings_the_form_back(proven: Page, portal: Simulator) -> None:
    """With everything typed, and a fresh challenge."""
    before = next(proven.html.find("form"))[0]["data-proof"]
    assert send(proven, proof="bm9uc2Vuc2U=") == 422
    assert messages.UNPROVEN in proven.html.text(role="alert")
    assert proven.html.values["FName"] == ["سارا"]
    assert proven.html.values["proof"] == [""]
    assert next(proven.html.find("form"))[0]["data-proof"] != before
    assert not portal.contacts
    assert held(proven) == []


@pytest.mark.slow
def test_form_sent_many_times_at_once_is_one_submission(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """It counts once against the limits, its proof is spent once, and all get one answer."""
    app = make_app(forms=FORMS, limit_mobile="1/hour", threads=32)
    page = Page(app.test_client(), "/embed/proven")
    data = {"csrf_token": page.token, "Mobile": MOBILE, "proof": work(page)}
    with ThreadPoolExecutor(20) as threads:
        answers = list(
            threads.map(lambda _: app.test_client().post(page.path, data=data), range(20))
        )
    assert {(answer.status_code, answer.location) for answer in answers} == {
        (303, answers[0].location)
    }
    assert len(portal.contacts) == 1
