"""Operators, while the portal refuses, is silent, cannot be understood or is gone."""

from collections.abc import Callable
from http import HTTPStatus

from playwright.sync_api import Page, expect
from walking import Installation, bring, open_entry, send, until, until_page
from werkzeug.security import generate_password_hash

from webapp import messages
from webapp.demo.faults import Fault
from webapp.demo.http import Captured
from webapp.messages import desk as texts
from webapp.messages import imports, statistics
from webapp.persian import persian_digits

DELIVERED, QUEUED = "[data-outcome=delivered]", "[data-outcome=queued]"
COUNT = "nav .count"  # in the header: how many need attention


def test_operator_mends_an_error_confirms_a_known_number_and_corrects_what_waits_in_the_outbox(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """Back sends nothing; once the account works again, each contact has arrived once."""
    desk = person(base_url=shared.url)
    desk.goto("/f/asking")
    send(desk, Mobile="09122220001", FName="سارا")
    expect(desk.locator(DELIVERED)).to_be_visible()

    send(desk, Mobile="۰۹۱۲۲۲۲۰۰۰۱", FName="رضا", Email="reza@gmail.con")
    desk.locator("[role=alert] a").click()
    expect(desk.locator("#Email")).to_be_focused()
    send(desk, Email="reza@gmail.com")
    question = desk.locator("[data-outcome=duplicate]")
    expect(question).to_contain_text("سارا")
    assert shared.received() == ["سارا"]
    question.get_by_role("button", name=texts.DUPLICATE_CREATE).click()
    expect(desk.locator(DELIVERED)).to_be_visible()
    desk.go_back()
    expect(desk.locator("#FName")).to_have_value("رضا")
    assert shared.received() == ["رضا", "سارا"]

    shared.portal.mood = lambda _: "Token_Expired"
    desk.goto("/f/asking")
    send(desk, Mobile="09122220002", FName="نیما")
    expect(desk.locator(QUEUED)).to_contain_text("Token_Expired")
    expect(desk.locator(".recent tbody tr").first).to_contain_text(texts.RECENT_QUEUED)
    desk.locator(QUEUED).get_by_role("link", name=messages.OUTBOX_LINK).click()
    expect(desk.locator("[data-pause=Token_Expired]")).to_be_visible()
    until("the correction is taken", lambda: is_corrected(desk, FName="نیما کاظمی"))
    shared.portal.mood = None
    shared.wait_until_delivered()
    assert shared.received() == ["رضا", "سارا", "نیما کاظمی"]
    desk.goto("/f/asking")
    expect(desk.locator(".recent tbody tr").first).to_contain_text(texts.RECENT_DELIVERED)
    expect(desk.locator(COUNT)).to_be_hidden()


def is_corrected(desk: Page, **typed: str) -> bool:
    """Correct what waits; say whether that was possible: it may be just on its way as a probe."""
    until_page(desk, "/outbox?waiting=1", "article a.second", "what waits can be corrected")
    desk.locator(".listing summary").click()
    desk.get_by_role("link", name=messages.CORRECT).click()
    answer = desk.locator("[data-outcome]")
    expect(desk.locator("#FName").or_(answer)).to_be_visible()
    if not answer.count():
        send(desk, **typed)
    expect(answer).to_be_visible()
    return answer.get_attribute("data-outcome") == "queued"


def test_rejection_that_no_form_can_mend_is_mended_in_the_outbox_and_all_pages_agree(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """A visitor reads "received"; the operator's list and the statistics say what it became."""
    rejections = ("FirstNameOrLastName_Empty",) * 2
    for status in rejections:
        shared.portal.answer(status)
    visitor = person(base_url=shared.url)
    visitor.goto("/f/number")
    send(visitor, Mobile="09123330001")
    receipt = visitor.locator(QUEUED)
    expect(receipt).to_contain_text(messages.HELD_PUBLIC)
    expect(visitor.locator("body")).not_to_contain_text("FirstName")
    reference = receipt.get_attribute("data-reference")

    desk = person(base_url=shared.url)
    desk.goto("/f/digits")
    send(desk, Mobile="09123330002")
    expect(desk.locator(QUEUED)).to_contain_text(messages.HELD)
    two = texts.ATTENTION.format(n="۲")
    until_page(desk, "/f/digits", f"{COUNT}:has-text('{two}')", "two need attention")
    desk.locator(".recent").get_by_role("link", name=messages.NEEDS_ATTENTION).click()
    send(desk, FName="نیما")
    expect(desk.locator(DELIVERED)).to_be_visible()
    card = open_entry(desk, reference or "")
    expect(card).to_contain_text("FirstNameOrLastName_Empty")
    card.get_by_role("link", name=messages.CORRECT).click()
    send(desk, FName="سارا")
    expect(desk.locator(DELIVERED)).to_be_visible()
    expect(desk.get_by_text(messages.NEEDS_ATTENTION_NONE)).to_be_visible()
    expect(desk.locator(COUNT)).to_be_hidden()
    assert shared.received() == ["سارا", "نیما"]

    desk.goto("/f/digits")
    expect(desk.locator(".recent tbody tr")).to_have_count(1)
    expect(desk.locator(".recent tbody tr")).to_contain_text(texts.RECENT_DELIVERED)
    forms = "table:has(#form) tr:has(th:has-text('{}')):has(td:nth-of-type(1):text-is('۱'))"
    for title in ("شمارهٔ شما", "ثبت شماره"):
        until_page(desk, "/statistics", forms.format(title), f"{title}: one contact delivered")
        title_of_table = statistics.SHOW_TABLE.format(title=statistics.BY_FORM)
        desk.locator("summary", has_text=title_of_table).click()
        cells = desk.locator(forms.format(title)).locator("td").all_inner_texts()
        assert cells[:6] == ["۱", "۰", "۰", "۰", "۰", "۱"]


def test_contacts_that_perhaps_arrived_twice_are_left_to_the_operator_with_both_times(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """No answer can be read, no search is allowed: one is discarded, the other sent again."""

    def unclear(request: Captured) -> str | Fault:
        if request.path.endswith("ContactCreate"):
            return Fault.HTML
        return "Token_NotAllowMethod" if request.path.endswith("ContactSearch") else "Success"

    shared.portal.mood = unclear
    desk = person(base_url=shared.url)
    references = []
    for mobile, name in (("09124440001", "سارا"), ("09124440002", "نیما")):
        desk.goto("/")
        send(desk, Mobile=mobile, FName=name)
        expect(desk.locator(QUEUED)).to_be_visible()
        references.append(desk.locator(QUEUED).get_attribute("data-reference") or "")
    until(
        "both are left to the operator",
        lambda: shared.states()[-2:] == [("held", "PerhapsRecorded")] * 2,
    )
    assert [shared.attempts(mobile) for mobile in ("09124440001", "09124440002")] == [2, 2]
    desk.goto("/outbox")
    first, last = (open_entry(desk, reference) for reference in references)
    for card in (first, last):
        before, between, after = messages.SENT_TWICE.replace("{last}", "{first}").split("{first}")
        expect(card).to_contain_text(before)
        expect(card).to_contain_text(between)
        expect(card).to_contain_text(after)
        expect(card).not_to_contain_text(messages.UNKNOWN_TIME)

    shared.portal.mood = None
    until("the queue runs again", lambda: not shared.is_paused())
    first.get_by_role("link", name=messages.DISCARD).click()
    desk.get_by_role("button", name=messages.DISCARD_FOR_GOOD).click()
    expect(desk.locator("[data-outcome=discarded]")).to_be_visible()
    open_entry(desk, references[1]).get_by_role("button", name=messages.RETRY_ONE).click()
    expect(desk.locator("[data-outcome=retried]")).to_be_visible()
    shared.wait_until_delivered()
    assert shared.received() == ["نیما"]
    assert [shared.attempts(mobile) for mobile in ("09124440001", "09124440002")] == [2, 3]
    desk.goto("/")
    expect(desk.locator(COUNT)).to_be_hidden()
    expect(desk.locator(".recent tbody tr").last).to_contain_text(texts.RECENT_GONE)


def test_nobody_waits_for_a_portal_that_is_busy_and_then_gone_while_a_file_is_imported(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """Each page says why contacts wait, a visitor reads none of it, and then all has arrived."""
    shared.portal.mood = lambda _: Fault.HTTP_429_SECONDS
    desk, importing, visitor = (person(base_url=shared.url) for _ in range(3))
    bring(importing, *(f"091255500{number:02},ردیف" for number in range(12)))
    importing.locator("[name=go]").click()
    expect(importing.locator("#progress")).to_contain_text(imports.HELD_UP)
    expect(importing.locator("[data-rows-sent='0'][data-rows-waiting='12']")).to_be_visible()
    desk.goto("/")
    expect(desk.locator("[data-pause=SlowDown]")).to_be_visible()
    send(desk, Mobile="09125550020", FName="سارا")
    expect(desk.locator(QUEUED)).to_contain_text("SlowDown")
    assert shared.attempts("09125550020") == 0

    shared.portal.close()
    until_page(
        desk, "/outbox", "[data-pause=ConnectionFailed]", "the pause has another cause: no portal"
    )
    visitor.goto("/f/busy")
    send(visitor, Mobile="09125550021", FName="نیما")
    expect(visitor.locator(QUEUED)).to_contain_text(messages.RECEIVED_PUBLIC)
    assert visitor.locator("[data-pause], nav").count() == 0
    expect(importing.locator("#progress")).to_contain_text(imports.HELD_UP)
    desk.goto("/statistics")
    waiting = persian_digits(sum(state == "queued" for state, _ in shared.states()))
    tile = desk.locator(".numbers div", has_text=statistics.OUTCOMES["waiting"])
    expect(tile).to_contain_text(waiting)

    shared.portal.mood = None
    shared.portal.start()
    expect(importing.locator("[data-rows-sent='12'][data-rows-waiting='0']")).to_be_visible()
    shared.wait_until_delivered()
    assert shared.received() == sorted(["ردیف"] * 12 + ["سارا", "نیما"])
    desk.goto("/outbox")
    expect(desk.get_by_text(messages.IN_QUEUE_NONE)).to_be_visible()
    desk.goto("/")
    expect(desk.locator(f"[data-pause], {COUNT}")).to_have_count(0)


def test_operator_logs_in_after_a_wrong_password_and_a_stranger_gets_only_the_public_form(
    own: Callable[..., Installation], person: Callable[..., Page]
) -> None:
    """The name stands beside what the operator typed, and beside nothing of the visitor's."""
    password = "a password of the tests"
    hash_ = generate_password_hash(password, method="pbkdf2:sha256:1000")
    installation = own(INTRANET_USERS=f"sara:{hash_}")
    installation.start()
    url = installation.url
    mistaken = person(base_url=url, http_credentials={"username": "sara", "password": "wrong"})
    assert mistaken.request.get("/").status == HTTPStatus.UNAUTHORIZED

    installation.portal.mood = lambda _: "CreditNotEnough"
    desk = person(base_url=url, http_credentials={"username": "sara", "password": password})
    desk.goto("/")
    expect(desk.locator("nav")).to_contain_text("sara")
    send(desk, Mobile="09127770001", FName="سارا")
    expect(desk.locator(QUEUED)).to_contain_text("CreditNotEnough")

    stranger = person(base_url=url)
    for path in ("/", "/f/asking", "/outbox", "/import", "/statistics", "/install/event", "/help"):
        refused = stranger.request.get(path)
        assert (path, refused.status) == (path, HTTPStatus.UNAUTHORIZED)
        assert messages.ERRORS[401][0] in refused.text()
    stranger.goto("/f/busy")
    send(stranger, Mobile="09127770002", FName="نیما")
    expect(stranger.locator(QUEUED)).to_contain_text(messages.RECEIVED_PUBLIC)
    assert stranger.locator("[data-pause], nav, .recent").count() == 0
    assert stranger.context.cookies() == []

    desk.goto("/outbox?waiting=1")
    named = messages.OPERATOR
    typed, signed_up = (desk.locator("article", has_text=name) for name in ("سارا", "نیما"))
    expect(typed).to_contain_text(f"{named} sara")
    expect(signed_up).not_to_contain_text(named)
    installation.portal.mood = None
    installation.wait_until_delivered()
    assert installation.received() == ["سارا", "نیما"]
