"""Rows of spreadsheets: read by the rules of the form, with the same messages."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from support import FULL_FORM
from tables import each

from webapp import messages
from webapp.contact import FIELDS, Contact, FieldKind, Value
from webapp.forms import ContactForm, build_form
from webapp.forms.definitions import Access, DateInput, FormDefinition
from webapp.forms.tokens import Tokens
from webapp.imports.cells import as_typed
from webapp.imports.columns import guess_columns, sample_workbook
from webapp.imports.file import Row, Sheet, safe_cell
from webapp.imports.rows import RowFault, read_row, read_shared
from webapp.imports.sheet_parser.__main__ import parse
from webapp.messages import imports as texts
from webapp.persian import Check, InvalidText

ALL = FormDefinition(
    slug="all",
    title="همه",
    access=Access.INTRANET,
    fields=tuple(FIELDS.values()),
    required=frozenset(),
    free_labels=True,
    label_choices=("مشتری", "همکار"),
    checks={"CustomText1": Check.NATIONAL_CODE, "CustomText2": Check.DIGITS},
    labels=("فهرست",),
    fixed={},
    dates=DateInput.TEXT,
)


def read(
    cells: Mapping[str, str], form: FormDefinition = ALL, shared: Mapping[str, Value] | None = None
) -> Contact | tuple[RowFault, ...]:
    """Read a row of cells by their fields."""
    row = Row(2, tuple(cells.values()))
    return read_row(form, tuple(cells), row, shared=shared or {}, epoch_1904=False)


def filled(app: Flask, form: FormDefinition, data: Mapping[str, Any]) -> ContactForm:
    """Return the form as a page would have it, sent with these texts."""
    with app.test_request_context("/", method="POST", data=data):
        sent = build_form(form, Tokens(["key"]))()
        sent.validate()
        return sent


PIECES = st.sampled_from(
    ["0912", "۱۲۳۴۵۶۷", "9.12E+09", ".0", "'", "=", "+98", "1369/7/15", "33153", "a@b.ir", "خانم",
     "بله", "،", ";", "\n", "\0", "\ufffd", "\u200c", "\u202e", "ي", "ـ", " ", "x" * 60, "<b>"]
)  # fmt: skip
HOSTILE = st.one_of(st.lists(PIECES, max_size=4).map("".join), st.text(max_size=30))


@given(cells=st.fixed_dictionaries(dict.fromkeys(FIELDS, HOSTILE)))
@pytest.mark.slow
def test_row_and_page_agree_on_value_or_message(app: Flask, cells: dict[str, str]) -> None:
    """For each field, and whatever its text is."""
    typed: dict[str, str] = {}
    for name, cell in cells.items():
        with suppress(InvalidText):  # of a cell that no person would type
            typed[name] = as_typed(FIELDS[name], cell, check=ALL.checks.get(name))
    typed["Active"] = typed.get("Active") or "true"  # a checkbox cannot say nothing
    page = filled(app, ALL, typed)
    for name in typed:
        found = read({name: cells[name]})
        if isinstance(found, Contact):
            assert not page[name].errors, (name, cells[name])
            data = (*ALL.labels, *page[name].data) if name == "Labels" else page[name].data
            assert found[name] == data
        elif name != "Active":
            assert [fault.message for fault in found] == list(page[name].errors)


def test_row_and_page_agree_on_what_is_required(app: Flask) -> None:
    """With the same message for an empty field."""
    form = replace(ALL, required=frozenset(FIELDS) - {"Active"})
    page = filled(app, form, {})
    found = read(dict.fromkeys(FIELDS, " "), form)
    assert isinstance(found, tuple)
    assert {fault.field: [fault.message] for fault in found} == {
        name: list(page[name].errors) for name in FIELDS if name != "Active"
    }


def test_row_and_page_make_the_same_contact(app: Flask) -> None:
    """With the fixed values and the labels of the form."""
    fields = tuple(row for name, row in FIELDS.items() if name != "JobTitle")
    form = replace(ALL, fields=fields, fixed={"JobTitle": "مدیر"}, checks={})
    texts_of_page = {name: FULL_FORM[name] for name in FIELDS if name != "JobTitle"}
    cells = {
        name: it if isinstance(it, str) else "،".join(it) for name, it in texts_of_page.items()
    }
    page = filled(app, form, texts_of_page)
    found = read(cells, form)
    assert isinstance(found, Contact)
    with app.test_request_context("/"):
        assert found == page.to_contact()
    assert found["JobTitle"] == "مدیر"


def test_row_with_several_faults_names_them_all() -> None:
    """Each with its column and its cell, in the order of the form; none in its repr."""
    form = replace(ALL, required=frozenset({"Mobile", "LName"}))
    row = Row(7, ("x@", "علی", "9.12E+09"))
    found = read_row(form, ("Email", "", "Mobile"), row, shared={}, epoch_1904=False)
    assert isinstance(found, tuple)
    assert [(it.field, it.column, it.cell) for it in found] == [
        ("Mobile", 2, "9.12E+09"),
        ("LName", None, ""),
        ("Email", 0, "x@"),
    ]
    assert found[0].message == texts.DIGITS_LOST
    assert "9.12" not in repr(found)


def test_values_for_all_rows_stand_where_a_row_has_none() -> None:
    """Labels come to the row's own."""
    shared: dict[str, Value] = {"CityName": "تهران", "GenderType": True, "Labels": ("نمایشگاه",)}
    one = read({"Mobile": "09121234567", "Labels": "ویژه", "GenderType": "زن"}, shared=shared)
    other = read({"Mobile": "09121234568", "CityName": "شیراز"}, shared=shared)
    assert isinstance(one, Contact)
    assert isinstance(other, Contact)
    assert (one["CityName"], one["GenderType"]) == ("تهران", False)
    assert one["Labels"] == ("فهرست", "ویژه", "نمایشگاه")
    assert (other["CityName"], other["GenderType"]) == ("شیراز", True)
    assert other["Labels"] == ("فهرست", "نمایشگاه")


def test_labels_for_all_rows_and_a_rows_own_follow_the_rules_for_labels_together() -> None:
    """The same label in two spellings is one, the row's; there are at most twenty."""
    found = read({"Labels": "VIP"}, shared={"Labels": ("vip", "نمایشگاه")})
    assert isinstance(found, Contact)
    assert found["Labels"] == ("فهرست", "VIP", "نمایشگاه")
    shared: dict[str, Value] = {"Labels": tuple(f"b{n}" for n in range(15))}
    assert isinstance(read({"Labels": "a1,a2,a3,a4,a5"}, shared=shared), Contact)
    refused = read({"Labels": "a1,a2,a3,a4,a5,a6"}, shared=shared)
    assert isinstance(refused, tuple)
    assert [(it.field, it.message) for it in refused] == [("Labels", messages.LABELS_TOO_MANY)]


def test_label_for_all_rows_is_one_that_the_form_offers_where_labels_are_not_free() -> None:
    """In the form's spelling, as in a row."""
    form = replace(ALL, free_labels=False)
    assert read_shared(form, FIELDS["Labels"], "همكار") == ("همکار",)
    with pytest.raises(InvalidText, match="ویژه"):
        read_shared(form, FIELDS["Labels"], "ویژه")
    assert read_shared(ALL, FIELDS["Labels"], "ویژه") == ("ویژه",)
    assert read_shared(form, FIELDS["CityName"], " تهران ") == "تهران"


def test_label_that_the_form_does_not_offer_is_refused_where_labels_are_not_free() -> None:
    """A choice is understood in any spelling."""
    form = replace(ALL, free_labels=False)
    found = read({"Labels": "مشتري، همكار"}, form)
    assert isinstance(found, Contact)
    assert found["Labels"] == ("فهرست", "مشتری", "همکار")
    refused = read({"Labels": "مشتری، ویژه"}, form)
    assert isinstance(refused, tuple)
    assert "ویژه" in refused[0].message


def test_cells_of_our_own_export_come_back_as_they_were() -> None:
    """It protects those that begin like a formula."""
    found = read({"FName": safe_cell("=1+1"), "LName": safe_cell("-x"), "Mobile": "'+989121234567"})
    assert isinstance(found, Contact)
    assert (found["FName"], found["LName"], found["Mobile"]) == ("=1+1", "-x", "09121234567")


def sample(form: FormDefinition) -> Sheet:
    """Return the first sheet of a form's sample file."""
    table, _ = parse(sample_workbook(form))
    rows = tuple(Row(number, tuple(cells)) for number, cells in table.rows)
    return Sheet(tuple(table.header or ()), rows, epoch_1904=False)


CHECKED = [f"CustomText{number}" for number in range(1, 5)]
FORMS: Sequence[FormDefinition] = (
    replace(ALL, checks=dict(zip(CHECKED, Check, strict=True))),
    replace(ALL, fields=(FIELDS["LName"], FIELDS["Mobile"]), required=frozenset({"Mobile"})),
    replace(ALL, free_labels=False),
)


@each("form", FORMS)
def test_sample_of_a_form_is_understood_by_it(form: FormDefinition) -> None:
    """Its examples are valid, but not taken for contacts as they stand."""
    sheet = sample(form)
    columns = guess_columns(form, sheet)
    assert columns == tuple(row.name for row in form.fields)
    assert len(sheet.rows) == 2
    for row in sheet.rows:
        found = read_row(form, columns, row, shared={}, epoch_1904=False)
        assert isinstance(found, tuple)
        assert [fault.message for fault in found] == [texts.EXAMPLE_ROW]
        cells = list(row.cells)
        cells[columns.index("Mobile")] = "09121234567"
        changed = read_row(form, columns, Row(2, tuple(cells)), shared={}, epoch_1904=False)
        assert isinstance(changed, Contact), changed
        assert all(changed[it.name] for it in form.fields if it.kind is not FieldKind.GENDER
                   and it.kind is not FieldKind.ACTIVE)  # fmt: skip
