"""Latin words and signs among Persian ones: each value keeps its own direction."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Page

from webapp import messages
from webapp.web.rendering.content import isolated

MOBILE = "09121234567"


def test_parts_of_a_list_are_isolated_one_by_one_and_escaped() -> None:
    """In one `<bdi>` for all, the first one would decide about the order of the others."""
    html = isolated(["C++", "<b>", "ویژه"], messages.COMMA)
    assert html == "<bdi>C++</bdi>، <bdi>&lt;b&gt;</bdi>، <bdi>ویژه</bdi>"


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """Open a browser of an operator whose form asks about known numbers."""
    forms = """
        [forms.asking]
        title = "C++"
        access = "intranet"
        fields = ["Mobile", "FName", "LName", "CompanyTitle", "CityName", "Labels"]
        captions = { FName = "نام (C++)" }
        free_labels = true
        label_choices = ["C#"]
        duplicates = "ask"
    """
    return make_app(forms=forms).test_client()


def test_names_company_city_and_labels_stand_in_a_bdi_each(client: FlaskClient) -> None:
    """In the receipt, in the list below it and in the question about a known number."""
    page = Page(client)
    page.send(Mobile=MOBILE, FName="Ali", LName="رضایی", CompanyTitle="C++", CityName="Köln")
    isolates = [text for _, text in page.html.find("bdi")]
    assert isolates.count("Ali") == isolates.count("رضایی") == 2  # the receipt and the list
    assert isolates.count("C++") == 2  # the form's title, and its link
    assert "C#" in isolates
    page.send(Mobile=MOBILE, FName="رضا")
    assert page.html.outcome == "duplicate"
    isolates = [text for _, text in page.html.find("bdi")]
    assert {"Ali", "رضایی", "C++", "Köln"} <= set(isolates)


def test_typed_values_are_isolated_within_sentences(client: FlaskClient) -> None:
    """`C++` stands with its signs behind it; so does a caption in the summary."""
    long = "C++" * 20
    page = Page(client)
    text = page.send(Mobile=MOBILE, FName="x" * 500, Labels=long).text
    assert f"«\u2068{long}\u2069»" in text
    assert f">\u2068برچسب‌ها\u2069: {messages.LABEL_TOO_LONG.format(label=long)}</a>" in text
