"""Further checks of text fields: national code, postal code, landline, digits."""

from collections.abc import Callable

import pytest
from flask import Flask
from support import Page
from tables import each

from webapp.demo import Simulator
from webapp.forms.definitions_file import DefinitionError, parse
from webapp.persian import Check, InvalidText, check_text

FORM = """
[forms.contact]
title = "ثبت مخاطب"
access = "intranet"
fields = ["Mobile", "CustomText1", "BornDate"]

[forms.contact.checks]
"""
MOBILE = "09121234567"


@each(
    ("check", "typed", "digits"),
    [
        (Check.NATIONAL_CODE, "0012345679", "0012345679"),
        (Check.NATIONAL_CODE, "۰۰۱۲۳۴۵۶۷۹", "0012345679"),
        (Check.NATIONAL_CODE, "001-234567-9", "0012345679"),
        (Check.NATIONAL_CODE, "1234567891", "1234567891"),
        (Check.POSTAL_CODE, "۱۹۹۵۷-۴۷۱۳۵", "1995747135"),
        (Check.LANDLINE, "(021) 8888 1234", "02188881234"),
        (Check.DIGITS, "٤٢ ٠٠", "4200"),
    ],
)
def test_right_number_is_read_as_ascii_digits(check: Check, typed: str, digits: str) -> None:
    """In any digits, and with any separators."""
    assert check_text(check, typed, caption="کد") == digits


@each(
    ("check", "typed"),
    [
        (Check.NATIONAL_CODE, "0012345678"),  # another check digit
        (Check.NATIONAL_CODE, "0012345697"),  # two digits swapped
        (Check.NATIONAL_CODE, "1111111111"),  # passes the sum, but is not assigned
        (Check.NATIONAL_CODE, "001234567"),
        (Check.NATIONAL_CODE, "00123456790"),
        (Check.NATIONAL_CODE, "کد ملی"),
        (Check.POSTAL_CODE, "0995747135"),
        (Check.POSTAL_CODE, "199574713"),
        (Check.LANDLINE, "09121234567"),
        (Check.LANDLINE, "88881234"),
        (Check.DIGITS, "12a"),
        (Check.DIGITS, "۱۲²"),
    ],
)
def test_wrong_number_is_refused_with_the_label(check: Check, typed: str) -> None:
    """In Persian."""
    with pytest.raises(InvalidText, match="کد"):
        check_text(check, typed, caption="کد")


def test_every_single_wrong_digit_of_a_national_code_is_noticed() -> None:
    """That is what a check digit is for."""
    code = "0012345679"
    for place in range(10):
        for digit in set("0123456789") - {code[place]}:
            with pytest.raises(InvalidText):
                check_text(
                    Check.NATIONAL_CODE, code[:place] + digit + code[place + 1 :], caption="کد"
                )


def test_form_with_a_check_refuses_beside_the_field_and_sends_digits(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """What was typed stays; what passes is sent as ASCII digits; empty passes."""
    page = Page(make_app(forms=f'{FORM}CustomText1 = "national-code"\n').test_client())
    assert page.send(Mobile=MOBILE, CustomText1="۰۰۱۲۳۴۵۶۷۸").status_code == 422
    assert "فیلد سفارشی ۱" in page.error("CustomText1")
    assert page.html.values["CustomText1"] == ["۰۰۱۲۳۴۵۶۷۸"]
    page.send(Mobile=MOBILE, CustomText1="۰۰۱۲۳۴۵۶۷۹")
    assert page.html.outcome == "delivered"
    page.send(Mobile=MOBILE, CustomText1="")
    assert page.html.outcome == "delivered"
    assert [stored["CustomText1"] for stored in portal.contacts] == ["0012345679", None]


@each(
    ("line", "fault"),
    [
        ('CustomText1 = "national"', "must be "),
        ('CustomText2 = "digits"', "is not shown"),
        ('BornDate = "digits"', "has a check of its own"),
        ('Nonsense = "digits"', "unknown field"),
    ],
)
def test_wrong_check_in_the_file_is_named_with_its_line(line: str, fault: str) -> None:
    """The app does not start."""
    with pytest.raises(DefinitionError) as caught:
        parse(f"{FORM}{line}\n", source="forms.toml")
    assert any(fault in text and "forms.toml:8" in text for text in caught.value.faults)
