"""Reading a field's text without a form and a request, as the form reads it."""

import pytest
from flask import Flask
from tables import each

from webapp.contact import EMPTY, FIELDS, FieldKind
from webapp.forms import ContactForm, build_form
from webapp.forms.definitions import Access, DateInput, FormDefinition
from webapp.forms.reading import read_value
from webapp.forms.tokens import Tokens
from webapp.persian import Check, InvalidText

TEXTS = {
    FieldKind.MOBILE: ("+98 912 123 4567", "۰۹۱۲۱۲۳۴۵۶۷", "021 8888", ""),
    FieldKind.TEXT: ("علي  اكبري", "ن" * 201, "\u200f", "a\0b"),
    FieldKind.LINES: ("خیابان یک\r\nپلاک ۲", "ن" * 501, ""),
    FieldKind.EMAIL: ("sara@example.com", "sara@example", ""),
    FieldKind.GENDER: ("true", "false", ""),
    FieldKind.DATE: ("۱۵ مهر ۱۳۶۹", "1369/13/1", ""),
    FieldKind.LABELS: ("مشتری، #ویژه", "ن" * 51, ""),
}
CASES = [
    (name, text) for name, row in FIELDS.items() if row.kind in TEXTS for text in TEXTS[row.kind]
]


def filled(app: Flask, name: str, text: str) -> ContactForm:
    """Return a form that was sent with a text in one of its fields."""
    definition = FormDefinition(
        slug="all",
        title="همه",
        access=Access.INTRANET,
        fields=tuple(FIELDS.values()),
        required=frozenset(),
        free_labels=True,
        checks={"CustomText1": Check.NATIONAL_CODE},
        fixed={},
        dates=DateInput.TEXT,
    )
    with app.test_request_context("/", method="POST", data={name: text}):
        form = build_form(definition, Tokens(["key"]))()
        form.validate()
        return form


@each(("name", "text"), CASES)
def test_text_of_a_field_is_read_as_by_the_form(app: Flask, name: str, text: str) -> None:
    """With the same value, or the same message."""
    field = filled(app, name, text)[name]
    check = Check.NATIONAL_CODE if name == "CustomText1" else None
    if field.errors:
        with pytest.raises(InvalidText) as caught:
            read_value(FIELDS[name], text, check=check)
        assert str(caught.value) == field.errors[0]
    else:
        assert read_value(FIELDS[name], text, check=check) == field.data


@each("text", ["off", "false", "0", "on", "true"])
def test_text_of_the_checkbox_is_read_as_by_the_form(app: Flask, text: str) -> None:
    """What a browser may send for it."""
    assert read_value(FIELDS["Active"], text) is filled(app, "Active", text)["Active"].data


@each("name", FIELDS)
def test_missing_text_is_the_empty_value_of_its_field(name: str) -> None:
    """As in a spreadsheet's empty cell; a contact without a word on it is active."""
    assert read_value(FIELDS[name], "") == EMPTY[FIELDS[name].kind]


def test_unknown_gender_is_refused() -> None:
    """The form offers its choices, other sources may hold anything."""
    with pytest.raises(InvalidText):
        read_value(FIELDS["GenderType"], "maybe")
