"""What people have begun when the server stops, is killed, or comes back as another version."""

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import python_calamine
from databases import fill_sqlite
from playwright.sync_api import Page, expect
from support import SECRET, TOKEN
from walking import Installation, bring, bring_file, open_entry, send, until

from webapp import messages
from webapp.contact import Contact
from webapp.messages import imports as texts
from webapp.portal.client import AmootPortal

DELIVERED, QUEUED = "[data-outcome=delivered]", "[data-outcome=queued]"
NEW_SECRET = "another-key-of-the-tests-of-32-characters"


def test_tabs_that_were_open_when_the_key_changed_submit_once_each(
    own: Callable[..., Installation], person: Callable[..., Page]
) -> None:
    """Sent twice, by Back and by a reload, and with a key that is gone: what was typed stays."""
    installation = own()
    installation.start()
    first = person(base_url=installation.url)
    second, third = first.context.new_page(), first.context.new_page()
    for tab in (first, second, third):
        tab.goto("/")
    send(first, Mobile="0912", FName="سارا")
    expect(first.locator("#Mobile-error")).to_be_visible()
    send(first, Mobile="09128880001")
    reference = first.locator(DELIVERED).get_attribute("data-reference")

    installation.stop()
    installation.start(SECRET_KEY=f"{NEW_SECRET} {SECRET}")
    first.go_back()
    first.reload()
    expect(first.locator("#Mobile-error")).to_be_visible()
    send(first, Mobile="09128880001")
    expect(first.locator(DELIVERED)).to_be_visible()
    assert first.locator(DELIVERED).get_attribute("data-reference") == reference
    send(second, Mobile="09128880002", FName="نیما")
    expect(second.locator(DELIVERED)).to_be_visible()
    assert second.locator(DELIVERED).get_attribute("data-reference") != reference
    expect(second.locator(".recent tbody tr")).to_have_count(2)
    second.reload()
    assert installation.received() == ["سارا", "نیما"]

    installation.stop()
    installation.start(SECRET_KEY=NEW_SECRET)
    send(third, Mobile="09128880003", FName="رضا")
    expect(third.get_by_role("alert")).to_contain_text(messages.FORM_EXPIRED)
    third.reload()
    expect(third.locator("#FName")).to_have_value("رضا")
    expect(third.locator("#Mobile")).to_have_value("09128880003")
    assert installation.received() == ["سارا", "نیما"]
    send(third)
    expect(third.locator(DELIVERED)).to_be_visible()
    assert installation.received() == ["رضا", "سارا", "نیما"]


def test_imported_file_and_visitors_survive_a_dead_portal_and_a_killed_server(
    own: Callable[..., Installation], person: Callable[..., Page], tmp_path: Path
) -> None:
    """A wrong row is mended in its own file and brought again; each contact arrives once."""
    installation = own()
    installation.start()
    portal = installation.portal
    desk, visitor = (person(base_url=installation.url) for _ in range(2))
    rows = [f"091299900{number:02},ردیف {number:02}" for number in range(30)] + ["0912,ردیف 30"]
    bring(desk, *rows)
    expect(desk.locator("[data-rows-ready='30'][data-rows-wrong='1']")).to_be_visible()
    with desk.expect_download() as download:
        desk.get_by_role("link", name=texts.DOWNLOAD_WRONG).click()
    wrong = tmp_path / "wrong.xlsx"
    download.value.save_as(wrong)
    desk.locator("[name=go]").click()
    desk.locator("[name=pause]").wait_for()
    until("some rows have arrived", lambda: len(portal.contacts) >= 3)
    portal.close()
    until("the queue is paused", installation.is_paused)
    visitor.goto("/f/busy")
    send(visitor, Mobile="09129990100", FName="سارا")
    reference = visitor.locator(QUEUED).get_attribute("data-reference")

    bring_file(desk, mended(wrong))
    expect(desk.locator("[data-rows-ready='1'][data-rows-wrong='0']")).to_be_visible()
    desk.locator("[name=go]").click()
    desk.locator("[name=pause]").wait_for()
    before, portal.latency = len(portal.contacts), 0.3
    portal.start()
    until("some more have arrived", lambda: len(portal.contacts) > before)
    installation.kill()  # while answers are under way
    assert "sending" in {state for state, _ in installation.states()}
    portal.latency = 0
    installation.start()
    installation.move_clock(60)  # leases of the killed process have ended
    visitor.reload()
    assert visitor.locator(QUEUED).get_attribute("data-reference") == reference
    visitor.goto("/f/busy")
    send(visitor, Mobile="09129990101", FName="نیما")
    expect(visitor.locator(DELIVERED).or_(visitor.locator(QUEUED))).to_be_visible()

    everybody = sorted([f"ردیف {number:02}" for number in range(31)] + ["سارا", "نیما"])
    until("all have arrived", lambda: len(portal.contacts) >= len(everybody))
    installation.wait_until_delivered()
    bring(desk, *rows)  # the first file once more
    desk.locator("[name=go]").click()
    expect(desk.locator("[data-state=done][data-rows-known='30']")).to_be_visible()
    installation.wait_until_delivered()
    assert installation.received() == everybody


def mended(wrong: Path) -> bytes:
    """Correct the number in the file of wrong rows, as an operator does, and save it as CSV."""
    sheet = python_calamine.load_workbook(str(wrong)).get_sheet_by_index(0).to_python()
    lines = [[str(cell).replace("0912", "09129990030") for cell in row] for row in sheet]
    text = wrong.with_suffix(".csv")
    with text.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return text.read_bytes()


def test_upgrade_from_1_0_0_delivers_what_waited_once_and_keeps_what_was_held(
    own: Callable[..., Installation], person: Callable[..., Page]
) -> None:
    """With a second worker beside the server; what perhaps arrived before is looked up."""
    installation = own()
    portal = installation.portal
    make_database_of_1_0_0(installation.database)
    client = AmootPortal(url=portal.url, token=TOKEN, deadline=60)
    for name in ("شاید", "در راه"):  # 1.0.0 sent these, and nobody heard the answer
        client.create_contact(Contact(Mobile=MOBILES[name], FName=name))
    portal.mood = lambda _: "Token_Expired"
    installation.start()
    until("the queue is paused", installation.is_paused)
    installation.start_worker()
    desk = person(base_url=installation.url)
    desk.goto("/")
    send(desk, Mobile="09130000099", FName="تازه")
    expect(desk.locator(QUEUED)).to_be_visible()
    portal.mood = None
    installation.wait_until_delivered()
    waited = {name for name in MOBILES if name not in ("نگه‌داشته", "نپذیرفته")}
    assert installation.received() == sorted(waited | {"تازه"})

    desk.goto("/outbox")
    expect(desk.locator("article")).to_have_count(1)
    desk.goto("/outbox?suspects=1")
    held = open_entry(desk, "نگه‌داشته")
    expect(held).to_contain_text(messages.SUSPECT_STATUSES["honeypot"])
    expect(held).to_contain_text(f"{messages.OPERATOR} sara")
    held.get_by_role("button", name=messages.RETRY_ONE).click()
    expect(desk.locator("[data-outcome=retried]")).to_be_visible()
    installation.wait_until_delivered()
    assert installation.received() == sorted(waited | {"تازه", "نگه‌داشته"})


NAMES = [*(f"منتظر {number:02}" for number in range(20)), "شاید", "در راه", "نگه‌داشته", "نپذیرفته"]
MOBILES = {name: f"091300000{number:02}" for number, name in enumerate(NAMES)}


def make_database_of_1_0_0(file: Path) -> None:
    """Make a database as version 1.0.0 left it, with contacts in each state."""
    fill_sqlite(file)
    states = {
        "شاید": {"uncertain": True, "status": "ReadTimeout"},
        "در راه": {"state": "sending", "owner": "killed"},
        "نگه‌داشته": {"state": "held", "status": "honeypot", "operator": "sara"},
        "نپذیرفته": {"state": "rejected", "status": "Mobile_Invalid"},
    }
    now = datetime.now(UTC).replace(tzinfo=None)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM outbox")
        for number, name in enumerate(NAMES):
            add_row(database, number, now, **{"contact": contact_of(name), **states.get(name, {})})
        add_row(database, len(NAMES), now, contact=None, state="delivered")


BLANK_OF_1_0_0 = {
    **dict.fromkeys(("LName", "CompanyTitle", "JobTitle", "Email", "CityName", "AddressText"), ""),
    **{f"CustomText{number}": "" for number in range(1, 7)},
    **dict.fromkeys(("GenderType", "BornDate", "AnniversaryDate")),
    **{f"CustomDate{number}": None for number in range(1, 4)},
    "Labels": [],
    "Active": True,
}


def contact_of(name: str) -> str:
    """Write a contact as 1.0.0 did."""
    return json.dumps({**BLANK_OF_1_0_0, "Mobile": MOBILES[name], "FName": name})


def add_row(database: sqlite3.Connection, number: int, now: datetime, **changes: object) -> None:
    """Add a row of the outbox as 1.0.0 did; it waits, unless it is told otherwise."""
    later = now + timedelta(days=3)
    row: dict[str, object] = {
        "key": f"{number:02x}" * 32,
        "form": "contact",
        "state": "queued",
        "status": "",
        "due": str(later if changes.get("state") in ("held", "rejected", "delivered") else now),
        "give_up_at": str(later),
        **dict.fromkeys(("uncertain", "blind"), False),
        **dict.fromkeys(("attempts", "unexplained", "looks"), 0),
        "created_at": str(now),
        **changes,
    }
    marks = ", ".join("?" * len(row))
    statement = f"INSERT INTO outbox ({', '.join(row)}) VALUES ({marks})"  # noqa: S608  our names
    database.execute(statement, tuple(row.values()))
