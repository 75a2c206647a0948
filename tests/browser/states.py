"""Every page and state of the project, and how a person gets there."""

import time
from typing import Final

from playwright.sync_api import Page
from support import TOKEN, wait_until

from webapp import messages
from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.forms import HONEYPOT_INPUT
from webapp.messages import desk
from webapp.portal.client import AmootPortal
from webapp.web.security import MAX_BODY_BYTES

MOBILE: Final = "۰۹۱۲۱۲۳۴۵۶۷"
MORE: Final = "summary"


def submit(tab: Page) -> None:
    """Press the form's button and wait for the answer."""
    with tab.expect_navigation():
        tab.locator("button[type=submit]").click()


def answer_to(simulator: Simulator, method: str, status: str) -> None:
    """Have one method answer with a status: the worker may call the others at any time."""
    simulator.mood = lambda request: status if request.path.endswith(method) else "Success"


def empty(tab: Page, _: Simulator) -> None:
    """Open the operators' form."""
    tab.goto("/")


def help_page(tab: Page, _: Simulator) -> None:
    """Open the help."""
    tab.goto("/help")


def keys(tab: Page, _: Simulator) -> None:
    """Open the list of keys below a list of submissions."""
    tab.goto("/")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#CityName").fill("تهران")
    submit(tab)
    tab.get_by_role("button", name=desk.KEYS).click()


def opened(tab: Page, _: Simulator) -> None:
    """Open the rest of the fields, and fill some in."""
    tab.goto("/")
    tab.locator(MORE).click()
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#BornDate").fill("۱۳۶۹/۷/۱۵")
    tab.get_by_label("مشتری").check()


def invalid(tab: Page, _: Simulator) -> None:
    """Send every kind of field with an error."""
    tab.goto("/")
    tab.locator(MORE).click()
    for name, typed in {
        "Mobile": "۰۹۱۲",
        "FName": "ن" * 51,
        "Email": "ali@gmail.con",
        "AddressText": "ن" * 501,
        "BornDate": "۱۴۰۴/۱۲/۳۰",
        "CustomDate1": "۱۴۰۴/۰۵/۲۳",
        "Labels": "ب" * 51,
    }.items():
        tab.locator(f"#{name}").fill(typed)
    submit(tab)


def store_label(simulator: Simulator, label: str) -> None:
    """Have the portal know one contact, with this label."""
    simulator.purge()
    portal = AmootPortal(url=simulator.url, token=TOKEN, deadline=30)
    portal.create_contact(Contact(Mobile="09121234567", Labels=(label,)))


def respelled(tab: Page, simulator: Simulator) -> None:
    """Type a label in another spelling, once the server has learned of the portal's labels."""
    for _ in range(80):
        store_label(simulator, "VIP")
        tab.wait_for_timeout(250)
        tab.goto("/")
        tab.locator("#Mobile").fill(MOBILE)
        if not tab.locator("#Labels").is_visible():
            tab.locator(MORE).click()
        tab.locator("#Labels").fill("vip")
        submit(tab)
        if tab.locator("#Labels-error").count():
            return
    raise TimeoutError


def delivered(tab: Page, _: Simulator) -> None:
    """Record a contact."""
    tab.goto("/")
    tab.locator("#Mobile").fill(MOBILE)
    submit(tab)


def store_contact(simulator: Simulator, mobile: str = "09121234567") -> None:
    """Have the portal store a contact with the mobile number."""
    contact = Contact(Mobile=mobile, FName="سارا", LName="رضایی", CityName="شیراز")
    AmootPortal(url=simulator.url, token=TOKEN, deadline=10).create_contact(contact)


def duplicate_early(tab: Page, simulator: Simulator) -> None:
    """Type a known number, and go on to the next field."""
    store_contact(simulator)
    tab.goto("/f/asking")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#FName").fill("رضا")
    tab.locator("[data-outcome=duplicate]").wait_for()


def duplicate(tab: Page, simulator: Simulator) -> None:
    """Send a known number."""
    duplicate_early(tab, simulator)
    submit(tab)


def correcting(tab: Page, _: Simulator) -> None:
    """Correct a contact that was just recorded."""
    tab.goto("/f/asking")
    tab.locator("#Mobile").fill("09351230032")
    tab.locator("#FName").fill("سارا")
    tab.locator("#CityName").fill("تهران")
    submit(tab)
    if tab.locator("[data-outcome=duplicate]").count():  # this state was seen before
        with tab.expect_navigation():
            tab.locator("button[value=create]").click()
    tab.locator("[data-outcome=delivered]").get_by_role("link").click()
    tab.wait_for_load_state()


def correcting_uncertain(tab: Page, simulator: Simulator) -> None:
    """Lose the answer to a correction."""
    correcting(tab, simulator)
    if tab.locator("[name=contact]").count():
        with tab.expect_navigation():
            tab.locator("[name=contact]").first.click()
    answer_to(simulator, "ContactEdit", "Failed")
    tab.locator("#FName").fill("سارینا")
    submit(tab)


def correcting_unseen(tab: Page, simulator: Simulator) -> None:
    """Correct a contact while the token may not search."""
    delivered(tab, simulator)
    answer_to(simulator, "ContactSearch", "Token_NotAllowMethod")
    tab.locator("[data-outcome=delivered]").get_by_role("link").click()
    tab.wait_for_load_state()


def rejected(tab: Page, simulator: Simulator) -> None:
    """Have the portal refuse a contact."""
    answer_to(simulator, "ContactCreate", "Mobile_Invalid")
    delivered(tab, simulator)


def refused(tab: Page, simulator: Simulator) -> None:
    """Have the portal refuse the account."""
    answer_to(simulator, "ContactCreate", "Token_Expired")
    delivered(tab, simulator)


def uncertain(tab: Page, simulator: Simulator) -> None:
    """Have the portal break."""
    answer_to(simulator, "ContactCreate", "ServerError")
    delivered(tab, simulator)


def signup(tab: Page, _: Simulator) -> None:
    """Open the visitors' form."""
    tab.goto("/f/signup")


def signup_invalid(tab: Page, _: Simulator) -> None:
    """Send the visitors' form with errors."""
    tab.goto("/f/signup")
    tab.locator("#BornDate-day").fill("۳۱")
    tab.locator("#BornDate-month").select_option(label="مهر")
    tab.locator("#BornDate-year").fill("۱۳۶۹")
    submit(tab)


def signup_delivered(tab: Page, _: Simulator) -> None:
    """Sign up."""
    tab.goto("/f/signup")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#consent").check()
    submit(tab)


def signup_refused(tab: Page, simulator: Simulator) -> None:
    """Sign up while the account is in trouble."""
    answer_to(simulator, "ContactCreate", "CreditNotEnough")
    signup_delivered(tab, simulator)


def embedded(tab: Page, _: Simulator) -> None:
    """Open a form as a frame does."""
    tab.goto("/embed/event")


def embedded_invalid(tab: Page, _: Simulator) -> None:
    """Send an empty form from a frame."""
    tab.goto("/embed/event")
    submit(tab)


def embedded_done(tab: Page, _: Simulator) -> None:
    """Sign up in a frame."""
    tab.goto("/embed/event?utm_source=poster")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#consent").check()
    submit(tab)


def ask_code(tab: Page, _: Simulator) -> None:
    """Be asked for the code."""
    tab.goto("/f/club")
    tab.locator("#Mobile").fill(MOBILE)
    submit(tab)


def wrong_code(tab: Page, simulator: Simulator) -> None:
    """Type a wrong code."""
    ask_code(tab, simulator)
    tab.locator("#Code").fill("۱۲")
    submit(tab)


def change_number(tab: Page, simulator: Simulator) -> None:
    """Correct the number."""
    ask_code(tab, simulator)
    with tab.expect_navigation():
        tab.locator("[name=change]").click()


def embedded_code(tab: Page, _: Simulator) -> None:
    """Be asked for the code in a frame, once more and too early."""
    tab.goto("/embed/club")
    tab.locator("#Mobile").fill(MOBILE)
    submit(tab)
    with tab.expect_navigation():  # as another tab would
        tab.locator("[name=resend]").evaluate("each => { each.disabled = false; each.click(); }")


def codes_failing(tab: Page, simulator: Simulator) -> None:
    """Have the portal send no code; operators read why."""
    answer_to(simulator, "SendQuickOTP", "CreditNotEnough")
    ask_code(tab, simulator)
    until(tab, "/outbox", "[data-codes]")


def until(tab: Page, path: str, selector: str) -> None:
    """Open a page again and again until it shows something."""
    for _ in range(80):
        tab.goto(path)
        if tab.locator(selector).count():
            return
        tab.wait_for_timeout(250)
    raise TimeoutError(selector)


def calm(tab: Page) -> None:
    """Wait until the queue runs and nothing waits in it, whatever a test before has left."""

    def is_calm() -> bool:
        text = tab.request.get("/outbox").text()
        return "data-pause" not in text and messages.IN_QUEUE_NONE in text

    wait_until(is_calm)


def outbox_empty(tab: Page, _: Simulator) -> None:
    """Discard all that is in the outbox."""
    for path in ("/outbox?waiting=1", "/outbox?suspects=1", "/outbox"):
        discard_all(tab, path)


def discard_all(tab: Page, path: str) -> None:
    """Discard all of a list of the outbox, one by one."""
    tab.goto(path)
    while tab.locator("a.destroy").count():
        tab.goto(str(tab.locator("a.destroy").first.get_attribute("href")))
        with tab.expect_navigation():
            tab.locator("button.destroy").click()
        tab.goto(path)


def outbox(tab: Page, simulator: Simulator) -> None:
    """Have a robot sign up, and the portal reject a contact that waited, unless both are there."""
    tab.goto("/outbox")
    if tab.get_by_text("Mobile_Invalid").count() and tab.locator("[data-suspects]").count():
        tab.locator(".listing summary").first.click()
        simulator.mood = lambda _: "Mobile_Invalid"
        return
    outbox_empty(tab, simulator)
    tab.goto("/f/signup")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#consent").check()
    tab.locator(f"#{HONEYPOT_INPUT}").fill("x", force=True)
    submit(tab)
    simulator.mood = lambda _: "Token_Expired"
    delivered(tab, simulator)
    simulator.mood = lambda _: "Mobile_Invalid"
    until(tab, "/outbox", "tr:has-text('Mobile_Invalid')")
    tab.locator(".listing summary").first.click()


def outbox_waiting(tab: Page, simulator: Simulator) -> None:
    """List what waits."""
    uncertain(tab, simulator)
    tab.goto("/outbox?waiting=1")


def outbox_suspects(tab: Page, simulator: Simulator) -> None:
    """List what a robot may have sent, and open it."""
    outbox(tab, simulator)
    tab.goto("/outbox?suspects=1")
    tab.locator(".listing summary").first.click()


def outbox_discard_several(tab: Page, simulator: Simulator) -> None:
    """Be asked whether to discard all that a search has found."""
    outbox(tab, simulator)
    tab.goto(f"/outbox?q={MOBILE}")
    tab.locator("[name=all]").check()
    with tab.expect_navigation():
        tab.locator(".bulk [name=discard]").click()


def outbox_discard(tab: Page, simulator: Simulator) -> None:
    """Be asked whether to discard an entry."""
    outbox(tab, simulator)
    tab.goto(str(tab.locator("a.destroy").first.get_attribute("href")))


def outbox_correct(tab: Page, simulator: Simulator) -> None:
    """Open a rejected contact to correct it."""
    outbox(tab, simulator)
    card = tab.locator("article", has_text="Mobile_Invalid")
    tab.goto(str(card.locator("a.second").get_attribute("href")))


def outbox_retried(tab: Page, simulator: Simulator) -> None:
    """Queue all again."""
    outbox(tab, simulator)
    tab.locator("[name=all]").check()
    with tab.expect_navigation():
        tab.locator(".bulk [name=retry]").click()


def statistics(tab: Page, simulator: Simulator) -> None:
    """See what was submitted, with each chart and table, as soon as it is counted."""
    delivered(tab, simulator)
    embedded_done(tab, simulator)
    rejected(tab, simulator)
    until(tab, "/statistics", "#source")
    until(tab, "/statistics", "#funnel")


def statistics_year(tab: Page, simulator: Simulator) -> None:
    """See the weeks of a year."""
    delivered(tab, simulator)
    tab.goto("/statistics?days=365")


def queued(tab: Page, simulator: Simulator) -> None:
    """Record a contact while the queue is paused."""
    simulator.mood = lambda _: "Token_Expired"
    delivered(tab, simulator)
    delivered(tab, simulator)
    simulator.purge()


def import_file(tab: Page, _: Simulator) -> None:
    """Open the page that asks for a spreadsheet."""
    tab.goto("/import")


def import_broken(tab: Page, _: Simulator) -> None:
    """Bring a file that cannot be read."""
    bring(tab, b"\xff\xfe\x00\x01broken\xd8\x00")


def bring(tab: Page, content: bytes) -> None:
    """Bring a file."""
    tab.goto("/import")
    file = {"name": "rows.csv", "mimeType": "text/csv", "buffer": content}
    tab.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    with tab.expect_navigation():
        tab.locator("main form button").click()


def import_preview(tab: Page, _: Simulator) -> None:
    """See rows that are ready, wrong and there twice, and dates in an unknown order."""
    rows = (
        "Mobile,FName,x,BornDate",
        f"{MOBILE},سارا,1,3/4/1985",
        "0912,علی,2,",
        f"{MOBILE},رضا,3,",
        f"{MOBILE[:-1]}9,{'ن' * 45},,",
    )
    bring(tab, "\n".join(rows).encode())


def import_done(tab: Page, simulator: Simulator) -> None:
    """Have one row refused, and see the report; a file that was brought before is changed."""
    simulator.mood = lambda _: "Mobile_Invalid"
    bring(tab, f"Mobile,{int(time.monotonic())}\n{MOBILE},\n".encode())
    with tab.expect_navigation():
        tab.locator("[name=go]").click()
    tab.wait_for_selector("[data-state=done]", timeout=60_000)
    simulator.mood = None


def install(tab: Page, _: Simulator) -> None:
    """Open the operator's page about embedding a form."""
    tab.goto("/install/event")


def link(tab: Page, _: Simulator) -> None:
    """Make a link with a source."""
    tab.goto("/install/event")
    tab.locator("#source").fill("پوستر نمایشگاه")
    with tab.expect_navigation():
        tab.locator(".source button").click()


def link_without_site(tab: Page, _: Simulator) -> None:
    """Open the operator's page of a form that can be neither embedded nor told a source."""
    tab.goto("/install/signup")


def poster(tab: Page, _: Simulator) -> None:
    """Open the poster of a form."""
    tab.goto("/install/event/poster?utm_source=poster")


def not_found(tab: Page, _: Simulator) -> None:
    """Open an address that is not there."""
    tab.goto("/nowhere")


def paste(tab: Page, selector: str, length: int) -> None:
    """Put a long text into a field; typing it would take seconds."""
    tab.locator(selector).evaluate("(field, n) => { field.value = 'ن'.repeat(n) }", length)


def too_long(tab: Page, _: Simulator) -> None:
    """Send more than the limit."""
    tab.goto("/f/signup")
    paste(tab, "#FName", MAX_BODY_BYTES)
    submit(tab)


def too_large(tab: Page, _: Simulator) -> None:
    """Send more than is read at all."""
    tab.goto("/")
    tab.locator(MORE).click()
    paste(tab, "#AddressText", 4 * MAX_BODY_BYTES)
    submit(tab)


STATES: Final = (
    empty,
    help_page,
    keys,
    opened,
    invalid,
    respelled,
    duplicate_early,
    duplicate,
    delivered,
    correcting,
    correcting_uncertain,
    correcting_unseen,
    rejected,
    refused,
    uncertain,
    signup,
    signup_invalid,
    signup_delivered,
    signup_refused,
    ask_code,
    wrong_code,
    change_number,
    embedded_code,
    codes_failing,
    embedded,
    embedded_invalid,
    embedded_done,
    outbox_empty,
    outbox,
    outbox_waiting,
    outbox_suspects,
    outbox_discard_several,
    outbox_discard,
    outbox_correct,
    outbox_retried,
    statistics,
    statistics_year,
    queued,
    import_file,
    import_broken,
    import_preview,
    import_done,
    install,
    link,
    link_without_site,
    poster,
    not_found,
    too_long,
    too_large,
)

# Further words on a page whose other words are looked at: only `make nightly` goes there.
ALIKE: Final = frozenset(
    {
        opened,
        uncertain,
        signup_delivered,
        queued,
        embedded_invalid,
        link,
        duplicate_early,
        refused,
        signup_refused,
        correcting_uncertain,
        correcting_unseen,
        codes_failing,
        wrong_code,
        embedded_code,
        outbox_waiting,
        outbox_suspects,
        outbox_discard_several,
        outbox_retried,
        statistics_year,
        import_broken,
        link_without_site,
        too_large,
    }
)
