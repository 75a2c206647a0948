"""The whole way in a real browser: an operator types, the portal stores."""

from playwright.sync_api import Page, expect
from support import FULL_FORM

from webapp import messages
from webapp.demo import Simulator
from webapp.messages import desk

STORED = {
    "Active": True,
    "Mobile": 989121234567,
    "FName": "علی‌رضا",
    "LName": "کاظمی",
    "GenderType": True,
    "CompanyTitle": "شرکت نمونهٔ ایران",
    "JobTitle": "مدیر فروش",
    "Email": "Ali@example.com",
    "CityName": "تهران",
    "AddressText": "خیابان آزادی\nپلاک ۱۲، واحد ۳",
    "BornDate": "1990-10-07T00:00:00",
    "AnniversaryDate": "2016-06-13T00:00:00",
    "CustomText1": "الف",
    "CustomText2": "ب",
    "CustomText3": "پ",
    "CustomText4": "ت",
    "CustomText5": "ث",
    "CustomText6": "ج",
    "CustomDate1": "2025-08-14T00:00:00",
    "CustomDate2": "2025-08-15T00:00:00",
    "CustomDate3": "2025-08-16T00:00:00",
    "Labels": ["مشتری", "ویژه", "نمایشگاه ۱۴۰۵"],
}


def test_all_fields_filled_in_persian_are_stored_field_by_field(
    tab: Page, simulator: Simulator
) -> None:
    """Persian digits, a Jalali date, an Arabic keyboard's letters: the portal has it right."""
    tab.goto("/")
    tab.get_by_text(messages.MORE_FIELDS, exact=False).click()
    tab.get_by_label("آقا").check()
    tab.get_by_label("مشتری").check()
    ticked_or_listed = {"GenderType", "Labels", "Active"}
    for name, value in FULL_FORM.items():
        if name not in ticked_or_listed:
            tab.locator(f"#{name}").fill(str(value))
    tab.locator("#Labels").fill(FULL_FORM["Labels"][1])
    tab.get_by_role("button", name=messages.SUBMIT).click()
    message = tab.locator("[data-outcome=delivered]")
    expect(message).to_contain_text(desk.RECORDED)
    expect(message).to_contain_text("۰۹۱۲•••۴۵۶۷")
    reference = message.get_attribute("data-reference") or ""
    assert f"{reference[:4]} {reference[4:]}" in message.inner_text()
    stored = simulator.contacts[-1]
    assert {name: stored[name] for name in STORED} == STORED


def test_contact_takes_no_mouse(tab: Page, simulator: Simulator) -> None:
    """Mobile, names and a label from the keyboard alone, twice in a row."""
    tab.goto("/")
    for mobile in ("09121111111", "09122222222"):
        expect(tab.locator("#Mobile")).to_be_focused()
        tab.keyboard.type(mobile)
        tab.keyboard.press("Tab")
        tab.keyboard.type("سارا")
        tab.keyboard.press("Tab")
        tab.keyboard.type("نوری")
        tab.keyboard.press("Tab")  # gender
        tab.keyboard.press("Tab")  # city
        tab.keyboard.press("Tab")  # the first known label
        tab.keyboard.press("Space")
        tab.keyboard.press("Enter")
        expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
        assert simulator.contacts[-1]["Labels"] == ["مشتری"]
        assert simulator.contacts[-1]["Mobile"] == int("98" + mobile[1:])


def test_after_an_error_the_summary_has_the_focus_and_leads_to_the_field(tab: Page) -> None:
    """Without script the browser does it all."""
    tab.goto("/")
    tab.locator("#Mobile").fill("۰۹۱۲")
    tab.keyboard.press("Enter")
    summary = tab.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(tab).to_have_title("خطا: ثبت مخاطب")
    summary.get_by_role("link").click()
    expect(tab.locator("#Mobile")).to_be_focused()
    expect(tab.locator("#Mobile")).to_have_value("۰۹۱۲")


def test_page_loads_nothing_from_elsewhere_and_breaks_no_rule_of_its_policy(tab: Page) -> None:
    """All requests go to the server; the browser's console stays empty."""
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto("/")
    tab.wait_for_load_state("networkidle")
    own = tab.url
    assert asked
    assert all(url.startswith(own) for url in asked)
    assert said == []
